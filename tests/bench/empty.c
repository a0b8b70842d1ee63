/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The least that can answer: a C program that links jansson, reads one native messaging frame, loads its JSON, answers with one frame and
 * waits for the end. What mokhoa-host takes longer than this is its own doing.
 */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int
read_all(void *ret, size_t len)
{
	char *at = ret;

	while (len != 0) {
		ssize_t got = read(STDIN_FILENO, at, len);
		if (got <= 0)
			return 0;
		at += got;
		len -= (size_t)got;
	}
	return 1;
}

int
main(void)
{
	static char bytes[8192];
	uint32_t len;
	json_t *request, *answer;
	char *text;

	if (!read_all(&len, sizeof(len)) || len > sizeof(bytes) || !read_all(bytes, len))
		return 1;
	request = json_loadb(bytes, len, JSON_REJECT_DUPLICATES, NULL);
	answer = json_pack("{s:{s:s, s:O, s:{}}}", "message", "jsonrpc", "2.0", "id",
	    json_object_get(json_object_get(request, "message"), "id"), "result");
	text = answer != NULL ? json_dumps(answer, JSON_COMPACT) : NULL;
	if (text == NULL)
		return 1;
	len = (uint32_t)strlen(text);
	memcpy(bytes, &len, sizeof(len));
	memcpy(bytes + sizeof(len), text, len);
	if (write(STDOUT_FILENO, bytes, sizeof(len) + len) < 0)
		return 1;
	free(text);
	json_decref(answer);
	json_decref(request);
	return read(STDIN_FILENO, bytes, 1) != 0;
}
