/* NSS softokn behind the plain PKCS#11 interface: it wants an init string (its database) in
 * C_Initialize's pReserved, which other modules have no use for. Tests only: softokn lets
 * non-extractable keys out, and must be refused. */
#include <dlfcn.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

typedef unsigned long CK_RV;
typedef CK_RV (*initialize)(void *);
/* CK_FUNCTION_LIST: a version, padded to a pointer, then the functions; C_Initialize is first. */
struct list { void *version; initialize first; void *rest[66]; };
struct arguments { void *create, *destroy, *lock, *unlock; unsigned long flags; char *parameters; void *reserved; };

static struct list ours;
static initialize theirs;

static CK_RV start(void *given) {
    struct arguments arguments;
    memset(&arguments, 0, sizeof arguments);
    (void)given;
    arguments.flags = 2; /* CKF_OS_LOCKING_OK */
    arguments.parameters = getenv("SOFTOKN_PARAMETERS");
    return theirs(&arguments);
}

CK_RV C_GetFunctionList(struct list **out) {
    void *module = dlopen("libsoftokn3.so", RTLD_NOW);
    CK_RV (*get)(struct list **) = module ? dlsym(module, "C_GetFunctionList") : NULL;
    struct list *list;
    CK_RV rv = get ? get(&list) : 5; /* CKR_GENERAL_ERROR */
    if (rv != 0) return rv;
    ours = *list;
    theirs = list->first;
    ours.first = start;
    *out = &ours;
    return 0;
}
