/* SPDX-License-Identifier: Apache-2.0 */
/*
 * person: the people at the desk, each known by the fingerprints of his certificates. add lets one in, changes his role, or gives him another certificate (a name is one person); remove
 * shuts him out at his next call, or one certificate alone; list shows them all. No row ever goes: the history names it.
 */
#include "desk.h"

#include "issued.h"
#include "options.h"
#include "os.h"
#include "text.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define CERTIFICATE_MAX 65536 /* bytes of a PEM file */

/* ERR_ADMIN_UNKNOWN for a certificate with which nobody could log in. */
static enum err
read_certificate(const struct config *config, const char *path, struct store_person *ret)
{
	struct buf pem = buf_new(CERTIFICATE_MAX);
	struct authorities *admin_ca = NULL;
	struct issued *certificate = NULL;
	enum err e = authorities_load(config->admin_ca, AUTHORITIES_CLIENT_NOW, &admin_ca);

	if (e == ERR_OK && os_read_file(path, &pem) == ERR_OK)
		certificate = issued_from_pem(pem.data, pem.len);
	if (e == ERR_OK)
		e = certificate != NULL && authorities_issued(admin_ca, certificate) ? issued_fingerprint(certificate, ret->fingerprint) : ERR_ADMIN_UNKNOWN;
	if (e == ERR_OK)
		ret->not_after = issued_not_after(certificate);
	if (e != ERR_OK)
		options_complain(e, e == ERR_ADMIN_UNKNOWN ? path : config->admin_ca);
	issued_free(certificate);
	authorities_free(admin_ca);
	buf_free(&pem);
	return e;
}

static enum err
put(struct store *s, struct store_person *p)
{
	struct store_audit a = { .created = p->created, .who = "desk", .what = "person" };
	char fingerprint[2 * KEY_HASH_LEN + 1];
	enum err e = store_begin(s);

	text_hex(p->fingerprint, sizeof(p->fingerprint), fingerprint);
	if (e == ERR_OK)
		e = store_person_put(s, p, &p->id);
	snprintf(a.detail, sizeof(a.detail), "person=%lld role=%s agency=%s fingerprint=%s", (long long)p->id, store_role_name(p->role), p->agency, fingerprint);
	snprintf(a.note, sizeof(a.note), "name=%s", p->name);
	if (e == ERR_OK)
		e = store_audit_add(s, &a);
	return store_end(s, e);
}

static void
say(const struct store_person *p, const unsigned char certificate[KEY_HASH_LEN], const char *more)
{
	char fingerprint[2 * KEY_HASH_LEN + 1];

	text_hex(certificate, KEY_HASH_LEN, fingerprint);
	printf("person=%lld role=%s%s%s fingerprint=%s%s name=%s\n", (long long)p->id, store_role_name(p->role), p->agency[0] != '\0' ? " agency=" : "", p->agency, fingerprint,
	    more, p->name);
}

/* A line for each certificate of somebody. */
struct listing {
	struct store *store;
	const struct store_person *person;
	enum err e;
};

static void
say_certificate(const struct store_certificate *c, void *context)
{
	const struct listing *l = context;
	char until[64] = "";
	time_t when = (time_t)c->not_after;
	struct tm tm;

	if (c->not_after != 0 && gmtime_r(&when, &tm) != NULL)
		strftime(until, sizeof(until), " until=%Y-%m-%d", &tm);
	if (c->retired != 0)
		snprintf(until, sizeof(until), " retired");
	say(l->person, c->fingerprint, until);
}

static void
say_all(const struct store_person *p, void *context)
{
	struct listing *l = context;

	l->person = p;
	if (l->e == ERR_OK)
		l->e = store_certificate_list(l->store, p->id, say_certificate, l);
}

/* What the verbs do; wanted has what the options said. */
static enum err
add(struct store *s, struct store_person *wanted)
{
	enum err e = put(s, wanted);

	if (e == ERR_OK)
		say(wanted, wanted->fingerprint, "");
	return e;
}

static enum err
remove_person(struct store *s, struct store_person *wanted)
{
	enum err e = store_person_by_fingerprint(s, wanted->fingerprint, wanted);

	if (e != ERR_OK)
		return e;
	wanted->role = STORE_NONE;
	wanted->agency[0] = '\0';
	wanted->created = os_time();
	return add(s, wanted);
}

static enum err
retire(struct store *s, const struct store_person *p)
{
	struct store_audit a = { .created = os_time(), .who = "desk", .what = "certificate" };
	char fingerprint[2 * KEY_HASH_LEN + 1];
	enum err e = store_begin(s);

	text_hex(p->fingerprint, sizeof(p->fingerprint), fingerprint);
	snprintf(a.detail, sizeof(a.detail), "person=%lld retired=%s", (long long)p->id, fingerprint);
	if (e == ERR_OK)
		e = store_certificate_retire(s, p->id, p->fingerprint, a.created);
	if (e == ERR_OK)
		e = store_audit_add(s, &a);
	return store_end(s, e);
}

