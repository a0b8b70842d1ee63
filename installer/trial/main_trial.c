/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mokhoa-token-trial: what a kind of token can and cannot do, tried on one that an authority gives up. It lies beside mokhoa-worker, whose steps it
 * takes, and starts itself as `mokhoa-token-trial step` to look at the token between them. JSON on stdout; nothing secret in it.
 */
#include "buf.h"
#include "err.h"
#include "json.h"
#include "log.h"
#include "look.h"
#include "os.h"
#include "pins.h"
#include "step.h"
#include "text.h"
#include "trial.h"
#include "trial_report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum status {
	STATUS_SUPPORTED = 0,
	STATUS_UNFINISHED = 1,
	STATUS_USAGE = 2,
	STATUS_NOT_SUPPORTED = 3
};

struct order {
	struct profile_module module;
	const char *serial;
	const char *give_up; /* the serial again */
	const char *family;
	const char *record;
	const char *type; /* file for the row of the type; NULL: none */
	int so_pin_fd;	  /* -1: asked on the terminal */
	bool one_wrong_so_try;
};

static const char usage[] =
    "mokhoa-token-trial --module PATH --serial S --give-up S --record FILE [--family so_pin|puk] [--so-pin-fd N]\n"
    "                   [--environment NAME=VALUE]... [--parameters TEXT] [--one-wrong-so-try] [--type FILE]\n"
    "\n"
    "Thử một token đã bỏ: khóa PIN, mở khóa, đổi SO PIN rồi đổi lại. Token không bị xóa, nhưng PIN người dùng bị thay.\n"
    "Gõ số sê-ri hai lần (--serial, --give-up) để xác nhận token này đã bỏ. --record: tệp giữ SO PIN tạm, chỉ bạn đọc được.\n"
    "Tries a token that is given up: locks its PIN, unlocks it, replaces the SO PIN and puts it back. Nothing is erased, but the user PIN is another then.\n"
    "Its serial is typed twice (--serial, --give-up). --record: the file that keeps the SO PIN in between, for you alone.\n"
    "0 supported, 3 not supported, 1 broken off, 2 usage\n";

static int
complain(enum err e, const char *detail)
{
	fprintf(stderr, "mokhoa-token-trial: %s (%d)%s%s\n%s %s\n%s %s\n", err_name(e), err_number(e), detail[0] != '\0' ? ": " : "", detail,
	    err_sentence(e, "vi"), err_hint(e, "vi"), err_sentence(e, "en"), err_hint(e, "en"));
	return e == ERR_USAGE ? STATUS_USAGE : STATUS_UNFINISHED;
}

/* ---- the command line ---- */

/* NAME=VALUE; the text is cut in two where it stands. */
static bool
add_variable(struct profile_module *module, char *text)
{
	char *equals = strchr(text, '=');

	if (equals == NULL || equals == text || module->environment_count == PROFILE_LIST_MAX)
		return false;
	*equals = '\0';
	module->environment[module->environment_count++] = (struct profile_variable){ text, equals + 1 };
	return true;
}

static bool
take_fd(const char *text, int *ret)
{
	int64_t n;

	if (!text_number(text, strlen(text), &n) || n > 1023)
		return false;
	*ret = (int)n;
	return true;
}

static bool
take_option(struct order *o, const char *name, char *value)
{
	const struct {
		const char *name;
		const char **to;
	} texts[] = {
		{ "--module", &o->module.path },
		{ "--parameters", &o->module.parameters },
		{ "--serial", &o->serial },
		{ "--give-up", &o->give_up },
		{ "--family", &o->family },
		{ "--record", &o->record },
		{ "--type", &o->type },
	};

	if (strcmp(name, "--environment") == 0)
		return add_variable(&o->module, value);
	if (strcmp(name, "--so-pin-fd") == 0)
		return take_fd(value, &o->so_pin_fd);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (strcmp(name, texts[i].name) != 0)
			continue;
		*texts[i].to = value;
		return true;
	}
	return false;
}

static bool
take_options(int argc, char **argv, struct order *o)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--one-wrong-so-try") == 0) {
			o->one_wrong_so_try = true;
			continue;
		}
		if (i + 1 == argc || !take_option(o, argv[i], argv[i + 1]))
			return false;
		i++;
	}
	return o->module.path != NULL && o->module.path[0] == '/' && o->serial != NULL && o->record != NULL;
}

