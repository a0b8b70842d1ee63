/* SPDX-License-Identifier: Apache-2.0 */
/* What people at the desk and time do to requests: approve, refuse, list, resend, expire. */
#include "check.h"
#include "json.h"
#include "query.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>

/* Approves as that person; phrase NULL for the right one; email NULL for the one on record. */
static enum err
approve(struct machine *m, unsigned who, const char *phrase, const char *email, json_t **ret_one)
{
	char right[16];
	json_t *body;

	machine_phrase(m, right);
	body = json_pack("{s:s, s:s, s:s}", "how", "form", "reference", "BM-02", "phrase", phrase != NULL ? phrase : right);
	if (email != NULL) {
		json_object_set_new(body, "email", json_string(email));
		json_object_set_new(body, "reason", json_string("mất hộp thư cũ"));
	}
	return world_desk(m->world, who, op_admin_approve, m->number, body, ret_one);
}

static enum err
approve_only(struct machine *m, unsigned who, const char *phrase, const char *email)
{
	json_t *one;
	enum err e = approve(m, who, phrase, email, &one);

	json_decref(one);
	return e;
}

static enum err
refuse(struct machine *m)
{
	json_t *one;
	enum err e = world_desk(m->world, 0, op_admin_refuse, m->number, json_pack("{s:s}", "reason", "Không gọi được"), &one);

	json_decref(one);
	return e;
}

static const char *
text_in(const json_t *one, const char *key)
{
	return json_string_value(json_object_get(one, key));
}

static void
test_approve(void)
{
	struct world *w = world_new();
	struct machine *m = machine_new(w, 1, MACHINE_OWN);
	json_t *one = NULL;

	world_import(w, 1, "khachhang@example.vn");
	CHECK(machine_create(m) == ERR_OK);
	CHECK(approve(m, 0, "0000-0000", NULL, &one) == ERR_PHRASE_MISMATCH);
	CHECK(world_state(w, m->number) == STATE_PENDING && world_audits(w, m->number, "phrase") == 1);
	CHECK(approve(m, 0, NULL, NULL, &one) == ERR_OK);
	CHECK_TEXT(text_in(one, "state"), "approved");
	CHECK_TEXT(text_in(one, "how"), "form");
	CHECK_TEXT(text_in(one, "reference"), "BM-02");
	CHECK_TEXT(text_in(one, "decided_by"), "Nguyễn Văn 0");
	CHECK_TEXT(text_in(one, "waiting_email"), "");
	CHECK_TEXT(text_in(one, "certificate_serial"), "1001");
	CHECK(json_integer_value(json_object_get(one, "decided")) == w->now && json_object_size(one) == 26);
	CHECK(json_integer_value(json_object_get(one, "expires")) == w->now + 7200);
	CHECK(json_array_size(json_object_get(one, "history")) == 3);
	json_decref(one);
	CHECK(world_mails(w, m->number, STORE_MAIL_CODE) == 1 && world_mails(w, m->number, STORE_MAIL_ADDRESS_CHANGED) == 0);
	CHECK(approve_only(m, 1, NULL, NULL) == ERR_REQUEST_DECIDED);
	CHECK(machine_verb(m, "status") == ERR_OK);
	CHECK_TEXT(m->state, "approved");
	CHECK_TEXT(m->email, "k***@example.vn");
	CHECK(m->code_expires == 0); /* the mail worker has not made one */
	machine_mail(m, 900);
	CHECK(machine_verb(m, "status") == ERR_OK && m->code_expires == w->now + 900);
	CHECK(world_desk(w, 0, op_admin_approve, m->number + 1, json_pack("{s:s, s:s, s:s}", "how", "form", "reference", "", "phrase", "x"), &one) == ERR_REQUEST_UNKNOWN);
	machine_free(m);
	world_free(w);
}

