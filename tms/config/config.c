/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "address.h"
#include "json.h"
#include "log.h"
#include "os.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY ((int64_t)86400)

/* What config_load() gives: the public part first, then what it borrows from. */
struct holder {
	struct config config;
	json_t *json;
};

enum kind {
	KIND_TEXT, /* min..max bytes of showable text */
	KIND_PATH, /* absolute */
	KIND_ORIGIN,
	KIND_ADDRESS, /* a mail address */
	KIND_SMTP_URL,
	KIND_TLS,
	KIND_SECOND,
	KIND_LANGUAGES,
	KIND_SECONDS, /* int64_t, min..max */
	KIND_COUNT,   /* unsigned, min..max */
	KIND_SWITCH
};

struct row {
	const char *section; /* "" for the top */
	const char *key;
	enum kind kind;
	bool required;
	size_t offset;
	int64_t min;
	int64_t max;
	int64_t fallback; /* of a number that is not given */
};

#define AT(member) offsetof(struct config, member)

static const struct row rows[] = {
	{ "", "data", KIND_PATH, true, AT(data), 0, 0, 0 },
	{ "", "signing_key", KIND_PATH, true, AT(signing_key), 0, 0, 0 },
	{ "", "issuers", KIND_PATH, true, AT(issuers), 0, 0, 0 },
	{ "", "admin_ca", KIND_PATH, true, AT(admin_ca), 0, 0, 0 },
	{ "", "console_origin", KIND_ORIGIN, true, AT(console_origin), 0, 0, 0 },
	{ "", "authority", KIND_TEXT, true, AT(authority), 1, 64, 0 },
	{ "", "portal", KIND_ORIGIN, false, AT(portal), 0, 0, 0 },
	{ "", "hotline", KIND_TEXT, true, AT(hotline), 1, 64, 0 },
	{ "", "languages", KIND_LANGUAGES, true, AT(language), 0, 0, 0 },
	{ "", "request_valid_s", KIND_SECONDS, false, AT(request_valid_s), 60, 30 * DAY, 7 * DAY },
	{ "", "approval_valid_s", KIND_SECONDS, false, AT(approval_valid_s), 60, 30 * DAY, 7 * DAY },
	{ "", "code_valid_s", KIND_SECONDS, false, AT(code_valid_s), 900, 259200, DAY },
	{ "", "unknown_after_s", KIND_SECONDS, false, AT(unknown_after_s), 60, 30 * DAY, 3600 },
	{ "", "failed_after_s", KIND_SECONDS, false, AT(failed_after_s), 3600, 365 * DAY, 30 * DAY },
	{ "", "escrow_log", KIND_PATH, true, AT(escrow_log), 0, 0, 0 },
	{ "", "escrow_log_same_device", KIND_SWITCH, false, AT(escrow_log_same_device), 0, 0, 0 },
	{ "", "second_approver", KIND_SECOND, false, AT(second_approver), 0, 0, 0 },
	{ "", "operator_email", KIND_ADDRESS, false, AT(operator_email), 0, 0, 0 },
	{ "", "approvers_email", KIND_ADDRESS, false, AT(approvers_email), 0, 0, 0 },
	{ "", "announce_every_s", KIND_SECONDS, false, AT(announce_every_s), 900, 7 * DAY, 900 },
	{ "", "alarm_releases", KIND_COUNT, false, AT(alarm_releases), 1, 1000000, 20 },
	{ "", "unidentified_max", KIND_COUNT, false, AT(unidentified_max), 1, 1000000, 1000 },
	{ "", "unidentified_by_address", KIND_COUNT, false, AT(unidentified_by_address), 1, 1000000, 5 },
	{ "listen", "public", KIND_PATH, true, AT(listen.public_socket), 0, 0, 0 },
	{ "listen", "admin", KIND_PATH, true, AT(listen.admin_socket), 0, 0, 0 },
	{ "listen", "group", KIND_TEXT, false, AT(listen.group), 1, 32, 0 },
	{ "listen", "threads", KIND_COUNT, false, AT(listen.threads), 1, 64, 4 },
	{ "vault", "socket", KIND_PATH, true, AT(vault.socket), 0, 0, 0 },
	{ "vault", "public_key", KIND_PATH, true, AT(vault.public_key), 0, 0, 0 },
	{ "vault", "private_key", KIND_PATH, true, AT(vault.private_key), 0, 0, 0 },
	{ "vault", "client", KIND_TEXT, false, AT(vault.client), 1, 32, 0 },
	{ "vault", "rows_per_hour", KIND_COUNT, false, AT(vault.rows_per_hour), 1, 1000000, 200 },
	{ "vault", "compares_per_hour", KIND_COUNT, false, AT(vault.compares_per_hour), 1, 1000000, 1000 },
	{ "smtp", "url", KIND_SMTP_URL, true, AT(smtp.url), 0, 0, 0 },
	{ "smtp", "from", KIND_ADDRESS, true, AT(smtp.from), 0, 0, 0 },
	{ "smtp", "credentials", KIND_PATH, false, AT(smtp.credentials), 0, 0, 0 },
	{ "smtp", "ca", KIND_PATH, false, AT(smtp.ca), 0, 0, 0 },
	{ "smtp", "tls", KIND_TLS, true, AT(smtp.tls), 0, 0, 0 },
};

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

