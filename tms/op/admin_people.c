/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /v1/admin/people, POST the same, POST .../{number}/remove and .../{number}/retire, and POST /v1/admin/enrolments/{number}/confirm and .../reject: who may sit at the desk. What gives power (a person, a certificate, another role) is proposed by
 * one operator and confirmed by another; what takes it away one does at once. Each answers with everybody.
 */
#include "answer.h"
#include "answer_rows.h"
#include "call.h"
#include "decode.h"
#include "enrolment.h"
#include "text.h"

#include <stdio.h>
#include <string.h>

#define WAITING_MAX 100
#define VALID_S	    (7 * 86400)

/* ---- the answer ---- */

static void
add_certificate(const struct store_certificate *c, void *context)
{
	char fingerprint[2 * KEY_HASH_LEN + 1];
	json_t *row;

	text_hex(c->fingerprint, sizeof(c->fingerprint), fingerprint);
	row = json_pack("{s:s, s:I, s:I, s:I}",
	    "fingerprint", fingerprint,
	    "not_after", (json_int_t)c->not_after,
	    "created", (json_int_t)c->created,
	    "retired", (json_int_t)c->retired);
	answer_rows_add(context, ERR_OK, row);
}

static void
add_person(const struct store_person *p, void *context)
{
	struct answer_rows *rows = context;
	struct answer_rows certificates = answer_rows_new(rows->call);
	json_t *array;
	enum err e = answer_rows_end(&certificates, store_certificate_list(rows->call->store, p->id, add_certificate, &certificates), &array);
	json_t *row = json_pack("{s:I, s:s, s:s, s:s, s:I, s:o}",
	    "number", (json_int_t)p->id,
	    "name", p->name,
	    "role", store_role_name(p->role),
	    "agency", p->agency,
	    "created", (json_int_t)p->created,
	    "certificates", array);

	answer_rows_add(rows, e, row);
}

static void
add_enrolment(const struct store_enrolment *n, void *context)
{
	struct answer_rows *rows = context;
	struct store_person proposer = { .name = "" };
	char fingerprint[2 * KEY_HASH_LEN + 1];
	enum err e = store_person_by_id(rows->call->store, n->proposer, &proposer);
	json_t *row;

	text_hex(n->person.fingerprint, sizeof(n->person.fingerprint), fingerprint);
	row = json_pack("{s:I, s:s, s:s, s:s, s:s, s:I, s:s, s:s, s:b, s:I, s:I}",
	    "number", (json_int_t)n->id,
	    "name", n->person.name,
	    "role", store_role_name(n->person.role),
	    "agency", n->person.agency,
	    "fingerprint", fingerprint,
	    "not_after", (json_int_t)n->person.not_after,
	    "reason", n->reason,
	    "proposed_by", proposer.name,
	    "mine", call_check_other(rows->call, n->proposer) != ERR_OK ? 1 : 0,
	    "created", (json_int_t)n->person.created,
	    "expires", (json_int_t)n->expires);
	answer_rows_add(rows, e, row);
}

enum err
op_admin_people(struct call *c, json_t **ret_answer)
{
	struct answer_rows rows = answer_rows_new(c);
	struct answer_rows waiting = answer_rows_new(c);
	json_t *people;
	json_t *enrolments;
	enum err e = answer_rows_end(&rows, store_person_list(c->store, add_person, &rows), &people);
	enum err f = answer_rows_end(&waiting, store_enrolment_list(c->store, c->now, WAITING_MAX, add_enrolment, &waiting), &enrolments);

	if (e == ERR_OK && f == ERR_OK)
		return answer_packed(json_pack("{s:o, s:o}", "people", people, "enrolments", enrolments), ret_answer);
	json_decref(people);
	json_decref(enrolments);
	return e != ERR_OK ? e : f;
}

/* ---- what is proposed ---- */

/* A certificate opens the desk to nobody of another name: who has it already is not to become somebody else. */
static enum err
check_holder(struct call *c, const struct store_person *p)
{
	struct store_person holder;
	enum err e = store_person_of_certificate(c->store, p->fingerprint, &holder);

	if (e == ERR_OK && strcmp(holder.name, p->name) != 0)
		return ERR_CERTIFICATE_REFUSED;
	return e == ERR_ADMIN_UNKNOWN ? ERR_OK : e;
}

/* One with which somebody could log in now. */
static enum err
read_certificate(struct call *c, const char *pem, struct store_person *p)
{
	struct issued *certificate = issued_from_pem((const unsigned char *)pem, strlen(pem));
	enum err e = certificate != NULL && authorities_issued(c->service->admin_ca, certificate) ? ERR_OK : ERR_CERTIFICATE_REFUSED;

	if (e == ERR_OK)
		e = issued_fingerprint(certificate, p->fingerprint);
	if (e == ERR_OK)
		p->not_after = issued_not_after(certificate);
	issued_free(certificate);
	return e == ERR_OK ? check_holder(c, p) : e;
}

