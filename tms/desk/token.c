/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token: the inventory at the command line: list and show what is on record, and what one person may say of a token: lost, retired, whose customer has it. SO PINs are nowhere here. Giving a token back
 * to its user, another SO PIN, the one before it and a cure take two people, and are done in the console.
 */
#include "desk.h"

#include "inventory.h"
#include "json.h"
#include "options.h"
#include "os.h"
#include "text.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define REQUESTS_MAX 20
#define ROWS_MAX     100	       /* of a page */
#define TEXT_MAX     ((size_t)1 << 20) /* bytes of what is printed */

struct token_desk {
	const char *config_file;
	const char *serial; /* the token that is meant; or NULL */
	const char *manufacturer;
	const char *model;
	const char *reason;
	const char *to; /* an agency, or empty */
	struct store_token_filter filter;
	unsigned limit;
	bool json;
	enum store_life life; /* that it is to have */
	struct store *store;
	json_t *rows;
	int64_t after; /* of the last row */
	size_t count;  /* rows that fit */
	struct store_token found;
};

/* ---- what is said of a token ---- */

static json_t *
describe(const struct store_token *t)
{
	return json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:b, s:I}",
	    "number", (json_int_t)t->id,
	    "manufacturer", t->name.manufacturer,
	    "model", t->name.model,
	    "serial", t->name.serial,
	    "customer", t->customer,
	    "email", t->email,
	    "certificate_serial", t->certificate_serial,
	    "agency", t->agency,
	    "life", store_life_name(t->life),
	    "state", store_token_state_name(t->state),
	    "failures", (json_int_t)t->failures,
	    "exposed", (json_int_t)t->exposed,
	    "next", t->next != 0 ? 1 : 0,
	    "created", (json_int_t)t->created);
}

static void
say(const struct store_token *t)
{
	char created[TEXT_TIME_LEN + 1];

	text_time(t->created, created);
	printf("token=%lld life=%s state=%s failures=%u created=%s agency=%s email=%s serial=%s manufacturer=%s model=%s customer=%s\n", (long long)t->id, store_life_name(t->life),
	    store_token_state_name(t->state), t->failures, created, t->agency, t->email, t->name.serial, t->name.manufacturer, t->name.model, t->customer);
}

/* Takes the value, which may be none. */
static enum err
print_json(json_t *value)
{
	struct buf text = buf_new(TEXT_MAX);
	enum err e = value != NULL ? json_dump(value, &text) : ERR_NO_MEMORY;

	buf_add_text(&text, "\n");
	if (e == ERR_OK)
		e = buf_error(&text);
	if (e == ERR_OK && !os_write_all(STDOUT_FILENO, text.data, text.len))
		e = ERR_INTERNAL;
	buf_free(&text);
	json_decref(value);
	return e;
}

/* ---- which one is meant ---- */

static void
look_at(const struct store_token *t, int64_t after, void *context)
{
	struct token_desk *d = context;

	(void)after;
	if (strcmp(t->name.serial, d->serial) != 0 || (d->manufacturer != NULL && strcmp(t->name.manufacturer, d->manufacturer) != 0) ||
	    (d->model != NULL && strcmp(t->name.model, d->model) != 0))
		return;
	d->found = *t;
	d->count++;
}

/* Serial numbers are a manufacturer's own: of two tokens with one, it must be said which is meant. */
static enum err
find(struct token_desk *d)
{
	const struct store_token_filter filter = { .serial = d->serial, .by_serial = true, .life = STORE_LIFE_COUNT, .state = STORE_TOKEN_STATE_COUNT };
	enum err e;

	d->count = 0;
	e = store_token_list(d->store, &filter, STORE_PAGE_MAX, look_at, d);
	if (e != ERR_OK)
		return e;
	if (d->count > 1)
		options_refuse(d->serial, "is the serial number of several tokens: say --manufacturer and --model");
	return d->count == 0 ? ERR_TOKEN_UNKNOWN : d->count > 1 ? ERR_USAGE
								: ERR_OK;
}

/* ---- what is asked for ---- */

static void
add_request(const struct store_request *r, void *context)
{
	(void)json_array_append_new(context, json_pack("{s:I, s:s, s:I}", "number", (json_int_t)r->number, "state", state_name(r->state), "created", (json_int_t)r->created));
}