/* What keeps a slip of the hand from costing a token that somebody uses. */
static const char *
what_is_wrong(const struct order *o, enum family *ret_family)
{
	*ret_family = o->family == NULL ? FAMILY_SO_PIN : family_from_name(o->family);
	if (o->give_up == NULL || strcmp(o->serial, o->give_up) != 0)
		return "token chưa được xác nhận là đã bỏ / the token is not given up: --give-up SERIAL";
	if (*ret_family != FAMILY_SO_PIN && *ret_family != FAMILY_PUK)
		return "--family so_pin|puk";
	if (*ret_family == FAMILY_PUK && o->one_wrong_so_try)
		return "--one-wrong-so-try: so_pin";
	return NULL;
}

/* ---- the trial ---- */

static enum err
ask_key(const struct order *o, struct trial *t)
{
	if (o->so_pin_fd >= 0)
		return pins_from(o->so_pin_fd, &t->key);
	return pins_ask(t->family == FAMILY_PUK ? "PUK: " : "SO PIN: ", &t->key);
}

static enum err
print_report(const struct trial *t, const struct order *o)
{
	struct buf row = buf_new(1024);
	json_t *report = report_json(t);
	FILE *file = NULL;
	enum err e = ERR_OK;

	if (report == NULL || json_dumpf(report, stdout, JSON_INDENT(2)) != 0 || putchar('\n') == EOF || fflush(stdout) != 0)
		e = ERR_FILE_FAILED;
	/* one that was broken off says nothing of its kind */
	if (e == ERR_OK && o->type != NULL && t->unfinished == ERR_OK) {
		e = report_row(t, &row);
		file = e == ERR_OK ? fopen(o->type, "wxe") : NULL;
		if (e == ERR_OK && file == NULL)
			e = ERR_FILE_EXISTS;
		if (file != NULL && fwrite(row.data, 1, row.len, file) != row.len)
			e = ERR_FILE_FAILED;
		if (file != NULL && fclose(file) != 0)
			e = ERR_FILE_FAILED;
	}
	json_decref(report);
	buf_free(&row);
	return e;
}

static int
say(const struct trial *t, const struct order *o)
{
	enum err e = print_report(t, o);

	if (t->recorded)
		fprintf(stderr, "mokhoa-token-trial: SO PIN của token là của bạn hoặc là giá trị trong tệp / the SO PIN is yours or the one in: %s\n", o->record);
	if (t->unfinished != ERR_OK)
		return complain(t->unfinished, "");
	if (e != ERR_OK)
		return complain(e, "");
	return t->because == BECAUSE_NOTHING ? STATUS_SUPPORTED : STATUS_NOT_SUPPORTED;
}

static int
try_token(const struct order *o, enum family family)
{
	struct trial t = { .module = &o->module, .record = o->record, .family = family, .one_wrong_so_try = o->one_wrong_so_try };
	intptr_t lock = -1;
	int64_t age;
	int status;
	/* what stands there may be the only record of an SO PIN */
	enum err e = os_file_age(o->record, &age) == ERR_OK ? ERR_FILE_EXISTS : trial_find(&t, o->serial);

	if (e == ERR_OK)
		e = step_hold(&t.token, &lock);
	if (e == ERR_OK)
		e = trial_judge(&t);
	if (e == ERR_OK)
		e = ask_key(o, &t);
	if (e == ERR_OK) {
		trial_run(&t);
		status = say(&t, o);
	} else {
		status = complain(e, "");
	}
	if (lock != -1)
		os_unlock(lock);
	trial_end(&t);
	return status;
}

int
main(int argc, char **argv)
{
	struct order o = { .module.name = "trial", .so_pin_fd = -1 };
	intptr_t in, out;
	enum family family;
	const char *wrong;

	os_harden();
	log_open("mokhoa-token-trial");
	json_open();
	if (argc == 2 && strcmp(argv[1], "step") == 0) {
		os_take_stdio(&in, &out);
		return look_run(in, out);
	}
	if (argc == 2 && strcmp(argv[1], "--help") == 0)
		return fputs(usage, stdout) >= 0 ? STATUS_SUPPORTED : STATUS_UNFINISHED;
	if (!take_options(argc, argv, &o)) {
		fputs(usage, stderr);
		return complain(ERR_USAGE, "");
	}
	wrong = what_is_wrong(&o, &family);
	return wrong != NULL ? complain(ERR_USAGE, wrong) : try_token(&o, family);
}
