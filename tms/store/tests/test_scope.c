/* SPDX-License-Identifier: Apache-2.0 */
/* What a person of an agency sees of the store: its customers' rows, and of any other one not even that it is there. */
#include "check.h"
#include "enrolment.h"
#include "erase.h"
#include "scratch.h"
#include "scratch_database.h"
#include "seen.h"

#include <stdio.h>
#include <string.h>

#define OURS   1 /* tokens by number, each with a request of the same number */
#define THEIRS 2
#define NOBODY 3

static const unsigned char sealed[TRANSCRIPT_ESCROW_ROW_LEN] = { 4 };

static void
put_agency(struct scratch *s, const char *id, const char *domains)
{
	struct store_agency a = { .created = SCRATCH_NOW };

	snprintf(a.id, sizeof(a.id), "%s", id);
	snprintf(a.name, sizeof(a.name), "%s", id);
	snprintf(a.origins, sizeof(a.origins), "https://%s.example", id);
	snprintf(a.domains, sizeof(a.domains), "%s", domains);
	CHECK(store_agency_put(s->store, &a, false) == ERR_OK);
}

static void
put_proposal(struct scratch *s, int64_t token, int64_t person)
{
	struct store_proposal p = { .token = token, .kind = STORE_CURE, .proposer = person, .created = SCRATCH_NOW, .expires = SCRATCH_NOW + 60 };

	CHECK(store_proposal_insert(s->store, &p, &p.id) == ERR_OK && p.id == token);
}

static void
put_audit(struct scratch *s, int64_t number)
{
	struct store_audit row = { .created = SCRATCH_NOW, .who = "host", .what = "create", .number = number, .token = number };

	CHECK(store_audit_add(s->store, &row) == ERR_OK);
}

static struct scratch
three_customers(void)
{
	static const char *const agencies[] = { [OURS] = "ours", [THEIRS] = "theirs", [NOBODY] = "" };
	struct scratch s = scratch_new();
	struct store_person person = scratch_person(1, STORE_OPERATOR);
	int64_t id = 0;

	put_agency(&s, "ours", "ours.vn");
	put_agency(&s, "theirs", "theirs.vn mail.theirs.vn");
	CHECK(store_person_put(s.store, &person, &person.id) == ERR_OK);
	for (unsigned n = OURS; n <= NOBODY; n++) {
		struct store_token t = scratch_token(n);
		struct store_request r = scratch_request(n);
		strcpy(t.agency, agencies[n]);
		CHECK(store_token_import(s.store, &t, 1, sealed, &id) == ERR_OK && id == n);
		CHECK(store_request_insert(s.store, &r, "", 0, &id) == ERR_OK && id == n);
		put_proposal(&s, n, person.id);
		put_audit(&s, n);
	}
	return s;
}

/* ---- what is seen, as numbers between blanks ---- */

static void
note(char *seen, int64_t number)
{
	sprintf(seen + strlen(seen), "%lld ", (long long)number);
}

static void
see_request(const struct store_request *r, void *context)
{
	note(context, r->number);
}

static void
see_token(const struct store_token *t, int64_t after, void *context)
{
	(void)after;
	note(context, t->id);
}

static void
see_proposal(const struct store_proposal *p, void *context)
{
	note(context, p->id);
}

static void
see_audit(const struct store_audit *row, void *context)
{
	note(context, row->number);
}

