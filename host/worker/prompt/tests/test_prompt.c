/* SPDX-License-Identifier: Apache-2.0 */
/* The prompt against a pinentry that plays a person. Runs on a stage, where a folder can be one that only the administrator may write. */
#include "prompt.h"

#include "assuan.h"
#include "check.h"
#include "code.h"
#include "err.h"
#include "os.h"
#include "seen.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER	"/run/prompt"
#define PROGRAM FOLDER "/pinentry"

static char code_text[CODE_SHOWN_LEN + 1];
static struct secret code_wanted;

static const struct prompt_question question = {
	.program = PROGRAM,
	.language = "vi",
	.origin = "https://portal.example",
	.phrase = "ABCD-2345",
	.label = "Nguyễn Văn An",
	.serial = "DENK0100001",
	.pin_min = 6,
	.pin_max = 16,
};

static struct secret code, pin;

/* Lets the person give these answers; %C in them is the right code. */
static enum err
ask_as(const struct prompt_question *q, const char *answers)
{
	FILE *f = fopen(FOLDER "/pinentry.answers", "w");

	remove(FOLDER "/pinentry.log");
	for (; f != NULL && *answers != '\0'; answers++) {
		if (answers[0] == '%' && answers[1] == 'C') {
			fputs(code_text, f);
			answers++;
		} else {
			fputc(*answers, f);
		}
	}
	if (f != NULL)
		fclose(f);
	code = pin = (struct secret){ 0 };
	return prompt_ask(q, &code, &pin);
}

static enum err
ask(const char *answers)
{
	return ask_as(&question, answers);
}

/* How often the log of what was shown has this text. */
static unsigned
shown(const char *text)
{
	static char log[65536];
	FILE *f = fopen(FOLDER "/pinentry.log", "r");
	unsigned count = 0;
	size_t len = f != NULL ? fread(log, 1, sizeof(log) - 1, f) : 0;

	if (f != NULL)
		fclose(f);
	log[len] = '\0';
	for (const char *at = strstr(log, text); at != NULL; at = strstr(at + 1, text))
		count++;
	return count;
}

static bool
pin_is(const char *text)
{
	return pin.len == strlen(text) && memcmp(pin.bytes, text, pin.len) == 0;
}

static bool
nothing_is_left(void)
{
	return code.len == 0 && pin.len == 0;
}

static void
code_and_pin_are_taken(void)
{
	CHECK(ask("type %C\ntype 739152\n") == ERR_OK);
	CHECK(secret_equal(&code, &code_wanted));
	CHECK(pin_is("739152"));
	CHECK(shown("window ") == 2);
	CHECK(shown("https://portal.example") == 2);
	CHECK(shown("ABCD-2345") == 2);
	CHECK(shown("Nguyễn Văn An") == 2);
	CHECK(shown("DENK0100001") == 2);
	CHECK(shown("từ 6 đến 16 ký tự") == 1);
	CHECK(shown("SETERROR") == 0);
	/* what is typed is the other side's to see, and nobody's to log */
	CHECK(shown(code_text) == 0);
	CHECK(shown("739152") == 0);
}

static void
english_is_spoken(void)
{
	struct prompt_question q = question;

	q.language = "en";
	CHECK(ask_as(&q, "type %C\ntype 739152\n") == ERR_OK);
	CHECK(shown("Check phrase: ABCD-2345") == 2);
	CHECK(shown("6 to 16 characters") == 1);
}

static void
foreign_text_is_not_markup(void)
{
	struct prompt_question q = question;

	q.label = "<b>An</b>";
	q.serial = "12\xe2\x80\xae"
		   "34";
	CHECK(ask_as(&q, "type %C\ntype 739152\n") == ERR_OK);
	CHECK(shown("<b>") == 0);
	CHECK(shown("\xe2\x80\xae") == 0);
	CHECK(shown("Token: ?,") == 2);
}

static void
a_percent_sign_survives(void)
{
	CHECK(ask("type %C\ntype 50%off!\n") == ERR_OK);
	CHECK(pin_is("50%off!"));
}

static void
a_mistyped_code_is_asked_again(void)
{
	CHECK(ask("type AAAA-AAAA-AAAA-B\ntype %C\ntype 739152\n") == ERR_OK);
	CHECK(shown("window ") == 3);
	CHECK(shown("SETERROR Mã chưa đúng") == 1);
	CHECK(ask("type mã\ntype %C\ntype 739152\n") == ERR_OK);
	CHECK(shown("SETERROR Tắt bộ gõ tiếng Việt") == 1);
	CHECK(ask("type 1\ntype 2\ntype 3\ntype 4\ntype 5\ntype %C\ntype 739152\n") == ERR_CODE_WRONG);
	CHECK(shown("window ") == 5);
	CHECK(nothing_is_left());
}

static void
an_unusable_pin_is_asked_again(void)
{
	CHECK(ask("type %C\ntype 7391\ntype %C\ntype mật khẩu\ntype 123456\ntype 739152\n") == ERR_OK);
	CHECK(pin_is("739152"));
	CHECK(shown("SETERROR Mã PIN phải dài từ 6 đến 16 ký tự.") == 1);
	CHECK(shown("SETERROR Đây là mã xác nhận.") == 1);
	CHECK(shown("SETERROR Tắt bộ gõ tiếng Việt") == 1);
	CHECK(shown("SETERROR Mã PIN này quá dễ đoán.") == 1);
	CHECK(ask("type %C\ntype 1\ntype 2\ntype 3\ntype 4\ntype 5\ntype 739152\n") == ERR_PIN_REFUSED);
	CHECK(nothing_is_left());
}

