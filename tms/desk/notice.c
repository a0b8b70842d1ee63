/* SPDX-License-Identifier: Apache-2.0 */
/* notice: what the authority wants customers to read at the top of its pages, from a time and until a time. A page may be a minute behind. */
#include "desk.h"

#include "options.h"
#include "os.h"
#include "store.h"
#include "text.h"

#include <stdio.h>
#include <string.h>

/* ---- the commands ---- */

static enum err
audit(struct store *s, const char *detail, const char *title)
{
	struct store_audit a = { .created = os_time(), .who = "desk", .what = "notice" };

	text_copy(a.detail, sizeof(a.detail), detail);
	if (title[0] != '\0')
		snprintf(a.note, sizeof(a.note), "title=%s", title);
	return store_audit_add(s, &a);
}

/* "-" for a time that is no bound. */
static const char *
say_time(int64_t seconds, char ret[TEXT_TIME_LEN + 1])
{
	text_time(seconds, ret);
	return seconds != 0 ? ret : "-";
}

/* Of an audit row and of a line of the list: what a notice is, but for its texts. */
static void
describe(const struct store_notice *n, char *ret, size_t size)
{
	char from[TEXT_TIME_LEN + 1];
	char until[TEXT_TIME_LEN + 1];

	snprintf(ret, size, "severity=%s from=%s until=%s", store_severity_name(n->severity), say_time(n->starts, from), say_time(n->ends, until));
}

static enum err
run_add(struct store *s, const void *what)
{
	const struct store_notice *n = what;
	char about[STORE_DETAIL_SIZE / 2];
	char detail[STORE_DETAIL_SIZE];
	int64_t id = 0;
	enum err e = store_begin(s);

	describe(n, about, sizeof(about));
	if (e == ERR_OK)
		e = store_notice_add(s, n, &id);
	snprintf(detail, sizeof(detail), "add=%lld %s", (long long)id, about);
	if (e == ERR_OK)
		e = audit(s, detail, n->title_vi);
	e = store_end(s, e);
	if (e == ERR_OK)
		printf("notice=%lld %s title=%s\n", (long long)id, about, n->title_vi);
	return e;
}

static enum err
run_remove(struct store *s, const void *what)
{
	const int64_t *id = what;
	char detail[64];
	enum err e = store_begin(s);

	snprintf(detail, sizeof(detail), "remove=%lld", (long long)*id);
	if (e == ERR_OK)
		e = store_notice_remove(s, *id);
	if (e == ERR_OK)
		e = audit(s, detail, "");
	return store_end(s, e);
}

static void
print(const struct store_notice *n, void *context)
{
	char about[STORE_DETAIL_SIZE / 2];

	(void)context;
	describe(n, about, sizeof(about));
	printf("notice=%lld %s title=%s\n", (long long)n->id, about, n->title_vi);
}

static enum err
run_list(struct store *s, const void *what)
{
	(void)what;
	return store_notice_list(s, print, NULL);
}

/* ---- what was asked for ---- */

/* One line of 1 to max - 1 bytes. */
static bool
read_text(const char *name, const char *text, char *ret, size_t max)
{
	char cause[96];

	if (text[0] != '\0' && text_is_showable(text, strlen(text)) && text_copy(ret, max, text))
		return true;
	snprintf(cause, sizeof(cause), "must be one line of 1 to %zu bytes of UTF-8 without control characters", max - 1);
	options_refuse(name, cause);
	return false;
}

/* A time that was given; NULL leaves *ret as it is. */
static bool
read_time(const char *name, const char *text, int64_t *ret)
{
	if (text == NULL || text_time_read(text, ret))
		return true;
	options_refuse(name, "must be a time like 2026-12-01T08:00:00+07:00 or 2026-12-01T01:00:00Z");
	return false;
}

/* The options of add, which are judged into a notice. */
struct given {
	const char *config_file;
	const char *title_vi, *text_vi, *title_en, *text_en;
	const char *severity, *from, *until;
};

static int
read_given(const struct given *g, struct store_notice *ret)
{
	if (!read_text("--title-vi", g->title_vi, ret->title_vi, sizeof(ret->title_vi)) || !read_text("--text-vi", g->text_vi, ret->text_vi, sizeof(ret->text_vi)))
		return 2;
	if ((g->title_en == NULL) != (g->text_en == NULL))
		return options_refuse(g->title_en == NULL ? "--title-en" : "--text-en", "must be given with the other English text");
	if (g->title_en != NULL &&
	    (!read_text("--title-en", g->title_en, ret->title_en, sizeof(ret->title_en)) || !read_text("--text-en", g->text_en, ret->text_en, sizeof(ret->text_en))))
		return 2;
	ret->severity = g->severity != NULL ? store_severity_from_name(g->severity) : STORE_INFO;
	if (ret->severity == STORE_SEVERITY_COUNT)
		return options_refuse("--severity", "must be info or warning");
	if (!read_time("--from", g->from, &ret->starts) || !read_time("--until", g->until, &ret->ends))
		return 2;
	if (g->until != NULL && (ret->ends <= ret->starts || ret->ends <= ret->created))
		return options_refuse("--until", "must be later than --from and than now");
	return 0;
}

static int
command_add(int argc, char **argv)
{
	struct store_notice n = { .created = os_time() };
	struct given g = { .config_file = NULL };
	const struct option_row options[] = {
		{ .name = "--config", .value = &g.config_file, .required = true },
		{ .name = "--title-vi", .value = &g.title_vi, .required = true },
		{ .name = "--text-vi", .value = &g.text_vi, .required = true },
		{ .name = "--title-en", .value = &g.title_en },
		{ .name = "--text-en", .value = &g.text_en },
		{ .name = "--severity", .value = &g.severity },
		{ .name = "--from", .value = &g.from },
		{ .name = "--until", .value = &g.until },
	};

	if (options_read(argc, argv, options, sizeof(options) / sizeof(options[0])) != ERR_OK || read_given(&g, &n) != 0)
		return 2;
	return options_run(g.config_file, NULL, run_add, &n);
}

static int
command_remove(int argc, char **argv)
{
	const char *config_file = NULL;
	int64_t id = 0;

	if (argc < 1 || !text_number(argv[0], strlen(argv[0]), &id) || id == 0)
		return options_refuse(argc < 1 ? "ID" : argv[0], "must be the number of a notice, as notice list shows it");
	return options_config_file(argc - 1, argv + 1, &config_file) == 0 ? options_run(config_file, argv[0], run_remove, &id) : 2;
}

static int
command_list(int argc, char **argv)
{
	const char *config_file = NULL;

	return options_config_file(argc, argv, &config_file) == 0 ? options_run(config_file, NULL, run_list, NULL) : 2;
}

static const struct option_verb verbs[] = { { "add", command_add }, { "list", command_list }, { "remove", command_remove } };

int
desk_notice(int argc, char **argv)
{
	return options_verb(verbs, sizeof(verbs) / sizeof(verbs[0]), "notice: add, list or remove", argc, argv);
}
