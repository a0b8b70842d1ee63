/* SPDX-License-Identifier: Apache-2.0 */
/* The elementary files of the SmartCard-HSM profile, each made from the card's state when it is selected. */
#ifndef MOKHOA_CARD_FILE_H
#define MOKHOA_CARD_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;
struct state;

enum {
	FILE_DIRECTORY = 0x2f00,
	FILE_DEVICE_CERTIFICATE = 0x2f02,
	FILE_TOKEN_INFO = 0x2f03,
	FILE_KEY = 0xcc01,
	FILE_KEY_DESCRIPTION = 0xc401,
	FILE_CERTIFICATE = 0xce01,
};

enum {
	FILE_AID_LENGTH = 11
};
extern const uint8_t file_aid[FILE_AID_LENGTH];

/* False when there is no such file or it cannot be read: the key is listed and stays inside. */
bool file_read(const struct state *state, unsigned id, struct buffer *ret_content);
/* What SELECT answers about a file, and about the application. */
void file_control(unsigned id, size_t size, struct buffer *ret_control);
void file_application_control(struct buffer *ret_control);
/* Two bytes a file, as ENUMERATE OBJECTS answers it. */
void file_list(struct buffer *ret_list);

#endif
