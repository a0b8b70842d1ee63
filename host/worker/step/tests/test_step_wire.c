/* SPDX-License-Identifier: Apache-2.0 */
/* The two frames of a step: what is packed is read, and nothing else is. */
#include "check.h"
#include "json.h"
#include "step_wire.h"

#include <stdlib.h>

/* ---- requests ---- */

static struct step_request
request_of(enum step_kind kind)
{
	struct step_request r = { .kind = kind, .module = "/usr/lib/module.so", .parameters = "configdir='/a'", .token = { "Maker", "Model", "S1" } };

	if (kind == STEP_SET_PIN || kind == STEP_UNBLOCK)
		strcpy(r.keep, "/var/lib/answer");
	secret_set(&r.first, "12345678", 8);
	secret_set(&r.second, "\0\xff\x80", 3);
	memcpy(r.certificate, "0\x82\x01", 3);
	r.certificate_len = 3;
	memcpy(r.message, "message", 7);
	r.message_len = 7;
	return r;
}

static void
test_requests_come_back(void)
{
	for (int kind = 0; kind < STEP_KIND_COUNT; kind++) {
		struct step_request want = request_of((enum step_kind)kind);
		struct step_request got;
		json_t *json = step_request_json(&want);
		bool two = kind == STEP_SET_PIN || kind == STEP_ROTATE || kind == STEP_PROVE_ROTATION || kind == STEP_UNBLOCK;
		bool bare = kind == STEP_INSPECT || kind == STEP_WATCH || kind == STEP_EXAMINE || kind == STEP_READERS;

		CHECK(json != NULL && step_request_from_json(json, &got) == ERR_OK);
		CHECK(got.kind == want.kind);
		CHECK_TEXT(got.module, want.module);
		CHECK_TEXT(got.parameters, want.parameters);
		CHECK_TEXT(got.keep, want.keep);
		CHECK(bare ? got.token.serial[0] == '\0' : token_name_equal(&got.token, &want.token));
		CHECK(bare ? got.first.len == 0 : secret_equal(&got.first, &want.first));
		CHECK(two ? secret_equal(&got.second, &want.second) : got.second.len == 0);
		CHECK(got.certificate_len == (kind == STEP_SIGN ? 3U : 0U) && got.message_len == (kind == STEP_SIGN || kind == STEP_WATCH ? 7U : 0U));
		json_decref(json);
	}
}

static enum err
read_request(const char *text)
{
	static struct step_request request;
	json_t *json = NULL;
	enum err e = json_load(text, strlen(text), &json, NULL);

	if (e == ERR_OK)
		e = step_request_from_json(json, &request);
	json_decref(json);
	return e;
}

#define TOKEN "\"token\":{\"manufacturer\":\"M\",\"model\":\"N\",\"serial\":\"S\"}"

