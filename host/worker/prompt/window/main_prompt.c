/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mokhoa-prompt: the pinentry of Windows. It speaks as much of the Assuan protocol as pinentry's users do (assuan.h is the other half), and shows a window of
 * its own (window.h) for GETPIN. The worker starts it as it starts any other pinentry that a profile names.
 */
#include "assuan.h"
#include "buf.h"
#include "log.h"
#include "os.h"
#include "secret.h"
#include "text.h"
#include "window.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN_MAX 1024				       /* bytes of a text */
#define CANCELLED "ERR 83886179 Operation cancelled\n" /* GPG_ERR_CANCELED with pinentry as its source */
#define NO_WINDOW "ERR 83886340 No window can be shown\n"
#define TOO_LONG  "ERR 83886147 Line too long\n"
#define UNKNOWN	  "ERR 83886355 Unknown command\n"

enum setting {
	TITLE,
	DESCRIPTION,
	LABEL,
	FAULT,
	REPEAT,
	REPEAT_FAULT,
	OK,
	CANCEL,
	SETTING_COUNT
};

static const char *const setting_names[SETTING_COUNT] = {
	[TITLE] = "SETTITLE",
	[DESCRIPTION] = "SETDESC",
	[LABEL] = "SETPROMPT",
	[FAULT] = "SETERROR",
	[REPEAT] = "SETREPEAT",
	[REPEAT_FAULT] = "SETREPEATERROR",
	[OK] = "SETOK",
	[CANCEL] = "SETCANCEL",
};

struct prompt {
	intptr_t in;
	intptr_t out;
	struct buf line;
	char text[SETTING_COUNT][SHOWN_MAX];
};

static bool
say(const struct prompt *p, const char *text)
{
	return os_write_all(p->out, text, strlen(text));
}

/* ---- settings ---- */

static unsigned
digit(char c)
{
	static const char digits[] = "0123456789ABCDEF";
	const char *at = c != '\0' ? strchr(digits, c >= 'a' && c <= 'f' ? c - 'a' + 'A' : c) : NULL;

	return at != NULL ? (unsigned)(at - digits) : 16;
}

/* %XX is a byte; what is no escape stands for itself. False where it does not fit or is no UTF-8. */
static bool
unescape(const char *text, char ret[SHOWN_MAX])
{
	size_t len = 0;

	for (; *text != '\0'; text++) {
		unsigned high = *text == '%' ? digit(text[1]) : 16, low = high < 16 ? digit(text[2]) : 16;
		if (len + 1 >= SHOWN_MAX)
			return false;
		ret[len++] = high < 16 && low < 16 ? (char)(high << 4 | low) : *text;
		if (high < 16 && low < 16)
			text += 2;
	}
	ret[len] = '\0';
	return strlen(ret) == len && text_is_utf8(ret, len);
}

/* Whether the line is this command; *ret_rest is what follows its blank. */
static bool
is_command(const char *line, const char *name, const char **ret_rest)
{
	size_t len = strlen(name);

	if (strncmp(line, name, len) != 0 || (line[len] != '\0' && line[len] != ' '))
		return false;
	*ret_rest = line[len] == ' ' ? line + len + 1 : line + len;
	return true;
}

/* ---- GETPIN ---- */

/* The secret as a D line, in a buffer that is wiped. */
static bool
answer(const struct prompt *p, struct secret *secret, bool repeated)
{
	struct buf b = buf_new(4 * SECRET_MAX);
	char one[2] = "";
	bool sent;

	if (repeated)
		buf_add_text(&b, "S PIN_REPEATED\n");
	if (secret->len != 0) {
		buf_add_text(&b, "D ");
		for (size_t i = 0; i < secret->len; i++) {
			one[0] = (char)secret->bytes[i];
			assuan_escape(&b, one);
		}
		buf_add_text(&b, "\n");
	}
	buf_add_text(&b, "OK\n");
	wipe(one, sizeof(one));
	sent = buf_error(&b) == ERR_OK && os_write_all(p->out, b.data, b.len);
	buf_free(&b);
	return sent;
}

static bool
get_pin(struct prompt *p)
{
	const struct window_texts texts = {
		.title = p->text[TITLE],
		.description = p->text[DESCRIPTION],
		.label = p->text[LABEL],
		.fault = p->text[FAULT],
		.repeat = p->text[REPEAT],
		.repeat_fault = p->text[REPEAT_FAULT],
		.ok = p->text[OK],
		.cancel = p->text[CANCEL],
	};
	struct secret secret = { 0 };
	enum window_end end = window_ask(&texts, p->in, &secret);
	bool repeated = p->text[REPEAT][0] != '\0', said;

	if (end == WINDOW_TAKEN)
		said = answer(p, &secret, repeated);
	else
		said = say(p, end == WINDOW_CANCELLED ? CANCELLED : NO_WINDOW);
	secret_wipe(&secret);
	/* as pinentry: these hold for one question */
	p->text[FAULT][0] = p->text[REPEAT][0] = p->text[REPEAT_FAULT][0] = '\0';
	return said;
}

/* ---- lines ---- */

/* False where it is time to end. */
static bool
obey(struct prompt *p, const char *line)
{
	const char *rest;

	for (size_t i = 0; i < SETTING_COUNT; i++)
		if (is_command(line, setting_names[i], &rest))
			return say(p, unescape(rest, p->text[i]) ? "OK\n" : TOO_LONG);
	if (is_command(line, "GETPIN", &rest))
		return get_pin(p);
	if (is_command(line, "OPTION", &rest) || is_command(line, "RESET", &rest) || is_command(line, "NOP", &rest))
		return say(p, "OK\n");
	if (is_command(line, "BYE", &rest)) {
		(void)say(p, "OK\n");
		return false;
	}
	return say(p, UNKNOWN);
}

/* The next line without its end, as text; NULL at the end of file or where it is longer than a line may be. */
static const char *
next_line(struct prompt *p, size_t *ret_used)
{
	for (;;) {
		unsigned char *end = p->line.len != 0 ? memchr(p->line.data, '\n', p->line.len) : NULL;
		size_t room = p->line.max - p->line.len;
		unsigned char *at;
		long got;

		if (end != NULL) {
			*ret_used = (size_t)(end - p->line.data) + 1;
			*end = '\0';
			return (const char *)p->line.data;
		}
		at = room != 0 ? buf_room(&p->line, room) : NULL;
		got = at != NULL ? os_read(p->in, at, room) : -1;
		if (got <= 0)
			return NULL;
		buf_grew(&p->line, (size_t)got);
	}
}

int
main(void)
{
	static struct prompt p;
	const char *line;
	size_t used;

	os_harden();
	os_take_stdio(&p.in, &p.out);
	log_open("mokhoa-prompt");
	p.line = buf_new(ASSUAN_LINE_MAX + 2);
	if (!say(&p, "OK mokhoa-prompt\n"))
		return EXIT_FAILURE;
	while ((line = next_line(&p, &used)) != NULL && obey(&p, line))
		buf_drop(&p.line, used);
	buf_free(&p.line);
	return EXIT_SUCCESS;
}
