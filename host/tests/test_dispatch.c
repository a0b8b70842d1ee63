/* SPDX-License-Identifier: Apache-2.0 */
/* What every message is answered, and what becomes of its worker. Run on a stage, where /etc/mokhoa is ours. */
#define _POSIX_C_SOURCE 200809L
#include "dispatch.h"

#include "check.h"
#include "frame.h"
#include "json.h"
#include "op.h"
#include "os.h"
#include "seen.h"
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define EXTENSION   "chrome-extension://abcdefghijklmnopabcdefghijklmnop/"
#define OTHER	    "chrome-extension://ponmlkjihgfedcbaponmlkjihgfedcba/"
#define REQUEST	    "AAAAAAAAAAAAAAAAAAAAAA"
#define ANSWERS_MAX 64

/* What was sent, oldest first. */
static struct {
	json_t *list[ANSWERS_MAX];
	size_t count;
} sent;

static void
take(void *context, const void *bytes, size_t len)
{
	json_t *envelope = NULL;

	(void)context;
	CHECK(len <= FRAME_OUT_MAX && json_load(bytes, len, &envelope, NULL) == ERR_OK);
	if (sent.count < ANSWERS_MAX)
		sent.list[sent.count++] = envelope;
	else
		json_decref(envelope);
}

static void
forget_sent(void)
{
	for (size_t i = 0; i < sent.count; i++)
		json_decref(sent.list[i]);
	sent.count = 0;
}

static json_t *
message_at(size_t i)
{
	return i < sent.count ? json_object_get(sent.list[i], "message") : NULL;
}

static const char *
error_at(size_t i)
{
	json_t *message = message_at(i);
	const char *name;

	if (json_object_get(message, "result") != NULL)
		return "ok";
	name = json_string_value(json_object_get(json_object_get(json_object_get(message, "error"), "data"), "name"));
	if (name != NULL)
		seen(name, "test_dispatch");
	return name;
}

static struct profile_set *profiles;
static struct dispatch_port port = { .extension = EXTENSION, .send = take };

static void
turn(struct dispatch *d)
{
	intptr_t handles[DISPATCH_HANDLES_MAX];
	bool ready[DISPATCH_HANDLES_MAX] = { false };
	size_t n = dispatch_handles(d, handles);

	(void)os_wait(handles, n, dispatch_timeout(d), ready);
	dispatch_turn(d, ready);
}

/* Until every request has its answer. */
static void
settle(struct dispatch *d)
{
	while (dispatch_running(d) != 0)
		turn(d);
}

static void
send_text(struct dispatch *d, const char *text)
{
	dispatch_message(d, text, strlen(text));
}

/* A message of the portal. */
static void
send_request(struct dispatch *d, const char *id, const char *method, const char *params)
{
	char text[1024];

	snprintf(text, sizeof(text), "{\"origin\": \"https://portal.example\", \"channel\": \"c%s\", \"message\": {\"jsonrpc\": \"2.0\", \"id\": %s, \"method\": \"%s\", \"params\": %s}}",
	    id, id, method, params);
	send_text(d, text);
}

static void
play(const char *plays)
{
	setenv("FAKE_WORKER", plays, 1);
}

/* ---- messages and their answers ---- */

#define V(inner) "{\"origin\": \"https://portal.example\", \"channel\": \"t\", \"message\": " inner "}"
#define M(inner) V("{\"jsonrpc\": \"2.0\", \"id\": 7, " inner "}")

