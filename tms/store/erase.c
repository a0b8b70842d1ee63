/* SPDX-License-Identifier: Apache-2.0 */
#include "erase.h"

#include "query.h"
#include "row_search.h"
#include "text.h"

#include <stdio.h>
#include <string.h>

/* The states that nothing follows are state_is_final(), in SQL; a check of the tests holds them together. */
#define ENDED "('refused', 'completed', 'failed', 'expired', 'cancelled', 'locked_out')"

#define REQUESTS  "FROM request WHERE erased = 0 AND changed < ? AND state IN " ENDED
#define PROPOSALS "FROM proposal WHERE created < ? AND state <> 'open' AND (reason <> '' OR note <> '')"
/* One that ran out keeps the word "open". */
#define ENROLMENTS "FROM enrolment WHERE created < ?1 AND (state <> 'open' OR expires < ?1) AND (name <> '' OR reason <> '' OR note <> '')"
#define NOTES \
	"FROM audit_note n JOIN audit a ON a.id = n.id LEFT JOIN request r ON r.number = a.number" \
	" WHERE n.created < ? AND (r.number IS NULL OR r.erased <> 0 OR (r.changed < ? AND r.state IN " ENDED "))"

int64_t
erase_total(const struct erase_count *c)
{
	return c->requests + c->proposals + c->enrolments + c->notes;
}

enum err
erase_count(struct store *s, int64_t before, struct erase_count *ret)
{
	struct query q = query_new(s, "SELECT count(*) " REQUESTS);
	enum err e;

	query_int(&q, before);
	e = query_number(&q, &ret->requests);
	if (e != ERR_OK)
		return e;
	q = query_new(s, "SELECT count(*) " PROPOSALS);
	query_int(&q, before);
	e = query_number(&q, &ret->proposals);
	if (e != ERR_OK)
		return e;
	q = query_new(s, "SELECT count(*) " ENROLMENTS);
	query_int(&q, before);
	e = query_number(&q, &ret->enrolments);
	if (e != ERR_OK)
		return e;
	q = query_new(s, "SELECT count(*) " NOTES);
	query_int(&q, before);
	query_int(&q, before);
	return query_number(&q, &ret->notes);
}

/* ---- one request ---- */

static enum err
blank(struct store *s, const char *sql, int64_t number)
{
	struct query q = query_new(s, sql);

	query_int(&q, number);
	return query_run(&q, NULL);
}

/* Its certificate has a name in it; its serial number stays, which tells something to the authority alone. */
static enum err
blank_request(struct store *s, int64_t number, int64_t now)
{
	struct query q;
	enum err e = search_remove_request(s, number);

	if (e != ERR_OK)
		return e;
	q = query_new(s, "UPDATE request SET customer = '', email = '', address = '', note = '', certificate = ?, erased = ? WHERE number = ?");
	query_bytes(&q, "", 0);
	query_int(&q, now);
	query_int(&q, number);
	e = query_run(&q, NULL);
	if (e == ERR_OK)
		e = search_add_request(s, number);
	if (e == ERR_OK)
		e = blank(s, "UPDATE approval SET reference = '', email = '', email_reason = '' WHERE number = ?", number);
	return e == ERR_OK ? blank(s, "UPDATE outbox SET recipient = '' WHERE state IN ('sent', 'failed') AND number = ?", number) : e;
}

static enum err
next_request(struct store *s, int64_t before, int64_t *ret_number)
{
	struct query q = query_new(s, "SELECT number " REQUESTS " LIMIT 1");

	query_int(&q, before);
	return query_number(&q, ret_number);
}

static enum err
blank_requests(struct store *s, int64_t before, int64_t now, unsigned max, int64_t *ret_count)
{
	int64_t number = 1;
	enum err e = ERR_OK;

	for (unsigned i = 0; e == ERR_OK && number != 0 && i < max; i++) {
		number = 0;
		e = next_request(s, before, &number);
		if (e == ERR_OK && number != 0) {
			e = blank_request(s, number, now);
			*ret_count += 1;
		}
	}
	return e;
}

