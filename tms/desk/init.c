/* SPDX-License-Identifier: Apache-2.0 */
/*
 * init: everything that a server needs before its first start, in one folder that does not exist yet: keys, database, configuration, the
 * configuration of nginx. What the clients' profiles need of it goes to stdout.
 */
#include "desk.h"

#include "hsm.h"
#include "json.h"
#include "key.h"
#include "keyfile.h"
#include "keyring.h"
#include "nginx.h"
#include "options.h"
#include "os.h"
#include "store.h"
#include "text.h"
#include "user.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct init {
	const char *dir, *host, *port, *admin_port, *listen, *tls_certificate, *tls_key, *admin_ca, *issuers;
	const char *authority, *hotline, *portal, *language;
	const char *portal_files, *extensions, *install;
	bool websocket;
	const char *operator_email;
	const char *approvers_email;
	const char *backups;
	const char *database;
	const char *bounce_domain;
	const char *from, *smtp, *smtp_tls, *smtp_ca, *smtp_credentials;
	const char *escrow_log, *tms_user, *vault_user, *nginx_group;
	const char *hsm_module, *hsm_token, *hsm_serial, *hsm_key, *hsm_pin_file, *hsm_pin_credential;
	bool same_device;
	uid_t tms_uid, vault_uid;
	char origin[300]; /* of the customers' port */
	char console_origin[300];
	struct config *config; /* as the files will say */
	struct buf json;       /* the configuration's text */
	struct keyring vault;  /* the vault's first key */
	unsigned char tms_pk[KEY_SIG_PK_LEN];
};

/* ---- what was asked for ---- */

static enum err
refuse(enum err e, const char *what, const char *cause)
{
	char detail[512];

	snprintf(detail, sizeof(detail), "%.300s: %s", what, cause);
	options_complain(e, detail);
	return e;
}

static enum err
read_options(int argc, char **argv, struct init *i)
{
	const struct option_row rows[] = {
		{ .name = "--dir", .value = &i->dir, .required = true },
		{ .name = "--host", .value = &i->host, .required = true },
		{ .name = "--port", .value = &i->port },
		{ .name = "--admin-port", .value = &i->admin_port },
		{ .name = "--listen", .value = &i->listen },
		{ .name = "--tls-certificate", .value = &i->tls_certificate, .required = true },
		{ .name = "--tls-key", .value = &i->tls_key, .required = true },
		{ .name = "--admin-ca", .value = &i->admin_ca, .required = true },
		{ .name = "--issuers", .value = &i->issuers, .required = true },
		{ .name = "--authority", .value = &i->authority, .required = true },
		{ .name = "--hotline", .value = &i->hotline, .required = true },
		{ .name = "--portal", .value = &i->portal },
		{ .name = "--portal-files", .value = &i->portal_files },
		{ .name = "--extensions", .value = &i->extensions },
		{ .name = "--install", .value = &i->install },
		{ .name = "--websocket", .given = &i->websocket },
		{ .name = "--language", .value = &i->language },
		{ .name = "--from", .value = &i->from, .required = true },
		{ .name = "--operator-email", .value = &i->operator_email },
		{ .name = "--approvers-email", .value = &i->approvers_email },
		{ .name = "--backups", .value = &i->backups },
		{ .name = "--database", .value = &i->database },
		{ .name = "--bounce-domain", .value = &i->bounce_domain },
		{ .name = "--smtp", .value = &i->smtp, .required = true },
		{ .name = "--smtp-tls", .value = &i->smtp_tls },
		{ .name = "--smtp-ca", .value = &i->smtp_ca },
		{ .name = "--smtp-credentials", .value = &i->smtp_credentials },
		{ .name = "--escrow-log", .value = &i->escrow_log },
		{ .name = "--escrow-log-same-device", .given = &i->same_device },
		{ .name = "--tms-user", .value = &i->tms_user },
		{ .name = "--vault-user", .value = &i->vault_user },
		{ .name = "--nginx-group", .value = &i->nginx_group },
		{ .name = "--hsm-module", .value = &i->hsm_module },
		{ .name = "--hsm-token", .value = &i->hsm_token },
		{ .name = "--hsm-serial", .value = &i->hsm_serial },
		{ .name = "--hsm-key", .value = &i->hsm_key },
		{ .name = "--hsm-pin-file", .value = &i->hsm_pin_file },
		{ .name = "--hsm-pin-credential", .value = &i->hsm_pin_credential },
	};
	enum err e = options_read(argc, argv, rows, sizeof(rows) / sizeof(rows[0]));

	if (e != ERR_OK)
		return e;
	i->port = i->port != NULL ? i->port : "443";
	i->admin_port = i->admin_port != NULL ? i->admin_port : "8443";
	i->language = i->language != NULL ? i->language : "vi";
	i->smtp_tls = i->smtp_tls != NULL ? i->smtp_tls : "starttls";
	if (i->portal_files == NULL && (i->extensions != NULL || i->install != NULL || i->websocket))
		return refuse(ERR_USAGE, "--portal-files", "must name the portal's folder where --extensions, --install or --websocket is given");
	if (i->hsm_module == NULL &&
	    (i->hsm_token != NULL || i->hsm_serial != NULL || i->hsm_key != NULL || i->hsm_pin_file != NULL || i->hsm_pin_credential != NULL))
		return refuse(ERR_USAGE, "--hsm-module", "must name the HSM's PKCS#11 module where another --hsm- option is given");
	if (i->escrow_log == NULL && !i->same_device)
		return refuse(ERR_USAGE, "--escrow-log", "must name a file on another device than the database; --escrow-log-same-device does without");
	return ERR_OK;
}