static const struct {
	const char *text;
	const char *answer;  /* wire name of the error */
	const char *id;	     /* as JSON */
	const char *channel; /* NULL: none */
} messages[] = {
	{ "", "parse_error", "null", NULL },
	{ "{", "parse_error", "null", NULL },
	{ "\xff", "parse_error", "null", NULL },
	{ "{} {}", "parse_error", "null", NULL },
	{ "[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]", "parse_error", "null", NULL },
	{ M("\"id\": 7, \"method\": \"hello\""), "parse_error", "null", NULL },
	{ M("\"method\": \"hello\", \"params\": {\"a\": 1, \"\\u0061\": 1}"), "parse_error", "null", NULL },
	{ M("\"method\": \"he\\u0000llo\""), "parse_error", "null", NULL },
	{ V("{\"jsonrpc\": \"2.0\", \"id\": 18446744073709551616, \"method\": \"hello\"}"), "parse_error", "null", NULL },
	{ "[]", "invalid_request", "null", NULL },
	{ "\"hello\"", "invalid_request", "null", NULL },
	{ "{}", "invalid_request", "null", NULL },
	{ "{\"message\": {\"jsonrpc\": \"2.0\", \"id\": 7, \"method\": \"hello\"}}", "invalid_request", "7", NULL },
	{ "{\"origin\": null, \"message\": {\"jsonrpc\": \"2.0\", \"id\": 7, \"method\": \"hello\"}}", "invalid_request", "7", NULL },
	{ "{\"origin\": \"https://portal.example\", \"channel\": \"t\"}", "invalid_request", "null", "t" },
	{ V("[{\"jsonrpc\": \"2.0\", \"id\": 7, \"method\": \"hello\"}]"), "invalid_request", "null", "t" },
	{ V("null"), "invalid_request", "null", "t" },
	{ "{\"origin\": \"https://portal.example\", \"extra\": 1, \"message\": {\"jsonrpc\": \"2.0\", \"id\": 7, \"method\": \"hello\"}}", "invalid_request", "7", NULL },
	{ "{\"origin\": \"https://portal.example\", \"channel\": \"\", \"message\": {\"jsonrpc\": \"2.0\", \"id\": 7, \"method\": \"hello\"}}", "invalid_request", "7", NULL },
	{ "{\"origin\": \"https://portal.example\", \"channel\": \"a b\", \"message\": {\"jsonrpc\": \"2.0\", \"id\": 7, \"method\": \"hello\"}}", "invalid_request", "7", NULL },
	{ "{\"origin\": \"https://portal.example\", \"channel\": 1, \"message\": {\"jsonrpc\": \"2.0\", \"id\": 7, \"method\": \"hello\"}}", "invalid_request", "7", NULL },
	{ "{\"origin\": \"https://portal.example\", \"channel\": null, \"message\": {\"jsonrpc\": \"2.0\", \"id\": 7, \"method\": \"hello\"}}", "invalid_request", "7", NULL },
	{ "{\"origin\": \"https://portal.example\", \"channel\": \"0123456789012345678901234567890123456789012345678901234567890123x\", \"message\": {\"id\": 7}}",
	    "invalid_request", "7", NULL },
	/* the origin is judged before the message */
	{ "{\"origin\": \"https://evil.example\", \"channel\": \"t\", \"message\": {\"id\": \"x\", \"nonsense\": 1}}", "origin_refused", "\"x\"", "t" },
	{ "{\"origin\": \"\", \"message\": {}}", "origin_refused", "null", NULL },
	{ "{\"origin\": \"cli\", \"message\": {}}", "origin_refused", "null", NULL },
	{ "{\"origin\": \"https://portal.example/\", \"message\": {}}", "origin_refused", "null", NULL },
	{ "{\"origin\": \"https://other.example\", \"message\": {\"id\": 1}}", "extension_refused", "1", NULL },
	{ V("{}"), "invalid_request", "null", "t" },
	{ V("{\"jsonrpc\": \"2.0\", \"method\": \"hello\"}"), "invalid_request", "null", "t" },
	{ V("{\"jsonrpc\": \"2.0\", \"id\": null, \"method\": \"hello\"}"), "invalid_request", "null", "t" },
	{ V("{\"jsonrpc\": \"2.0\", \"id\": 1.0, \"method\": \"hello\"}"), "invalid_request", "null", "t" },
	{ V("{\"jsonrpc\": \"2.0\", \"id\": true, \"method\": \"hello\"}"), "invalid_request", "null", "t" },
	{ V("{\"jsonrpc\": \"2.0\", \"id\": \"\", \"method\": \"hello\"}"), "invalid_request", "null", "t" },
	{ V("{\"jsonrpc\": \"2.0\", \"id\": \"é\", \"method\": \"hello\"}"), "invalid_request", "null", "t" },
	{ V("{\"jsonrpc\": \"2.0\", \"id\": \"a\\u007f\", \"method\": \"hello\"}"), "invalid_request", "null", "t" },
	{ V("{\"jsonrpc\": \"2.0\", \"id\": \"0123456789012345678901234567890123456789012345678901234567890123x\", \"method\": \"hello\"}"), "invalid_request", "null",
	    "t" },
	{ V("{\"jsonrpc\": \"1.0\", \"id\": 7, \"method\": \"hello\"}"), "invalid_request", "7", "t" },
	{ V("{\"jsonrpc\": 2.0, \"id\": 7, \"method\": \"hello\"}"), "invalid_request", "7", "t" },
	{ V("{\"id\": 7, \"method\": \"hello\"}"), "invalid_request", "7", "t" },
	{ M("\"method\": 1"), "invalid_request", "7", "t" },
	{ M("\"method\": null"), "invalid_request", "7", "t" },
	{ M("\"method\": \"hello\", \"extra\": 1"), "invalid_request", "7", "t" },
	{ M("\"result\": {}"), "invalid_request", "7", "t" },
	{ M("\"method\": \"\""), "method_not_found", "7", "t" },
	{ M("\"method\": \"Hello\""), "method_not_found", "7", "t" },
	{ M("\"method\": \"hello \""), "method_not_found", "7", "t" },
	{ M("\"method\": \"token.erase\", \"params\": 1"), "method_not_found", "7", "t" },
	{ M("\"method\": \"hello\", \"params\": []"), "invalid_params", "7", "t" },
	{ M("\"method\": \"hello\", \"params\": null"), "invalid_params", "7", "t" },
	{ M("\"method\": \"hello\", \"params\": {\"a\": 1}"), "invalid_params", "7", "t" },
	{ M("\"method\": \"token.info\", \"params\": {\"module\": \"/tmp/evil.so\"}"), "invalid_params", "7", "t" },
	{ M("\"method\": \"unlock.request\""), "invalid_params", "7", "t" },
	{ M("\"method\": \"unlock.request\", \"params\": {\"token\": {\"manufacturer\": \"\", \"model\": \"\", \"serial\": \"1\"}, \"reason\": \"locked\"}"), "invalid_params", "7",
	    "t" },
	{ M("\"method\": \"unlock.request\", \"params\": {\"token\": {\"manufacturer\": \"\", \"model\": \"\", \"serial\": \"\"}, \"reason\": \"locked\", \"language\": \"vi\"}"),
	    "invalid_params", "7", "t" },
	{ M("\"method\": \"unlock.request\", \"params\": {\"token\": {\"manufacturer\": \"\", \"model\": \"\", \"serial\": \"1\"}, \"reason\": \"bored\", \"language\": \"vi\"}"),
	    "invalid_params", "7", "t" },
	{ M("\"method\": \"unlock.request\", \"params\": {\"token\": {\"manufacturer\": \"\", \"model\": \"\", \"serial\": \"1\"}, \"reason\": \"locked\", \"language\": \"fr\"}"),
	    "invalid_params", "7", "t" },
	{ M("\"method\": \"unlock.status\", \"params\": {\"request\": null}"), "invalid_params", "7", "t" },
	{ M("\"method\": \"unlock.status\", \"params\": {\"request\": \"AAAAAAAAAAAAAAAAAAAAAB\"}"), "invalid_params", "7", "t" },
	{ M("\"method\": \"unlock.resend\", \"params\": {}"), "invalid_params", "7", "t" },
	{ M("\"method\": \"unlock.cancel\", \"params\": {\"request\": \"AAAAAAAAAAAAAAAAAAAAA\"}"), "invalid_params", "7", "t" },
	{ M("\"method\": \"unlock\", \"params\": {\"request\": \"AAAAAAAAAAAAAAAAAAAAAA==\"}"), "invalid_params", "7", "t" },
	{ M("\"method\": \"unlock\", \"params\": {\"request\": \"AAAAAAAAAAAAAAAAAAAAAA\", \"pin\": \"123456\"}"), "invalid_params", "7", "t" },
	{ M("\"method\": \"hello\""), "ok", "7", "t" },
	{ "{\"origin\": \"https://portal.example\", \"message\": {\"jsonrpc\": \"2.0\", \"id\": -9223372036854775808, \"method\": \"hello\", \"params\": {}}}", "ok",
	    "-9223372036854775808", NULL },
	{ "{\"message\": {\"method\": \"hello\", \"id\": \" ~\\\"\\\\\", \"jsonrpc\": \"2.0\"}, \"origin\": \"https://portal.example\"}", "ok", "\" ~\\\"\\\\\"", NULL },
};

