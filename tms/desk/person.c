/* SPDX-License-Identifier: Apache-2.0 */
/*
 * person: the administrators, each known by the fingerprint of his certificate. add lets one in or changes his role, remove shuts him out at his next
 * call, list shows them all. No row ever goes: the history names it.
 */
#include "desk.h"

#include "issued.h"
#include "options.h"
#include "os.h"
#include "text.h"

#include <stdio.h>
#include <string.h>

#define CERTIFICATE_MAX 65536 /* bytes of a PEM file */

/* ERR_ADMIN_UNKNOWN for a certificate with which nobody could log in. */
static enum err
read_fingerprint(const struct config *config, const char *path, unsigned char ret[KEY_HASH_LEN])
{
	struct buf pem = buf_new(CERTIFICATE_MAX);
	struct authorities *admin_ca = NULL;
	struct issued *certificate = NULL;
	enum err e = authorities_load(config->admin_ca, AUTHORITIES_CLIENT_NOW, &admin_ca);

	if (e == ERR_OK && os_read_file(path, &pem) == ERR_OK)
		certificate = issued_from_pem(pem.data, pem.len);
	if (e == ERR_OK)
		e = certificate != NULL && authorities_issued(admin_ca, certificate) ? issued_fingerprint(certificate, ret) : ERR_ADMIN_UNKNOWN;
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
	snprintf(a.detail, sizeof(a.detail), "role=%s fingerprint=%s name=%s", store_role_name(p->role), fingerprint, p->name);
	if (e == ERR_OK)
		e = store_person_put(s, p, &p->id);
	if (e == ERR_OK)
		e = store_audit_add(s, &a);
	return store_end(s, e);
}

static void
say(const struct store_person *p, void *context)
{
	char fingerprint[2 * KEY_HASH_LEN + 1];

	(void)context;
	text_hex(p->fingerprint, sizeof(p->fingerprint), fingerprint);
	printf("person=%lld role=%s fingerprint=%s name=%s\n", (long long)p->id, store_role_name(p->role), fingerprint, p->name);
}

/* What the verbs do; wanted has what the options said. */
static enum err
add(struct store *s, struct store_person *wanted)
{
	enum err e = put(s, wanted);

	if (e == ERR_OK)
		say(wanted, NULL);
	return e;
}

static enum err
remove_person(struct store *s, struct store_person *wanted)
{
	enum err e = store_person_by_fingerprint(s, wanted->fingerprint, wanted);

	if (e != ERR_OK)
		return e;
	wanted->role = STORE_NONE;
	wanted->created = os_time();
	return add(s, wanted);
}

static enum err
list(struct store *s, struct store_person *wanted)
{
	return store_person_list(s, say, wanted);
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
		options_complain(e, e == ERR_ADMIN_UNKNOWN ? "--fingerprint" : config->database);
	return e;
}

static int
command_add(int argc, char **argv)
{
	const char *config_file = NULL;
	const char *certificate = NULL;
	const char *name = NULL;
	const char *role = NULL;
	const struct option_row options[] = {
		{ .name = "--config", .value = &config_file, .required = true },
		{ .name = "--certificate", .value = &certificate, .required = true },
		{ .name = "--name", .value = &name, .required = true },
		{ .name = "--role", .value = &role, .required = true },
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
	if (options_config(config_file, &config) != ERR_OK)
		return 1;
	e = read_fingerprint(config, certificate, p.fingerprint);
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
	const struct option_row options[] = {
		{ .name = "--config", .value = &config_file, .required = true },
		{ .name = "--fingerprint", .value = &fingerprint, .required = true },
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
	e = run(config, remove_person, &p);
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
