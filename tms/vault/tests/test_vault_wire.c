/* SPDX-License-Identifier: Apache-2.0 */
/* What the client writes is what the vault reads, and nothing else is read. */
#include "check.h"

#include "json.h"
#include "vault_wire.h"

#include <stdio.h>

static struct vault_request
some_request(enum vault_verb verb)
{
	struct vault_request q = { .verb = verb, .count = verb == VAULT_RESEAL || verb == VAULT_COMPARE ? 2 : 1, .token = { "CardContact", "SmartCard-HSM", "DENK0100001" } };

	q.rows[0].version = 7;
	memset(q.rows[0].sealed, 1, sizeof(q.rows[0].sealed));
	if (q.count == 2) {
		q.rows[1].version = INT64_MAX;
		memset(q.rows[1].sealed, 2, sizeof(q.rows[1].sealed));
	}
	if (verb == VAULT_RESEAL)
		memset(q.nonce, 3, sizeof(q.nonce));
	if (verb == VAULT_RENEW)
		q.format = (struct vault_format){ .length = 8, .characters = CHARACTERS_DIGITS };
	if (verb == VAULT_ADOPT)
		return (struct vault_request){ .verb = verb, .name = "Kho khóa" };
	if (verb == VAULT_KEYS || verb == VAULT_MAKE || verb == VAULT_CHECK)
		return (struct vault_request){ .verb = verb };
	if (verb == VAULT_COMPARE || verb == VAULT_REWRAP)
		return q;
	memset(q.to, 4, sizeof(q.to));
	memset(q.h, 5, sizeof(q.h));
	return q;
}

static void
check_round_trip(enum vault_verb verb)
{
	struct vault_request q = some_request(verb);
	struct vault_request got = { 0 };
	struct buf b = buf_new(VAULT_FRAME_MAX);

	CHECK(vault_request_write(&q, &b) == ERR_OK);
	CHECK(vault_request_read(b.data, b.len, &got) == ERR_OK);
	CHECK(got.verb == q.verb && got.count == q.count && token_name_equal(&got.token, &q.token));
	CHECK(got.rows[0].version == q.rows[0].version && got.rows[1].version == q.rows[1].version);
	CHECK(memcmp(got.rows, q.rows, sizeof(q.rows)) == 0);
	CHECK(memcmp(got.to, q.to, sizeof(q.to)) == 0 && memcmp(got.h, q.h, sizeof(q.h)) == 0);
	CHECK(memcmp(got.nonce, q.nonce, sizeof(q.nonce)) == 0);
	CHECK_TEXT(got.name, q.name);
	CHECK(got.format.length == q.format.length && got.format.characters == q.format.characters);
	buf_free(&b);
}

static enum err
read_changed(enum vault_verb verb, const char *key, json_t *value)
{
	struct vault_request q = some_request(verb);
	struct vault_request got;
	struct buf b = buf_new(VAULT_FRAME_MAX);
	json_t *json = NULL;
	enum err e;

	CHECK(vault_request_write(&q, &b) == ERR_OK);
	CHECK(json_load(b.data, b.len, &json, NULL) == ERR_OK);
	if (value == NULL)
		json_object_del(json, key);
	else
		json_object_set_new(json, key, value);
	buf_reset(&b);
	CHECK(json_dump(json, &b) == ERR_OK);
	e = vault_request_read(b.data, b.len, &got);
	json_decref(json);
	buf_free(&b);
	return e;
}

