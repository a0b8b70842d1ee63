/* SPDX-License-Identifier: Apache-2.0 */
/* What return values and flags mean, without a module. What modules do is tested with real ones: tests/e2e/test_step.py. */
#include "check.h"
#include "cryptoki.h"
#include "slot.h"

/* Every code of the standard and more: nothing but CKR_OK is ever a yes, and no context answers with another one's error. */
static void
test_only_ok_is_ok(void)
{
	for (int context = 0; context < CRYPTOKI_CONTEXT_COUNT; context++) {
		CHECK(cryptoki_err((enum cryptoki_context)context, CKR_OK) == ERR_OK);
		for (CK_RV rv = 1; rv < 0x300; rv++)
			CHECK(cryptoki_err((enum cryptoki_context)context, rv) != ERR_OK);
		CHECK(cryptoki_err((enum cryptoki_context)context, CKR_VENDOR_DEFINED) != ERR_OK);
		CHECK(cryptoki_err((enum cryptoki_context)context, (CK_RV)-1) != ERR_OK);
	}
}

static void
test_module(void)
{
	for (CK_RV rv = 1; rv < 0x300; rv++)
		CHECK(cryptoki_err(CRYPTOKI_MODULE, rv) == ERR_MODULE_FAILED);
}

static void
test_removed(void)
{
	static const CK_RV gone[] = { CKR_DEVICE_REMOVED, CKR_TOKEN_NOT_PRESENT, CKR_SESSION_HANDLE_INVALID, CKR_SESSION_CLOSED, CKR_SLOT_ID_INVALID };

	for (int context = CRYPTOKI_SLOT; context < CRYPTOKI_CONTEXT_COUNT; context++)
		for (size_t i = 0; i < sizeof(gone) / sizeof(gone[0]); i++)
			CHECK(cryptoki_err((enum cryptoki_context)context, gone[i]) == ERR_TOKEN_REMOVED);
}

static void
test_unsupported(void)
{
	for (int context = CRYPTOKI_SLOT; context < CRYPTOKI_CONTEXT_COUNT; context++) {
		CHECK(cryptoki_err((enum cryptoki_context)context, CKR_FUNCTION_NOT_SUPPORTED) == ERR_TOKEN_UNSUPPORTED);
		CHECK(cryptoki_err((enum cryptoki_context)context, CKR_USER_TYPE_INVALID) == ERR_TOKEN_UNSUPPORTED);
	}
	CHECK(cryptoki_err(CRYPTOKI_SLOT, CKR_TOKEN_NOT_RECOGNIZED) == ERR_TOKEN_UNSUPPORTED);
}

static void
test_pins(void)
{
	static const CK_RV form[] = { CKR_PIN_INVALID, CKR_PIN_LEN_RANGE, 0x1b8 }; /* CKR_PIN_TOO_WEAK as modules return it */

	CHECK(cryptoki_err(CRYPTOKI_SO_LOGIN, CKR_PIN_INCORRECT) == ERR_TOKEN_SO_REFUSED);
	CHECK(cryptoki_err(CRYPTOKI_INIT_PIN, CKR_PIN_INCORRECT) == ERR_TOKEN_SO_REFUSED);
	CHECK(cryptoki_err(CRYPTOKI_SET_SO_PIN, CKR_PIN_INCORRECT) == ERR_TOKEN_SO_REFUSED);
	CHECK(cryptoki_err(CRYPTOKI_USER_LOGIN, CKR_PIN_INCORRECT) == ERR_PIN_NOT_PROVED);
	CHECK(cryptoki_err(CRYPTOKI_SO_LOGIN, CKR_PIN_LOCKED) == ERR_TOKEN_SO_LOCKED);
	CHECK(cryptoki_err(CRYPTOKI_USER_LOGIN, CKR_PIN_LOCKED) == ERR_PIN_NOT_PROVED);
	CHECK(cryptoki_err(CRYPTOKI_USER_LOGIN, CKR_USER_PIN_NOT_INITIALIZED) == ERR_PIN_NOT_PROVED);
	CHECK(cryptoki_err(CRYPTOKI_USER_LOGIN, CKR_USER_ALREADY_LOGGED_IN) == ERR_TOKEN_IN_USE);
	CHECK(cryptoki_err(CRYPTOKI_SO_LOGIN, CKR_USER_ANOTHER_ALREADY_LOGGED_IN) == ERR_TOKEN_IN_USE);
	for (size_t i = 0; i < sizeof(form) / sizeof(form[0]); i++) {
		CHECK(cryptoki_err(CRYPTOKI_SO_LOGIN, form[i]) == ERR_TOKEN_SO_REFUSED);
		CHECK(cryptoki_err(CRYPTOKI_INIT_PIN, form[i]) == ERR_PIN_REFUSED);
		CHECK(cryptoki_err(CRYPTOKI_SET_SO_PIN, form[i]) == ERR_TOKEN_FAILED);
		CHECK(cryptoki_err(CRYPTOKI_USER_LOGIN, form[i]) == ERR_PIN_NOT_PROVED);
		CHECK(cryptoki_err(CRYPTOKI_UNBLOCK, form[i]) == ERR_PIN_REFUSED);
	}
	CHECK(cryptoki_err(CRYPTOKI_UNBLOCK, CKR_PIN_INCORRECT) == ERR_TOKEN_SO_REFUSED);
	CHECK(cryptoki_err(CRYPTOKI_UNBLOCK, CKR_PIN_LOCKED) == ERR_TOKEN_PUK_LOCKED);
	CHECK(cryptoki_err(CRYPTOKI_UNBLOCK, CKR_USER_NOT_LOGGED_IN) == ERR_TOKEN_UNSUPPORTED);
}