/* ---- the rest ---- */

/* Runs and ends it; the bound on how many is its last value. */
static enum err
run_upto(struct query *q, unsigned max, int64_t *ret_count)
{
	int changed = 0;
	enum err e;

	query_int(q, max);
	e = query_run(q, &changed);
	*ret_count = changed;
	return e;
}

static enum err
blank_proposals(struct store *s, int64_t before, unsigned max, int64_t *ret_count)
{
	struct query q = query_new(s, "UPDATE proposal SET reason = '', note = '' WHERE id IN (SELECT id " PROPOSALS " ORDER BY id LIMIT ?)");

	query_int(&q, before);
	return run_upto(&q, max, ret_count);
}

/* Who was confirmed is in the table of persons by now; who was not is nobody's business any more. */
static enum err
blank_enrolments(struct store *s, int64_t before, unsigned max, int64_t *ret_count)
{
	struct query q = query_new(s, "UPDATE enrolment SET name = '', reason = '', note = '' WHERE id IN (SELECT id " ENROLMENTS " ORDER BY id LIMIT ?2)");

	query_int(&q, before);
	return run_upto(&q, max, ret_count);
}

static enum err
delete_notes(struct store *s, int64_t before, unsigned max, int64_t *ret_count)
{
	struct query q = query_new(s, "DELETE FROM audit_note WHERE id IN (SELECT n.id " NOTES " ORDER BY n.id LIMIT ?)");

	query_int(&q, before);
	query_int(&q, before);
	return run_upto(&q, max, ret_count);
}

/* What it says of the time is what lets a note be missing. */
static enum err
note_erased(struct store *s, const char *who, int64_t before, int64_t now, const struct erase_count *c)
{
	struct store_audit a = { .created = now, .what = "erase" };

	text_copy(a.who, sizeof(a.who), who);
	snprintf(a.detail, sizeof(a.detail), "before=%lld requests=%lld proposals=%lld enrolments=%lld notes=%lld", (long long)before,
	    (long long)c->requests, (long long)c->proposals, (long long)c->enrolments, (long long)c->notes);
	return store_audit_add(s, &a);
}

enum err
erase_run(struct store *s, const char *who, int64_t before, int64_t now, unsigned max, struct erase_count *ret)
{
	struct erase_count c = { 0 };
	enum err e = store_begin(s);

	if (e != ERR_OK)
		return e;
	e = blank_requests(s, before, now, max, &c.requests);
	if (e == ERR_OK)
		e = blank_proposals(s, before, max, &c.proposals);
	if (e == ERR_OK)
		e = blank_enrolments(s, before, max, &c.enrolments);
	if (e == ERR_OK)
		e = delete_notes(s, before, max, &c.notes);
	if (e == ERR_OK && erase_total(&c) != 0)
		e = note_erased(s, who, before, now, &c);
	e = store_end(s, e);
	if (e == ERR_OK)
		*ret = c;
	return e;
}

/* The words of an erase row: the time behind "before=". */
static int64_t
before_of(const char *detail)
{
	static const char key[] = "before=";
	size_t len;
	int64_t before = 0;

	if (strncmp(detail, key, sizeof(key) - 1) != 0)
		return 0;
	len = strcspn(detail + sizeof(key) - 1, " ");
	return text_number(detail + sizeof(key) - 1, len, &before) ? before : 0;
}

enum err
erase_newest(struct store *s, int64_t *ret_before)
{
	struct query q = query_new(s, "SELECT detail FROM audit WHERE what = 'erase'");
	char detail[STORE_DETAIL_SIZE];
	int64_t newest = 0;
	enum err e;

	while (query_row(&q)) {
		query_get_text(&q, detail, sizeof(detail));
		int64_t before = before_of(detail);
		if (before > newest)
			newest = before;
	}
	e = query_end(&q);
	if (e == ERR_OK)
		*ret_before = newest;
	return e;
}
