/* SPDX-License-Identifier: Apache-2.0 */
#include "revocation.h"

#include "issued_inner.h"
#include "log.h"
#include "ocsp.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define KEPT_MAX     64 /* answers of the responder: more people are seldom at one desk */
#define KEPT_SILENCE 30 /* seconds in which a responder that did not answer is not asked again */

/* An answer of the responder, or its silence. */
struct kept {
	unsigned char fingerprint[KEY_HASH_LEN];
	enum revocation_state state;
	int64_t until;
};

struct revocation {
	const struct config_revocation *config;
	struct authorities *signers;
	pthread_mutex_t lock; /* of everything below */
	STACK_OF(X509_CRL) * lists;
	struct stat read; /* the file that they are from */
	struct kept kept[KEPT_MAX];
	size_t next; /* place of the answer that is forgotten next */
};

/* ---- the authority's lists ---- */

/* One of another key under the name of an authority would stand in the way of the authority's own. */
static bool
is_of_authority(const struct authorities *authorities, X509_CRL *list)
{
	const STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(authorities->store);

	for (int i = 0; i < sk_X509_OBJECT_num(objects); i++) {
		X509 *x509 = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));
		if (x509 != NULL && X509_NAME_cmp(X509_get_subject_name(x509), X509_CRL_get_issuer(list)) == 0 && X509_CRL_verify(list, X509_get0_pubkey(x509)) == 1)
			return true;
	}
	return false;
}

static STACK_OF(X509_CRL) *
    read_lists(const char *path, const struct authorities *authorities)
{
	STACK_OF(X509_CRL) *lists = sk_X509_CRL_new_null();
	BIO *bio = BIO_new_file(path, "r");

	while (lists != NULL && bio != NULL) {
		X509_CRL *list = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL);
		if (list == NULL)
			break;
		if (!is_of_authority(authorities, list) || sk_X509_CRL_push(lists, list) == 0)
			X509_CRL_free(list);
	}
	BIO_free(bio);
	ERR_clear_error();
	return lists;
}

static bool
is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* Anew where the file was replaced. One that cannot be read leaves what was read before, which runs out by itself. Under the lock. */
static void
refresh(struct revocation *r)
{
	STACK_OF(X509_CRL) * lists;
	struct stat now;

	if (r->config->crl == NULL || stat(r->config->crl, &now) != 0 || is_same_file(&now, &r->read))
		return;
	lists = read_lists(r->config->crl, r->signers);
	if (sk_X509_CRL_num(lists) < 1) {
		sk_X509_CRL_free(lists);
		log_error("revocation", "crl=%s cause=no list of an authority is in it", r->config->crl);
		return;
	}
	sk_X509_CRL_pop_free(r->lists, X509_CRL_free);
	r->lists = lists;
	r->read = now;
	log_info("revocation", "crl=%s lists=%d", r->config->crl, sk_X509_CRL_num(lists));
}

/* What the chain's check has met; it goes on behind what only says that a list is of no use, so that a list that has run out still names whom it names. */
static int
on_verdict(int ok, X509_STORE_CTX *context)
{
	enum revocation_state *state = X509_STORE_CTX_get_app_data(context);

	if (ok)
		return ok;
	switch (X509_STORE_CTX_get_error(context)) {
	case X509_V_ERR_CERT_REVOKED:
		*state = REVOCATION_REVOKED;
		break;
	case X509_V_ERR_CRL_HAS_EXPIRED:
		if (*state == REVOCATION_GOOD)
			*state = REVOCATION_UNKNOWN;
		break;
	default:
		if (*state == REVOCATION_GOOD)
			*state = REVOCATION_UNKNOWN;
		return 0;
	}
	return 1;
}

/* Under the lock. */
static enum revocation_state
ask_lists(struct revocation *r, const struct authorities *authorities, const struct issued *c)
{
	X509_STORE_CTX *context = X509_STORE_CTX_new();
	enum revocation_state state = REVOCATION_GOOD;

	if (context == NULL || X509_STORE_CTX_init(context, authorities->store, c->x509, NULL) != 1) {
		X509_STORE_CTX_free(context);
		return REVOCATION_UNKNOWN;
	}
	X509_STORE_CTX_set0_crls(context, r->lists);
	X509_STORE_CTX_set_flags(context, X509_V_FLAG_CRL_CHECK);
	X509_STORE_CTX_set_app_data(context, &state);
	X509_STORE_CTX_set_verify_cb(context, on_verdict);
	if (X509_verify_cert(context) != 1 && state == REVOCATION_GOOD)
		state = REVOCATION_UNKNOWN;
	X509_STORE_CTX_free(context);
	ERR_clear_error();
	return state;
}

/* ---- its responder ---- */