#define NOTE_SIZE (STORE_PERSON_SIZE + CALL_REASON_SIZE + 8)

/* Who it is and why stands in the note. */
static const char *
note_of(const char *name, const char *reason, char ret[NOTE_SIZE])
{
	snprintf(ret, NOTE_SIZE, "name=%s reason=%s", name, reason);
	return ret;
}

static enum err
audit(struct call *c, const char *what, const struct store_enrolment *n, const char *reason)
{
	char fingerprint[2 * KEY_HASH_LEN + 1];
	char note[NOTE_SIZE];

	text_hex(n->person.fingerprint, sizeof(n->person.fingerprint), fingerprint);
	return call_audit_said(c, 0, 0, "person", note_of(n->person.name, reason, note), "%s=%lld role=%s agency=%s fingerprint=%s", what, (long long)n->id,
	    store_role_name(n->person.role), n->person.agency, fingerprint);
}

/* In a transaction. */
static enum err
propose(struct call *c, struct store_enrolment *n, const char *pem)
{
	struct store_agency agency;
	enum err e = n->person.agency[0] != '\0' ? store_agency_by_id(c->store, n->person.agency, &agency) : ERR_OK;

	if (e == ERR_OK)
		e = read_certificate(c, pem, &n->person);
	if (e == ERR_OK)
		e = store_enrolment_insert(c->store, n, &n->id);
	return e == ERR_OK ? audit(c, "propose", n, n->reason) : e;
}

enum err
op_admin_person_propose(struct call *c, json_t **ret_answer)
{
	struct store_enrolment n = { .proposer = c->person->id, .expires = c->now + VALID_S };
	struct decode_person d;
	enum err e = decode_person(c->body, &d);

	if (e == ERR_OK)
		e = call_begin(c);
	if (e != ERR_OK)
		return e;
	n.person.role = d.role;
	n.person.created = c->now;
	text_copy(n.person.name, sizeof(n.person.name), d.name);
	text_copy(n.person.agency, sizeof(n.person.agency), d.agency);
	text_copy(n.reason, sizeof(n.reason), d.reason);
	e = call_end(c, propose(c, &n, d.certificate));
	return e == ERR_OK ? op_admin_people(c, ret_answer) : e;
}

/* ---- and decided ---- */

/* What somebody proposed who is no operator any more is nobody's first yes. */
static enum err
check_proposer(struct call *c, const struct store_enrolment *n)
{
	struct store_person first;
	enum err e = store_person_by_id(c->store, n->proposer, &first);

	return e == ERR_OK && first.role != STORE_OPERATOR ? ERR_PROPOSAL_CLOSED : e;
}

/* In a transaction. */
static enum err
confirm(struct call *c)
{
	struct store_enrolment n;
	int64_t id;
	enum err e = store_enrolment_by_id(c->store, c->number, &n);

	if (e == ERR_OK && (n.state != STORE_PROPOSAL_OPEN || n.person.not_after <= c->now))
		e = ERR_PROPOSAL_CLOSED;
	if (e == ERR_OK)
		e = check_proposer(c, &n);
	if (e == ERR_OK)
		e = call_check_other(c, n.proposer);
	/* what was proposed since may have given it to somebody */
	if (e == ERR_OK)
		e = check_holder(c, &n.person);
	if (e == ERR_OK)
		e = store_enrolment_end(c->store, n.id, STORE_PROPOSAL_CONFIRMED, c->person->id, "", c->now);
	n.person.created = c->now;
	if (e == ERR_OK)
		e = store_person_put(c->store, &n.person, &id);
	return e == ERR_OK ? audit(c, "confirm", &n, n.reason) : e;
}

/* In a transaction. */
static enum err
reject(struct call *c, const char *reason)
{
	struct store_enrolment n = { .id = 0 };
	bool mine = false;
	enum err e = store_enrolment_by_id(c->store, c->number, &n);

	if (e == ERR_OK)
		e = call_check_other(c, n.proposer);
	if (e == ERR_SECOND_PERSON) {
		mine = true;
		e = ERR_OK;
	}
	if (e == ERR_OK)
		e = store_enrolment_end(c->store, n.id, mine ? STORE_PROPOSAL_WITHDRAWN : STORE_PROPOSAL_REJECTED, c->person->id, reason, c->now);
	return e == ERR_OK ? audit(c, mine ? "withdraw" : "reject", &n, reason) : e;
}

