/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "json.h"
#include "near.h"
#include "os.h"
#include "place.h"
#include "value.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY ((int64_t)86400)

/* What config_load() gives: the public part first, then what it borrows from. */
struct holder {
	struct config config;
	json_t *json;
	char *anchor; /* audit_anchor where the file does not say it */
};

#define AT(member) offsetof(struct config, member)

/* Words are read as the index of theirs. */
static_assert(sizeof(enum config_tls) == sizeof(unsigned) && sizeof(enum config_second) == sizeof(unsigned) && sizeof(enum config_unknown) == sizeof(unsigned) && sizeof(enum config_log_format) == sizeof(unsigned) && sizeof(enum config_log_level) == sizeof(unsigned), "an enum is no unsigned");

static const char *const tls_words[] = { [CONFIG_TLS_NONE] = "none", [CONFIG_TLS_STARTTLS] = "starttls", [CONFIG_TLS_SMTPS] = "smtps", NULL };
static const char *const second_words[] = { [CONFIG_SECOND_ADDRESS] = "changed_address", [CONFIG_SECOND_ALWAYS] = "always", [CONFIG_SECOND_NEVER] = "never", NULL };
static const char *const unknown_words[] = { [CONFIG_UNKNOWN_REFUSE] = "refuse", [CONFIG_UNKNOWN_WARN] = "warn", NULL };
static const char *const format_words[] = { [CONFIG_LOG_TEXT] = "text", [CONFIG_LOG_JSON] = "json", NULL };
static const char *const level_words[] = { [CONFIG_LOG_ERROR] = "error", [CONFIG_LOG_INFO] = "info", [CONFIG_LOG_DEBUG] = "debug", NULL };

/* "vault.hsm" stands within "vault"; where it is not there, none of its keys is missing. */
static const struct section {
	const char *name;
	bool required;
} sections[] = { { "listen", true }, { "vault", true }, { "vault.hsm", false }, { "smtp", true }, { "mail", false }, { "log", false }, { "limits", false }, { "revocation", false } };

#define SECTION_MAX   32 /* of a name, with its NUL */
#define SECTION_COUNT (sizeof(sections) / sizeof(sections[0]))