static void
test_requests_are_read_strictly(void)
{
	static const char *const bad[] = {
		"{}",
		"{\"step\":\"inspect\"}",
		"{\"module\":\"/m\"}",
		"{\"step\":\"inspect\",\"module\":7}",
		"{\"step\":\"inspect\",\"module\":\"m\"}",
		"{\"step\":\"inspect\",\"module\":\"\"}",
		"{\"step\":\"inspect\",\"module\":null}",
		"{\"step\":\"inspect\",\"module\":\"/m\",\"parameters\":\"\"}",
		"{\"step\":\"inspect\",\"module\":\"/m\",\"parameters\":1}",
		"{\"step\":\"init_token\",\"module\":\"/m\"}",
		"{\"step\":\"\",\"module\":\"/m\"}",
		"{\"step\":\"inspect\",\"module\":\"/m\",\"more\":1}",
		"{\"step\":\"inspect\",\"module\":\"/m\"," TOKEN "}",
		"{\"step\":\"inspect\",\"module\":\"/m\",\"first\":\"MTI\"}",
		"{\"step\":\"prove\",\"module\":\"/m\"," TOKEN "}",
		"{\"step\":\"prove\",\"module\":\"/m\"," TOKEN ",\"first\":\"MTI\",\"keep\":\"/k\"}",
		"{\"step\":\"rotate\",\"module\":\"/m\"," TOKEN ",\"first\":\"MTI\",\"second\":\"MTI\",\"keep\":\"/k\"}",
		"{\"step\":\"set_pin\",\"module\":\"/m\"," TOKEN ",\"first\":\"MTI\",\"second\":\"MTI\",\"keep\":\"\"}",
		"{\"step\":\"prove\",\"module\":\"/m\",\"first\":\"MTI\"}",
		"{\"step\":\"prove\",\"module\":\"/m\"," TOKEN ",\"first\":\"\"}",
		"{\"step\":\"prove\",\"module\":\"/m\"," TOKEN ",\"first\":\"M=I\"}",
		"{\"step\":\"prove\",\"module\":\"/m\"," TOKEN ",\"first\":null}",
		"{\"step\":\"prove\",\"module\":\"/m\"," TOKEN ",\"first\":\"MTI\",\"second\":\"MTI\"}",
		"{\"step\":\"prove\",\"module\":\"/m\",\"token\":{\"serial\":\"S\"},\"first\":\"MTI\"}",
		"{\"step\":\"set_pin\",\"module\":\"/m\"," TOKEN ",\"first\":\"MTI\"}",
		"{\"step\":\"sign\",\"module\":\"/m\"," TOKEN ",\"first\":\"MTI\",\"certificate\":\"MTI\"}",
		"{\"step\":\"sign\",\"module\":\"/m\"," TOKEN ",\"first\":\"MTI\",\"message\":\"MTI\"}",
	};

	CHECK(read_request("{\"step\":\"inspect\",\"module\":\"/m\"}") == ERR_OK);
	CHECK(read_request("{\"step\":\"prove\",\"module\":\"/m\"," TOKEN ",\"first\":\"MTI\"}") == ERR_OK);
	CHECK(read_request("{\"step\":\"set_pin\",\"module\":\"/m\"," TOKEN ",\"first\":\"MTI\",\"second\":\"MTI\",\"keep\":\"/k\"}") == ERR_OK);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (!CHECK(read_request(bad[i]) == ERR_INVALID_REQUEST))
			printf("%s\n", bad[i]);
}

/* Nothing of what was read stays behind where the whole is refused. */
static void
test_refused_request_is_wiped(void)
{
	static const struct step_request empty;
	struct step_request got;
	json_t *json = json_pack("{s:s, s:s, s:s, s:s}", "step", "prove", "module", "/m", "first", "MTIzNDU2", "second", "MTIzNDU2");

	CHECK(step_request_from_json(json, &got) == ERR_INVALID_REQUEST);
	CHECK(memcmp(&got, &empty, sizeof(got)) == 0);
	json_decref(json);
}

static void
test_bounds(void)
{
	static char text[OS_PATH_MAX + 64];
	struct step_request request = request_of(STEP_SIGN);
	struct step_request got;
	json_t *json;

	for (size_t len = OS_PATH_MAX - 1; len <= OS_PATH_MAX; len++) {
		memset(text, 'a', len);
		text[0] = '/';
		text[len] = '\0';
		json = json_pack("{s:s, s:s}", "step", "inspect", "module", text);
		CHECK(step_request_from_json(json, &got) == (len < OS_PATH_MAX ? ERR_OK : ERR_INVALID_REQUEST));
		json_decref(json);
	}
	request.certificate_len = STEP_CERTIFICATE_MAX;
	request.message_len = STEP_MESSAGE_MAX;
	json = step_request_json(&request);
	CHECK(step_request_from_json(json, &got) == ERR_OK);
	CHECK(got.certificate_len == STEP_CERTIFICATE_MAX && got.message_len == STEP_MESSAGE_MAX);
	json_object_set_new(json, "message", json_b64(request.certificate, STEP_MESSAGE_MAX + 1));
	CHECK(step_request_from_json(json, &got) == ERR_INVALID_REQUEST);
	json_decref(json);
}

