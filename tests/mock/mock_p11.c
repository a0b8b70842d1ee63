/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A PKCS#11 module with a will of its own, for tests. MOCK_P11 names a folder:
 *
 *   script           what to do otherwise than a good token does, a line each; see below
 *   state            what the token remembers, "name value" a line: so_pin, user_pin, so_tries, user_tries, and of a token with a PUK puk,
 *                    puk_tries; written back at each change
 *   certificate.der  what it shows without a login, where the file is there
 *   key.pem          the private key that goes with it, for who is logged in
 *   agree.pem        a private key of an HSM for C_DeriveKey, CKA_ID "agree", for who is logged in; its public half is there for all
 *   log              appended: every call with its result, "C_Login so 0xa0"; a PIN is never in it
 *
 *   slots N            readers, each with a token (1)
 *   serial I TEXT      serial of the token in reader I ("MOCK0001")
 *   label TEXT         label of every token
 *   empty I            reader I is empty
 *   reader I TEXT      description of reader I ("Mock reader I")
 *   blank I            the token of reader I is not initialised
 *   limits MIN MAX     lengths of a PIN (4, 12)
 *   readers            its slots are readers that take cards, and not places of its own
 *   silent             the SO PIN's flags are never set
 *   octets             C_DeriveKey takes another's point in an OCTET STRING alone
 *   bare               CKA_EC_POINT is the point without its OCTET STRING
 *   short              a shared secret comes without the zeros in front
 *   loose              the private key of agree.pem may be taken out
 *   unasked            C_Login(CKU_SO) passes; the SO PIN is judged by what needs it
 *   environ            the names of the variables that it finds go to the file "environ"
 *   hole               the list of functions lacks C_InitPIN
 *   unlocked CALL      behind CALL the user PIN is not locked any more
 *   rv CALL HEX        CALL does nothing and returns that
 *   flags CALL HEX     behind CALL, these flags are set besides
 *   do CALL WHAT       at CALL: crash, segv, hang, hold (until the file "go" is there, then as usual), exit, noise (on stdout, then as usual), greed (10 GiB, then as usual), remove (the token is gone from now on),
 *                      swap (a token of another serial stands there from now on)
 *
 * CALL is "C_Login", or "C_Login#2" for the second of this process alone. C_InitToken is in the log if it is ever called, and refused.
 */
#define _POSIX_C_SOURCE 200809L
#include "mock_key.h"

#include <p11-kit/pkcs11.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	SLOTS = 8,
	LINES = 64,
	USER_TRIES = 3,
	SO_TRIES = 3,
	SESSION = 7,
	CERTIFICATE = 11,
	KEY = 12,
	AGREE = 13, /* the private half of agree.pem */
	AGREE_PUBLIC = 14,
	SHARED = 15 /* a secret that was derived */
};

struct line {
	char verb[16];
	char what[40];
	char value[64];
};

static struct {
	struct line script[LINES];
	size_t script_count;
	char so_pin[64];
	char user_pin[64];
	char puk[64]; /* empty: the token has none */
	int so_tries;
	int user_tries;
	int puk_tries;
	CK_FLAGS more_flags;
	CK_ULONG slots;
	bool removed;
	bool swapped;
	bool session;
	CK_OBJECT_HANDLE found;	   /* by C_FindObjectsInit; 0: nothing */
	CK_MECHANISM_TYPE signing; /* by C_SignInit */
	int login;		   /* -1, CKU_SO, CKU_USER */
	char so_login[64];	   /* the SO PIN that an unasked login was given */
	CK_SLOT_ID slot;
	unsigned char certificate[65536];
	size_t certificate_len;
	unsigned char agree_point[MOCK_POINT_LEN];
	unsigned char shared[MOCK_X_LEN];
	struct {
		const char *call;
		unsigned count;
	} calls[40];
} mock;

/* ---- files of the folder ---- */

static FILE *
open_file(const char *name, const char *mode)
{
	const char *folder = getenv("MOCK_P11");
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", folder != NULL ? folder : "/nonexistent", name);
	return fopen(path, mode);
}

