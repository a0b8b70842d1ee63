/* SPDX-License-Identifier: Apache-2.0 */
#include "prompt.h"

#include "assuan.h"
#include "buf.h"
#include "code.h"
#include "log.h"
#include "os.h"
#include "pin_rule.h"
#include "prompt_word.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW_MS  (5u * 60 * 1000) /* for a person to answer one window, its repetitions counted */
#define ROUNDS_MAX 5
#define TEXT_MAX   900 /* bytes of a window's text, so that its line fits even with its line ends escaped */

/* The variables that a window needs to find its screen and speak the person's language; nothing else of ours is handed on. */
static const char *const variables[] = {
	"DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS", "TERM", "LANG", "GPG_TTY", "HOME", "PATH"
};

#define VARIABLE_COUNT (sizeof(variables) / sizeof(variables[0]))

struct window {
	struct assuan assuan;
	const struct prompt_question *question;
	char min[12]; /* the PIN's limits as text */
	char max[12];
};

/* ---- the program ---- */

static void
free_environment(char *env[VARIABLE_COUNT + 1])
{
	for (size_t i = 0; i < VARIABLE_COUNT; i++)
		free(env[i]);
}

static bool
fill_environment(char *env[VARIABLE_COUNT + 1])
{
	size_t count = 0;

	for (size_t i = 0; i < VARIABLE_COUNT; i++) {
		const char *value = getenv(variables[i]);
		size_t len = value != NULL ? strlen(variables[i]) + strlen(value) + 2 : 0;
		if (value == NULL)
			continue;
		env[count] = malloc(len);
		if (env[count] == NULL)
			return false;
		snprintf(env[count++], len, "%s=%s", variables[i], value);
	}
	return true;
}

/* A pinentry without a screen asks on the terminal, if it is told which. It may refuse an option; that is its business. */
static enum err
offer_terminal(struct assuan *a)
{
	static const struct {
		const char *option;
		const char *variable;
	} options[] = { { "ttyname", "GPG_TTY" }, { "ttytype", "TERM" }, { "lc-ctype", "LANG" }, { "lc-messages", "LANG" } };

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		const char *value = getenv(options[i].variable);
		struct assuan_reply reply;
		char text[256];
		if (value == NULL || strlen(value) > sizeof(text) - sizeof("lc-messages="))
			continue;
		snprintf(text, sizeof(text), "%s=%s", options[i].option, value);
		enum err e = assuan_ask(a, "OPTION", text, &reply);
		secret_wipe(&reply.data);
		if (e != ERR_OK)
			return e;
	}
	return ERR_OK;
}

static enum err
open_program(struct assuan *a, const char *program)
{
	char *env[VARIABLE_COUNT + 1] = { 0 };
	enum err e = os_check_trusted(program);

	if (e != ERR_OK) {
		log_error("prompt", "program=%s result=%s", program, err_name(e));
		return e == ERR_PROFILE_UNSAFE ? ERR_PROFILE_UNSAFE : ERR_PROMPT_FAILED;
	}
	e = fill_environment(env) ? assuan_open(a, program, (const char *const *)env, os_now_ms() + WINDOW_MS) : ERR_NO_MEMORY;
	free_environment(env);
	if (e != ERR_OK)
		return e;
	e = offer_terminal(a);
	if (e != ERR_OK)
		assuan_close(a);
	return e;
}

/* ---- one window ---- */

/* A setting that every pinentry knows; one that refuses it would show the person less than we promise. */
static enum err
set(struct window *w, const char *command, const char *text)
{
	struct assuan_reply reply;
	enum err e = assuan_ask(&w->assuan, command, text, &reply);

	secret_wipe(&reply.data);
	if (e == ERR_OK && reply.error != 0) {
		log_debug("prompt", "command=%s code=%u", command, reply.error);
		return ERR_PROMPT_FAILED;
	}
	return e;
}

