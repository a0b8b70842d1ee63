/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The signature of an unlock, through libp11 0.4.12 and OpenSSL 3. What had to be known of libp11:
 * one list of slots, made once (PKCS11_update_slots crashes with two slots, flags in it are a snapshot); one unreadable reader spoils the
 * list; a C_OpenSession that fails makes it wait for ever, which the step's deadline ends; a key that wants its PIN for each signature is
 * asked on the terminal unless we bring a UI_METHOD; PINs are C strings, copied into the list of slots and wiped when that is released.
 */
#include "proof_check.h"
#include "token_proof.h"

#include "log.h"
#include "p11.h"
#include "text.h"

#include <libp11.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ui.h>
#include <openssl/x509.h>
#include <string.h>

bool
token_signer_built(void)
{
	return true;
}

/* libp11 puts the CK_RV into OpenSSL's queue of errors, under a library number of its own. */
static enum err
failed(struct token_signer *s, enum cryptoki_context context, const char *call)
{
	unsigned long code = ERR_peek_last_error();
	CK_RV rv = CKR_OK;

	if (code != 0 && ERR_GET_LIB(code) == ERR_get_CKR_code())
		rv = (CK_RV)ERR_GET_REASON(code);
	s->trace = (struct cryptoki_trace){ .rv = rv, .call = call };
	log_debug("signer", "call=%s rv=0x%lx", call, (unsigned long)rv);
	return cryptoki_err(context, rv != CKR_OK ? rv : CKR_GENERAL_ERROR);
}

/* ---- the token ---- */

/* libp11 cuts trailing blanks, but not what a maker put behind a NUL: compared as slot.c reads the same field. */
static bool
field_is(const char *field, const char *want)
{
	size_t used = text_unpadded((const unsigned char *)field, strlen(field));

	return used == strlen(want) && memcmp(field, want, used) == 0;
}

static bool
slot_has(const PKCS11_SLOT *slot, const struct token_name *name)
{
	const PKCS11_TOKEN *t = slot->token;

	return t != NULL && t->initialized && field_is(t->manufacturer, name->manufacturer) && field_is(t->model, name->model) &&
	       field_is(t->serialnr, name->serial);
}

/* Several slots of one reader show one card (slot.h): the first counts. */
static bool
is_same_reader(const PKCS11_SLOT *a, const PKCS11_SLOT *b)
{
	return a->removable && b->removable && a->description[0] != '\0' && strcmp(a->description, b->description) == 0;
}

static enum err
find_token(struct token_signer *s, const struct token_name *name, PKCS11_SLOT **ret_slot)
{
	size_t found = 0;

	if (PKCS11_enumerate_slots(s->context, &s->slots, &s->slot_count) != 0)
		return failed(s, CRYPTOKI_MODULE, "PKCS11_enumerate_slots");
	for (unsigned i = 0; i < s->slot_count; i++)
		if (slot_has(&s->slots[i], name) && !(found != 0 && is_same_reader(*ret_slot, &s->slots[i]))) {
			*ret_slot = &s->slots[i];
			found++;
		}
	if (found == 1)
		return ERR_OK;
	return found == 0 ? ERR_TOKEN_ABSENT : ERR_TOKEN_AMBIGUOUS;
}

/* ---- the PIN ---- */

/* Answers the question for the PIN that a key with CKA_ALWAYS_AUTHENTICATE asks for each signature; never the terminal. */
static int
answer_pin(UI *ui, UI_STRING *question)
{
	const char *pin = UI_get0_user_data(ui);

	if (UI_get_string_type(question) != UIT_PROMPT)
		return 1;
	return UI_set_result(ui, question, pin) == 0;
}

static enum err
log_in(struct token_signer *s, PKCS11_SLOT *slot, UI_METHOD *ui, char *pin)
{
	if (ui == NULL || UI_method_set_reader(ui, answer_pin) != 0 || PKCS11_set_ui_method(s->context, ui, pin) != 0)
		return ERR_NO_MEMORY;
	s->presented = true;
	if (PKCS11_login(slot, 0, pin) != 0)
		return failed(s, CRYPTOKI_USER_LOGIN, "PKCS11_login");
	return ERR_OK;
}

/* ---- the key ---- */

static bool
same_certificate(X509 *certificate, const unsigned char *der, size_t der_len)
{
	unsigned char *own = NULL;
	int len = certificate != NULL ? i2d_X509(certificate, &own) : 0;
	bool same = len > 0 && (size_t)len == der_len && memcmp(own, der, der_len) == 0;

	OPENSSL_free(own);
	return same;
}