static void
test_messages(void)
{
	struct dispatch *d = dispatch_new(&port);

	for (size_t i = 0; i < sizeof(messages) / sizeof(*messages); i++) {
		json_t *id = json_loads(messages[i].id, JSON_DECODE_ANY, NULL);
		const char *channel;

		send_text(d, messages[i].text);
		CHECK(sent.count == 1);
		channel = json_string_value(json_object_get(sent.list[0], "channel"));
		if (!CHECK_TEXT(error_at(0), messages[i].answer) || !CHECK(json_equal(json_object_get(message_at(0), "id"), id)) ||
		    !CHECK(messages[i].channel != NULL ? channel != NULL && strcmp(channel, messages[i].channel) == 0 : channel == NULL))
			printf("  %s\n", messages[i].text);
		json_decref(id);
		forget_sent();
	}
	CHECK(dispatch_running(d) == 0);
	dispatch_free(d);
}

static void
test_hello(void)
{
	struct dispatch *d = dispatch_new(&port);
	json_t *result;

	send_request(d, "1", "hello", "{}");
	result = json_object_get(message_at(0), "result");
	CHECK_TEXT(json_string_value(json_object_get(result, "name")), "mokhoa");
	CHECK(json_integer_value(json_object_get(result, "protocol")) == 1);
	CHECK(json_array_size(json_object_get(result, "capabilities")) == OP_COUNT);
	CHECK_TEXT(json_string_value(json_array_get(json_object_get(result, "languages"), 0)), "vi");
	CHECK(json_object_size(result) == 6);
	forget_sent();
	dispatch_free(d);
}