static void
test_another_address(void)
{
	struct world *w = world_new();
	struct machine *m = machine_new(w, 1, MACHINE_OWN);
	struct store_request r;
	json_t *one = NULL;

	world_import(w, 1, "cu@example.vn");
	CHECK(machine_create(m) == ERR_OK);
	CHECK(approve_only(m, 0, NULL, "moi example.vn") == ERR_MAIL_ADDRESS);
	CHECK(approve(m, 0, NULL, "moi@example.vn", &one) == ERR_OK);
	CHECK_TEXT(text_in(one, "state"), "pending");
	CHECK_TEXT(text_in(one, "waiting_email"), "moi@example.vn");
	CHECK_TEXT(text_in(one, "email"), "cu@example.vn");
	json_decref(one);
	CHECK(world_mails(w, m->number, STORE_MAIL_CODE) == 0);
	CHECK(approve_only(m, 0, NULL, "moi@example.vn") == ERR_SECOND_APPROVER); /* the same person again */
	CHECK(approve_only(m, 1, NULL, "khac@example.vn") == ERR_OK);		  /* another address is a proposal of its own */
	CHECK(world_state(w, m->number) == STATE_PENDING);
	CHECK(approve(m, 0, NULL, "khac@example.vn", &one) == ERR_OK);
	CHECK_TEXT(text_in(one, "state"), "approved");
	CHECK_TEXT(text_in(one, "waiting_email"), "");
	json_decref(one);
	CHECK(store_request_by_number(w->scratch.store, m->number, &r) == ERR_OK);
	CHECK_TEXT(r.email, "khac@example.vn");
	CHECK(world_mails(w, m->number, STORE_MAIL_CODE) == 1 && world_mails(w, m->number, STORE_MAIL_ADDRESS_CHANGED) == 1);
	CHECK(world_audits(w, m->number, "propose") == 2 && world_audits(w, m->number, "approve") == 1);
	machine_free(m);
	world_free(w);
}

/* What the last such row says. */
static void
detail_of(struct world *w, int64_t number, const char *what, char ret[STORE_DETAIL_SIZE])
{
	json_t *one = NULL, *entry;
	size_t i;

	ret[0] = '\0';
	CHECK(world_desk(w, 0, op_admin_detail, number, NULL, &one) == ERR_OK);
	json_array_foreach(json_object_get(one, "history"), i, entry) if (strcmp(text_in(entry, "event"), what) == 0)
	    snprintf(ret, STORE_DETAIL_SIZE, "%s", text_in(entry, "detail"));
	json_decref(one);
}

static enum err
say_yes(struct machine *m, unsigned who, const char *how, const char *reference, const char *reason)
{
	char phrase[16];
	json_t *answer = NULL;
	enum err e;

	machine_phrase(m, phrase);
	e = world_desk(m->world, who, op_admin_approve, m->number,
	    json_pack("{s:s, s:s, s:s, s:s, s:s}", "how", how, "reference", reference, "phrase", phrase, "email", "moi@example.vn", "reason", reason), &answer);
	json_decref(answer);
	return e;
}

/* Each of the two answers for what he did himself. */
static void
test_what_each_of_two_says(void)
{
	struct world *w = world_new();
	struct machine *m = machine_new(w, 1, MACHINE_OWN);
	char detail[STORE_DETAIL_SIZE];

	world_import(w, 1, "cu@example.vn");
	CHECK(machine_create(m) == ERR_OK);
	CHECK(say_yes(m, 0, "call_back", "BM-01", "hộp thư cũ đã đóng") == ERR_OK);
	detail_of(w, m->number, "propose", detail);
	CHECK_TEXT(detail, "how=call_back reference=BM-01 email=moi@example.vn reason=hộp thư cũ đã đóng");
	CHECK(say_yes(m, 1, "in_person", "BM-77", "đã gặp khách hàng") == ERR_OK);
	detail_of(w, m->number, "approve", detail);
	CHECK_TEXT(detail, "from=pending to=approved how=in_person reference=BM-77 email=moi@example.vn reason=đã gặp khách hàng");
	machine_free(m);
	world_free(w);
}

