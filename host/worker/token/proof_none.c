/* SPDX-License-Identifier: Apache-2.0 */
/* The build without libp11: an unlock is proved by the login alone. */
#include "token_proof.h"

bool
token_signer_built(void)
{
	return false;
}

enum err
token_signer_sign(struct token_signer *s, const char *path, const struct token_name *token, const struct secret *pin,
    const unsigned char *certificate, size_t certificate_len, const void *message, size_t message_len, struct token_signature *ret)
{
	(void)s;
	(void)path;
	(void)token;
	(void)pin;
	(void)certificate;
	(void)certificate_len;
	(void)message;
	(void)message_len;
	(void)ret;
	return ERR_TOKEN_UNSUPPORTED;
}

void
token_signer_close(struct token_signer *s)
{
	(void)s;
}
