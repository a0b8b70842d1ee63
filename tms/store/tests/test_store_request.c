/* SPDX-License-Identifier: Apache-2.0 */
/* Requests, what is decided and given for them, codes, the outbox. */
#include "check.h"
#include "scratch.h"
#include "scratch_database.h"
#include "text.h"

#include <stdbool.h>
#include <stdlib.h>

static int64_t
put(struct scratch *s, const struct store_request *r)
{
	int64_t number = 0;

	CHECK(store_request_insert(s->store, r, "DER", 3, &number) == ERR_OK);
	return number;
}

static void
test_find(void)
{
	struct scratch s = scratch_new();
	struct store_request r = scratch_request(1);
	struct store_request read = { 0 };
	unsigned char der[STORE_CERTIFICATE_MAX];
	size_t len = 0;
	int64_t number;

	CHECK(store_request_by_id(s.store, r.id, &read) == ERR_REQUEST_UNKNOWN);
	number = put(&s, &r);
	CHECK(store_request_by_id(s.store, r.id, &read) == ERR_OK && read.number == number);
	r.number = number;
	CHECK(read.counter == 0 && read.attempts == 0 && read.decided == 0 && read.decider == 0 && read.identified);
	CHECK(read.created == r.created && read.changed == r.created && read.expires == r.expires && read.state == STATE_PENDING);
	CHECK(token_name_equal(&read.token, &r.token));
	CHECK(memcmp(read.host_kem_pk, r.host_kem_pk, sizeof(r.host_kem_pk)) == 0);
	CHECK(memcmp(read.host_sig_pk, r.host_sig_pk, sizeof(r.host_sig_pk)) == 0);
	CHECK_TEXT(read.certificate_serial, r.certificate_serial);
	CHECK_TEXT(read.customer, r.customer);
	CHECK_TEXT(read.email, r.email);
	CHECK_TEXT(read.reason, r.reason);
	CHECK_TEXT(read.language, r.language);
	CHECK_TEXT(read.address, r.address);
	CHECK_TEXT(read.note, "");
	CHECK(store_request_by_hash(s.store, r.create_hash, &read) == ERR_OK && read.number == number);
	CHECK(store_request_by_number(s.store, number, &read) == ERR_OK && memcmp(read.id, r.id, sizeof(r.id)) == 0);
	CHECK(store_request_by_number(s.store, number + 1, &read) == ERR_REQUEST_UNKNOWN);
	CHECK(store_request_certificate(s.store, number, der, &len) == ERR_OK && len == 3 && memcmp(der, "DER", 3) == 0);
	CHECK(store_request_certificate(s.store, number + 1, der, &len) == ERR_REQUEST_UNKNOWN);
	CHECK(store_request_insert(s.store, &r, "", 0, &number) == ERR_STORE_FAILED); /* the same id twice */
	scratch_free(&s);
}