enum err
op_admin_enrolment_confirm(struct call *c, json_t **ret_answer)
{
	enum err e = decode_nothing(c->body);

	if (e == ERR_OK)
		e = call_begin(c);
	if (e == ERR_OK)
		e = call_end(c, confirm(c));
	return e == ERR_OK ? op_admin_people(c, ret_answer) : e;
}

enum err
op_admin_enrolment_reject(struct call *c, json_t **ret_answer)
{
	struct decode_reason d;
	enum err e = decode_reason(c->body, &d);

	if (e == ERR_OK)
		e = call_begin(c);
	if (e == ERR_OK)
		e = call_end(c, reject(c, d.reason));
	return e == ERR_OK ? op_admin_people(c, ret_answer) : e;
}

/* ---- what one person may ---- */

/* In a transaction. Without an operator nobody could be let in but by the command line. */
static enum err
shut_out(struct call *c, const char *reason)
{
	struct store_person p = { .id = 0 };
	int64_t others = 0;
	char note[NOTE_SIZE];
	enum err e = store_person_by_id(c->store, c->number, &p);

	if (e == ERR_ADMIN_UNKNOWN || (e == ERR_OK && p.role == STORE_NONE))
		return ERR_PERSON_UNKNOWN;
	if (e == ERR_OK)
		e = store_person_count_others(c->store, p.id, STORE_OPERATOR, c->now, &others);
	if (e == ERR_OK && p.role == STORE_OPERATOR && others == 0)
		e = ERR_LAST_OPERATOR;
	if (e == ERR_OK)
		e = store_person_set_role(c->store, p.id, STORE_NONE, "");
	return e == ERR_OK ? call_audit_said(c, 0, 0, "person", note_of(p.name, reason, note), "remove=%lld was=%s", (long long)p.id, store_role_name(p.role)) : e;
}

enum err
op_admin_person_remove(struct call *c, json_t **ret_answer)
{
	struct decode_reason d;
	enum err e = decode_reason(c->body, &d);

	if (e == ERR_OK)
		e = call_begin(c);
	if (e == ERR_OK)
		e = call_end(c, shut_out(c, d.reason));
	return e == ERR_OK ? op_admin_people(c, ret_answer) : e;
}

struct open_certificates {
	int64_t now;
	unsigned count;
};

static void
count_open(const struct store_certificate *c, void *context)
{
	struct open_certificates *open = context;

	open->count += c->retired == 0 && (c->not_after == 0 || c->not_after > open->now);
}

/* Whether there is an operator who could come in, besides those certificates of his that open nothing. */
static enum err
check_operator_left(struct call *c, const struct store_person *p)
{
	struct open_certificates open = { .now = c->now };
	int64_t others = 0;
	enum err e = store_person_count_others(c->store, p->id, STORE_OPERATOR, c->now, &others);

	if (e == ERR_OK)
		e = store_certificate_list(c->store, p->id, count_open, &open);
	return e == ERR_OK && others == 0 && open.count == 0 ? ERR_LAST_OPERATOR : e;
}

/* In a transaction. The person stays, with what other certificates he has. */
static enum err
retire(struct call *c, const struct decode_certificate *d)
{
	struct store_person p = { .id = 0 };
	char fingerprint[2 * KEY_HASH_LEN + 1];
	char note[NOTE_SIZE];
	enum err e = store_person_by_id(c->store, c->number, &p);

	if (e == ERR_ADMIN_UNKNOWN || (e == ERR_OK && p.role == STORE_NONE))
		return ERR_PERSON_UNKNOWN;
	if (e == ERR_OK)
		e = store_certificate_retire(c->store, p.id, d->fingerprint, c->now);
	if (e == ERR_ADMIN_UNKNOWN)
		return ERR_CERTIFICATE_UNKNOWN;
	if (e == ERR_OK && p.role == STORE_OPERATOR)
		e = check_operator_left(c, &p);
	text_hex(d->fingerprint, sizeof(d->fingerprint), fingerprint);
	return e == ERR_OK ? call_audit_said(c, 0, 0, "certificate", note_of(p.name, d->reason, note), "person=%lld retired=%s", (long long)p.id, fingerprint) : e;
}

enum err
op_admin_certificate_retire(struct call *c, json_t **ret_answer)
{
	struct decode_certificate d;
	enum err e = decode_certificate(c->body, &d);

	if (e == ERR_OK)
		e = call_begin(c);
	if (e == ERR_OK)
		e = call_end(c, retire(c, &d));
	return e == ERR_OK ? op_admin_people(c, ret_answer) : e;
}
