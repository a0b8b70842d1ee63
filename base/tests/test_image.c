/* SPDX-License-Identifier: Apache-2.0 */
#include "image.h"
#include "check.h"

#include "buf.h"
#include "os.h"

#include <stdlib.h>

#define PE_AT 0x80 /* where linkers put it */

static unsigned char head[IMAGE_HEAD_MAX];

/* "MZ", and the header of PE at place, which is written where it fits. */
static void
make_pe(uint32_t place, uint16_t machine)
{
	memset(head, 0, sizeof(head));
	memcpy(head, "MZ", 2);
	for (int i = 0; i < 4; i++)
		head[0x3c + i] = (unsigned char)(place >> (8 * i));
	if (place <= sizeof(head) - 6) {
		memcpy(head + place, "PE\0", 4);
		head[place + 4] = (unsigned char)machine;
		head[place + 5] = (unsigned char)(machine >> 8);
	}
}

static void
make_elf(unsigned char class, unsigned char data, unsigned char first, unsigned char second)
{
	memset(head, 0, sizeof(head));
	memcpy(head, "\177ELF", 4);
	head[4] = class;
	head[5] = data;
	head[18] = first;
	head[19] = second;
}

static const char *
text_of(size_t len)
{
	static char text[IMAGE_TEXT_MAX];
	struct image image = image_of(head, len);

	image_text(&image, text);
	return text;
}

static void
a_library_of_windows_says_its_machine(void)
{
	make_pe(PE_AT, 0x014c);
	CHECK_TEXT(text_of(sizeof(head)), "pe x86");
	make_pe(PE_AT, 0x8664);
	CHECK_TEXT(text_of(sizeof(head)), "pe x86-64");
	make_pe(PE_AT, 0xaa64);
	CHECK_TEXT(text_of(sizeof(head)), "pe arm64");
	make_pe(PE_AT, 0x01c4);
	CHECK_TEXT(text_of(sizeof(head)), "pe 0x01c4");
}

static void
a_library_of_linux_says_its_machine(void)
{
	make_elf(2, 1, 62, 0);
	CHECK_TEXT(text_of(64), "elf x86-64");
	make_elf(1, 1, 3, 0);
	CHECK_TEXT(text_of(64), "elf x86");
	make_elf(2, 1, 183, 0);
	CHECK_TEXT(text_of(64), "elf arm64");
	/* s390x: the other order of bytes */
	make_elf(2, 2, 0, 22);
	CHECK_TEXT(text_of(64), "elf 0x0016");
}

static void
the_same_machine_with_other_bits_is_another(void)
{
	struct image one, other, none = { .format = IMAGE_NONE };

	make_elf(2, 1, 62, 0);
	one = image_of(head, 64);
	CHECK(image_same(&one, &one) && !image_same(&one, &none) && !image_same(&none, &none));
	/* x32: programs of 32 bits for the processor of 64 */
	make_elf(1, 1, 62, 0);
	other = image_of(head, 64);
	CHECK(!image_same(&one, &other));
	make_pe(PE_AT, 62);
	other = image_of(head, sizeof(head));
	CHECK(!image_same(&one, &other));
}

static void
what_is_cut_short_says_nothing(void)
{
	make_pe(PE_AT, 0x8664);
	for (size_t len = 0; len < PE_AT + 6; len++)
		if (!CHECK(image_of(head, len).format == IMAGE_NONE))
			printf("  %zu bytes\n", len);
	CHECK(image_of(head, PE_AT + 6).format == IMAGE_PE);
	make_elf(2, 1, 62, 0);
	for (size_t len = 0; len < 20; len++)
		if (!CHECK(image_of(head, len).format == IMAGE_NONE))
			printf("  %zu bytes\n", len);
	CHECK(image_of(head, 20).format == IMAGE_ELF);
}

static void
a_header_elsewhere_is_not_looked_for(void)
{
	static const uint32_t places[] = { IMAGE_HEAD_MAX - 5, IMAGE_HEAD_MAX, 0x7fffffff, 0x80000000, 0xfffffffa, 0xffffffff };

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		make_pe(places[i], 0x8664);
		CHECK(image_of(head, sizeof(head)).format == IMAGE_NONE);
	}
	make_pe(IMAGE_HEAD_MAX - 6, 0x8664);
	CHECK(image_of(head, sizeof(head)).format == IMAGE_PE);
	/* a program of DOS, and one of Windows 3 */
	make_pe(0, 0x8664);
	CHECK(image_of(head, sizeof(head)).format == IMAGE_NONE);
	make_pe(PE_AT, 0x8664);
	memcpy(head + PE_AT, "NE", 2);
	CHECK(image_of(head, sizeof(head)).format == IMAGE_NONE);
}

static void
this_program_is_of_this_machine(const char *path)
{
	struct image image = { .format = IMAGE_NONE };
	char folder[OS_PATH_MAX];

	CHECK(image_of_file(path, &image) == ERR_OK && image.format != IMAGE_NONE && image_same(&image, &image));
	CHECK(image_of_file("/no/such/file", &image) != ERR_OK);
	CHECK(os_program_dir(folder) == ERR_OK && image_of_file(folder, &image) != ERR_OK);
}

int
main(int argc, char **argv)
{
	(void)argc;
	a_library_of_windows_says_its_machine();
	a_library_of_linux_says_its_machine();
	the_same_machine_with_other_bits_is_another();
	what_is_cut_short_says_nothing();
	a_header_elsewhere_is_not_looked_for();
	this_program_is_of_this_machine(argv[0]);
	return CHECK_DONE();
}
