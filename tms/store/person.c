/* SPDX-License-Identifier: Apache-2.0 */
/* The people at the desk: who a certificate stands for, and what it may do. */
#include "query.h"

#include <string.h>

static const char *const roles[STORE_ROLE_COUNT] = {
	[STORE_APPROVER] = "approver",
	[STORE_OPERATOR] = "operator",
	[STORE_AUDITOR] = "auditor",
	[STORE_NONE] = "none",
};

const char *
store_role_name(enum store_role role)
{
	return role >= 0 && role < STORE_ROLE_COUNT ? roles[role] : "";
}

enum store_role
store_role_from_name(const char *name)
{
	int role = 0;

	while (role < STORE_ROLE_COUNT && strcmp(roles[role], name) != 0)
		role++;
	return (enum store_role)role;
}

enum err
store_person_put(struct store *s, const struct store_person *p, int64_t *ret_id)
{
	struct query q = query_new(s,
	    "INSERT INTO person (fingerprint, name, role, created) VALUES (?, ?, ?, ?)"
	    " ON CONFLICT (fingerprint) DO UPDATE SET name = excluded.name, role = excluded.role RETURNING id");
	int64_t id = 0;
	enum err e;

	query_bytes(&q, p->fingerprint, sizeof(p->fingerprint));
	query_text(&q, p->name);
	query_text(&q, store_role_name(p->role));
	query_int(&q, p->created);
	while (query_row(&q))
		id = query_get_int(&q);
	e = query_end(&q);
	if (e == ERR_OK)
		*ret_id = id;
	return e;
}

static void
read_person(struct query *q, struct store_person *ret)
{
	char role[16];

	ret->id = query_get_int(q);
	query_get_bytes(q, ret->fingerprint, sizeof(ret->fingerprint));
	query_get_text(q, ret->name, sizeof(ret->name));
	query_get_text(q, role, sizeof(role));
	ret->role = store_role_from_name(role);
	ret->created = query_get_int(q);
}

static enum err
one_person(struct query *q, struct store_person *ret)
{
	bool found = query_row(q);

	if (found)
		read_person(q, ret);
	return query_found(q, found, ERR_ADMIN_UNKNOWN);
}

enum err
store_person_by_fingerprint(struct store *s, const unsigned char fingerprint[KEY_HASH_LEN], struct store_person *ret)
{
	struct query q = query_new(s, "SELECT id, fingerprint, name, role, created FROM person WHERE fingerprint = ?");

	query_bytes(&q, fingerprint, KEY_HASH_LEN);
	return one_person(&q, ret);
}

enum err
store_person_by_id(struct store *s, int64_t id, struct store_person *ret)
{
	struct query q = query_new(s, "SELECT id, fingerprint, name, role, created FROM person WHERE id = ?");

	query_int(&q, id);
	return one_person(&q, ret);
}

enum err
store_person_list(struct store *s, void (*each)(const struct store_person *p, void *context), void *context)
{
	struct query q = query_new(s, "SELECT id, fingerprint, name, role, created FROM person ORDER BY id");
	struct store_person p;

	while (query_row(&q)) {
		read_person(&q, &p);
		if (q.code == SQLITE_OK)
			each(&p, context);
	}
	return query_end(&q);
}
