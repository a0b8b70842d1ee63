/* SPDX-License-Identifier: Apache-2.0 */
#include "view.h"

#include <stdio.h>
#include <string.h>

#define AGAIN_S 600 /* within which the same is not written again */

/* Appends " key=value", or without the blank where it is the first; what does not fit any more is left out. */
static void
add(char *text, size_t size, const char *key, const char *value)
{
	size_t len = strlen(text);
	int more;

	if (value == NULL || value[0] == '\0')
		return;
	more = snprintf(text + len, size - len, "%s%s=%s", len != 0 ? " " : "", key, value);
	if (more < 0 || (size_t)more >= size - len)
		text[len] = '\0';
}

static void
add_number(char *text, size_t size, const char *key, int64_t value)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%lld", (long long)value);
	add(text, size, key, value != 0 ? digits : NULL);
}

/* Words and numbers of a search, and then what was typed. Which page of the list it is says nothing more. */
static void
add_query(const struct call_query *q, struct store_audit *row)
{
	add(row->detail, sizeof(row->detail), "state", q->state);
	add(row->detail, sizeof(row->detail), "life", q->life);
	add(row->detail, sizeof(row->detail), "agency", q->agency);
	add_number(row->detail, sizeof(row->detail), "type", q->type);
	add_number(row->detail, sizeof(row->detail), "from", q->from);
	add_number(row->detail, sizeof(row->detail), "to", q->to);
	add(row->note, sizeof(row->note), "customer", q->customer);
	add(row->note, sizeof(row->note), "email", q->email);
	add(row->note, sizeof(row->note), "token_serial", q->token_serial);
	add(row->note, sizeof(row->note), "certificate_serial", q->certificate_serial);
}

enum err
view_note(struct call *c, const char *name, enum view_of of)
{
	struct store_audit row = { .created = c->now, .person = c->person->id, .what = "view" };
	bool seen = false;
	enum err e;

	if (of == VIEW_REQUEST)
		row.number = c->number;
	if (of == VIEW_TOKEN)
		row.token = c->number;
	add(row.detail, sizeof(row.detail), "route", name);
	if (of == VIEW_OTHER)
		add_number(row.detail, sizeof(row.detail), "id", c->number);
	add_query(&c->query, &row);
	e = store_audit_seen(c->store, &row, c->now - AGAIN_S, &seen);
	return e == ERR_OK && !seen ? store_audit_add(c->store, &row) : e;
}