static void
test_bad_requests(void)
{
	static const char *const keys[] = { "token", "rows", "to", "h", "nonce" };
	unsigned char bytes[KEY_KEM_PK_LEN + 1] = { 0 };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		CHECK(read_changed(VAULT_RESEAL, keys[i], NULL) == ERR_INVALID_PARAMS);
		CHECK(read_changed(VAULT_RESEAL, keys[i], json_null()) == ERR_INVALID_PARAMS);
		CHECK(read_changed(VAULT_RESEAL, keys[i], json_integer(1)) == ERR_INVALID_PARAMS);
	}
	CHECK(read_changed(VAULT_RESEAL, "verb", NULL) == ERR_INVALID_REQUEST);
	CHECK(read_changed(VAULT_RESEAL, "verb", json_string("open")) == ERR_METHOD_NOT_FOUND);
	CHECK(read_changed(VAULT_RESEAL, "verb", json_string("renew")) == ERR_INVALID_PARAMS);
	CHECK(read_changed(VAULT_RENEW, "verb", json_string("reseal")) == ERR_INVALID_PARAMS);
	CHECK(read_changed(VAULT_RESEAL, "more", json_true()) == ERR_INVALID_PARAMS);
	CHECK(read_changed(VAULT_RESEAL, "rows", json_array()) == ERR_INVALID_PARAMS);
	CHECK(read_changed(VAULT_RESEAL, "to", json_b64(bytes, KEY_KEM_PK_LEN - 1)) == ERR_INVALID_PARAMS);
	CHECK(read_changed(VAULT_RESEAL, "to", json_b64(bytes, KEY_KEM_PK_LEN + 1)) == ERR_INVALID_PARAMS);
	CHECK(read_changed(VAULT_RESEAL, "to", json_b64(bytes, KEY_KEM_PK_LEN)) == ERR_OK);
	CHECK(read_changed(VAULT_RENEW, "row", json_pack("{s:I, s:o}", "version", (json_int_t)0, "sealed", json_b64(bytes, 1))) == ERR_INVALID_PARAMS);
	CHECK(read_changed(VAULT_RENEW, "row", json_null()) == ERR_INVALID_PARAMS);
	CHECK(read_changed(VAULT_RENEW, "length", NULL) == ERR_INVALID_PARAMS);
	CHECK(read_changed(VAULT_RENEW, "length", json_integer(-1)) == ERR_INVALID_PARAMS);
	CHECK(read_changed(VAULT_RENEW, "length", json_integer(62)) == ERR_OK);
	CHECK(read_changed(VAULT_RENEW, "length", json_integer(63)) == ERR_INVALID_PARAMS);
	CHECK(read_changed(VAULT_RENEW, "characters", NULL) == ERR_INVALID_PARAMS);
	CHECK(read_changed(VAULT_RENEW, "characters", json_string("letters")) == ERR_INVALID_PARAMS);
	CHECK(read_changed(VAULT_REGRANT, "row", json_null()) == ERR_INVALID_PARAMS);
	CHECK(read_changed(VAULT_REGRANT, "verb", json_string("reseal")) == ERR_INVALID_PARAMS);
	CHECK(read_changed(VAULT_COMPARE, "token", NULL) == ERR_INVALID_PARAMS);
	CHECK(read_changed(VAULT_COMPARE, "to", json_b64(bytes, KEY_KEM_PK_LEN)) == ERR_INVALID_PARAMS);
	CHECK(read_changed(VAULT_REWRAP, "row", NULL) == ERR_INVALID_PARAMS);
	CHECK(read_changed(VAULT_REWRAP, "to", json_b64(bytes, KEY_KEM_PK_LEN)) == ERR_INVALID_PARAMS);
	CHECK(read_changed(VAULT_KEYS, "token", json_object()) == ERR_INVALID_PARAMS);
	CHECK(read_changed(VAULT_MAKE, "name", json_string("x")) == ERR_INVALID_PARAMS);
	CHECK(read_changed(VAULT_CHECK, "name", json_string("x")) == ERR_INVALID_PARAMS);
	CHECK(read_changed(VAULT_ADOPT, "name", NULL) == ERR_INVALID_PARAMS);
	CHECK(read_changed(VAULT_ADOPT, "name", json_string("")) == ERR_INVALID_PARAMS);
	CHECK(read_changed(VAULT_ADOPT, "name", json_integer(1)) == ERR_INVALID_PARAMS);
	CHECK(read_changed(VAULT_ADOPT, "name", json_string("1234567890123456789012345678901234567890123456789012345678901234")) == ERR_OK);
	CHECK(read_changed(VAULT_ADOPT, "name", json_string("12345678901234567890123456789012345678901234567890123456789012345")) == ERR_INVALID_PARAMS);
}

