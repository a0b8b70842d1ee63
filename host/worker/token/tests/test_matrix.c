/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every return value of the standard from every Cryptoki call that an unlock makes: each cell ends in an error of ours, or in success where the call was
 * a farewell whose failure changes nothing, and no PIN call follows one that failed.
 *
 * The module is tests/mock, in this process, so that a cell takes a millisecond; the only waits are slot_settle()'s, which do not wait here.
 * Usage: test_matrix MODULE FOLDER, both of root's.
 */
#define _POSIX_C_SOURCE 200809L
#include "check.h"
#include "os.h"
#include "slot.h"
#include "token_certificate.h"
#include "token_proof.h"
#include "token_puk.h"
#include "token_so_pin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void __wrap_os_sleep_ms(unsigned ms);

void
__wrap_os_sleep_ms(unsigned ms)
{
	(void)ms;
}

static const CK_RV codes[] = {
	CKR_CANCEL, CKR_HOST_MEMORY, CKR_SLOT_ID_INVALID, CKR_GENERAL_ERROR, CKR_FUNCTION_FAILED, CKR_ARGUMENTS_BAD, CKR_NO_EVENT,
	CKR_NEED_TO_CREATE_THREADS, CKR_CANT_LOCK, CKR_ATTRIBUTE_READ_ONLY, CKR_ATTRIBUTE_SENSITIVE, CKR_ATTRIBUTE_TYPE_INVALID,
	CKR_ATTRIBUTE_VALUE_INVALID, CKR_ACTION_PROHIBITED, CKR_DATA_INVALID, CKR_DATA_LEN_RANGE, CKR_DEVICE_ERROR, CKR_DEVICE_MEMORY, CKR_DEVICE_REMOVED,
	CKR_ENCRYPTED_DATA_INVALID, CKR_ENCRYPTED_DATA_LEN_RANGE, CKR_FUNCTION_CANCELED, CKR_FUNCTION_NOT_PARALLEL, CKR_FUNCTION_NOT_SUPPORTED,
	CKR_KEY_HANDLE_INVALID, CKR_KEY_SIZE_RANGE, CKR_KEY_TYPE_INCONSISTENT, CKR_KEY_NOT_NEEDED, CKR_KEY_CHANGED, CKR_KEY_NEEDED, CKR_KEY_INDIGESTIBLE,
	CKR_KEY_FUNCTION_NOT_PERMITTED, CKR_KEY_NOT_WRAPPABLE, CKR_KEY_UNEXTRACTABLE, CKR_MECHANISM_INVALID, CKR_MECHANISM_PARAM_INVALID,
	CKR_OBJECT_HANDLE_INVALID, CKR_OPERATION_ACTIVE, CKR_OPERATION_NOT_INITIALIZED, CKR_PIN_INCORRECT, CKR_PIN_INVALID, CKR_PIN_LEN_RANGE,
	CKR_PIN_EXPIRED, CKR_PIN_LOCKED, CKR_SESSION_CLOSED, CKR_SESSION_COUNT, CKR_SESSION_HANDLE_INVALID, CKR_SESSION_PARALLEL_NOT_SUPPORTED,
	CKR_SESSION_READ_ONLY, CKR_SESSION_EXISTS, CKR_SESSION_READ_ONLY_EXISTS, CKR_SESSION_READ_WRITE_SO_EXISTS, CKR_SIGNATURE_INVALID,
	CKR_SIGNATURE_LEN_RANGE, CKR_TEMPLATE_INCOMPLETE, CKR_TEMPLATE_INCONSISTENT, CKR_TOKEN_NOT_PRESENT, CKR_TOKEN_NOT_RECOGNIZED,
	CKR_TOKEN_WRITE_PROTECTED, CKR_UNWRAPPING_KEY_SIZE_RANGE, CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT, CKR_USER_ALREADY_LOGGED_IN, CKR_USER_NOT_LOGGED_IN,
	CKR_USER_PIN_NOT_INITIALIZED, CKR_USER_TYPE_INVALID, CKR_USER_ANOTHER_ALREADY_LOGGED_IN, CKR_USER_TOO_MANY_TYPES, CKR_WRAPPED_KEY_INVALID,
	CKR_WRAPPED_KEY_LEN_RANGE, CKR_WRAPPING_KEY_HANDLE_INVALID, CKR_WRAPPING_KEY_SIZE_RANGE, CKR_WRAPPING_KEY_TYPE_INCONSISTENT,
	CKR_RANDOM_SEED_NOT_SUPPORTED, CKR_RANDOM_NO_RNG, CKR_DOMAIN_PARAMS_INVALID, CKR_CURVE_NOT_SUPPORTED, CKR_BUFFER_TOO_SMALL, CKR_SAVED_STATE_INVALID,
	CKR_INFORMATION_SENSITIVE, CKR_STATE_UNSAVEABLE, CKR_CRYPTOKI_NOT_INITIALIZED, CKR_CRYPTOKI_ALREADY_INITIALIZED, CKR_MUTEX_BAD,
	CKR_MUTEX_NOT_LOCKED, CKR_NEW_PIN_MODE, CKR_NEXT_OTP, CKR_EXCEEDED_MAX_ITERATIONS, CKR_FIPS_SELF_TEST_FAILED, CKR_LIBRARY_LOAD_FAILED,
	CKR_PIN_TOO_WEAK, CKR_PUBLIC_KEY_INVALID, CKR_FUNCTION_REJECTED, CKR_VENDOR_DEFINED | 1ul
};

