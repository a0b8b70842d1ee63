/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* struct ucred */
#include "reload.h"

#include "current.h"
#include "limit.h"
#include "options.h"
#include "os.h"
#include "outbox.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define NAMES_SIZE 512

enum log_format
reload_log_format(const struct config *config)
{
	return config->log.format == CONFIG_LOG_JSON ? LOG_JSON : LOG_TEXT;
}

enum log_level
reload_log_level(const struct config *config)
{
	static const enum log_level levels[] = { [CONFIG_LOG_ERROR] = LOG_ERROR, [CONFIG_LOG_INFO] = LOG_INFO, [CONFIG_LOG_DEBUG] = LOG_DEBUG };

	return levels[config->log.level];
}

/* ---- in the server ---- */

/* Keys between commas; what does not fit is cut. */
static void
add_name(const char *section, const char *key, void *context)
{
	char *names = context;
	size_t used = strlen(names);

	snprintf(names + used, NAMES_SIZE - used, "%s%s%s%s", used != 0 ? "," : "", section, section[0] != '\0' ? "." : "", key);
}

/* Whether a running server may go on with it; the log names what it cannot change. */
static enum err
check_fixed(const struct service *now, const struct service *then)
{
	char names[NAMES_SIZE] = "";

	config_names_fixed(now->config, then->config, add_name, names);
	if (names[0] == '\0' && strcmp(now->kid, then->kid) != 0)
		add_name("", "signing_key", names);
	if (names[0] == '\0')
		return ERR_OK;
	log_error("reload", "keys=%s cause=a running server cannot change these: start it again", names);
	return ERR_CONFIG_INVALID;
}

/* Takes service and config over, whatever comes of it. */
static enum err
put_in_place(const struct reload *r, struct service *service, struct config *config)
{
	const struct service *now = current_take(r->current);
	struct slot *next = NULL;
	enum err e = check_fixed(now, service);

	current_give(r->current, now);
	if (e != ERR_OK) {
		service_free(service);
		config_free(config);
		return e;
	}
	e = current_prepare(service, config, &next);
	if (e != ERR_OK)
		return e;
	e = outbox_reload(r->outbox, config);
	if (e != ERR_OK) {
		current_drop(next);
		return e;
	}
	/* the mail worker has let go of the older one, which may go now */
	current_install(r->current, next);
	limit_set(r->limit, config->limits.address_per_minute, config->limits.person_per_minute);
	log_configure(reload_log_format(config), reload_log_level(config));
	return ERR_OK;
}

static enum err
read_again(const struct reload *r, char where[CONFIG_WHERE_SIZE])
{
	struct config *config = NULL;
	struct service *service = NULL;
	enum err e = config_load(r->config_file, &config, where);

	if (e != ERR_OK)
		return e;
	e = service_new(config, &service);
	if (e != ERR_OK) {
		config_free(config);
		return e;
	}
	return put_in_place(r, service, config);
}

static void
tell_manager_that_it_begins(void)
{
	struct timespec now = { 0 };
	char state[96];

	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
	os_notify(state);
}

void
reload_run(const struct reload *r)
{
	char where[CONFIG_WHERE_SIZE] = "";
	enum err e;

	tell_manager_that_it_begins();
	e = read_again(r, where);
	if (e == ERR_OK)
		log_info("reload", "file=%s result=ok", r->config_file);
	else
		log_error("reload", "file=%s result=%s%s%s kept=the older configuration", r->config_file, err_name(e), where[0] != '\0' ? " cause=" : "", where);
	os_notify(e == ERR_OK ? "READY=1\nSTATUS=serving; the configuration was read again" : "READY=1\nSTATUS=serving with the older configuration: the newer one is not good, see the log");
}

/* ---- the command ---- */

/* The process that listens there, as the kernel says; 0 where none does. */
static pid_t
listener_of(const char *path)
{
	struct ucred peer = { .pid = 0 };
	socklen_t len = sizeof(peer);
	intptr_t server = os_unix_connect(path, 0);
	bool found = server != -1 && getsockopt((int)server, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0;

	os_close(server);
	return found ? peer.pid : 0;
}

int
reload_main(const struct config *config)
{
	struct service *service = NULL;
	enum err e = service_new(config, &service);
	pid_t pid;

	service_free(service);
	if (e != ERR_OK) {
		options_complain(e, "nothing was changed");
		return 1;
	}
	pid = listener_of(config->listen.admin_socket);
	if (pid <= 0 || kill(pid, SIGHUP) != 0) {
		char detail[300];
		snprintf(detail, sizeof(detail), "%.200s: %s", config->listen.admin_socket, pid <= 0 ? "no server listens there" : strerror(errno));
		options_complain(ERR_SERVER_ABSENT, detail);
		return 1;
	}
	printf("asked pid=%ld\n", (long)pid);
	return 0;
}