static void
test_change(void)
{
	struct scratch s = scratch_new();
	struct store_person p = scratch_person(1, STORE_APPROVER);
	struct store_request r = scratch_request(1);
	int64_t number = put(&s, &r);
	int64_t person = 0;

	CHECK(store_person_put(s.store, &p, &person) == ERR_OK);
	CHECK(store_request_transition(s.store, number, STATE_APPROVED, STATE_RELEASED, SCRATCH_NOW) == ERR_STATE_WRONG);
	CHECK(store_request_transition(s.store, number, STATE_PENDING, STATE_APPROVED, SCRATCH_NOW + 5) == ERR_OK);
	CHECK(store_request_transition(s.store, number, STATE_PENDING, STATE_APPROVED, SCRATCH_NOW + 6) == ERR_STATE_WRONG);
	CHECK(store_request_count_up(s.store, number, 3) == ERR_OK);
	CHECK(store_request_count_up(s.store, number, 3) == ERR_SIGNATURE_REFUSED);
	CHECK(store_request_count_up(s.store, number, 2) == ERR_SIGNATURE_REFUSED);
	CHECK(store_request_count_up(s.store, number, UINT64_MAX) == ERR_SIGNATURE_REFUSED);
	CHECK(store_request_count_up(s.store, number, INT64_MAX) == ERR_OK);
	CHECK(store_request_begin_try(s.store, number, SCRATCH_NOW, 30) == ERR_OK);
	CHECK(store_request_begin_try(s.store, number, SCRATCH_NOW + 29, 30) == ERR_BUSY); /* one at a time */
	CHECK(store_request_by_number(s.store, number, &r) == ERR_OK && r.attempts == 1 && r.trying == SCRATCH_NOW);
	CHECK(store_request_begin_try(s.store, number, SCRATCH_NOW - 29, 30) == ERR_BUSY); /* another thread's call began a moment before */
	CHECK(store_request_begin_try(s.store, number, SCRATCH_NOW + 30, 30) == ERR_OK);   /* the other one died */
	CHECK(store_request_end_try(s.store, number, SCRATCH_NOW, true) == ERR_OK);	   /* no, it was slow, and has no say over the other one */
	CHECK(store_request_by_number(s.store, number, &r) == ERR_OK && r.attempts == 1 && r.trying == SCRATCH_NOW + 30);
	CHECK(store_request_end_try(s.store, number, SCRATCH_NOW + 30, false) == ERR_OK);
	CHECK(store_request_begin_try(s.store, number, SCRATCH_NOW + 86400, 30) == ERR_OK); /* it died, and then the clock was put back */
	CHECK(store_request_begin_try(s.store, number, SCRATCH_NOW, 30) == ERR_OK);
	CHECK(store_request_end_try(s.store, number, SCRATCH_NOW, true) == ERR_OK && store_request_end_try(s.store, number, 0, true) == ERR_OK);
	CHECK(store_request_set_expires(s.store, number, SCRATCH_NOW + 9) == ERR_OK);
	CHECK(store_request_set_email(s.store, number, "moi@example.vn") == ERR_OK);
	CHECK(store_request_set_note(s.store, number, "Sai số điện thoại") == ERR_OK);
	CHECK(store_request_set_decided(s.store, number, person, SCRATCH_NOW + 5) == ERR_OK);
	CHECK(store_request_set_note(s.store, number + 1, "") == ERR_REQUEST_UNKNOWN);
	CHECK(store_request_end_try(s.store, number + 1, SCRATCH_NOW, true) == ERR_REQUEST_UNKNOWN);
	CHECK(store_request_by_number(s.store, number, &r) == ERR_OK);
	CHECK(r.state == STATE_APPROVED && r.changed == SCRATCH_NOW + 5 && r.counter == INT64_MAX && r.attempts == 1 && r.trying == 0);
	CHECK(r.expires == SCRATCH_NOW + 9 && r.decider == person && r.decided == SCRATCH_NOW + 5);
	CHECK_TEXT(r.email, "moi@example.vn");
	CHECK_TEXT(r.note, "Sai số điện thoại");
	scratch_free(&s);
}

struct seen {
	unsigned count;
	int64_t numbers[16];
};

static void
see(const struct store_request *r, void *context)
{
	struct seen *seen = context;

	seen->numbers[seen->count++ % 16] = r->number;
}

/* Six requests: 1, 2, 3 pending, 4 and 5 unidentified, 6 unidentified from elsewhere. */
static void
put_six(struct scratch *s, int64_t ret_numbers[6])
{
	for (unsigned n = 0; n < 6; n++) {
		struct store_request r = scratch_request(n + 1);
		strcpy(r.token.serial, n == 2 ? "another" : "one");
		r.state = n < 3 ? STATE_PENDING : STATE_UNIDENTIFIED;
		r.identified = n < 3;
		r.expires = SCRATCH_NOW + n;
		if (n == 5)
			strcpy(r.address, "198.51.100.1");
		ret_numbers[n] = put(s, &r);
	}
}