static void
load_script(void)
{
	char line[256];
	FILE *f = open_file("script", "r");

	while (f != NULL && mock.script_count < LINES && fgets(line, sizeof(line), f) != NULL) {
		struct line *l = &mock.script[mock.script_count];

		if (sscanf(line, "%15s %39s %63s", l->verb, l->what, l->value) >= 1)
			mock.script_count++;
	}
	if (f != NULL)
		fclose(f);
}

static void
load_state(void)
{
	char name[32], value[64];
	FILE *f = open_file("state", "r");

	mock.so_tries = SO_TRIES;
	mock.user_tries = USER_TRIES;
	while (f != NULL && fscanf(f, "%31s %63s", name, value) == 2) {
		if (strcmp(name, "so_pin") == 0)
			snprintf(mock.so_pin, sizeof(mock.so_pin), "%s", value);
		else if (strcmp(name, "user_pin") == 0)
			snprintf(mock.user_pin, sizeof(mock.user_pin), "%s", value);
		else if (strcmp(name, "so_tries") == 0)
			mock.so_tries = (int)strtol(value, NULL, 10);
		else if (strcmp(name, "user_tries") == 0)
			mock.user_tries = (int)strtol(value, NULL, 10);
		else if (strcmp(name, "puk") == 0)
			snprintf(mock.puk, sizeof(mock.puk), "%s", value);
		else if (strcmp(name, "puk_tries") == 0)
			mock.puk_tries = (int)strtol(value, NULL, 10);
	}
	if (f != NULL)
		fclose(f);
}

static void
save_state(void)
{
	FILE *f = open_file("state", "w");

	if (f == NULL)
		return;
	fprintf(f, "so_pin %s\nuser_pin %s\nso_tries %d\nuser_tries %d\n", mock.so_pin, mock.user_pin, mock.so_tries, mock.user_tries);
	if (mock.puk[0] != '\0')
		fprintf(f, "puk %s\npuk_tries %d\n", mock.puk, mock.puk_tries);
	fclose(f);
}

static void
load_certificate(void)
{
	FILE *f = open_file("certificate.der", "rb");

	if (f == NULL)
		return;
	mock.certificate_len = fread(mock.certificate, 1, sizeof(mock.certificate), f);
	fclose(f);
}

extern char **environ;

static void *volatile greed; /* kept, so that it is taken */

static void
save_environment(void)
{
	FILE *f = open_file("environ", "w");

	for (char **entry = environ; f != NULL && *entry != NULL; entry++)
		fprintf(f, "%.*s\n", (int)strcspn(*entry, "="), *entry);
	if (f != NULL)
		fclose(f);
}

static CK_RV
note(const char *call, const char *detail, CK_RV rv)
{
	FILE *f = open_file("log", "a");

	if (f != NULL) {
		fprintf(f, "%s%s%s 0x%lx\n", call, detail[0] != '\0' ? " " : "", detail, rv);
		fclose(f);
	}
	return rv;
}

/* ---- the script ---- */

static const struct line *
find(const char *verb, const char *what)
{
	for (size_t i = 0; i < mock.script_count; i++)
		if (strcmp(mock.script[i].verb, verb) == 0 && (what == NULL || strcmp(mock.script[i].what, what) == 0))
			return &mock.script[i];
	return NULL;
}

static const struct line *
find_call(const char *verb, const char *call, unsigned count)
{
	char numbered[48];
	const struct line *l;

	snprintf(numbered, sizeof(numbered), "%s#%u", call, count);
	l = find(verb, numbered);
	return l != NULL ? l : find(verb, call);
}

static bool
slot_is(const char *verb, CK_SLOT_ID id)
{
	char number[24];

	snprintf(number, sizeof(number), "%lu", id);
	return find(verb, number) != NULL;
}

static unsigned
count_call(const char *call)
{
	size_t i = 0;

	while (i < 39 && mock.calls[i].call != NULL && strcmp(mock.calls[i].call, call) != 0)
		i++;
	mock.calls[i].call = call;
	return ++mock.calls[i].count;
}

static void
hold(const char *call)
{
	const struct timespec pause = { .tv_nsec = 20000000 };
	FILE *go;

	note(call, "hold", 0);
	while ((go = open_file("go", "r")) == NULL)
		nanosleep(&pause, NULL);
	fclose(go);
}

