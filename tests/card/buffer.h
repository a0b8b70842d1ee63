/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run of bytes with a fixed maximum, and the few ways in which the card fills one: bytes, tags and hexadecimal text.
 * What does not fit sets `overflow` and is dropped whole; the caller asks once, at the end.
 */
#ifndef MOKHOA_CARD_BUFFER_H
#define MOKHOA_CARD_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum {
	BUFFER_MAX = 4608
};

struct buffer {
	size_t length;
	bool overflow;
	uint8_t bytes[BUFFER_MAX];
};

void buffer_clear(struct buffer *buffer);
void buffer_append(struct buffer *buffer, const void *bytes, size_t length);
void buffer_append_byte(struct buffer *buffer, unsigned byte);
/* A tag of one or two bytes, a DER length, the value. */
void buffer_append_tlv(struct buffer *buffer, unsigned tag, const void *value, size_t length);
/* Turns what the buffer holds into the value of one tag. */
void buffer_wrap(struct buffer *buffer, unsigned tag);
/* Appends what the text spells; false and unchanged if it is not an even run of hexadecimal digits or does not fit. */
bool buffer_append_hex(struct buffer *buffer, const char *text);

void hex_print(FILE *file, const uint8_t *bytes, size_t length);

#endif