static void
test_list(void)
{
	struct scratch s = scratch_new();
	struct seen seen = { 0 };
	int64_t n[6];

	put_six(&s, n);
	CHECK(store_request_list(s.store, &(struct store_filter){ .state = STORE_ANY }, 50, see, &seen) == ERR_OK);
	CHECK(seen.count == 3 && seen.numbers[0] == n[2] && seen.numbers[2] == n[0]); /* newest first, without the unidentified */
	seen.count = 0;
	CHECK(store_request_list(s.store, &(struct store_filter){ .state = STATE_UNIDENTIFIED }, 2, see, &seen) == ERR_OK);
	CHECK(seen.count == 2 && seen.numbers[0] == n[5] && seen.numbers[1] == n[4]);
	seen.count = 0;
	CHECK(store_request_list(s.store, &(struct store_filter){ .state = STATE_UNIDENTIFIED, .before = n[4] }, 50, see, &seen) == ERR_OK);
	CHECK(seen.count == 1 && seen.numbers[0] == n[3]);
	seen.count = 0;
	CHECK(store_request_list(s.store, &(struct store_filter){ .state = STATE_COMPLETED }, 50, see, &seen) == ERR_OK && seen.count == 0);
	scratch_free(&s);
}

/* How many rows a filter finds. */
static size_t
found_by(struct scratch *s, struct store_filter filter)
{
	struct seen seen = { .count = 0 };

	CHECK(store_request_list(s->store, &filter, 50, see, &seen) == ERR_OK);
	return seen.count;
}

/* A request of that customer, asked at that time. */
static void
put_customer(struct scratch *s, unsigned char tag, const char *customer, const char *email, const char *certificate_serial, int64_t created)
{
	struct store_request r = scratch_request(tag);
	int64_t number;

	text_copy(r.customer, sizeof(r.customer), customer);
	text_copy(r.email, sizeof(r.email), email);
	text_copy(r.certificate_serial, sizeof(r.certificate_serial), certificate_serial);
	snprintf(r.token.serial, sizeof(r.token.serial), "11304%03u", tag);
	r.state = STATE_PENDING;
	r.created = created;
	CHECK(store_request_insert(s->store, &r, "", 0, &number) == ERR_OK);
}

static void
test_filters(void)
{
	struct scratch s = scratch_new();

	put_customer(&s, 1, "CÔNG TY CỔ PHẦN ĐẠI PHÁT", "Khach.Mot@example.vn", "5401C7ADA92A737CA6ECF19C1FB1525C", 1000);
	put_customer(&s, 2, "Co\xcc\x82ng ty TNHH Thu\xcc\x9b\xcc\x81 Hai", "hai@example.vn", "00AB", 2000); /* marks on their own */
	put_customer(&s, 3, "Nguyễn Thị Ba 100%", "ba@khach.example", "", 3000);
#define FOUND(...) found_by(&s, (struct store_filter){ .state = STORE_ANY, __VA_ARGS__ })
	CHECK(FOUND(.customer = "công ty") == 2 && FOUND(.customer = "CONG TY") == 2 && FOUND(.customer = "cổ phần") == 1 && FOUND(.customer = "phan co") == 1 && FOUND(.customer = "ty tn") == 1 && FOUND(.customer = "ong") == 0);
	CHECK(FOUND(.customer = "dai phat") == 1 && FOUND(.customer = "đại phát") == 1 && FOUND(.customer = "ĐẠI") == 1);
	CHECK(FOUND(.customer = "thu hai") == 1 && FOUND(.customer = "thứ hai") == 1 && FOUND(.customer = "nguyen thi") == 1);
	CHECK(FOUND(.customer = "%") == 0 && FOUND(.customer = "_") == 0 && FOUND(.customer = "' OR 1=1 --") == 0);
	CHECK(FOUND(.email = "EXAMPLE.VN") == 2 && FOUND(.email = "khach.mot@") == 1 && FOUND(.email = "khach") == 2 && FOUND(.email = "vn example") == 0);
	CHECK(FOUND(.token_serial = "11304") == 3 && FOUND(.token_serial = "11304002") == 1 && FOUND(.token_serial = "9") == 0);
	CHECK(FOUND(.certificate_serial = "5401c7ad") == 1 && FOUND(.certificate_serial = "00a") == 1 && FOUND(.certificate_serial = "525C") == 0);
	CHECK(FOUND(.from = 2000) == 2 && FOUND(.from = 2001) == 1 && FOUND(.to = 2000) == 1 && FOUND(.to = 2001) == 2);
	CHECK(FOUND(.from = 1000, .to = 3001) == 3 && FOUND(.from = 3001) == 0);
	CHECK(FOUND(.customer = "cong ty", .email = "hai@", .token_serial = "11304002", .certificate_serial = "00ab", .from = 2000, .to = 2001) == 1);
	/* as many words as are looked at */
	CHECK(FOUND(.customer = "c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c") == 2);
	CHECK(FOUND(.customer = "cong ty", .email = "ba@") == 0 && FOUND(.customer = "cong ty", .before = 2) == 1);
#undef FOUND
	CHECK(found_by(&s, (struct store_filter){ .state = STATE_PENDING, .customer = "phat" }) == 1);
	CHECK(found_by(&s, (struct store_filter){ .state = STATE_APPROVED, .customer = "phat" }) == 0);
	scratch_free(&s);
}

