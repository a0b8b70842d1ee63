/* SPDX-License-Identifier: Apache-2.0 */
#include "log.h"
#include "os.h"
#include "text.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGE_MAX 1024 /* bytes of a line before they are escaped; more is cut */
#define HEAD_MAX    192	 /* bytes of time, program, level and area */

static char program_name[32] = "mokhoa";
static bool named; /* MOKHOA_LOG has said the level */
/* read by threads while another configures: either value will do */
static volatile sig_atomic_t shown = LOG_INFO;
static volatile sig_atomic_t format_now = LOG_TEXT;
static const char *const level_names[] = { [LOG_ERROR] = "error", [LOG_INFO] = "info", [LOG_DEBUG] = "debug" };

void
log_open(const char *program)
{
	const char *wanted = getenv("MOKHOA_LOG");

	text_copy(program_name, sizeof(program_name), program);
	shown = LOG_INFO;
	named = false;
	for (size_t i = 0; wanted != NULL && i < sizeof(level_names) / sizeof(level_names[0]); i++)
		if (strcmp(wanted, level_names[i]) == 0) {
			shown = (sig_atomic_t)i;
			named = true;
		}
}

void
log_configure(enum log_format format, enum log_level level)
{
	format_now = (sig_atomic_t)format;
	if (!named)
		shown = (sig_atomic_t)level;
}

bool
log_shows(enum log_level level)
{
	return (sig_atomic_t)level <= shown;
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

/* ---- as JSON ---- */

#define PAIRS_MAX 24 /* keys of a line; what follows stays in the last value */

/* A piece of the escaped message. */
struct piece {
	const char *at;
	size_t len;
};

struct pair {
	struct piece key;
	struct piece value;
};

/* Whether a piece begins with "key=", and how long the key is. */
static size_t
key_len(const char *text, const char *end)
{
	size_t len = 0;

	while (text + len < end && ((text[len] >= 'a' && text[len] <= 'z') || (len != 0 && (text[len] == '_' || (text[len] >= '0' && text[len] <= '9')))))
		len++;
	return len != 0 && text + len < end && text[len] == '=' ? len : 0;
}

/* The first of a name counts: no value that came from outside can say another. */
static bool
is_taken(const struct pair *pairs, size_t count, const char *key, size_t len)
{
	static const char *const ours[] = { "time", "program", "level", "area", "message" };

	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (strlen(ours[i]) == len && memcmp(ours[i], key, len) == 0)
			return true;
	for (size_t i = 0; i < count; i++)
		if (pairs[i].key.len == len && memcmp(pairs[i].key.at, key, len) == 0)
			return true;
	return false;
}

/* pairs[0] is what stands before the first key. */
static size_t
split(const char *text, size_t len, struct pair pairs[PAIRS_MAX])
{
	const char *end = text + len;
	size_t count = 1;

	pairs[0] = (struct pair){ .key = { "message", 7 }, .value = { text, len } };
	for (const char *at = text; at < end; at++) {
		size_t key = at == text || at[-1] == ' ' ? key_len(at, end) : 0;
		if (key == 0 || count == PAIRS_MAX || is_taken(pairs, count, at, key))
			continue;
		pairs[count - 1].value.len = (size_t)(at - pairs[count - 1].value.at) - (at != text);
		pairs[count++] = (struct pair){ .key = { at, key }, .value = { at + key + 1, (size_t)(end - at) - key - 1 } };
	}
	return count;
}

/* The text is showable, so that two characters are all that JSON wants escaped. */
static size_t
add_string(char *ret, struct piece piece)
{
	size_t out = 0;

	ret[out++] = '"';
	for (size_t i = 0; i < piece.len; i++) {
		if (piece.at[i] == '"' || piece.at[i] == '\\')
			ret[out++] = '\\';
		ret[out++] = piece.at[i];
	}
	ret[out++] = '"';
	return out;
}

static size_t
write_json(char *line, const char *now, enum log_level level, const char *area, const char *message, size_t len)
{
	struct pair pairs[PAIRS_MAX];
	size_t count = split(message, len, pairs);
	size_t used;

	snprintf(line, HEAD_MAX, "{\"time\":\"%s\",\"program\":\"%s\",\"level\":\"%s\",\"area\":\"%.32s\"", now, program_name, level_names[level], area);
	used = strlen(line);
	for (size_t i = 0; i < count; i++) {
		if (i == 0 && pairs[i].value.len == 0)
			continue;
		line[used++] = ',';
		used += add_string(line + used, pairs[i].key);
		line[used++] = ':';
		used += add_string(line + used, pairs[i].value);
	}
	line[used++] = '}';
	return used;
}

static size_t
write_text(char *line, const char *now, enum log_level level, const char *area, const char *message, size_t len)
{
	size_t used;

	snprintf(line, HEAD_MAX, "%s %s %s %.32s ", now, program_name, level_names[level], area);
	used = strlen(line);
	memcpy(line + used, message, len);
	return used + len;
}

void
log_line(enum log_level level, const char *area, const char *format, ...)
{
	char message[MESSAGE_MAX];
	char escaped[4 * MESSAGE_MAX];
	char line[HEAD_MAX + 8 * MESSAGE_MAX + 6 * PAIRS_MAX + 2];
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
	used = escape(message, (size_t)len < sizeof(message) ? (size_t)len : sizeof(message) - 1, escaped);
	used = (format_now == LOG_JSON ? write_json : write_text)(line, now, level, area, escaped, used);
	line[used++] = '\n';
	os_log(line, used);
}