static enum err
check_user(const char *option, const char *name, uid_t *ret_uid)
{
	*ret_uid = geteuid();
	if (name == NULL || user_find(name, ret_uid))
		return ERR_OK;
	return refuse(ERR_USAGE, option, "there is no such user");
}

/* https://host[:port], without the port that https has anyway. */
static enum err
make_origin(const struct init *i, const char *option, const char *port, char ret[300])
{
	snprintf(ret, 300, "https://%.200s%s%.10s", i->host, strcmp(port, "443") == 0 ? "" : ":", strcmp(port, "443") == 0 ? "" : port);
	return text_is_origin(ret, strlen(ret)) ? ERR_OK : refuse(ERR_USAGE, option, "host and port must make an address as a browser writes it");
}

static enum err
check_words(const struct init *i)
{
	const char *const words[] = { i->dir, i->tls_certificate, i->tls_key, i->admin_ca, i->listen, i->portal_files };

	for (size_t n = 0; n < sizeof(words) / sizeof(words[0]); n++)
		if (words[n] != NULL && !nginx_word_ok(words[n]))
			return refuse(ERR_USAGE, words[n], "only letters, digits and / . _ : @ + - can stand in nginx's configuration");
	if (i->backups != NULL && i->backups[0] != '/')
		return refuse(ERR_USAGE, "--backups", "must be an absolute path");
	return i->dir[0] == '/' ? ERR_OK : refuse(ERR_USAGE, "--dir", "must be an absolute path");
}

/* What nginx will serve is there; a folder that nginx's own user cannot enter is not noticed here. */
static enum err
check_portal(const struct init *i)
{
	static const char *const pages[] = { "customer/index.html", "console/index.html", "sdk/mokhoa.js", "style/style.css" };
	char path[OS_PATH_MAX];
	struct stat st;

	if (i->portal_files == NULL)
		return ERR_OK;
	if (i->portal_files[0] != '/')
		return refuse(ERR_USAGE, "--portal-files", "must be an absolute path");
	for (size_t n = 0; n < sizeof(pages) / sizeof(pages[0]); n++) {
		snprintf(path, sizeof(path), "%s/%s", i->portal_files, pages[n]);
		if (stat(path, &st) != 0)
			return refuse(ERR_USAGE, path, strerror(errno));
	}
	if (i->install != NULL && strncmp(i->install, "https://", strlen("https://")) != 0)
		return refuse(ERR_USAGE, "--install", "must be an https address");
	return ERR_OK;
}

static enum err
check_all(struct init *i)
{
	enum err e = check_words(i);

	if (e == ERR_OK)
		e = check_portal(i);
	if (e == ERR_OK)
		e = check_user("--tms-user", i->tms_user, &i->tms_uid);
	if (e == ERR_OK)
		e = check_user("--vault-user", i->vault_user, &i->vault_uid);
	if (e == ERR_OK)
		e = make_origin(i, "--port", i->port, i->origin);
	if (e == ERR_OK)
		e = make_origin(i, "--admin-port", i->admin_port, i->console_origin);
	/* what mails point to */
	if (e == ERR_OK && i->portal_files != NULL && i->portal == NULL)
		i->portal = i->origin;
	return e;
}

/* ---- the configuration, judged before anything is made ---- */

