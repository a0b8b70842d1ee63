/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every cell of (state x action x role): a request in each state, what people and machines may do, by everybody who may come in and by a stranger, through the whole exchange:
 * certificate, role, page, CSRF token, operation, store. What comes of it is what the tables say (op/machine.c, ../../README.md; the roles are written here a second time), and where it
 * is refused the request is what it was.
 */
#include "check.h"
#include "code.h"
#include "csrf.h"
#include "exchange.h"
#include "json.h"
#include "os.h"
#include "text.h"
#include "world.h"

#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AGENCY "an-khang"

struct somebody {
	enum store_role role;
	const char *agency;
	const char *name;
	bool decides; /* approve, refuse */
	bool resends; /* another code */
	char *header; /* his certificate, as nginx passes it */
	struct store_person person;
};

static struct somebody people[] = {
	{ .role = STORE_VIEWER, .agency = "", .name = "viewer" },
	{ .role = STORE_APPROVER, .agency = "", .name = "approver", .decides = true, .resends = true },
	{ .role = STORE_OPERATOR, .agency = "", .name = "operator", .resends = true },
	{ .role = STORE_AUDITOR, .agency = "", .name = "auditor" },
	{ .role = STORE_VIEWER, .agency = AGENCY, .name = "viewer of an agency" },
	{ .role = STORE_APPROVER, .agency = AGENCY, .name = "approver of an agency", .decides = true, .resends = true },
	{ .role = STORE_NONE, .agency = "", .name = "somebody who may not come in any more" },
};

#define PEOPLE (sizeof(people) / sizeof(people[0]))

static const struct verb {
	const char *name;
	enum machine_action action;
	bool decides;
} verbs[] = {
	{ "approve", MACHINE_APPROVE, true },
	{ "refuse", MACHINE_REFUSE, true },
	{ "resend", MACHINE_RESEND, false },
};

static unsigned cells;
static unsigned requests;

/* ---- who comes in ---- */

static char *
escaped(X509 *certificate)
{
	BIO *pem = BIO_new(BIO_s_mem());
	char *text = NULL;
	char *ret = NULL;
	long len;

	CHECK(PEM_write_bio_X509(pem, certificate) == 1);
	len = BIO_get_mem_data(pem, &text);
	ret = calloc((size_t)len * 3 + 1, 1);
	for (long i = 0; i < len; i++)
		snprintf(ret + 3 * i, 4, "%%%02X", (unsigned char)text[i]);
	BIO_free(pem);
	return ret;
}

static void
let_in(struct world *w, struct somebody *who, long serial)
{
	EVP_PKEY *key = world_key_new(WORLD_EC);
	X509 *certificate = world_issue(&w->ca, key, who->name, serial, -3600, 86400);
	unsigned char der[STORE_CERTIFICATE_MAX];
	size_t len = world_der(certificate, der);

	who->person = (struct store_person){ .role = who->role, .created = w->now };
	text_copy(who->person.name, sizeof(who->person.name), who->name);
	text_copy(who->person.agency, sizeof(who->person.agency), who->agency);
	CHECK(key_hash(der, len, who->person.fingerprint) == ERR_OK);
	CHECK(store_begin(w->scratch.store) == ERR_OK);
	CHECK(store_end(w->scratch.store, store_person_put(w->scratch.store, &who->person, &who->person.id)) == ERR_OK);
	who->header = escaped(certificate);
	X509_free(certificate);
	EVP_PKEY_free(key);
}

static void
fill(struct world *w)
{
	struct store_agency agency = { .id = AGENCY, .name = "Đại lý", .origins = "https://an.example", .created = w->now };
	struct store_token token = scratch_token(1);
	const unsigned char sealed[TRANSCRIPT_ESCROW_ROW_LEN] = { 4 };
	int64_t id;

	CHECK(store_begin(w->scratch.store) == ERR_OK);
	CHECK(store_end(w->scratch.store, store_agency_put(w->scratch.store, &agency, false)) == ERR_OK);
	text_copy(token.agency, sizeof(token.agency), AGENCY);
	CHECK(store_token_import(w->scratch.store, &token, 1, sealed, &id) == ERR_OK);
	for (size_t i = 0; i < PEOPLE; i++)
		let_in(w, &people[i], 100 + (long)i);
}

/* ---- one cell ---- */

static struct store_request
request_in(struct world *w, enum state state, const struct key_sig *sig)
{
	struct store_request r = scratch_request(++requests);

	r.token = scratch_token(1).name;
	key_sig_public(sig, r.host_sig_pk);
	r.created = os_time();
	r.expires = r.created + 3600;
	CHECK(store_request_insert(w->scratch.store, &r, "", 0, &r.number) == ERR_OK);
	if (state != STATE_PENDING)
		CHECK(store_request_transition(w->scratch.store, r.number, STATE_PENDING, state, r.created) == ERR_OK);
	return r;
}

