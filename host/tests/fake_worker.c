/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stands in the place of mokhoa-worker beside the program that is tested, and does to it what a worker may ever do.
 *
 * FAKE_WORKER="OP=PLAY OP=PLAY" says what each operation plays; "echo" is the rest. FAKE_LOG names a file that gets a line "OP PID" for each
 * order that came whole.
 */
#define _POSIX_C_SOURCE 200809L
#include "frame.h"
#include "json.h"
#include "os.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static intptr_t in, out;

static void
say(json_t *message)
{
	struct buf b = buf_new(FRAME_OUT_MAX);

	if (json_dump(message, &b) == ERR_OK)
		(void)frame_write(out, b.data, b.len, FRAME_OUT_MAX);
	buf_free(&b);
	json_decref(message);
}

static void
say_text(const char *text)
{
	(void)frame_write(out, text, strlen(text), FRAME_OUT_MAX);
}

static void
say_padding(size_t len)
{
	char *text = calloc(1, len + 1);

	if (text == NULL)
		exit(1);
	memset(text, 'x', len);
	say(json_pack("{s:{s:s}}", "result", "padding", text));
	free(text);
}

static void
hang(void)
{
	for (;;)
		pause();
}

static void
play_progress(void)
{
	say(json_pack("{s:s, s:{s:s}}", "notification", "unlock.progress", "params", "stage", "prompting"));
	say(json_pack("{s:s, s:{s:s}}", "notification", "token.erased", "params", "stage", "never forwarded"));
	say(json_pack("{s:s, s:{s:s}}", "notification", "unlock.changed", "params", "state", "approved"));
	say(json_pack("{s:{s:b}}", "result", "done", 1));
}

static bool
write_file(const char *path, const char *suffix)
{
	char name[4096];
	FILE *f;

	snprintf(name, sizeof(name), "%s%s", path, suffix);
	f = fopen(name, "w");
	return f != NULL && fclose(f) == 0;
}

/* Writes FAKE_MARK.there, and FAKE_MARK as soon as somebody has written FAKE_MARK.go, if it lives that long. */
static void
play_mark(void)
{
	const char *path = getenv("FAKE_MARK");
	char go[4096];
	bool told = false;

	if (path == NULL || !write_file(path, ".there"))
		return;
	snprintf(go, sizeof(go), "%s.go", path);
	for (int i = 0; i < 3000 && !told; i++) {
		os_sleep_ms(10);
		told = remove(go) == 0;
	}
	if (told && write_file(path, ""))
		say(json_pack("{s:{}}", "result"));
}

static void
play_text(const char *play)
{
	static const struct {
		const char *play;
		const char *text;
	} texts[] = {
		{ "garbage", "not JSON at all" },
		{ "list", "[1]" },
		{ "number", "{\"result\": 1}" },
		{ "both", "{\"result\": {}, \"error\": {}}" },
		{ "extra", "{\"result\": {}, \"extra\": 1}" },
		{ "twin", "{\"result\": {}, \"result\": {}}" },
		{ "unnamed", "{\"error\": {\"code\": 1, \"message\": \"x\", \"data\": {}}}" },
		{ "unknown", "{\"error\": {\"code\": 1, \"message\": \"x\", \"data\": {\"name\": \"no_such_error\"}}}" },
		{ "number2", "{\"error\": {\"code\": 1, \"message\": \"x\", \"data\": {\"name\": \"token_busy\"}}}" },
		{ "fine", "{\"error\": {\"code\": 0, \"message\": \"x\", \"data\": {\"name\": \"ok\"}}}" },
		{ "mute", "{\"notification\": \"unlock.progress\"}" },
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (strcmp(play, texts[i].play) == 0)
			say_text(texts[i].text);
}

static void
play(const char *play, json_t *order)
{
	static const char half[] = "\x40\0\0\0{\"result\"";
	static const char endless[] = "\xff\xff\xff\xff{\"result\": {}}";

	if (strcmp(play, "echo") == 0)
		say(json_pack("{s:{s:O}}", "result", "order", order));
	else if (strcmp(play, "busy") == 0)
		say(json_pack("{s:o}", "error", json_error(ERR_TOKEN_BUSY, NULL)));
	else if (strcmp(play, "progress") == 0)
		play_progress();
	else if (strcmp(play, "crash") == 0)
		raise(SIGKILL);
	else if (strcmp(play, "hang") == 0)
		hang();
	else if (strcmp(play, "half") == 0)
		(void)os_write_all(out, half, sizeof(half) - 1);
	else if (strcmp(play, "endless") == 0)
		(void)os_write_all(out, endless, sizeof(endless) - 1);
	else if (strcmp(play, "huge") == 0)
		say_padding(FRAME_OUT_MAX - 40);
	else if (strcmp(play, "large") == 0)
		say_padding(FRAME_OUT_MAX - 200);
	else if (strcmp(play, "mark") == 0)
		play_mark();
	else
		play_text(play);
	if (strcmp(play, "twice") == 0) {
		say_text("{\"result\": {\"n\": 1}}");
		say_text("{\"result\": {\"n\": 2}}");
		hang();
	}
}

/* The play of this operation into ret. */
static void
find_play(const char *op, char *ret, size_t max)
{
	const char *at = getenv("FAKE_WORKER");
	size_t op_len = strlen(op);

	snprintf(ret, max, "echo");
	for (; at != NULL && *at != '\0'; at += strcspn(at, " "), at += strspn(at, " "))
		if (strncmp(at, op, op_len) == 0 && at[op_len] == '=')
			snprintf(ret, max, "%.*s", (int)strcspn(at + op_len + 1, " "), at + op_len + 1);
}

static void
note(const char *op)
{
	const char *path = getenv("FAKE_LOG");
	FILE *f = path != NULL ? fopen(path, "a") : NULL;

	if (f == NULL)
		return;
	fprintf(f, "%s %ld\n", op, (long)getpid());
	fclose(f);
}

int
main(void)
{
	struct frame_reader reader = frame_reader_new(FRAME_OUT_MAX);
	const unsigned char *bytes;
	uint32_t len;
	json_t *order;
	char what[32];

	signal(SIGPIPE, SIG_IGN);
	json_open();
	os_take_stdio(&in, &out);
	if (frame_read(&reader, in, os_now_ms() + 5000, &bytes, &len) != ERR_OK || json_load(bytes, len, &order, NULL) != ERR_OK)
		return 1;
	note(json_string_value(json_object_get(order, "op")));
	find_play(json_string_value(json_object_get(order, "op")), what, sizeof(what));
	play(what, order);
	json_decref(order);
	frame_reader_free(&reader);
	return 0;
}