/* DIR/name as a fresh text. */
static json_t *
under(const struct init *i, const char *name)
{
	return json_sprintf("%s/%s", i->dir, name);
}

/* Sets a text that may be missing. */
static void
set_optional(json_t *object, const char *key, const char *value)
{
	if (value != NULL)
		json_object_set_new(object, key, json_string(value));
}

static json_t *
hsm_json(const struct init *i)
{
	json_t *hsm = json_object();

	set_optional(hsm, "module", i->hsm_module);
	set_optional(hsm, "token", i->hsm_token);
	set_optional(hsm, "serial", i->hsm_serial);
	set_optional(hsm, "key", i->hsm_key);
	set_optional(hsm, "pin_file", i->hsm_pin_file);
	set_optional(hsm, "pin_credential", i->hsm_pin_credential);
	return hsm;
}

static json_t *
make_json(const struct init *i)
{
	json_t *vault = json_pack("{s:o, s:o, s:o}",
	    "socket", under(i, "vault/vault.sock"),
	    "public_key", under(i, "vault.pub"),
	    "private_key", under(i, "vault/keys/vault.key"));
	json_t *smtp = json_pack("{s:s, s:s, s:s}",
	    "url", i->smtp,
	    "from", i->from,
	    "tls", i->smtp_tls);
	json_t *listen = json_pack("{s:o, s:o, s:o}",
	    "public", under(i, "run/public.sock"),
	    "admin", under(i, "run/admin.sock"),
	    "metrics", under(i, "run/metrics.sock"));
	json_t *whole;

	set_optional(vault, "client", i->tms_user);
	if (i->hsm_module != NULL)
		json_object_set_new(vault, "hsm", hsm_json(i));
	set_optional(smtp, "ca", i->smtp_ca);
	set_optional(smtp, "credentials", i->smtp_credentials);
	set_optional(listen, "group", i->nginx_group);
	whole = json_pack("{s:o, s:o, s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:b, s:o, s:o, s:o}",
	    "data", under(i, "data"),
	    "signing_key", under(i, "keys/tms.key"),
	    "issuers", i->issuers,
	    "admin_ca", i->admin_ca,
	    "console_origin", i->console_origin,
	    "authority", i->authority,
	    "hotline", i->hotline,
	    "languages", json_pack("[s, s]", i->language, strcmp(i->language, "vi") == 0 ? "en" : "vi"),
	    "escrow_log", i->escrow_log != NULL ? json_string(i->escrow_log) : under(i, "escrow/escrow.log"),
	    "escrow_log_same_device", (int)i->same_device,
	    "listen", listen,
	    "vault", vault,
	    "smtp", smtp);
	if (i->bounce_domain != NULL)
		json_object_set_new(whole, "mail", json_pack("{s:s, s:o}", "bounce_domain", i->bounce_domain, "bounce_key", under(i, "keys/bounce.key")));
	/* nginx may take it relative to a folder of its own */
	set_optional(whole, "tls_certificate", i->tls_certificate[0] == '/' ? i->tls_certificate : NULL);
	set_optional(whole, "portal", i->portal);
	set_optional(whole, "operator_email", i->operator_email);
	set_optional(whole, "approvers_email", i->approvers_email);
	set_optional(whole, "backups", i->backups);
	set_optional(whole, "database", i->database);
	return whole;
}

static int
add_to_buf(const char *text, size_t len, void *b)
{
	buf_add(b, text, len);
	return buf_error(b) == ERR_OK ? 0 : -1;
}

/* As people read and edit it. */
static enum err
dump_for_people(json_t *json, struct buf *b)
{
	int failed = json == NULL || json_dump_callback(json, add_to_buf, b, JSON_INDENT(2)) != 0;

	json_decref(json);
	buf_add_text(b, "\n");
	return failed ? ERR_NO_MEMORY : buf_error(b);
}

/* The server's own reader judges what will be its configuration. */
static enum err
plan_config(struct init *i)
{
	char where[CONFIG_WHERE_SIZE];
	enum err e = dump_for_people(make_json(i), &i->json);

	if (e == ERR_OK)
		e = config_parse(i->json.data, i->json.len, "init", &i->config, where);
	else
		snprintf(where, sizeof(where), "init");
	if (e != ERR_OK)
		options_complain(e, where);
	return e;
}

/* ---- folders and files ---- */

