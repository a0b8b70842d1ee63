/* SPDX-License-Identifier: Apache-2.0 */
/* What operators write at the desk: notices, kinds of tokens, modules; and where a roll of the vault's key stands. */
#include "admin_audit.h"
#include "check.h"
#include "detail.h"
#include "json.h"
#include "os.h"
#include "scratch_database.h"
#include "seen.h"
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
kind_by(const char *model, const char *vendor, int pin_max, bool two)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:i, s:i, s:s, s:i, s:s, s:b, s:i}", "name", "Token ví dụ", "vendor", vendor, "manufacturer", "M", "model", model,
	    "family", "so_pin", "rotation", 1, "flags_reliable", 0, "pin_min", 4, "pin_max", pin_max, "pin_characters", "digits", "key_length", 0, "key_characters", "any", "second_approver", two ? 1 : 0, "so_tries", 5);
}

static json_t *
kind(const char *model, const char *vendor, int pin_max)
{
	return kind_by(model, vendor, pin_max, false);
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

static bool
takes_two(struct world *w, const char *model)
{
	struct token_name name = { .manufacturer = "M" };
	struct store_type type;

	strcpy(name.model, model);
	CHECK(store_type_of(w->scratch.store, &name, &type) == ERR_OK);
	return type.second_approver;
}

/* One may ask for a second approver, and not do without one, neither for the type nor by a type of fewer models. */
static void
test_second_approver(void)
{
	struct world *w = world_new();

	CHECK(run(w, op_admin_type_put, 0, kind("", "", 8), "types", 1) == ERR_OK && !takes_two(w, "M2"));
	CHECK(run(w, op_admin_type_put, 0, kind_by("", "", 8, true), "types", 1) == ERR_OK && takes_two(w, "M2"));
	CHECK(run(w, op_admin_type_put, 0, kind("", "", 9), "types", 0) == ERR_SECOND_APPROVER_KEPT && takes_two(w, "M2"));
	CHECK(run(w, op_admin_type_put, 0, kind("M2", "", 9), "types", 0) == ERR_SECOND_APPROVER_KEPT && takes_two(w, "M2"));
	seen("second_approver_kept", "test_tools");
	CHECK(run(w, op_admin_type_put, 0, kind_by("M2", "", 9, true), "types", 2) == ERR_OK && takes_two(w, "M2"));
	CHECK(world_audits(w, 0, "type") == 3);
	world_free(w);
}

static enum err
put_changed(struct world *w, const char *key, json_t *value)
{
	json_t *body = kind("", "", 8);
	json_t *answer = NULL;
	enum err e;

	json_object_set_new(body, "manufacturer", json_string(scratch_token(1).name.manufacturer));
	json_object_set_new(body, key, value);
	if (strcmp(key, "family") == 0)
		json_object_set_new(body, "rotation", json_false());
	e = world_desk(w, 0, op_admin_type_put, 0, body, &answer);
	json_decref(answer);
	return e;
}

/* How tokens on record are unlocked, and how often that is tried, is not for one to change: for one token alone another SO PIN takes two. */
static void
test_type_in_use(void)
{
	struct world *w = world_new();

	CHECK(put_changed(w, "so_tries", json_integer(3)) == ERR_OK && put_changed(w, "so_tries", json_integer(0)) == ERR_OK);
	CHECK(put_changed(w, "family", json_string("puk")) == ERR_OK && put_changed(w, "family", json_string("so_pin")) == ERR_OK);
	CHECK(put_changed(w, "so_tries", json_integer(15)) == ERR_OK);
	world_import(w, 1, "khach@example.vn");
	CHECK(put_changed(w, "family", json_string("puk")) == ERR_TYPE_IN_USE && put_changed(w, "family", json_string("none")) == ERR_TYPE_IN_USE);
	CHECK(put_changed(w, "so_tries", json_integer(4)) == ERR_OK); /* fewer releases than before */
	CHECK(put_changed(w, "so_tries", json_integer(3)) == ERR_OK);
	CHECK(put_changed(w, "so_tries", json_integer(4)) == ERR_TYPE_IN_USE); /* more than before behind a rotation whose end is not known */
	CHECK(put_changed(w, "so_tries", json_integer(5)) == ERR_TYPE_IN_USE && put_changed(w, "so_tries", json_integer(0)) == ERR_TYPE_IN_USE);
	seen("type_in_use", "test_tools");
	for (int length = 1; length < 6; length++)
		CHECK(put_changed(w, "key_length", json_integer(length)) == ERR_INVALID_PARAMS);
	CHECK(put_changed(w, "so_tries", json_integer(3)) == ERR_OK);
	world_free(w);
}

/* What makes an SO PIN worthless that was given to a customer's machine: that it is replaced, by one that is not guessed and that the token takes. */
static void
test_rotation_in_use(void)
{
	static const char *const characters[] = { "any", "digits", "hexadecimal", "alphanumeric" };
	static const int lengths[] = { 0, 6, 12, 16, 62 };
	struct world *w = world_new();

	/* before there is a token it is anybody's */
	for (size_t i = 0; i < sizeof(characters) / sizeof(characters[0]); i++)
		CHECK(put_changed(w, "key_characters", json_string(characters[i])) == ERR_OK);
	CHECK(put_changed(w, "rotation", json_false()) == ERR_OK && put_changed(w, "key_length", json_integer(6)) == ERR_OK && put_changed(w, "rotation", json_true()) == ERR_OK);
	world_free(w);
	for (size_t was = 0; was < sizeof(lengths) / sizeof(lengths[0]); was++) {
		w = world_new();
		CHECK(put_changed(w, "key_length", json_integer(lengths[was])) == ERR_OK);
		world_import(w, 1, "khach@example.vn");
		for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
			CHECK(put_changed(w, "key_length", json_integer(lengths[i])) == (i == was ? ERR_OK : ERR_TYPE_IN_USE));
		world_free(w);
	}
	for (size_t was = 0; was < sizeof(characters) / sizeof(characters[0]); was++) {
		w = world_new();
		CHECK(put_changed(w, "key_characters", json_string(characters[was])) == ERR_OK);
		world_import(w, 1, "khach@example.vn");
		for (size_t i = 0; i < sizeof(characters) / sizeof(characters[0]); i++)
			CHECK(put_changed(w, "key_characters", json_string(characters[i])) == (i == was ? ERR_OK : ERR_TYPE_IN_USE));
		world_free(w);
	}
	w = world_new();
	world_import(w, 1, "khach@example.vn");
	CHECK(put_changed(w, "rotation", json_true()) == ERR_OK && put_changed(w, "rotation", json_false()) == ERR_TYPE_IN_USE);
	world_free(w);
}

/* ---- mails that nobody got ---- */

static int64_t
give_up(struct world *w, int64_t number, enum store_mail kind, const char *to, const char *error)
{
	struct store_outbox row = { .number = number, .kind = kind, .state = STORE_OUTBOX_QUEUED, .due = w->now, .created = w->now };
	int64_t id = 0;

	strcpy(row.to, to);
	CHECK(store_begin(w->scratch.store) == ERR_OK && store_outbox_insert(w->scratch.store, &row, &id) == ERR_OK);
	CHECK(store_outbox_finish(w->scratch.store, id, STORE_OUTBOX_FAILED, 0, error) == ERR_OK && store_commit(w->scratch.store) == ERR_OK);
	return id;
}

/* How many a reader of that agency is shown, and of how many. */
static void
check_mails(struct world *w, const char *agency, size_t shown)
{
	json_t *answer = NULL;

	CHECK(store_scope(w->scratch.store, agency));
	CHECK(world_desk(w, 0, op_admin_mails, 0, NULL, &answer) == ERR_OK);
	CHECK(json_array_size(json_object_get(answer, "mails")) == shown && json_integer_value(json_object_get(answer, "count")) == (json_int_t)shown);
	json_decref(answer);
	CHECK(store_scope(w->scratch.store, ""));
}

static void
test_mails(void)
{
	struct world *w = world_new();
	struct machine *m = machine_new(w, 1, MACHINE_OWN);
	struct store_agency agency = { .id = "mot", .name = "Một", .origins = "https://mot.example" };
	struct store_token t = scratch_token(1);
	struct store_outbox row;
	json_t *answer = NULL, *first;
	int64_t ids[4];

	world_import(w, 1, "khach@example.vn");
	CHECK(store_agency_put(w->scratch.store, &agency, false) == ERR_OK);
	t = world_token(w, &t.name);
	CHECK(machine_create(m) == ERR_OK && store_token_set_agency(w->scratch.store, &t, "mot") == ERR_OK);
	check_mails(w, "", 0);
	ids[0] = give_up(w, m->number, STORE_MAIL_EXPIRED, "khach@example.vn", "mail_refused");
	ids[1] = give_up(w, m->number, STORE_MAIL_ALARM, "van-hanh@ca.example", "mail_unreachable");
	ids[2] = give_up(w, m->number, STORE_MAIL_WAITING, "duyet@ca.example", "state_wrong"); /* nothing to say any more */
	ids[3] = give_up(w, m->number, STORE_MAIL_REVOKED, "", "mail_bounced");		       /* its address was erased */
	check_mails(w, "", 3);
	check_mails(w, "mot", 2);
	check_mails(w, "hai", 0);
	CHECK(world_desk(w, 0, op_admin_mails, 0, NULL, &answer) == ERR_OK);
	first = json_array_get(json_object_get(answer, "mails"), 2);
	CHECK(json_integer_value(json_object_get(first, "number")) == ids[0] && json_integer_value(json_object_get(first, "request")) == m->number);
	CHECK_TEXT(json_string_value(json_object_get(first, "to")), "khach@example.vn");
	CHECK_TEXT(json_string_value(json_object_get(first, "error")), "mail_refused");
	json_decref(answer);

	CHECK(run(w, op_admin_mail_retry, 99, json_object(), "mails", 0) == ERR_MAIL_UNKNOWN);
	CHECK(run(w, op_admin_mail_retry, ids[2], json_object(), "mails", 0) == ERR_MAIL_UNKNOWN);
	CHECK(run(w, op_admin_mail_retry, ids[3], json_object(), "mails", 0) == ERR_MAIL_UNKNOWN);
	seen("mail_unknown", "test_tools");
	CHECK(store_scope(w->scratch.store, "hai") && run(w, op_admin_mail_retry, ids[0], json_object(), "mails", 0) == ERR_MAIL_UNKNOWN);
	CHECK(store_scope(w->scratch.store, "mot") && run(w, op_admin_mail_retry, ids[1], json_object(), "mails", 0) == ERR_MAIL_UNKNOWN);
	CHECK(run(w, op_admin_mail_retry, ids[0], json_object(), "mails", 1) == ERR_OK && store_scope(w->scratch.store, ""));
	CHECK(store_outbox_by_id(w->scratch.store, ids[0], &row) == ERR_OK && row.state == STORE_OUTBOX_QUEUED && row.tries == 0 && row.due == w->now && row.error[0] == '\0');
	CHECK(run(w, op_admin_mail_retry, ids[0], json_object(), "mails", 0) == ERR_MAIL_UNKNOWN); /* it waits already */
	CHECK(world_audits(w, m->number, "mail") == 1);
	machine_free(m);
	world_free(w);
}

/* ---- the audit looked at ---- */

static json_t *
checked(struct world *w)
{
	json_t *answer = NULL;

	CHECK(world_desk(w, 0, op_admin_audit_verify, 0, json_object(), &answer) == ERR_OK);
	for (int i = 0; i < 3000 && json_is_true(json_object_get(answer, "running")); i++) {
		json_decref(answer);
		answer = NULL;
		os_sleep_ms(10);
		CHECK(world_desk(w, 0, op_admin_audit, 0, NULL, &answer) == ERR_OK);
	}
	CHECK(json_is_false(json_object_get(answer, "running")) && json_integer_value(json_object_get(answer, "checked")) != 0);
	return answer;
}

static void
test_audit(void)
{
	struct world *w = world_new();
	json_t *answer = NULL;

	CHECK(world_desk(w, 0, op_admin_audit, 0, NULL, &answer) == ERR_OK);
	CHECK(json_integer_value(json_object_get(answer, "checked")) == 0 && json_string_length(json_object_get(answer, "result")) == 0);
	json_decref(answer);
	for (int i = 0; i < 3; i++)
		CHECK(run(w, op_admin_notice_add, 0, notice("x", 0, 0), "notices", (size_t)i + 1) == ERR_OK);
	answer = checked(w);
	CHECK_TEXT(json_string_value(json_object_get(answer, "result")), "whole");
	CHECK(json_integer_value(json_object_get(answer, "rows")) == 3 && json_string_length(json_object_get(answer, "failed")) == 0);
	json_decref(answer);
	CHECK(world_audits(w, 0, "audit_verify") == 1);
	/* the trigger keeps rows from being deleted: whoever gets around it is found */
	CHECK(scratch_database_run(w->scratch.path, scratch_is_postgresql() ? "ALTER TABLE audit DISABLE TRIGGER ALL; DELETE FROM audit WHERE id = 2"
									    : "DROP TRIGGER audit_there; DELETE FROM audit WHERE id = 2"));
	answer = checked(w);
	CHECK_TEXT(json_string_value(json_object_get(answer, "result")), "missing");
	CHECK(json_integer_value(json_object_get(answer, "row")) == 2);
	json_decref(answer);
	/* a file of anchors that is none to be read */
	w->config.audit_anchor = "/";
	answer = checked(w);
	CHECK_TEXT(json_string_value(json_object_get(answer, "failed")), "audit_anchor_failed");
	CHECK(json_string_length(json_object_get(answer, "result")) == 0);
	json_decref(answer);
	admin_audit_end();
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

/* However long they are: all of it is said, in rows that begin alike, and no word is cut. */
static void
test_agency_is_said_whole(void)
{
	struct store_agency a = { .id = "dai-ly", .second_approver = true };
	char row[DETAIL_SIZE];
	char all[8192] = "";
	size_t at = 0, len = 0, rows = 0;

	for (int i = 0; i < 8; i++)
		len += (size_t)snprintf(a.origins + len, sizeof(a.origins) - len, "%shttps://%d.%0*d.example", i == 0 ? "" : " ", i, 200, i);
	len = 0;
	for (int i = 0; i < 32; i++)
		len += (size_t)snprintf(a.domains + len, sizeof(a.domains) - len, "%s%d.%0*d.example", i == 0 ? "" : " ", i, 40, i);
	len = 0;
	while (rows < 9 && detail_agency("change", &a, &at, row)) {
		CHECK(strncmp(row, "change=dai-ly second_approver=yes ", 34) == 0);
		len += (size_t)snprintf(all + len, sizeof(all) - len, "%s ", row + 34);
		rows++;
	}
	CHECK(rows >= 4 && rows < 9);
	for (int i = 0; i < 40; i++) {
		char word[300];
		if (i < 8)
			snprintf(word, sizeof(word), "https://%d.%0*d.example ", i, 200, i);
		else
			snprintf(word, sizeof(word), "%d.%0*d.example ", i - 8, 40, i - 8);
		CHECK(strstr(all, word) != NULL);
	}
	at = 0;
	a = (struct store_agency){ .id = "dai-ly" };
	CHECK(detail_agency("remove", &a, &at, row));
	CHECK_TEXT(row, "remove=dai-ly");
	CHECK(!detail_agency("remove", &a, &at, row));
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
	struct store_agency two = { .id = "hai", .name = "Hai", .origins = "https://hai.example", .second_approver = true };
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
	/* an agency that asks for two approvers is not left by one alone, unless two are asked for in any case */
	CHECK(store_agency_put(w->scratch.store, &two, false) == ERR_OK);
	CHECK(world_desk(w, 0, op_admin_token_agency, t.id, move_to("hai"), &answer) == ERR_OK);
	json_decref(answer);
	CHECK(world_desk(w, 0, op_admin_token_agency, t.id, move_to(""), &answer) == ERR_SECOND_APPROVER_KEPT);
	CHECK(world_desk(w, 0, op_admin_token_agency, t.id, move_to("mot"), &answer) == ERR_SECOND_APPROVER_KEPT);
	CHECK_TEXT(world_token(w, &t.name).agency, "hai");
	w->config.second_approver = CONFIG_SECOND_ALWAYS;
	CHECK(world_desk(w, 0, op_admin_token_agency, t.id, move_to("mot"), &answer) == ERR_OK);
	json_decref(answer);
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
	test_second_approver();
	test_type_in_use();
	test_rotation_in_use();
	test_mails();
	test_audit();
	test_agencies();
	test_agency_is_said_whole();
	test_move();
	test_keys();
	return CHECK_DONE();
}
