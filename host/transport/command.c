/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"

#include "dispatch.h"
#include "doctor.h"
#include "frame.h"
#include "hello.h"
#include "json.h"
#include "log.h"
#include "os.h"
#include "profile.h"
#include "text.h"

#include <string.h>

#define STATUS_OK    0
#define STATUS_ERROR 1
#define STATUS_USAGE 2

static const char help[] =
    "mokhoa-host: mở khóa USB token từ trang web; trình duyệt tự chạy chương trình này.\n"
    "  mokhoa-host call METHOD [JSON] [--profile NAME]   gọi một chức năng, in kết quả dạng JSON\n"
    "  mokhoa-host doctor [--json|--bundle]              tìm chỗ hỏng trên máy này và cách sửa\n"
    "  mokhoa-host --version                             in phiên bản\n"
    "\n"
    "mokhoa-host: unlocks a USB token from a web page; browsers start this program themselves.\n"
    "  mokhoa-host call METHOD [JSON] [--profile NAME]   calls one function and prints its result as JSON\n"
    "  mokhoa-host doctor [--json|--bundle]              finds what is broken on this machine, and its remedy\n"
    "  mokhoa-host --version                             prints the version\n"
    "\n"
    "METHOD: hello, token.info, unlock.request, unlock.status, unlock.resend, unlock.cancel, unlock\n"
    "Mã thoát / exit status: 0 xong / done, 1 lỗi / error, 2 sai cách dùng / wrong use\n";

/* What the command line says. */
struct words {
	const char *method;
	const char *json;
	const char *profile;
};

/* One call, from its words to its answer. */
struct call {
	intptr_t out;
	struct profile_set *profiles;
	const struct profile *profile;
	json_t *params;
	int status;
};

static void
print(intptr_t out, const char *text)
{
	(void)os_write_all(out, text, strlen(text));
}

/* One line on stdout, or beside it on stderr. */
static void
print_json(const struct call *c, const json_t *value, bool aside)
{
	struct buf b = buf_new(FRAME_OUT_MAX + 1);

	if (json_dump(value, &b) == ERR_OK) {
		buf_add_text(&b, "\n");
		if (aside)
			os_log((const char *)b.data, b.len);
		else
			(void)os_write_all(c->out, b.data, b.len);
	}
	buf_free(&b);
}

static void
print_error(const struct call *c, enum err e)
{
	json_t *error = json_error(e, NULL);

	print_json(c, error, false);
	json_decref(error);
}

static void
complain(const char *text)
{
	os_log(text, strlen(text));
	os_log("\n", 1);
}

static int
refuse_use(const char *cause)
{
	complain(cause);
	complain(err_sentence(ERR_USAGE, "vi"));
	complain(err_hint(ERR_USAGE, "vi"));
	complain(err_sentence(ERR_USAGE, "en"));
	complain(err_hint(ERR_USAGE, "en"));
	return STATUS_USAGE;
}

static bool
read_words(int argc, char *const argv[], struct words *ret)
{
	struct words w = { 0 };

	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], "--profile") == 0 && i + 1 < argc && w.profile == NULL)
			w.profile = argv[++i];
		else if (argv[i][0] == '-')
			return false;
		else if (w.method == NULL)
			w.method = argv[i];
		else if (w.json == NULL)
			w.json = argv[i];
		else
			return false;
	}
	*ret = w;
	return w.method != NULL;
}

/* dispatch_port.send: an answer is printed, a notification is shown on stderr. */
static void
take_envelope(void *context, const void *bytes, size_t len)
{
	struct call *c = context;
	json_t *envelope, *message, *result, *error;

	if (json_load(bytes, len, &envelope, NULL) != ERR_OK)
		return;
	message = json_object_get(envelope, "message");
	result = json_object_get(message, "result");
	error = json_object_get(message, "error");
	if (result != NULL)
		c->status = STATUS_OK;
	if (result != NULL || error != NULL)
		print_json(c, result != NULL ? result : error, false);
	else
		print_json(c, message, true);
	json_decref(envelope);
}

static enum err
choose_profile(struct call *c, const struct words *w)
{
	char where[PROFILE_WHERE_MAX];
	enum err e = profile_load_all(profile_folder(), &c->profiles, where);

	if (e != ERR_OK) {
		log_error("profile", "error=%s %s", err_name(e), where);
		return e;
	}
	if (w->profile == NULL && profile_count(c->profiles) > 1)
		return ERR_USAGE;
	c->profile = w->profile != NULL ? profile_by_name(c->profiles, w->profile) : profile_at(c->profiles, 0);
	if (c->profile == NULL) {
		log_error("profile", "%s has no %s.json", profile_folder(), w->profile);
		return ERR_PROFILE_MISSING;
	}
	return ERR_OK;
}