static void
test_trace(void)
{
	struct cryptoki c = { .trace = { .rv = CKR_OK } };

	CHECK(cryptoki_check(&c, CRYPTOKI_SLOT, "C_OpenSession", CKR_OK) == ERR_OK);
	CHECK(c.trace.call == NULL);
	CHECK(cryptoki_check(&c, CRYPTOKI_SLOT, "C_OpenSession", CKR_DEVICE_ERROR) == ERR_TOKEN_FAILED);
	CHECK(c.trace.rv == CKR_DEVICE_ERROR);
	CHECK_TEXT(c.trace.call, "C_OpenSession");
	CHECK(cryptoki_check(&c, CRYPTOKI_SLOT, "C_GetTokenInfo", CKR_OK) == ERR_OK);
	CHECK_TEXT(c.trace.call, "C_OpenSession");
}

static void
test_flags(void)
{
	static const struct {
		CK_FLAGS flags;
		const char *user;
		const char *so;
	} rows[] = {
		{ 0, "unknown", "unknown" },
		{ CKF_USER_PIN_INITIALIZED, "ok", "unknown" },
		{ CKF_USER_PIN_INITIALIZED | CKF_USER_PIN_COUNT_LOW | CKF_SO_PIN_COUNT_LOW, "few_tries", "few_tries" },
		{ CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY | CKF_SO_PIN_COUNT_LOW | CKF_SO_PIN_FINAL_TRY, "last_try", "last_try" },
		{ CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_LOCKED | CKF_SO_PIN_FINAL_TRY | CKF_SO_PIN_LOCKED, "locked", "locked" },
		{ CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_LOCKED, "locked", "unknown" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct slot slot = { .flags = rows[i].flags };

		CHECK_TEXT(pin_state_name(slot_user_pin(&slot)), rows[i].user);
		CHECK_TEXT(pin_state_name(slot_so_pin(&slot)), rows[i].so);
	}
}

/* A PIN of that many characters, and none with a NUL in it. */
static bool
takes(const struct slot *slot, size_t len)
{
	unsigned char text[SECRET_MAX];
	struct secret pin = { 0 };
	bool good;

	memset(text, '7', sizeof(text));
	CHECK(secret_set(&pin, text, len));
	good = slot_pin_is_usable(slot, &pin);
	if (len > 0)
		pin.bytes[len - 1] = '\0';
	CHECK(len == 0 || !slot_pin_is_usable(slot, &pin));
	return good;
}

static void
test_lengths(void)
{
	static const struct {
		CK_ULONG min, max;
		unsigned want_min, want_max;
	} rows[] = {
		{ 6, 8, 6, 8 },
		{ 4, 4, 4, 4 },
		{ 0, 8, 1, 8 },
		{ 0, 0, 1, SECRET_MAX },
		{ 6, 0, 6, SECRET_MAX },
		{ 6, 255, 6, SECRET_MAX },
		{ 9, 3, 1, SECRET_MAX },
		{ SECRET_MAX + 1, 255, 1, SECRET_MAX },
		{ CK_UNAVAILABLE_INFORMATION, CK_UNAVAILABLE_INFORMATION, 1, SECRET_MAX },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct slot slot = { .pin_min = 0 };

		slot_set_pin_lengths(&slot, rows[i].min, rows[i].max);
		CHECK(slot.pin_min == rows[i].want_min && slot.pin_max == rows[i].want_max);
		CHECK(!takes(&slot, rows[i].want_min - 1) && takes(&slot, rows[i].want_min) && takes(&slot, rows[i].want_max));
		CHECK(rows[i].want_max == SECRET_MAX || !takes(&slot, rows[i].want_max + 1));
	}
}

int
main(void)
{
	test_only_ok_is_ok();
	test_module();
	test_removed();
	test_unsupported();
	test_pins();
	test_trace();
	test_flags();
	test_lengths();
	return CHECK_DONE();
}
