/* SPDX-License-Identifier: Apache-2.0 */
#include "service.h"

#include "keyfile.h"
#include "os.h"
#include "secret.h"
#include "text.h"

#include <stdlib.h>

static enum err
read_signing_key(const char *path, struct key_sig **ret_key)
{
	unsigned char seed[KEY_SIG_SEED_LEN];
	enum err e = keyfile_read(path, seed, sizeof(seed));

	if (e == ERR_OK) {
		*ret_key = key_sig_from_seed(seed);
		if (*ret_key == NULL)
			e = ERR_NO_MEMORY;
	}
	wipe(seed, sizeof(seed));
	return e;
}

/* The first 8 bytes of SHA-256 of the public key. */
static enum err
name_key(const struct key_sig *key, char ret_kid[SERVICE_KID_LEN + 1])
{
	unsigned char pk[KEY_SIG_PK_LEN];
	unsigned char hash[KEY_HASH_LEN];
	enum err e;

	key_sig_public(key, pk);
	e = key_hash(pk, sizeof(pk), hash);
	if (e == ERR_OK)
		text_hex(hash, SERVICE_KID_LEN / 2, ret_kid);
	return e;
}

enum err
service_signing_key(const struct config *config, struct key_sig **ret_key, char ret_kid[SERVICE_KID_LEN + 1])
{
	struct key_sig *key = NULL;
	enum err e = read_signing_key(config->signing_key, &key);

	if (e == ERR_OK)
		e = name_key(key, ret_kid);
	if (e != ERR_OK) {
		key_sig_free(key);
		return e;
	}
	*ret_key = key;
	return ERR_OK;
}

enum err
service_new(const struct config *config, struct service **ret_service)
{
	struct service *s = calloc(1, sizeof(*s));
	enum err e;

	if (s == NULL)
		return ERR_NO_MEMORY;
	s->config = config;
	os_random(s->csrf_key, sizeof(s->csrf_key));
	e = service_signing_key(config, &s->signing_key, s->kid);
	if (e == ERR_OK)
		e = authorities_load(config->issuers, AUTHORITIES_ANY_TIME, &s->issuers);
	if (e == ERR_OK)
		e = authorities_load(config->admin_ca, AUTHORITIES_CLIENT_NOW, &s->admin_ca);
	if (e == ERR_OK)
		e = revocation_new(config, &s->revocation);
	if (e != ERR_OK) {
		service_free(s);
		return e;
	}
	*ret_service = s;
	return ERR_OK;
}

void
service_free(struct service *s)
{
	if (s == NULL)
		return;
	key_sig_free(s->signing_key);
	authorities_free(s->issuers);
	authorities_free(s->admin_ca);
	revocation_free(s->revocation);
	wipe(s->csrf_key, sizeof(s->csrf_key));
	free(s);
}