static enum err
make_folder(const struct init *i, const char *name, mode_t mode, uid_t owner)
{
	char path[OS_PATH_MAX];

	snprintf(path, sizeof(path), "%s%s%s", i->dir, name[0] != '\0' ? "/" : "", name);
	if (mkdir(path, mode) == 0 && chmod(path, mode) == 0 && chown(path, owner, (gid_t)-1) == 0)
		return ERR_OK;
	return refuse(ERR_CONFIG_INVALID, path, strerror(errno));
}

/* Others may pass through where a socket or a public file lies, and read nothing else. */
static enum err
make_folders(const struct init *i)
{
	enum err e = make_folder(i, "", 0711, geteuid());

	if (e == ERR_OK)
		e = make_folder(i, "data", 0700, i->tms_uid);
	if (e == ERR_OK)
		e = make_folder(i, "keys", 0700, i->tms_uid);
	if (e == ERR_OK)
		e = make_folder(i, "run", 0711, i->tms_uid);
	if (e == ERR_OK)
		e = make_folder(i, "vault", 0711, i->vault_uid);
	/* apart from the socket, so that it can be shut away from the server as a whole: a roll puts new files into it */
	if (e == ERR_OK)
		e = make_folder(i, "vault/keys", 0700, i->vault_uid);
	if (e == ERR_OK && i->escrow_log == NULL)
		e = make_folder(i, "escrow", 0700, i->tms_uid);
	return e;
}

static enum err
give(const char *path, mode_t mode, uid_t owner)
{
	if (chmod(path, mode) == 0 && chown(path, owner, (gid_t)-1) == 0)
		return ERR_OK;
	return refuse(ERR_CONFIG_INVALID, path, strerror(errno));
}

static enum err
write_key(const char *path, const void *bytes, size_t len, mode_t mode, uid_t owner)
{
	enum err e = keyfile_write(path, bytes, len);

	if (e != ERR_OK)
		return refuse(e, path, "cannot be written");
	return give(path, mode, owner);
}

/* In the HSM by a process of the vault's user, before there is any folder: what is wrong with an HSM is mended and init run again. */
static enum err
make_vault_key(struct init *i)
{
	struct keyring_key *first = &i->vault.keys[0];
	struct key_kem *key;
	struct hsm *hsm;
	enum err e;

	i->vault.count = 1;
	if (i->hsm_module == NULL) {
		key = key_kem_new();
		if (key == NULL)
			return ERR_NO_MEMORY;
		key_kem_private(key, first->sk);
		key_kem_free(key);
		return ERR_OK;
	}
	hsm = hsm_new(&i->config->vault.hsm, i->vault_uid, NULL, NULL);
	e = hsm != NULL ? hsm_make(hsm, first) : ERR_NO_MEMORY;
	hsm_free(hsm);
	if (e != ERR_OK)
		options_complain(e, i->hsm_module);
	return e;
}

static enum err
write_vault_key(const struct init *i)
{
	unsigned char pk[KEY_KEM_PK_LEN];
	char id[KEYRING_ID_LEN + 1];
	enum err e = keyring_public(&i->vault, 0, pk, id);

	if (e == ERR_OK)
		e = keyring_write(i->config->vault.private_key, &i->vault, i->config->vault.private_key);
	if (e != ERR_OK)
		return refuse(e, i->config->vault.private_key, "cannot be written");
	e = give(i->config->vault.private_key, 0400, i->vault_uid);
	return e == ERR_OK ? write_key(i->config->vault.public_key, pk, sizeof(pk), 0444, geteuid()) : e;
}

static enum err
make_keys(struct init *i)
{
	unsigned char seed[KEY_SIG_SEED_LEN];
	struct key_sig *tms = key_sig_new();
	enum err e = tms != NULL ? ERR_OK : ERR_NO_MEMORY;

	if (e == ERR_OK) {
		key_sig_private(tms, seed);
		key_sig_public(tms, i->tms_pk);
		e = write_key(i->config->signing_key, seed, sizeof(seed), 0400, i->tms_uid);
	}
	if (e == ERR_OK)
		e = write_vault_key(i);
	if (e == ERR_OK && i->bounce_domain != NULL) {
		os_random(seed, sizeof(seed));
		e = write_key(i->config->mail.bounce_key, seed, sizeof(seed), 0400, i->tms_uid);
	}
	wipe(seed, sizeof(seed));
	key_sig_free(tms);
	return e;
}

static enum err
make_database(const struct init *i)
{
	struct store *store = NULL;
	enum err e = store_open(i->config->database, &store);

	store_close(store);
	if (e != ERR_OK)
		return refuse(e, i->config->database, "cannot be made");
	return i->database != NULL ? ERR_OK : give(i->config->database, 0600, i->tms_uid);
}

