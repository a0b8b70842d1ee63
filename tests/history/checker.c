/* SPDX-License-Identifier: Apache-2.0 */
#define _POSIX_C_SOURCE 200809L
#include "checker.h"

#include "escrow_line.h"
#include "json.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool
checker_wrong(struct checker *c, const char *format, ...)
{
	va_list args;

	if (c->wrong[0] != '\0')
		return false;
	va_start(args, format);
	vsnprintf(c->wrong, sizeof(c->wrong), format, args);
	va_end(args);
	return false;
}

unsigned
checker_in_vain_max(const struct checker *c)
{
	return c->so_tries == 0 || c->so_tries > 4 ? 2 : 1;
}

bool
checker_may_be_suspect(const struct checker *c)
{
	return c->in_vain == checker_in_vain_max(c) || (c->in_doubt && (c->so_tries == 3 || c->so_tries == 5) && c->in_vain + 1 == checker_in_vain_max(c));
}

void
checker_begin(struct checker *c, struct world *server, const struct sim *sim, bool fits)
{
	FILE *log = fopen(server->config.escrow_log, "r");

	*c = (struct checker){ .server = server, .sim = sim, .fits = fits };
	/* what other tokens have left */
	if (log != NULL && fseek(log, 0, SEEK_END) == 0)
		c->log_at = ftell(log);
	if (log != NULL)
		fclose(log);
	for (size_t i = 0; i < SIM_REQUESTS; i++)
		c->seen[i] = STATE_COUNT;
}

void
checker_end(struct checker *c)
{
	for (size_t i = 0; i < c->answer_count; i++)
		free(c->answers[i].text);
	c->answer_count = 0;
}

/* ---- answers ---- */

void
checker_answer(struct checker *c, const char *path, const json_t *body, const json_t *answer)
{
	bool created = strcmp(path, "/v1/requests") == 0;
	struct buf dumped = buf_new(65536);
	/* an approval moves the end of a request, which the answer to a create tells: its id is what must stay */
	char *text = json_dump(created ? json_object_get(answer, "id") : answer, &dumped) == ERR_OK ? strdup(buf_text(&dumped)) : NULL;
	char key[96];

	buf_free(&dumped);
	/* which candidate is part of what a grant asks; every create has a signature of its own */
	snprintf(key, sizeof(key), "%s %d %.40s", path, (int)json_integer_value(json_object_get(body, "active")),
	    created ? json_string_value(json_object_get(body, "signature")) : "");
	for (size_t i = 0; i < c->answer_count; i++) {
		if (strcmp(c->answers[i].key, key) != 0)
			continue;
		if (text == NULL || c->answers[i].text == NULL || strcmp(c->answers[i].text, text) != 0)
			checker_wrong(c, "another answer to the same call: %s", key);
		free(text);
		return;
	}
	if (c->answer_count == CHECKER_ANSWERS) {
		free(text);
		return;
	}
	snprintf(c->answers[c->answer_count].key, sizeof(key), "%s", key);
	c->answers[c->answer_count++].text = text;
}

/* ---- requests ---- */

/* Whether one event may lead from here to there: what a request goes through is a line, and nothing leaves an end. */
static bool
may_lead(enum state from, enum state to)
{
	static const struct {
		enum state from;
		const char *to;
	} ways[] = {
		{ STATE_PENDING, " approved refused cancelled expired " },
		{ STATE_UNIDENTIFIED, " approved refused cancelled expired " },
		{ STATE_APPROVED, " released refused cancelled expired locked_out completed failed " },
		{ STATE_RELEASED, " unknown completed failed locked_out " },
		{ STATE_UNKNOWN, " completed failed locked_out " },
	};
	char word[32];

	snprintf(word, sizeof(word), " %s ", state_name(to));
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (ways[i].from == from)
			return strstr(ways[i].to, word) != NULL;
	return false;
}

