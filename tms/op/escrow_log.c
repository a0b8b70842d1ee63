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
	return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
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

	if (e == ERR_OK && (fd < 0 || !os_write_all(fd, line.data, line.len) || fsync(fd) != 0)) {
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
