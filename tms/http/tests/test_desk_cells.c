/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every cell of (action of the desk x state of what it is about x who asks), through the whole exchange: certificate, role, page, CSRF token, operation, store. The actions are those of
 * http/route.c, each of which must stand here; who may and what comes of it is written a second time. What is refused to somebody leaves no row in the audit, which whatever is done or shown
 * at the desk does. Requests in all their states: test_state_cells.c.
 */
#include "chain.h"
#include "check.h"
#include "code.h"
#include "desk_people.h"
#include "enrolment.h"
#include "json.h"
#include "os.h"
#include "route.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What {number} of a path names; each has states of its own. */
enum about {
	NOTHING,
	REQUEST,
	TOKEN,
	PROPOSAL,
	MAIL,
	NOTICE,
	PERSON,
	ENROLMENT
};

#define STATES 3

static const char *const states[][STATES] = {
	[NOTHING] = { "" },
	[REQUEST] = { "pending" },
	[TOKEN] = { "active", "lost", "retired" },
	[PROPOSAL] = { "open", "rejected" },
	[MAIL] = { "given up", "sent" },
	[NOTICE] = { "there", "removed" },
	[PERSON] = { "may come in", "shut out" },
	[ENROLMENT] = { "open", "rejected" },
};

#define OK	"ok"
#define REASON	"{\"reason\":\"đã trình báo\"}"
#define NEWS	"{\"severity\":\"info\",\"title\":{\"vi\":\"Bảo trì\",\"en\":\"\"},\"text\":{\"vi\":\"Từ 22 giờ.\",\"en\":\"\"},\"starts\":0,\"ends\":0}"
#define TYPE_BY "{\"name\":\"T\",\"vendor\":\"\",\"manufacturer\":\"M\",\"model\":\"M2\",\"family\":\"so_pin\",\"rotation\":true,\"flags_reliable\":false,\"pin_min\":6,\"pin_max\":8," \
		"\"pin_characters\":\"digits\",\"key_length\":16,\"key_characters\":\"any\",\"second_approver\":%s,\"so_tries\":3}"

