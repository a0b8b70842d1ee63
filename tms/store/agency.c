/* SPDX-License-Identifier: Apache-2.0 */
/* Agencies: which pages may show ours in a frame, and whose customers they bring. */
#include "query.h"

#include <stdio.h>
#include <string.h>

#define LETTERS "abcdefghijklmnopqrstuvwxyz0123456789-"

bool
store_agency_id_ok(const char *id)
{
	size_t len = strlen(id);

	return len >= 1 && len < STORE_AGENCY_SIZE && id[0] != '-' && id[strspn(id, LETTERS)] == '\0';
}

/* One label of a name in the DNS (RFC 1035, 2.3.1; a digit may come first: RFC 1123, 2.1). */
static bool
label_ok(const char *text, size_t len)
{
	return len >= 1 && len <= 63 && text[0] != '-' && text[len - 1] != '-' && strspn(text, LETTERS) >= len;
}

bool
store_domain_ok(const char *domain)
{
	unsigned labels = 0;
	size_t len;

	if (strlen(domain) >= STORE_DOMAIN_SIZE)
		return false;
	for (const char *at = domain;; at += len + 1) {
		len = strcspn(at, ".");
		if (!label_ok(at, len))
			return false;
		labels++;
		if (at[len] == '\0')
			return labels >= 2;
	}
}

/* ---- finding ---- */

#define SELECT "SELECT id, name, origins, second_approver, created FROM agency "

static void
get_agency(struct query *q, struct store_agency *ret)
{
	query_get_text(q, ret->id, sizeof(ret->id));
	query_get_text(q, ret->name, sizeof(ret->name));
	query_get_text(q, ret->origins, sizeof(ret->origins));
	ret->second_approver = query_get_int(q) != 0;
	ret->created = query_get_int(q);
}

static enum err
read_domains(struct store *s, struct store_agency *ret)
{
	struct query q = query_new(s, "SELECT domain FROM agency_domain WHERE agency = ? ORDER BY domain");
	char domain[STORE_DOMAIN_SIZE];
	size_t len = 0;

	ret->domains[0] = '\0';
	query_text(&q, ret->id);
	while (query_row(&q)) {
		query_get_text(&q, domain, sizeof(domain));
		if (len < sizeof(ret->domains))
			len += (size_t)snprintf(ret->domains + len, sizeof(ret->domains) - len, "%s%s", len != 0 ? " " : "", domain);
	}
	return query_end(&q);
}

enum err
store_agency_by_id(struct store *s, const char *id, struct store_agency *ret)
{
	struct query q = query_new(s, SELECT "WHERE id = ?");
	bool found;
	enum err e;

	query_text(&q, id);
	found = query_row(&q);
	if (found)
		get_agency(&q, ret);
	e = query_found(&q, found, ERR_AGENCY_UNKNOWN);
	return e == ERR_OK ? read_domains(s, ret) : e;
}

enum err
store_agency_list(struct store *s, void (*each)(const struct store_agency *a, void *context), void *context)
{
	struct query q = query_new(s, SELECT "ORDER BY id");
	struct store_agency a;
	enum err e = ERR_OK;
	enum err ended;

	while (e == ERR_OK && query_row(&q)) {
		get_agency(&q, &a);
		/* a column that could not be read is told by query_end() */
		if (query_good(&q))
			e = read_domains(s, &a);
		if (query_good(&q) && e == ERR_OK)
			each(&a, context);
	}
	ended = query_end(&q);
	return e != ERR_OK ? e : ended;
}

enum err
store_agency_of_email(struct store *s, const char *email, char ret_id[STORE_AGENCY_SIZE])
{
	struct query q = query_new(s, "SELECT agency FROM agency_domain WHERE domain = ?");
	const char *at = strrchr(email, '@');
	char domain[STORE_EMAIL_SIZE] = "";

	for (size_t i = 0; at != NULL && at[1 + i] != '\0' && i + 1 < sizeof(domain); i++)
		domain[i] = at[1 + i] >= 'A' && at[1 + i] <= 'Z' ? (char)(at[1 + i] - 'A' + 'a') : at[1 + i];
	ret_id[0] = '\0';
	query_text(&q, domain);
	if (query_row(&q))
		query_get_text(&q, ret_id, STORE_AGENCY_SIZE);
	return query_end(&q);
}