/* *ret_key is NULL where the token has not that certificate, or no key with its CKA_ID. Borrowed from the list of slots. */
static enum err
find_key(struct token_signer *s, PKCS11_SLOT *slot, const unsigned char *der, size_t der_len, PKCS11_KEY **ret_key, X509 **ret_certificate)
{
	PKCS11_CERT *certificates = NULL;
	PKCS11_KEY *keys = NULL;
	unsigned count = 0;
	unsigned key_count = 0;

	*ret_key = NULL;
	if (PKCS11_enumerate_certs(slot->token, &certificates, &count) != 0)
		return failed(s, CRYPTOKI_SLOT, "PKCS11_enumerate_certs");
	if (PKCS11_enumerate_keys(slot->token, &keys, &key_count) != 0)
		return failed(s, CRYPTOKI_SLOT, "PKCS11_enumerate_keys");
	for (unsigned i = 0; i < count && *ret_key == NULL; i++)
		if (same_certificate(certificates[i].x509, der, der_len)) {
			*ret_key = PKCS11_find_key(&certificates[i]);
			*ret_certificate = certificates[i].x509;
		}
	return ERR_OK;
}

static bool
sign(EVP_PKEY *key, const void *message, size_t len, struct token_signature *signature)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool good;

	signature->len = sizeof(signature->bytes);
	good = context != NULL && EVP_PKEY_get_size(key) <= TOKEN_SIGNATURE_MAX &&
	       EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
	       EVP_DigestSign(context, signature->bytes, &signature->len, message, len) == 1;
	EVP_MD_CTX_free(context);
	return good;
}

static enum err
sign_with(struct token_signer *s, PKCS11_KEY *token_key, X509 *certificate, const void *message, size_t len, struct token_signature *ret)
{
	EVP_PKEY *public_key = X509_get0_pubkey(certificate);
	EVP_PKEY *key;
	enum err e = ERR_OK;

	ret->mechanism = public_key != NULL ? proof_mechanism(public_key) : "";
	if (ret->mechanism[0] == '\0')
		return ERR_OK;
	key = PKCS11_get_private_key(token_key);
	if (key == NULL)
		return failed(s, CRYPTOKI_SLOT, "PKCS11_get_private_key");
	if (!sign(key, message, len, ret))
		e = failed(s, CRYPTOKI_SLOT, "C_Sign");
	else if (!proof_is_borne_out(public_key, message, len, ret))
		e = failed(s, CRYPTOKI_SLOT, "EVP_DigestVerify");
	EVP_PKEY_free(key);
	return e;
}

/* ---- the whole ---- */

static enum err
load(struct token_signer *s, const char *path)
{
	enum err e = p11_trusted(path);

	if (e != ERR_OK)
		return e;
	s->context = PKCS11_CTX_new();
	if (s->context == NULL)
		return ERR_NO_MEMORY;
	if (s->parameters != NULL)
		PKCS11_CTX_init_args(s->context, s->parameters);
	if (PKCS11_CTX_load(s->context, path) == 0)
		return ERR_OK;
	e = failed(s, CRYPTOKI_MODULE, "PKCS11_CTX_load");
	PKCS11_CTX_free(s->context);
	s->context = NULL;
	return e;
}

enum err
token_signer_sign(struct token_signer *s, const char *path, const struct token_name *token, const struct secret *pin,
    const unsigned char *certificate, size_t certificate_len, const void *message, size_t message_len, struct token_signature *ret)
{
	UI_METHOD *ui = UI_create_method("the new PIN");
	PKCS11_SLOT *slot = NULL;
	PKCS11_KEY *key = NULL;
	X509 *own = NULL; /* the token's copy of the certificate; libp11's */
	char text[SECRET_MAX + 1];
	enum err e = load(s, path);

	memcpy(text, pin->bytes, pin->len);
	text[pin->len] = '\0';
	*ret = (struct token_signature){ .mechanism = "" };
	ERR_clear_error();
	if (e == ERR_OK)
		e = find_token(s, token, &slot);
	if (slot != NULL && e == ERR_OK)
		e = log_in(s, slot, ui, text);
	if (slot != NULL && e == ERR_OK)
		e = find_key(s, slot, certificate, certificate_len, &key, &own);
	if (e == ERR_OK && key != NULL)
		e = sign_with(s, key, own, message, message_len, ret);
	wipe(text, sizeof(text));
	if (s->context != NULL)
		(void)PKCS11_set_ui_method(s->context, NULL, NULL);
	UI_destroy_method(ui);
	return e;
}

void
token_signer_close(struct token_signer *s)
{
	if (s->slots != NULL)
		PKCS11_release_all_slots(s->context, s->slots, s->slot_count);
	if (s->context != NULL) {
		PKCS11_CTX_unload(s->context);
		PKCS11_CTX_free(s->context);
	}
	*s = (struct token_signer){ .context = NULL };
}
