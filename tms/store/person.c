/* SPDX-License-Identifier: Apache-2.0 */
/* The people at the desk: who a certificate stands for, and what it may do. */
#include "query.h"

#include "text.h"

static const char *const roles[STORE_ROLE_COUNT] = {
	[STORE_VIEWER] = "viewer",
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
	return (enum store_role)text_place(roles, STORE_ROLE_COUNT, name);
}

bool
store_role_of_agency(enum store_role role)
{
	return role == STORE_VIEWER || role == STORE_APPROVER || role == STORE_NONE;
}

/* ---- finding ---- */

/* In the order in which read_person() reads; of the certificate it was found by, or without one. */
#define REST   "person.name, person.role, person.agency, person.created FROM person "
#define SELECT "SELECT person.id, person.fingerprint, 0, " REST
#define SELECT_WITH_CERTIFICATE \
	"SELECT person.id, c.fingerprint, c.not_after, " REST "JOIN person_certificate AS c ON c.person = person.id WHERE c.fingerprint = ?"

/* A word that this program does not know is the role that may do nothing. */
static void
read_person(struct query *q, struct store_person *ret)
{
	char role[16];

	ret->id = query_get_int(q);
	query_get_bytes(q, ret->fingerprint, sizeof(ret->fingerprint));
	ret->not_after = query_get_int(q);
	query_get_text(q, ret->name, sizeof(ret->name));
	query_get_text(q, role, sizeof(role));
	ret->role = store_role_from_name(role);
	if (ret->role == STORE_ROLE_COUNT)
		ret->role = STORE_NONE;
	query_get_text(q, ret->agency, sizeof(ret->agency));
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
	struct query q = query_new(s, SELECT_WITH_CERTIFICATE " AND c.retired = 0");

	query_bytes(&q, fingerprint, KEY_HASH_LEN);
	return one_person(&q, ret);
}

enum err
store_person_of_certificate(struct store *s, const unsigned char fingerprint[KEY_HASH_LEN], struct store_person *ret)
{
	struct query q = query_new(s, SELECT_WITH_CERTIFICATE);

	query_bytes(&q, fingerprint, KEY_HASH_LEN);
	return one_person(&q, ret);
}

enum err
store_person_by_id(struct store *s, int64_t id, struct store_person *ret)
{
	struct query q = query_new(s, SELECT "WHERE person.id = ?");

	query_int(&q, id);
	return one_person(&q, ret);
}

/* Of a database from before names were one person each: whoever is at the desk, else the newest. */
enum err
store_person_by_name(struct store *s, const char *name, struct store_person *ret)
{
	struct query q = query_new(s, SELECT "WHERE person.name = ? ORDER BY CASE person.role WHEN 'none' THEN 1 ELSE 0 END, person.id DESC LIMIT 1");

	query_text(&q, name);
	return one_person(&q, ret);
}

enum err
store_person_list(struct store *s, void (*each)(const struct store_person *p, void *context), void *context)
{
	struct query q = query_new(s, SELECT "ORDER BY person.id");
	struct store_person p;

	while (query_row(&q)) {
		read_person(&q, &p);
		if (query_good(&q))
			each(&p, context);
	}
	return query_end(&q);
}

enum err
store_person_count_others(struct store *s, int64_t person, enum store_role role, int64_t now, int64_t *ret_count)
{
	struct query q = query_new(s,
	    "SELECT count(*) FROM person WHERE id <> ? AND role = ? AND agency = ''"
	    " AND EXISTS (SELECT 1 FROM person_certificate WHERE person_certificate.person = person.id AND retired = 0 AND (not_after = 0 OR not_after > ?))");

	query_int(&q, person);
	query_text(&q, store_role_name(role));
	query_int(&q, now);
	return query_number(&q, ret_count);
}

/* ---- certificates ---- */

enum err
store_certificate_list(struct store *s, int64_t person, void (*each)(const struct store_certificate *c, void *context), void *context)
{
	struct query q = query_new(s, "SELECT fingerprint, person, not_after, created, retired FROM person_certificate WHERE person = ? ORDER BY created DESC, fingerprint");
	struct store_certificate c;

	query_int(&q, person);
	while (query_row(&q)) {
		query_get_bytes(&q, c.fingerprint, sizeof(c.fingerprint));
		c.person = query_get_int(&q);
		c.not_after = query_get_int(&q);
		c.created = query_get_int(&q);
		c.retired = query_get_int(&q);
		if (query_good(&q))
			each(&c, context);
	}
	return query_end(&q);
}

