/* SoftHSM, as a module that hangs: the encryption that finds the file HANG takes it away, and does not return until there is
 * the file of that name with ".over" behind it. Tests only. */
#include "front.h"
#include <unistd.h>

static CK_RV (*theirs)(unsigned long, unsigned char *, unsigned long, unsigned char *, unsigned long *);

static CK_RV hang(unsigned long session, unsigned char *data, unsigned long length, unsigned char *out, unsigned long *room) {
    if (unlink(HANG) == 0)
        while (access(HANG ".over", F_OK) != 0) usleep(10000);
    return theirs(session, data, length, out, room);
}

static void change(void **function) {
    theirs = function[ENCRYPT];
    function[ENCRYPT] = hang;
}