/* ---- changing ---- */

static enum err
drop_domains(struct store *s, const char *id)
{
	struct query q = query_new(s, "DELETE FROM agency_domain WHERE agency = ?");

	query_text(&q, id);
	return query_run(&q, NULL);
}

static enum err
add_domain(struct store *s, const char *id, const char *domain)
{
	struct query q = query_new(s, "INSERT INTO agency_domain (domain, agency) VALUES (?, ?) ON CONFLICT DO NOTHING");
	int changed = 0;
	enum err e;

	query_text(&q, domain);
	query_text(&q, id);
	e = query_run(&q, &changed);
	return e == ERR_OK && changed == 0 ? ERR_AGENCY_DOMAIN : e;
}

static enum err
put_domains(struct store *s, const struct store_agency *a)
{
	char domain[STORE_DOMAIN_SIZE];
	enum err e = drop_domains(s, a->id);

	for (const char *at = a->domains; e == ERR_OK && *at != '\0';) {
		size_t len = strcspn(at, " ");
		snprintf(domain, sizeof(domain), "%.*s", (int)len, at);
		e = add_domain(s, a->id, domain);
		at += len + strspn(at + len, " ");
	}
	return e;
}

enum err
store_agency_put(struct store *s, const struct store_agency *a, bool replace)
{
	struct query q = query_new(s,
	    "INSERT INTO agency (id, name, origins, second_approver, created) VALUES (?, ?, ?, ?, ?)"
	    " ON CONFLICT (id) DO UPDATE SET name = excluded.name, origins = excluded.origins, second_approver = excluded.second_approver WHERE ? <> 0");
	int changed = 0;
	enum err e;

	query_text(&q, a->id);
	query_text(&q, a->name);
	query_text(&q, a->origins);
	query_int(&q, a->second_approver);
	query_int(&q, a->created);
	query_int(&q, replace);
	e = query_run(&q, &changed);
	if (e == ERR_OK && changed == 0)
		e = ERR_AGENCY_EXISTS;
	return e == ERR_OK ? put_domains(s, a) : e;
}

enum err
store_agency_customers(struct store *s, const char *id, int64_t *ret_count)
{
	struct query q = query_new(s, "SELECT count(*) FROM token WHERE agency = ? AND agency <> ''");

	query_text(&q, id);
	return query_number(&q, ret_count);
}

static enum err
check_unused(struct store *s, const char *id)
{
	struct query q = query_new(s, "SELECT count(*) FROM person WHERE agency = ? AND role <> 'none'");
	int64_t count = 0;
	enum err e;

	query_text(&q, id);
	e = query_number(&q, &count);
	return e == ERR_OK && count != 0 ? ERR_AGENCY_IN_USE : e;
}

static enum err
set_free(struct query q, const char *id)
{
	query_text(&q, id);
	return query_run(&q, NULL);
}

enum err
store_agency_remove(struct store *s, const char *id)
{
	struct store_agency a;
	enum err e = store_agency_by_id(s, id, &a);

	if (e == ERR_OK)
		e = check_unused(s, id);
	if (e == ERR_OK)
		e = drop_domains(s, id);
	if (e == ERR_OK)
		e = set_free(query_new(s, "UPDATE request SET agency = '' WHERE agency = ? AND agency <> ''"), id);
	if (e == ERR_OK)
		e = set_free(query_new(s, "UPDATE token SET agency = '' WHERE agency = ? AND agency <> ''"), id);
	return e == ERR_OK ? set_free(query_new(s, "DELETE FROM agency WHERE id = ?"), id) : e;
}