static enum err
set_word(struct window *w, const char *command, enum prompt_word word)
{
	const char *const values[] = { w->min, w->max, NULL };
	struct buf text = buf_new(TEXT_MAX);
	const char *filled;
	enum err e;

	prompt_fill(&text, word, w->question->language, values);
	filled = buf_text(&text);
	e = filled != NULL ? set(w, command, filled) : ERR_NO_MEMORY;
	buf_free(&text);
	return e;
}

/* Foreign text as a window may show it: nothing that reorders the line, nothing that a rich-text label would take for markup. */
static const char *
showable(const char *text)
{
	return text_is_showable(text, strlen(text)) && strpbrk(text, "<>&") == NULL ? text : "?";
}

/* Who asks, for which token, and what is wanted. */
static enum err
describe(struct window *w, enum prompt_word wanted)
{
	const struct prompt_question *q = w->question;
	const char *const head[] = { showable(q->origin), q->phrase, showable(q->label), showable(q->serial), NULL };
	const char *const limits[] = { w->min, w->max, NULL };
	struct buf text = buf_new(TEXT_MAX);
	const char *filled;
	enum err e;

	prompt_fill(&text, PROMPT_HEAD, q->language, head);
	prompt_fill(&text, wanted, q->language, limits);
	if (wanted == PROMPT_PIN && pin_characters_word(q->pin_characters) != PROMPT_NONE) {
		buf_add_text(&text, "\n");
		prompt_fill(&text, pin_characters_word(q->pin_characters), q->language, limits);
	}
	filled = buf_text(&text);
	e = filled != NULL ? set(w, "SETDESC", filled) : ERR_NO_MEMORY;
	buf_free(&text);
	return e;
}

static enum err
set_window(struct window *w, enum prompt_word wanted, enum prompt_word label)
{
	enum err e = describe(w, wanted);

	if (e == ERR_OK)
		e = set_word(w, "SETPROMPT", label);
	return e;
}

/* An answer of GETPIN that is no answer. */
static enum err
refusal(unsigned code)
{
	if (code == ASSUAN_CANCELED || code == ASSUAN_FULLY_CANCELED || code == ASSUAN_NOT_CONFIRMED || code == ASSUAN_TIMEOUT)
		return ERR_PROMPT_CANCELLED;
	log_debug("prompt", "command=GETPIN code=%u", code);
	return ERR_PROMPT_FAILED;
}

/* Shows the window, with what was wrong the last time, and takes what is typed. The caller wipes the reply. */
static enum err
get(struct window *w, enum prompt_word fault, struct assuan_reply *ret)
{
	enum err e = fault != PROMPT_NONE ? set_word(w, "SETERROR", fault) : ERR_OK;

	*ret = (struct assuan_reply){ 0 };
	if (e == ERR_OK)
		e = assuan_ask(&w->assuan, "GETPIN", NULL, ret);
	if (e == ERR_OK && ret->error != 0)
		e = refusal(ret->error);
	if (e != ERR_OK)
		secret_wipe(&ret->data);
	return e;
}

/* ---- the code ---- */

static enum prompt_word
take_code(const struct assuan_reply *reply, struct secret *ret_code)
{
	if (!pin_is_typed_plainly(&reply->data))
		return PROMPT_INPUT_METHOD;
	return code_read(&reply->data, ret_code) ? PROMPT_NONE : PROMPT_CODE_TYPO;
}

static enum err
ask_code(struct window *w, struct secret *ret_code)
{
	enum prompt_word fault = PROMPT_NONE;
	enum err e = set_window(w, PROMPT_CODE, PROMPT_CODE_LABEL);

	for (unsigned round = 0; e == ERR_OK && round < ROUNDS_MAX; round++) {
		struct assuan_reply reply;
		e = get(w, fault, &reply);
		if (e != ERR_OK)
			break;
		fault = take_code(&reply, ret_code);
		secret_wipe(&reply.data);
		if (fault == PROMPT_NONE)
			return ERR_OK;
	}
	return e != ERR_OK ? e : ERR_CODE_WRONG;
}

/* ---- the new PIN ---- */

