/* SPDX-License-Identifier: Apache-2.0 */
/* person add: an administrator, known by the fingerprint of his certificate. */
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

static enum err
add(const struct config *config, const char *certificate, struct store_person *p)
{
	struct store *s = NULL;
	enum err e = read_fingerprint(config, certificate, p->fingerprint);

	if (e != ERR_OK)
		return e;
	e = store_open(config->database, &s);
	if (e == ERR_OK)
		e = put(s, p);
	store_close(s);
	if (e != ERR_OK)
		options_complain(e, config->database);
	else
		printf("person=%lld role=%s name=%s\n", (long long)p->id, store_role_name(p->role), p->name);
	return e;
}

int
desk_person(int argc, char **argv)
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

	if (argc < 1 || strcmp(argv[0], "add") != 0) {
		options_complain(ERR_USAGE, "person add");
		return 2;
	}
	if (options_read(argc - 1, argv + 1, options, sizeof(options) / sizeof(options[0])) != ERR_OK)
		return 2;
	p.role = store_role_from_name(role);
	if (p.role == STORE_ROLE_COUNT || name[0] == '\0' || !text_is_showable(name, strlen(name)) || !text_copy(p.name, sizeof(p.name), name)) {
		options_complain(ERR_USAGE, p.role == STORE_ROLE_COUNT ? "--role" : "--name");
		return 2;
	}
	if (options_config(config_file, &config) != ERR_OK)
		return 1;
	e = add(config, certificate, &p);
	config_free(config);
	return e == ERR_OK ? 0 : 1;
}