/* The next request gets that number, as if so many had been before. */
static void
go_on_from(const struct scratch *s, long number)
{
	char sql[128];

	snprintf(sql, sizeof(sql),
	    scratch_is_postgresql() ? "SELECT setval(pg_get_serial_sequence('request', 'number'), %ld, false)" : "UPDATE sqlite_sequence SET seq = %ld - 1 WHERE name = 'request'",
	    number);
	CHECK(scratch_database_run(s->path, sql));
}

/* Below the newest thousands the index of words is asked, which is in parts of 131,072 numbers: newest first over their borders, and none twice. */
static void
test_list_by_index(void)
{
	static const long numbers[] = { 1, 7, 131071, 131072, 131073, 262143, 262144, 700000, 700001 };
	enum {
		COUNT = sizeof(numbers) / sizeof(numbers[0])
	};
	struct scratch s = scratch_new();
	struct seen seen = { .count = 0 };

	for (size_t i = 0; i < COUNT; i++) {
		go_on_from(&s, numbers[i]);
		put_customer(&s, (unsigned char)(i + 1), i % 2 == 0 ? "Đặng Thị Ước" : "Đặng Văn Ước", "uoc@khach.example", "", SCRATCH_NOW + numbers[i]);
	}
	CHECK(store_request_list(s.store, &(struct store_filter){ .state = STORE_ANY, .customer = "d u" }, 50, see, &seen) == ERR_OK);
	CHECK(seen.count == COUNT);
	for (size_t i = 0; i < COUNT && i < seen.count; i++)
		CHECK(seen.numbers[i] == numbers[COUNT - 1 - i]);
	seen.count = 0;
	CHECK(store_request_list(s.store, &(struct store_filter){ .state = STATE_PENDING, .customer = "d t u", .before = 262144 }, 3, see, &seen) == ERR_OK);
	CHECK(seen.count == 3 && seen.numbers[0] == 131073 && seen.numbers[1] == 131071 && seen.numbers[2] == 1);
	CHECK(found_by(&s, (struct store_filter){ .state = STORE_ANY, .customer = "dang thi uoc", .from = SCRATCH_NOW + 131071, .to = SCRATCH_NOW + 262144 }) == 2);
	CHECK(found_by(&s, (struct store_filter){ .state = STATE_APPROVED, .customer = "d t u" }) == 0);
	scratch_free(&s);
}

static void
test_count(void)
{
	struct scratch s = scratch_new();
	struct token_name token = scratch_request(1).token;
	int64_t n[6];
	int64_t found[4];
	size_t count = 0;
	int64_t total = -1;

	strcpy(token.serial, "one");
	put_six(&s, n);
	CHECK(store_request_open_of(s.store, &token, found, 4, &count) == ERR_OK);
	CHECK(count == 4 && found[0] == n[0] && found[1] == n[1] && found[2] == n[3]);
	CHECK(store_request_count_identified(s.store, &token, &total) == ERR_OK && total == 2);
	CHECK(store_request_count_unidentified(s.store, NULL, &total) == ERR_OK && total == 3);
	CHECK(store_request_count_unidentified(s.store, "198.51.100.1", &total) == ERR_OK && total == 1);
	CHECK(store_request_transition(s.store, n[0], STATE_PENDING, STATE_CANCELLED, SCRATCH_NOW) == ERR_OK);
	CHECK(store_request_count_identified(s.store, &token, &total) == ERR_OK && total == 1);
	scratch_free(&s);
}