/* What somebody proposed who was shut out since then is nobody's first yes. */
static void
test_proposal_of_who_left(void)
{
	struct world *w = world_new();
	struct machine *m = machine_new(w, 1, MACHINE_OWN);
	struct store_person gone;

	world_import(w, 1, "cu@example.vn");
	CHECK(machine_create(m) == ERR_OK && approve_only(m, 0, NULL, "moi@example.vn") == ERR_OK);
	gone = w->people[0];
	gone.role = STORE_NONE;
	CHECK(store_person_put(w->scratch.store, &gone, &gone.id) == ERR_OK);
	CHECK(approve_only(m, 1, NULL, "moi@example.vn") == ERR_OK && world_state(w, m->number) == STATE_PENDING);
	CHECK(world_audits(w, m->number, "propose") == 2 && world_mails(w, m->number, STORE_MAIL_CODE) == 0);
	machine_free(m);
	world_free(w);
}

/* A person whose certificate was renewed has two for a while, and is still one person. */
static void
test_one_person_with_two_certificates(void)
{
	struct world *w = world_new();
	struct machine *m = machine_new(w, 1, MACHINE_OWN);
	struct store_person renewed = w->people[0];
	struct store_person second = w->people[1];

	world_import(w, 1, "cu@example.vn");
	CHECK(machine_create(m) == ERR_OK && approve_only(m, 0, NULL, "moi@example.vn") == ERR_OK);
	renewed.fingerprint[KEY_HASH_LEN - 1] ^= 1;
	CHECK(store_person_put(w->scratch.store, &renewed, &renewed.id) == ERR_OK && renewed.id == w->people[0].id);
	w->people[1] = renewed;
	CHECK(approve_only(m, 1, NULL, "moi@example.vn") == ERR_SECOND_APPROVER);
	CHECK(world_state(w, m->number) == STATE_PENDING && world_mails(w, m->number, STORE_MAIL_CODE) == 0);
	w->people[1] = second;
	CHECK(approve_only(m, 1, NULL, "moi@example.vn") == ERR_OK && world_state(w, m->number) == STATE_APPROVED);
	machine_free(m);
	world_free(w);
}

static void
test_no_address_on_record(void)
{
	struct world *w = world_new();
	struct machine *m = machine_new(w, 1, MACHINE_OWN);

	world_import(w, 1, "");
	CHECK(machine_create(m) == ERR_OK);
	CHECK(approve_only(m, 0, NULL, NULL) == ERR_MAIL_ADDRESS);
	CHECK(approve_only(m, 0, NULL, "moi@example.vn") == ERR_OK);
	CHECK(approve_only(m, 1, NULL, "moi@example.vn") == ERR_OK);
	CHECK(world_state(w, m->number) == STATE_APPROVED && world_mails(w, m->number, STORE_MAIL_ADDRESS_CHANGED) == 0);
	machine_free(m);
	world_free(w);
}

/* Approving one ends the others of the token, in both queues and whatever they had come to. */
static void
test_others_are_cancelled(void)
{
	struct world *w = world_new();
	struct machine *first = machine_new(w, 1, MACHINE_OWN);
	struct machine *second = machine_new(w, 1, MACHINE_OWN);
	struct machine *stranger = machine_new(w, 1, MACHINE_NONE);
	struct machine *neighbour = machine_new(w, 2, MACHINE_OWN);

	world_import(w, 1, "khach@example.vn");
	world_import(w, 2, "khach@example.vn");
	CHECK(machine_create(first) == ERR_OK && machine_create(second) == ERR_OK && machine_create(stranger) == ERR_OK && machine_create(neighbour) == ERR_OK);
	CHECK(approve_only(first, 0, NULL, NULL) == ERR_OK);
	CHECK(world_state(w, first->number) == STATE_APPROVED && world_state(w, second->number) == STATE_CANCELLED);
	CHECK(world_state(w, stranger->number) == STATE_CANCELLED && world_state(w, neighbour->number) == STATE_PENDING);
	machine_mail(first, 900);
	second->idempotency_key[0] ^= 1;
	second->counter = 0;
	CHECK(machine_create(second) == ERR_OK && approve_only(second, 0, NULL, NULL) == ERR_OK);
	CHECK(world_state(w, first->number) == STATE_CANCELLED && world_state(w, second->number) == STATE_APPROVED);
	machine_free(first);
	machine_free(second);
	machine_free(stranger);
	machine_free(neighbour);
	world_free(w);
}