/* ---- where an error stands ---- */

struct reading {
	const char *name; /* of the file */
	const char *text;
	size_t len;
	struct config *config;
	char *where; /* CONFIG_WHERE_SIZE */
};

/* Where "key" begins at or after a place of the text; the text's end where it does not. */
static size_t
place_of(const struct reading *r, size_t from, const char *key)
{
	size_t len = strlen(key);

	for (size_t i = from; i + len + 2 <= r->len; i++)
		if (r->text[i] == '"' && memcmp(r->text + i + 1, key, len) == 0 && r->text[i + 1 + len] == '"')
			return i;
	return r->len;
}

static unsigned
line_of(const struct reading *r, size_t place)
{
	unsigned line = 1;

	for (size_t i = 0; i < place; i++)
		line += r->text[i] == '\n';
	return line;
}

/* Says what is wrong with a key: the line is that of the key, of its section where it is missing, or the first. */
static enum err
refuse(const struct reading *r, const char *section, const char *key, const char *cause)
{
	size_t section_at = section[0] != '\0' ? place_of(r, 0, section) : 0;
	size_t key_at = place_of(r, section_at, key);
	size_t at = key_at < r->len ? key_at : section_at < r->len ? section_at
								   : 0;

	snprintf(r->where, CONFIG_WHERE_SIZE, "%.200s: line %u: key \"%s%s%.64s\": %s", r->name, line_of(r, at), section,
	    section[0] != '\0' ? "." : "", key, cause);
	return ERR_CONFIG_INVALID;
}

/* ---- one value each; NULL or what is wrong with it ---- */

static const char *
read_text(const json_t *value, int64_t min, int64_t max, const char **ret_text)
{
	const char *text = json_string_value(value);
	size_t len = json_string_length(value);

	if (text == NULL)
		return "must be a text";
	if (len < (size_t)min || len > (size_t)max || !text_is_showable(text, len))
		return "too short, too long, or with control characters";
	*ret_text = text;
	return NULL;
}

static const char *
read_path(const json_t *value, const char **ret_path)
{
	const char *path;
	const char *wrong = read_text(value, 2, OS_PATH_MAX - 64, &path);

	if (wrong != NULL)
		return wrong;
	if (path[0] != '/')
		return "must be an absolute path";
	*ret_path = path;
	return NULL;
}

static const char *
read_origin(const json_t *value, const char **ret_origin)
{
	const char *origin;
	const char *wrong = read_text(value, 1, 255, &origin);

	if (wrong != NULL)
		return wrong;
	if (!text_is_origin(origin, strlen(origin)))
		return "must be https://host[:port] in lower case, without a path";
	*ret_origin = origin;
	return NULL;
}

static const char *
read_address(const json_t *value, const char **ret_address)
{
	const char *address;
	const char *wrong = read_text(value, 1, ADDRESS_MAX, &address);

	if (wrong != NULL)
		return wrong;
	if (!address_ok(address, strlen(address)))
		return "must be a mail address";
	*ret_address = address;
	return NULL;
}