static void
act(const char *call, const char *what)
{
	if (strcmp(what, "crash") == 0) {
		note(call, "crash", 0);
		abort();
	}
	if (strcmp(what, "segv") == 0) {
		note(call, "segv", 0);
		raise(SIGSEGV);
	}
	if (strcmp(what, "greed") == 0) {
		note(call, "greed", 0); /* the sanitizers take their time over so much, and a step behind its answer is not waited for */
		greed = malloc((size_t)10 << (sizeof(size_t) > 4 ? 30 : 26));
	}
	if (strcmp(what, "exit") == 0) {
		note(call, "exit", 0);
		_exit(0);
	}
	if (strcmp(what, "hang") == 0) {
		note(call, "hang", 0);
		for (;;)
			sleep(60);
	}
	if (strcmp(what, "hold") == 0)
		hold(call);
	if (strcmp(what, "noise") == 0) {
		/* a frame of 16 bytes, for whoever reads descriptor 1 */
		fwrite("\x10\0\0\0{\"error\": \"ok\"}", 1, 20, stdout);
		printf("mock_p11 says %s\n", call);
		fflush(stdout);
	}
	if (strcmp(what, "remove") == 0)
		mock.removed = true;
	if (strcmp(what, "swap") == 0)
		mock.swapped = true;
}

/* Head of every call: true where the script has its result already. */
static bool
scripted(const char *call, const char *detail, CK_RV *ret)
{
	unsigned count = count_call(call);
	const struct line *l = find_call("do", call, count);

	if (l != NULL)
		act(call, l->value);
	l = find_call("flags", call, count);
	if (l != NULL)
		mock.more_flags |= strtoul(l->value, NULL, 16);
	if (find_call("unlocked", call, count) != NULL)
		mock.user_tries = USER_TRIES;
	l = find_call("rv", call, count);
	if (l == NULL)
		return false;
	*ret = note(call, detail, strtoul(l->value, NULL, 16));
	return true;
}

/* ---- the token ---- */

static CK_FLAGS
pin_flags(int tries, int limit, CK_FLAGS low, CK_FLAGS last, CK_FLAGS locked)
{
	if (tries <= 0)
		return locked;
	return (tries < limit ? low : 0) | (tries == 1 ? last : 0);
}

static CK_FLAGS
token_flags(void)
{
	CK_FLAGS flags = CKF_RNG | CKF_LOGIN_REQUIRED | CKF_USER_PIN_INITIALIZED | mock.more_flags;

	flags |= pin_flags(mock.user_tries, USER_TRIES, CKF_USER_PIN_COUNT_LOW, CKF_USER_PIN_FINAL_TRY, CKF_USER_PIN_LOCKED);
	if (find("silent", NULL) == NULL)
		flags |= pin_flags(mock.so_tries, SO_TRIES, CKF_SO_PIN_COUNT_LOW, CKF_SO_PIN_FINAL_TRY, CKF_SO_PIN_LOCKED);
	return flags;
}

static bool
pin_is(const char *own, const unsigned char *pin, CK_ULONG len)
{
	return strlen(own) == len && memcmp(own, pin, len) == 0;
}

static CK_RV
present(int *tries, int limit, bool right)
{
	if (*tries <= 0)
		return CKR_PIN_LOCKED;
	*tries = right ? limit : *tries - 1;
	save_state();
	return right ? CKR_OK : CKR_PIN_INCORRECT;
}

static CK_RV
present_so(const unsigned char *pin, CK_ULONG len)
{
	return present(&mock.so_tries, SO_TRIES, pin_is(mock.so_pin, pin, len));
}

static void
keep(char ret[64], const unsigned char *pin, CK_ULONG len)
{
	if (len > 63)
		len = 63;
	memcpy(ret, pin, len);
	ret[len] = '\0';
}

static void
limits(CK_ULONG *min, CK_ULONG *max)
{
	const struct line *l = find("limits", NULL);

	*min = l != NULL ? strtoul(l->what, NULL, 10) : 4;
	*max = l != NULL ? strtoul(l->value, NULL, 10) : 12;
}