static enum err
show(struct token_desk *d)
{
	json_t *requests = json_array();
	json_t *token, *row;
	size_t i;
	enum err e = find(d);

	if (e == ERR_OK)
		e = store_request_list_token(d->store, &d->found.name, REQUESTS_MAX, add_request, requests);
	if (e != ERR_OK) {
		json_decref(requests);
		return e;
	}
	if (d->json) {
		token = describe(&d->found);
		if (token == NULL || json_object_set_new(token, "requests", requests) != 0) {
			json_decref(token);
			return ERR_NO_MEMORY;
		}
		return print_json(token);
	}
	say(&d->found);
	json_array_foreach(requests, i, row)
	{
		char created[TEXT_TIME_LEN + 1];
		text_time((int64_t)json_integer_value(json_object_get(row, "created")), created);
		printf("request=%lld state=%s created=%s\n", (long long)json_integer_value(json_object_get(row, "number")), json_string_value(json_object_get(row, "state")), created);
	}
	json_decref(requests);
	return ERR_OK;
}

static void
take_row(const struct store_token *t, int64_t after, void *context)
{
	struct token_desk *d = context;

	d->after = after;
	d->count++;
	if (d->json)
		(void)json_array_append_new(d->rows, describe(t));
	else
		say(t);
}

static enum err
list(struct token_desk *d)
{
	enum err e;

	d->rows = json_array();
	e = store_token_list(d->store, &d->filter, d->limit, take_row, d);
	if (d->count < d->limit)
		d->after = 0;
	if (e == ERR_OK && d->json)
		return print_json(json_pack("{s:o, s:I}", "tokens", d->rows, "next", (json_int_t)d->after));
	json_decref(d->rows);
	if (e == ERR_OK && d->after != 0)
		printf("next=%lld\n", (long long)d->after);
	return e;
}

/* ---- what one person may say ---- */

static enum err
write_down(struct token_desk *d, const char *what, const char *from, const char *to)
{
	struct store_audit a = { .created = os_time(), .who = "desk", .token = d->found.id };

	text_copy(a.what, sizeof(a.what), what);
	snprintf(a.detail, sizeof(a.detail), "from=%s to=%s", from, to);
	snprintf(a.note, sizeof(a.note), "reason=%s", d->reason);
	return store_audit_add(d->store, &a);
}

/* In a transaction. */
static enum err
end_life(struct token_desk *d)
{
	enum store_life from;
	enum err e = find(d);

	from = d->found.life;
	if (e == ERR_OK && !store_life_ends(from, d->life))
		e = ERR_TOKEN_LIFE_WRONG;
	if (e == ERR_OK)
		e = store_token_set_life(d->store, d->found.id, d->life);
	if (e == ERR_OK)
		e = write_down(d, d->life == STORE_LOST ? "lost" : "retire", store_life_name(from), store_life_name(d->life));
	d->found.life = d->life;
	return e;
}

/* In a transaction. Whoever runs the server may also take it out of an agency that asks for a second approver. */
static enum err
move(struct token_desk *d)
{
	enum err e = find(d);

	if (e == ERR_OK)
		e = store_token_set_agency(d->store, &d->found, d->to);
	if (e == ERR_OK)
		e = write_down(d, "move", d->found.agency, d->to);
	if (e == ERR_OK)
		text_copy(d->found.agency, sizeof(d->found.agency), d->to);
	return e;
}

static enum err
change(struct token_desk *d, enum err (*act)(struct token_desk *d))
{
	enum err e = store_begin(d->store);

	if (e == ERR_OK)
		e = store_end(d->store, act(d));
	if (e != ERR_OK)
		return e;
	if (d->json)
		return print_json(describe(&d->found));
	say(&d->found);
	return ERR_OK;
}

static enum err
set_life(struct token_desk *d)
{
	return change(d, end_life);
}

static enum err
set_agency(struct token_desk *d)
{
	return change(d, move);
}

/* ---- the commands ---- */

static int
run(struct token_desk *d, enum err (*command)(struct token_desk *d))
{
	enum err e = options_store(d->config_file, &d->store);

	if (e != ERR_OK)
		return 1;
	e = command(d);
	store_close(d->store);
	if (e == ERR_USAGE)
		return 2; /* said already */
	if (e != ERR_OK)
		options_complain(e, e == ERR_AGENCY_UNKNOWN ? d->to : d->serial);
	return e == ERR_OK ? 0 : 1;
}