static const char *
read_smtp_url(const json_t *value, const char **ret_url)
{
	const char *url;
	const char *wrong = read_text(value, 8, 255, &url);

	if (wrong != NULL)
		return wrong;
	if ((strncmp(url, "smtp://", 7) != 0 && strncmp(url, "smtps://", 8) != 0) || strpbrk(url, " @?#") != NULL)
		return "must be smtp://host[:port] or smtps://host[:port]; user and password stand in \"credentials\"";
	*ret_url = url;
	return NULL;
}

/* The place of the value among the words, their count for none. */
static size_t
word_of(const json_t *value, const char *const *words, size_t count)
{
	const char *word = json_string_value(value);
	size_t i = 0;

	while (i < count && (word == NULL || strcmp(words[i], word) != 0))
		i++;
	return i;
}

static const char *
read_tls(const json_t *value, enum config_tls *ret_tls)
{
	static const char *const words[] = { [CONFIG_TLS_NONE] = "none", [CONFIG_TLS_STARTTLS] = "starttls", [CONFIG_TLS_SMTPS] = "smtps" };
	const size_t at = word_of(value, words, sizeof(words) / sizeof(words[0]));

	if (at == sizeof(words) / sizeof(words[0]))
		return "must be \"starttls\", \"smtps\" or \"none\"";
	*ret_tls = (enum config_tls)at;
	return NULL;
}

static const char *
read_second(const json_t *value, enum config_second *ret_second)
{
	static const char *const words[] = { [CONFIG_SECOND_ADDRESS] = "changed_address", [CONFIG_SECOND_ALWAYS] = "always", [CONFIG_SECOND_NEVER] = "never" };
	const size_t at = word_of(value, words, sizeof(words) / sizeof(words[0]));

	if (at == sizeof(words) / sizeof(words[0]))
		return "must be \"changed_address\", \"always\" or \"never\"";
	*ret_second = (enum config_second)at;
	return NULL;
}

static const char *
read_languages(const json_t *value, const char **ret_first)
{
	size_t count = json_array_size(value);

	if (count < 1 || count > 2)
		return "must be a list of \"vi\" and \"en\"";
	for (size_t i = 0; i < count; i++) {
		const char *word = json_string_value(json_array_get(value, i));
		if (word == NULL || (strcmp(word, "vi") != 0 && strcmp(word, "en") != 0))
			return "must be a list of \"vi\" and \"en\"";
	}
	*ret_first = json_string_value(json_array_get(value, 0));
	return NULL;
}

static const char *
read_number(const json_t *value, const struct row *row, int64_t *ret_number)
{
	int64_t number = json_integer_value(value);

	if (!json_is_integer(value))
		return "must be a whole number";
	if (number < row->min || number > row->max)
		return "is out of its bounds";
	*ret_number = number;
	return NULL;
}

static const char *
read_value(const struct row *row, const json_t *value, void *ret)
{
	const char *wrong = NULL;
	int64_t number = 0;

	switch (row->kind) {
	case KIND_TEXT:
		return read_text(value, row->min, row->max, ret);
	case KIND_PATH:
		return read_path(value, ret);
	case KIND_ORIGIN:
		return read_origin(value, ret);
	case KIND_ADDRESS:
		return read_address(value, ret);
	case KIND_SMTP_URL:
		return read_smtp_url(value, ret);
	case KIND_TLS:
		return read_tls(value, ret);
	case KIND_SECOND:
		return read_second(value, ret);
	case KIND_LANGUAGES:
		return read_languages(value, ret);
	case KIND_SECONDS:
		return read_number(value, row, ret);
	case KIND_COUNT:
		wrong = read_number(value, row, &number);
		if (wrong == NULL)
			*(unsigned *)ret = (unsigned)number;
		return wrong;
	case KIND_SWITCH:
		if (!json_is_boolean(value))
			return "must be true or false";
		*(bool *)ret = json_is_true(value);
		return NULL;
	}
	return "has no reader";
}

static void
set_fallback(const struct row *row, void *ret)
{
	if (row->kind == KIND_SECONDS)
		*(int64_t *)ret = row->fallback;
	if (row->kind == KIND_COUNT)
		*(unsigned *)ret = (unsigned)row->fallback;
}

/* ---- the whole ---- */

static bool
is_section(const char *key)
{
	for (size_t i = 0; i < ROW_COUNT; i++)
		if (rows[i].section[0] != '\0' && strcmp(rows[i].section, key) == 0)
			return true;
	return false;
}