/* A %s of a body is what the thing has: check phrase, sealed row, fingerprint, certificate. */
static const struct action {
	const char *route;
	const char *may; /* letters of desk_people */
	enum about about;
	const char *text;	   /* body of a POST, query of a GET */
	const char *wants[STATES]; /* in each state, where somebody may */
} actions[] = {
	{ "admin.me", "VAOUva", NOTHING, NULL, { OK } },
	{ "admin.waiting", "VAOUva", NOTHING, NULL, { OK } },
	{ "admin.list", "VAOUva", NOTHING, "state=pending", { OK } },
	{ "admin.detail", "VAOUva", REQUEST, NULL, { OK } },
	{ "admin.approve", "Aa", REQUEST, "{\"how\":\"form\",\"reference\":\"\",\"phrase\":\"%s\"}", { OK } },
	{ "admin.refuse", "Aa", REQUEST, REASON, { OK } },
	{ "admin.resend", "AOa", REQUEST, "{}", { "request_not_approved" } },
	{ "admin.tokens", "VAOUva", NOTHING, "life=active", { OK } },
	{ "admin.token", "VAOUva", TOKEN, NULL, { OK, OK, OK } },
	{ "admin.token.lost", "AOa", TOKEN, REASON, { OK, "token_life_wrong", "token_life_wrong" } },
	{ "admin.token.retire", "AO", TOKEN, REASON, { OK, OK, "token_life_wrong" } },
	{ "admin.token.restore", "AO", TOKEN, REASON, { "token_life_wrong", OK, OK } },
	{ "admin.token.replace", "O", TOKEN, "{\"sealed\":\"%s\",\"reason\":\"biên bản\"}", { OK, OK, OK } },
	{ "admin.token.cure", "O", TOKEN, REASON, { OK, OK, OK } },
	{ "admin.token.reinstate", "O", TOKEN, REASON, { "token_life_wrong", "token_life_wrong", "token_life_wrong" } }, /* nothing is kept */
	{ "admin.token.agency", "O", TOKEN, "{\"agency\":\"\",\"reason\":\"đổi đại lý\"}", { OK, OK, OK } },
	{ "admin.proposals", "VAOU", NOTHING, NULL, { OK } },
	{ "admin.proposal.confirm", "AO", PROPOSAL, "{}", { OK, "proposal_closed" } },
	{ "admin.proposal.reject", "AO", PROPOSAL, REASON, { OK, "proposal_closed" } },
	{ "admin.types", "VAOUva", NOTHING, NULL, { OK } },
	{ "admin.type.put", "O", NOTHING, TYPE_BY, { OK } },
	{ "admin.vendors", "VAOU", NOTHING, NULL, { OK } },
	{ "admin.vendor.put", "O", NOTHING, "{\"vendor\":\"V\",\"system\":\"linux\",\"name\":\"v\",\"path\":\"/usr/lib/v.so\",\"parameters\":\"\"}", { OK } },
	{ "admin.agencies", "VAOU", NOTHING, NULL, { OK } },
	{ "admin.agency.put", "O", NOTHING, "{\"id\":\"" DESK_AGENCY "\",\"name\":\"A\",\"origins\":[\"https://a.example\"],\"domains\":[],\"replace\":true}", { OK } },
	{ "admin.notices", "VAOU", NOTHING, NULL, { OK } },
	{ "admin.notice.add", "O", NOTHING, NEWS, { OK } },
	{ "admin.notice.change", "O", NOTICE, NEWS, { OK, "notice_unknown" } },
	{ "admin.notice.remove", "O", NOTICE, "{}", { OK, "notice_unknown" } },
	{ "admin.mails", "VAOUva", NOTHING, NULL, { OK } },
	{ "admin.mail.retry", "AOa", MAIL, "{}", { OK, "mail_unknown" } },
	{ "admin.audit", "OU", NOTHING, NULL, { OK } },
	{ "admin.audit.verify", "OU", NOTHING, "{}", { OK } },
	{ "admin.import", "O", NOTHING, "{\"table\":\"manufacturer,model,serial,sealed,customer,email\\nM,K,S1,AAAA,Khách,khach@example.vn\\n\",\"dry_run\":true}", { OK } },
	{ "admin.backups", "OU", NOTHING, NULL, { "backups_off" } },
	{ "admin.backup", "O", NOTHING, "{}", { "backups_off" } },
	{ "admin.mail.test", "O", NOTHING, "{}", { OK } },
	{ "admin.keys", "OU", NOTHING, NULL, { OK } },
	{ "admin.report", "VAOUva", NOTHING, "from=1700000000&to=1700086400", { OK } },
	{ "admin.people", "OU", NOTHING, NULL, { OK } },
	{ "admin.person.propose", "O", NOTHING, "{\"name\":\"Mới\",\"role\":\"viewer\",\"agency\":\"\",\"certificate\":\"x\",\"reason\":\"thử\"}", { "certificate_refused" } },
	{ "admin.person.remove", "O", PERSON, REASON, { OK, "person_unknown" } },
	{ "admin.certificate.retire", "O", PERSON, "{\"fingerprint\":\"%s\",\"reason\":\"thẻ cũ\"}", { OK, "person_unknown" } },
	{ "admin.enrolment.confirm", "O", ENROLMENT, "{}", { OK, "proposal_closed" } },
	{ "admin.enrolment.reject", "O", ENROLMENT, REASON, { OK, "proposal_closed" } },
};

#define ACTIONS (sizeof(actions) / sizeof(actions[0]))

/* What an action is about, made anew for each cell. */
struct thing {
	int64_t number;
	char has[4 * TRANSCRIPT_ESCROW_ROW_LEN]; /* what a body says of it */
};

static struct desk_person proposer = { .letter = 'O', .role = STORE_OPERATOR, .agency = "", .name = "an operator who is not asked here" };
static unsigned made; /* things so far: no two are alike */
static unsigned cells;

/* ---- things ---- */

static int64_t
new_token(struct world *w, unsigned state, struct thing *ret)
{
	struct store_token t = scratch_token(++made + 100);
	struct store *s = w->scratch.store;
	unsigned char sealed[TRANSCRIPT_ESCROW_ROW_LEN];
	unsigned char pk[KEY_KEM_PK_LEN];
	struct secret so_pin = { 0 };
	char text[2 * TRANSCRIPT_ESCROW_ROW_LEN];
	int64_t id = 0;

	text_copy(t.agency, sizeof(t.agency), DESK_AGENCY);
	key_kem_public(w->vault_key, pk);
	CHECK(secret_set(&so_pin, WORLD_SO_PIN, strlen(WORLD_SO_PIN)));
	CHECK(transcript_seal_escrow(pk, &t.name, 1, &so_pin, sealed) == ERR_OK);
	CHECK(store_token_import(s, &t, 1, sealed, &id) == ERR_OK);
	CHECK(store_token_mark(s, id, STORE_SUSPECT) == ERR_OK);
	CHECK(state == 0 || store_token_set_life(s, id, state == 1 ? STORE_LOST : STORE_RETIRED) == ERR_OK);
	text_b64_encode(sealed, sizeof(sealed), text);
	text_copy(ret->has, sizeof(ret->has), text);
	return id;
}