static enum err
write_file(const struct init *i, const char *name, const struct buf *text)
{
	char path[OS_PATH_MAX];
	enum err e;

	snprintf(path, sizeof(path), "%s/%s", i->dir, name);
	e = os_write_private(path, text->data, text->len);
	if (e != ERR_OK)
		return refuse(e, path, "cannot be written");
	return give(path, 0644, geteuid());
}

/* The ids of --extensions, which stand between commas, as an array. */
static json_t *
extension_ids(const struct init *i)
{
	const char *at = i->extensions != NULL ? i->extensions : "";
	json_t *ids = json_array();

	while (*at != '\0') {
		size_t len = strcspn(at, ",");
		if (len != 0)
			json_array_append_new(ids, json_stringn(at, len));
		at += len + (at[len] == ',');
	}
	return ids;
}

/* What the pages must know before a host or a server has answered. */
static enum err
make_portal(const struct init *i)
{
	struct buf b = buf_new(CONFIG_MAX);
	json_t *json = json_pack("{s:s, s:s, s:s, s:o, s:b, s:s, s:s}",
	    "authority", i->authority,
	    "hotline", i->hotline,
	    "language", i->language,
	    "extensions", extension_ids(i),
	    "websocket", i->websocket,
	    "install", i->install != NULL ? i->install : "",
	    "portal", i->portal);
	enum err e = dump_for_people(json, &b);

	if (e == ERR_OK)
		e = write_file(i, "portal.json", &b);
	buf_free(&b);
	return e;
}

static enum err
make_nginx(const struct init *i)
{
	char portal_json[OS_PATH_MAX];
	const struct nginx n = {
		.host = i->host,
		.listen = i->listen,
		.port = i->port,
		.admin_port = i->admin_port,
		.certificate = i->tls_certificate,
		.key = i->tls_key,
		.admin_ca = i->admin_ca,
		.public_socket = i->config->listen.public_socket,
		.admin_socket = i->config->listen.admin_socket,
		.portal_files = i->portal_files,
		.portal_json = portal_json,
	};
	struct buf b = buf_new(CONFIG_MAX);
	enum err e;

	snprintf(portal_json, sizeof(portal_json), "%s/portal.json", i->dir);
	e = nginx_write(&n, &b);
	if (e == ERR_OK)
		e = write_file(i, "nginx.conf", &b);
	buf_free(&b);
	return e;
}

/* The part of a client's profile that only the server knows. */
static enum err
print_profile(const struct init *i)
{
	struct buf b = buf_new(CONFIG_MAX);
	json_t *json = json_pack("{s:s, s:[o], s:s, s:[s, s]}",
	    "tms", i->origin,
	    "tms_keys", json_b64(i->tms_pk, sizeof(i->tms_pk)),
	    "hotline", i->hotline,
	    "languages", i->language, strcmp(i->language, "vi") == 0 ? "en" : "vi");
	enum err e = dump_for_people(json, &b);

	if (e == ERR_OK && !os_write_all(STDOUT_FILENO, b.data, b.len))
		e = ERR_INTERNAL;
	buf_free(&b);
	return e;
}

static enum err
make_all(struct init *i)
{
	struct stat st;
	enum err e;

	/* keys are never made twice: what was sealed to the first ones would be lost */
	if (lstat(i->dir, &st) == 0)
		return refuse(ERR_CONFIG_INVALID, i->dir, "exists already; nothing was changed");
	e = make_vault_key(i);
	if (e == ERR_OK)
		e = make_folders(i);
	if (e == ERR_OK)
		e = make_keys(i);
	if (e == ERR_OK)
		e = make_database(i);
	if (e == ERR_OK && i->portal_files != NULL)
		e = make_portal(i);
	if (e == ERR_OK)
		e = make_nginx(i);
	if (e == ERR_OK)
		e = write_file(i, "tms.json", &i->json);
	return e == ERR_OK ? print_profile(i) : e;
}

int
desk_init(int argc, char **argv)
{
	struct init i = { .json = buf_new(CONFIG_MAX) };
	enum err e = read_options(argc, argv, &i);

	if (e == ERR_OK)
		e = check_all(&i);
	if (e == ERR_OK)
		e = plan_config(&i);
	if (e == ERR_OK)
		e = make_all(&i);
	buf_free(&i.json);
	keyring_wipe(&i.vault);
	config_free(i.config);
	return e == ERR_OK ? 0 : e == ERR_USAGE ? 2
						: 1;
}
