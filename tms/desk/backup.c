/* SPDX-License-Identifier: Apache-2.0 */
/* backup, restore and escrow-log: the server's data into a file and back, and what the escrow log is worth. */
#include "desk.h"

#include "backup.h"
#include "escrow_log.h"
#include "options.h"
#include "os.h"

#include <stdio.h>
#include <string.h>

/* The file that stands in front of the options. */
static int
read_file(int *argc, char ***argv, const char **ret_file)
{
	if (*argc < 1 || (*argv)[0][0] == '-' || (*argv)[0][0] == '\0')
		return options_refuse("FILE", "must stand behind the command");
	*ret_file = (*argv)[0];
	*argc -= 1;
	*argv += 1;
	return 0;
}

/* ---- backup ---- */

static enum err
run_backup(struct store *s, const void *what)
{
	const char *file = what;
	int64_t tokens = 0;
	enum err e = store_token_count(s, &tokens);

	if (e == ERR_OK)
		e = backup_make(s, file, NULL);
	if (e == ERR_OK)
		printf("backup=%s tokens=%lld\n", file, (long long)tokens);
	return e;
}

int
desk_backup(int argc, char **argv)
{
	const char *config_file = NULL;
	const char *file = NULL;

	if (read_file(&argc, &argv, &file) != 0 || options_config_file(argc, argv, &config_file) != 0)
		return 2;
	return options_run(config_file, file, run_backup, file);
}

/* ---- restore ---- */

static void
print_restored(const struct backup_replayed *r)
{
	printf("restored lines=%lld cut=%lld damaged=%lld as_it_was=%lld newer=%lld made=%lld unproved=%lld pending=%lld unknown=%lld\n", (long long)r->log.whole,
	    (long long)r->log.cut, (long long)r->log.damaged, (long long)r->tokens[STORE_RESTORED_AS_IT_WAS], (long long)r->tokens[STORE_RESTORED_NEWER],
	    (long long)r->tokens[STORE_RESTORED_MADE], (long long)r->unproved, (long long)r->requests.pending, (long long)r->requests.unknown);
	if (r->unproved != 0)
		printf("Dòng nhật ký không có chữ ký của máy chủ: %lld token chưa có địa chỉ thư; người duyệt phải nhập địa chỉ.\n"
		       "Log lines without the server's signature: %lld tokens have no mail address; whoever approves must type one.\n",
		    (long long)r->unproved, (long long)r->unproved);
	/* what the escrow log cannot know, and an attacker would like to see forgotten */
	printf("Xem lại: mokhoa-tms person list; những ai bị thu quyền sau bản sao lưu nay vào lại được.\n"
	       "Look at: mokhoa-tms person list; whoever was shut out after the backup may come in again.\n");
}

/* What the error is about: the log where it is the log's. */
static const char *
about(enum err e, const struct config *config, const char *file)
{
	switch (e) {
	case ERR_ESCROW_LOG_FAILED:
	case ERR_ESCROW_LOG_DAMAGED:
	case ERR_ESCROW_LOG_OTHER:
		return config->escrow_log;
	case ERR_DATA_IN_USE:
		return config->data;
	case ERR_AUDIT_ANCHOR_FAILED:
		return config->audit_anchor;
	default:
		return file;
	}
}

int
desk_restore(int argc, char **argv)
{
	const char *config_file = NULL;
	const char *file = NULL;
	bool skip_damaged = false;
	bool any_log = false;
	bool replay_only = false;
	unsigned allowed;
	struct config *config = NULL;
	struct backup_replayed replayed;
	char kept[BACKUP_KEPT_SIZE] = "";
	const struct option_row options[] = {
		{ .name = "--config", .value = &config_file, .required = true },
		{ .name = "--skip-damaged-lines", .given = &skip_damaged },
		{ .name = "--any-log", .given = &any_log },
		{ .name = "--replay-only", .given = &replay_only },
	};
	enum err e;

	/* without a file it is PostgreSQL's own tools that have put the data back */
	if (argc >= 1 && argv[0][0] != '-' && read_file(&argc, &argv, &file) != 0)
		return 2;
	if (options_read(argc, argv, options, sizeof(options) / sizeof(options[0])) != ERR_OK)
		return 2;
	if ((file == NULL) != replay_only)
		return options_refuse("FILE", "must stand behind the command, or --replay-only in its place");
	if (options_config(config_file, &config) != ERR_OK)
		return 1;
	allowed = (skip_damaged ? BACKUP_DAMAGED_LINES : 0) | (any_log ? BACKUP_ANY_LOG : 0);
	if (replay_only)
		e = backup_replay_only(config, allowed, os_time(), &replayed);
	else
		e = backup_restore(config, file, allowed, os_time(), &replayed, kept);
	if (e == ERR_OK)
		print_restored(&replayed);
	else
		options_complain(e, about(e, config, file != NULL ? file : "--replay-only"));
	/* also where the anchors could not be taken back: the data have been replaced all the same */
	if (kept[0] != '\0')
		printf("kept=%s\n", kept);
	config_free(config);
	return e == ERR_OK ? 0 : 1;
}

