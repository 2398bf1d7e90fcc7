/* A module in front of another, MODULE, some of whose functions `change` replaces. Each shim has its own. Tests only. */
#include <dlfcn.h>
#include <stddef.h>

typedef unsigned long CK_RV;
/* CK_FUNCTION_LIST: a version, padded to a pointer, then the functions in the standard's order. */
enum { INITIALIZE = 0, ENCRYPT_INIT = 29, ENCRYPT = 30, DECRYPT = 34, SIGN = 43, FUNCTIONS = 68 };
struct list { void *version; void *function[FUNCTIONS]; };

static void change(void **function);

CK_RV C_GetFunctionList(struct list **out) {
    static struct list ours;
    void *module = dlopen(MODULE, RTLD_NOW);
    CK_RV (*get)(struct list **) = module ? dlsym(module, "C_GetFunctionList") : NULL;
    struct list *list;
    CK_RV rv = get ? get(&list) : 5; /* CKR_GENERAL_ERROR */
    if (rv != 0) return rv;
    ours = *list;
    change(ours.function);
    *out = &ours;
    return 0;
}