/* Under the lock. */
static struct kept *
find_kept(struct revocation *r, const unsigned char fingerprint[KEY_HASH_LEN], int64_t now)
{
	for (size_t i = 0; i < KEPT_MAX; i++)
		if (r->kept[i].until > now && memcmp(r->kept[i].fingerprint, fingerprint, KEY_HASH_LEN) == 0)
			return &r->kept[i];
	return NULL;
}

/* Under the lock. */
static void
keep(struct revocation *r, const unsigned char fingerprint[KEY_HASH_LEN], enum revocation_state state, int64_t until)
{
	struct kept *k = &r->kept[r->next++ % KEPT_MAX];

	memcpy(k->fingerprint, fingerprint, KEY_HASH_LEN);
	k->state = state;
	k->until = until;
}

/* The responder is asked outside of the lock: while one person waits for it, others are let in. */
static enum revocation_state
ask_responder(struct revocation *r, const struct authorities *authorities, const struct issued *c, int64_t now)
{
	const struct ocsp_asked asked = { .url = r->config->ocsp_url, .deadline_ms = r->config->ocsp_deadline_ms, .signers = r->signers };
	unsigned char fingerprint[KEY_HASH_LEN];
	enum revocation_state state = REVOCATION_UNKNOWN;
	const struct kept *known;
	int64_t until = 0;

	if (issued_fingerprint(c, fingerprint) != ERR_OK)
		return state;
	pthread_mutex_lock(&r->lock);
	known = find_kept(r, fingerprint, now);
	if (known != NULL)
		state = known->state;
	pthread_mutex_unlock(&r->lock);
	if (known != NULL)
		return state;
	state = ocsp_ask(&asked, authorities, c, now, &until);
	pthread_mutex_lock(&r->lock);
	keep(r, fingerprint, state, until != 0 ? until : now + KEPT_SILENCE);
	pthread_mutex_unlock(&r->lock);
	return state;
}

/* ---- the whole ---- */

enum err
revocation_new(const struct config *config, struct revocation **ret_revocation)
{
	struct revocation *r = calloc(1, sizeof(*r));
	enum err e;

	if (r == NULL)
		return ERR_NO_MEMORY;
	r->config = &config->revocation;
	pthread_mutex_init(&r->lock, NULL);
	e = authorities_load(config->admin_ca, AUTHORITIES_SIGNER_NOW, &r->signers);
	if (e == ERR_OK)
		refresh(r);
	if (e == ERR_OK && r->config->crl != NULL && r->lists == NULL) {
		log_error("config", "file=%s cause=no revocation list of an authority can be read from it", r->config->crl);
		e = ERR_CONFIG_INVALID;
	}
	if (e != ERR_OK) {
		revocation_free(r);
		return e;
	}
	*ret_revocation = r;
	return ERR_OK;
}

void
revocation_free(struct revocation *r)
{
	if (r == NULL)
		return;
	authorities_free(r->signers);
	sk_X509_CRL_pop_free(r->lists, X509_CRL_free);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

/* Revoked is who either says so of; good whom one knows and the other does not say otherwise. */
static enum revocation_state
state_of(struct revocation *r, const struct authorities *authorities, const struct issued *c, int64_t now)
{
	enum revocation_state list = REVOCATION_UNKNOWN;
	enum revocation_state responder = REVOCATION_UNKNOWN;

	if (r->config->crl != NULL) {
		pthread_mutex_lock(&r->lock);
		refresh(r);
		list = ask_lists(r, authorities, c);
		pthread_mutex_unlock(&r->lock);
	}
	if (list != REVOCATION_REVOKED && r->config->ocsp)
		responder = ask_responder(r, authorities, c, now);
	if (list == REVOCATION_REVOKED || responder == REVOCATION_REVOKED)
		return REVOCATION_REVOKED;
	return list == REVOCATION_GOOD || responder == REVOCATION_GOOD ? REVOCATION_GOOD : REVOCATION_UNKNOWN;
}

enum err
revocation_check(struct revocation *r, const struct authorities *authorities, const struct issued *c, int64_t now)
{
	if (r->config->crl == NULL && !r->config->ocsp)
		return ERR_OK;
	switch (state_of(r, authorities, c, now)) {
	case REVOCATION_GOOD:
		return ERR_OK;
	case REVOCATION_REVOKED:
		return ERR_ADMIN_REVOKED;
	case REVOCATION_UNKNOWN:
		break;
	}
	if (r->config->unknown == CONFIG_UNKNOWN_REFUSE)
		return ERR_REVOCATION_UNKNOWN;
	log_error("revocation", "cause=whether a certificate was revoked cannot be told; let in all the same, as the configuration says");
	return ERR_OK;
}