/* ---- who may call ---- */

static void
caller(const char *extension, const char *origin, const char *want)
{
	struct dispatch_port p = port;
	struct dispatch *d;
	char text[512];

	p.extension = extension;
	d = dispatch_new(&p);
	snprintf(text, sizeof(text), "{\"origin\": \"%s\", \"message\": {\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": \"hello\"}}", origin);
	send_text(d, text);
	if (!CHECK_TEXT(error_at(0), want))
		printf("  %s through %s\n", origin, extension != NULL ? extension : "nothing");
	forget_sent();
	dispatch_free(d);
}

static void
test_callers(void)
{
	caller(EXTENSION, "https://portal.example", "ok");
	caller(OTHER, "https://other.example", "ok");
	caller("mokhoa@example.vn", "https://portal.example", "ok");
	caller(EXTENSION, "https://other.example", "extension_refused");
	caller(OTHER, "https://portal.example", "extension_refused");
	caller("chrome-extension://abcdefghijklmnopabcdefghijklmnoa/", "https://portal.example", "extension_refused");
	caller("chrome-extension://abcdefghijklmnopabcdefghijklmnoa/", "https://evil.example", "extension_refused");
	caller("", "https://portal.example", "extension_refused");
	caller(NULL, "https://portal.example", "extension_refused");
	caller(NULL, "https://other.example", "ok"); /* its profile says portal_launch */
	caller(NULL, "https://evil.example", "origin_refused");
	caller(EXTENSION, "https://portal.example:8443", "origin_refused");
	caller(EXTENSION, "http://portal.example", "origin_refused");
	caller(EXTENSION, "https://PORTAL.example", "origin_refused");
	caller(EXTENSION, "https://portal.example.evil.example", "origin_refused");
	caller(EXTENSION, "null", "origin_refused");
}

static void
test_no_profiles(void)
{
	struct dispatch_port p = port;
	struct dispatch *d;

	p.profiles = NULL;
	p.profiles_error = ERR_PROFILE_UNSAFE;
	d = dispatch_new(&p);
	send_request(d, "1", "hello", "{}");
	CHECK_TEXT(error_at(0), "profile_unsafe");
	forget_sent();
	send_text(d, "{");
	CHECK_TEXT(error_at(0), "parse_error");
	forget_sent();
	dispatch_unreadable(d, ERR_FRAME_TOO_LARGE);
	CHECK_TEXT(error_at(0), "frame_too_large");
	CHECK(json_is_null(json_object_get(message_at(0), "id")));
	forget_sent();
	dispatch_free(d);
}