/* ---- escrow-log ---- */

static enum err
check_log(struct store *s, const struct config *config)
{
	struct backup_log log = { 0 };
	char detail[512];
	int64_t tokens = 0;
	int64_t lines, without;
	enum err e = backup_read_log(s, config->escrow_log, &log);

	if (e == ERR_OK)
		e = store_token_count(s, &tokens);
	if (e != ERR_OK) {
		options_complain(e, config->escrow_log);
		return e;
	}
	lines = log.whole + log.cut + log.damaged;
	without = tokens - (log.tokens - log.unknown);
	printf("lines=%lld whole=%lld cut=%lld damaged=%lld tokens=%lld unknown=%lld without_line=%lld missing=%lld\n", (long long)lines, (long long)log.whole,
	    (long long)log.cut, (long long)log.damaged, (long long)log.tokens, (long long)log.unknown, (long long)without, (long long)log.missing);
	if (log.missing != 0)
		printf("%lld token có giá trị đang dùng không nằm trong dòng cuối của nhật ký: đừng phục hồi từ bản sao lưu cũ trước khi chúng được mở khóa lần sau.\n"
		       "%lld tokens have a value in force that their last line of the log does not have: restore no older backup before their next unlock.\n",
		    (long long)log.missing, (long long)log.missing);
	if (without != 0)
		printf("%lld token không có dòng nào trong nhật ký này: đừng phục hồi từ bản sao lưu cũ; sao lưu ngay.\n"
		       "%lld tokens have no line in this log: restore no older backup, and make one now.\n",
		    (long long)without, (long long)without);
	e = escrow_log_check_known(config, s);
	if (e != ERR_OK) {
		options_complain(e, config->escrow_log);
		return e;
	}
	if (log.damaged == 0)
		return ERR_OK;
	snprintf(detail, sizeof(detail), "%.400s, line %lld", config->escrow_log, (long long)log.first_damaged);
	options_complain(ERR_ESCROW_LOG_DAMAGED, detail);
	return ERR_ESCROW_LOG_DAMAGED;
}

/* The old log is lost: the next one that is written to is the servers' log from then on. */
static enum err
adopt_log(struct store *s, const struct config *config)
{
	enum err e = store_begin(s);

	if (e == ERR_OK)
		e = store_end(s, store_escrow_set_mark(s, ""));
	if (e == ERR_OK)
		printf("escrow_log=%s\n", config->escrow_log);
	else
		options_complain(e, config->database);
	return e;
}

int
desk_escrow_log(int argc, char **argv)
{
	const char *config_file = NULL;
	struct config *config = NULL;
	struct store *s = NULL;
	bool adopt = argc >= 1 && strcmp(argv[0], "adopt") == 0;
	enum err e;

	if (argc < 1 || (!adopt && strcmp(argv[0], "check") != 0))
		return options_refuse("escrow-log", "check or adopt");
	if (options_config_file(argc - 1, argv + 1, &config_file) != 0)
		return 2;
	if (options_config(config_file, &config) != ERR_OK)
		return 1;
	e = store_open(config->database, &s);
	if (e == ERR_OK)
		e = adopt ? adopt_log(s, config) : check_log(s, config);
	else
		options_complain(e, config->database);
	store_close(s);
	config_free(config);
	return e == ERR_OK ? 0 : 1;
}
