/* SPDX-License-Identifier: Apache-2.0 */
#define _DEFAULT_SOURCE /* adjtimex */
#include "checkup.h"

#include "escrow_log.h"
#include "expiry.h"
#include "hsm.h"
#include "keyfile.h"
#include "keyring.h"
#include "letter.h"
#include "options.h"
#include "os.h"
#include "service.h"
#include "smtp.h"
#include "store.h"
#include "text.h"
#include "user.h"
#include "vault_client.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <sys/un.h>
#include <unistd.h>

#define SOON_S (30 * (int64_t)86400) /* a certificate that ends within a month is to be renewed */

enum verdict {
	VERDICT_OK,
	VERDICT_WARN, /* the server starts, and something will not work */
	VERDICT_FAIL
};

struct look {
	const struct config *config;
	struct service *service; /* NULL where it could not be made */
	struct store *store;	 /* NULL where it could not be opened */
	unsigned counts[VERDICT_FAIL + 1];
};

#if defined(__GNUC__)
__attribute__((format(printf, 4, 5)))
#endif
static void
say(struct look *l, enum verdict verdict, const char *name, const char *format, ...)
{
	static const char *const words[] = { [VERDICT_OK] = "ok", [VERDICT_WARN] = "warn", [VERDICT_FAIL] = "FAIL" };
	va_list args;

	l->counts[verdict]++;
	printf("%-4s %s ", words[verdict], name);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
}

/* ---- files ---- */

static bool
is_ours(const struct stat *st)
{
	return st->st_uid == geteuid() || st->st_uid == 0 || geteuid() == 0;
}

/* What others may do to a file or a folder, as bits of its mode, is none of these; NULL bits: nothing. */
static void
look_at(struct look *l, const char *name, const char *path, mode_t forbidden)
{
	struct stat st;

	if (stat(path, &st) != 0)
		say(l, VERDICT_FAIL, name, "%s: %s", path, strerror(errno));
	else if ((st.st_mode & forbidden) != 0)
		say(l, VERDICT_FAIL, name, "%s: mode %04o lets others in; chmod %04o", path, (unsigned)(st.st_mode & 07777), (unsigned)(st.st_mode & 07777 & ~forbidden));
	else if (!is_ours(&st))
		say(l, VERDICT_FAIL, name, "%s: belongs to user %u, which is neither root nor the one that runs this", path, (unsigned)st.st_uid);
	else
		say(l, VERDICT_OK, name, "%s: mode %04o, user %u", path, (unsigned)(st.st_mode & 07777), (unsigned)st.st_uid);
}

static void
check_files(struct look *l)
{
	const struct config *c = l->config;

	look_at(l, "data", c->data, S_IWGRP | S_IRWXO);
	look_at(l, "signing_key", c->signing_key, S_IRWXG | S_IRWXO);
	look_at(l, "vault.public_key", c->vault.public_key, S_IWGRP | S_IWOTH);
	if (c->smtp.credentials != NULL)
		look_at(l, "smtp.credentials", c->smtp.credentials, S_IRWXG | S_IRWXO);
	if (c->mail.bounce_key != NULL)
		look_at(l, "mail.bounce_key", c->mail.bounce_key, S_IWGRP | S_IRWXO);
}

/* Root may read everything, and where both have one user nothing is apart: only a server that can read the vault's key by mistake is wrong. */
static void
check_vault_key(struct look *l)
{
	const char *path = l->config->vault.private_key;
	bool apart = l->config->vault.client != NULL && geteuid() != 0;

	if (apart && access(path, R_OK) == 0)
		say(l, VERDICT_FAIL, "vault.private_key", "%s: can be read by the server's user; it is for the vault's alone", path);
	else
		say(l, VERDICT_OK, "vault.private_key", "%s: %s", path, apart ? "closed to the server's user" : "looked at by one who may read it");
}

/* ---- certificates ---- */

static void
look_at_certificate(struct look *l, const char *name, const char *path, enum verdict missing)
{
	char day[TEXT_TIME_LEN + 1];
	int64_t now = os_time();
	int64_t ends;

	if (path == NULL)
		return;
	if (expiry_of(path, &ends) != ERR_OK) {
		say(l, missing, name, "%s: holds no certificate that can be read", path);
		return;
	}
	text_time(ends, day);
	if (ends <= now)
		say(l, VERDICT_FAIL, name, "%s: a certificate ended at %s", path, day);
	else
		say(l, ends - now <= SOON_S ? VERDICT_WARN : VERDICT_OK, name, "%s: good until %s", path, day);
}