/* ---- answers ---- */

static enum err
read_answer(const char *text, enum err *ret_error, struct step_outcome *ret_outcome)
{
	const json_t *result;
	json_t *json = NULL;
	enum err e = json_load(text, strlen(text), &json, NULL);

	if (e == ERR_OK)
		e = step_answer_from_json(json, ret_error, ret_outcome, &result);
	json_decref(json);
	return e;
}

static void
test_every_error_comes_back(void)
{
	for (int want = ERR_OK; want < ERR_COUNT; want++) {
		struct step_outcome outcome = { .cryptoki = 0x80000001, .call = "C_InitPIN", .presented = want % 2 == 0 };
		struct step_outcome got;
		const json_t *result;
		enum err e;
		json_t *json = step_answer_json((enum err)want, &outcome, NULL);

		CHECK(step_answer_from_json(json, &e, &got, &result) == ERR_OK);
		CHECK((int)e == want && got.cryptoki == outcome.cryptoki && got.presented == outcome.presented && result == NULL);
		CHECK_TEXT(got.call, outcome.call);
		json_decref(json);
	}
}

static void
test_answers_are_read_strictly(void)
{
	static const char *const bad[] = {
		"{}",
		"{\"error\":\"ok\"}",
		"{\"error\":\"ok\",\"cryptoki\":0,\"call\":\"\"}",
		"{\"error\":\"ok\",\"cryptoki\":0,\"call\":\"\",\"presented\":0}",
		"{\"error\":\"ok\",\"cryptoki\":0,\"call\":\"\",\"presented\":null}",
		"{\"error\":\"no_such_error\",\"cryptoki\":0,\"call\":\"\",\"presented\":false}",
		"{\"error\":\"\",\"cryptoki\":0,\"call\":\"\",\"presented\":false}",
		"{\"error\":7,\"cryptoki\":0,\"call\":\"\",\"presented\":false}",
		"{\"error\":\"ok\",\"cryptoki\":-1,\"call\":\"\",\"presented\":false}",
		"{\"error\":\"ok\",\"cryptoki\":\"0\",\"call\":\"\",\"presented\":false}",
		"{\"error\":\"ok\",\"cryptoki\":0,\"call\":\"C_ACallWithANameThatIsTooLong\",\"presented\":false}",
		"{\"error\":\"ok\",\"cryptoki\":0,\"call\":\"C_\\u0007\",\"presented\":false}",
		"{\"error\":\"ok\",\"cryptoki\":0,\"call\":\"\",\"presented\":false,\"more\":1}",
	};
	struct step_outcome outcome;
	enum err e;

	CHECK(read_answer("{\"error\":\"ok\",\"cryptoki\":0,\"call\":\"\",\"presented\":false}", &e, &outcome) == ERR_OK && e == ERR_OK);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (!CHECK(read_answer(bad[i], &e, &outcome) == ERR_MODULE_FAILED))
			printf("%s\n", bad[i]);
}

static enum err
read_inspection(const char *text, struct step_inspection *ret)
{
	json_t *json = NULL;
	enum err e = json_load(text, strlen(text), &json, NULL);

	if (e == ERR_OK)
		e = step_inspection_from_json(json, ret);
	json_decref(json);
	return e;
}

#define NAME  "{\"manufacturer\":\"M\",\"model\":\"N\",\"serial\":\"S\"}"
#define SHOWN "{\"name\":" NAME ",\"label\":\"L\",\"slot\":\"R\",\"pin\":\"locked\",\"so_pin\":\"unknown\",\"pin_min\":6,\"pin_max\":8,\"certificates\":"