static void
pad(unsigned char *field, size_t len, const char *text)
{
	memset(field, ' ', len);
	memcpy(field, text, strlen(text) < len ? strlen(text) : len);
}

/* ---- Cryptoki ---- */

static CK_RV
C_Initialize_(void *args)
{
	CK_RV rv;

	memset(&mock, 0, sizeof(mock));
	mock.login = -1;
	load_script();
	load_state();
	load_certificate();
	if (find("environ", NULL) != NULL)
		save_environment();
	mock.slots = find("slots", NULL) != NULL ? strtoul(find("slots", NULL)->what, NULL, 10) : 1;
	if (scripted("C_Initialize", args != NULL ? "args" : "null", &rv))
		return rv;
	return note("C_Initialize", args != NULL ? "args" : "null", CKR_OK);
}

static CK_RV
C_Finalize_(void *reserved)
{
	CK_RV rv;

	(void)reserved;
	return scripted("C_Finalize", "", &rv) ? rv : note("C_Finalize", "", CKR_OK);
}

static CK_RV
C_GetInfo_(CK_INFO *info)
{
	memset(info, ' ', sizeof(*info));
	info->cryptokiVersion = (CK_VERSION){ 2, 40 };
	return CKR_OK;
}

static CK_RV
C_GetSlotList_(unsigned char present_only, CK_SLOT_ID *ret, CK_ULONG *count)
{
	CK_RV rv;

	(void)present_only;
	if (scripted("C_GetSlotList", "", &rv))
		return rv;
	for (CK_ULONG i = 0; ret != NULL && i < mock.slots && i < *count; i++)
		ret[i] = i;
	rv = ret != NULL && *count < mock.slots ? CKR_BUFFER_TOO_SMALL : CKR_OK;
	*count = mock.slots;
	return note("C_GetSlotList", "", rv);
}

static CK_RV
C_GetSlotInfo_(CK_SLOT_ID id, CK_SLOT_INFO *info)
{
	char reader[64];
	char number[24];
	CK_RV rv;

	if (scripted("C_GetSlotInfo", "", &rv))
		return rv;
	if (id >= mock.slots)
		return note("C_GetSlotInfo", "", CKR_SLOT_ID_INVALID);
	memset(info, 0, sizeof(*info));
	snprintf(reader, sizeof(reader), "Mock reader %lu", id);
	snprintf(number, sizeof(number), "%lu", id);
	if (find("reader", number) != NULL)
		snprintf(reader, sizeof(reader), "%s", find("reader", number)->value);
	pad(info->slotDescription, sizeof(info->slotDescription), reader);
	pad(info->manufacturerID, sizeof(info->manufacturerID), "Mokhoa tests");
	info->flags = (find("readers", NULL) != NULL ? CKF_REMOVABLE_DEVICE : 0) | (mock.removed || slot_is("empty", id) ? 0 : CKF_TOKEN_PRESENT);
	return note("C_GetSlotInfo", "", CKR_OK);
}

static CK_RV
C_GetTokenInfo_(CK_SLOT_ID id, CK_TOKEN_INFO *info)
{
	char number[24];
	const struct line *serial;
	CK_RV rv;

	if (scripted("C_GetTokenInfo", "", &rv))
		return rv;
	if (mock.removed || slot_is("empty", id))
		return note("C_GetTokenInfo", "", CKR_TOKEN_NOT_PRESENT);
	snprintf(number, sizeof(number), "%lu", id);
	serial = find("serial", number);
	memset(info, 0, sizeof(*info));
	pad(info->label, sizeof(info->label), find("label", NULL) != NULL ? find("label", NULL)->what : "Mock \xc4\x91\x01\xff token");
	pad(info->manufacturerID, sizeof(info->manufacturerID), "Mokhoa tests");
	pad(info->model, sizeof(info->model), "Mock");
	pad(info->serialNumber, sizeof(info->serialNumber), mock.swapped ? "OTHER" : serial != NULL ? serial->value
												    : "MOCK0001");
	info->flags = token_flags() | (slot_is("blank", id) ? 0 : CKF_TOKEN_INITIALIZED);
	limits(&info->ulMinPinLen, &info->ulMaxPinLen);
	return note("C_GetTokenInfo", "", CKR_OK);
}

