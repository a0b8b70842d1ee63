/* SPDX-License-Identifier: Apache-2.0 */
/* What operators write at the desk: notices, kinds of tokens, modules; and where a roll of the vault's key stands. */
#include "check.h"
#include "json.h"
#include "world.h"

#include <string.h>

static json_t *
notice(const char *title, int64_t starts, int64_t ends)
{
	return json_pack("{s:s, s:{s:s, s:s}, s:{s:s, s:s}, s:I, s:I}", "severity", "warning", "title", "vi", title, "en", "", "text", "vi", "Nội dung", "en", "",
	    "starts", (json_int_t)starts, "ends", (json_int_t)ends);
}

static enum err
run(struct world *w, enum err (*op)(struct call *, json_t **), int64_t number, json_t *body, const char *key, size_t rows)
{
	json_t *answer = NULL;
	enum err e = world_desk(w, 0, op, number, body, &answer);

	if (e == ERR_OK)
		CHECK(json_array_size(json_object_get(answer, key)) == rows);
	json_decref(answer);
	return e;
}

static int64_t
due(struct world *w)
{
	json_t *answer = NULL;
	int64_t count;

	CHECK(world_call(w, op_notices, NULL, NULL, &answer) == ERR_OK);
	count = (int64_t)json_array_size(json_object_get(answer, "notices"));
	json_decref(answer);
	return count;
}

static void
test_notices(void)
{
	struct world *w = world_new();
	json_t *answer = NULL, *row;

	CHECK(run(w, op_admin_notices, 0, NULL, "notices", 0) == ERR_OK);
	CHECK(run(w, op_admin_notice_add, 0, notice("Bảo trì", w->now - 10, 0), "notices", 1) == ERR_OK && due(w) == 1);
	CHECK(run(w, op_admin_notice_add, 0, notice("Mai", w->now + 100, w->now + 200), "notices", 2) == ERR_OK && due(w) == 1);
	CHECK(run(w, op_admin_notice_add, 0, notice("Đã qua", 0, w->now), "notices", 0) == ERR_INVALID_PARAMS);
	/* one that is due is ended, and says still who it was */
	CHECK(world_desk(w, 0, op_admin_notice_change, 1, notice("Bảo trì xong", w->now - 10, w->now - 1), &answer) == ERR_OK && due(w) == 0);
	row = json_array_get(json_object_get(answer, "notices"), 0);
	CHECK_TEXT(json_string_value(json_object_get(json_object_get(row, "title"), "vi")), "Bảo trì xong");
	CHECK(json_integer_value(json_object_get(row, "number")) == 1 && json_is_false(json_object_get(row, "due")) && json_integer_value(json_object_get(row, "created")) == w->now);
	json_decref(answer);
	CHECK(run(w, op_admin_notice_change, 3, notice("x", 0, 0), "notices", 0) == ERR_NOTICE_UNKNOWN);
	CHECK(run(w, op_admin_notice_remove, 3, json_object(), "notices", 0) == ERR_NOTICE_UNKNOWN);
	CHECK(run(w, op_admin_notice_remove, 1, json_object(), "notices", 1) == ERR_OK);
	CHECK(run(w, op_admin_notice_remove, 1, json_object(), "notices", 0) == ERR_NOTICE_UNKNOWN);
	CHECK(world_audits(w, 0, "notice") == 4); /* of what was done, and of nothing else */
	w->now += 150;
	CHECK(due(w) == 1);
	world_free(w);
}

static json_t *
kind(const char *model, const char *vendor, int pin_max)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:i, s:i, s:s, s:i, s:s, s:i}", "name", "Token ví dụ", "vendor", vendor, "manufacturer", "M", "model", model,
	    "family", "so_pin", "rotation", 1, "flags_reliable", 0, "pin_min", 4, "pin_max", pin_max, "pin_characters", "digits", "key_length", 0, "key_characters", "any", "so_tries", 5);
}

static json_t *
module(const char *vendor, const char *name)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s}", "vendor", vendor, "system", "linux", "name", name, "path", "/usr/lib/vidu.so", "parameters", "");
}

static void
test_kinds(void)
{
	struct world *w = world_new();
	json_t *answer = NULL, *row;

	CHECK(run(w, op_admin_type_put, 0, kind("", "Hãng", 8), "types", 0) == ERR_VENDOR_UNKNOWN);
	CHECK(run(w, op_admin_vendor_put, 0, module("Hãng", "cu"), "modules", 1) == ERR_OK);
	CHECK(run(w, op_admin_vendor_put, 0, module("Hãng", "moi"), "modules", 1) == ERR_OK); /* the same path */
	CHECK(run(w, op_admin_vendor_put, 0, module("Hãng khác", "x"), "modules", 2) == ERR_OK);
	CHECK(run(w, op_admin_type_put, 0, kind("", "Hãng", 8), "types", 1) == ERR_OK);
	CHECK(run(w, op_admin_type_put, 0, kind("M2", "", 8), "types", 2) == ERR_OK);
	CHECK(world_desk(w, 0, op_admin_type_put, 0, kind("", "Hãng khác", 12), &answer) == ERR_OK);
	row = json_array_get(json_object_get(answer, "types"), 0);
	CHECK(json_array_size(json_object_get(answer, "types")) == 2 && json_integer_value(json_object_get(row, "pin_max")) == 12);
	CHECK_TEXT(json_string_value(json_object_get(row, "vendor")), "Hãng khác");
	json_decref(answer);
	CHECK(run(w, op_admin_type_put, 0, kind("", "", 3), "types", 0) == ERR_INVALID_PARAMS);
	CHECK(world_audits(w, 0, "type") == 3 && world_audits(w, 0, "vendor") == 3);
	world_free(w);
}

static void
test_keys(void)
{
	struct world *w = world_new();
	json_t *answer = NULL, *key;

	world_import(w, 1, "khach@example.vn");
	CHECK(world_desk(w, 0, op_admin_keys, 0, NULL, &answer) == ERR_OK);
	key = json_array_get(json_object_get(answer, "keys"), 0);
	CHECK(json_array_size(json_object_get(answer, "keys")) == 1 && json_is_true(json_object_get(key, "seals")) && strlen(json_string_value(json_object_get(key, "key"))) == 16);
	CHECK(json_integer_value(json_object_get(key, "others")) == 1); /* nobody has said what the row is sealed to */
	json_decref(answer);
	world_vault_stop(w);
	CHECK(world_desk(w, 0, op_admin_keys, 0, NULL, &answer) == ERR_VAULT_UNREACHABLE);
	world_free(w);
}

int
main(void)
{
	test_notices();
	test_kinds();
	test_keys();
	return CHECK_DONE();
}