/* A release, a grant or a report that was not there before. In this order, because one event may bring all three. */
static void
count_releases(struct checker *c, size_t i, const struct store_request *r)
{
	struct store *s = c->server->scratch.store;
	struct store_release release;
	struct store_grant grant;

	if (!c->released[i] && store_release_of(s, r->number, &release) == ERR_OK) {
		c->released[i] = true;
		c->newest = r->number;
		c->in_vain++;
		if (c->in_vain > checker_in_vain_max(c))
			checker_wrong(c, "%u releases in a row without a grant, of a token that takes %u tries", c->in_vain, c->so_tries);
	}
	if (!c->granted[i] && store_grant_of(s, r->number, &grant) == ERR_OK) {
		c->granted[i] = c->in_doubt = true;
		c->in_vain = 0;
		if (c->newest != r->number)
			checker_wrong(c, "request %lld was granted and is not the newest release", (long long)r->number);
	}
	if (r->state == STATE_COMPLETED && c->seen[i] != STATE_COMPLETED && c->newest == r->number) {
		c->in_vain = 0;
		/* it was proved, or its proof is what was refused */
		c->in_doubt = world_token(c->server, &c->sim->token.name).next != 0;
	}
}

static bool
check_mails(struct checker *c, int64_t number)
{
	static const enum store_mail once[] = { STORE_MAIL_UNLOCKED, STORE_MAIL_UNKNOWN, STORE_MAIL_REFUSED, STORE_MAIL_REVOKED, STORE_MAIL_EXPIRED };

	for (size_t i = 0; i < sizeof(once) / sizeof(once[0]); i++)
		if (world_mails(c->server, number, once[i]) > 1)
			return checker_wrong(c, "request %lld: the mail \"%s\" went out twice", (long long)number, store_mail_name(once[i]));
	return true;
}

static bool
check_request(struct checker *c, const struct store_request *r, unsigned *approved, unsigned *identified)
{
	size_t i = (size_t)(r->number - c->first);
	enum state before;

	if (i >= SIM_REQUESTS)
		return true;
	before = c->seen[i];
	count_releases(c, i, r);
	if (before == STATE_COUNT ? r->state != STATE_PENDING && r->state != STATE_UNIDENTIFIED : before != r->state && !may_lead(before, r->state))
		return checker_wrong(c, "request %lld went from %s to %s", (long long)r->number, before != STATE_COUNT ? state_name(before) : "nothing", state_name(r->state));
	if ((r->state == STATE_RELEASED || r->state == STATE_UNKNOWN || r->state == STATE_COMPLETED) && !c->released[i])
		return checker_wrong(c, "request %lld is %s and was not released", (long long)r->number, state_name(r->state));
	if ((r->state == STATE_REFUSED || r->state == STATE_CANCELLED || r->state == STATE_EXPIRED) && c->released[i])
		return checker_wrong(c, "request %lld is %s after its release", (long long)r->number, state_name(r->state));
	*approved += r->state == STATE_APPROVED;
	*identified += r->identified && (r->state == STATE_PENDING || r->state == STATE_APPROVED);
	if (r->state != before && !check_mails(c, r->number))
		return false;
	c->seen[i] = r->state;
	return true;
}

static bool
check_requests(struct checker *c)
{
	struct store_request r;
	unsigned approved = 0;
	unsigned identified = 0;

	for (int64_t number = c->first; store_request_by_number(c->server->scratch.store, number, &r) == ERR_OK; number++)
		if (!check_request(c, &r, &approved, &identified))
			return false;
	if (approved > 1)
		return checker_wrong(c, "%u requests of one token are approved", approved);
	return identified <= 3 || checker_wrong(c, "%u identified requests of one token are open", identified);
}

/* ---- the token ---- */

/* The row as the vault would open it; each once. */
static const struct secret *
open_row(struct checker *c, int64_t id)
{
	struct store_escrow row;

	for (size_t i = 0; i < c->opened_count; i++)
		if (c->opened[i].id == id)
			return &c->opened[i].so_pin;
	if (c->opened_count == sizeof(c->opened) / sizeof(c->opened[0]))
		c->opened_count = 0;
	if (store_escrow_by_id(c->server->scratch.store, id, &row) != ERR_OK ||
	    transcript_open_escrow(c->server->vault_key, &c->sim->token.name, row.version, row.sealed, &c->opened[c->opened_count].so_pin) != ERR_OK)
		return NULL;
	c->opened[c->opened_count].id = id;
	return &c->opened[c->opened_count++].so_pin;
}

const struct secret *
checker_active(struct checker *c)
{
	return open_row(c, world_token(c->server, &c->sim->token.name).active);
}

