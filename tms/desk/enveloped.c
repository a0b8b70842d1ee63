/* SPDX-License-Identifier: Apache-2.0 */
#include "enveloped.h"

#include "os.h"

#include <limits.h>
#include <openssl/cms.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#define CERTIFICATE_MAX 65536 /* bytes of a PEM file */

static X509 *
read_certificate(const char *path)
{
	struct buf pem = buf_new(CERTIFICATE_MAX);
	BIO *in = NULL;
	X509 *certificate = NULL;

	if (os_read_file(path, &pem) == ERR_OK && pem.len != 0)
		in = BIO_new_mem_buf(pem.data, (int)pem.len);
	if (in != NULL)
		certificate = PEM_read_bio_X509(in, NULL, NULL, NULL);
	BIO_free(in);
	buf_free(&pem);
	return certificate;
}

static bool
fingerprint(const X509 *certificate, unsigned char ret[KEY_HASH_LEN])
{
	unsigned len = 0;

	return X509_digest(certificate, EVP_sha256(), ret, &len) == 1 && len == KEY_HASH_LEN;
}

enum err
enveloped_check(const char *certificate_file, unsigned char ret_fingerprint[KEY_HASH_LEN])
{
	X509 *certificate = read_certificate(certificate_file);
	enum err e = certificate != NULL && fingerprint(certificate, ret_fingerprint) ? ERR_OK : ERR_CONFIG_INVALID;

	X509_free(certificate);
	return e;
}

static enum err
take_out(CMS_ContentInfo *cms, struct buf *ret)
{
	BIO *out = BIO_new(BIO_s_mem());
	char *text = NULL;
	long len = 0;

	if (out != NULL && PEM_write_bio_CMS_stream(out, cms, NULL, 0) == 1)
		len = BIO_get_mem_data(out, &text);
	if (len > 0)
		buf_add(ret, text, (size_t)len);
	BIO_free(out);
	return len > 0 ? buf_error(ret) : ERR_INTERNAL;
}

enum err
enveloped_seal(const char *certificate_file, const struct buf *plain, struct buf *ret, unsigned char ret_fingerprint[KEY_HASH_LEN])
{
	X509 *certificate = read_certificate(certificate_file);
	STACK_OF(X509) *to = sk_X509_new_null();
	BIO *in = plain->len <= INT_MAX ? BIO_new_mem_buf(plain->data, (int)plain->len) : NULL;
	CMS_ContentInfo *cms = NULL;
	enum err e = certificate != NULL && fingerprint(certificate, ret_fingerprint) ? ERR_OK : ERR_CONFIG_INVALID;

	if (e == ERR_OK && (in == NULL || to == NULL || sk_X509_push(to, certificate) <= 0))
		e = ERR_NO_MEMORY;
	if (e == ERR_OK) {
		cms = CMS_encrypt(to, in, EVP_aes_256_cbc(), CMS_BINARY);
		e = cms != NULL ? take_out(cms, ret) : ERR_CONFIG_INVALID;
	}
	CMS_ContentInfo_free(cms);
	BIO_free(in);
	sk_X509_free(to);
	X509_free(certificate);
	return e;
}