static enum err
remove_certificate(struct store *s, struct store_person *wanted)
{
	enum err e = store_person_by_fingerprint(s, wanted->fingerprint, wanted);

	if (e == ERR_OK)
		e = retire(s, wanted);
	if (e == ERR_OK)
		say(wanted, wanted->fingerprint, " retired");
	return e;
}

static enum err
list(struct store *s, struct store_person *wanted)
{
	struct listing l = { .store = s, .e = ERR_OK };
	enum err e = store_person_list(s, say_all, &l);

	(void)wanted;
	return e == ERR_OK ? l.e : e;
}

static enum err
run(const struct config *config, enum err (*verb)(struct store *s, struct store_person *wanted), struct store_person *wanted)
{
	struct store *s = NULL;
	enum err e = store_open(config->database, &s);

	if (e == ERR_OK)
		e = verb(s, wanted);
	store_close(s);
	if (e != ERR_OK)
		options_complain(e, e == ERR_ADMIN_UNKNOWN ? "--fingerprint" : e == ERR_AGENCY_UNKNOWN ? "--agency"
												       : config->database);
	return e;
}

static int
command_add(int argc, char **argv)
{
	const char *config_file = NULL;
	const char *certificate = NULL;
	const char *name = NULL;
	const char *role = NULL;
	const char *agency = NULL;
	const struct option_row options[] = {
		{ .name = "--config", .value = &config_file, .required = true },
		{ .name = "--certificate", .value = &certificate, .required = true },
		{ .name = "--name", .value = &name, .required = true },
		{ .name = "--role", .value = &role, .required = true },
		{ .name = "--agency", .value = &agency },
	};
	struct store_person p = { .created = os_time() };
	struct config *config = NULL;
	enum err e;

	if (options_read(argc, argv, options, sizeof(options) / sizeof(options[0])) != ERR_OK)
		return 2;
	p.role = store_role_from_name(role);
	if (p.role == STORE_ROLE_COUNT || name[0] == '\0' || !text_is_showable(name, strlen(name)) || !text_copy(p.name, sizeof(p.name), name)) {
		options_complain(ERR_USAGE, p.role == STORE_ROLE_COUNT ? "--role" : "--name");
		return 2;
	}
	if (agency != NULL && (!store_role_of_agency(p.role) || !text_copy(p.agency, sizeof(p.agency), agency))) {
		options_complain(ERR_USAGE, "--agency");
		return 2;
	}
	if (options_config(config_file, &config) != ERR_OK)
		return 1;
	e = read_certificate(config, certificate, &p);
	if (e == ERR_OK)
		e = run(config, add, &p);
	config_free(config);
	return e == ERR_OK ? 0 : 1;
}

static int
command_remove(int argc, char **argv)
{
	const char *config_file = NULL;
	const char *fingerprint = NULL;
	bool certificate_only = false;
	const struct option_row options[] = {
		{ .name = "--config", .value = &config_file, .required = true },
		{ .name = "--fingerprint", .value = &fingerprint, .required = true },
		{ .name = "--certificate-only", .given = &certificate_only },
	};
	struct store_person p;
	struct config *config = NULL;
	size_t len = 0;
	enum err e;

	if (options_read(argc, argv, options, sizeof(options) / sizeof(options[0])) != ERR_OK)
		return 2;
	if (!text_unhex(fingerprint, strlen(fingerprint), p.fingerprint, sizeof(p.fingerprint), &len) || len != sizeof(p.fingerprint)) {
		options_complain(ERR_USAGE, "--fingerprint");
		return 2;
	}
	if (options_config(config_file, &config) != ERR_OK)
		return 1;
	e = run(config, certificate_only ? remove_certificate : remove_person, &p);
	config_free(config);
	return e == ERR_OK ? 0 : 1;
}

static int
command_list(int argc, char **argv)
{
	const char *config_file = NULL;
	const struct option_row options[] = { { .name = "--config", .value = &config_file, .required = true } };
	struct config *config = NULL;
	enum err e;

	if (options_read(argc, argv, options, 1) != ERR_OK)
		return 2;
	if (options_config(config_file, &config) != ERR_OK)
		return 1;
	e = run(config, list, NULL);
	config_free(config);
	return e == ERR_OK ? 0 : 1;
}

static const struct option_verb verbs[] = { { "add", command_add }, { "remove", command_remove }, { "list", command_list } };

int
desk_person(int argc, char **argv)
{
	return options_verb(verbs, sizeof(verbs) / sizeof(verbs[0]), "person add, person remove, person list", argc, argv);
}