static void
test_what_cannot_be_released(void)
{
	struct world *w = world_new();
	struct machine *unknown = machine_new(w, 1, MACHINE_OWN);
	struct machine *suspect = machine_new(w, 2, MACHINE_OWN);
	struct store_token token;

	world_import(w, 2, "khach@example.vn");
	CHECK(machine_create(unknown) == ERR_OK && machine_create(suspect) == ERR_OK);
	CHECK(approve_only(unknown, 0, NULL, "khach@example.vn") == ERR_ESCROW_MISSING);
	CHECK(store_token_by_name(w->scratch.store, &suspect->token, &token) == ERR_OK);
	CHECK(store_token_mark(w->scratch.store, token.id, STORE_SUSPECT) == ERR_OK);
	CHECK(approve_only(suspect, 0, NULL, NULL) == ERR_ESCROW_SUSPECT);
	world_import(w, 1, "khach@example.vn"); /* it came into the record after the request */
	CHECK(approve_only(unknown, 0, NULL, NULL) == ERR_OK);
	machine_free(unknown);
	machine_free(suspect);
	world_free(w);
}

static void
test_refuse(void)
{
	struct world *w = world_new();
	struct machine *m = machine_new(w, 1, MACHINE_OWN);
	struct machine *late = machine_new(w, 2, MACHINE_OWN);

	world_import(w, 1, "khach@example.vn");
	world_import(w, 2, "khach@example.vn");
	CHECK(machine_create(m) == ERR_OK && machine_create(late) == ERR_OK);
	CHECK(refuse(m) == ERR_OK);
	CHECK(world_mails(w, m->number, STORE_MAIL_REFUSED) == 1 && world_audits(w, m->number, "refuse") == 1);
	CHECK(machine_verb(m, "status") == ERR_OK);
	CHECK_TEXT(m->state, "refused");
	CHECK_TEXT(m->note, "Không gọi được");
	CHECK_TEXT(m->email, "");
	CHECK(refuse(m) == ERR_REQUEST_DECIDED);
	CHECK(approve_only(m, 0, NULL, NULL) == ERR_REQUEST_DECIDED);
	CHECK(machine_verb(m, "cancel") == ERR_REQUEST_REFUSED);
	/* an approval is taken back as long as nothing was released */
	CHECK(approve_only(late, 0, NULL, NULL) == ERR_OK);
	machine_mail(late, 900);
	CHECK(machine_verb(late, "status") == ERR_OK);
	CHECK(refuse(late) == ERR_OK);
	CHECK(machine_release(late) == ERR_REQUEST_REFUSED);
	CHECK(world_mails(w, late->number, STORE_MAIL_REVOKED) == 1 && world_mails(w, late->number, STORE_MAIL_REFUSED) == 0);
	machine_free(m);
	machine_free(late);
	world_free(w);
}

/* From the desk; takes the body. */
static enum err
desk_resend(struct world *w, int64_t number, json_t *body)
{
	json_t *answer = NULL;
	enum err e = world_desk(w, 0, op_admin_resend, number, body, &answer);

	json_decref(answer);
	return e;
}

static void
test_resend(void)
{
	struct world *w = world_new();
	struct machine *m = machine_new(w, 1, MACHINE_OWN);

	w->config.approval_valid_s = 7 * 86400;
	world_import(w, 1, "khach@example.vn");
	CHECK(machine_create(m) == ERR_OK && approve_only(m, 0, NULL, NULL) == ERR_OK);
	w->now += 599;
	CHECK(machine_verb(m, "resend") == ERR_RESEND_TOO_SOON && w->retry_after == 1);
	w->now += 1;
	for (int i = 0; i < 3; i++) {
		CHECK(machine_verb(m, "resend") == ERR_OK);
		w->now += 600;
	}
	CHECK(world_mails(w, m->number, STORE_MAIL_CODE) == 4);
	CHECK(machine_verb(m, "resend") == ERR_RESEND_LIMIT && w->retry_after > 0);
	w->now += 86400;
	CHECK(machine_verb(m, "resend") == ERR_OK);
	/* the desk's count with the customer's */
	CHECK(desk_resend(w, m->number, json_object()) == ERR_RESEND_TOO_SOON);
	w->now += 600;
	CHECK(desk_resend(w, m->number, json_object()) == ERR_OK && world_mails(w, m->number, STORE_MAIL_CODE) == 6);
	CHECK(machine_verb(m, "resend") == ERR_RESEND_TOO_SOON);
	CHECK(desk_resend(w, m->number, json_pack("{s:s}", "email", "x@y.z")) == ERR_INVALID_PARAMS);
	CHECK(desk_resend(w, 99, json_object()) == ERR_REQUEST_UNKNOWN);
	CHECK(world_audits(w, m->number, "resend") == 5);
	/* the clock is put back: the newest mail lies ahead, and nobody waits until it is reached; a day's limit holds all the same */
	w->now -= 600 + 86400;
	CHECK(machine_verb(m, "resend") == ERR_RESEND_LIMIT);
	machine_free(m);
	world_free(w);
}