static bool
is_key(const char *section, const char *key)
{
	for (size_t i = 0; i < ROW_COUNT; i++)
		if (strcmp(rows[i].section, section) == 0 && strcmp(rows[i].key, key) == 0)
			return true;
	return section[0] == '\0' && is_section(key);
}

static enum err
refuse_unknown_keys(const struct reading *r, const char *section, json_t *object)
{
	const char *key;
	json_t *value;

	json_object_foreach(object, key, value) if (!is_key(section, key)) return refuse(r, section, key, "is not known");
	return ERR_OK;
}

static enum err
read_rows(const struct reading *r, const char *section, json_t *object)
{
	enum err e = refuse_unknown_keys(r, section, object);

	for (size_t i = 0; e == ERR_OK && i < ROW_COUNT; i++) {
		const struct row *row = &rows[i];
		void *member = (char *)r->config + row->offset;
		const json_t *value = json_object_get(object, row->key);
		const char *wrong = NULL;
		if (strcmp(row->section, section) != 0)
			continue;
		if (value != NULL)
			wrong = read_value(row, value, member);
		else if (row->required)
			wrong = "is missing";
		else
			set_fallback(row, member);
		if (wrong != NULL)
			e = refuse(r, section, row->key, wrong);
	}
	return e;
}

static enum err
read_section(const struct reading *r, json_t *json, const char *section)
{
	json_t *object = json_object_get(json, section);

	if (!json_is_object(object))
		return refuse(r, "", section, object == NULL ? "is missing" : "must be an object");
	return read_rows(r, section, object);
}

static enum err
read_all(const struct reading *r, json_t *json)
{
	enum err e = read_rows(r, "", json);

	if (e == ERR_OK)
		e = read_section(r, json, "listen");
	if (e == ERR_OK)
		e = read_section(r, json, "vault");
	if (e == ERR_OK)
		e = read_section(r, json, "smtp");
	if (e == ERR_OK && (r->config->smtp.tls == CONFIG_TLS_SMTPS) != (strncmp(r->config->smtp.url, "smtps:", 6) == 0))
		e = refuse(r, "smtp", "tls", "does not fit the beginning of \"url\"");
	return e;
}

static enum err
name_database(struct config *c)
{
	size_t size = strlen(c->data) + sizeof("/tms.sqlite");

	c->database = malloc(size);
	if (c->database == NULL)
		return ERR_NO_MEMORY;
	snprintf(c->database, size, "%s/tms.sqlite", c->data);
	return ERR_OK;
}

enum err
config_parse(const void *text, size_t len, const char *name, struct config **ret_config, char *where)
{
	struct holder *h = calloc(1, sizeof(*h));
	struct reading r = { .name = name, .text = text, .len = len, .where = where };
	char cause[160];
	enum err e;

	where[0] = '\0';
	if (h == NULL)
		return ERR_NO_MEMORY;
	r.config = &h->config;
	if (json_load(text, len, &h->json, cause) != ERR_OK) {
		snprintf(where, CONFIG_WHERE_SIZE, "%.200s: %s", name, cause);
		e = ERR_CONFIG_INVALID;
	} else {
		e = read_all(&r, h->json);
	}
	if (e == ERR_OK)
		e = name_database(&h->config);
	if (e != ERR_OK) {
		config_free(&h->config);
		return e;
	}
	*ret_config = &h->config;
	return ERR_OK;
}

enum err
config_load(const char *path, struct config **ret_config, char *where)
{
	struct buf text = buf_new(CONFIG_MAX);
	enum err e = os_read_file(path, &text);

	if (e == ERR_OK) {
		e = config_parse(text.data, text.len, path, ret_config, where);
	} else {
		snprintf(where, CONFIG_WHERE_SIZE, "%.200s: cannot be read or is longer than %u bytes", path, CONFIG_MAX);
		e = ERR_CONFIG_INVALID;
	}
	buf_free(&text);
	return e;
}

void
config_free(struct config *c)
{
	/* the public part is the holder's first member */
	struct holder *h = (struct holder *)(void *)c;

	if (h == NULL)
		return;
	free(h->config.database);
	json_decref(h->json);
	free(h);
}