static void
check_certificates(struct look *l)
{
	look_at_certificate(l, "issuers", l->config->issuers, VERDICT_FAIL);
	look_at_certificate(l, "admin_ca", l->config->admin_ca, VERDICT_FAIL);
	/* nginx's, in a place that may be nginx's alone */
	look_at_certificate(l, "tls_certificate", l->config->tls_certificate, VERDICT_WARN);
	look_at_certificate(l, "smtp.ca", l->config->smtp.ca, VERDICT_FAIL);
}

/* ---- what is remembered ---- */

static void
check_service(struct look *l)
{
	enum err e = service_new(l->config, &l->service);

	if (e == ERR_OK)
		say(l, VERDICT_OK, "keys", "kid %s", l->service->kid);
	else
		say(l, VERDICT_FAIL, "keys", "%s", err_sentence(e, "en"));
}

static void
check_database(struct look *l)
{
	/* one that is gone is not begun anew here */
	enum err e = escrow_log_check(l->config) != ERR_STORE_FAILED ? store_open(l->config->database, &l->store) : ERR_STORE_FAILED;

	if (e == ERR_OK)
		say(l, VERDICT_OK, "database", "version %lld, as this program has it", (long long)store_version());
	else
		say(l, VERDICT_FAIL, "database", "%s: cannot be opened, a newer program has written it, or it is not there although the escrow log has lines", l->config->database);
}

static void
check_escrow_log(struct look *l)
{
	const struct config *c = l->config;
	enum err e = escrow_log_check(c);

	if (e == ERR_STORE_FAILED) /* said of the database */
		e = ERR_OK;
	if (e == ERR_OK && l->store != NULL)
		e = escrow_log_check_known(c, l->store);
	if (e != ERR_OK)
		say(l, VERDICT_FAIL, "escrow_log", "%s: %s", c->escrow_log, e == ERR_CONFIG_INVALID ? "is on the same device as the database" : err_sentence(e, "en"));
	else
		say(l, VERDICT_OK, "escrow_log", "%s: %s", c->escrow_log, c->escrow_log_same_device ? "the configuration takes the device as it is" : "on another device than the database");
}

/* ---- who else is there ---- */

static bool
is_listened_on(const char *path)
{
	intptr_t server = os_unix_connect(path, 0);

	os_close(server);
	return server != -1;
}

static void
look_at_socket(struct look *l, const char *name, const char *path)
{
	struct sockaddr_un address;
	char folder[OS_PATH_MAX];
	struct stat st;

	text_copy(folder, sizeof(folder), path);
	*(strrchr(folder, '/') == folder ? folder + 1 : strrchr(folder, '/')) = '\0';
	if (strlen(path) >= sizeof(address.sun_path))
		say(l, VERDICT_FAIL, name, "%s: longer than %zu bytes, which no socket's path may be", path, sizeof(address.sun_path) - 1);
	else if (stat(folder, &st) != 0)
		say(l, VERDICT_FAIL, name, "%s: %s", folder, strerror(errno));
	else if (lstat(path, &st) == 0 && !S_ISSOCK(st.st_mode))
		say(l, VERDICT_FAIL, name, "%s: something that is no socket lies there", path);
	else
		say(l, VERDICT_OK, name, "%s: %s", path, is_listened_on(path) ? "a server listens" : "free");
}

#define MEMBERS_SIZE 256 /* of their names; the rest is not named */

struct members {
	const struct group *group;
	uid_t server; /* may write to its own sockets, and does not count */
	unsigned count;
	char names[MEMBERS_SIZE];
};

static void
add_member(struct members *m, const struct passwd *p)
{
	size_t len = strlen(m->names);

	if (p == NULL || p->pw_uid == 0 || p->pw_uid == m->server)
		return;
	m->count++;
	snprintf(m->names + len, sizeof(m->names) - len, "%s%s", len != 0 ? " " : "", p->pw_name);
}

static bool
is_named(const struct group *g, const char *name)
{
	for (char **at = g->gr_mem; *at != NULL; at++)
		if (strcmp(*at, name) == 0)
			return true;
	return false;
}