/* Asks the window to have it typed twice. A pinentry that cannot says so, or does not report PIN_REPEATED. */
static enum err
want_repeat(struct window *w)
{
	const char *lang = w->question->language;
	struct assuan_reply reply;
	enum err e = assuan_ask(&w->assuan, "SETREPEAT", prompt_word(PROMPT_REPEAT_LABEL, lang), &reply);

	secret_wipe(&reply.data);
	if (e != ERR_OK || reply.error != 0)
		return e;
	e = assuan_ask(&w->assuan, "SETREPEATERROR", prompt_word(PROMPT_PIN_DIFFERS, lang), &reply);
	secret_wipe(&reply.data);
	return e;
}

/* The second entry in a window of its own. */
static enum err
ask_again(struct window *w, const struct secret *pin, enum prompt_word *ret_fault)
{
	struct assuan_reply reply = { 0 };
	enum err e = set_window(w, PROMPT_REPEAT, PROMPT_REPEAT_LABEL);

	if (e == ERR_OK)
		e = get(w, PROMPT_NONE, &reply);
	if (e == ERR_OK)
		*ret_fault = secret_equal(&reply.data, pin) ? PROMPT_NONE : PROMPT_PIN_DIFFERS;
	secret_wipe(&reply.data);
	return e;
}

/* One round: *ret_fault says what to tell the person, PROMPT_NONE that the PIN is taken. */
static enum err
ask_pin_once(struct window *w, const struct secret *code, struct secret *ret_pin, enum prompt_word *ret_fault)
{
	const struct prompt_question *q = w->question;
	struct assuan_reply reply = { 0 };
	enum err e = set_window(w, PROMPT_PIN, PROMPT_PIN_LABEL);

	if (e == ERR_OK)
		e = want_repeat(w);
	if (e == ERR_OK)
		e = get(w, *ret_fault, &reply);
	if (e != ERR_OK)
		return e;
	*ret_fault = reply.too_long ? PROMPT_PIN_LENGTH : pin_fault(&reply.data, q->pin_min, q->pin_max, q->pin_characters, code);
	if (*ret_fault == PROMPT_NONE && !reply.repeated)
		e = ask_again(w, &reply.data, ret_fault);
	if (e == ERR_OK && *ret_fault == PROMPT_NONE)
		*ret_pin = reply.data;
	secret_wipe(&reply.data);
	return e;
}

static enum err
ask_pin(struct window *w, const struct secret *code, struct secret *ret_pin)
{
	enum prompt_word fault = PROMPT_NONE;

	w->assuan.deadline_ms = os_now_ms() + WINDOW_MS;
	for (unsigned round = 0; round < ROUNDS_MAX; round++) {
		enum err e = ask_pin_once(w, code, ret_pin, &fault);
		if (e != ERR_OK || fault == PROMPT_NONE)
			return e;
	}
	return ERR_PIN_REFUSED;
}

/* ---- both ---- */

static enum err
dress(struct window *w)
{
	enum err e = set_word(w, "SETTITLE", PROMPT_TITLE);

	if (e == ERR_OK)
		e = set_word(w, "SETOK", PROMPT_OK);
	if (e == ERR_OK)
		e = set_word(w, "SETCANCEL", PROMPT_CANCEL);
	return e;
}

enum err
prompt_ask(const struct prompt_question *question, struct secret *ret_code, struct secret *ret_pin)
{
	struct window w = { .question = question };
	unsigned max = question->pin_max != 0 && question->pin_max < SECRET_MAX ? question->pin_max : SECRET_MAX;
	enum err e = open_program(&w.assuan, question->program);

	if (e != ERR_OK)
		return e;
	snprintf(w.min, sizeof(w.min), "%u", question->pin_min != 0 ? question->pin_min : 1);
	snprintf(w.max, sizeof(w.max), "%u", max);
	e = dress(&w);
	if (e == ERR_OK)
		e = ask_code(&w, ret_code);
	if (e == ERR_OK)
		e = ask_pin(&w, ret_code, ret_pin);
	if (e != ERR_OK) {
		secret_wipe(ret_code);
		secret_wipe(ret_pin);
	}
	assuan_close(&w.assuan);
	return e;
}
