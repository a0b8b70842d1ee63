/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm_token.h"

#include "log.h"
#include "os.h"
#include "p11.h"
#include "text.h"

#include <string.h>

#define SLOTS_MAX    64
#define OBJECT_BYTES 8 /* of the CKA_ID of a key that is made here */
#define DER_HEAD     2 /* bytes in front of a point in an OCTET STRING */

/* secp256r1, as CKA_EC_PARAMS has it */
static const unsigned char p256[] = { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
static const CK_BBOOL yes = CK_TRUE;
static const CK_BBOOL no = CK_FALSE;
static const CK_KEY_TYPE ec_key = CKK_EC;
static const CK_OBJECT_CLASS private_class = CKO_PRIVATE_KEY;
static const CK_OBJECT_CLASS public_class = CKO_PUBLIC_KEY;

/* ---- what a return value means ---- */

struct meaning {
	CK_RV rv;
	enum err e;
};

/* Of C_Login. */
static const struct meaning of_login[] = {
	{ CKR_PIN_INCORRECT, ERR_HSM_PIN_REFUSED },
	{ CKR_PIN_INVALID, ERR_HSM_PIN_REFUSED },
	{ CKR_PIN_LEN_RANGE, ERR_HSM_PIN_REFUSED },
	{ CKR_PIN_LOCKED, ERR_HSM_PIN_LOCKED },
	{ CKR_PIN_EXPIRED, ERR_HSM_PIN_LOCKED },
	{ CKR_USER_PIN_NOT_INITIALIZED, ERR_HSM_PIN_LOCKED },
};

/* Of all that is done with a key. */
static const struct meaning of_keys[] = {
	{ CKR_KEY_FUNCTION_NOT_PERMITTED, ERR_HSM_KEY_UNFIT },
	{ CKR_KEY_TYPE_INCONSISTENT, ERR_HSM_KEY_UNFIT },
	{ CKR_KEY_SIZE_RANGE, ERR_HSM_KEY_UNFIT },
	{ CKR_MECHANISM_INVALID, ERR_HSM_KEY_UNFIT },
	{ CKR_MECHANISM_PARAM_INVALID, ERR_HSM_KEY_UNFIT },
	{ CKR_ATTRIBUTE_SENSITIVE, ERR_HSM_KEY_UNFIT },
	{ CKR_ATTRIBUTE_TYPE_INVALID, ERR_HSM_KEY_UNFIT },
	{ CKR_ATTRIBUTE_VALUE_INVALID, ERR_HSM_KEY_UNFIT },
	{ CKR_TEMPLATE_INCOMPLETE, ERR_HSM_KEY_UNFIT },
	{ CKR_TEMPLATE_INCONSISTENT, ERR_HSM_KEY_UNFIT },
	{ CKR_DOMAIN_PARAMS_INVALID, ERR_HSM_KEY_UNFIT },
	{ CKR_CURVE_NOT_SUPPORTED, ERR_HSM_KEY_UNFIT },
	{ CKR_FUNCTION_NOT_SUPPORTED, ERR_HSM_KEY_UNFIT },
};

/* Whatever has no row: the HSM or the way to it failed, and a fresh process may find it well. */
static enum err
judge(const struct meaning *meanings, size_t count, const char *call, CK_RV rv)
{
	enum err e = rv == CKR_OK ? ERR_OK : ERR_HSM_UNAVAILABLE;

	for (size_t i = 0; i < count; i++)
		if (meanings[i].rv == rv)
			e = meanings[i].e;
	if (e != ERR_OK)
		log_error("hsm", "call=%s rv=0x%lx error=%s", call, (unsigned long)rv, err_name(e));
	return e;
}

static enum err
check(const char *call, CK_RV rv)
{
	return judge(of_keys, sizeof(of_keys) / sizeof(of_keys[0]), call, rv);
}

/* The token was not there to look at a PIN, or a login stands already: then no try was counted. */
static bool
was_not_asked(CK_RV rv)
{
	static const CK_RV rvs[] = { CKR_DEVICE_REMOVED, CKR_TOKEN_NOT_PRESENT, CKR_SESSION_HANDLE_INVALID, CKR_SESSION_CLOSED, CKR_HOST_MEMORY,
		CKR_CRYPTOKI_NOT_INITIALIZED, CKR_USER_ALREADY_LOGGED_IN, CKR_USER_ANOTHER_ALREADY_LOGGED_IN, CKR_ARGUMENTS_BAD };

	for (size_t i = 0; i < sizeof(rvs) / sizeof(rvs[0]); i++)
		if (rvs[i] == rv)
			return true;
	return false;
}

/* ---- the module and its token ---- */

static bool
list_is_whole(const CK_FUNCTION_LIST *list)
{
	return list->C_GetSlotList != NULL && list->C_GetTokenInfo != NULL && list->C_OpenSession != NULL && list->C_CloseSession != NULL && list->C_Login != NULL &&
	       list->C_FindObjectsInit != NULL && list->C_FindObjects != NULL && list->C_FindObjectsFinal != NULL && list->C_GetAttributeValue != NULL &&
	       list->C_GenerateKeyPair != NULL && list->C_DeriveKey != NULL && list->C_DestroyObject != NULL;
}

/* A field of Cryptoki, padded with blanks, is that text. */
static bool
field_is(const unsigned char *field, size_t size, const char *text)
{
	while (size != 0 && (field[size - 1] == ' ' || field[size - 1] == '\0'))
		size--;
	return strlen(text) == size && memcmp(field, text, size) == 0;
}

/* One slot that fails says nothing of the others. */
static enum err
find_token(struct hsm_token *t, const struct config_hsm *config)
{
	CK_SLOT_ID slots[SLOTS_MAX];
	CK_ULONG count = SLOTS_MAX;
	enum err e = check("C_GetSlotList", t->list->C_GetSlotList(CK_TRUE, slots, &count));

	if (e != ERR_OK)
		return e;
	for (CK_ULONG i = 0; i < count && i < SLOTS_MAX; i++) {
		CK_TOKEN_INFO info;
		if (check("C_GetTokenInfo", t->list->C_GetTokenInfo(slots[i], &info)) == ERR_OK && field_is(info.label, sizeof(info.label), config->token) &&
		    field_is(info.serialNumber, sizeof(info.serialNumber), config->serial)) {
			t->slot = slots[i];
			t->flags = info.flags;
			return ERR_OK;
		}
	}
	log_error("hsm", "token=%s serial=%s cause=not among %lu tokens", config->token, config->serial, (unsigned long)count);
	return ERR_HSM_TOKEN_MISSING;
}

enum err
hsm_token_open(struct hsm_token *t, const struct config_hsm *config)
{
	CK_RV rv;
	enum err e = p11_trusted(config->module);

	t->label = config->key;
	if (e == ERR_OK)
		e = p11_load(config->module, list_is_whole, &t->list, &rv);
	if (e == ERR_OK && check("C_Initialize", p11_initialize(t->list, NULL)) != ERR_OK)
		return ERR_HSM_UNAVAILABLE;
	if (e != ERR_OK) {
		log_error("hsm", "module=%s error=%s", config->module, err_name(e));
		return ERR_HSM_MODULE;
	}
	return find_token(t, config);
}

enum err
hsm_token_begin(struct hsm_token *t)
{
	if ((t->flags & (CKF_USER_PIN_LOCKED | CKF_USER_PIN_FINAL_TRY)) != 0) {
		log_error("hsm", "flags=0x%lx cause=the PIN is locked or has one try left, and is not presented", (unsigned long)t->flags);
		return ERR_HSM_PIN_LOCKED;
	}
	return check("C_OpenSession", t->list->C_OpenSession(t->slot, CKF_SERIAL_SESSION, NULL, NULL, &t->session)) == ERR_OK ? ERR_OK : ERR_HSM_UNAVAILABLE;
}

enum err
hsm_token_login(struct hsm_token *t, const struct secret *pin, bool *ret_unsure)
{
	CK_RV rv = t->list->C_Login(t->session, CKU_USER, (CK_UTF8CHAR_PTR)pin->bytes, (CK_ULONG)pin->len);

	*ret_unsure = rv != CKR_OK && !was_not_asked(rv);
	if (rv == CKR_USER_ALREADY_LOGGED_IN)
		return ERR_OK;
	return judge(of_login, sizeof(of_login) / sizeof(of_login[0]), "C_Login", rv);
}

/* ---- objects ---- */

/* The one object that a template describes. */
static enum err
find_one(struct hsm_token *t, CK_ATTRIBUTE *attributes, CK_ULONG attribute_count, CK_OBJECT_HANDLE *ret)
{
	CK_OBJECT_HANDLE found[2];
	CK_ULONG count = 0;
	enum err e = check("C_FindObjectsInit", t->list->C_FindObjectsInit(t->session, attributes, attribute_count));

	if (e != ERR_OK)
		return e;
	e = check("C_FindObjects", t->list->C_FindObjects(t->session, found, 2, &count));
	if (check("C_FindObjectsFinal", t->list->C_FindObjectsFinal(t->session)) != ERR_OK && e == ERR_OK)
		e = ERR_HSM_UNAVAILABLE;
	if (e == ERR_OK && count != 1)
		e = ERR_HSM_KEY_MISSING;
	if (e == ERR_OK)
		*ret = found[0];
	return e;
}

static enum err
find_object(struct hsm_token *t, const CK_OBJECT_CLASS *object_class, CK_ATTRIBUTE_TYPE by, const void *value, size_t len, CK_OBJECT_HANDLE *ret)
{
	CK_ATTRIBUTE attributes[] = {
		{ CKA_CLASS, (void *)object_class, sizeof(*object_class) },
		{ by, (void *)value, (CK_ULONG)len },
	};

	return find_one(t, attributes, 2, ret);
}

static enum err
find_key(struct hsm_token *t, const struct keyring_object *object, CK_OBJECT_HANDLE *ret)
{
	char id[2 * KEYRING_OBJECT_MAX + 1];
	enum err e;

	for (size_t i = 0; i < t->known_count; i++)
		if (t->known[i].object.len == object->len && memcmp(t->known[i].object.id, object->id, object->len) == 0) {
			*ret = t->known[i].handle;
			return ERR_OK;
		}
	e = find_object(t, &private_class, CKA_ID, object->id, object->len, ret);
	if (e == ERR_HSM_KEY_MISSING) {
		text_hex(object->id, object->len, id);
		log_error("hsm", "object=%s cause=there is not one private key of this CKA_ID", id);
	}
	if (e == ERR_OK && t->known_count < KEYRING_MAX) {
		t->known[t->known_count].object = *object;
		t->known[t->known_count++].handle = *ret;
	}
	return e;
}

static enum err
read_attribute(struct hsm_token *t, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, void *ret, size_t max, size_t *ret_len)
{
	CK_ATTRIBUTE attribute = { type, ret, (CK_ULONG)max };
	enum err e = check("C_GetAttributeValue", t->list->C_GetAttributeValue(t->session, object, &attribute, 1));

	if (e == ERR_OK && attribute.ulValueLen > max)
		return ERR_HSM_KEY_UNFIT;
	*ret_len = e == ERR_OK ? attribute.ulValueLen : 0;
	return e;
}

static enum err
is_attribute(struct hsm_token *t, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, const void *value, size_t len)
{
	unsigned char got[64];
	size_t got_len;
	enum err e = read_attribute(t, object, type, got, sizeof(got), &got_len);

	if (e == ERR_OK && (got_len != len || memcmp(got, value, len) != 0)) {
		log_error("hsm", "attribute=0x%lx cause=it is not what a key of the vault has", (unsigned long)type);
		return ERR_HSM_KEY_UNFIT;
	}
	return e;
}

/* ---- an agreement ---- */

static enum err
derive(struct hsm_token *t, CK_OBJECT_HANDLE key, const unsigned char *point, size_t len, CK_OBJECT_HANDLE *ret, CK_RV *ret_rv)
{
	static const CK_OBJECT_CLASS secret_class = CKO_SECRET_KEY;
	static const CK_KEY_TYPE generic = CKK_GENERIC_SECRET;
	static const CK_ULONG value_len = KEY_KEM_X_LEN;
	CK_ATTRIBUTE attributes[] = {
		{ CKA_CLASS, (void *)&secret_class, sizeof(secret_class) },
		{ CKA_KEY_TYPE, (void *)&generic, sizeof(generic) },
		{ CKA_VALUE_LEN, (void *)&value_len, sizeof(value_len) },
		{ CKA_TOKEN, (void *)&no, sizeof(no) },
		{ CKA_SENSITIVE, (void *)&no, sizeof(no) },
		{ CKA_EXTRACTABLE, (void *)&yes, sizeof(yes) },
	};
	CK_ECDH1_DERIVE_PARAMS params = { .kdf = CKD_NULL, .ulPublicDataLen = (CK_ULONG)len, .pPublicData = (CK_BYTE_PTR)point };
	CK_MECHANISM mechanism = { CKM_ECDH1_DERIVE, &params, sizeof(params) };

	*ret_rv = t->list->C_DeriveKey(t->session, &mechanism, key, attributes, sizeof(attributes) / sizeof(attributes[0]), ret);
	return *ret_rv == CKR_OK ? ERR_OK : ERR_HSM_UNAVAILABLE;
}

static bool
is_about_the_point(CK_RV rv)
{
	return rv == CKR_MECHANISM_PARAM_INVALID || rv == CKR_ARGUMENTS_BAD || rv == CKR_DATA_INVALID || rv == CKR_DATA_LEN_RANGE || rv == CKR_PUBLIC_KEY_INVALID;
}

/* The standard wants the point as it is and allows it as an OCTET STRING; there are modules that take the latter alone. */
static enum err
derive_either(struct hsm_token *t, CK_OBJECT_HANDLE key, const unsigned char point[KEY_KEM_PK_LEN], CK_OBJECT_HANDLE *ret)
{
	unsigned char string[DER_HEAD + KEY_KEM_PK_LEN] = { 0x04, KEY_KEM_PK_LEN };
	CK_RV rv = CKR_MECHANISM_PARAM_INVALID;
	enum err e = ERR_HSM_UNAVAILABLE;

	memcpy(string + DER_HEAD, point, KEY_KEM_PK_LEN);
	if (!t->der)
		e = derive(t, key, point, KEY_KEM_PK_LEN, ret, &rv);
	if (e != ERR_OK && is_about_the_point(rv)) {
		e = derive(t, key, string, sizeof(string), ret, &rv);
		t->der = e == ERR_OK;
	}
	return e == ERR_OK ? ERR_OK : check("C_DeriveKey", rv);
}

enum err
hsm_token_agree(struct hsm_token *t, const struct keyring_object *object, const unsigned char point[KEY_KEM_PK_LEN], unsigned char ret_x[KEY_KEM_X_LEN])
{
	CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;
	CK_OBJECT_HANDLE shared = CK_INVALID_HANDLE;
	unsigned char x[KEY_KEM_X_LEN];
	size_t len = 0;
	enum err e = find_key(t, object, &key);

	if (e != ERR_OK)
		return e;
	e = derive_either(t, key, point, &shared);
	if (e != ERR_OK)
		return e;
	e = read_attribute(t, shared, CKA_VALUE, x, sizeof(x), &len);
	/* what is not taken away stays until the session ends, and fills it */
	if (check("C_DestroyObject", t->list->C_DestroyObject(t->session, shared)) != ERR_OK && e == ERR_OK)
		e = ERR_HSM_UNAVAILABLE;
	if (e == ERR_OK && len == 0)
		e = ERR_HSM_KEY_UNFIT;
	if (e == ERR_OK) {
		/* some modules leave out the zeros in front */
		memset(ret_x, 0, KEY_KEM_X_LEN - len);
		memcpy(ret_x + KEY_KEM_X_LEN - len, x, len);
	}
	wipe(x, sizeof(x));
	return e;
}

/* ---- a key for the vault ---- */

/* As an OCTET STRING, or as some modules have it, bare. */
static enum err
read_point(struct hsm_token *t, CK_OBJECT_HANDLE key, unsigned char ret[KEY_KEM_PK_LEN])
{
	unsigned char value[DER_HEAD + KEY_KEM_PK_LEN];
	size_t len;
	enum err e = read_attribute(t, key, CKA_EC_POINT, value, sizeof(value), &len);

	if (e != ERR_OK)
		return e;
	if (len == sizeof(value) && value[0] == 0x04 && value[1] == KEY_KEM_PK_LEN)
		memcpy(ret, value + DER_HEAD, KEY_KEM_PK_LEN);
	else if (len == KEY_KEM_PK_LEN)
		memcpy(ret, value, KEY_KEM_PK_LEN);
	else
		return ERR_HSM_KEY_UNFIT;
	return key_kem_public_ok(ret) ? ERR_OK : ERR_HSM_KEY_UNFIT;
}

/* What an HSM is for: a private half that nobody can take out. */
static enum err
check_key(struct hsm_token *t, CK_OBJECT_HANDLE private_key)
{
	enum err e = is_attribute(t, private_key, CKA_KEY_TYPE, &ec_key, sizeof(ec_key));

	if (e == ERR_OK)
		e = is_attribute(t, private_key, CKA_DERIVE, &yes, sizeof(yes));
	if (e == ERR_OK)
		e = is_attribute(t, private_key, CKA_SENSITIVE, &yes, sizeof(yes));
	return e == ERR_OK ? is_attribute(t, private_key, CKA_EXTRACTABLE, &no, sizeof(no)) : e;
}

static enum err
generate(struct hsm_token *t, CK_SESSION_HANDLE session, const struct keyring_object *object, CK_OBJECT_HANDLE *ret_public, CK_OBJECT_HANDLE *ret_private)
{
	CK_MECHANISM mechanism = { CKM_EC_KEY_PAIR_GEN, NULL, 0 };
	CK_ATTRIBUTE public_key[] = {
		{ CKA_EC_PARAMS, (void *)p256, sizeof(p256) },
		{ CKA_TOKEN, (void *)&yes, sizeof(yes) },
		{ CKA_LABEL, (void *)t->label, (CK_ULONG)strlen(t->label) },
		{ CKA_ID, (void *)object->id, (CK_ULONG)object->len },
	};
	CK_ATTRIBUTE private_key[] = {
		{ CKA_TOKEN, (void *)&yes, sizeof(yes) },
		{ CKA_PRIVATE, (void *)&yes, sizeof(yes) },
		{ CKA_SENSITIVE, (void *)&yes, sizeof(yes) },
		{ CKA_EXTRACTABLE, (void *)&no, sizeof(no) },
		{ CKA_DERIVE, (void *)&yes, sizeof(yes) },
		{ CKA_SIGN, (void *)&no, sizeof(no) },
		{ CKA_DECRYPT, (void *)&no, sizeof(no) },
		{ CKA_UNWRAP, (void *)&no, sizeof(no) },
		{ CKA_LABEL, (void *)t->label, (CK_ULONG)strlen(t->label) },
		{ CKA_ID, (void *)object->id, (CK_ULONG)object->len },
	};

	return check("C_GenerateKeyPair",
	    t->list->C_GenerateKeyPair(session, &mechanism, public_key, sizeof(public_key) / sizeof(public_key[0]), private_key,
		sizeof(private_key) / sizeof(private_key[0]), ret_public, ret_private));
}

/* In a session of its own: only this one writes to the token. The login is that of the process. */
enum err
hsm_token_make(struct hsm_token *t, struct keyring_object *ret_object, unsigned char ret_point[KEY_KEM_PK_LEN])
{
	struct keyring_object object = { .len = OBJECT_BYTES };
	CK_SESSION_HANDLE session = CK_INVALID_HANDLE;
	CK_OBJECT_HANDLE public_key = CK_INVALID_HANDLE;
	CK_OBJECT_HANDLE private_key = CK_INVALID_HANDLE;
	enum err e;

	os_random(object.id, object.len);
	e = check("C_OpenSession", t->list->C_OpenSession(t->slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session));
	if (e != ERR_OK)
		return e;
	e = generate(t, session, &object, &public_key, &private_key);
	(void)t->list->C_CloseSession(session);
	if (e == ERR_OK)
		e = read_point(t, public_key, ret_point);
	if (e == ERR_OK)
		e = check_key(t, private_key);
	if (e == ERR_OK)
		*ret_object = object;
	return e;
}

static enum err
find_by_name(struct hsm_token *t, const char *name, CK_OBJECT_HANDLE *ret)
{
	struct keyring_object object;
	enum err e = find_object(t, &private_class, CKA_LABEL, name, strlen(name), ret);

	if (e == ERR_HSM_KEY_MISSING && text_unhex(name, strlen(name), object.id, sizeof(object.id), &object.len) && object.len != 0)
		e = find_object(t, &private_class, CKA_ID, object.id, object.len, ret);
	if (e == ERR_HSM_KEY_MISSING)
		log_error("hsm", "key=%s cause=there is not one private key of this label or CKA_ID", name);
	return e;
}

enum err
hsm_token_adopt(struct hsm_token *t, const char *name, struct keyring_object *ret_object, unsigned char ret_point[KEY_KEM_PK_LEN])
{
	struct keyring_object object = { .len = 0 };
	CK_OBJECT_HANDLE private_key = CK_INVALID_HANDLE;
	CK_OBJECT_HANDLE public_key = CK_INVALID_HANDLE;
	enum err e = find_by_name(t, name, &private_key);

	if (e == ERR_OK)
		e = check_key(t, private_key);
	if (e == ERR_OK)
		e = read_attribute(t, private_key, CKA_ID, object.id, sizeof(object.id), &object.len);
	if (e == ERR_OK && object.len == 0)
		e = ERR_HSM_KEY_UNFIT;
	if (e == ERR_OK)
		e = find_object(t, &public_class, CKA_ID, object.id, object.len, &public_key);
	if (e == ERR_OK)
		e = is_attribute(t, public_key, CKA_EC_PARAMS, p256, sizeof(p256));
	if (e == ERR_OK)
		e = read_point(t, public_key, ret_point);
	if (e == ERR_OK)
		*ret_object = object;
	return e;
}