/* ---- workers ---- */

static void
test_order(void)
{
	struct dispatch *d = dispatch_new(&port);
	json_t *order;

	play("");
	send_request(d, "3", "unlock.status", "{\"request\": \"" REQUEST "\"}");
	CHECK(sent.count == 0 && dispatch_running(d) == 1);
	settle(d);
	CHECK(sent.count == 1 && json_integer_value(json_object_get(message_at(0), "id")) == 3);
	CHECK_TEXT(json_string_value(json_object_get(sent.list[0], "channel")), "c3");
	order = json_object_get(json_object_get(message_at(0), "result"), "order");
	CHECK_TEXT(json_string_value(json_object_get(order, "op")), "unlock.status");
	CHECK_TEXT(json_string_value(json_object_get(order, "profile")), "portal");
	CHECK_TEXT(json_string_value(json_object_get(order, "origin")), "https://portal.example");
	CHECK_TEXT(json_string_value(json_object_get(json_object_get(order, "params"), "request")), REQUEST);
	CHECK(json_object_size(order) == 4);
	forget_sent();
	dispatch_free(d);
}

static void
test_command(void)
{
	struct dispatch *d = dispatch_new(&port);
	json_t *order;

	play("");
	dispatch_command(d, profile_by_name(profiles, "other"), "token.info", NULL);
	settle(d);
	order = json_object_get(json_object_get(message_at(0), "result"), "order");
	CHECK_TEXT(json_string_value(json_object_get(order, "origin")), "");
	CHECK_TEXT(json_string_value(json_object_get(order, "profile")), "other");
	CHECK(json_is_object(json_object_get(order, "params")));
	forget_sent();
	dispatch_command(d, profile_by_name(profiles, "other"), "token.erase", NULL);
	CHECK_TEXT(error_at(0), "method_not_found");
	forget_sent();
	dispatch_command(d, profile_by_name(profiles, "other"), "unlock", NULL);
	CHECK_TEXT(error_at(0), "invalid_params");
	forget_sent();
	dispatch_free(d);
}

static void
answer(const char *what, const char *want)
{
	struct dispatch *d = dispatch_new(&port);
	char plays[64];

	snprintf(plays, sizeof(plays), "token.info=%s", what);
	play(plays);
	send_request(d, "1", "token.info", "{}");
	settle(d);
	if (!CHECK(sent.count == 1) || !CHECK_TEXT(error_at(0), want))
		printf("  %s\n", what);
	forget_sent();
	dispatch_free(d);
}

static void
test_answers(void)
{
	answer("echo", "ok");
	answer("busy", "token_busy");
	answer("crash", "worker_failed");
	answer("silent", "worker_failed");
	answer("half", "worker_failed");
	answer("endless", "worker_failed");
	answer("garbage", "worker_failed");
	answer("unknown", "worker_failed");
	answer("huge", "frame_too_large");
	answer("large", "ok");
	answer("twice", "ok");
}

static void
test_notifications(void)
{
	struct dispatch *d = dispatch_new(&port);

	play("unlock=progress");
	send_request(d, "1", "unlock", "{\"request\": \"" REQUEST "\"}");
	settle(d);
	CHECK(sent.count == 3);
	CHECK_TEXT(json_string_value(json_object_get(message_at(0), "method")), "unlock.progress");
	CHECK_TEXT(json_string_value(json_object_get(sent.list[0], "channel")), "c1");
	CHECK(json_object_get(message_at(0), "id") == NULL);
	CHECK_TEXT(json_string_value(json_object_get(message_at(1), "method")), "unlock.changed");
	CHECK_TEXT(error_at(2), "ok");
	forget_sent();
	dispatch_free(d);
}