/* The promise: the token's SO PIN is one that the server would release. Once it is, people alone can break it, by a mistake, and a machine's report mends it. */
static bool
check_candidates(struct checker *c)
{
	struct store_token t = world_token(c->server, &c->sim->token.name);
	const int64_t ids[2] = { t.active, t.next };

	for (size_t i = 0; i < 2; i++) {
		const struct secret *so_pin = ids[i] != 0 ? open_row(c, ids[i]) : NULL;
		if (ids[i] != 0 && so_pin == NULL)
			return checker_wrong(c, "escrow row %lld does not open", (long long)ids[i]);
		if (so_pin != NULL && secret_equal(so_pin, &c->sim->token.so_pin)) {
			c->fits = c->known = true;
			return true;
		}
	}
	return !c->fits || checker_wrong(c, "the token's SO PIN is none of the server's candidates");
}

/* ---- the escrow log ---- */

/* What was appended since; the last line of the token stays. */
static bool
read_log(struct checker *c)
{
	FILE *f = fopen(c->server->config.escrow_log, "r");
	struct escrow_log_line line;
	char text[ESCROW_LOG_LINE_MAX + 2];
	bool ok = true;

	if (f == NULL)
		return true;
	ok = fseek(f, c->log_at, SEEK_SET) == 0;
	while (ok && fgets(text, sizeof(text), f) != NULL) {
		ok = escrow_line_read(text, strcspn(text, "\n"), &line) == ESCROW_LOG_WHOLE;
		if (ok && token_name_equal(&line.candidates.token, &c->sim->token.name))
			c->line = line;
	}
	c->log_at = ftell(f);
	fclose(f);
	return ok || checker_wrong(c, "a line of the escrow log is not whole");
}

/* The same promise for whoever restores a backup of before all this: by the token's last line alone. */
static bool
check_log(struct checker *c)
{
	struct secret so_pin = { 0 };
	bool found = false;

	if (!read_log(c))
		return false;
	for (size_t i = 0; i < c->line.candidates.count && !found; i++) {
		const struct store_candidate *row = &c->line.candidates.rows[i];
		if (transcript_open_escrow(c->server->vault_key, &c->sim->token.name, row->version, row->sealed, &so_pin) != ERR_OK)
			return checker_wrong(c, "a row of the escrow log does not open");
		found = secret_equal(&so_pin, &c->sim->token.so_pin);
	}
	secret_wipe(&so_pin);
	return found || c->line.candidates.count == 0 || !c->fits || checker_wrong(c, "the token's SO PIN is none of its last line in the escrow log");
}

static unsigned
candidates_of(struct checker *c, const char *id)
{
	unsigned char bytes[TRANSCRIPT_ID_LEN];
	struct store_release release;
	struct store_request r;
	json_t *text = json_string(id);
	unsigned count = 0;

	if (json_b64_exact(text, bytes, sizeof(bytes)) && store_request_by_id(c->server->scratch.store, bytes, &r) == ERR_OK &&
	    store_release_of(c->server->scratch.store, r.number, &release) == ERR_OK)
		count = release.candidates[1] != 0 ? 2 : 1;
	json_decref(text);
	return count;
}

static bool
check_tries(struct checker *c)
{
	const struct sim_token *t = &c->sim->token;

	if (t->wrong_in_a_row > c->most_wrong)
		c->most_wrong = t->wrong_in_a_row;
	if (t->flags == SIM_FLAGS_RIGHT && t->so_left < 1)
		return checker_wrong(c, "the last SO try was used");
	if (t->wrong_in_a_row == 0)
		c->forgiven = false;
	if (c->so_tries != 0 && !c->forgiven && t->so_left < 1)
		return checker_wrong(c, "the last of %u SO tries was used, of which the server knew", t->so_max);
	for (size_t i = 0; i < c->sim->request_count; i++) {
		const struct sim_request *r = &c->sim->requests[i];
		unsigned allowed = 2;
		if (r->wrong > 1 && t->flags == SIM_FLAGS_RIGHT)
			allowed = candidates_of(c, r->id);
		if (r->wrong > allowed)
			return checker_wrong(c, "request %s has cost %u wrong SO tries, allowed are %u", r->id, r->wrong, allowed);
		if (r->succeeded && !r->proved)
			return checker_wrong(c, "request %s succeeded without a login", r->id);
	}
	return true;
}

bool
checker_look(struct checker *c)
{
	return c->wrong[0] == '\0' && check_candidates(c) && check_log(c) && check_requests(c) && check_tries(c);
}
