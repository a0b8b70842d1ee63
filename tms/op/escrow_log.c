/* SPDX-License-Identifier: Apache-2.0 */
#include "escrow_log.h"

#include "escrow_line.h"
#include "log.h"
#include "os.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the file ---- */

/*
 * A new file belongs to whoever owns its folder, because an operator's command may be the first to write, as root, and the server must go on; its name is on
 * the disk only after its folder is.
 */
static bool
settle_new(int fd, const char *path)
{
	char folder[OS_PATH_MAX];
	struct stat st;
	char *slash;
	int at;
	bool settled;

	if (snprintf(folder, sizeof(folder), "%s", path) >= (int)sizeof(folder))
		return false;
	slash = strrchr(folder, '/');
	if (slash == NULL)
		snprintf(folder, sizeof(folder), ".");
	else
		slash[slash == folder ? 1 : 0] = '\0';
	at = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	settled = at >= 0 && fstat(at, &st) == 0 && (geteuid() != 0 || fchown(fd, st.st_uid, st.st_gid) == 0) && fsync(at) == 0;
	os_close(at);
	return settled;
}

static int
open_log(const char *path)
{
	int fd = open(path, O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW);

	if (fd >= 0 || errno != ENOENT)
		return fd;
	fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
	if (fd >= 0 && !settle_new(fd, path)) {
		os_close(fd);
		return -1;
	}
	return fd;
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

/* Written and synced; behind a piece of another line it begins on a line of its own. */
static bool
append(int fd, const struct buf *batch)
{
	bool piece = false;

	return ends_in_a_piece(fd, &piece) && (!piece || os_write_all(fd, "\n", 1)) && os_write_all(fd, batch->data, batch->len) && fsync(fd) == 0;
}

enum err
escrow_log_write(const struct config *config, const struct buf *batch)
{
	int fd;
	bool written;

	if (buf_error(batch) != ERR_OK || batch->len == 0)
		return buf_error(batch);
	fd = open_log(config->escrow_log);
	written = fd >= 0 && append(fd, batch);
	if (!written)
		log_error("escrow", "file=%s cause=%s; no SO PIN is granted or imported until it can be written", config->escrow_log, strerror(errno));
	os_close(fd);
	return written ? ERR_OK : ERR_ESCROW_LOG_FAILED;
}

/* ---- what is written ---- */

struct buf
escrow_log_batch(size_t lines)
{
	return buf_new(lines * ESCROW_LOG_LINE_MAX);
}

enum err
escrow_log_add(struct store *s, const struct token_name *token, int64_t number, int64_t now, struct buf *batch)
{
	struct escrow_log_line line = { .time = now, .request = number };
	enum err e = store_candidates_of(s, token, &line.candidates);

	return e == ERR_OK ? escrow_line_write(&line, batch) : e;
}

enum err
escrow_log_append(const struct config *config, struct store *s, const struct token_name *token, int64_t number, int64_t now)
{
	struct buf batch = escrow_log_batch(1);
	enum err e = escrow_log_add(s, token, number, now, &batch);

	if (e == ERR_OK)
		e = escrow_log_write(config, &batch);
	buf_free(&batch);
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
	os_close(fd);
	if (!ok)
		return ERR_CONFIG_INVALID;
	if (log.st_dev != data.st_dev || config->escrow_log_same_device)
		return ERR_OK;
	log_error("escrow", "file=%s cause=on the same device as the data; set escrow_log_same_device where that is meant", config->escrow_log);
	return ERR_CONFIG_INVALID;
}