static void
check_lists(struct store *s, const char *want)
{
	static const struct store_filter filters[] = { { .state = STORE_ANY }, { .state = STATE_PENDING }, { .state = STORE_ANY, .email = "khach" }, { .state = STORE_ANY, .token_serial = "denk" } };
	static const struct store_token_filter inventories[] = {
		{ .life = STORE_LIFE_COUNT, .state = STORE_TOKEN_STATE_COUNT },
		{ .life = STORE_ACTIVE, .state = STORE_TOKEN_STATE_COUNT },
		{ .life = STORE_LIFE_COUNT, .state = STORE_UNVERIFIED },
		{ .life = STORE_LIFE_COUNT, .state = STORE_TOKEN_STATE_COUNT, .customer = "công ty" },
		{ .life = STORE_LIFE_COUNT, .state = STORE_TOKEN_STATE_COUNT, .email = "khach" },
	};
	char seen[100];

	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
		seen[0] = '\0';
		CHECK(store_request_list(s, &filters[i], 10, see_request, seen) == ERR_OK);
		CHECK_TEXT(seen, want);
	}
	for (size_t i = 0; i < sizeof(inventories) / sizeof(inventories[0]); i++) {
		seen[0] = '\0';
		CHECK(store_token_list(s, &inventories[i], 10, see_token, seen) == ERR_OK);
		CHECK_TEXT(seen, want);
	}
}

/* By serial number, from the place of any row on: where that one is not seen, it is as if it were not there. */
static void
check_pages(struct store *s, unsigned n, bool seen_row)
{
	struct store_token_filter filter = { .after = n, .by_serial = true, .life = STORE_LIFE_COUNT, .state = STORE_TOKEN_STATE_COUNT };
	char seen[100] = "";

	CHECK(store_token_list(s, &filter, 10, see_token, seen) == ERR_OK);
	CHECK(seen_row || seen[0] == '\0');
}

static void
check_one(struct store *s, unsigned n, bool seen_row)
{
	struct store_token t = scratch_token(n);
	struct store_request r;
	struct store_proposal p;
	char want[20] = "";
	char seen[100] = "";

	if (seen_row)
		note(want, n);
	CHECK(store_request_by_number(s, n, &r) == (seen_row ? ERR_OK : ERR_REQUEST_UNKNOWN));
	CHECK(store_token_by_id(s, n, &t) == (seen_row ? ERR_OK : ERR_TOKEN_UNKNOWN));
	CHECK(store_token_by_name(s, &t.name, &t) == (seen_row ? ERR_OK : ERR_ESCROW_MISSING));
	CHECK(store_proposal_by_id(s, n, &p) == (seen_row ? ERR_OK : ERR_PROPOSAL_UNKNOWN));
	CHECK(store_proposal_open_of(s, n, &p) == (seen_row ? ERR_OK : ERR_PROPOSAL_UNKNOWN));
	CHECK(store_request_list_token(s, &t.name, 10, see_request, seen) == ERR_OK);
	CHECK_TEXT(seen, want);
	seen[0] = '\0';
	CHECK(store_proposal_list_token(s, n, 10, see_proposal, seen) == ERR_OK);
	CHECK_TEXT(seen, want);
	seen[0] = '\0';
	CHECK(store_audit_list(s, n, see_audit, seen) == ERR_OK);
	CHECK_TEXT(seen, want);
	seen[0] = '\0';
	CHECK(store_audit_list_token(s, n, 10, see_audit, seen) == ERR_OK);
	CHECK_TEXT(seen, want);
	check_pages(s, n, seen_row);
}

static void
check_counts(struct store *s, int64_t want, int64_t newest)
{
	struct store_waiting waiting = { .pending = -1 };
	int64_t proposals = -1;

	CHECK(store_request_waiting(s, &waiting) == ERR_OK);
	CHECK(waiting.pending == want && waiting.newest == newest && waiting.last == newest && waiting.changed == (want != 0 ? SCRATCH_NOW : 0));
	CHECK(store_proposal_count_open(s, SCRATCH_NOW, &proposals) == ERR_OK && proposals == want);
}

static void
test_scope(void)
{
	struct scratch s = three_customers();

	check_lists(s.store, "3 2 1 ");
	check_counts(s.store, 3, 3);
	for (unsigned n = OURS; n <= NOBODY; n++)
		check_one(s.store, n, true);
	CHECK(store_scope(s.store, "ours"));
	check_lists(s.store, "1 ");
	check_counts(s.store, 1, 1);
	for (unsigned n = OURS; n <= NOBODY; n++)
		check_one(s.store, n, n == OURS);
	/* one that has no customers, or does not exist */
	CHECK(store_scope(s.store, "nobody"));
	check_lists(s.store, "");
	check_counts(s.store, 0, 0);
	/* what cannot be an agency changes nothing: least of all is it everything */
	CHECK(!store_scope(s.store, "abcdefghijklmnopqrstuvwxyz0123456"));
	check_lists(s.store, "");
	CHECK(store_scope(s.store, ""));
	check_lists(s.store, "3 2 1 ");
	scratch_free(&s);
}