static int64_t
new_request(struct world *w, struct thing *ret)
{
	struct store_request r = scratch_request(++made);
	char phrase[CODE_PHRASE_LEN + 1];

	r.token = scratch_token(1).name;
	r.created = os_time();
	r.expires = r.created + 3600;
	CHECK(store_request_insert(w->scratch.store, &r, "", 0, &r.number) == ERR_OK);
	CHECK(code_phrase(r.id, r.host_kem_pk, r.host_sig_pk, phrase) == ERR_OK);
	text_copy(ret->has, sizeof(ret->has), phrase);
	return r.number;
}

/* Nobody confirms what he has proposed himself, and an enrolment is as good as who proposed it. */
static int64_t
new_proposal(struct world *w, unsigned state, struct thing *ret)
{
	struct store *s = w->scratch.store;
	struct store_token t;
	struct store_proposal p = { .token = new_token(w, 0, ret), .kind = STORE_CURE, .reason = "x", .proposer = proposer.person.id, .created = os_time(), .expires = os_time() + 3600 };
	int64_t id = 0;

	CHECK(store_token_by_id(s, p.token, &t) == ERR_OK);
	p.active = t.active;
	p.next = t.next;
	p.life = t.life;
	CHECK(store_proposal_insert(s, &p, &id) == ERR_OK);
	CHECK(state == 0 || store_proposal_end(s, id, STORE_PROPOSAL_REJECTED, w->people[1].id, "x", os_time()) == ERR_OK);
	return id;
}

static int64_t
new_mail(struct world *w, unsigned state, struct thing *ret)
{
	struct store_outbox row = { .number = new_request(w, ret), .kind = STORE_MAIL_EXPIRED, .to = "khach@example.vn", .state = STORE_OUTBOX_QUEUED, .due = w->now, .created = w->now };
	int64_t id = 0;

	CHECK(store_outbox_insert(w->scratch.store, &row, &id) == ERR_OK);
	CHECK(store_outbox_finish(w->scratch.store, id, state == 0 ? STORE_OUTBOX_FAILED : STORE_OUTBOX_SENT, w->now, state == 0 ? "mail_refused" : "") == ERR_OK);
	return id;
}

static int64_t
new_notice(struct world *w, unsigned state)
{
	const struct store_notice n = { .title_vi = "x", .text_vi = "x", .created = w->now };
	int64_t id = 0;

	CHECK(store_notice_add(w->scratch.store, &n, &id) == ERR_OK);
	CHECK(state == 0 || store_notice_remove(w->scratch.store, id) == ERR_OK);
	return id;
}

static struct store_person
somebody_new(void)
{
	struct store_person p = scratch_person(++made + 1000, STORE_VIEWER);

	p.not_after = os_time() + 86400;
	return p;
}

static int64_t
new_person(struct world *w, unsigned state, struct thing *ret)
{
	struct store_person p = somebody_new();
	int64_t id = 0;

	CHECK(store_begin(w->scratch.store) == ERR_OK);
	CHECK(store_end(w->scratch.store, store_person_put(w->scratch.store, &p, &id)) == ERR_OK);
	CHECK(state == 0 || store_person_set_role(w->scratch.store, id, STORE_NONE, "") == ERR_OK);
	text_hex(p.fingerprint, sizeof(p.fingerprint), ret->has);
	return id;
}

static int64_t
new_enrolment(struct world *w, unsigned state)
{
	struct store_enrolment e = { .person = somebody_new(), .reason = "x", .proposer = proposer.person.id, .expires = os_time() + 3600 };
	int64_t id = 0;

	e.person.created = os_time();
	CHECK(store_enrolment_insert(w->scratch.store, &e, &id) == ERR_OK);
	CHECK(state == 0 || store_enrolment_end(w->scratch.store, id, STORE_PROPOSAL_REJECTED, w->people[1].id, "x", os_time()) == ERR_OK);
	return id;
}

static struct thing
thing_in(struct world *w, enum about about, unsigned state)
{
	struct thing t = { .has = "true" };

	switch (about) {
	case NOTHING:
		break;
	case REQUEST:
		t.number = new_request(w, &t);
		break;
	case TOKEN:
		t.number = new_token(w, state, &t);
		break;
	case PROPOSAL:
		t.number = new_proposal(w, state, &t);
		break;
	case MAIL:
		t.number = new_mail(w, state, &t);
		break;
	case NOTICE:
		t.number = new_notice(w, state);
		break;
	case PERSON:
		t.number = new_person(w, state, &t);
		break;
	case ENROLMENT:
		t.number = new_enrolment(w, state);
		break;
	}
	return t;
}

