/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log: one line an event on stderr, "TIME PROGRAM LEVEL area key=value ...", or the same as a JSON object. Bodies and secrets are never logged, at any level.
 *
 * Values are escaped, so that no foreign text can forge a line. MOKHOA_LOG=debug shows what the floors below dispatch noticed,
 * MOKHOA_LOG=error nothing but failures. Any thread may call; a line is one write and at most 1 KiB before it is escaped.
 */
#ifndef MOKHOA_LOG_H
#define MOKHOA_LOG_H

#include <stdbool.h>
#include <stddef.h>

enum log_level {
	LOG_ERROR,
	LOG_INFO,
	LOG_DEBUG
};

/* Names the program at the head of each line and reads MOKHOA_LOG; may be called again. */
void log_open(const char *program);
bool log_shows(enum log_level level);

enum log_format {
	LOG_TEXT,
	LOG_JSON /* {"time", "program", "level", "area", and each key; "message": words before the first key} */
};

/* What a configuration says, from the next line on; a level that MOKHOA_LOG names stays. Any time, any thread. */
void log_configure(enum log_format format, enum log_level level);

/* What the compiler calls the printf of C17: the build says so where that is not its "printf" (mingw). */
#ifndef MOKHOA_PRINTF
#define MOKHOA_PRINTF printf
#endif

/* A printf line; format must not print a request's body. What is not showable text (text.h), and the backslash, is written as \xNN. */
#if defined(__GNUC__)
__attribute__((format(MOKHOA_PRINTF, 3, 4)))
#endif
void
log_line(enum log_level level, const char *area, const char *format, ...);

#define log_error(area, ...) log_line(LOG_ERROR, area, __VA_ARGS__)
#define log_info(area, ...)  log_line(LOG_INFO, area, __VA_ARGS__)
#define log_debug(area, ...) \
	do { \
		if (log_shows(LOG_DEBUG)) \
			log_line(LOG_DEBUG, area, __VA_ARGS__); \
	} while (0)

#endif
