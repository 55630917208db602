/* SPDX-License-Identifier: MIT
 * Keys of every kind, ours and a stranger's, made anew for each program, and tokens of them. */
#ifndef TESTS_TOKEN_WORLD_H
#define TESTS_TOKEN_WORLD_H

#include "tests/lib/unit.h"

#include "libtoken/token.h"

#define NOW_MS  INT64_C(1800000000000) /* 2027-01-15; payloads name seconds around it */
#define SECRET  "correct horse battery staple, 32 or more"
#define RSA_KID "rsa-1"
#define EC_KID  "ec-1"
#define ED_KID  "ed-1"

#define HS            "{'alg':'HS256','typ':'JWT'}"
#define RS            "{'alg':'RS256','kid':'" RSA_KID "'}"
#define ES            "{'alg':'ES256','kid':'" EC_KID "'}"
#define ED            "{'alg':'EdDSA','kid':'" ED_KID "'}"
#define GOOD          "{'sub':'drone-1','exp':1800003600}"
#define ALSO(members) "{'sub':'drone-1','exp':1800003600," members "}"

enum by {
    BY_SECRET,
    BY_RSA,
    BY_EC,
    BY_ED,
    BY_OTHER_SECRET,
    BY_OTHER_RSA,
    BY_OTHER_EC,
    BY_OTHER_ED,
    BY_SIGNERS,
    BY_RSA_PEM = BY_SIGNERS, /* HS256 with the text of our public key as the secret */
    BY_RSA_DER,
    BY_EC_PEM,
    BY_EMPTY,  /* HS256 with the empty secret */
    BY_NOBODY, /* an empty signature */
    BY_COUNT
};

enum keyset { KEYS_ALL, KEYS_SECRET, KEYS_RSA, KEYS_TWO, KEYS_NONE, KEYSETS };

extern const char *world_dir;
extern struct token_keys *world_keys[KEYSETS];
extern struct token_signer *world_signer[BY_SIGNERS];

int world_setup(void **state);
int world_teardown(void **state);

/* world_path gives the path of NAME in the directory; borrowed until the next call but three. */
const char *world_path(const char *name);

/* world_write makes a file of that mode. */
void world_write(const char *name, const char *text, size_t n, unsigned mode);

/* world_token writes a token; ' in header and payload stands for ". */
void world_token(struct sp_buf *out, enum by by, const char *header, const char *payload);

/* world_verify is token_verify at NOW_MS. */
const char *world_verify(enum keyset keys, const struct token_policy *policy, struct sp_str tok,
                         struct token_claims *c);

/* forged is a token that must be refused for that reason: sig bends the bytes of the signature,
 * text the finished token. */
struct forged {
    const char *name;
    enum keyset keys;
    enum by by;
    const char *header, *payload, *reason;
    size_t (*sig)(uint8_t *sig, size_t n);
    void (*text)(char *tok);
};

/* world_try fails unless each is refused for its reason and says how many there were. */
void world_try(const struct forged *list, size_t n, const struct token_policy *policy);

#endif
