/* SPDX-License-Identifier: Apache-2.0 */
#include "person.h"

#include "text.h"

#include <string.h>

#define PEM_SIZE 16385 /* of the text and its NUL */

static enum err
read_certificate(const char *header, struct issued **ret_certificate)
{
	char pem[PEM_SIZE];

	if (!text_unescape(header, '+', pem, sizeof(pem)))
		return ERR_ADMIN_UNKNOWN;
	*ret_certificate = issued_from_pem((const unsigned char *)pem, strlen(pem));
	return *ret_certificate != NULL ? ERR_OK : ERR_ADMIN_UNKNOWN;
}

/* Who is enrolled is told why he is not let in; everybody else is nobody, whatever he brings. */
static enum err
judge(const struct service *service, const struct issued *certificate, const struct store_person *person, int64_t now)
{
	if (authorities_issued_once(service->admin_ca, certificate))
		return ERR_ADMIN_EXPIRED;
	if (!authorities_issued(service->admin_ca, certificate) || person->role == STORE_NONE)
		return ERR_ADMIN_UNKNOWN;
	return revocation_check(service->revocation, service->admin_ca, certificate, now);
}

enum err
person_find(const struct service *service, struct store *store, const char *header, int64_t now, struct store_person *ret)
{
	unsigned char fingerprint[KEY_HASH_LEN];
	struct issued *certificate = NULL;
	enum err e;

	if (header == NULL || header[0] == '\0')
		return ERR_ADMIN_UNKNOWN;
	e = read_certificate(header, &certificate);
	if (e == ERR_OK)
		e = issued_fingerprint(certificate, fingerprint);
	if (e == ERR_OK)
		e = store_person_by_fingerprint(store, fingerprint, ret);
	if (e == ERR_OK)
		e = judge(service, certificate, ret, now);
	issued_free(certificate);
	return e;
}

void
person_email(const char *header, char ret[STORE_EMAIL_SIZE])
{
	struct issued *certificate = NULL;

	ret[0] = '\0';
	if (header != NULL && read_certificate(header, &certificate) == ERR_OK)
		issued_email(certificate, ret);
	issued_free(certificate);
}
