/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For check_messages.py: reads one JSON object a line (from_name, from, to, subject, text, id) and answers each with a line: the error's name and
 * the message's length, then so many bytes.
 */
#include "json.h"
#include "message.h"
#include "os.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_SIZE 65536

/* A member as a text that ends with its first NUL, as C sees it. */
static const char *
member(const json_t *json, const char *key)
{
	const char *text = json_string_value(json_object_get(json, key));

	return text != NULL ? text : "";
}

static void
answer(const json_t *json)
{
	struct buf b = buf_new(MESSAGE_MAX);
	struct message m = {
		.from_name = member(json, "from_name"),
		.from = member(json, "from"),
		.to = member(json, "to"),
		.subject = member(json, "subject"),
		.text = member(json, "text"),
		.text_len = strlen(member(json, "text")),
		.id = json_integer_value(json_object_get(json, "id")),
		.created = 1700000000,
		.date = 1700000000,
	};
	enum err e = message_build(&m, &b);

	printf("%s %zu\n", err_name(e), e == ERR_OK ? b.len : 0);
	if (e == ERR_OK)
		fwrite(b.data, 1, b.len, stdout);
	fflush(stdout);
	buf_free(&b);
}

int
main(void)
{
	static char line[LINE_SIZE];
	json_t *json;

	json_open();
	while (fgets(line, sizeof(line), stdin) != NULL) {
		if (json_load(line, strlen(line), &json, NULL) != ERR_OK)
			return 1;
		answer(json);
		json_decref(json);
	}
	return 0;
}
