/* SPDX-License-Identifier: Apache-2.0 */
#include "token_certificate.h"

#include "log.h"

/* The standard's order of events: the template is taken by Init, the handles by FindObjects, and Final comes always. */
static enum err
find(struct cryptoki *c, CK_OBJECT_HANDLE ret_objects[TOKEN_CERTIFICATES_MAX], CK_ULONG *ret_count)
{
	CK_OBJECT_CLASS object_class = CKO_CERTIFICATE;
	CK_CERTIFICATE_TYPE type = CKC_X_509;
	CK_ATTRIBUTE template[] = {
		{ CKA_CLASS, &object_class, sizeof(object_class) },
		{ CKA_CERTIFICATE_TYPE, &type, sizeof(type) },
	};
	CK_ULONG count = 0;
	enum err e = cryptoki_check(c, CRYPTOKI_SLOT, "C_FindObjectsInit", c->list->C_FindObjectsInit(c->session, template, 2));

	if (e != ERR_OK)
		return e;
	e = cryptoki_check(c, CRYPTOKI_SLOT, "C_FindObjects", c->list->C_FindObjects(c->session, ret_objects, TOKEN_CERTIFICATES_MAX, &count));
	(void)c->list->C_FindObjectsFinal(c->session);
	if (e == ERR_OK)
		*ret_count = count < TOKEN_CERTIFICATES_MAX ? count : TOKEN_CERTIFICATES_MAX;
	return e;
}

/* ret_len is 0 for a certificate that is too long: the module says so, and we look away. */
static enum err
read_value(struct cryptoki *c, CK_OBJECT_HANDLE object, unsigned char ret_der[TOKEN_CERTIFICATE_MAX], size_t *ret_len)
{
	CK_ATTRIBUTE value = { CKA_VALUE, ret_der, TOKEN_CERTIFICATE_MAX };
	CK_RV rv = c->list->C_GetAttributeValue(c->session, object, &value, 1);

	*ret_len = 0;
	if (rv == CKR_BUFFER_TOO_SMALL) {
		log_debug("certificate", "error=\"longer than %d bytes\"", TOKEN_CERTIFICATE_MAX);
		return ERR_OK;
	}
	if (rv == CKR_OK && value.ulValueLen <= TOKEN_CERTIFICATE_MAX)
		*ret_len = value.ulValueLen;
	return cryptoki_check(c, CRYPTOKI_SLOT, "C_GetAttributeValue", rv);
}

enum err
token_certificate_each(struct cryptoki *c, CK_SLOT_ID slot, void (*each)(const unsigned char *der, size_t len, void *context), void *context)
{
	unsigned char der[TOKEN_CERTIFICATE_MAX];
	CK_OBJECT_HANDLE objects[TOKEN_CERTIFICATES_MAX] = { 0 };
	CK_ULONG count = 0;
	size_t len = 0;
	enum err e = cryptoki_open_session(c, slot, false);

	if (e == ERR_OK)
		e = find(c, objects, &count);
	for (CK_ULONG i = 0; i < count && e == ERR_OK; i++) {
		e = read_value(c, objects[i], der, &len);
		if (e == ERR_OK && len > 0)
			each(der, len, context);
	}
	cryptoki_close_session(c);
	return e;
}
