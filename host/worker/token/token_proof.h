/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token_proof: the proof that an unlock has happened: a login with the new PIN, and a signature by the token's own key under it.
 *
 * They are two questions for two processes. The login is asked through raw Cryptoki (proof_login.c), because libp11 takes "somebody is
 * logged in already" for a yes, hides return values and waits for ever when a session cannot be opened. The signature is made through libp11
 * (proof_sign.c), which brings the token's key to OpenSSL; never in a process that has spoken raw Cryptoki to the module, because the two
 * would share its logins. A build without libp11 has proof_cryptoki.c in its place, which speaks Cryptoki itself.
 */
#ifndef MOKHOA_TOKEN_PROOF_H
#define MOKHOA_TOKEN_PROOF_H

#include "cryptoki.h"
#include "err.h"
#include "secret.h"
#include "token_name.h"

#include <stdbool.h>
#include <stddef.h>

#define TOKEN_SIGNATURE_MAX 1024 /* bytes: RSA of 8192 bits */

/* C_Login(CKU_USER) that the token has surely been asked: ERR_PIN_NOT_PROVED where it says no. The session stays for cryptoki_close(). */
enum err token_proof_login(struct cryptoki *c, const struct token_name *token, const struct secret *pin);

/* The module as the signer has it; born { 0 }, ended by token_signer_close() on every path, which wipes libp11's copies of the PIN. */
struct token_signer {
	const char *parameters;	  /* of C_Initialize; NULL without any, borrowed */
	struct cryptoki cryptoki; /* without libp11; with it the three below */
	struct PKCS11_ctx_st *context;
	struct PKCS11_slot_st *slots;
	unsigned slot_count;
	bool presented;		     /* as in struct cryptoki */
	struct cryptoki_trace trace; /* the call that failed, with the CK_RV that it saw */
};

struct token_signature {
	const char *mechanism; /* "ecdsa-sha256" (DER) or "rsa-pkcs1-sha256"; "" where the token has no key for the certificate */
	unsigned char bytes[TOKEN_SIGNATURE_MAX];
	size_t len;
};

/* Whether this build can sign. */
bool token_signer_built(void);

/*
 * Loads the module, logs in and signs with the private key of that certificate (CKA_ID), then checks the signature with the certificate
 * itself. Only for a PIN that token_proof_login() has proved just now: a wrong one costs a try.
 */
enum err token_signer_sign(struct token_signer *s, const char *path, const struct token_name *token, const struct secret *pin,
    const unsigned char *certificate, size_t certificate_len, const void *message, size_t message_len, struct token_signature *ret);
void token_signer_close(struct token_signer *s);

#endif