static void
a_very_long_pin_is_only_too_long(void)
{
	char answers[512] = "type %C\ntype ";
	size_t len = strlen(answers);

	memset(answers + len, 'x', 300);
	strcpy(answers + len + 300, "\ntype 739152\n");
	CHECK(ask(answers) == ERR_OK);
	CHECK(shown("SETERROR Mã PIN phải dài") == 1);
	CHECK(pin_is("739152"));
}

static void
a_pinentry_that_cannot_repeat_asks_twice(void)
{
	CHECK(ask("type %C\nold\ntype 739152\ntype 739152\n") == ERR_OK);
	CHECK(pin_is("739152"));
	CHECK(shown("window ") == 3);
	CHECK(ask("type %C\nsilent\ntype 739152\ntype 739152\n") == ERR_OK);
	CHECK(shown("window ") == 3);
	CHECK(ask("type %C\nold\ntype 739152\ntype 739153\ntype 846173\ntype 846173\n") == ERR_OK);
	CHECK(shown("SETERROR Hai lần nhập không giống nhau.") == 1);
	CHECK(pin_is("846173"));
	CHECK(ask("type %C\nold\ntype 739152\ncancel\n") == ERR_PROMPT_CANCELLED);
	CHECK(nothing_is_left());
}

static void
a_closed_window_is_cancelled(void)
{
	CHECK(ask("cancel\n") == ERR_PROMPT_CANCELLED);
	CHECK(ask("type %C\ncancel\n") == ERR_PROMPT_CANCELLED);
	CHECK(nothing_is_left());
	CHECK(ask("timeout\n") == ERR_PROMPT_CANCELLED);
	seen(err_name(ERR_PROMPT_CANCELLED), "test_prompt");
}

static void
a_broken_pinentry_is_noticed(void)
{
	struct prompt_question q = question;

	CHECK(ask("crash\n") == ERR_PROMPT_FAILED);
	CHECK(ask("type %C\ncrash\n") == ERR_PROMPT_FAILED);
	CHECK(nothing_is_left());
	CHECK(ask("nonsense\n") == ERR_PROMPT_FAILED);
	q.program = FOLDER "/absent";
	CHECK(ask_as(&q, "type %C\n") == ERR_PROMPT_FAILED);
	q.program = FOLDER "/mute";
	CHECK(ask_as(&q, "type %C\n") == ERR_PROMPT_FAILED);
	seen(err_name(ERR_PROMPT_FAILED), "test_prompt");
}

/* Below the prompt, whose windows wait five minutes. */
static void
nobody_waits_for_ever(void)
{
	const char *const env[] = { NULL };
	struct assuan a;
	struct assuan_reply reply;
	FILE *f = fopen(FOLDER "/pinentry.answers", "w");
	uint64_t begin = os_now_ms();

	if (f != NULL) {
		fputs("hang\n", f);
		fclose(f);
	}
	CHECK(assuan_open(&a, PROGRAM, env, begin + 5000) == ERR_OK);
	a.deadline_ms = os_now_ms() + 300;
	CHECK(assuan_ask(&a, "GETPIN", NULL, &reply) == ERR_PROMPT_CANCELLED);
	assuan_close(&a);
	CHECK(os_now_ms() - begin < 10000);
}

static void
a_pinentry_that_others_may_write_is_refused(void)
{
	chmod(PROGRAM, 0777);
	CHECK(ask("type %C\ntype 739152\n") == ERR_PROFILE_UNSAFE);
	chmod(PROGRAM, 0755);
	CHECK(nothing_is_left());
}

static bool
copy_program(const char *from, const char *to)
{
	struct buf bytes = buf_new(65536);
	bool copied = os_read_file(from, &bytes) == ERR_OK && os_write_private(to, bytes.data, bytes.len) == ERR_OK && chmod(to, 0755) == 0;

	buf_free(&bytes);
	return copied;
}

int
main(int argc, char **argv)
{
	struct secret as_mailed = { 0 };

	os_harden();
	if (argc != 2 || mkdir(FOLDER, 0755) != 0 || chmod(FOLDER, 0755) != 0 || !copy_program(argv[1], PROGRAM) || !copy_program("/bin/true", FOLDER "/mute"))
		return 1;
	code_new(&as_mailed);
	memcpy(code_text, as_mailed.bytes, CODE_SHOWN_LEN);
	CHECK(code_read(&as_mailed, &code_wanted));
	code_and_pin_are_taken();
	english_is_spoken();
	foreign_text_is_not_markup();
	a_percent_sign_survives();
	a_mistyped_code_is_asked_again();
	an_unusable_pin_is_asked_again();
	a_very_long_pin_is_only_too_long();
	a_pinentry_that_cannot_repeat_asks_twice();
	a_closed_window_is_cancelled();
	a_broken_pinentry_is_noticed();
	nobody_waits_for_ever();
	a_pinentry_that_others_may_write_is_refused();
	return CHECK_DONE();
}
