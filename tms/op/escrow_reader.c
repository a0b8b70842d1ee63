/* SPDX-License-Identifier: Apache-2.0 */
/* The escrow log, line by line. A line longer than any that was written is passed over as one that was damaged. */
#include "escrow_line.h"

#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct escrow_log_reader {
	FILE *file; /* NULL where there is none */
	bool failed;
	char line[ESCROW_LOG_LINE_MAX];
};

enum err
escrow_log_open(const char *path, struct escrow_log_reader **ret_reader)
{
	struct escrow_log_reader *r = calloc(1, sizeof(*r));
	int fd;

	if (r == NULL)
		return ERR_NO_MEMORY;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd >= 0)
		r->file = fdopen(fd, "r");
	if (r->file == NULL && (fd >= 0 || errno != ENOENT)) {
		log_error("escrow", "file=%s cause=%s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		free(r);
		return ERR_ESCROW_LOG_FAILED;
	}
	*ret_reader = r;
	return ERR_OK;
}

void
escrow_log_close(struct escrow_log_reader *r)
{
	if (r == NULL)
		return;
	if (r->file != NULL)
		fclose(r->file);
	free(r);
}

/* Bytes of the next line without its line feed, which may be more than were kept; false at the end. */
static bool
read_line(struct escrow_log_reader *r, size_t *ret_len)
{
	size_t len = 0;
	int c;

	for (c = getc_unlocked(r->file); c != EOF && c != '\n'; c = getc_unlocked(r->file)) {
		if (len < sizeof(r->line))
			r->line[len] = (char)c;
		len++;
	}
	*ret_len = len;
	if (ferror(r->file))
		r->failed = true;
	return !r->failed && (c != EOF || len != 0);
}

bool
escrow_log_next(struct escrow_log_reader *r, enum escrow_log_kind *ret_kind, struct escrow_log_line *ret_line, int64_t *ret_at)
{
	size_t len;

	if (r->file == NULL)
		return false;
	*ret_at = (int64_t)ftello(r->file);
	if (*ret_at < 0)
		r->failed = true;
	if (r->failed || !read_line(r, &len))
		return false;
	*ret_kind = len <= sizeof(r->line) ? escrow_line_read(r->line, len, ret_line) : ESCROW_LOG_DAMAGED;
	return true;
}

bool
escrow_log_failed(const struct escrow_log_reader *r)
{
	return r->failed;
}

enum err
escrow_log_at(struct escrow_log_reader *r, int64_t at, struct escrow_log_line *ret_line)
{
	size_t len;

	if (r->file == NULL || fseeko(r->file, (off_t)at, SEEK_SET) != 0 || !read_line(r, &len) || len > sizeof(r->line) ||
	    escrow_line_read(r->line, len, ret_line) != ESCROW_LOG_WHOLE)
		return ERR_ESCROW_LOG_FAILED;
	return ERR_OK;
}