static CK_RV
C_OpenSession_(CK_SLOT_ID id, CK_FLAGS flags, void *application, CK_NOTIFY notify, CK_SESSION_HANDLE *ret)
{
	const char *kind = (flags & CKF_RW_SESSION) != 0 ? "rw" : "ro";
	CK_RV rv;

	(void)application;
	(void)notify;
	if (scripted("C_OpenSession", kind, &rv))
		return rv;
	if (mock.removed)
		return note("C_OpenSession", kind, CKR_TOKEN_NOT_PRESENT);
	mock.session = true;
	mock.slot = id;
	*ret = SESSION;
	return note("C_OpenSession", kind, CKR_OK);
}

/* Head of every call in a session. */
static bool
in_session(const char *call, const char *detail, CK_RV *ret)
{
	if (scripted(call, detail, ret))
		return true;
	if (mock.session && !mock.removed)
		return false;
	*ret = note(call, detail, mock.removed ? CKR_DEVICE_REMOVED : CKR_SESSION_HANDLE_INVALID);
	return true;
}

static CK_RV
C_CloseSession_(CK_SESSION_HANDLE session)
{
	CK_RV rv;

	(void)session;
	if (scripted("C_CloseSession", "", &rv))
		return rv;
	mock.session = false;
	mock.login = -1;
	return note("C_CloseSession", "", CKR_OK);
}

static CK_RV
C_CloseAllSessions_(CK_SLOT_ID id)
{
	(void)id;
	return C_CloseSession_(SESSION);
}

static CK_RV
C_GetSessionInfo_(CK_SESSION_HANDLE session, CK_SESSION_INFO *info)
{
	(void)session;
	memset(info, 0, sizeof(*info));
	info->slotID = mock.slot;
	info->flags = CKF_SERIAL_SESSION;
	return mock.session ? CKR_OK : CKR_SESSION_HANDLE_INVALID;
}

static CK_RV
login_so(const unsigned char *pin, CK_ULONG len)
{
	if (find("unasked", NULL) == NULL)
		return present_so(pin, len);
	keep(mock.so_login, pin, len);
	return CKR_OK;
}

static CK_RV
C_Login_(CK_SESSION_HANDLE session, CK_USER_TYPE user, unsigned char *pin, CK_ULONG len)
{
	const char *who = user == CKU_SO ? "so" : user == CKU_USER ? "user"
								   : "context";
	CK_RV rv;

	(void)session;
	if (in_session("C_Login", who, &rv))
		return rv;
	rv = user == CKU_SO ? login_so(pin, len) : present(&mock.user_tries, USER_TRIES, pin_is(mock.user_pin, pin, len));
	if (rv == CKR_OK)
		mock.login = (int)user;
	return note("C_Login", who, rv);
}

static CK_RV
C_Logout_(CK_SESSION_HANDLE session)
{
	CK_RV rv;

	(void)session;
	if (in_session("C_Logout", "", &rv))
		return rv;
	rv = mock.login < 0 ? CKR_USER_NOT_LOGGED_IN : CKR_OK;
	mock.login = -1;
	return note("C_Logout", "", rv);
}

/* What an unasked login let pass is judged here. */
static CK_RV
so_stands(void)
{
	if (mock.login != CKU_SO)
		return CKR_USER_NOT_LOGGED_IN;
	return find("unasked", NULL) != NULL ? present_so((unsigned char *)mock.so_login, (CK_ULONG)strlen(mock.so_login)) : CKR_OK;
}

static CK_RV
C_InitPIN_(CK_SESSION_HANDLE session, unsigned char *pin, CK_ULONG len)
{
	CK_ULONG min, max;
	CK_RV rv;

	(void)session;
	if (in_session("C_InitPIN", "", &rv))
		return rv;
	limits(&min, &max);
	rv = len < min || len > max ? CKR_PIN_LEN_RANGE : so_stands();
	if (rv == CKR_OK) {
		keep(mock.user_pin, pin, len);
		mock.user_tries = USER_TRIES;
		save_state();
	}
	return note("C_InitPIN", "", rv);
}