static void
test_rows_are_bounded(void)
{
	unsigned char sealed[TRANSCRIPT_ESCROW_ROW_LEN] = { 0 };

	for (json_int_t version = -1; version <= 1; version++) {
		json_t *row = json_pack("{s:I, s:o}", "version", version, "sealed", json_b64(sealed, sizeof(sealed)));
		CHECK(read_changed(VAULT_RESEAL, "rows", json_pack("[O]", row)) == (version == 1 ? ERR_OK : ERR_INVALID_PARAMS));
		CHECK(read_changed(VAULT_RESEAL, "rows", json_pack("[OOO]", row, row, row)) == ERR_INVALID_PARAMS);
		CHECK(read_changed(VAULT_COMPARE, "rows", json_pack("[O]", row)) == ERR_INVALID_PARAMS);
		CHECK(read_changed(VAULT_COMPARE, "rows", json_pack("[OO]", row, row)) == (version == 1 ? ERR_OK : ERR_INVALID_PARAMS));
		CHECK(read_changed(VAULT_COMPARE, "rows", json_pack("[OOO]", row, row, row)) == ERR_INVALID_PARAMS);
		json_decref(row);
	}
}

static enum err
read_reply(enum vault_verb verb, const char *text)
{
	struct vault_reply reply;

	return vault_reply_read(verb, text, strlen(text), &reply);
}

static void
test_replies(void)
{
	struct vault_reply reply = { 0 };
	struct vault_reply got = { 0 };
	struct buf b = buf_new(VAULT_FRAME_MAX);

	memset(&reply.answer, 6, sizeof(reply.answer));
	memset(reply.next.sealed, 7, sizeof(reply.next.sealed));
	memcpy(reply.next.key, "0123456789abcdef", 17);
	CHECK(vault_reply_write(VAULT_RENEW, ERR_OK, &reply, &b) == ERR_OK);
	CHECK(vault_reply_read(VAULT_RENEW, b.data, b.len, &got) == ERR_OK);
	CHECK(memcmp(&got.answer, &reply.answer, sizeof(got.answer)) == 0);
	CHECK(memcmp(got.next.sealed, reply.next.sealed, sizeof(got.next.sealed)) == 0);
	CHECK(vault_reply_read(VAULT_RESEAL, b.data, b.len, &got) == ERR_VAULT_UNREACHABLE);
	buf_reset(&b);
	CHECK(vault_reply_write(VAULT_RESEAL, ERR_OK, &reply, &b) == ERR_OK);
	CHECK(vault_reply_read(VAULT_RESEAL, b.data, b.len, &got) == ERR_OK);
	CHECK(vault_reply_read(VAULT_RENEW, b.data, b.len, &got) == ERR_VAULT_UNREACHABLE);
	buf_free(&b);
	CHECK(read_reply(VAULT_RESEAL, "{}") == ERR_VAULT_UNREACHABLE);
	CHECK(read_reply(VAULT_RESEAL, "[]") == ERR_VAULT_UNREACHABLE);
	CHECK(read_reply(VAULT_RESEAL, "{\"error\":1}") == ERR_VAULT_UNREACHABLE);
	CHECK(read_reply(VAULT_RESEAL, "{\"error\":{\"data\":{\"name\":\"vault_limit\"}}}") == ERR_VAULT_LIMIT);
	CHECK(read_reply(VAULT_RESEAL, "{\"error\":{\"data\":{\"name\":\"sealed_invalid\"}}}") == ERR_SEALED_INVALID);
	CHECK(read_reply(VAULT_RESEAL, "{\"error\":{\"data\":{\"name\":\"invalid_params\"}}}") == ERR_VAULT_REFUSED);
	CHECK(read_reply(VAULT_RESEAL, "{\"error\":{\"data\":{\"name\":\"ok\"}}}") == ERR_VAULT_REFUSED);
}