#define CODE_COUNT (sizeof(codes) / sizeof(codes[0]))

static const char *module_path, *folder;
static const struct token_name token = { "Mokhoa tests", "Mock", "MOCK0001" };

/* ---- what is done ---- */

static void
see(const unsigned char *der, size_t len, void *context)
{
	(void)der;
	*(size_t *)context += len;
}

static enum err
do_inspect(struct cryptoki *c, const struct secret *so_pin, const struct secret *pin)
{
	struct slot slot;
	CK_SLOT_ID ids[SLOT_MAX];
	size_t count = 0, bytes = 0;
	enum err e = slot_list(c, ids, &count);

	(void)so_pin;
	(void)pin;
	for (size_t i = 0; e == ERR_OK && i < count; i++)
		e = slot_read(c, ids[i], &slot);
	return e == ERR_OK ? token_certificate_each(c, ids[0], see, &bytes) : e;
}

static enum err
do_set_pin(struct cryptoki *c, const struct secret *so_pin, const struct secret *pin)
{
	return so_pin_set_user_pin(c, &token, so_pin, pin);
}

static enum err
do_unblock(struct cryptoki *c, const struct secret *so_pin, const struct secret *pin)
{
	return puk_set_user_pin(c, &token, so_pin, pin);
}

static enum err
do_rotate(struct cryptoki *c, const struct secret *so_pin, const struct secret *pin)
{
	return so_pin_rotate(c, &token, so_pin, pin);
}

/* With the token's old PIN, which is the new one here. */
static enum err
do_prove(struct cryptoki *c, const struct secret *so_pin, const struct secret *pin)
{
	(void)so_pin;
	return token_proof_login(c, &token, pin);
}

static const struct {
	const char *call;
	enum err (*run)(struct cryptoki *c, const struct secret *so_pin, const struct secret *pin);
	bool farewell; /* its failure changes nothing */
} rows[] = {
	{ "C_Initialize", do_set_pin, false },
	{ "C_GetSlotList", do_set_pin, false },
	{ "C_GetSlotInfo", do_set_pin, false },
	{ "C_GetTokenInfo", do_set_pin, false },
	{ "C_OpenSession", do_set_pin, false },
	{ "C_Login", do_set_pin, false },
	{ "C_Login", do_rotate, false },
	{ "C_Login", do_prove, false },
	{ "C_InitPIN", do_set_pin, false },
	{ "C_SetPIN", do_rotate, false },
	{ "C_SetPIN", do_unblock, false },
	{ "C_Logout", do_set_pin, true },
	{ "C_CloseSession", do_set_pin, true },
	{ "C_Finalize", do_set_pin, true },
	{ "C_FindObjectsInit", do_inspect, false },
	{ "C_FindObjects", do_inspect, false },
	{ "C_FindObjectsFinal", do_inspect, true },
	{ "C_GetAttributeValue", do_inspect, false },
};

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

/* ---- the token ---- */

static FILE *
open_file(const char *name, const char *mode)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, mode);
	if (f == NULL) {
		perror(path);
		exit(1);
	}
	return f;
}

static void
prepare(const char *call, CK_RV rv, bool locked)
{
	FILE *f = open_file("script", "w");

	fprintf(f, "readers\nrv %s %lx\n", call, rv);
	fclose(f);
	f = open_file("state", "w");
	fprintf(f, "so_pin 87654321\nuser_pin 739102\nso_tries 3\nuser_tries %d\npuk 87654321\npuk_tries 3\n", locked ? 0 : 3);
	fclose(f);
	fclose(open_file("log", "w"));
}