/* What is presented without a login is a PUK, whether the PIN is locked or not: on one that is not, the owner's old PIN would cost a try of it. */
static CK_RV
unblock(const unsigned char *puk, CK_ULONG puk_len, const unsigned char *pin, CK_ULONG len)
{
	CK_RV rv = present(&mock.puk_tries, USER_TRIES, pin_is(mock.puk, puk, puk_len));

	if (rv == CKR_OK) {
		keep(mock.user_pin, pin, len);
		mock.user_tries = USER_TRIES;
		save_state();
	}
	return rv;
}

static CK_RV
C_SetPIN_(CK_SESSION_HANDLE session, unsigned char *old, CK_ULONG old_len, unsigned char *pin, CK_ULONG len)
{
	CK_RV rv;

	(void)session;
	if (in_session("C_SetPIN", "", &rv))
		return rv;
	if (mock.login < 0 && mock.puk[0] != '\0')
		return note("C_SetPIN", "puk", unblock(old, old_len, pin, len));
	rv = mock.login != CKU_SO ? CKR_USER_NOT_LOGGED_IN : present_so(old, old_len);
	if (rv == CKR_OK) {
		keep(mock.so_pin, pin, len);
		save_state();
	}
	return note("C_SetPIN", "", rv);
}

static CK_RV
C_InitToken_(CK_SLOT_ID id, unsigned char *pin, CK_ULONG len, unsigned char *label)
{
	(void)id;
	(void)pin;
	(void)len;
	(void)label;
	return note("C_InitToken", "", CKR_FUNCTION_NOT_SUPPORTED);
}

/* ---- objects: one certificate and its key, where there are any ---- */

static bool
has_key(void)
{
	const char *folder = getenv("MOCK_P11");

	return folder != NULL && mock_key_load(folder);
}

static bool
has_agree(void)
{
	const char *folder = getenv("MOCK_P11");

	return folder != NULL && mock_agree_load(folder, mock.agree_point);
}

/* Whether an object of the HSM is asked for: by its CKA_ID, or its label, which is the same. */
static bool
is_agree(const CK_ATTRIBUTE *template, CK_ULONG count)
{
	for (CK_ULONG i = 0; i < count; i++)
		if ((template[i].type == CKA_ID || template[i].type == CKA_LABEL) && template[i].ulValueLen == 5 && memcmp(template[i].pValue, "agree", 5) == 0)
			return has_agree();
	return false;
}

static CK_OBJECT_HANDLE
agree_object(CK_OBJECT_CLASS object_class)
{
	if (object_class == CKO_PUBLIC_KEY)
		return AGREE_PUBLIC;
	return object_class == CKO_PRIVATE_KEY && mock.login == CKU_USER ? AGREE : 0;
}

static CK_RV
C_FindObjectsInit_(CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG count)
{
	CK_RV rv;

	(void)session;
	if (in_session("C_FindObjectsInit", "", &rv))
		return rv;
	mock.found = mock.certificate_len > 0 ? CERTIFICATE : 0;
	for (CK_ULONG i = 0; i < count; i++)
		if (template[i].type == CKA_CLASS && *(CK_OBJECT_CLASS *)template[i].pValue != CKO_CERTIFICATE)
			mock.found = *(CK_OBJECT_CLASS *)template[i].pValue == CKO_PRIVATE_KEY && mock.login == CKU_USER && has_key() ? KEY : 0;
	if (is_agree(template, count))
		mock.found = agree_object(*(CK_OBJECT_CLASS *)template[0].pValue);
	return note("C_FindObjectsInit", "", CKR_OK);
}

static CK_RV
C_FindObjects_(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *ret, CK_ULONG max, CK_ULONG *count)
{
	CK_RV rv;

	(void)session;
	if (in_session("C_FindObjects", "", &rv))
		return rv;
	*count = mock.found != 0 && max > 0 ? 1 : 0;
	if (*count > 0)
		*ret = mock.found;
	mock.found = 0;
	return note("C_FindObjects", "", CKR_OK);
}