static enum err
sweep(struct world *w, size_t *ret_count)
{
	struct call c = { .service = w->service, .store = w->scratch.store, .now = w->now, .address = "" };

	return op_sweep(&c, ret_count);
}

static void
test_expiry(void)
{
	struct world *w = world_new();
	struct machine *asked = machine_new(w, 1, MACHINE_OWN);
	struct machine *swept = machine_new(w, 2, MACHINE_OWN);
	struct machine *stranger = machine_new(w, 3, MACHINE_NONE);
	size_t count = 9;

	world_import(w, 1, "khach@example.vn");
	world_import(w, 2, "khach@example.vn");
	world_import(w, 3, "khach@example.vn");
	CHECK(machine_create(asked) == ERR_OK && machine_create(swept) == ERR_OK && machine_create(stranger) == ERR_OK);
	CHECK(sweep(w, &count) == ERR_OK && count == 0);
	w->now += 3600;
	CHECK(machine_verb(asked, "status") == ERR_OK); /* whoever asks finds it expired, without the sweep */
	CHECK_TEXT(asked->state, "expired");
	CHECK(approve_only(swept, 0, NULL, NULL) == ERR_REQUEST_EXPIRED);
	CHECK(refuse(swept) == ERR_REQUEST_EXPIRED);
	CHECK(machine_verb(asked, "cancel") == ERR_REQUEST_EXPIRED);
	CHECK(sweep(w, &count) == ERR_OK && count == 1);
	CHECK(world_state(w, stranger->number) == STATE_EXPIRED);
	CHECK(world_mails(w, asked->number, STORE_MAIL_EXPIRED) == 1);
	CHECK(world_mails(w, stranger->number, STORE_MAIL_EXPIRED) == 0); /* the owner never asked for it */
	CHECK(sweep(w, &count) == ERR_OK && count == 0);
	machine_free(asked);
	machine_free(swept);
	machine_free(stranger);
	world_free(w);
}

/* A row that no program has written: it keeps none behind it back. */
static void
test_expiry_behind_a_damaged_row(void)
{
	struct world *w = world_new();
	struct machine *damaged = machine_new(w, 1, MACHINE_OWN);
	struct machine *other = machine_new(w, 2, MACHINE_OWN);
	size_t count = 0;

	world_import(w, 1, "khach@example.vn");
	world_import(w, 2, "khach@example.vn");
	CHECK(machine_create(damaged) == ERR_OK && machine_create(other) == ERR_OK);
	CHECK(query_exec(w->scratch.store, "UPDATE request SET reason = 'a reason that is longer than any' WHERE number = 1") == ERR_OK);
	w->now += 3600;
	CHECK(sweep(w, &count) == ERR_STORE_FAILED && count == 2);
	CHECK(world_state(w, other->number) == STATE_EXPIRED);
	machine_free(damaged);
	machine_free(other);
	world_free(w);
}

static enum err
list(struct world *w, struct call_query query, json_t **ret_answer)
{
	struct call c = { .service = w->service, .store = w->scratch.store, .now = w->now, .person = &w->people[0], .query = query };

	return op_admin_list(&c, ret_answer);
}

