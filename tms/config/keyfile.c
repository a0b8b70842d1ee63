/* SPDX-License-Identifier: Apache-2.0 */
#include "keyfile.h"

#include "log.h"
#include "os.h"
#include "secret.h"
#include "text.h"

#define LINE_MAX_LEN 256 /* bytes of a file that holds one key */

static bool
decode_line(const struct buf *b, void *ret, size_t len)
{
	size_t line = b->len;
	size_t got = 0;

	while (line != 0 && (b->data[line - 1] == '\n' || b->data[line - 1] == '\r'))
		line--;
	return text_b64_decode((const char *)b->data, line, ret, len, &got) && got == len;
}

enum err
keyfile_read(const char *path, void *ret, size_t len)
{
	struct buf b = buf_new(LINE_MAX_LEN);
	enum err e = os_read_file(path, &b);

	if (e != ERR_OK || b.len == 0 || !decode_line(&b, ret, len)) {
		log_error("config", "file=%s cause=missing, or not one line of base64url of %zu bytes", path, len);
		wipe(ret, len);
		e = ERR_CONFIG_INVALID;
	}
	buf_free(&b);
	return e;
}

enum err
keyfile_write_as(const char *path, const void *bytes, size_t len, unsigned mode, const char *like)
{
	char line[LINE_MAX_LEN];
	enum err e;

	if (TEXT_B64_LEN(len) + 2 > sizeof(line))
		return ERR_INTERNAL;
	text_b64_encode(bytes, len, line);
	line[TEXT_B64_LEN(len)] = '\n';
	e = os_write_as(path, line, TEXT_B64_LEN(len) + 1, mode, like);
	wipe(line, sizeof(line));
	return e;
}

enum err
keyfile_write(const char *path, const void *bytes, size_t len)
{
	return keyfile_write_as(path, bytes, len, 0600, path);
}
