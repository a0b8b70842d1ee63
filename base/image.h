/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image: for which processor a program or library was built, as the head of its file says: PE (Microsoft, "PE Format") or ELF (System V ABI,
 * "ELF Header").
 *
 * No more is read than that, and nothing is believed: who loads the file finds out for himself whether the rest is true. Pure, but for image_of_file().
 */
#ifndef MOKHOA_IMAGE_H
#define MOKHOA_IMAGE_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IMAGE_HEAD_MAX 4096 /* bytes of a file that are looked at; linkers put the header of PE at 64 to 512 */
#define IMAGE_TEXT_MAX 24

enum image_format {
	IMAGE_NONE, /* neither, or its header lies beyond the head */
	IMAGE_PE,
	IMAGE_ELF
};

struct image {
	enum image_format format;
	uint16_t form;	  /* ELF: EI_CLASS, EI_DATA: one processor has programs of 32 and of 64 bits; PE: 0 */
	uint16_t machine; /* IMAGE_FILE_MACHINE_* or EM_* */
};

/* What the first bytes of a file say. */
struct image image_of(const unsigned char *head, size_t len);

/* Reads them; the errors of os_read_head(). What is no program is ERR_OK and IMAGE_NONE. */
enum err image_of_file(const char *path, struct image *ret);

/* Whether a process of the one can load the other. False for two of which nothing is known. */
bool image_same(const struct image *one, const struct image *other);

/* "pe x86", "elf x86-64", "elf arm64", "pe 0x01c4", "none": for logs and for who mends the machine. */
void image_text(const struct image *image, char ret[IMAGE_TEXT_MAX]);

#endif
