/* SPDX-License-Identifier: Apache-2.0 */
/* Kinds of tokens, their vendors, and the modules that drive them. */
#include "query.h"
#include "text.h"

#include <string.h>

/* ---- vendors ---- */

static enum err
vendor_id(struct store *s, const char *name, int64_t *ret_id)
{
	struct query q = query_new(s, "SELECT id FROM vendor WHERE name = ?");
	bool found;

	query_text(&q, name);
	found = query_row(&q);
	if (found)
		*ret_id = query_get_int(&q);
	return query_found(&q, found, ERR_VENDOR_UNKNOWN);
}

static enum err
vendor_put(struct store *s, const char *name, int64_t now)
{
	struct query q = query_new(s, "INSERT INTO vendor (name, created) VALUES (?, ?) ON CONFLICT DO NOTHING");

	query_text(&q, name);
	query_int(&q, now);
	return query_run(&q, NULL);
}

bool
store_module_system_ok(const char *system)
{
	static const char *const systems[] = { "linux", "windows", "macos" };

	for (size_t i = 0; i < sizeof(systems) / sizeof(systems[0]); i++)
		if (strcmp(systems[i], system) == 0)
			return true;
	return false;
}

bool
store_module_path_ok(const char *system, const char *path)
{
	if (!store_module_system_ok(system))
		return false;
	if (strcmp(system, "windows") == 0)
		return ((path[0] >= 'A' && path[0] <= 'Z') || (path[0] >= 'a' && path[0] <= 'z')) && path[1] == ':' && path[2] == '\\';
	return path[0] == '/';
}

enum err
store_module_put(struct store *s, const struct store_module *m, int64_t now)
{
	struct query q;
	int64_t vendor = 0;
	enum err e = vendor_put(s, m->vendor, now);

	if (e == ERR_OK)
		e = vendor_id(s, m->vendor, &vendor);
	if (e != ERR_OK)
		return e;
	q = query_new(s,
	    "INSERT INTO module (vendor, system, name, path, parameters) VALUES (?, ?, ?, ?, ?)"
	    " ON CONFLICT (vendor, system, path) DO UPDATE SET name = excluded.name, parameters = excluded.parameters");
	query_int(&q, vendor);
	query_text(&q, m->system);
	query_text(&q, m->name);
	query_text(&q, m->path);
	query_text(&q, m->parameters);
	return query_run(&q, NULL);
}

enum err
store_module_list(struct store *s, void (*each)(const struct store_module *m, void *context), void *context)
{
	struct query q = query_new(s,
	    "SELECT vendor.name, system, module.name, path, parameters FROM module JOIN vendor ON vendor.id = vendor"
	    " ORDER BY vendor.name, system, module.id");

	while (query_row(&q)) {
		struct store_module m;

		query_get_text(&q, m.vendor, sizeof(m.vendor));
		query_get_text(&q, m.system, sizeof(m.system));
		query_get_text(&q, m.name, sizeof(m.name));
		query_get_text(&q, m.path, sizeof(m.path));
		query_get_text(&q, m.parameters, sizeof(m.parameters));
		each(&m, context);
	}
	return query_end(&q);
}

/* ---- types ---- */

bool
store_so_tries_ok(int64_t n)
{
	return n == 0 || (n >= STORE_SO_TRIES_MIN && n <= STORE_SO_TRIES_MAX);
}

bool
store_key_length_ok(int64_t n)
{
	return n == 0 || (n >= STORE_KEY_LENGTH_MIN && n <= TRANSCRIPT_SO_PIN_MAX);
}

enum err
store_type_in_use(struct store *s, const struct store_type *t, bool *ret)
{
	struct query q = query_new(s, t->model[0] != '\0' ? "SELECT 1 FROM token WHERE manufacturer = ? AND model = ? LIMIT 1"
							  : "SELECT 1 FROM token WHERE manufacturer = ? LIMIT 1");

	query_text(&q, t->manufacturer);
	if (t->model[0] != '\0')
		query_text(&q, t->model);
	*ret = query_row(&q);
	return query_end(&q);
}