static const struct value_row rows[] = {
	{ "", "data", VALUE_PATH, true, .offset = AT(data), .fixed = true },
	{ "", "database", VALUE_DATABASE, false, .offset = AT(postgresql), .fixed = true },
	{ "", "signing_key", VALUE_PATH, true, .offset = AT(signing_key), .fixed = true },
	{ "", "issuers", VALUE_PATH, true, .offset = AT(issuers) },
	{ "", "admin_ca", VALUE_PATH, true, .offset = AT(admin_ca) },
	{ "", "console_origin", VALUE_ORIGIN, true, .offset = AT(console_origin) },
	{ "", "authority", VALUE_TEXT, true, .offset = AT(authority), .min = 1, .max = 64 },
	{ "", "portal", VALUE_ORIGIN, false, .offset = AT(portal) },
	{ "", "hotline", VALUE_TEXT, true, .offset = AT(hotline), .min = 1, .max = 64 },
	{ "", "languages", VALUE_LANGUAGES, true, .offset = AT(language) },
	{ "", "request_valid_s", VALUE_SECONDS, false, .offset = AT(request_valid_s), .min = 60, .max = 30 * DAY, .fallback = 7 * DAY },
	{ "", "approval_valid_s", VALUE_SECONDS, false, .offset = AT(approval_valid_s), .min = 60, .max = 30 * DAY, .fallback = 7 * DAY },
	{ "", "code_valid_s", VALUE_SECONDS, false, .offset = AT(code_valid_s), .min = 900, .max = 259200, .fallback = DAY },
	{ "", "unknown_after_s", VALUE_SECONDS, false, .offset = AT(unknown_after_s), .min = 60, .max = 30 * DAY, .fallback = 3600 },
	{ "", "failed_after_s", VALUE_SECONDS, false, .offset = AT(failed_after_s), .min = 3600, .max = 365 * DAY, .fallback = 30 * DAY },
	{ "", "escrow_log", VALUE_PATH, true, .offset = AT(escrow_log), .fixed = true },
	{ "", "escrow_log_same_device", VALUE_SWITCH, false, .offset = AT(escrow_log_same_device), .fixed = true },
	{ "", "second_approver", VALUE_WORD, false, .offset = AT(second_approver), .fallback = CONFIG_SECOND_ADDRESS, .words = second_words },
	{ "", "audit_anchor", VALUE_PATH, false, .offset = AT(audit_anchor), .fixed = true },
	{ "", "anchor_minutes", VALUE_COUNT, false, .offset = AT(anchor_minutes), .min = 1, .max = 1440, .fallback = 5 },
	{ "", "erase_after_months", VALUE_COUNT, false, .offset = AT(erase_after_months), .min = 0, .max = 1200, .fallback = 0 },
	{ "", "operator_email", VALUE_ADDRESS, false, .offset = AT(operator_email) },
	{ "", "approvers_email", VALUE_ADDRESS, false, .offset = AT(approvers_email) },
	{ "", "announce_every_s", VALUE_SECONDS, false, .offset = AT(announce_every_s), .min = 900, .max = 7 * DAY, .fallback = 900 },
	{ "", "alarm_releases", VALUE_COUNT, false, .offset = AT(alarm_releases), .min = 1, .max = 1000000, .fallback = 20 },
	{ "", "backups", VALUE_PATH, false, .offset = AT(backups) },
	{ "", "unidentified_max", VALUE_COUNT, false, .offset = AT(unidentified_max), .min = 1, .max = 1000000, .fallback = 1000 },
	{ "", "unidentified_by_address", VALUE_COUNT, false, .offset = AT(unidentified_by_address), .min = 1, .max = 1000000, .fallback = 5 },
	{ "", "tls_certificate", VALUE_PATH, false, .offset = AT(tls_certificate) },
	{ "listen", "public", VALUE_PATH, true, .offset = AT(listen.public_socket), .fixed = true },
	{ "listen", "admin", VALUE_PATH, true, .offset = AT(listen.admin_socket), .fixed = true },
	{ "listen", "group", VALUE_TEXT, false, .offset = AT(listen.group), .min = 1, .max = 32, .fixed = true },
	{ "listen", "threads", VALUE_COUNT, false, .offset = AT(listen.threads), .min = 1, .max = 64, .fallback = 4, .fixed = true },
	{ "listen", "metrics", VALUE_DOOR, false, .offset = AT(listen.metrics), .fixed = true },
	{ "vault", "socket", VALUE_PATH, true, .offset = AT(vault.socket), .fixed = true },
	{ "vault", "public_key", VALUE_PATH, true, .offset = AT(vault.public_key), .fixed = true },
	{ "vault", "private_key", VALUE_PATH, true, .offset = AT(vault.private_key), .fixed = true },
	{ "vault", "client", VALUE_TEXT, false, .offset = AT(vault.client), .min = 1, .max = 32, .fixed = true },
	{ "vault", "rows_per_hour", VALUE_COUNT, false, .offset = AT(vault.rows_per_hour), .min = 1, .max = 1000000, .fallback = 200, .fixed = true },
	{ "vault", "compares_per_hour", VALUE_COUNT, false, .offset = AT(vault.compares_per_hour), .min = 1, .max = 1000000, .fallback = 1000, .fixed = true },
	{ "vault.hsm", "module", VALUE_PATH, true, .offset = AT(vault.hsm.module), .fixed = true },
	{ "vault.hsm", "token", VALUE_TEXT, true, .offset = AT(vault.hsm.token), .min = 1, .max = 32, .fixed = true },
	{ "vault.hsm", "serial", VALUE_TEXT, true, .offset = AT(vault.hsm.serial), .min = 1, .max = 16, .fixed = true },
	{ "vault.hsm", "key", VALUE_TEXT, false, .offset = AT(vault.hsm.key), .min = 1, .max = 64, .fixed = true },
	{ "vault.hsm", "pin_file", VALUE_PATH, false, .offset = AT(vault.hsm.pin_file), .fixed = true },
	{ "vault.hsm", "pin_credential", VALUE_TEXT, false, .offset = AT(vault.hsm.pin_credential), .min = 1, .max = 64, .fixed = true },
	{ "smtp", "url", VALUE_SMTP_URL, true, .offset = AT(smtp.url) },
	{ "smtp", "from", VALUE_ADDRESS, true, .offset = AT(smtp.from) },
	{ "smtp", "credentials", VALUE_PATH, false, .offset = AT(smtp.credentials) },
	{ "smtp", "ca", VALUE_PATH, false, .offset = AT(smtp.ca) },
	{ "smtp", "tls", VALUE_WORD, true, .offset = AT(smtp.tls), .words = tls_words },
	{ "mail", "templates", VALUE_PATH, false, .offset = AT(mail.templates) },
	{ "mail", "bounce_domain", VALUE_DOMAIN, false, .offset = AT(mail.bounce_domain) },
	{ "mail", "bounce_key", VALUE_PATH, false, .offset = AT(mail.bounce_key) },
	{ "log", "format", VALUE_WORD, false, .offset = AT(log.format), .fallback = CONFIG_LOG_TEXT, .words = format_words },
	{ "log", "level", VALUE_WORD, false, .offset = AT(log.level), .fallback = CONFIG_LOG_INFO, .words = level_words },
	{ "revocation", "crl", VALUE_PATH, false, .offset = AT(revocation.crl) },
	{ "revocation", "unknown", VALUE_WORD, false, .offset = AT(revocation.unknown), .fallback = CONFIG_UNKNOWN_REFUSE, .words = unknown_words },
	{ "revocation", "ocsp", VALUE_SWITCH, false, .offset = AT(revocation.ocsp) },
	{ "revocation", "ocsp_url", VALUE_HTTP_URL, false, .offset = AT(revocation.ocsp_url) },
	{ "revocation", "ocsp_deadline_ms", VALUE_COUNT, false, .offset = AT(revocation.ocsp_deadline_ms), .min = 100, .max = 10000, .fallback = 3000 },
	{ "limits", "address_per_minute", VALUE_COUNT, false, .offset = AT(limits.address_per_minute), .min = 1, .max = 1000000, .fallback = 1200 },
	{ "limits", "person_per_minute", VALUE_COUNT, false, .offset = AT(limits.person_per_minute), .min = 1, .max = 1000000, .fallback = 1200 },
};

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