/* Those whom the group names, and those whose own group it is. */
static void
find_members(struct members *m)
{
	const struct passwd *p;

	for (char **at = m->group->gr_mem; *at != NULL; at++)
		add_member(m, getpwnam(*at));
	setpwent();
	while ((p = getpwent()) != NULL)
		if (p->pw_gid == m->group->gr_gid && !is_named(m->group, p->pw_name))
			add_member(m, p);
	endpwent();
}

/* The server takes the word of whoever writes to admin.sock for who an administrator is: nginx should be alone in the group that may. */
static void
check_group(struct look *l)
{
	const struct config *c = l->config;
	const char *name = c->listen.group;
	struct members m = { .group = name != NULL ? getgrnam(name) : NULL, .server = geteuid() };

	if (name == NULL)
		return;
	if (m.group == NULL) {
		say(l, VERDICT_FAIL, "listen.group", "%s: there is no such group", name);
		return;
	}
	if (c->vault.client != NULL)
		(void)user_find(c->vault.client, &m.server);
	find_members(&m);
	if (strcmp(name, "www-data") == 0)
		say(l, VERDICT_WARN, "listen.group", "%s: whatever serves the web on this machine may run in it, and who writes to %s is whichever administrator he names; give nginx a user and a group of its own", name,
		    c->listen.admin_socket);
	else if (m.count > 1)
		say(l, VERDICT_WARN, "listen.group", "%s: is the group of %u users (%s), and who writes to %s is whichever administrator he names; leave nginx's alone in it", name, m.count, m.names,
		    c->listen.admin_socket);
	else
		say(l, VERDICT_OK, "listen.group", "%s: %s", name, m.count == 1 ? m.names : "no user's");
}

static void
check_sockets(struct look *l)
{
	const struct config_listen *listen = &l->config->listen;

	look_at_socket(l, "listen.public", listen->public_socket);
	look_at_socket(l, "listen.admin", listen->admin_socket);
	if (listen->metrics != NULL && listen->metrics[0] == '/')
		look_at_socket(l, "listen.metrics", listen->metrics);
}

/* The public key that seals is one of those that the vault opens with. */
static void
check_vault(struct look *l)
{
	const struct config_vault *c = &l->config->vault;
	unsigned char pk[KEY_KEM_PK_LEN];
	char id[KEYRING_ID_LEN + 1] = "";
	struct vault_keys keys = { .count = 0 };
	uid_t uid;
	bool held = false;
	enum err e;

	if (c->client != NULL && !user_find(c->client, &uid))
		say(l, VERDICT_FAIL, "vault.client", "%s: there is no such user", c->client);
	e = keyfile_read(c->public_key, pk, sizeof(pk));
	if (e == ERR_OK)
		e = keyring_id(pk, id);
	if (e != ERR_OK) {
		say(l, VERDICT_FAIL, "vault", "%s: is no public key", c->public_key);
		return;
	}
	e = vault_keys(c->socket, &keys);
	for (size_t i = 0; i < keys.count; i++)
		held = held || strcmp(keys.ids[i], id) == 0;
	if (e != ERR_OK)
		say(l, VERDICT_WARN, "vault", "%s: %s", c->socket, err_sentence(e, "en"));
	else
		say(l, held ? VERDICT_OK : VERDICT_FAIL, "vault", "%s: %s key %s", c->socket, held ? "answers, and holds" : "answers, and does not hold", id);
}

/* In a process of the vault's user, where the vault does not run: who can read its keys can be it. */
static enum err
try_hsm(const struct config_vault *c)
{
	struct keyring ring = { .count = 0 };
	struct stat st;
	struct hsm *hsm;
	enum err e;

	if (stat(c->private_key, &st) != 0 || keyring_read(c->private_key, &ring) != ERR_OK)
		return ERR_CONFIG_INVALID;
	hsm = hsm_new(&c->hsm, st.st_uid, NULL, NULL);
	e = hsm != NULL ? hsm_login(hsm) : ERR_NO_MEMORY;
	for (size_t i = 0; e == ERR_OK && i < ring.count; i++)
		if (ring.keys[i].in_hsm)
			e = hsm_try(hsm, &ring.keys[i]);
	hsm_free(hsm);
	keyring_wipe(&ring);
	return e;
}

