/* SPDX-License-Identifier: Apache-2.0 */
#include "buffer.h"

#include <string.h>

void
buffer_clear(struct buffer *buffer)
{
	buffer->length = 0;
	buffer->overflow = false;
}

void
buffer_append(struct buffer *buffer, const void *bytes, size_t length)
{
	if (length > sizeof(buffer->bytes) - buffer->length) {
		buffer->overflow = true;
		return;
	}
	if (length > 0)
		memcpy(buffer->bytes + buffer->length, bytes, length);
	buffer->length += length;
}

void
buffer_append_byte(struct buffer *buffer, unsigned byte)
{
	const uint8_t value = (uint8_t)(byte & 0xff);

	buffer_append(buffer, &value, 1);
}

static void
append_tag(struct buffer *buffer, unsigned tag)
{
	if (tag > 0xff)
		buffer_append_byte(buffer, tag >> 8);
	buffer_append_byte(buffer, tag);
}

static void
append_length(struct buffer *buffer, size_t length)
{
	if (length > 0xff) {
		buffer_append_byte(buffer, 0x82);
		buffer_append_byte(buffer, (unsigned)(length >> 8));
	} else if (length > 0x7f) {
		buffer_append_byte(buffer, 0x81);
	}
	buffer_append_byte(buffer, (unsigned)(length & 0xff));
}

void
buffer_append_tlv(struct buffer *buffer, unsigned tag, const void *value, size_t length)
{
	append_tag(buffer, tag);
	append_length(buffer, length);
	buffer_append(buffer, value, length);
}

void
buffer_wrap(struct buffer *buffer, unsigned tag)
{
	struct buffer outer = { 0 };

	buffer_append_tlv(&outer, tag, buffer->bytes, buffer->length);
	outer.overflow = outer.overflow || buffer->overflow;
	*buffer = outer;
}

static int
hex_digit(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	if (digit >= 'A' && digit <= 'F')
		return digit - 'A' + 10;
	return -1;
}

bool
buffer_append_hex(struct buffer *buffer, const char *text)
{
	const size_t count = strlen(text) / 2;

	if (strlen(text) % 2 != 0 || count > sizeof(buffer->bytes) - buffer->length)
		return false;
	for (size_t i = 0; i < 2 * count; i++)
		if (hex_digit(text[i]) < 0)
			return false;
	for (size_t i = 0; i < count; i++)
		buffer_append_byte(buffer, (unsigned)(hex_digit(text[2 * i]) * 16 + hex_digit(text[2 * i + 1])));
	return true;
}

void
hex_print(FILE *file, const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		fprintf(file, "%02X", bytes[i]);
}