/* ---- the name of a section ---- */

/* The name of what a section stands within, "" for the top; and its own name there. */
static void
split(const char *name, char ret_outer[SECTION_MAX], const char **ret_inner)
{
	const char *dot = strchr(name, '.');

	snprintf(ret_outer, SECTION_MAX, "%.*s", dot != NULL ? (int)(dot - name) : 0, name);
	*ret_inner = dot != NULL ? dot + 1 : name;
}

/* ---- where an error stands ---- */

struct reading {
	const char *name; /* of the file */
	const char *text;
	size_t len;
	struct config *config;
	char *where; /* CONFIG_WHERE_SIZE */
};

/* Which of the places that a key has is meant; a key that is missing has that of what should hold it. */
enum part {
	PART_KEY,
	PART_VALUE
};

static struct place
place_of(const struct reading *r, const char *section, const char *key, enum part part)
{
	size_t object = place_begin(r->text, r->len);
	struct place_member member;
	char outer[SECTION_MAX];
	const char *inner;

	split(section, outer, &inner);
	if (outer[0] != '\0' && place_find(r->text, r->len, object, outer, &member))
		object = member.value;
	if (inner[0] != '\0' && place_find(r->text, r->len, object, inner, &member))
		object = member.value;
	if (place_find(r->text, r->len, object, key, &member))
		return place_at(r->text, r->len, part == PART_KEY ? member.key : member.value);
	return place_at(r->text, r->len, object);
}

static enum err
refuse(const struct reading *r, const char *section, const char *key, enum part part, const char *cause)
{
	struct place place = place_of(r, section, key, part);

	snprintf(r->where, CONFIG_WHERE_SIZE, "%.160s: line %u, column %u: key \"%s%s%.64s\": %.192s", r->name, place.line, place.column, section,
	    section[0] != '\0' ? "." : "", key, cause);
	return ERR_CONFIG_INVALID;
}

/* ---- names ---- */

/* A section that stands within the one, "" for the top. */
static bool
is_section(const char *within, const char *key)
{
	char outer[SECTION_MAX];
	const char *inner;

	for (size_t i = 0; i < SECTION_COUNT; i++) {
		split(sections[i].name, outer, &inner);
		if (strcmp(outer, within) == 0 && strcmp(inner, key) == 0)
			return true;
	}
	return false;
}

