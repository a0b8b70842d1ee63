/* SPDX-License-Identifier: Apache-2.0 */
#include "escrow_log.h"

#include "append_file.h"
#include "escrow_line.h"
#include "log.h"
#include "os.h"
#include "service.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- which log it is ---- */

/* The checksum in which its first line ends; empty for a log that is not there, or has no line. */
static bool
read_mark(const char *path, char ret_mark[STORE_MARK_SIZE])
{
	char line[ESCROW_LOG_LINE_MAX];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t got = fd >= 0 ? pread(fd, line, sizeof(line), 0) : 0;
	const char *end = got > 0 ? memchr(line, '\n', (size_t)got) : NULL;
	bool read = got >= 0 && (fd >= 0 || errno == ENOENT);

	os_close(fd);
	ret_mark[0] = '\0';
	if (end != NULL && end - line >= STORE_MARK_SIZE - 1) {
		memcpy(ret_mark, end - (STORE_MARK_SIZE - 1), STORE_MARK_SIZE - 1);
		ret_mark[STORE_MARK_SIZE - 1] = '\0';
	}
	return read;
}

static enum err
check_mark(const struct config *config, struct store *s, char ret_known[STORE_MARK_SIZE])
{
	char mark[STORE_MARK_SIZE] = "";
	enum err e = store_escrow_mark(s, ret_known);

	if (e != ERR_OK || ret_known[0] == '\0')
		return e;
	if (read_mark(config->escrow_log, mark) && strcmp(mark, ret_known) == 0)
		return ERR_OK;
	log_error("escrow", "file=%s begins=%s known=%s cause=not the log that was written to before", config->escrow_log, mark, ret_known);
	return ERR_ESCROW_LOG_OTHER;
}

enum err
escrow_log_check_known(const struct config *config, struct store *s)
{
	char known[STORE_MARK_SIZE];

	return check_mark(config, s, known);
}

/* The first line that any server wrote is what the log is known by. */
static enum err
keep_mark(const struct config *config, struct store *s)
{
	char mark[STORE_MARK_SIZE] = "";

	return read_mark(config->escrow_log, mark) ? store_escrow_set_mark(s, mark) : ERR_ESCROW_LOG_FAILED;
}

enum err
escrow_log_write(const struct config *config, struct store *s, const struct escrow_log_batch *batch)
{
	char known[STORE_MARK_SIZE] = "";
	enum err e = buf_error(&batch->lines);

	if (e != ERR_OK || batch->lines.len == 0)
		return e;
	e = check_mark(config, s, known);
	if (e != ERR_OK)
		return e;
	if (!append_file_write(config->escrow_log, &batch->lines)) {
		log_error("escrow", "file=%s cause=%s; no SO PIN is granted or imported until it can be written", config->escrow_log, strerror(errno));
		return ERR_ESCROW_LOG_FAILED;
	}
	return known[0] == '\0' ? keep_mark(config, s) : ERR_OK;
}

/* ---- what is written ---- */

enum err
escrow_log_batch_new(const struct config *config, size_t lines, struct escrow_log_batch *ret)
{
	char kid[SERVICE_KID_LEN + 1];

	*ret = (struct escrow_log_batch){ .lines = buf_new(lines * ESCROW_LOG_LINE_MAX) };
	return service_signing_key(config, &ret->key, kid);
}

void
escrow_log_batch_free(struct escrow_log_batch *batch)
{
	buf_free(&batch->lines);
	key_sig_free(batch->key);
	batch->key = NULL;
}

enum err
escrow_log_add(struct store *s, const struct token_name *token, int64_t number, int64_t now, struct escrow_log_batch *batch)
{
	struct escrow_log_line line = { .time = now, .request = number };
	enum err e = store_candidates_of(s, token, &line.candidates);

	return e == ERR_OK ? escrow_line_write(&line, batch->key, &batch->lines) : e;
}

enum err
escrow_log_write_line(const struct config *config, struct store *s, const struct escrow_log_line *line)
{
	struct escrow_log_batch batch;
	enum err e = escrow_log_batch_new(config, 1, &batch);

	if (e == ERR_OK)
		e = escrow_line_write(line, batch.key, &batch.lines);
	if (e == ERR_OK)
		e = escrow_log_write(config, s, &batch);
	escrow_log_batch_free(&batch);
	return e;
}

enum err
escrow_log_append(const struct config *config, struct store *s, const struct token_name *token, int64_t number, int64_t now)
{
	struct escrow_log_line line = { .time = now, .request = number };
	enum err e = store_candidates_of(s, token, &line.candidates);

	return e == ERR_OK ? escrow_log_write_line(config, s, &line) : e;
}

/* A database that is gone would be begun anew, while the log speaks of the tokens of another: its device is not mounted, or somebody has moved it. */
static enum err
check_database(const struct config *config)
{
	char mark[STORE_MARK_SIZE] = "";
	struct stat st;

	if (config->database[0] != '/' || stat(config->database, &st) == 0 || errno != ENOENT || !read_mark(config->escrow_log, mark) || mark[0] == '\0')
		return ERR_OK;
	log_error("escrow", "file=%s database=%s cause=the log has lines and the database is not there", config->escrow_log, config->database);
	return ERR_STORE_FAILED;
}

enum err
escrow_log_check(const struct config *config)
{
	struct stat data;
	struct stat log;
	int fd = append_file_open(config->escrow_log);
	bool ok = fd >= 0 && fstat(fd, &log) == 0 && stat(config->data, &data) == 0;

	if (!ok)
		log_error("escrow", "file=%s cause=%s", config->escrow_log, strerror(errno));
	os_close(fd);
	if (!ok)
		return ERR_CONFIG_INVALID;
	if (log.st_dev != data.st_dev || config->escrow_log_same_device)
		return check_database(config);
	log_error("escrow", "file=%s cause=on the same device as the data; set escrow_log_same_device where that is meant", config->escrow_log);
	return ERR_CONFIG_INVALID;
}
