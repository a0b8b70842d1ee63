/* SPDX-License-Identifier: Apache-2.0 */
/* type: kinds of tokens as a table: `type add` reads what `type list` writes. */
#include "desk.h"

#include "detail.h"
#include "options.h"
#include "os.h"
#include "rows.h"
#include "text.h"
#include "transcript.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum column {
	NAME,
	MANUFACTURER,
	FAMILY,
	MODEL, /* from here on they may be missing */
	VENDOR,
	ROTATION,
	FLAGS_RELIABLE,
	PIN_MIN,
	PIN_MAX,
	PIN_CHARACTERS,
	KEY_LENGTH,
	KEY_CHARACTERS,
	SECOND_APPROVER,
	SO_TRIES,
	COLUMN_COUNT
};

static const char *const names[COLUMN_COUNT] = { "name", "manufacturer", "family", "model", "vendor", "rotation", "flags_reliable", "pin_min", "pin_max",
	"pin_characters", "key_length", "key_characters", "second_approver", "so_tries" };

struct type_desk {
	struct store *store;
	struct buf out;
	int64_t now;
};

/* ---- one row ---- */

static bool
read_switch(const char *text, bool otherwise, bool *ret)
{
	*ret = text[0] == '\0' ? otherwise : strcmp(text, "yes") == 0;
	return text[0] == '\0' || strcmp(text, "yes") == 0 || strcmp(text, "no") == 0;
}

/* Empty is 0. */
static bool
read_number(const char *text, unsigned most, unsigned *ret)
{
	char *end = NULL;
	unsigned long n = strtoul(text, &end, 10);

	*ret = (unsigned)n;
	return text[0] == '\0' || (text[strspn(text, "0123456789")] == '\0' && n <= most);
}

static bool
read_characters(const char *text, enum characters *ret)
{
	*ret = text[0] == '\0' ? CHARACTERS_ANY : characters_from_name(text);
	return *ret != CHARACTERS_COUNT;
}

static const char *
read_names(const char *const *f, struct store_type *t)
{
	if (f[NAME][0] == '\0' || !text_copy(t->name, sizeof(t->name), f[NAME]) || !text_copy(t->vendor, sizeof(t->vendor), f[VENDOR]))
		return "no name, or a name or vendor longer than 64 bytes";
	if (!text_copy(t->manufacturer, sizeof(t->manufacturer), f[MANUFACTURER]) || !text_copy(t->model, sizeof(t->model), f[MODEL]) ||
	    (f[MANUFACTURER][0] == '\0' && f[MODEL][0] == '\0'))
		return "neither manufacturer nor model, or longer than 32 and 16 bytes";
	return NULL;
}

static const char *
read_policy(const char *const *f, struct store_type *t)
{
	t->policy.family = family_from_name(f[FAMILY]);
	if (t->policy.family == FAMILY_COUNT)
		return "a family that is none: so_pin, puk or none";
	if (!read_switch(f[ROTATION], t->policy.family == FAMILY_SO_PIN, &t->rotation) ||
	    !read_switch(f[FLAGS_RELIABLE], false, &t->policy.flags_reliable))
		return "rotation or flags_reliable is neither yes nor no";
	if (!read_switch(f[SECOND_APPROVER], false, &t->second_approver))
		return "second_approver is neither yes nor no";
	if (t->rotation && t->policy.family != FAMILY_SO_PIN)
		return "rotation of a key that PKCS#11 cannot replace: only an SO PIN is rotated";
	if (!read_number(f[PIN_MIN], TOKEN_POLICY_PIN_MAX, &t->policy.pin_min) || !read_number(f[PIN_MAX], TOKEN_POLICY_PIN_MAX, &t->policy.pin_max) ||
	    (t->policy.pin_max != 0 && t->policy.pin_min > t->policy.pin_max))
		return "pin_min or pin_max is no number up to 128, or no PIN keeps both";
	if (!read_number(f[KEY_LENGTH], TRANSCRIPT_SO_PIN_MAX, &t->key_length) || !store_key_length_ok(t->key_length))
		return "key_length is no number from 6 to 62, nor 0";
	if (!read_number(f[SO_TRIES], STORE_SO_TRIES_MAX, &t->so_tries) || (f[SO_TRIES][0] != '\0' && t->so_tries == 0) || !store_so_tries_ok(t->so_tries))
		return "so_tries is no number from 3 to 255, nor empty";
	if (!read_characters(f[PIN_CHARACTERS], &t->policy.pin_characters) || !read_characters(f[KEY_CHARACTERS], &t->key_characters))
		return "pin_characters or key_characters is none of any, digits, hexadecimal, alphanumeric";
	return NULL;
}

static enum err
audit(struct type_desk *d, const struct store_type *t)
{
	struct store_audit a = { .created = d->now, .who = "desk", .what = "type" };

	detail_type(t, a.detail);
	return store_audit_add(d->store, &a);
}

/* A row as a table has it; numbers is where its numbers are written. */
struct texts {
	const char *fields[COLUMN_COUNT];
	char numbers[4][12];
};