static void
test_list(void)
{
	struct world *w = world_new();
	struct machine *m = machine_new(w, 1, MACHINE_OWN);
	json_t *answer = NULL;

	world_import(w, 1, "khach@example.vn");
	for (unsigned char i = 0; i < 3; i++) {
		m->idempotency_key[0] = i;
		CHECK(machine_create(m) == ERR_OK);
	}
	CHECK(list(w, (struct call_query){ .limit = 2 }, &answer) == ERR_OK);
	CHECK(json_array_size(json_object_get(answer, "requests")) == 2 && json_integer_value(json_object_get(answer, "next")) == 2);
	CHECK(json_object_size(json_array_get(json_object_get(answer, "requests"), 0)) == 14);
	json_decref(answer);
	CHECK(list(w, (struct call_query){ .limit = 2, .before = 2, .state = "pending" }, &answer) == ERR_OK);
	CHECK(json_array_size(json_object_get(answer, "requests")) == 1 && json_integer_value(json_object_get(answer, "next")) == 0);
	json_decref(answer);
	CHECK(list(w, (struct call_query){ .state = "completed" }, &answer) == ERR_OK);
	CHECK(json_array_size(json_object_get(answer, "requests")) == 0);
	json_decref(answer);
	CHECK(list(w, (struct call_query){ .limit = 101 }, &answer) == ERR_INVALID_PARAMS);
	CHECK(list(w, (struct call_query){ .limit = -1 }, &answer) == ERR_INVALID_PARAMS);
	CHECK(list(w, (struct call_query){ .state = "nonsense" }, &answer) == ERR_INVALID_PARAMS);
	CHECK(list(w, (struct call_query){ .token_serial = "no such", .from = 1, .to = w->now + 1 }, &answer) == ERR_OK);
	CHECK(json_array_size(json_object_get(answer, "requests")) == 0);
	json_decref(answer);
	CHECK(list(w, (struct call_query){ .email = "KHACH@", .from = w->now, .to = w->now + 1 }, &answer) == ERR_OK);
	CHECK(json_array_size(json_object_get(answer, "requests")) == 3);
	json_decref(answer);
	CHECK(list(w, (struct call_query){ .customer = "" }, &answer) == ERR_INVALID_PARAMS);
	CHECK(list(w, (struct call_query){ .customer = "a\n" }, &answer) == ERR_INVALID_PARAMS);
	CHECK(list(w, (struct call_query){ .email = "\xff" }, &answer) == ERR_INVALID_PARAMS);
	CHECK(list(w, (struct call_query){ .token_serial = "12345678901234567" }, &answer) == ERR_INVALID_PARAMS);
	CHECK(list(w, (struct call_query){ .certificate_serial = "0G" }, &answer) == ERR_INVALID_PARAMS);
	CHECK(world_desk(w, 1, op_admin_me, 0, NULL, &answer) == ERR_OK);
	CHECK_TEXT(text_in(answer, "name"), "Nguyễn Văn 1");
	CHECK_TEXT(text_in(answer, "role"), "approver");
	json_decref(answer);
	CHECK(world_desk(w, 1, op_admin_detail, 99, NULL, &answer) == ERR_REQUEST_UNKNOWN);
	machine_free(m);
	world_free(w);
}

/* ---- when two have to say yes ---- */

struct policy {
	enum config_second config;
	bool type;
	bool agency;
	bool two_for_own;     /* the address on record */
	bool two_for_changed; /* another one */
};

/* The token's type and agency as the policy has them. */
static void
set_policy(struct world *w, const struct policy *p)
{
	struct store_token t = scratch_token(1);
	struct store_type type = { .name = "Thẻ", .rotation = true, .second_approver = p->type };
	struct store_agency agency = { .id = "an-khang", .name = "An Khang", .origins = "https://an.example", .second_approver = p->agency };

	w->config.second_approver = p->config;
	strcpy(type.manufacturer, t.name.manufacturer);
	type.policy.family = FAMILY_SO_PIN;
	world_import(w, 1, "cu@example.vn");
	CHECK(store_type_put(w->scratch.store, &type) == ERR_OK && store_agency_put(w->scratch.store, &agency, true) == ERR_OK);
	t = world_token(w, &t.name);
	CHECK(store_token_set_agency(w->scratch.store, &t, "an-khang") == ERR_OK);
}