/* SERIAL and what stands behind it; 0, or 2 where it was complained about. */
static int
read_one(int argc, char **argv, struct token_desk *d, const char *more, const char **ret_more)
{
	const struct option_row options[] = {
		{ .name = "--config", .value = &d->config_file, .required = true },
		{ .name = "--manufacturer", .value = &d->manufacturer },
		{ .name = "--model", .value = &d->model },
		{ .name = "--json", .given = &d->json },
		{ .name = "--reason", .value = &d->reason, .required = true },
		{ .name = more, .value = ret_more, .required = true },
	};
	const size_t count = more != NULL ? 6 : d->life != STORE_LIFE_COUNT ? 5
									    : 4; /* show has neither reason nor more */

	if (argc < 1 || argv[0][0] == '-' || argv[0][0] == '\0')
		return options_refuse("SERIAL", "must be the serial number of a token");
	d->serial = argv[0];
	if (options_read(argc - 1, argv + 1, options, count) != ERR_OK)
		return 2;
	if (count > 4 && (d->reason[0] == '\0' || strlen(d->reason) >= STORE_NOTE_SIZE || !text_is_showable(d->reason, strlen(d->reason))))
		return options_refuse("--reason", "must have 1 to 512 bytes and no control characters");
	return 0;
}

static int
command_show(int argc, char **argv)
{
	struct token_desk d = { .life = STORE_LIFE_COUNT };
	int status = read_one(argc, argv, &d, NULL, NULL);

	return status == 0 ? run(&d, show) : status;
}

static int
command_lost(int argc, char **argv)
{
	struct token_desk d = { .life = STORE_LOST };
	int status = read_one(argc, argv, &d, NULL, NULL);

	return status == 0 ? run(&d, set_life) : status;
}

static int
command_retire(int argc, char **argv)
{
	struct token_desk d = { .life = STORE_RETIRED };
	int status = read_one(argc, argv, &d, NULL, NULL);

	return status == 0 ? run(&d, set_life) : status;
}

static int
command_agency(int argc, char **argv)
{
	struct token_desk d = { .life = STORE_LIFE_COUNT };
	int status = read_one(argc, argv, &d, "--to", &d.to);

	if (status == 0 && d.to != NULL && d.to[0] != '\0' && !store_agency_id_ok(d.to))
		return options_refuse("--to", "must be the id of an agency, or empty");
	return status == 0 ? run(&d, set_agency) : status;
}

/* A number of the command line; what was not said stays. */
static bool
read_number(const char *text, int64_t least, int64_t most, int64_t *ret)
{
	return text == NULL || (text_number(text, strlen(text), ret) && *ret >= least && *ret <= most);
}

static int
command_list(int argc, char **argv)
{
	struct token_desk d = { .filter = { .life = STORE_LIFE_COUNT, .state = STORE_TOKEN_STATE_COUNT } };
	const char *life = NULL;
	const char *state = NULL;
	const char *limit = NULL;
	const char *after = NULL;
	int64_t rows = ROWS_MAX;
	const struct option_row options[] = {
		{ .name = "--config", .value = &d.config_file, .required = true },
		{ .name = "--serial", .value = &d.filter.serial },
		{ .name = "--customer", .value = &d.filter.customer },
		{ .name = "--email", .value = &d.filter.email },
		{ .name = "--life", .value = &life },
		{ .name = "--state", .value = &state },
		{ .name = "--limit", .value = &limit },
		{ .name = "--after", .value = &after },
		{ .name = "--json", .given = &d.json },
	};

	if (options_read(argc, argv, options, sizeof(options) / sizeof(options[0])) != ERR_OK)
		return 2;
	if (life != NULL && (d.filter.life = store_life_from_name(life)) == STORE_LIFE_COUNT)
		return options_refuse("--life", "must be active, lost or retired");
	if (state != NULL && (d.filter.state = store_token_state_from_name(state)) == STORE_TOKEN_STATE_COUNT)
		return options_refuse("--state", "must be unverified, verified or suspect");
	if (!read_number(limit, 1, ROWS_MAX, &rows))
		return options_refuse("--limit", "must be a number from 1 to 100");
	if (!read_number(after, 1, INT64_MAX, &d.filter.after))
		return options_refuse("--after", "must be what the page before says behind \"next\"");
	d.limit = (unsigned)rows;
	return run(&d, list);
}

static const struct option_verb verbs[] = { { "list", command_list }, { "show", command_show }, { "lost", command_lost }, { "retire", command_retire }, { "agency", command_agency } };

int
desk_token(int argc, char **argv)
{
	return options_verb(verbs, sizeof(verbs) / sizeof(verbs[0]), "token: list, show, lost, retire or agency", argc, argv);
}
