/* SPDX-License-Identifier: Apache-2.0 */
#include "letter.h"

#include "os.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TIME_SIZE	 64
#define NUMBER_SIZE	 24
#define TOKEN_SIZE	 128
#define VIETNAM_OFFSET_S (7 * 3600) /* no summer time */
#define RULE		 "\n----------------------------------------\n\n"

struct letters {
	struct template *templates[STORE_MAIL_COUNT][LETTER_LANGUAGES];
};

static const char *const languages[LETTER_LANGUAGES] = { [LETTER_VI] = "vi", [LETTER_EN] = "en" };

/* ---- which facts a mail has ---- */

#define OF_ALL	   (FACT_BIT(FACT_AUTHORITY) | FACT_BIT(FACT_HOTLINE) | FACT_BIT(FACT_CUSTOMER) | FACT_BIT(FACT_NUMBER) | FACT_BIT(FACT_TIME))
#define OF_REQUEST (OF_ALL | FACT_BIT(FACT_TOKEN) | FACT_BIT(FACT_SERIAL) | FACT_BIT(FACT_PHRASE) | FACT_BIT(FACT_PORTAL))

static const struct {
	unsigned may;
	unsigned must;
} facts_of[STORE_MAIL_COUNT] = {
	[STORE_MAIL_CODE] = { OF_REQUEST | FACT_BIT(FACT_CODE), FACT_BIT(FACT_CODE) | FACT_BIT(FACT_PHRASE) },
	[STORE_MAIL_REFUSED] = { OF_REQUEST | FACT_BIT(FACT_NOTE), FACT_BIT(FACT_NUMBER) },
	[STORE_MAIL_EXPIRED] = { OF_REQUEST, FACT_BIT(FACT_NUMBER) },
	[STORE_MAIL_UNLOCKED] = { OF_REQUEST, FACT_BIT(FACT_NUMBER) },
	[STORE_MAIL_UNKNOWN] = { OF_REQUEST, FACT_BIT(FACT_NUMBER) },
	[STORE_MAIL_ADDRESS_CHANGED] = { OF_REQUEST, FACT_BIT(FACT_NUMBER) },
	[STORE_MAIL_REVOKED] = { OF_REQUEST | FACT_BIT(FACT_NOTE), FACT_BIT(FACT_NUMBER) },
	[STORE_MAIL_ALARM] = { OF_ALL | FACT_BIT(FACT_OPENED) | FACT_BIT(FACT_BOUND), FACT_BIT(FACT_OPENED) },
	[STORE_MAIL_WAITING] = { OF_ALL | FACT_BIT(FACT_CONSOLE) | FACT_BIT(FACT_WAITING), FACT_BIT(FACT_WAITING) },
};

/* ---- loading ---- */

void
letter_file(enum store_mail kind, enum letter_language language, char ret[LETTER_FILE_SIZE])
{
	snprintf(ret, LETTER_FILE_SIZE, "%s.%s.txt", store_mail_name(kind), languages[language]);
}

/* The first name of a folder that is no template's, where there is one. */
static void
note_stranger(const char *name, void *context)
{
	char *stranger = context;
	char file[LETTER_FILE_SIZE];

	for (int kind = 0; kind < STORE_MAIL_COUNT; kind++)
		for (int language = 0; language < LETTER_LANGUAGES; language++) {
			letter_file((enum store_mail)kind, (enum letter_language)language, file);
			if (strcmp(file, name) == 0)
				return;
		}
	if (stranger[0] == '\0')
		snprintf(stranger, OS_PATH_MAX, "%s", name);
}

static enum err
check_folder(const char *folder, char where[TEMPLATE_WHERE_SIZE])
{
	char stranger[OS_PATH_MAX] = "";
	enum err e = os_list(folder, note_stranger, stranger);

	if (e != ERR_OK)
		snprintf(where, TEMPLATE_WHERE_SIZE, "%.200s: cannot be read", folder);
	else if (stranger[0] != '\0')
		snprintf(where, TEMPLATE_WHERE_SIZE, "%.200s/%.100s: is the template of no mail; \"mokhoa-tms templates\" writes all that there are", folder, stranger);
	return e == ERR_OK && stranger[0] == '\0' ? ERR_OK : ERR_TEMPLATE_INVALID;
}

static enum err
load_builtin(enum store_mail kind, enum letter_language language, struct template **ret, char where[TEMPLATE_WHERE_SIZE])
{
	const char *text = letter_builtin(kind, language);

	return template_parse("built in", text, strlen(text), facts_of[kind].may, facts_of[kind].must, ret, where);
}

/* The file of the folder where it is there. */
static enum err
load_one(const char *folder, enum store_mail kind, enum letter_language language, struct template **ret, char where[TEMPLATE_WHERE_SIZE])
{
	struct buf text = buf_new(TEMPLATE_MAX);
	char file[LETTER_FILE_SIZE];
	char path[OS_PATH_MAX];
	enum err e;

	letter_file(kind, language, file);
	snprintf(path, sizeof(path), "%s/%s", folder, file);
	e = os_read_file(path, &text);
	if (e == ERR_FILE_MISSING) {
		e = load_builtin(kind, language, ret, where);
	} else if (e != ERR_OK) {
		snprintf(where, TEMPLATE_WHERE_SIZE, "%.200s: cannot be read or is longer than %u bytes", path, TEMPLATE_MAX);
		e = ERR_TEMPLATE_INVALID;
	} else {
		e = template_parse(path, text.data != NULL ? (const void *)text.data : "", text.len, facts_of[kind].may, facts_of[kind].must, ret, where);
	}
	buf_free(&text);
	return e;
}