static void
test_overdue(void)
{
	struct scratch s = scratch_new();
	int64_t n[6];
	int64_t found[6];
	size_t count = 0;

	put_six(&s, n);
	CHECK(store_request_expired(s.store, SCRATCH_NOW - 1, found, 6, &count) == ERR_OK && count == 0);
	CHECK(store_request_expired(s.store, SCRATCH_NOW + 3, found, 6, &count) == ERR_OK && count == 4 && found[0] == n[0]);
	CHECK(store_request_expired(s.store, SCRATCH_NOW + 3, found, 2, &count) == ERR_OK && count == 2);
	CHECK(store_request_transition(s.store, n[0], STATE_PENDING, STATE_APPROVED, SCRATCH_NOW) == ERR_OK);
	CHECK(store_request_transition(s.store, n[0], STATE_APPROVED, STATE_RELEASED, SCRATCH_NOW) == ERR_OK);
	CHECK(store_request_expired(s.store, SCRATCH_NOW + 3, found, 6, &count) == ERR_OK && count == 3); /* released does not expire */
	CHECK(store_request_lost(s.store, SCRATCH_NOW, found, 6, &count) == ERR_OK && count == 0);
	CHECK(store_request_lost(s.store, SCRATCH_NOW + 1, found, 6, &count) == ERR_OK && count == 1 && found[0] == n[0]);
	CHECK(store_request_unknown(s.store, SCRATCH_NOW + 1, found, 6, &count) == ERR_OK && count == 0);
	CHECK(store_request_transition(s.store, n[0], STATE_RELEASED, STATE_UNKNOWN, SCRATCH_NOW) == ERR_OK);
	CHECK(store_request_unknown(s.store, SCRATCH_NOW, found, 6, &count) == ERR_OK && count == 0);
	CHECK(store_request_unknown(s.store, SCRATCH_NOW + 1, found, 6, &count) == ERR_OK && count == 1 && found[0] == n[0]);
	CHECK(store_request_lost(s.store, SCRATCH_NOW + 1, found, 6, &count) == ERR_OK && count == 0);
	scratch_free(&s);
}

static void
test_approval(void)
{
	struct scratch s = scratch_new();
	struct store_person p = scratch_person(1, STORE_APPROVER);
	struct store_person other = scratch_person(2, STORE_APPROVER);
	struct store_request r = scratch_request(1);
	struct store_approval a = { .how = "call_back", .reference = "BM-01", .email = "moi@example.vn", .email_reason = "mất hộp thư", .created = SCRATCH_NOW };
	struct store_approval read;

	a.number = put(&s, &r);
	memset(a.id, 0x61, sizeof(a.id));
	CHECK(store_person_put(s.store, &p, &a.first) == ERR_OK);
	CHECK(store_approval_of(s.store, a.number, &read) == ERR_REQUEST_NOT_APPROVED);
	CHECK(store_approval_put(s.store, &a) == ERR_OK);
	CHECK(store_approval_of(s.store, a.number, &read) == ERR_OK && read.first == a.first && read.second == 0);
	CHECK(memcmp(read.id, a.id, sizeof(a.id)) == 0 && read.created == SCRATCH_NOW && read.number == a.number);
	CHECK_TEXT(read.how, a.how);
	CHECK_TEXT(read.reference, a.reference);
	CHECK_TEXT(read.email, a.email);
	CHECK_TEXT(read.email_reason, a.email_reason);
	CHECK(store_person_put(s.store, &other, &a.second) == ERR_OK);
	CHECK(store_approval_put(s.store, &a) == ERR_OK);
	CHECK(store_approval_of(s.store, a.number, &read) == ERR_OK && read.second == a.second);
	a.first += 1000;
	CHECK(store_approval_put(s.store, &a) == ERR_STORE_FAILED); /* nobody of that number */
	scratch_free(&s);
}

