/* SPDX-License-Identifier: Apache-2.0 */
/* Name, recipient, subject and text, each ended by a NUL: whatever is built has one recipient, plain bytes, and no line end that is not meant. */
#include "address.h"
#include "message.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The next text of the input in a buffer of its own; "" where there is none. */
static char *
next_text(const uint8_t **data, size_t *size)
{
	const uint8_t *end = *size != 0 ? memchr(*data, '\0', *size) : NULL;
	size_t len = end != NULL ? (size_t)(end - *data) : *size;
	char *text = malloc(len + 1);

	if (text == NULL)
		abort();
	if (len != 0)
		memcpy(text, *data, len);
	text[len] = '\0';
	*data += end != NULL ? len + 1 : len;
	*size -= end != NULL ? len + 1 : len;
	return text;
}

static size_t
count_of(const struct buf *b, size_t end, const char *what)
{
	size_t len = strlen(what);
	size_t count = 0;

	for (size_t i = 0; i + len <= end; i++)
		count += memcmp(b->data + i, what, len) == 0;
	return count;
}

static void
check_bytes(const struct buf *b)
{
	size_t column = 0;
	size_t head = 0;

	for (size_t i = 0; i < b->len; i++) {
		unsigned char c = b->data[i];
		if (c == '\r' && i + 1 < b->len && b->data[i + 1] == '\n')
			continue;
		if (c == '\n' && i != 0 && b->data[i - 1] == '\r') {
			column = 0;
			continue;
		}
		if (c < 0x20 || c > 0x7e || ++column > 998 || (c == '.' && column == 1))
			abort();
	}
	/* the first empty line ends the header; behind it the text may say what it likes, but begin no part */
	while (head + 4 < b->len && memcmp(b->data + head, "\r\n\r\n", 4) != 0)
		head++;
	if (count_of(b, head, "\r\nTo: ") != 1 || count_of(b, head, "\r\nSubject: ") != 1 || count_of(b, head, "\r\nBcc:") != 0)
		abort();
	if (count_of(b, b->len, "\r\n--mokhoa-1-2") != 3)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *name = next_text(&data, &size);
	char *to = next_text(&data, &size);
	char *subject = next_text(&data, &size);
	struct message m = { .from_name = name, .from = "no-reply@ca.vn", .to = to, .subject = subject, .id = 1, .created = 2, .date = 3 };
	struct buf b = buf_new(MESSAGE_MAX);

	m.text = (const char *)data;
	m.text_len = size;
	if (message_build(&m, &b) == ERR_OK) {
		if (!address_ok(to, strlen(to)))
			abort();
		check_bytes(&b);
	}
	buf_free(&b);
	free(name);
	free(to);
	free(subject);
	return 0;
}
