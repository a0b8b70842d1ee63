/* SPDX-License-Identifier: Apache-2.0 */
#include "log.h"
#include "os.h"
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGE_MAX 1024 /* bytes of a line before they are escaped; more is cut */
#define HEAD_MAX    128	 /* bytes of time, program, level and area */

static char program_name[32] = "mokhoa";
static enum log_level shown = LOG_INFO;
static const char *const level_names[] = { [LOG_ERROR] = "error", [LOG_INFO] = "info", [LOG_DEBUG] = "debug" };

void
log_open(const char *program)
{
	const char *wanted = getenv("MOKHOA_LOG");

	text_copy(program_name, sizeof(program_name), program);
	shown = LOG_INFO;
	for (size_t i = 0; wanted != NULL && i < sizeof(level_names) / sizeof(level_names[0]); i++)
		if (strcmp(wanted, level_names[i]) == 0)
			shown = (enum log_level)i;
}

bool
log_shows(enum log_level level)
{
	return level <= shown;
}

/* Appends one byte as \xNN. */
static size_t
add_escaped(char *ret, char c)
{
	memcpy(ret, "\\x", 2);
	text_hex(&c, 1, ret + 2);
	return 4;
}

/* Writes at most 4 * len bytes. The backslash is escaped too, so that a reader can undo it. */
static size_t
escape(const char *text, size_t len, char *ret)
{
	size_t out = 0;

	for (size_t at = 0; at < len;) {
		uint32_t point;
		size_t size = text_char(text + at, len - at, &point);
		if (size != 0 && text[at] != '\\' && text_is_showable(text + at, size)) {
			memcpy(ret + out, text + at, size);
			out += size;
			at += size;
		} else {
			out += add_escaped(ret + out, text[at++]);
		}
	}
	return out;
}

void
log_line(enum log_level level, const char *area, const char *format, ...)
{
	char message[MESSAGE_MAX];
	char line[HEAD_MAX + 4 * MESSAGE_MAX + 1];
	char now[TEXT_TIME_LEN + 1];
	va_list args;
	int len;
	size_t used;

	if (!log_shows(level))
		return;
	va_start(args, format);
	len = vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	if (len < 0)
		return;
	text_time(os_time(), now);
	snprintf(line, HEAD_MAX, "%s %s %s %.32s ", now, program_name, level_names[level], area);
	used = strlen(line);
	used += escape(message, (size_t)len < sizeof(message) ? (size_t)len : sizeof(message) - 1, line + used);
	line[used++] = '\n';
	os_log(line, used);
}