enum err
store_type_put(struct store *s, const struct store_type *t)
{
	struct query q;
	int64_t vendor = 0;
	enum err e = t->vendor[0] != '\0' ? vendor_id(s, t->vendor, &vendor) : ERR_OK;

	if (e != ERR_OK)
		return e;
	q = query_new(s,
	    "INSERT INTO type (name, vendor, manufacturer, model, family, rotation, flags_reliable, pin_min, pin_max, pin_characters, key_length,"
	    " key_characters, created, second_approver, so_tries) VALUES (?, nullif(?, 0), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
	    " ON CONFLICT (manufacturer, model) DO UPDATE SET name = excluded.name, vendor = excluded.vendor, family = excluded.family,"
	    " rotation = excluded.rotation, flags_reliable = excluded.flags_reliable, pin_min = excluded.pin_min, pin_max = excluded.pin_max,"
	    " pin_characters = excluded.pin_characters, key_length = excluded.key_length, key_characters = excluded.key_characters,"
	    " second_approver = excluded.second_approver, so_tries = excluded.so_tries");
	query_text(&q, t->name);
	query_int(&q, vendor);
	query_text(&q, t->manufacturer);
	query_text(&q, t->model);
	query_text(&q, family_name(t->policy.family));
	query_int(&q, t->rotation);
	query_int(&q, t->policy.flags_reliable);
	query_int(&q, t->policy.pin_min);
	query_int(&q, t->policy.pin_max);
	query_text(&q, characters_name(t->policy.pin_characters));
	query_int(&q, t->key_length);
	query_text(&q, characters_name(t->key_characters));
	query_int(&q, t->created);
	query_int(&q, t->second_approver);
	query_int(&q, t->so_tries);
	return query_run(&q, NULL);
}

/* A word that this program does not know reads as what does the least: a token that is not unlocked, a PIN of digits. */
static enum characters
characters_of(const char *name)
{
	enum characters c = characters_from_name(name);

	return c != CHARACTERS_COUNT ? c : CHARACTERS_DIGITS;
}

#define TYPE_COLUMNS \
	"type.id, type.name, coalesce(vendor.name, ''), manufacturer, model, family, rotation, flags_reliable, pin_min, pin_max, pin_characters," \
	" key_length, key_characters, type.created, second_approver, so_tries FROM type LEFT JOIN vendor ON vendor.id = vendor"

static void
read_type(struct query *q, struct store_type *ret)
{
	char family[16];
	char characters[16];
	int64_t tries;

	ret->id = query_get_int(q);
	query_get_text(q, ret->name, sizeof(ret->name));
	query_get_text(q, ret->vendor, sizeof(ret->vendor));
	query_get_text(q, ret->manufacturer, sizeof(ret->manufacturer));
	query_get_text(q, ret->model, sizeof(ret->model));
	query_get_text(q, family, sizeof(family));
	ret->policy.family = family_from_name(family) != FAMILY_COUNT ? family_from_name(family) : FAMILY_NONE;
	ret->rotation = query_get_int(q) != 0;
	ret->policy.flags_reliable = query_get_int(q) != 0;
	ret->policy.pin_min = (unsigned)query_get_int(q);
	ret->policy.pin_max = (unsigned)query_get_int(q);
	query_get_text(q, characters, sizeof(characters));
	ret->policy.pin_characters = characters_of(characters);
	ret->key_length = (unsigned)query_get_int(q);
	query_get_text(q, characters, sizeof(characters));
	ret->key_characters = characters_of(characters);
	ret->created = query_get_int(q);
	ret->second_approver = query_get_int(q) != 0;
	tries = query_get_int(q);
	/* a number that cannot be reads as the fewest, with which the least is released */
	ret->so_tries = store_so_tries_ok(tries) ? (unsigned)tries : STORE_SO_TRIES_MIN;
}

enum err
store_type_of(struct store *s, const struct token_name *token, struct store_type *ret)
{
	struct query q = query_new(s, "SELECT " TYPE_COLUMNS " WHERE manufacturer = ? AND model IN (?, '') ORDER BY model = '' LIMIT 1");

	*ret = (struct store_type){ .rotation = true };
	ret->policy.family = FAMILY_SO_PIN;
	ret->policy.pin_characters = CHARACTERS_ANY;
	ret->key_characters = CHARACTERS_ANY;
	query_text(&q, token->manufacturer);
	query_text(&q, token->model);
	if (query_row(&q))
		read_type(&q, ret);
	return query_end(&q);
}

enum err
store_type_by_id(struct store *s, int64_t id, struct store_type *ret)
{
	struct query q = query_new(s, "SELECT " TYPE_COLUMNS " WHERE type.id = ?");
	bool found;

	query_int(&q, id);
	found = query_row(&q);
	if (found)
		read_type(&q, ret);
	return query_found(&q, found, ERR_TOKEN_UNKNOWN);
}

enum err
store_type_list(struct store *s, void (*each)(const struct store_type *t, void *context), void *context)
{
	struct query q = query_new(s, "SELECT " TYPE_COLUMNS " ORDER BY manufacturer, model");

	while (query_row(&q)) {
		struct store_type t = { .id = 0 };

		read_type(&q, &t);
		each(&t, context);
	}
	return query_end(&q);
}
