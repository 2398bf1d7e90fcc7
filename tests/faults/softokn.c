/* NSS softokn behind the plain PKCS#11 interface: it wants an init string (its database) in
 * C_Initialize's pReserved, which other modules have no use for. Tests only: softokn lets
 * non-extractable keys out, and must be refused. */
#define MODULE "libsoftokn3.so"
#include "front.h"
#include <stdlib.h>
#include <string.h>

struct arguments { void *create, *destroy, *lock, *unlock; unsigned long flags; char *parameters; void *reserved; };

static CK_RV (*theirs)(void *);

static CK_RV start(void *given) {
    struct arguments arguments;
    memset(&arguments, 0, sizeof arguments);
    (void)given;
    arguments.flags = 2; /* CKF_OS_LOCKING_OK */
    arguments.parameters = getenv("SOFTOKN_PARAMETERS");
    return theirs(&arguments);
}

static void change(void **function) {
    theirs = function[INITIALIZE];
    function[INITIALIZE] = start;
}