static void
test_outcome(void)
{
	struct scratch s = scratch_new();
	struct store_token t = scratch_token(1);
	struct store_request r = scratch_request(1);
	struct store_release release = { .created = SCRATCH_NOW };
	struct store_release released;
	struct store_grant grant = { .active = 0, .created = SCRATCH_NOW };
	struct store_grant granted;
	struct store_done done = { .result = "completed", .stage = "reporting", .cryptoki = 0xa4, .error = "ok", .rotated = true, .proof = "verified", .created = SCRATCH_NOW };
	struct store_done read;
	unsigned char sealed[TRANSCRIPT_ESCROW_ROW_LEN] = { 1 };
	int64_t id = 0;

	release.number = grant.number = done.number = put(&s, &r);
	CHECK(store_token_import(s.store, &t, 1, sealed, &id) == ERR_OK);
	CHECK(store_token_by_name(s.store, &t.name, &t) == ERR_OK);
	memset(release.h, 1, sizeof(release.h));
	memset(release.nonce, 2, sizeof(release.nonce));
	memset(release.answer.enc, 4, sizeof(release.answer.enc));
	memset(release.answer.ciphertext, 5, 272);
	release.answer.ciphertext_len = 272;
	release.candidates[0] = grant.next = t.active;
	grant.answer = release.answer;
	CHECK(store_grant_insert(s.store, &grant) == ERR_STORE_FAILED); /* no grant without a release */
	CHECK(store_release_of(s.store, r.number, &released) == ERR_STATE_WRONG);
	CHECK(store_release_insert(s.store, &release) == ERR_OK);
	CHECK(store_release_insert(s.store, &release) == ERR_STORE_FAILED); /* once */
	CHECK(store_release_of(s.store, release.number, &released) == ERR_OK);
	CHECK(memcmp(released.h, release.h, sizeof(release.h)) == 0 && memcmp(released.nonce, release.nonce, sizeof(release.nonce)) == 0);
	CHECK(released.candidates[0] == t.active && released.candidates[1] == 0 && released.created == SCRATCH_NOW);
	CHECK(released.answer.ciphertext_len == 272 && memcmp(released.answer.ciphertext, release.answer.ciphertext, 272) == 0);
	CHECK(memcmp(released.answer.enc, release.answer.enc, sizeof(release.answer.enc)) == 0);
	CHECK(store_grant_of(s.store, grant.number, &granted) == ERR_STATE_WRONG);
	CHECK(store_grant_insert(s.store, &grant) == ERR_OK);
	CHECK(store_grant_of(s.store, grant.number, &granted) == ERR_OK && granted.active == 0 && granted.next == t.active);
	CHECK(store_done_of(s.store, done.number, &read) == ERR_STATE_WRONG);
	CHECK(store_done_insert(s.store, &done) == ERR_OK);
	CHECK(store_done_of(s.store, done.number, &read) == ERR_OK && read.cryptoki == 0xa4 && read.rotated);
	CHECK_TEXT(read.result, done.result);
	CHECK_TEXT(read.stage, done.stage);
	CHECK_TEXT(read.error, done.error);
	CHECK_TEXT(read.proof, done.proof);
	scratch_free(&s);
}

static void
test_codes(void)
{
	struct scratch s = scratch_new();
	struct store_request r = scratch_request(1);
	struct store_code c = { .created = SCRATCH_NOW, .expires = SCRATCH_NOW + 900 };
	struct store_code read[STORE_CODES_MAX];
	int64_t id[5];
	size_t count = 9;

	c.number = put(&s, &r);
	CHECK(store_code_list(s.store, c.number, read, &count) == ERR_OK && count == 0);
	for (unsigned i = 0; i < 5; i++) {
		memset(c.public_key, (int)i, sizeof(c.public_key));
		CHECK(store_code_insert(s.store, &c, &id[i]) == ERR_OK);
	}
	CHECK(store_code_list(s.store, c.number, read, &count) == ERR_OK && count == 3); /* the newest three */
	CHECK(read[0].id == id[4] && read[2].id == id[2] && read[0].public_key[0] == 4 && read[0].expires == c.expires);
	CHECK(store_code_delete(s.store, id[3]) == ERR_OK);
	CHECK(store_code_list(s.store, c.number, read, &count) == ERR_OK && count == 2 && read[1].id == id[2]);
	CHECK(store_code_delete_of(s.store, c.number) == ERR_OK);
	CHECK(store_code_list(s.store, c.number, read, &count) == ERR_OK && count == 0);
	scratch_free(&s);
}

