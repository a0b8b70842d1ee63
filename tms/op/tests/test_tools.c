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

/* ---- agencies ---- */

static json_t *
agency(const char *id, const char *origin, const char *domain, bool replace)
{
	return json_pack("{s:s, s:s, s:[s, s], s:[s], s:b}", "id", id, "name", "Đại lý", "origins", origin, "https://khac.example", "domains", domain, "replace", replace ? 1 : 0);
}

static void
test_agencies(void)
{
	struct world *w = world_new();
	struct store_agency two = { .id = "hai", .name = "Hai", .origins = "http://localhost:8080", .second_approver = true };
	json_t *answer = NULL, *row;

	CHECK(run(w, op_admin_agencies, 0, NULL, "agencies", 0) == ERR_OK);
	CHECK(run(w, op_admin_agency_put, 0, agency("mot", "https://mot.example", "mot.example", true), "agencies", 0) == ERR_AGENCY_UNKNOWN);
	CHECK(run(w, op_admin_agency_put, 0, agency("mot", "https://mot.example", "mot.example", false), "agencies", 1) == ERR_OK);
	CHECK(run(w, op_admin_agency_put, 0, agency("mot", "https://mot.example", "mot.example", false), "agencies", 0) == ERR_AGENCY_EXISTS);
	CHECK(run(w, op_admin_agency_put, 0, agency("ba", "https://ba.example", "mot.example", false), "agencies", 0) == ERR_AGENCY_DOMAIN);
	/* what would end the header, or be another word of it */
	CHECK(run(w, op_admin_agency_put, 0, agency("ba", "https://ba.example; script-src *", "ba.example", false), "agencies", 0) == ERR_INVALID_PARAMS);
	CHECK(run(w, op_admin_agency_put, 0, agency("ba", "https://ba.example https://x.example", "ba.example", false), "agencies", 0) == ERR_INVALID_PARAMS);
	CHECK(run(w, op_admin_agency_put, 0, agency("ba", "http://localhost:8080", "ba.example", false), "agencies", 0) == ERR_INVALID_PARAMS);
	/* who approves for it is not changed by one alone */
	CHECK(store_agency_put(w->scratch.store, &two, false) == ERR_OK);
	CHECK(world_desk(w, 0, op_admin_agency_put, 0, agency("hai", "https://hai.example", "hai.example", true), &answer) == ERR_OK);
	row = json_array_get(json_object_get(answer, "agencies"), 0);
	CHECK(json_array_size(json_object_get(answer, "agencies")) == 2);
	CHECK_TEXT(json_string_value(json_object_get(row, "id")), "hai");
	CHECK_TEXT(json_string_value(json_object_get(row, "name")), "Đại lý");
	CHECK(json_is_true(json_object_get(row, "second_approver")) && json_integer_value(json_object_get(row, "customers")) == 0);
	CHECK(json_array_size(json_object_get(row, "origins")) == 2 && json_array_size(json_object_get(row, "domains")) == 1);
	CHECK_TEXT(json_string_value(json_array_get(json_object_get(row, "origins"), 0)), "https://hai.example");
	json_decref(answer);
	CHECK(world_audits(w, 0, "agency") == 2); /* of what was done, and of nothing else */
	world_free(w);
}

static json_t *
move_to(const char *id)
{
	return json_pack("{s:s, s:s}", "agency", id, "reason", "đổi đại lý");
}

static void
test_move(void)
{
	struct world *w = world_new();
	struct store_token t = scratch_token(1);
	struct machine *m = machine_new(w, 1, MACHINE_OWN);
	json_t *answer = NULL;

	world_import(w, 1, "khach@example.vn");
	t = world_token(w, &t.name);
	CHECK(machine_create(m) == ERR_OK);
	CHECK(run(w, op_admin_agency_put, 0, agency("mot", "https://mot.example", "mot.example", false), "agencies", 1) == ERR_OK);
	CHECK(world_desk(w, 0, op_admin_token_agency, t.id, move_to("hai"), &answer) == ERR_AGENCY_UNKNOWN);
	CHECK(world_desk(w, 0, op_admin_token_agency, 99, move_to("mot"), &answer) == ERR_TOKEN_UNKNOWN);
	CHECK(world_desk(w, 0, op_admin_token_agency, t.id, move_to("mot"), &answer) == ERR_OK);
	CHECK_TEXT(json_string_value(json_object_get(answer, "agency")), "mot");
	CHECK_TEXT(json_string_value(json_object_get(json_array_get(json_object_get(answer, "requests"), 0), "agency")), "mot");
	json_decref(answer);
	CHECK(world_desk(w, 0, op_admin_agencies, 0, NULL, &answer) == ERR_OK);
	CHECK(json_integer_value(json_object_get(json_array_get(json_object_get(answer, "agencies"), 0), "customers")) == 1);
	json_decref(answer);
	CHECK(world_desk(w, 0, op_admin_token_agency, t.id, move_to(""), &answer) == ERR_OK);
	json_decref(answer);
	CHECK_TEXT(world_token(w, &t.name).agency, "");
	machine_free(m);
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
	test_agencies();
	test_move();
	test_keys();
	return CHECK_DONE();
}
