/* SoftHSM, as a token that is far away: MILLISECONDS before each call that carries data. What only asks for the size of an
 * answer is answered at once, as a vendor's library does by itself. For scripts/slow-token.sh. */
#include "front.h"
#include <time.h>

#define LATE(call) \
    static CK_RV (*call)(unsigned long, unsigned char *, unsigned long, unsigned char *, unsigned long *); \
    static CK_RV late_##call(unsigned long session, unsigned char *data, unsigned long length, unsigned char *out, unsigned long *room) { \
        const struct timespec delay = { MILLISECONDS / 1000, MILLISECONDS % 1000 * 1000000L }; \
        if (out) nanosleep(&delay, NULL); \
        return call(session, data, length, out, room); \
    }
LATE(encrypt)
LATE(decrypt)
LATE(sign)

static void change(void **function) {
    encrypt = function[ENCRYPT], function[ENCRYPT] = late_encrypt;
    decrypt = function[DECRYPT], function[DECRYPT] = late_decrypt;
    sign = function[SIGN], function[SIGN] = late_sign;
}