static void
test_outbox(void)
{
	struct scratch s = scratch_new();
	struct store_request r = scratch_request(1);
	struct store_outbox row = { .kind = STORE_MAIL_CODE, .to = "khach@example.vn", .state = STORE_OUTBOX_QUEUED, .due = SCRATCH_NOW, .created = SCRATCH_NOW };
	struct store_outbox read;
	bool found = false;
	int64_t first = 0;
	int64_t second = 0;
	int64_t count = 0;
	int64_t newest = 0;

	row.number = put(&s, &r);
	CHECK(store_outbox_insert(s.store, &row, &first) == ERR_OK);
	row.kind = STORE_MAIL_UNLOCKED;
	row.due = SCRATCH_NOW + 10;
	CHECK(store_outbox_insert(s.store, &row, &second) == ERR_OK);
	CHECK(store_outbox_claim(s.store, SCRATCH_NOW - 1, SCRATCH_NOW + 60, &read, &found) == ERR_OK && !found);
	CHECK(store_outbox_claim(s.store, SCRATCH_NOW + 11, SCRATCH_NOW + 60, &read, &found) == ERR_OK && found);
	CHECK(read.id == first && read.tries == 1 && read.kind == STORE_MAIL_CODE && read.number == row.number && read.state == STORE_OUTBOX_SENDING);
	CHECK_TEXT(read.to, row.to);
	CHECK(store_outbox_claim(s.store, SCRATCH_NOW + 11, SCRATCH_NOW + 70, &read, &found) == ERR_OK && found && read.id == second);
	CHECK(store_outbox_claim(s.store, SCRATCH_NOW + 59, SCRATCH_NOW + 70, &read, &found) == ERR_OK && !found);
	/* the first one's sender died: its lease is over */
	CHECK(store_outbox_claim(s.store, SCRATCH_NOW + 60, SCRATCH_NOW + 99, &read, &found) == ERR_OK && found && read.id == first && read.tries == 2);
	CHECK(store_outbox_finish(s.store, first, STORE_OUTBOX_QUEUED, SCRATCH_NOW + 200, "mail_unreachable") == ERR_OK);
	CHECK(store_outbox_by_id(s.store, first, &read) == ERR_OK && read.state == STORE_OUTBOX_QUEUED && read.due == SCRATCH_NOW + 200);
	CHECK_TEXT(read.error, "mail_unreachable");
	CHECK(store_outbox_finish(s.store, second, STORE_OUTBOX_SENT, SCRATCH_NOW + 70, "") == ERR_OK);
	CHECK(store_outbox_claim(s.store, SCRATCH_NOW + 199, SCRATCH_NOW + 300, &read, &found) == ERR_OK && !found);
	CHECK(store_outbox_by_id(s.store, second + 1, &read) == ERR_REQUEST_UNKNOWN);
	CHECK(store_outbox_count(s.store, row.number, STORE_MAIL_CODE, 0, &count, &newest) == ERR_OK && count == 1 && newest == SCRATCH_NOW);
	CHECK(store_outbox_count(s.store, row.number, STORE_MAIL_CODE, SCRATCH_NOW + 1, &count, &newest) == ERR_OK && count == 0 && newest == 0);
	CHECK_TEXT(store_mail_name(STORE_MAIL_ADDRESS_CHANGED), "address_changed");
	CHECK_TEXT(store_mail_name(STORE_MAIL_COUNT), "");
	scratch_free(&s);
}

int
main(void)
{
	test_find();
	test_change();
	test_list();
	test_filters();
	test_list_by_index();
	test_count();
	test_overdue();
	test_approval();
	test_outcome();
	test_codes();
	test_outbox();
	return CHECK_DONE();
}