static void
test_inspection(void)
{
	struct step_inspection got;

	CHECK(read_inspection("{\"tokens\":[" SHOWN "[\"MTI\",\"MA\"]}],\"failures\":[{\"slot\":\"R2\",\"error\":\"token_failed\",\"cryptoki\":48}],\"absent\":\"ok\"}", &got) == ERR_OK);
	CHECK(got.token_count == 1 && got.failure_count == 1);
	CHECK_TEXT(got.tokens[0].name.serial, "S");
	CHECK_TEXT(got.tokens[0].slot, "R");
	CHECK(got.tokens[0].pin == PIN_STATE_LOCKED && got.tokens[0].so_pin == PIN_STATE_UNKNOWN);
	CHECK(got.tokens[0].pin_min == 6 && got.tokens[0].pin_max == 8 && got.tokens[0].certificate_count == 2);
	CHECK(got.tokens[0].certificates[0].der_len == 2 && memcmp(got.tokens[0].certificates[0].der, "12", 2) == 0);
	CHECK(got.failures[0].error == ERR_TOKEN_FAILED && got.failures[0].cryptoki == 48);
	step_inspection_free(&got);
	CHECK(got.tokens == NULL && got.token_count == 0);
	step_inspection_free(&got);
	CHECK(read_inspection("{\"tokens\":[],\"failures\":[],\"absent\":\"no_reader\"}", &got) == ERR_OK && got.token_count == 0);
	CHECK(got.absent == ERR_NO_READER);
	step_inspection_free(&got);
}

static void
test_inspections_are_read_strictly(void)
{
	static const char *const bad[] = {
		"{}",
		"{\"tokens\":[],\"absent\":\"no_token\"}",
		"{\"tokens\":{},\"failures\":[],\"absent\":\"no_token\"}",
		"{\"tokens\":[7],\"failures\":[],\"absent\":\"ok\"}",
		"{\"tokens\":[],\"failures\":[{}],\"absent\":\"ok\"}",
		"{\"tokens\":[],\"failures\":[{\"slot\":\"\",\"error\":\"no_such\",\"cryptoki\":0}],\"absent\":\"ok\"}",
		"{\"tokens\":[],\"failures\":[],\"absent\":\"no_token\",\"more\":[]}",
		"{\"tokens\":[" SHOWN "{}}],\"failures\":[],\"absent\":\"ok\"}",
		"{\"tokens\":[" SHOWN "[\"\"]}],\"failures\":[],\"absent\":\"ok\"}",
		"{\"tokens\":[" SHOWN "[\"MTI\",7]}],\"failures\":[],\"absent\":\"ok\"}",
		"{\"tokens\":[{\"name\":" NAME ",\"label\":\"L\",\"slot\":\"R\",\"pin\":\"broken\",\"so_pin\":\"ok\",\"pin_min\":6,\"pin_max\":8,"
		"\"certificates\":[]}],\"failures\":[],\"absent\":\"ok\"}",
		"{\"tokens\":[{\"name\":" NAME ",\"label\":\"L\",\"slot\":\"R\",\"pin\":\"ok\",\"so_pin\":\"ok\",\"pin_min\":-1,\"pin_max\":8,"
		"\"certificates\":[]}],\"failures\":[],\"absent\":\"ok\"}",
		"{\"tokens\":[{\"name\":" NAME ",\"label\":\"L\",\"slot\":\"R\",\"pin\":\"ok\",\"so_pin\":\"ok\",\"pin_min\":6,\"pin_max\":129,"
		"\"certificates\":[]}],\"failures\":[],\"absent\":\"ok\"}",
		"{\"tokens\":[{\"name\":" NAME ",\"label\":\"L\",\"slot\":\"R\",\"pin\":\"ok\",\"so_pin\":\"ok\",\"pin_min\":9,\"pin_max\":8,"
		"\"certificates\":[]}],\"failures\":[],\"absent\":\"ok\"}",
		"{\"tokens\":[{\"name\":" NAME ",\"label\":\"L\",\"slot\":\"R\",\"pin\":\"ok\",\"so_pin\":\"ok\",\"pin_min\":0,\"pin_max\":8,"
		"\"certificates\":[]}],\"failures\":[],\"absent\":\"ok\"}",
		"{\"tokens\":[],\"failures\":[]}",
		"{\"tokens\":[],\"failures\":[],\"absent\":\"ok\"}",
		"{\"tokens\":[],\"failures\":[],\"absent\":\"timeout\"}",
		"{\"tokens\":[],\"failures\":[],\"absent\":7}",
		"{\"tokens\":[],\"failures\":[{\"slot\":\"\",\"error\":\"timeout\",\"cryptoki\":0}],\"absent\":\"no_token\"}",
	};
	struct step_inspection got;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (!CHECK(read_inspection(bad[i], &got) == ERR_MODULE_FAILED))
			printf("%s\n", bad[i]);
	CHECK(step_inspection_from_json(NULL, &got) == ERR_MODULE_FAILED);
}

