/* SoftHSM, as a module that hangs: the encryption that finds the file HANG takes it away, and does not return until there is
 * the file of that name with ".over" behind it. Tests only. */
#include <dlfcn.h>
#include <stddef.h>
#include <unistd.h>

typedef unsigned long CK_RV;
typedef CK_RV (*encrypt)(unsigned long, unsigned char *, unsigned long, unsigned char *, unsigned long *);
/* CK_FUNCTION_LIST: a version, padded to a pointer, then the functions; C_Encrypt is the 31st. */
struct list { void *version; void *before[30]; encrypt encrypt; void *rest[37]; };

static struct list ours;
static encrypt theirs;

static CK_RV hang(unsigned long session, unsigned char *data, unsigned long length, unsigned char *out, unsigned long *room) {
    if (unlink(HANG) == 0)
        while (access(HANG ".over", F_OK) != 0) usleep(10000);
    return theirs(session, data, length, out, room);
}

CK_RV C_GetFunctionList(struct list **out) {
    void *module = dlopen(MODULE, RTLD_NOW);
    CK_RV (*get)(struct list **) = module ? dlsym(module, "C_GetFunctionList") : NULL;
    struct list *list;
    CK_RV rv = get ? get(&list) : 5; /* CKR_GENERAL_ERROR */
    if (rv != 0) return rv;
    ours = *list;
    theirs = list->encrypt;
    ours.encrypt = hang;
    *out = &ours;
    return 0;
}