static bool
is_known(const char *section, const char *key)
{
	for (size_t i = 0; i < ROW_COUNT; i++)
		if (strcmp(rows[i].section, section) == 0 && strcmp(rows[i].key, key) == 0)
			return true;
	return is_section(section, key);
}

/* The known name of that section that is nearest to a word, or NULL where none is near. */
static const char *
nearest(const char *section, const char *word)
{
	const char *best = NULL;
	char outer[SECTION_MAX];

	for (size_t i = 0; i < ROW_COUNT + SECTION_COUNT; i++) {
		const char *known = i < ROW_COUNT ? rows[i].key : NULL;
		bool here;
		if (i >= ROW_COUNT)
			split(sections[i - ROW_COUNT].name, outer, &known);
		here = strcmp(i < ROW_COUNT ? rows[i].section : outer, section) == 0;
		if (here && near_may_mean(word, known) && (best == NULL || near_distance(word, known) < near_distance(word, best)))
			best = known;
	}
	return best;
}

/* The section in which a key of that very name belongs, or NULL. */
static const char *
home_of(const char *key)
{
	for (size_t i = 0; i < ROW_COUNT; i++)
		if (strcmp(rows[i].key, key) == 0)
			return rows[i].section;
	return NULL;
}

static enum err
refuse_unknown(const struct reading *r, const char *section, const char *key)
{
	const char *near = nearest(section, key);
	const char *home = home_of(key);
	char cause[192];

	if (home != NULL)
		snprintf(cause, sizeof(cause), "is not known here; it belongs %s%s%s", home[0] != '\0' ? "into \"" : "to the top", home, home[0] != '\0' ? "\"" : "");
	else if (near != NULL)
		snprintf(cause, sizeof(cause), "is not known; did you mean \"%s\"?", near);
	else
		snprintf(cause, sizeof(cause), "is not known");
	return refuse(r, section, key, PART_KEY, cause);
}

/* ---- the whole ---- */

static enum err
refuse_unknown_keys(const struct reading *r, const char *section, json_t *object)
{
	const char *key;
	json_t *value;

	json_object_foreach(object, key, value) if (!is_known(section, key)) return refuse_unknown(r, section, key);
	return ERR_OK;
}

static enum err
refuse_value(const struct reading *r, const struct value_row *row, const char *is)
{
	char expected[VALUE_EXPECTED_SIZE];
	char cause[VALUE_EXPECTED_SIZE + 32];

	value_expected(row, expected);
	snprintf(cause, sizeof(cause), "%smust be %s", is, expected);
	return refuse(r, row->section, row->key, PART_VALUE, cause);
}

static enum err
read_row(const struct reading *r, const struct value_row *row, const json_t *value)
{
	void *member = (char *)r->config + row->offset;

	if (value == NULL && row->required)
		return refuse_value(r, row, "is missing; it ");
	if (value == NULL)
		value_set_fallback(row, member);
	else if (!value_read(row, value, member))
		return refuse_value(r, row, "");
	return ERR_OK;
}

/* The object may be NULL: nothing is said in it. */
static enum err
read_rows(const struct reading *r, const char *section, json_t *object)
{
	enum err e = refuse_unknown_keys(r, section, object);

	for (size_t i = 0; e == ERR_OK && i < ROW_COUNT; i++)
		if (strcmp(rows[i].section, section) == 0)
			e = read_row(r, &rows[i], json_object_get(object, rows[i].key));
	return e;
}

static enum err
read_section(const struct reading *r, json_t *json, const struct section *section)
{
	char outer[SECTION_MAX];
	const char *inner;
	json_t *object;

	split(section->name, outer, &inner);
	object = json_object_get(outer[0] != '\0' ? json_object_get(json, outer) : json, inner);
	if (object == NULL && section->required)
		return refuse(r, outer, inner, PART_VALUE, "is missing; it must be an object");
	if (object != NULL && !json_is_object(object))
		return refuse(r, outer, inner, PART_VALUE, "must be an object");
	if (object == NULL && outer[0] != '\0')
		return ERR_OK;
	return read_rows(r, section->name, object);
}

