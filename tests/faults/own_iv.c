/* SoftHSM, as a token that makes the IVs of CKM_AES_GCM itself: what the caller gives is replaced, in the caller's buffer, by
 * another, as AWS CloudHSM does. Tests only. */
#include "front.h"

struct mechanism { unsigned long type; void *parameter; unsigned long length; };
struct gcm { unsigned char *iv; unsigned long iv_length; };

static CK_RV (*theirs)(unsigned long, struct mechanism *, unsigned long);

static CK_RV begin(unsigned long session, struct mechanism *mechanism, unsigned long key) {
    if (mechanism && mechanism->type == 0x1087) { /* CKM_AES_GCM */
        struct gcm *parameters = mechanism->parameter;
        for (unsigned long i = 0; i < parameters->iv_length; i++) parameters->iv[i] ^= 0x5a;
    }
    return theirs(session, mechanism, key);
}

static void change(void **function) {
    theirs = function[ENCRYPT_INIT];
    function[ENCRYPT_INIT] = begin;
}