/* The name of the error of an answer, or "ok". */
static const char *
outcome(const struct exchange_answer *a, char ret[64])
{
	json_t *json = NULL;
	const char *name = "ok";

	CHECK(json_load(a->body.data, a->body.len, &json, NULL) == ERR_OK);
	if (a->status != 200)
		name = json_string_value(json_object_get(json_object_get(json_object_get(json, "error"), "data"), "name"));
	snprintf(ret, 64, "%s", name != NULL ? name : "");
	json_decref(json);
	return ret;
}

static void
check_cell(struct world *w, const struct store_request *r, enum state from, enum machine_action action, enum err refusal, const struct exchange_answer *a, const char *who)
{
	char name[64];
	enum state to = from;
	enum err e = refusal != ERR_OK ? refusal : machine_next(from, action, &to);

	cells++;
	if (!CHECK_TEXT(outcome(a, name), err_name(e)) || !CHECK_TEXT(state_name(world_state(w, r->number)), state_name(to)))
		printf("  %s, %s by %s\n", state_name(from), machine_action_name(action), who);
}

static void
desk_cell(struct world *w, enum state from, const struct verb *verb, const struct somebody *who, const struct key_sig *sig)
{
	struct store_request r = request_in(w, from, sig);
	char path[80], body[160], csrf[CSRF_LEN + 1], phrase[CODE_PHRASE_LEN + 1];
	struct exchange_request q = { .desk = true, .method = "POST", .path = path, .content_type = "application/json", .origin = w->config.console_origin, .body = body };
	struct exchange_answer a;
	bool may = verb->decides ? who->decides : who->resends;

	CHECK(code_phrase(r.id, r.host_kem_pk, r.host_sig_pk, phrase) == ERR_OK);
	snprintf(path, sizeof(path), "/v1/admin/requests/%lld/%s", (long long)r.number, verb->name);
	if (verb->action == MACHINE_APPROVE)
		snprintf(body, sizeof(body), "{\"how\":\"form\",\"reference\":\"\",\"phrase\":\"%s\"}", phrase);
	else
		snprintf(body, sizeof(body), "%s", verb->action == MACHINE_REFUSE ? "{\"reason\":\"không\"}" : "{}");
	CHECK(csrf_make(w->service, &who->person, os_time(), csrf) == ERR_OK);
	q.body_len = strlen(body);
	q.csrf = csrf;
	q.certificate = who->header;
	exchange_run(w->service, w->scratch.store, &q, &a);
	check_cell(w, &r, from, verb->action, who->role == STORE_NONE ? ERR_ADMIN_UNKNOWN : may ? ERR_OK
												: ERR_ROLE_REFUSED,
	    &a, who->name);
	buf_free(&a.body);
}

/* The customer's machine, and one that has another key. */
static void
machine_cell(struct world *w, enum state from, enum machine_action action, const struct key_sig *sig, bool stranger)
{
	struct key_sig *other = key_sig_new();
	struct store_request r = request_in(w, from, stranger ? other : sig);
	struct buf transcript = buf_new(TRANSCRIPT_MAX);
	unsigned char signature[KEY_SIG_LEN];
	char path[80], body[200], id[32], text[128];
	struct exchange_request q = { .method = "POST", .path = path, .content_type = "application/json", .body = body };
	struct exchange_answer a;

	transcript_verb_request(&transcript, machine_action_name(action), r.id, 1);
	CHECK(key_sig_sign(sig, transcript.data, transcript.len, signature) == ERR_OK);
	text_b64_encode(r.id, sizeof(r.id), id);
	text_b64_encode(signature, sizeof(signature), text);
	snprintf(path, sizeof(path), "/v1/requests/%s/%s", id, machine_action_name(action));
	snprintf(body, sizeof(body), "{\"counter\":1,\"signature\":\"%s\"}", text);
	q.body_len = strlen(body);
	exchange_run(w->service, w->scratch.store, &q, &a);
	check_cell(w, &r, from, action, stranger ? ERR_SIGNATURE_REFUSED : ERR_OK, &a, stranger ? "a strange machine" : "the machine");
	buf_free(&a.body);
	buf_free(&transcript);
	key_sig_free(other);
}

int
main(void)
{
	struct world *w = world_new();
	struct key_sig *sig = key_sig_new();

	fill(w);
	for (int from = 0; from < STATE_COUNT; from++) {
		for (size_t v = 0; v < sizeof(verbs) / sizeof(verbs[0]); v++)
			for (size_t p = 0; p < PEOPLE; p++)
				desk_cell(w, (enum state)from, &verbs[v], &people[p], sig);
		for (int stranger = 0; stranger < 2; stranger++) {
			machine_cell(w, (enum state)from, MACHINE_CANCEL, sig, stranger != 0);
			machine_cell(w, (enum state)from, MACHINE_RESEND, sig, stranger != 0);
		}
	}
	printf("cells=%u\n", cells);
	for (size_t i = 0; i < PEOPLE; i++)
		free(people[i].header);
	key_sig_free(sig);
	world_free(w);
	return CHECK_DONE();
}