enum err
letters_load(const char *folder, struct letters **ret_letters, char where[TEMPLATE_WHERE_SIZE])
{
	struct letters *l = calloc(1, sizeof(*l));
	enum err e = l != NULL ? ERR_OK : ERR_NO_MEMORY;

	where[0] = '\0';
	if (e == ERR_OK && folder != NULL)
		e = check_folder(folder, where);
	for (int kind = 0; e == ERR_OK && kind < STORE_MAIL_COUNT; kind++)
		for (int language = 0; e == ERR_OK && language < LETTER_LANGUAGES; language++) {
			struct template **at = &l->templates[kind][language];
			e = folder != NULL ? load_one(folder, (enum store_mail)kind, (enum letter_language)language, at, where) : load_builtin((enum store_mail)kind, (enum letter_language)language, at, where);
		}
	if (e != ERR_OK) {
		letters_free(l);
		return e;
	}
	*ret_letters = l;
	return ERR_OK;
}

void
letters_free(struct letters *l)
{
	if (l == NULL)
		return;
	for (int kind = 0; kind < STORE_MAIL_COUNT; kind++)
		for (int language = 0; language < LETTER_LANGUAGES; language++)
			template_free(l->templates[kind][language]);
	free(l);
}

/* ---- writing ---- */

/* As the customer's clock on the wall shows it. */
static enum err
write_time(int64_t when, char ret[TIME_SIZE])
{
	time_t t = (time_t)(when + VIETNAM_OFFSET_S);
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL)
		return ERR_INTERNAL;
	snprintf(ret, TIME_SIZE, "%02d:%02d, %02d/%02d/%04d", tm.tm_hour, tm.tm_min, tm.tm_mday, tm.tm_mon + 1, tm.tm_year + 1900);
	return ERR_OK;
}

/* Whom a mail without a name is for. */
static const char *
reader(const struct letter_facts *f, enum letter_language language)
{
	static const char *const customers[] = { "quý khách", "customer" };
	static const char *const operators[] = { "người vận hành", "operator" };
	static const char *const approvers[] = { "người duyệt", "approver" };

	if (f->kind == STORE_MAIL_ALARM)
		return operators[language];
	if (f->kind == STORE_MAIL_WAITING)
		return approvers[language];
	return f->customer[0] != '\0' ? f->customer : customers[language];
}

/* The name of a page and not a link, because our customers are to know that we send none. */
static const char *
page_name(const char *origin)
{
	return origin != NULL ? strstr(origin, "://") + strlen("://") : "";
}

/* What the values of a mail point to. */
struct room {
	char time[TIME_SIZE];
	char token[TOKEN_SIZE];
	char number[NUMBER_SIZE];
	char waiting[NUMBER_SIZE];
	char opened[NUMBER_SIZE];
	char bound[NUMBER_SIZE];
};

static enum err
fill_room(const struct letter_facts *f, struct room *r)
{
	if (f->token != NULL)
		snprintf(r->token, sizeof(r->token), "%s %s", f->token->manufacturer, f->token->model);
	snprintf(r->number, sizeof(r->number), "%lld", (long long)f->number);
	snprintf(r->waiting, sizeof(r->waiting), "%lld", (long long)f->waiting);
	snprintf(r->opened, sizeof(r->opened), "%lld", (long long)f->opened);
	snprintf(r->bound, sizeof(r->bound), "%u", f->bound);
	return write_time(f->kind == STORE_MAIL_CODE ? f->code_expires : f->when, r->time);
}

static void
fill_values(const struct letter_facts *f, const struct room *r, enum letter_language language, struct fact_value ret[FACT_COUNT])
{
	const char *const texts[FACT_COUNT] = {
		[FACT_AUTHORITY] = f->authority,
		[FACT_HOTLINE] = f->hotline,
		[FACT_CUSTOMER] = reader(f, language),
		[FACT_NUMBER] = r->number,
		[FACT_TOKEN] = r->token,
		[FACT_SERIAL] = f->token != NULL ? f->token->serial : "",
		[FACT_PHRASE] = f->phrase,
		[FACT_TIME] = r->time,
		[FACT_PORTAL] = page_name(f->portal),
		[FACT_NOTE] = f->note,
		[FACT_CONSOLE] = page_name(f->console),
		[FACT_WAITING] = r->waiting,
		[FACT_OPENED] = r->opened,
		[FACT_BOUND] = r->bound,
	};

	for (int i = 0; i < FACT_COUNT; i++)
		ret[i] = texts[i] != NULL ? (struct fact_value){ texts[i], strlen(texts[i]) } : (struct fact_value){ "", 0 };
	if (f->code != NULL)
		ret[FACT_CODE] = (struct fact_value){ (const char *)f->code->bytes, f->code->len };
}

enum err
letter_write(const struct letters *l, const struct letter_facts *f, char ret_subject[LETTER_SUBJECT_SIZE], struct buf *b)
{
	char subjects[LETTER_LANGUAGES][TEMPLATE_SUBJECT_SIZE] = { "", "" };
	struct fact_value values[FACT_COUNT];
	struct room room = { .token = "" };
	enum err e = fill_room(f, &room);

	if (e != ERR_OK)
		return e;
	for (int language = 0; language < LETTER_LANGUAGES; language++) {
		if (language != 0)
			buf_add_text(b, RULE);
		fill_values(f, &room, (enum letter_language)language, values);
		template_render(l->templates[f->kind][language], values, subjects[language], b);
	}
	snprintf(ret_subject, LETTER_SUBJECT_SIZE, "%s / %s", subjects[LETTER_VI], subjects[LETTER_EN]);
	return buf_error(b);
}
