/* SPDX-License-Identifier: Apache-2.0 */
#include "image.h"

#include "os.h"

#include <stdio.h>
#include <string.h>

/* PE: the header's place stands at a fixed one of the head that DOS reads. */
#define PE_PLACE     0x3c
#define PE_SIGNATURE "PE\0" /* its fourth byte is the text's own NUL */

/* ELF */
#define EI_CLASS  4
#define EI_DATA	  5
#define E_MACHINE 18
#define BIG	  2 /* ELFDATA2MSB */

/* ---- reading ---- */

static uint32_t
little(const unsigned char *at, size_t bytes)
{
	uint32_t value = 0;

	while (bytes-- != 0)
		value = value << 8 | at[bytes];
	return value;
}

static struct image
of_pe(const unsigned char *head, size_t len)
{
	struct image image = { .format = IMAGE_NONE };
	size_t place, need = sizeof(PE_SIGNATURE) + 2;

	if (len < PE_PLACE + 4)
		return image;
	place = little(head + PE_PLACE, 4);
	if (place > len || len - place < need || memcmp(head + place, PE_SIGNATURE, sizeof(PE_SIGNATURE)) != 0)
		return image;
	image.format = IMAGE_PE;
	image.machine = (uint16_t)little(head + place + sizeof(PE_SIGNATURE), 2);
	return image;
}

static struct image
of_elf(const unsigned char *head, size_t len)
{
	struct image image = { .format = IMAGE_NONE };

	if (len < E_MACHINE + 2)
		return image;
	image.format = IMAGE_ELF;
	image.form = (uint16_t)(head[EI_CLASS] << 8 | head[EI_DATA]);
	image.machine = (uint16_t)little(head + E_MACHINE, 2);
	if (head[EI_DATA] == BIG)
		image.machine = (uint16_t)(image.machine << 8 | image.machine >> 8);
	return image;
}

struct image
image_of(const unsigned char *head, size_t len)
{
	if (len > 2 && memcmp(head, "MZ", 2) == 0)
		return of_pe(head, len);
	if (len > 4 && memcmp(head, "\177ELF", 4) == 0)
		return of_elf(head, len);
	return (struct image){ .format = IMAGE_NONE };
}

enum err
image_of_file(const char *path, struct image *ret)
{
	unsigned char head[IMAGE_HEAD_MAX];
	size_t len = 0;
	enum err e = os_read_head(path, head, sizeof(head), &len);

	if (e == ERR_OK)
		*ret = image_of(head, len);
	return e;
}

bool
image_same(const struct image *one, const struct image *other)
{
	return one->format != IMAGE_NONE && one->format == other->format && one->form == other->form && one->machine == other->machine;
}

/* ---- telling ---- */

void
image_text(const struct image *image, char ret[IMAGE_TEXT_MAX])
{
	static const struct {
		enum image_format format;
		uint16_t machine;
		const char *name;
	} names[] = {
		{ IMAGE_PE, 0x014c, "x86" },
		{ IMAGE_PE, 0x8664, "x86-64" },
		{ IMAGE_PE, 0xaa64, "arm64" },
		{ IMAGE_ELF, 3, "x86" },
		{ IMAGE_ELF, 62, "x86-64" },
		{ IMAGE_ELF, 183, "arm64" },
	};
	const char *format = image->format == IMAGE_PE ? "pe" : "elf";

	if (image->format == IMAGE_NONE) {
		(void)snprintf(ret, IMAGE_TEXT_MAX, "none");
		return;
	}
	(void)snprintf(ret, IMAGE_TEXT_MAX, "%s 0x%04x", format, (unsigned)image->machine);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].format == image->format && names[i].machine == image->machine)
			(void)snprintf(ret, IMAGE_TEXT_MAX, "%s %s", format, names[i].name);
}
