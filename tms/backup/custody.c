/* SPDX-License-Identifier: Apache-2.0 */
#include "custody.h"

#include "log.h"
#include "secret.h"

#include <openssl/pem.h>
/* behind pem.h, which it needs for its PEM functions */
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

#define PROMPT "Mật khẩu khóa của người giữ khóa / Passphrase of the custodian's key: "

static void
log_cause(const char *what, const char *path)
{
	char cause[160];

	ERR_error_string_n(ERR_peek_last_error(), cause, sizeof(cause));
	log_error("keys", "%s file=%s cause=%s", what, path, cause);
	ERR_clear_error();
}

/* ---- to the custodians ---- */

static X509 *
read_certificate(const char *path)
{
	BIO *file = BIO_new_file(path, "r");
	X509 *certificate = file != NULL ? PEM_read_bio_X509(file, NULL, NULL, NULL) : NULL;

	BIO_free(file);
	return certificate;
}

enum err
custody_fingerprint(const char *path, unsigned char ret[KEY_HASH_LEN])
{
	X509 *certificate = read_certificate(path);
	unsigned len = 0;
	bool told = certificate != NULL && X509_digest(certificate, EVP_sha256(), ret, &len) == 1 && len == KEY_HASH_LEN;

	if (!told)
		log_cause("certificate", path);
	X509_free(certificate);
	return told ? ERR_OK : ERR_CONFIG_INVALID;
}

/* An RSA key is used with OAEP and SHA-256 (RFC 4055); a curve agrees on a key of its own. */
static bool
add_custodian(CMS_ContentInfo *message, X509 *certificate)
{
	CMS_RecipientInfo *recipient = CMS_add1_recipient_cert(message, certificate, CMS_KEY_PARAM);
	EVP_PKEY_CTX *context;

	if (recipient == NULL)
		return false;
	if (CMS_RecipientInfo_type(recipient) != CMS_RECIPINFO_TRANS)
		return true;
	context = CMS_RecipientInfo_get0_pkey_ctx(recipient);
	return context != NULL && EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) > 0 && EVP_PKEY_CTX_set_rsa_oaep_md(context, EVP_sha256()) > 0 &&
	       EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_sha256()) > 0;
}

static enum err
add_custodians(CMS_ContentInfo *message, const char *const *certificates, size_t count, size_t *ret_wrong)
{
	for (size_t i = 0; i < count; i++) {
		X509 *certificate = read_certificate(certificates[i]);
		bool added = certificate != NULL && add_custodian(message, certificate);

		X509_free(certificate);
		if (!added) {
			log_cause("certificate", certificates[i]);
			*ret_wrong = i;
			return ERR_CONFIG_INVALID;
		}
	}
	return ERR_OK;
}

static enum err
write_text(CMS_ContentInfo *message, struct buf *ret_text)
{
	BIO *out = BIO_new(BIO_s_mem());
	char *text = NULL;
	long len = 0;

	if (out != NULL && PEM_write_bio_CMS(out, message) == 1)
		len = BIO_get_mem_data(out, &text);
	if (len > 0)
		buf_add(ret_text, text, (size_t)len);
	BIO_free(out);
	return len > 0 ? buf_error(ret_text) : ERR_NO_MEMORY;
}

enum err
custody_seal(const char *const *certificates, size_t count, const struct buf *plain, struct buf *ret_text, size_t *ret_wrong)
{
	CMS_ContentInfo *message = CMS_encrypt(NULL, NULL, EVP_aes_256_gcm(), CMS_BINARY | CMS_PARTIAL);
	BIO *in = BIO_new_mem_buf(plain->data, (int)plain->len);
	enum err e = message != NULL && in != NULL ? ERR_OK : ERR_NO_MEMORY;

	if (e == ERR_OK)
		e = add_custodians(message, certificates, count, ret_wrong);
	if (e == ERR_OK && CMS_final(message, in, NULL, CMS_BINARY) != 1) {
		log_cause("seal", certificates[0]);
		e = ERR_INTERNAL;
	}
	if (e == ERR_OK)
		e = write_text(message, ret_text);
	BIO_free(in);
	CMS_ContentInfo_free(message);
	return e;
}

/* ---- by a custodian ---- */

/* On the terminal, without an echo; OpenSSL wipes what it was given. */
static int
ask_passphrase(char *ret, int size, int writing, void *context)
{
	(void)writing;
	(void)context;
	if (EVP_read_pw_string(ret, size, PROMPT, 0) != 0)
		return -1;
	return (int)strlen(ret);
}

static EVP_PKEY *
read_key(const char *path)
{
	BIO *file = BIO_new_file(path, "r");
	EVP_PKEY *key = file != NULL ? PEM_read_bio_PrivateKey(file, NULL, ask_passphrase, NULL) : NULL;

	BIO_free(file);
	if (key == NULL)
		log_cause("key", path);
	return key;
}

static enum err
decrypt(CMS_ContentInfo *message, EVP_PKEY *key, struct buf *ret_plain)
{
	BIO *out = BIO_new(BIO_s_mem());
	char *bytes = NULL;
	long len = 0;
	bool opened = out != NULL && CMS_decrypt(message, key, NULL, NULL, out, CMS_BINARY) == 1;

	if (out != NULL)
		len = BIO_get_mem_data(out, &bytes);
	if (opened && len > 0)
		buf_add(ret_plain, bytes, (size_t)len);
	if (len > 0)
		wipe(bytes, (size_t)len);
	BIO_free(out);
	return opened && len > 0 ? buf_error(ret_plain) : ERR_KEYS_INVALID;
}

enum err
custody_open(const struct buf *text, const char *key_file, struct buf *ret_plain)
{
	BIO *in = BIO_new_mem_buf(text->data, (int)text->len);
	CMS_ContentInfo *message = in != NULL ? PEM_read_bio_CMS(in, NULL, NULL, NULL) : NULL;
	EVP_PKEY *key = NULL;
	enum err e = ERR_KEYS_INVALID;

	if (message == NULL)
		log_cause("message", "of the keys");
	else
		key = read_key(key_file);
	if (key != NULL)
		e = decrypt(message, key, ret_plain);
	if (key != NULL && e != ERR_OK)
		log_cause("open", key_file);
	EVP_PKEY_free(key);
	CMS_ContentInfo_free(message);
	BIO_free(in);
	return e;
}