static void
test_limits(void)
{
	struct dispatch *d = dispatch_new(&port);

	play("token.info=hang unlock=hang");
	send_request(d, "1", "token.info", "{}");
	send_request(d, "2", "unlock", "{\"request\": \"" REQUEST "\"}");
	send_request(d, "3", "unlock", "{\"request\": \"" REQUEST "\"}");
	CHECK(sent.count == 1 && json_integer_value(json_object_get(message_at(0), "id")) == 3);
	CHECK_TEXT(error_at(0), "token_busy");
	forget_sent();
	send_request(d, "4", "unlock", "{\"request\": \"AAAAAAAAAAAAAAAAAAAAAQ\"}");
	send_request(d, "5", "token.info", "{}");
	CHECK(sent.count == 0 && dispatch_running(d) == DISPATCH_RUNNING_MAX);
	send_request(d, "6", "token.info", "{}");
	CHECK_TEXT(error_at(0), "busy");
	forget_sent();
	send_request(d, "8", "unlock", "{\"request\": \"" REQUEST "\"}"); /* what is true says more than that there is no room */
	CHECK_TEXT(error_at(0), "token_busy");
	forget_sent();
	send_request(d, "7", "hello", "{}"); /* costs nothing and is always answered */
	CHECK_TEXT(error_at(0), "ok");
	forget_sent();
	CHECK(dispatch_timeout(d) > 0 && dispatch_timeout(d) <= 30000);
	dispatch_free(d);
}

/* Workers that answer and do not end give way to new ones. */
static void
test_many(void)
{
	struct dispatch *d = dispatch_new(&port);
	intptr_t handles[DISPATCH_HANDLES_MAX];

	play("token.info=twice");
	for (int i = 0; i < 20; i++) {
		send_request(d, "1", "token.info", "{}");
		settle(d);
		CHECK(dispatch_handles(d, handles) <= DISPATCH_HANDLES_MAX);
	}
	CHECK(sent.count == 20);
	for (size_t i = 0; i < sent.count; i++)
		CHECK(json_integer_value(json_object_get(json_object_get(message_at(i), "result"), "n")) == 1);
	forget_sent();
	CHECK(dispatch_timeout(d) >= 0);
	dispatch_free(d);
}

/* The answer to the text, as a page over WebSocket has it: no envelope. */
static json_t *
page_answer(struct dispatch *d, const char *text)
{
	forget_sent();
	send_text(d, text);
	settle(d);
	CHECK(sent.count == 1 && json_object_get(sent.list[0], "message") == NULL && json_object_get(sent.list[0], "jsonrpc") != NULL);
	return sent.list[0];
}

static const char *
page_error(struct dispatch *d, const char *text)
{
	return json_string_value(json_object_get(json_object_get(json_object_get(page_answer(d, text), "error"), "data"), "name"));
}

/* Where the transport has proven the origin, messages come bare, and none can say another one. */
static void
test_page(void)
{
	struct dispatch_port page = { .profiles = profiles, .origin = "https://portal.example", .send = take };
	struct dispatch *d = dispatch_new(&page);
	json_t *answer = page_answer(d, "{\"jsonrpc\": \"2.0\", \"id\": 7, \"method\": \"hello\"}");

	CHECK(json_integer_value(json_object_get(answer, "id")) == 7);
	CHECK_TEXT(json_string_value(json_array_get(json_object_get(json_object_get(answer, "result"), "transports"), 0)), "websocket");
	play("");
	answer = page_answer(d, "{\"jsonrpc\": \"2.0\", \"id\": \"a\", \"method\": \"token.info\"}");
	answer = json_object_get(json_object_get(answer, "result"), "order");
	CHECK_TEXT(json_string_value(json_object_get(answer, "origin")), "https://portal.example");
	CHECK_TEXT(json_string_value(json_object_get(answer, "profile")), "portal");
	CHECK_TEXT(page_error(d, "{"), "parse_error");
	CHECK_TEXT(page_error(d, "[]"), "invalid_request");
	CHECK_TEXT(page_error(d, "{\"jsonrpc\": \"2.0\", \"id\": 7, \"method\": \"hello\", \"origin\": \"https://other.example\"}"), "invalid_request");
	CHECK(json_integer_value(json_object_get(sent.list[0], "id")) == 7);
	CHECK_TEXT(page_error(d, "{\"origin\": \"https://other.example\", \"message\": {\"jsonrpc\": \"2.0\", \"id\": 7, \"method\": \"hello\"}}"), "invalid_request");
	CHECK_TEXT(page_error(d, "{\"jsonrpc\": \"2.0\", \"id\": 7, \"method\": \"nothing\"}"), "method_not_found");
	dispatch_free(d);

	page.origin = "https://stranger.example";
	d = dispatch_new(&page);
	CHECK_TEXT(page_error(d, "{\"jsonrpc\": \"2.0\", \"id\": 7, \"method\": \"hello\"}"), "origin_refused");
	forget_sent();
	dispatch_free(d);
}