static void
write_texts(const struct store_type *t, struct texts *ret)
{
	*ret = (struct texts){ .fields = {
				   [NAME] = t->name,
				   [MANUFACTURER] = t->manufacturer,
				   [FAMILY] = family_name(t->policy.family),
				   [MODEL] = t->model,
				   [VENDOR] = t->vendor,
				   [ROTATION] = t->rotation ? "yes" : "no",
				   [FLAGS_RELIABLE] = t->policy.flags_reliable ? "yes" : "no",
				   [PIN_MIN] = ret->numbers[0],
				   [PIN_MAX] = ret->numbers[1],
				   [PIN_CHARACTERS] = characters_name(t->policy.pin_characters),
				   [KEY_LENGTH] = ret->numbers[2],
				   [KEY_CHARACTERS] = characters_name(t->key_characters),
				   [SECOND_APPROVER] = t->second_approver ? "yes" : "no",
				   [SO_TRIES] = t->so_tries != 0 ? ret->numbers[3] : "",
			       } };
	snprintf(ret->numbers[0], sizeof(ret->numbers[0]), "%u", t->policy.pin_min);
	snprintf(ret->numbers[1], sizeof(ret->numbers[1]), "%u", t->policy.pin_max);
	snprintf(ret->numbers[2], sizeof(ret->numbers[2]), "%u", t->key_length);
	snprintf(ret->numbers[3], sizeof(ret->numbers[3]), "%u", t->so_tries);
}

/*
 * A column that the table does not have leaves what is on record; and what protects the tokens, who approves and how often is tried, is taken over by a type of fewer models, too: a table from before
 * there was such a column takes no protection away.
 */
static enum err
keep(struct type_desk *d, const struct store_type *named, struct texts *was, const char **fields)
{
	struct token_name name = { .manufacturer = "" };
	struct store_type type;
	bool same;
	enum err e;

	text_copy(name.manufacturer, sizeof(name.manufacturer), named->manufacturer);
	text_copy(name.model, sizeof(name.model), named->model);
	e = store_type_of(d->store, &name, &type);
	if (e != ERR_OK || type.id == 0)
		return e;
	same = strcmp(type.model, named->model) == 0 && type.policy.family == family_from_name(fields[FAMILY]);
	write_texts(&type, was);
	for (int column = MODEL; column < COLUMN_COUNT; column++)
		if (fields[column] == rows_absent && (same || column == SECOND_APPROVER || column == SO_TRIES))
			fields[column] = was->fields[column];
	return ERR_OK;
}

static enum err
add_row(const char *const *said, void *context, const char **ret_cause)
{
	struct type_desk *d = context;
	struct store_type t = { .created = d->now };
	const char *fields[COLUMN_COUNT];
	struct texts was;
	enum err e;

	memcpy(fields, said, sizeof(fields));
	*ret_cause = read_names(fields, &t);
	if (*ret_cause != NULL)
		return ERR_CSV_INVALID;
	e = store_begin(d->store);
	if (e != ERR_OK)
		return e;
	e = keep(d, &t, &was, fields);
	/* the vendor is a name of those that may be kept */
	if (e == ERR_OK)
		*ret_cause = read_names(fields, &t);
	if (e == ERR_OK && *ret_cause == NULL)
		*ret_cause = read_policy(fields, &t);
	if (e == ERR_OK && *ret_cause != NULL)
		e = ERR_CSV_INVALID;
	if (e == ERR_OK)
		e = store_type_put(d->store, &t);
	if (e == ERR_VENDOR_UNKNOWN)
		*ret_cause = "a vendor that is not there: mokhoa-tms vendor add";
	if (e == ERR_OK)
		e = audit(d, &t);
	return store_end(d->store, e);
}

/* ---- the commands ---- */

static void
print_row(const struct store_type *t, void *context)
{
	struct type_desk *d = context;
	struct texts texts;

	write_texts(t, &texts);
	columns_write(&d->out, texts.fields, COLUMN_COUNT);
}

static enum err
list(struct type_desk *d)
{
	columns_write(&d->out, names, COLUMN_COUNT);
	return rows_print(store_type_list(d->store, print_row, d), &d->out);
}

static enum err
add(struct type_desk *d)
{
	const struct columns columns = { .names = names, .count = COLUMN_COUNT, .needed = MODEL, .missing = "a column is missing: name, manufacturer and family are needed" };
	unsigned taken;
	enum err e = rows_run(&columns, add_row, d, &taken);

	printf("types=%u\n", taken);
	return e;
}

static int
run(int argc, char **argv, enum err (*command)(struct type_desk *d))
{
	const char *config_file = NULL;
	struct type_desk d = { .out = buf_new((size_t)1 << 20), .now = os_time() };
	enum err e;

	if (options_config_file(argc, argv, &config_file) != 0)
		return 2;
	e = options_store(config_file, &d.store);
	if (e == ERR_OK)
		e = command(&d);
	store_close(d.store);
	buf_free(&d.out);
	return e == ERR_OK ? 0 : 1;
}

static int
command_add(int argc, char **argv)
{
	return run(argc, argv, add);
}

static int
command_list(int argc, char **argv)
{
	return run(argc, argv, list);
}

static const struct option_verb verbs[] = { { "add", command_add }, { "list", command_list } };

int
desk_type(int argc, char **argv)
{
	return options_verb(verbs, sizeof(verbs) / sizeof(verbs[0]), "type add, type list", argc, argv);
}