/* The vault is asked, who is logged in: another login with a wrong PIN would be another try. */
static void
check_hsm(struct look *l)
{
	const struct config_vault *c = &l->config->vault;
	struct vault_keys keys;
	enum err e;

	if (c->hsm.module == NULL)
		return;
	e = vault_check(c->socket, &keys);
	if (e == ERR_VAULT_UNREACHABLE && access(c->private_key, R_OK) == 0)
		e = try_hsm(c);
	if (e == ERR_OK)
		say(l, VERDICT_OK, "vault.hsm", "%s: lets the vault in, and has its keys", c->hsm.token);
	else if (e == ERR_VAULT_UNREACHABLE || e == ERR_VAULT_REFUSED)
		say(l, VERDICT_WARN, "vault.hsm", "%s: not looked at; root and the vault's user may ask", c->hsm.token);
	else
		say(l, VERDICT_FAIL, "vault.hsm", "%s: %s: %s", c->hsm.token, err_name(e), err_sentence(e, "en"));
}

static void
check_smtp(struct look *l)
{
	struct smtp *smtp = NULL;
	const char *url = l->config->smtp.url;
	enum smtp_result result;

	if (smtp_new(&l->config->smtp, &smtp) != ERR_OK) {
		say(l, VERDICT_FAIL, "smtp", "%s: the settings cannot be used", url);
		return;
	}
	result = smtp_probe(smtp);
	smtp_free(smtp);
	if (result == SMTP_SENT)
		say(l, VERDICT_OK, "smtp", "%s: lets us in", url);
	else if (result == SMTP_ALARM)
		say(l, VERDICT_FAIL, "smtp", "%s: TLS or login does not work", url);
	else
		say(l, VERDICT_WARN, "smtp", "%s: does not answer", url);
}

static void
check_templates(struct look *l)
{
	const char *folder = l->config->mail.templates;
	char where[TEMPLATE_WHERE_SIZE];
	struct letters *letters = NULL;

	if (letters_load(folder, &letters, where) == ERR_OK)
		say(l, VERDICT_OK, "mail.templates", "%s", folder != NULL ? folder : "what is built in");
	else
		say(l, VERDICT_FAIL, "mail.templates", "%s", where);
	letters_free(letters);
}

/* ---- the clock ---- */

/* Requests, codes and certificates end by the clock; what is on record cannot be from tomorrow. */
static void
check_clock(struct look *l)
{
	struct timex state = { .modes = 0 };
	char newest[TEXT_TIME_LEN + 1];
	int64_t last = 0;
	int status = adjtimex(&state);

	if (l->store != NULL && store_audit_newest(l->store, &last) == ERR_OK && last > os_time() + 60) {
		text_time(last, newest);
		say(l, VERDICT_FAIL, "clock", "the database has a row of %s, which is yet to come", newest);
	} else if (status == -1 || status == TIME_ERROR || (state.status & STA_UNSYNC) != 0) {
		say(l, VERDICT_WARN, "clock", "nothing keeps it right, as the kernel knows; chrony or systemd-timesyncd does");
	} else {
		say(l, VERDICT_OK, "clock", "is kept right");
	}
}

/* ---- the whole ---- */

static void (*const checks[])(struct look *l) = { check_files, check_vault_key, check_certificates, check_service, check_database, check_escrow_log, check_sockets, check_group, check_vault, check_hsm, check_smtp, check_templates,
	check_clock };

/* What is on record, where it can be read. */
static enum err
say_record(const struct look *l)
{
	int64_t tokens = 0;
	int64_t shared = 0;
	int64_t must_rotate = 0;
	enum err e = store_token_count(l->store, &tokens);

	if (e == ERR_OK)
		e = store_token_count_shared(l->store, &shared, &must_rotate);
	if (e == ERR_OK)
		printf("ok kid=%s tokens=%lld shared=%lld must_rotate=%lld warnings=%u\n", l->service->kid, (long long)tokens, (long long)shared, (long long)must_rotate,
		    l->counts[VERDICT_WARN]);
	return e;
}

int
checkup_main(const struct config *config, bool strict)
{
	struct look l = { .config = config };
	enum err e = ERR_OK;

	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		checks[i](&l);
	if (l.counts[VERDICT_FAIL] != 0 || (strict && l.counts[VERDICT_WARN] != 0))
		e = ERR_CHECK_FAILED;
	if (e == ERR_OK)
		e = say_record(&l);
	if (e != ERR_OK) {
		char detail[64];
		snprintf(detail, sizeof(detail), "%u failed, %u warnings", l.counts[VERDICT_FAIL], l.counts[VERDICT_WARN]);
		options_complain(e, detail);
	}
	store_close(l.store);
	service_free(l.service);
	return e == ERR_OK ? 0 : 1;
}