/* ---- one cell ---- */

static const struct route *
route_of(const char *name)
{
	for (size_t i = 0; i < route_count(); i++)
		if (strcmp(route_at(i)->name, name) == 0)
			return route_at(i);
	return NULL;
}

static int64_t
audit_end(struct world *w)
{
	struct chain_head head = { .seq = -1 };

	CHECK(chain_head_of(w->scratch.store, &head) == ERR_OK);
	return head.seq;
}

/* The audit is looked through by a thread, whose end is a row of it. */
static void
wait_for_audit(struct world *w, const struct desk_person *who)
{
	struct exchange_answer a;
	bool running = true;

	for (unsigned i = 0; running && i < 1000; i++) {
		json_t *json = NULL;

		desk_ask(w, who, "/v1/admin/audit", NULL, NULL, &a);
		CHECK(a.status == 200 && json_load(a.body.data, a.body.len, &json, NULL) == ERR_OK);
		running = json_is_true(json_object_get(json, "running"));
		json_decref(json);
		buf_free(&a.body);
		os_sleep_ms(10);
	}
	CHECK(!running);
}

static void
check_cell(struct world *w, const struct action *action, const struct route *route, unsigned state, const struct desk_person *who)
{
	struct thing t = thing_in(w, action->about, state);
	bool posts = strcmp(route->method, "POST") == 0;
	bool may = strchr(action->may, who->letter) != NULL;
	const char *want = who->role == STORE_NONE ? "admin_unknown" : may ? action->wants[state]
									   : "role_refused";
	const char *mark = strchr(route->path, '{');
	const char *rest = mark != NULL ? strchr(mark, '}') + 1 : "";
	const char *hole = posts ? strstr(action->text, "%s") : NULL;
	char path[100], body[1200], name[64];
	struct exchange_answer a;
	int64_t before = audit_end(w);

	snprintf(path, sizeof(path), "%.*s", (int)strcspn(route->path, "{"), route->path);
	if (mark != NULL)
		snprintf(path + strlen(path), sizeof(path) - strlen(path), "%lld%s", (long long)t.number, rest);
	if (posts)
		snprintf(body, sizeof(body), "%.*s%s%s", hole != NULL ? (int)(hole - action->text) : (int)strlen(action->text), action->text, hole != NULL ? t.has : "", hole != NULL ? hole + 2 : "");
	desk_ask(w, who, path, posts ? NULL : action->text, posts ? body : NULL, &a);
	cells++;
	if (!CHECK_TEXT(desk_outcome(&a, name), want) || !CHECK(may || audit_end(w) == before))
		printf("  %s of what is %s, by %s\n", action->route, states[action->about][state], who->name);
	buf_free(&a.body);
	if (may && strcmp(action->route, "admin.audit.verify") == 0)
		wait_for_audit(w, who);
}

/* ---- the table ---- */

/* Every route of the desk stands in it once, and nothing else. */
static void
test_all_are_known(void)
{
	unsigned known[ACTIONS] = { 0 };

	for (size_t i = 0; i < route_count(); i++) {
		const struct route *route = route_at(i);
		unsigned found = 0;

		if (strncmp(route->path, "/v1/admin/", strlen("/v1/admin/")) != 0)
			continue;
		for (size_t k = 0; k < ACTIONS; k++) {
			found += strcmp(actions[k].route, route->name) == 0;
			known[k] += strcmp(actions[k].route, route->name) == 0;
		}
		if (!CHECK(found == 1))
			printf("  %s is not in the table\n", route->name);
	}
	for (size_t k = 0; k < ACTIONS; k++)
		if (!CHECK(known[k] == 1))
			printf("  %s is no action of the desk\n", actions[k].route);
}

int
main(void)
{
	struct world *w = world_new();

	w->config.smtp.url = "smtp://127.0.0.1:9";
	w->config.smtp.from = "mokhoa@example.vn";
	w->config.operator_email = "van-hanh@example.vn";
	desk_people_new(w);
	desk_let_in(w, &proposer);
	test_all_are_known();
	for (size_t k = 0; k < ACTIONS; k++) {
		const struct route *route = route_of(actions[k].route);

		for (unsigned state = 0; route != NULL && state < STATES && states[actions[k].about][state] != NULL; state++)
			for (size_t p = 0; p < DESK_PEOPLE; p++)
				check_cell(w, &actions[k], route, state, &desk_people[p]);
	}
	printf("actions=%zu cells=%u\n", ACTIONS, cells);
	desk_people_free();
	free(proposer.header);
	world_free(w);
	return CHECK_DONE();
}
