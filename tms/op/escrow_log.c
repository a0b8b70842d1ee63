/* SPDX-License-Identifier: Apache-2.0 */
#include "escrow_log.h"

#include "json.h"
#include "log.h"
#include "os.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_MAX_LEN 1024

static int
open_log(const char *path)
{
	return open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
}

/* Whether the file ends in a piece of a line: a crash or a full device cut it short, and nobody was granted what it says. */
static bool
ends_in_a_piece(int fd, bool *ret_piece)
{
	struct stat st;
	char last = '\n';

	if (fstat(fd, &st) != 0 || (st.st_size > 0 && pread(fd, &last, 1, st.st_size - 1) != 1))
		return false;
	*ret_piece = last != '\n';
	return true;
}

/* The line is written and synced; behind a piece of another one it begins on a line of its own. */
static bool
append(int fd, const struct buf *line)
{
	bool piece = false;

	return ends_in_a_piece(fd, &piece) && (!piece || os_write_all(fd, "\n", 1)) && os_write_all(fd, line->data, line->len) && fsync(fd) == 0;
}

static enum err
make_line(const struct token_name *token, int64_t number, const struct store_escrow *row, struct buf *line)
{
	json_t *json = json_pack("{s:I, s:I, s:o, s:I, s:o}",
	    "time", (json_int_t)row->created,
	    "request", (json_int_t)number,
	    "token", token_name_json(token),
	    "version", (json_int_t)row->version,
	    "sealed", json_b64(row->sealed, sizeof(row->sealed)));
	enum err e = json != NULL ? json_dump(json, line) : ERR_NO_MEMORY;

	json_decref(json);
	if (e == ERR_OK)
		buf_add_text(line, "\n");
	return e == ERR_OK ? buf_error(line) : e;
}

enum err
escrow_log_append(const struct config *config, const struct token_name *token, int64_t number, const struct store_escrow *row)
{
	struct buf line = buf_new(LINE_MAX_LEN);
	enum err e = make_line(token, number, row, &line);
	int fd = e == ERR_OK ? open_log(config->escrow_log) : -1;

	if (e == ERR_OK && (fd < 0 || !append(fd, &line))) {
		log_error("escrow", "file=%s cause=%s", config->escrow_log, strerror(errno));
		e = ERR_STORE_FAILED;
	}
	if (fd >= 0)
		close(fd);
	buf_free(&line);
	return e;
}

enum err
escrow_log_check(const struct config *config)
{
	struct stat data;
	struct stat log;
	int fd = open_log(config->escrow_log);
	bool ok = fd >= 0 && fstat(fd, &log) == 0 && stat(config->data, &data) == 0;

	if (!ok)
		log_error("escrow", "file=%s cause=%s", config->escrow_log, strerror(errno));
	if (fd >= 0)
		close(fd);
	if (!ok)
		return ERR_CONFIG_INVALID;
	if (log.st_dev != data.st_dev || config->escrow_log_same_device)
		return ERR_OK;
	log_error("escrow", "file=%s cause=on the same device as the data; set escrow_log_same_device where that is meant", config->escrow_log);
	return ERR_CONFIG_INVALID;
}