static void
test_other_replies(void)
{
	struct vault_reply reply = { .equal = true, .keys = { .ids = { "0123456789abcdef", "fedcba9876543210" }, .count = 2 } };
	struct vault_reply got = { .equal = false };
	struct buf b = buf_new(VAULT_FRAME_MAX);

	CHECK(vault_reply_write(VAULT_COMPARE, ERR_OK, &reply, &b) == ERR_OK);
	CHECK(vault_reply_read(VAULT_COMPARE, b.data, b.len, &got) == ERR_OK && got.equal);
	CHECK(vault_reply_read(VAULT_KEYS, b.data, b.len, &got) == ERR_VAULT_UNREACHABLE);
	buf_reset(&b);
	CHECK(vault_reply_write(VAULT_KEYS, ERR_OK, &reply, &b) == ERR_OK);
	CHECK(vault_reply_read(VAULT_KEYS, b.data, b.len, &got) == ERR_OK && got.keys.count == 2);
	CHECK_TEXT(got.keys.ids[1], "fedcba9876543210");
	buf_free(&b);
	CHECK(read_reply(VAULT_COMPARE, "{\"equal\": false}") == ERR_OK);
	CHECK(read_reply(VAULT_COMPARE, "{\"equal\": 1}") == ERR_VAULT_UNREACHABLE);
	CHECK(read_reply(VAULT_COMPARE, "{\"equal\": true, \"value\": \"1234\"}") == ERR_VAULT_UNREACHABLE);
	CHECK(read_reply(VAULT_COMPARE, "{}") == ERR_VAULT_UNREACHABLE);
	CHECK(read_reply(VAULT_KEYS, "{\"keys\": []}") == ERR_VAULT_UNREACHABLE);
	CHECK(read_reply(VAULT_KEYS, "{\"keys\": [\"0123456789abcde\"]}") == ERR_VAULT_UNREACHABLE);
	CHECK(read_reply(VAULT_KEYS, "{\"keys\": [\"0123456789abcdeG\"]}") == ERR_VAULT_UNREACHABLE);
	CHECK(read_reply(VAULT_KEYS, "{\"keys\": [\"0123456789abcdef\"]}") == ERR_OK);
}

/* What the matter is with the HSM is for the desk to know; to the server its vault is one that does not answer. */
static void
test_hsm_replies(void)
{
	static const char *const errors[] = { "hsm_unavailable", "hsm_module_failed", "hsm_token_missing", "hsm_pin_missing", "hsm_pin_refused", "hsm_pin_locked", "hsm_key_missing",
		"hsm_key_unfit" };
	struct vault_reply reply = { .line = "hsm 00 AAAA" };
	struct vault_reply got = { .equal = false };
	struct buf b = buf_new(VAULT_FRAME_MAX);

	for (enum vault_verb verb = VAULT_RESEAL; verb < VAULT_VERB_COUNT; verb++)
		for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
			char text[128];
			enum err e;
			snprintf(text, sizeof(text), "{\"error\":{\"data\":{\"name\":\"%s\"}}}", errors[i]);
			e = read_reply(verb, text);
			CHECK(vault_verb_is_desk(verb) == (verb >= VAULT_MAKE));
			CHECK(e == (vault_verb_is_desk(verb) ? err_from_name(errors[i]) : ERR_VAULT_UNREACHABLE));
		}
	CHECK(!vault_is_hsm_error(ERR_OK) && !vault_is_hsm_error(ERR_SEALED_INVALID) && vault_is_hsm_error(ERR_HSM_KEY_UNFIT));
	CHECK(read_reply(VAULT_MAKE, "{\"error\":{\"data\":{\"name\":\"config_invalid\"}}}") == ERR_CONFIG_INVALID);
	CHECK(read_reply(VAULT_RENEW, "{\"error\":{\"data\":{\"name\":\"config_invalid\"}}}") == ERR_VAULT_REFUSED);
	CHECK(vault_reply_write(VAULT_MAKE, ERR_OK, &reply, &b) == ERR_OK && vault_reply_read(VAULT_ADOPT, b.data, b.len, &got) == ERR_OK);
	CHECK_TEXT(got.line, "hsm 00 AAAA");
	CHECK(vault_reply_read(VAULT_CHECK, b.data, b.len, &got) == ERR_VAULT_UNREACHABLE);
	CHECK(read_reply(VAULT_MAKE, "{\"line\": \"\"}") == ERR_VAULT_UNREACHABLE);
	CHECK(read_reply(VAULT_MAKE, "{\"line\": 1}") == ERR_VAULT_UNREACHABLE);
	buf_free(&b);
}

int
main(void)
{
	json_open();
	check_round_trip(VAULT_RESEAL);
	check_round_trip(VAULT_RENEW);
	check_round_trip(VAULT_REGRANT);
	check_round_trip(VAULT_COMPARE);
	check_round_trip(VAULT_REWRAP);
	check_round_trip(VAULT_KEYS);
	check_round_trip(VAULT_MAKE);
	check_round_trip(VAULT_ADOPT);
	check_round_trip(VAULT_CHECK);
	test_bad_requests();
	test_rows_are_bounded();
	test_replies();
	test_other_replies();
	test_hsm_replies();
	return CHECK_DONE();
}