static void
run_to_end(struct call *c, const char *method)
{
	const struct dispatch_port port = { .profiles = c->profiles, .send = take_envelope, .context = c };
	struct dispatch *d = dispatch_new(&port);
	intptr_t handles[DISPATCH_HANDLES_MAX];

	if (d == NULL)
		return;
	dispatch_command(d, c->profile, method, c->params);
	while (dispatch_running(d) != 0) {
		bool ready[DISPATCH_HANDLES_MAX] = { false };
		size_t workers = dispatch_handles(d, handles);

		(void)os_wait(handles, workers, dispatch_timeout(d), ready);
		dispatch_turn(d, ready);
	}
	dispatch_free(d);
}

static int
call(intptr_t out, const struct words *w)
{
	struct call c = { .out = out, .status = STATUS_ERROR };
	enum err e = choose_profile(&c, w);

	if (e == ERR_OK && w->json != NULL)
		e = json_load(w->json, strlen(w->json), &c.params, NULL);
	if (e == ERR_USAGE)
		c.status = refuse_use("there are several profiles: --profile NAME says which");
	else if (e != ERR_OK)
		print_error(&c, e);
	else
		run_to_end(&c, w->method);
	json_decref(c.params);
	profile_set_free(c.profiles);
	return c.status;
}

/* What the command line says to the doctor. */
struct doctor_words {
	bool json;
	bool bundle;
	const char *profile;
	const char *root;
};

static bool
read_doctor_words(int argc, char *const argv[], struct doctor_words *ret)
{
	struct doctor_words w = { 0 };

	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0)
			w.json = true;
		else if (strcmp(argv[i], "--bundle") == 0)
			w.bundle = true;
		else if (strcmp(argv[i], "--profile") == 0 && i + 1 < argc && w.profile == NULL)
			w.profile = argv[++i];
		else if (strcmp(argv[i], "--root") == 0 && i + 1 < argc && w.root == NULL)
			w.root = argv[++i];
		else
			return false;
	}
	*ret = w;
	return !(w.json && w.bundle);
}

static void
print_member(intptr_t out, const json_t *object, const char *language, const char *before)
{
	print(out, before);
	print(out, json_string_value(json_object_get(object, language)));
	print(out, "\n");
}

static void
print_findings(intptr_t out, const json_t *findings)
{
	size_t i;
	json_t *one;

	if (json_array_size(findings) == 0)
		print(out, "Không thấy gì hỏng.\nNothing broken was found.\n");
	json_array_foreach(findings, i, one)
	{
		const json_t *sentence = json_object_get(one, "sentence"), *remedy = json_object_get(one, "remedy");

		print(out, "[");
		print(out, json_string_value(json_object_get(one, "state")));
		print(out, "] ");
		print(out, json_string_value(json_object_get(one, "id")));
		print_member(out, one, "seen", ": ");
		print_member(out, sentence, "vi", "    ");
		print_member(out, remedy, "vi", "    -> ");
		print_member(out, sentence, "en", "    ");
		print_member(out, remedy, "en", "    -> ");
	}
}

/* Only what is the same on every machine stays: a path may hold a user's name. */
static void
redact(json_t *report)
{
	size_t i;
	json_t *one;

	json_array_foreach(json_object_get(report, "findings"), i, one)(void) json_object_del(one, "seen");
}

static int
examine(intptr_t out, const struct doctor_words *w)
{
	char worker[OS_PATH_MAX];
	struct doctor_order order = { .root = w->root != NULL ? w->root : "", .profiles = profile_folder(), .profile = w->profile, .worker = worker };
	struct call c = { .out = out };
	json_t *report = NULL;
	int status = STATUS_ERROR;

	/* below another root the place of this program says nothing */
	if (w->root != NULL)
		(void)text_copy(worker, sizeof(worker), "/usr/lib/mokhoa");
	else if (os_program_dir(worker) != ERR_OK)
		worker[0] = '\0';
	if (text_copy(worker + strlen(worker), sizeof(worker) - strlen(worker), "/mokhoa-worker"))
		report = doctor_look(&order);
	if (report == NULL) {
		print_error(&c, ERR_NO_MEMORY);
		return status;
	}
	if (strcmp(json_string_value(json_object_get(report, "state")), "broken") != 0)
		status = STATUS_OK;
	if (w->bundle)
		redact(report);
	if (w->json || w->bundle)
		print_json(&c, report, false);
	else
		print_findings(out, json_object_get(report, "findings"));
	json_decref(report);
	return status;
}

int
command_run(int argc, char *const argv[])
{
	struct words w;
	struct doctor_words d;
	intptr_t in, out;

	os_take_stdio(&in, &out);
	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		print(out, help);
		return STATUS_OK;
	}
	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		print(out, "mokhoa-host ");
		print(out, hello_version());
		print(out, "\n");
		return STATUS_OK;
	}
	if (argc >= 2 && strcmp(argv[1], "call") == 0 && read_words(argc, argv, &w))
		return call(out, &w);
	if (argc >= 2 && strcmp(argv[1], "doctor") == 0 && read_doctor_words(argc, argv, &d))
		return examine(out, &d);
	return refuse_use("neither a command nor the arguments of a browser");
}
