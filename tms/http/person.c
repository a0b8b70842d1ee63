/* SPDX-License-Identifier: Apache-2.0 */
#include "person.h"

#include "buf.h"
#include "text.h"

#include <string.h>

#define PEM_MAX 16384 /* bytes */

/* RFC 3986, 2.1; nothing but what nginx writes is taken. */
static enum err
unescape(const char *text, struct buf *ret)
{
	for (; *text != '\0'; text++) {
		unsigned char byte = (unsigned char)*text;
		size_t len = 0;
		if (*text == '%') {
			char digits[2] = { text[1], text[1] != '\0' ? text[2] : '\0' };
			for (size_t i = 0; i < sizeof(digits); i++)
				if (digits[i] >= 'A' && digits[i] <= 'F')
					digits[i] = (char)(digits[i] - 'A' + 'a');
			if (!text_unhex(digits, sizeof(digits), &byte, 1, &len))
				return ERR_ADMIN_UNKNOWN;
			text += 2;
		}
		buf_add(ret, &byte, 1);
	}
	return buf_error(ret) == ERR_OK ? ERR_OK : ERR_ADMIN_UNKNOWN;
}

static enum err
read_certificate(const char *header, struct issued **ret_certificate)
{
	struct buf pem = buf_new(PEM_MAX);
	enum err e = unescape(header, &pem);

	if (e == ERR_OK) {
		*ret_certificate = issued_from_pem(pem.data, pem.len);
		if (*ret_certificate == NULL)
			e = ERR_ADMIN_UNKNOWN;
	}
	buf_free(&pem);
	return e;
}

enum err
person_find(const struct service *service, struct store *store, const char *header, struct store_person *ret)
{
	unsigned char fingerprint[KEY_HASH_LEN];
	struct issued *certificate = NULL;
	enum err e;

	if (header == NULL || header[0] == '\0')
		return ERR_ADMIN_UNKNOWN;
	e = read_certificate(header, &certificate);
	if (e == ERR_OK && !authorities_issued(service->admin_ca, certificate))
		e = ERR_ADMIN_UNKNOWN;
	if (e == ERR_OK)
		e = issued_fingerprint(certificate, fingerprint);
	if (e == ERR_OK)
		e = store_person_by_fingerprint(store, fingerprint, ret);
	if (e == ERR_OK && ret->role == STORE_NONE)
		e = ERR_ADMIN_UNKNOWN;
	issued_free(certificate);
	return e;
}
