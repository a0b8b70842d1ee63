/* SPDX-License-Identifier: Apache-2.0 */
#include "escrow_log.h"

#include "append_file.h"
#include "escrow_line.h"
#include "log.h"
#include "os.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

enum err
escrow_log_write(const struct config *config, const struct buf *batch)
{
	if (buf_error(batch) != ERR_OK || batch->len == 0)
		return buf_error(batch);
	if (append_file_write(config->escrow_log, batch))
		return ERR_OK;
	log_error("escrow", "file=%s cause=%s; no SO PIN is granted or imported until it can be written", config->escrow_log, strerror(errno));
	return ERR_ESCROW_LOG_FAILED;
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
	int fd = append_file_open(config->escrow_log);
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