/* A token that changes hands takes its requests along; a request that came before its token goes where that is imported. */
static void
test_moving(void)
{
	struct scratch s = three_customers();
	struct store_token t = scratch_token(9);
	struct store_request r = scratch_request(9);
	int64_t count = 0;
	int64_t id = 0;

	CHECK(store_token_by_id(s.store, THEIRS, &t) == ERR_OK);
	CHECK(store_token_set_agency(s.store, &t, "nobody") == ERR_AGENCY_UNKNOWN);
	CHECK(store_token_set_agency(s.store, &t, "ours") == ERR_OK);
	CHECK(store_agency_customers(s.store, "ours", &count) == ERR_OK && count == 2);
	CHECK(store_agency_customers(s.store, "theirs", &count) == ERR_OK && count == 0);
	t = scratch_token(9);
	strcpy(t.agency, "ours");
	CHECK(store_request_insert(s.store, &r, "", 0, &id) == ERR_OK && store_token_import(s.store, &t, 1, sealed, &id) == ERR_OK);
	CHECK(store_scope(s.store, "ours"));
	check_lists(s.store, "4 2 1 ");
	CHECK(store_scope(s.store, ""));
	/* without the agency they are nobody's */
	CHECK(store_agency_remove(s.store, "ours") == ERR_OK);
	CHECK(store_scope(s.store, "ours"));
	check_lists(s.store, "");
	scratch_free(&s);
}

static void
check_owner(struct store *s, const char *email, const char *want)
{
	char id[STORE_AGENCY_SIZE] = "x";

	CHECK(store_agency_of_email(s, email, id) == ERR_OK);
	CHECK_TEXT(id, want);
}

