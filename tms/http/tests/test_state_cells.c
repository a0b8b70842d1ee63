/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every cell of (state x action x role): a request in each state, what people and machines may do, by everybody who may come in and by a stranger, through the whole exchange:
 * certificate, role, page, CSRF token, operation, store. What comes of it is what the tables say (op/machine.c, ../../README.md; the roles are written here a second time), and where it
 * is refused the request is what it was.
 */
#include "check.h"
#include "code.h"
#include "desk_people.h"
#include "os.h"
#include "text.h"

#include <stdio.h>
#include <string.h>

static const struct verb {
	const char *name;
	enum machine_action action;
	const char *may; /* letters of desk_people */
} verbs[] = {
	{ "approve", MACHINE_APPROVE, "Aa" },
	{ "refuse", MACHINE_REFUSE, "Aa" },
	{ "resend", MACHINE_RESEND, "AOa" },
};

static unsigned cells;
static unsigned requests;

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

static void
check_cell(struct world *w, const struct store_request *r, enum state from, enum machine_action action, enum err refusal, const struct exchange_answer *a, const char *who)
{
	char name[64];
	enum state to = from;
	enum err e = refusal != ERR_OK ? refusal : machine_next(from, action, &to);

	cells++;
	if (!CHECK_TEXT(desk_outcome(a, name), err_name(e)) || !CHECK_TEXT(state_name(world_state(w, r->number)), state_name(to)))
		printf("  %s, %s by %s\n", state_name(from), machine_action_name(action), who);
}

static void
desk_cell(struct world *w, enum state from, const struct verb *verb, const struct desk_person *who, const struct key_sig *sig)
{
	struct store_request r = request_in(w, from, sig);
	char path[80], body[160], phrase[CODE_PHRASE_LEN + 1];
	struct exchange_answer a;
	bool may = strchr(verb->may, who->letter) != NULL;

	CHECK(code_phrase(r.id, r.host_kem_pk, r.host_sig_pk, phrase) == ERR_OK);
	snprintf(path, sizeof(path), "/v1/admin/requests/%lld/%s", (long long)r.number, verb->name);
	if (verb->action == MACHINE_APPROVE)
		snprintf(body, sizeof(body), "{\"how\":\"form\",\"reference\":\"\",\"phrase\":\"%s\"}", phrase);
	else
		snprintf(body, sizeof(body), "%s", verb->action == MACHINE_REFUSE ? "{\"reason\":\"không\"}" : "{}");
	desk_ask(w, who, path, NULL, body, &a);
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

	desk_people_new(w);
	for (int from = 0; from < STATE_COUNT; from++) {
		for (size_t v = 0; v < sizeof(verbs) / sizeof(verbs[0]); v++)
			for (size_t p = 0; p < DESK_PEOPLE; p++)
				desk_cell(w, (enum state)from, &verbs[v], &desk_people[p], sig);
		for (int stranger = 0; stranger < 2; stranger++) {
			machine_cell(w, (enum state)from, MACHINE_CANCEL, sig, stranger != 0);
			machine_cell(w, (enum state)from, MACHINE_RESEND, sig, stranger != 0);
		}
	}
	printf("cells=%u\n", cells);
	desk_people_free();
	key_sig_free(sig);
	world_free(w);
	return CHECK_DONE();
}
