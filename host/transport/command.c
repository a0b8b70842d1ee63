/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"

#include "command_doctor.h"
#include "command_print.h"
#include "hello.h"
#include "json.h"
#include "log.h"
#include "one_call.h"
#include "os.h"
#include "profile.h"

#include <string.h>

#define STATUS_OK    0
#define STATUS_ERROR 1
#define STATUS_USAGE 2

static const char help[] =
    "mokhoa-host: mở khóa USB token từ trang web; trình duyệt tự chạy chương trình này.\n"
    "  mokhoa-host call METHOD [JSON] [--profile NAME]   gọi một chức năng, in kết quả dạng JSON\n"
    "  mokhoa-host doctor [--all|--json|--bundle]        tìm chỗ hỏng trên máy này và cách sửa\n"
    "  mokhoa-host --version                             in phiên bản\n"
    "\n"
    "mokhoa-host: unlocks a USB token from a web page; browsers start this program themselves.\n"
    "  mokhoa-host call METHOD [JSON] [--profile NAME]   calls one function and prints its result as JSON\n"
    "  mokhoa-host doctor [--all|--json|--bundle]        finds what is broken on this machine, and its remedy\n"
    "  mokhoa-host --version                             prints the version\n"
    "\n"
    "METHOD: hello, token.info, unlock.request, unlock.status, unlock.resend, unlock.cancel, unlock, doctor\n"
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
print_error(const struct call *c, enum err e)
{
	json_t *error = json_error(e, NULL);

	print_json(c->out, error, false);
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

/* one_call(): an answer is printed, a notification is shown on stderr. */
static void
take_message(void *context, json_t *message)
{
	struct call *c = context;
	json_t *result = json_object_get(message, "result"), *error = json_object_get(message, "error");

	if (result != NULL)
		c->status = STATUS_OK;
	if (result != NULL || error != NULL)
		print_json(c->out, result != NULL ? result : error, false);
	else
		print_json(c->out, message, true);
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
		one_call(&(struct one_call){ .profiles = c.profiles, .profile = c.profile, .method = w->method, .params = c.params, .heard = take_message, .context = &c });
	json_decref(c.params);
	profile_set_free(c.profiles);
	return c.status;
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
	if (argc >= 2 && strcmp(argv[1], "doctor") == 0 && doctor_words_read(argc, argv, &d))
		return command_doctor(out, &d);
	return refuse_use("neither a command nor the arguments of a browser");
}