static enum err
check_hsm(const struct reading *r)
{
	struct config_hsm *hsm = &r->config->vault.hsm;

	if (hsm->module == NULL)
		return ERR_OK;
	if ((hsm->pin_file == NULL) == (hsm->pin_credential == NULL))
		return refuse(r, "vault.hsm", "pin_file", PART_VALUE, "one of \"pin_file\" and \"pin_credential\" must say where the PIN is");
	if (hsm->pin_credential != NULL && (hsm->pin_credential[0] == '.' || strchr(hsm->pin_credential, '/') != NULL))
		return refuse(r, "vault.hsm", "pin_credential", PART_VALUE, "must be a name, without a path");
	if (hsm->key == NULL)
		hsm->key = "mokhoa-vault";
	return ERR_OK;
}

/* What one key says of another. */
static enum err
check_pairs(const struct reading *r)
{
	const struct config *c = r->config;
	enum err e = check_hsm(r);

	if (e != ERR_OK)
		return e;
	if ((c->smtp.tls == CONFIG_TLS_SMTPS) != (strncmp(c->smtp.url, "smtps:", 6) == 0))
		return refuse(r, "smtp", "tls", PART_VALUE, "does not fit the beginning of \"url\"");
	if (c->smtp.tls == CONFIG_TLS_NONE && !value_is_smtp_here(c->smtp.url))
		return refuse(r, "smtp", "tls", PART_VALUE, "may be \"none\" for a mail server on this machine alone (localhost or a loopback address)");
	if ((c->mail.bounce_domain == NULL) != (c->mail.bounce_key == NULL))
		return refuse(r, "mail", c->mail.bounce_key == NULL ? "bounce_domain" : "bounce_key", PART_KEY, "\"bounce_domain\" and \"bounce_key\" are given together");
	return ERR_OK;
}

static enum err
read_all(const struct reading *r, json_t *json)
{
	enum err e = read_rows(r, "", json);

	for (size_t i = 0; e == ERR_OK && i < SECTION_COUNT; i++)
		e = read_section(r, json, &sections[i]);
	return e == ERR_OK ? check_pairs(r) : e;
}

/* A text that is no JSON, or not that of an object. */
static enum err
refuse_text(const struct reading *r, enum err e, const char *cause)
{
	struct place place = place_at(r->text, r->len, place_begin(r->text, r->len));

	if (e == ERR_INVALID_REQUEST)
		snprintf(r->where, CONFIG_WHERE_SIZE, "%.200s: line %u, column %u: must be an object: { \"key\": value, ... }", r->name, place.line, place.column);
	else
		snprintf(r->where, CONFIG_WHERE_SIZE, "%.200s: %s", r->name, cause);
	return ERR_CONFIG_INVALID;
}

static enum err
name_database(struct config *c)
{
	const char *beside = c->postgresql != NULL ? c->postgresql : c->data;
	size_t size = strlen(beside) + sizeof("/tms.sqlite");

	c->database = malloc(size);
	if (c->database == NULL)
		return ERR_NO_MEMORY;
	snprintf(c->database, size, "%s%s", beside, c->postgresql != NULL ? "" : "/tms.sqlite");
	return ERR_OK;
}

/* On the device of the escrow log, which is another one than the data's. */
static enum err
name_anchor(struct holder *h)
{
	const char *log = h->config.escrow_log;
	size_t folder = (size_t)(strrchr(log, '/') + 1 - log);
	size_t size = folder + sizeof("audit-anchor.log");

	if (h->config.audit_anchor != NULL)
		return ERR_OK;
	h->anchor = malloc(size);
	if (h->anchor == NULL)
		return ERR_NO_MEMORY;
	snprintf(h->anchor, size, "%.*saudit-anchor.log", (int)folder, log);
	h->config.audit_anchor = h->anchor;
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
	e = json_load(text, len, &h->json, cause);
	if (e == ERR_OK)
		e = read_all(&r, h->json);
	else
		e = refuse_text(&r, e, cause);
	if (e == ERR_OK)
		e = name_database(&h->config);
	if (e == ERR_OK)
		e = name_anchor(h);
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
	free(h->anchor);
	json_decref(h->json);
	free(h);
}

bool
config_names_fixed(const struct config *a, const struct config *b, void (*each)(const char *section, const char *key, void *context), void *context)
{
	bool found = false;

	for (size_t i = 0; i < ROW_COUNT; i++)
		if (rows[i].fixed && !value_equal(&rows[i], (const char *)a + rows[i].offset, (const char *)b + rows[i].offset)) {
			each(rows[i].section, rows[i].key, context);
			found = true;
		}
	return found;
}