/* One yes, and where that is not enough the same person's again, and another's. */
static void
test_policy(const struct policy *p, const char *email, bool two)
{
	struct world *w = world_new();
	struct machine *m = machine_new(w, 1, MACHINE_OWN);
	json_t *one = NULL;

	set_policy(w, p);
	CHECK(machine_create(m) == ERR_OK && approve(m, 0, NULL, email, &one) == ERR_OK);
	CHECK_TEXT(text_in(one, "state"), two ? "pending" : "approved");
	CHECK_TEXT(text_in(one, "waiting_by"), two ? "Nguyễn Văn 0" : "");
	CHECK_TEXT(text_in(one, "waiting_email"), two && email != NULL ? email : "");
	CHECK_TEXT(text_in(one, "agency"), "an-khang");
	json_decref(one);
	if (two) {
		CHECK(world_mails(w, m->number, STORE_MAIL_CODE) == 0);
		CHECK(approve_only(m, 0, NULL, email) == ERR_SECOND_APPROVER && world_state(w, m->number) == STATE_PENDING);
		CHECK(approve_only(m, 1, NULL, email) == ERR_OK);
	}
	CHECK(world_state(w, m->number) == STATE_APPROVED && world_mails(w, m->number, STORE_MAIL_CODE) == 1);
	CHECK(world_mails(w, m->number, STORE_MAIL_ADDRESS_CHANGED) == (email != NULL));
	machine_free(m);
	world_free(w);
}

static void
test_policies(void)
{
	static const struct policy policies[] = {
		{ CONFIG_SECOND_ADDRESS, false, false, false, true },
		{ CONFIG_SECOND_ADDRESS, true, false, true, true },
		{ CONFIG_SECOND_ADDRESS, false, true, true, true },
		{ CONFIG_SECOND_ALWAYS, false, false, true, true },
		{ CONFIG_SECOND_NEVER, false, false, false, false },
		{ CONFIG_SECOND_NEVER, true, false, true, true },
		{ CONFIG_SECOND_NEVER, false, true, true, true },
	};

	for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
		test_policy(&policies[i], NULL, policies[i].two_for_own);
		test_policy(&policies[i], "moi@example.vn", policies[i].two_for_changed);
	}
}

/* Who said yes first could still say it when the second does: an approver, and of no other agency than the customer's. */
static void
test_first_who_may_no_more(void)
{
	static const struct {
		enum store_role role;
		const char *agency;
		bool counts;
	} cells[] = {
		{ STORE_APPROVER, "", true },
		{ STORE_APPROVER, "an-khang", true },
		{ STORE_APPROVER, "other", false },
		{ STORE_VIEWER, "", false },
		{ STORE_OPERATOR, "", false },
		{ STORE_NONE, "", false },
	};
	static const struct policy always = { .config = CONFIG_SECOND_ALWAYS };
	static const struct store_agency other = { .id = "other", .name = "Khác", .origins = "https://other.example" };

	for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++) {
		struct world *w = world_new();
		struct machine *m = machine_new(w, 1, MACHINE_OWN);
		set_policy(w, &always);
		CHECK(store_agency_put(w->scratch.store, &other, false) == ERR_OK);
		CHECK(machine_create(m) == ERR_OK && approve_only(m, 0, NULL, NULL) == ERR_OK);
		CHECK(store_person_set_role(w->scratch.store, w->people[0].id, cells[i].role, cells[i].agency) == ERR_OK);
		CHECK(approve_only(m, 1, NULL, NULL) == ERR_OK);
		CHECK(world_state(w, m->number) == (cells[i].counts ? STATE_APPROVED : STATE_PENDING));
		machine_free(m);
		world_free(w);
	}
}

int
main(void)
{
	test_policies();
	test_first_who_may_no_more();
	test_approve();
	test_another_address();
	test_what_each_of_two_says();
	test_proposal_of_who_left();
	test_one_person_with_two_certificates();
	test_no_address_on_record();
	test_others_are_cancelled();
	test_what_cannot_be_released();
	test_refuse();
	test_resend();
	test_expiry();
	test_expiry_behind_a_damaged_row();
	test_list();
	return CHECK_DONE();
}