static void
test_too_many_tokens(void)
{
	struct step_inspection got;

	for (size_t count = STEP_TOKENS_MAX; count <= STEP_TOKENS_MAX + 1; count++) {
		json_t *json = json_pack("{s:[], s:[], s:s}", "tokens", "failures", "absent", "ok");

		for (size_t i = 0; i < count; i++)
			json_array_append_new(json_object_get(json, "failures"), json_pack("{s:s, s:s, s:i}", "slot", "", "error", "timeout", "cryptoki", 0));
		CHECK(step_inspection_from_json(json, &got) == (count <= STEP_TOKENS_MAX ? ERR_OK : ERR_MODULE_FAILED));
		if (count <= STEP_TOKENS_MAX)
			step_inspection_free(&got);
		json_decref(json);
	}
}

static void
test_signature(void)
{
	struct step_proof proof = { .built = true };
	json_t *json = json_pack("{s:s, s:s}", "mechanism", "ecdsa-sha256", "signature", "MTI");

	CHECK(step_signature_from_json(json, &proof) == ERR_OK && proof.built && proof.signature_len == 2);
	CHECK_TEXT(proof.mechanism, "ecdsa-sha256");
	json_object_set_new(json, "signature", json_string(""));
	CHECK(step_signature_from_json(json, &proof) == ERR_MODULE_FAILED);
	json_object_set_new(json, "mechanism", json_string(""));
	CHECK(step_signature_from_json(json, &proof) == ERR_OK && proof.signature_len == 0);
	json_object_set_new(json, "mechanism", json_string("a mechanism with too long a name"));
	CHECK(step_signature_from_json(json, &proof) == ERR_MODULE_FAILED);
	CHECK(step_signature_from_json(NULL, &proof) == ERR_MODULE_FAILED);
	json_decref(json);
}

static void
test_seen(void)
{
	static const char *const bad[] = { "{}", "{\"seen\":\"\"}", "{\"seen\":\"AQIDBAUGBw\"}", "{\"seen\":\"AQIDBAUGBwgJ\"}", "{\"seen\":1}",
		"{\"seen\":\"AQIDBAUGBwg\",\"more\":1}" };
	unsigned char seen[STEP_SEEN_LEN];
	json_t *json = json_pack("{s:s}", "seen", "AQIDBAUGBwg");

	CHECK(step_seen_from_json(json, seen) == ERR_OK && memcmp(seen, "\1\2\3\4\5\6\7\10", sizeof(seen)) == 0);
	CHECK(step_seen_from_json(NULL, seen) == ERR_MODULE_FAILED);
	json_decref(json);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		json = json_loads(bad[i], 0, NULL);
		CHECK(step_seen_from_json(json, seen) == ERR_MODULE_FAILED);
		json_decref(json);
	}
}

int
main(void)
{
	json_open();
	test_requests_come_back();
	test_requests_are_read_strictly();
	test_refused_request_is_wiped();
	test_bounds();
	test_every_error_comes_back();
	test_answers_are_read_strictly();
	test_inspection();
	test_inspections_are_read_strictly();
	test_too_many_tokens();
	test_signature();
	test_seen();
	return CHECK_DONE();
}
