/* SoftHSM, as a token that makes the IVs of CKM_AES_GCM itself: what the caller gives is replaced, in the caller's buffer, by
 * another, as AWS CloudHSM does. Tests only. */
#include <dlfcn.h>
#include <stddef.h>

typedef unsigned long CK_RV;
struct mechanism { unsigned long type; void *parameter; unsigned long length; };
struct gcm { unsigned char *iv; unsigned long iv_length; };
typedef CK_RV (*encrypt_init)(unsigned long, struct mechanism *, unsigned long);
/* CK_FUNCTION_LIST: a version, padded to a pointer, then the functions; C_EncryptInit is the 30th. */
struct list { void *version; void *before[29]; encrypt_init encrypt_init; void *rest[38]; };

static struct list ours;
static encrypt_init theirs;

static CK_RV begin(unsigned long session, struct mechanism *mechanism, unsigned long key) {
    if (mechanism && mechanism->type == 0x1087) { /* CKM_AES_GCM */
        struct gcm *parameters = mechanism->parameter;
        for (unsigned long i = 0; i < parameters->iv_length; i++) parameters->iv[i] ^= 0x5a;
    }
    return theirs(session, mechanism, key);
}

CK_RV C_GetFunctionList(struct list **out) {
    void *module = dlopen(MODULE, RTLD_NOW);
    CK_RV (*get)(struct list **) = module ? dlsym(module, "C_GetFunctionList") : NULL;
    struct list *list;
    CK_RV rv = get ? get(&list) : 5; /* CKR_GENERAL_ERROR */
    if (rv != 0) return rv;
    ours = *list;
    theirs = list->encrypt_init;
    ours.encrypt_init = begin;
    *out = &ours;
    return 0;
}