static void
test_domains(void)
{
	static const char *const good[] = { "a.vn", "1.2", "a-b.c-d.vn", "xn--v-d-hla.example" };
	static const char *const bad[] = { "", "vn", ".vn", "a.", "a..vn", "-a.vn", "a-.vn", "A.vn", "a b.vn", "a.vn b.vn", "đ.vn", "a_b.vn", "@a.vn" };
	struct scratch s = three_customers();
	struct store_agency a = { .id = "late", .name = "Đến sau", .origins = "https://late.example", .domains = "late.vn ours.vn" };
	struct store_person p = scratch_person(7, STORE_APPROVER);

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		CHECK(store_domain_ok(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(!store_domain_ok(bad[i]));
	check_owner(s.store, "an@ours.vn", "ours");
	check_owner(s.store, "An@OURS.VN", "ours");
	check_owner(s.store, "an@mail.theirs.vn", "theirs");
	check_owner(s.store, "an@other.theirs.vn", ""); /* a domain is not those below it */
	check_owner(s.store, "an@notours.vn", "");
	check_owner(s.store, "", "");
	check_owner(s.store, "ours.vn", "");
	CHECK(store_begin(s.store) == ERR_OK);
	if (CHECK(store_end(s.store, store_agency_put(s.store, &a, false)) == ERR_AGENCY_DOMAIN))
		seen("agency_domain", "test_scope.c");
	CHECK(store_agency_by_id(s.store, "late", &a) == ERR_AGENCY_UNKNOWN);
	CHECK(store_agency_by_id(s.store, "theirs", &a) == ERR_OK && !a.second_approver);
	CHECK_TEXT(a.domains, "mail.theirs.vn theirs.vn");
	strcpy(a.domains, "theirs.vn");
	a.second_approver = true;
	CHECK(store_agency_put(s.store, &a, true) == ERR_OK && store_agency_by_id(s.store, "theirs", &a) == ERR_OK && a.second_approver);
	check_owner(s.store, "an@mail.theirs.vn", "");
	/* people of an agency keep it */
	strcpy(p.agency, "nobody");
	CHECK(store_person_put(s.store, &p, &p.id) == ERR_AGENCY_UNKNOWN);
	strcpy(p.agency, "theirs");
	if (CHECK(store_person_put(s.store, &p, &p.id) == ERR_OK && store_agency_remove(s.store, "theirs") == ERR_AGENCY_IN_USE))
		seen("agency_in_use", "test_scope.c");
	CHECK(store_person_set_role(s.store, p.id, STORE_NONE, "") == ERR_OK && store_agency_remove(s.store, "theirs") == ERR_OK);
	scratch_free(&s);
}

/* ---- certificates ---- */

static void
count_certificate(const struct store_certificate *c, void *context)
{
	unsigned *counts = context;

	counts[c->retired != 0]++;
}

static void
check_certificates(struct store *s, int64_t person, unsigned open, unsigned retired)
{
	unsigned counts[2] = { 0, 0 };

	CHECK(store_certificate_list(s, person, count_certificate, counts) == ERR_OK);
	CHECK(counts[0] == open && counts[1] == retired);
}

static void
test_certificates(void)
{
	struct scratch s = scratch_new();
	struct store_person first = scratch_person(1, STORE_APPROVER);
	struct store_person next = scratch_person(2, STORE_APPROVER);
	struct store_person read;
	int64_t count = 0;
	int64_t id = 0;

	CHECK(store_person_put(s.store, &first, &first.id) == ERR_OK);
	/* the next one before the last one runs out: both open the desk to one person */
	strcpy(next.name, first.name);
	next.not_after = SCRATCH_NOW + 60;
	CHECK(store_person_put(s.store, &next, &id) == ERR_OK && id == first.id);
	CHECK(store_person_by_fingerprint(s.store, first.fingerprint, &read) == ERR_OK && read.id == first.id);
	CHECK(store_person_by_fingerprint(s.store, next.fingerprint, &read) == ERR_OK && read.id == first.id && read.not_after == SCRATCH_NOW + 60);
	check_certificates(s.store, first.id, 2, 0);
	CHECK(store_certificate_retire(s.store, first.id + 1, first.fingerprint, SCRATCH_NOW) == ERR_ADMIN_UNKNOWN); /* not his */
	CHECK(store_certificate_retire(s.store, first.id, first.fingerprint, SCRATCH_NOW) == ERR_OK);
	CHECK(store_certificate_retire(s.store, first.id, first.fingerprint, SCRATCH_NOW) == ERR_ADMIN_UNKNOWN);
	CHECK(store_person_by_fingerprint(s.store, first.fingerprint, &read) == ERR_ADMIN_UNKNOWN);
	check_certificates(s.store, first.id, 1, 1);
	/* what is left runs out a minute later: from then on he is nobody who could decide */
	CHECK(store_person_count_others(s.store, first.id + 1, STORE_APPROVER, SCRATCH_NOW + 59, &count) == ERR_OK && count == 1);
	CHECK(store_person_count_others(s.store, first.id + 1, STORE_APPROVER, SCRATCH_NOW + 60, &count) == ERR_OK && count == 0);
	CHECK(store_person_count_others(s.store, first.id + 1, STORE_OPERATOR, SCRATCH_NOW, &count) == ERR_OK && count == 0);
	CHECK(store_person_count_others(s.store, first.id, STORE_APPROVER, SCRATCH_NOW, &count) == ERR_OK && count == 0);
	/* who comes back comes with the certificate that is named then, and with no older one */
	CHECK(store_person_set_role(s.store, first.id, STORE_NONE, "") == ERR_OK);
	CHECK(store_person_count_others(s.store, first.id + 1, STORE_APPROVER, SCRATCH_NOW, &count) == ERR_OK && count == 0);
	CHECK(store_person_put(s.store, &first, &id) == ERR_OK && id == first.id);
	CHECK(store_person_by_fingerprint(s.store, first.fingerprint, &read) == ERR_OK && read.role == STORE_APPROVER);
	CHECK(store_person_by_fingerprint(s.store, next.fingerprint, &read) == ERR_ADMIN_UNKNOWN);
	CHECK(store_person_by_name(s.store, first.name, &read) == ERR_OK && read.id == first.id);
	CHECK(store_person_by_name(s.store, "nobody", &read) == ERR_ADMIN_UNKNOWN && store_person_set_role(s.store, 99, STORE_VIEWER, "") == ERR_ADMIN_UNKNOWN);
	scratch_free(&s);
}

/* Who was proposed for the desk, why, and why not: kept while it waits, gone when its time is over, whatever became of it. */
static void
test_erasing_enrolments(void)
{
	static const struct {
		enum store_proposal_state state; /* OPEN: as it was left */
		int64_t expires;
		bool gone;
	} all[] = {
		{ STORE_PROPOSAL_CONFIRMED, 100, true },
		{ STORE_PROPOSAL_REJECTED, 100, true },
		{ STORE_PROPOSAL_WITHDRAWN, 100, true },
		{ STORE_PROPOSAL_OPEN, 100, true },   /* has run out */
		{ STORE_PROPOSAL_OPEN, 5000, false }, /* somebody may confirm it yet */
	};
	const size_t count = sizeof(all) / sizeof(all[0]);
	struct scratch s = scratch_new();
	struct store_person operators[2] = { scratch_person(1, STORE_OPERATOR), scratch_person(2, STORE_OPERATOR) };
	struct store_enrolment e = { .person = scratch_person(3, STORE_VIEWER), .reason = "thay chị Hoa" };
	struct erase_count c = { 0 };
	int64_t ids[sizeof(all) / sizeof(all[0])];

	for (size_t i = 0; i < 2; i++)
		CHECK(store_person_put(s.store, &operators[i], &operators[i].id) == ERR_OK);
	e.proposer = operators[0].id;
	for (size_t i = 0; i < count; i++) {
		e.expires = SCRATCH_NOW + all[i].expires;
		CHECK(store_enrolment_insert(s.store, &e, &ids[i]) == ERR_OK);
		if (all[i].state != STORE_PROPOSAL_OPEN)
			CHECK(store_enrolment_end(s.store, ids[i], all[i].state, operators[1].id, "không cần", SCRATCH_NOW + 1) == ERR_OK);
	}
	CHECK(erase_count(s.store, SCRATCH_NOW, &c) == ERR_OK && c.enrolments == 0);
	CHECK(erase_count(s.store, SCRATCH_NOW + 1000, &c) == ERR_OK && c.enrolments == 4);
	CHECK(erase_run(s.store, "tms", SCRATCH_NOW + 1000, SCRATCH_NOW + 2000, 3, &c) == ERR_OK && c.enrolments == 3);
	CHECK(erase_run(s.store, "tms", SCRATCH_NOW + 1000, SCRATCH_NOW + 2000, 3, &c) == ERR_OK && c.enrolments == 1);
	CHECK(erase_run(s.store, "tms", SCRATCH_NOW + 1000, SCRATCH_NOW + 2000, 3, &c) == ERR_OK && erase_total(&c) == 0);
	for (size_t i = 0; i < count; i++) {
		CHECK(store_enrolment_by_id(s.store, ids[i], &e) == ERR_OK);
		CHECK((e.person.name[0] == '\0') == all[i].gone && (e.reason[0] == '\0') == all[i].gone);
	}
	CHECK(scratch_database_run(s.path, "CREATE TABLE probe (notes INTEGER CHECK (notes = 0)); INSERT INTO probe SELECT count(*) FROM enrolment WHERE note <> ''"));
	scratch_free(&s);
}

int
main(void)
{
	test_scope();
	test_moving();
	test_domains();
	test_certificates();
	test_erasing_enrolments();
	return CHECK_DONE();
}