static CK_RV
C_FindObjectsFinal_(CK_SESSION_HANDLE session)
{
	CK_RV rv;

	(void)session;
	return in_session("C_FindObjectsFinal", "", &rv) ? rv : note("C_FindObjectsFinal", "", CKR_OK);
}

static CK_RV
get(CK_ATTRIBUTE *attribute, const void *value, CK_ULONG len)
{
	CK_ULONG room = attribute->ulValueLen;

	attribute->ulValueLen = attribute->pValue == NULL || room >= len ? len : (CK_ULONG)-1;
	if (attribute->pValue == NULL)
		return CKR_OK;
	if (room < len)
		return CKR_BUFFER_TOO_SMALL;
	memcpy(attribute->pValue, value, len);
	return CKR_OK;
}

/* An attribute of the HSM's key or of what was derived with it. */
static CK_RV
get_of_hsm(CK_OBJECT_HANDLE object, CK_ATTRIBUTE *attribute)
{
	static const unsigned char p256[] = { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
	const CK_KEY_TYPE type = CKK_EC;
	const CK_BBOOL yes = CK_TRUE;
	const CK_BBOOL extractable = find("loose", NULL) != NULL ? CK_TRUE : CK_FALSE;
	CK_ULONG zeros = 0;

	switch (attribute->type) {
	case CKA_VALUE:
		while (find("short", NULL) != NULL && zeros < MOCK_X_LEN - 1 && mock.shared[zeros] == 0)
			zeros++;
		return object == SHARED ? get(attribute, mock.shared + zeros, MOCK_X_LEN - zeros) : CKR_ATTRIBUTE_SENSITIVE;
	case CKA_KEY_TYPE:
		return get(attribute, &type, sizeof(type));
	case CKA_DERIVE:
	case CKA_SENSITIVE:
		return get(attribute, &yes, sizeof(yes));
	case CKA_EXTRACTABLE:
		return get(attribute, &extractable, sizeof(extractable));
	case CKA_ID:
		return get(attribute, "agree", 5);
	case CKA_EC_PARAMS:
		return get(attribute, p256, sizeof(p256));
	case CKA_EC_POINT:
		return find("bare", NULL) != NULL ? get(attribute, mock.agree_point + 2, MOCK_POINT_LEN - 2) : get(attribute, mock.agree_point, MOCK_POINT_LEN);
	default:
		return CKR_ATTRIBUTE_TYPE_INVALID;
	}
}

static CK_RV
C_GetAttributeValue_(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *template, CK_ULONG count)
{
	const CK_OBJECT_CLASS object_class = CKO_CERTIFICATE;
	const CK_CERTIFICATE_TYPE type = CKC_X_509;
	CK_RV rv = CKR_OK;

	(void)session;
	if (in_session("C_GetAttributeValue", "", &rv))
		return rv;
	for (CK_ULONG i = 0; i < count && rv == CKR_OK; i++) {
		if (object >= AGREE)
			rv = get_of_hsm(object, &template[i]);
		else if (template[i].type == CKA_VALUE)
			rv = get(&template[i], mock.certificate, (CK_ULONG)mock.certificate_len);
		else if (template[i].type == CKA_CLASS)
			rv = get(&template[i], &object_class, sizeof(object_class));
		else if (template[i].type == CKA_CERTIFICATE_TYPE)
			rv = get(&template[i], &type, sizeof(type));
		else if (template[i].type == CKA_ID || template[i].type == CKA_LABEL)
			rv = get(&template[i], "1", 1);
		else
			rv = CKR_ATTRIBUTE_TYPE_INVALID;
	}
	return note("C_GetAttributeValue", "", rv);
}

static CK_RV
C_SignInit_(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
	CK_RV rv;

	(void)session;
	if (in_session("C_SignInit", "", &rv))
		return rv;
	mock.signing = mechanism->mechanism;
	rv = mock.login != CKU_USER ? CKR_USER_NOT_LOGGED_IN : key != KEY ? CKR_KEY_HANDLE_INVALID
									  : CKR_OK;
	return note("C_SignInit", "", rv);
}

static CK_RV
C_Sign_(CK_SESSION_HANDLE session, unsigned char *data, CK_ULONG len, unsigned char *ret, CK_ULONG *ret_len)
{
	CK_RV rv;

	(void)session;
	if (in_session("C_Sign", "", &rv))
		return rv;
	return note("C_Sign", "", mock_key_sign(mock.signing, data, len, ret, ret_len));
}

/* ---- an HSM ---- */

static CK_RV
C_DeriveKey_(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key, CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *ret)
{
	const CK_ECDH1_DERIVE_PARAMS *params = mechanism->pParameter;
	CK_RV rv;

	(void)session;
	(void)template;
	(void)count;
	if (in_session("C_DeriveKey", "", &rv))
		return rv;
	if (mock.login != CKU_USER)
		rv = CKR_USER_NOT_LOGGED_IN;
	else if (key != AGREE || mechanism->mechanism != CKM_ECDH1_DERIVE || params->kdf != CKD_NULL)
		rv = CKR_KEY_HANDLE_INVALID;
	else if (find("octets", NULL) != NULL && params->ulPublicDataLen != MOCK_POINT_LEN)
		rv = CKR_MECHANISM_PARAM_INVALID;
	else
		rv = mock_agree_derive(params->pPublicData, params->ulPublicDataLen, mock.shared);
	*ret = SHARED;
	return note("C_DeriveKey", "", rv);
}

static CK_RV
C_DestroyObject_(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object)
{
	CK_RV rv;

	(void)session;
	if (in_session("C_DestroyObject", "", &rv))
		return rv;
	return note("C_DestroyObject", "", object == SHARED ? CKR_OK : CKR_OBJECT_HANDLE_INVALID);
}

/* The HSM's key is put into the folder; it makes none. */
static CK_RV
C_GenerateKeyPair_(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_ATTRIBUTE *public_key, CK_ULONG public_count, CK_ATTRIBUTE *private_key, CK_ULONG private_count,
    CK_OBJECT_HANDLE *ret_public, CK_OBJECT_HANDLE *ret_private)
{
	CK_RV rv;

	(void)session;
	(void)mechanism;
	(void)public_key;
	(void)public_count;
	(void)private_key;
	(void)private_count;
	(void)ret_public;
	(void)ret_private;
	return in_session("C_GenerateKeyPair", "", &rv) ? rv : note("C_GenerateKeyPair", "", CKR_FUNCTION_NOT_SUPPORTED);
}

static CK_FUNCTION_LIST list = {
	.version = { 2, 40 },
	.C_Initialize = C_Initialize_,
	.C_Finalize = C_Finalize_,
	.C_GetInfo = C_GetInfo_,
	.C_GetSlotList = C_GetSlotList_,
	.C_GetSlotInfo = C_GetSlotInfo_,
	.C_GetTokenInfo = C_GetTokenInfo_,
	.C_InitToken = C_InitToken_,
	.C_InitPIN = C_InitPIN_,
	.C_SetPIN = C_SetPIN_,
	.C_OpenSession = C_OpenSession_,
	.C_CloseSession = C_CloseSession_,
	.C_CloseAllSessions = C_CloseAllSessions_,
	.C_GetSessionInfo = C_GetSessionInfo_,
	.C_Login = C_Login_,
	.C_Logout = C_Logout_,
	.C_GetAttributeValue = C_GetAttributeValue_,
	.C_FindObjectsInit = C_FindObjectsInit_,
	.C_FindObjects = C_FindObjects_,
	.C_FindObjectsFinal = C_FindObjectsFinal_,
	.C_SignInit = C_SignInit_,
	.C_Sign = C_Sign_,
	.C_DeriveKey = C_DeriveKey_,
	.C_DestroyObject = C_DestroyObject_,
	.C_GenerateKeyPair = C_GenerateKeyPair_,
};

CK_RV
C_GetFunctionList(CK_FUNCTION_LIST **ret)
{
	CK_RV rv;

	load_script();
	if (find("hole", NULL) != NULL)
		list.C_InitPIN = NULL;
	*ret = &list;
	if (scripted("C_GetFunctionList", "", &rv))
		return rv;
	return CKR_OK;
}