/* One worker for all who watch; it ends with the last of them, and takes no place of a request. */
static void
test_watch(void)
{
	struct dispatch *d = dispatch_new(&port);
	intptr_t handles[DISPATCH_HANDLES_MAX];

	play("token.watch=hang token.info=hang");
	send_request(d, "1", "token.watch", "{}");
	send_request(d, "2", "token.watch", "{}");
	CHECK(sent.count == 0 && dispatch_running(d) == 2 && dispatch_handles(d, handles) == 1);
	for (int i = 0; i < DISPATCH_RUNNING_MAX; i++)
		send_request(d, "3", "token.info", "{}");
	CHECK(sent.count == 0 && dispatch_running(d) == 2 + DISPATCH_RUNNING_MAX);
	/* of a channel that watches already the first is over */
	send_request(d, "2", "token.watch", "{}");
	CHECK(sent.count == 1);
	CHECK_TEXT(json_string_value(json_object_get(json_object_get(message_at(0), "result"), "watch")), "ended");
	forget_sent();
	/* a channel that does not watch ends nobody's */
	send_request(d, "9", "token.unwatch", "{}");
	CHECK(sent.count == 1 && dispatch_running(d) == 2 + DISPATCH_RUNNING_MAX);
	send_request(d, "1", "token.unwatch", "{}");
	CHECK(sent.count == 3 && dispatch_handles(d, handles) == 1 + DISPATCH_RUNNING_MAX);
	send_request(d, "2", "token.unwatch", "{}");
	CHECK(sent.count == 5 && dispatch_handles(d, handles) == DISPATCH_RUNNING_MAX);
	forget_sent();
	for (int i = 0; i <= DISPATCH_WATCHERS_MAX; i++)
		send_request(d, (const char *[]){ "0", "1", "2", "3", "4", "5", "6", "7", "8" }[i], "token.watch", "{}");
	CHECK(sent.count == 1);
	CHECK_TEXT(error_at(0), "busy");
	forget_sent();
	dispatch_free(d);
}

/* What the worker says goes to each; so does its end, whatever it is. */
static void
test_watch_hears(void)
{
	static const struct {
		const char *play;
		const char *answer;
		size_t sent; /* to each of two */
	} rows[] = { { "token.watch=progress", "ok", 3 }, { "token.watch=crash", "worker_failed", 1 }, { "token.watch=nonsense", "worker_failed", 1 } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct dispatch *d = dispatch_new(&port);

		play(rows[i].play);
		send_request(d, "1", "token.watch", "{}");
		send_request(d, "2", "token.watch", "{}");
		settle(d);
		CHECK(sent.count == 2 * rows[i].sent);
		CHECK_TEXT(error_at(sent.count - 1), rows[i].answer);
		CHECK_TEXT(error_at(sent.count - 2), rows[i].answer);
		forget_sent();
		dispatch_free(d);
	}
}

int
main(void)
{
	char where[PROFILE_WHERE_MAX];

	if (!stage_is_set())
		return STAGE_SKIP;
	json_open();
	os_harden();
	stage_write_profile("portal.json", "https://portal.example", "\"" EXTENSION "\", \"mokhoa@example.vn\"", "false");
	stage_write_profile("other.json", "https://other.example", "\"" OTHER "\"", "true");
	if (!CHECK(profile_load_all(profile_folder(), &profiles, where) == ERR_OK)) {
		puts(where);
		return CHECK_DONE();
	}
	port.profiles = profiles;
	test_messages();
	test_hello();
	test_callers();
	test_no_profiles();
	test_order();
	test_command();
	test_answers();
	test_notifications();
	test_limits();
	test_many();
	test_page();
	test_watch();
	test_watch_hears();
	profile_set_free(profiles);
	return CHECK_DONE();
}