/* PIN calls behind the first that failed as scripted; how often that was made. */
static void
read_log(const char *call, CK_RV rv, unsigned *ret_made, unsigned *ret_after)
{
	char line[256], name[64], last[64];
	FILE *f = open_file("log", "r");

	*ret_made = *ret_after = 0;
	while (fgets(line, sizeof(line), f) != NULL) {
		char *space = strrchr(line, ' ');

		if (sscanf(line, "%63s", name) != 1 || space == NULL || sscanf(space, "%63s", last) != 1)
			continue;
		*ret_after += *ret_made != 0 && (strcmp(name, "C_Login") == 0 || strcmp(name, "C_InitPIN") == 0 || strcmp(name, "C_SetPIN") == 0);
		*ret_made += strcmp(name, call) == 0 && strtoul(last, NULL, 16) == rv;
		CHECK(strcmp(name, "C_InitToken") != 0);
	}
	fclose(f);
}

/* ---- the cells ---- */

/* Another program's login: C_Login has not looked at our PIN. */
static bool
is_in_use(CK_RV rv)
{
	return rv == CKR_USER_ALREADY_LOGGED_IN || rv == CKR_USER_ANOTHER_ALREADY_LOGGED_IN || rv == CKR_SESSION_READ_ONLY_EXISTS;
}

/* What the standard itself makes no failure of, and what was thought about (cryptoki.c, proof_login.c, token_certificate.c). */
static bool
goes_on(size_t row, CK_RV rv, bool *ret_pin_again)
{
	*ret_pin_again = false;
	if (strcmp(rows[row].call, "C_Initialize") == 0 && rv == CKR_CRYPTOKI_ALREADY_INITIALIZED)
		return true;
	if (strcmp(rows[row].call, "C_GetAttributeValue") == 0 && rv == CKR_BUFFER_TOO_SMALL)
		return true;
	*ret_pin_again = rows[row].run == do_prove && is_in_use(rv);
	return false;
}

static enum err
run_cell(size_t row, CK_RV rv)
{
	struct cryptoki c = { .list = NULL };
	struct secret so_pin = { 0 }, pin = { 0 };
	unsigned made, after;
	bool pin_again;
	bool goes = goes_on(row, rv, &pin_again);
	enum err e;

	prepare(rows[row].call, rv, rows[row].run != do_prove);
	secret_set(&so_pin, "87654321", 8);
	secret_set(&pin, "739102", 6);
	e = cryptoki_open(&c, module_path, NULL);
	if (e == ERR_OK)
		e = rows[row].run(&c, &so_pin, &pin);
	if (strcmp(rows[row].call, "C_Login") == 0)
		CHECK((e == ERR_TOKEN_IN_USE) == is_in_use(rv) && c.presented == !is_in_use(rv));
	cryptoki_close(&c);
	read_log(rows[row].call, rv, &made, &after);
	if (!CHECK(made >= 1) || !CHECK((e == ERR_OK) == (rows[row].farewell || goes)) || !CHECK(goes || after == (pin_again ? 1 : 0)) ||
	    !CHECK(e == ERR_OK || err_sentence(e, "vi")[0] != '\0'))
		printf("  %s 0x%lx: %s, made %u times, %u PIN calls behind it\n", rows[row].call, rv, err_name(e), made, after);
	return e;
}

int
main(int argc, char **argv)
{
	unsigned count[512] = { 0 };
	FILE *f;

	if (argc != 3)
		return 2;
	module_path = argv[1];
	folder = argv[2];
	setenv("MOCK_P11", folder, 1);
	f = open_file("certificate.der", "w");
	fputs("no certificate, but bytes", f);
	fclose(f);
	for (size_t row = 0; row < ROW_COUNT; row++)
		for (size_t i = 0; i < CODE_COUNT; i++)
			count[run_cell(row, codes[i])]++;
	printf("%zu cells: %zu calls, %zu return values\n", ROW_COUNT * CODE_COUNT, ROW_COUNT, CODE_COUNT);
	for (size_t e = 0; e < sizeof(count) / sizeof(count[0]); e++)
		if (count[e] != 0)
			printf("%6u %s\n", count[e], err_name((enum err)e));
	return CHECK_DONE();
}
