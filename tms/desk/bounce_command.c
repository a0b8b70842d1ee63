/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bounce: a mail that came back, as Postfix's pipe(8) hands it over: the address that it came to names the row of the outbox, which has failed from now on. Exits
 * as pipe(8) reads it: 0 taken, 65 nothing of ours, 75 try again later.
 */
#include "desk.h"

#include "bounce.h"
#include "keyfile.h"
#include "options.h"
#include "os.h"
#include "text.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define EXIT_NOT_OURS 65 /* EX_DATAERR */
#define EXIT_LATER    75 /* EX_TEMPFAIL */

struct bounced {
	const char *config_file;
	const char *recipient;
	int64_t id; /* of the outbox */
	enum bounce_action action;
	char status[BOUNCE_STATUS_SIZE];
};

static enum err
read_recipient(const struct config *config, struct bounced *b)
{
	unsigned char key[BOUNCE_KEY_LEN];
	enum err e;

	if (config->mail.bounce_key == NULL)
		return ERR_CONFIG_INVALID;
	e = keyfile_read(config->mail.bounce_key, key, sizeof(key));
	if (e == ERR_OK && !bounce_read(key, b->recipient, &b->id))
		e = ERR_BOUNCE_INVALID;
	wipe(key, sizeof(key));
	return e;
}

static enum err
read_report(struct bounced *b)
{
	struct buf report = buf_new(BOUNCE_REPORT_MAX);
	enum err e = os_read_to_end(STDIN_FILENO, &report);

	/* a report that brings a long mail along says what it has to say before that */
	if (e == ERR_OK || e == ERR_FRAME_TOO_LARGE)
		e = report.len != 0 ? bounce_report(report.data, report.len, &b->action, b->status) : ERR_BOUNCE_INVALID;
	buf_free(&report);
	return e;
}

/* A mail that has failed already, and one that is only late, stay as they are. */
static enum err
mark(struct store *s, const struct bounced *b)
{
	struct store_outbox row;
	struct store_audit audit = { .created = os_time(), .who = "tms", .what = "mail" };
	enum err e = store_begin(s);

	if (e != ERR_OK)
		return e;
	e = store_outbox_by_id(s, b->id, &row);
	if (e == ERR_OK && b->action == BOUNCE_FAILED && row.state == STORE_OUTBOX_SENT) {
		audit.number = row.number;
		snprintf(audit.detail, sizeof(audit.detail), "kind=%s outcome=bounced status=%s", store_mail_name(row.kind), b->status);
		e = store_outbox_finish(s, row.id, STORE_OUTBOX_FAILED, 0, err_name(ERR_MAIL_BOUNCED));
		if (e == ERR_OK)
			e = store_audit_add(s, &audit);
	}
	return store_end(s, e);
}

static int
run(const struct config *config, struct bounced *b)
{
	struct store *s = NULL;
	enum err e = read_recipient(config, b);

	if (e == ERR_OK)
		e = read_report(b);
	if (e != ERR_OK) {
		options_complain(e, b->recipient);
		return e == ERR_BOUNCE_INVALID ? EXIT_NOT_OURS : EXIT_LATER;
	}
	e = store_open(config->database, &s);
	if (e == ERR_OK)
		e = mark(s, b);
	store_close(s);
	if (e == ERR_REQUEST_UNKNOWN)
		e = ERR_BOUNCE_INVALID;
	if (e != ERR_OK) {
		options_complain(e, b->recipient);
		return e == ERR_BOUNCE_INVALID ? EXIT_NOT_OURS : EXIT_LATER;
	}
	printf("mail=%lld status=%s\n", (long long)b->id, b->status);
	return 0;
}

int
desk_bounce(int argc, char **argv)
{
	struct bounced b = { .status = "" };
	const struct option_row options[] = {
		{ .name = "--config", .value = &b.config_file, .required = true },
		{ .name = "--recipient", .value = &b.recipient, .required = true },
	};
	struct config *config = NULL;
	int status;

	if (options_read(argc, argv, options, sizeof(options) / sizeof(options[0])) != ERR_OK)
		return 2;
	if (options_config(b.config_file, &config) != ERR_OK)
		return EXIT_LATER;
	status = run(config, &b);
	config_free(config);
	return status;
}