enum err
store_certificate_retire(struct store *s, int64_t person, const unsigned char fingerprint[KEY_HASH_LEN], int64_t now)
{
	struct query q = query_new(s, "UPDATE person_certificate SET retired = ? WHERE person = ? AND fingerprint = ? AND retired = 0");
	int changed = 0;
	enum err e;

	query_int(&q, now);
	query_int(&q, person);
	query_bytes(&q, fingerprint, KEY_HASH_LEN);
	e = query_run(&q, &changed);
	return e == ERR_OK && changed != 1 ? ERR_ADMIN_UNKNOWN : e;
}

static enum err
retire_all(struct store *s, int64_t person, int64_t now)
{
	struct query q = query_new(s, "UPDATE person_certificate SET retired = ? WHERE person = ? AND retired = 0");

	query_int(&q, now);
	query_int(&q, person);
	return query_run(&q, NULL);
}

/* One that was retired opens the desk again. */
static enum err
enrol(struct store *s, const struct store_person *p, int64_t person)
{
	struct query q = query_new(s,
	    "INSERT INTO person_certificate (fingerprint, person, not_after, created) VALUES (?, ?, ?, ?)"
	    " ON CONFLICT (fingerprint) DO UPDATE SET retired = 0, not_after = excluded.not_after");

	query_bytes(&q, p->fingerprint, sizeof(p->fingerprint));
	query_int(&q, person);
	query_int(&q, p->not_after);
	query_int(&q, p->created);
	return query_run(&q, NULL);
}

/* ---- changing ---- */

static enum err
check_agency(struct store *s, const char *agency)
{
	struct store_agency a;

	return agency[0] != '\0' ? store_agency_by_id(s, agency, &a) : ERR_OK;
}

static enum err
insert(struct store *s, const struct store_person *p, int64_t *ret_id)
{
	struct query q = query_new(s, "INSERT INTO person (fingerprint, name, role, agency, created) VALUES (?, ?, ?, ?, ?) RETURNING id");

	query_bytes(&q, p->fingerprint, sizeof(p->fingerprint));
	query_text(&q, p->name);
	query_text(&q, store_role_name(p->role));
	query_text(&q, p->agency);
	query_int(&q, p->created);
	return query_insert(&q, ret_id, NULL);
}

static enum err
set_name(struct store *s, int64_t id, const char *name)
{
	struct query q = query_new(s, "UPDATE person SET name = ? WHERE id = ?");

	query_text(&q, name);
	query_int(&q, id);
	return query_run(&q, NULL);
}

enum err
store_person_set_role(struct store *s, int64_t id, enum store_role role, const char *agency)
{
	struct query q;
	int changed = 0;
	enum err e = check_agency(s, agency);

	if (e != ERR_OK)
		return e;
	q = query_new(s, "UPDATE person SET role = ?, agency = ? WHERE id = ?");
	query_text(&q, store_role_name(role));
	query_text(&q, agency);
	query_int(&q, id);
	e = query_run(&q, &changed);
	return e == ERR_OK && changed != 1 ? ERR_ADMIN_UNKNOWN : e;
}

static enum err
find_holder(struct store *s, const struct store_person *p, struct store_person *ret)
{
	enum err e = store_person_of_certificate(s, p->fingerprint, ret);

	return e == ERR_ADMIN_UNKNOWN ? store_person_by_name(s, p->name, ret) : e;
}

static enum err
change(struct store *s, const struct store_person *p, const struct store_person *was)
{
	enum err e = set_name(s, was->id, p->name);

	if (e == ERR_OK)
		e = store_person_set_role(s, was->id, p->role, p->agency);
	if (e == ERR_OK && was->role == STORE_NONE && p->role != STORE_NONE)
		e = retire_all(s, was->id, p->created);
	return e;
}

enum err
store_person_put(struct store *s, const struct store_person *p, int64_t *ret_id)
{
	struct store_person was = { .id = 0 };
	enum err e = check_agency(s, p->agency);

	if (e == ERR_OK)
		e = find_holder(s, p, &was);
	if (e == ERR_OK)
		e = change(s, p, &was);
	else if (e == ERR_ADMIN_UNKNOWN)
		e = insert(s, p, &was.id);
	if (e == ERR_OK)
		e = enrol(s, p, was.id);
	if (e == ERR_OK)
		*ret_id = was.id;
	return e;
}
