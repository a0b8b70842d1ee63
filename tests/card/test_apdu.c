/* SPDX-License-Identifier: Apache-2.0 */
/* Every shape of a command APDU, one vector below and one above each bound. */
#include "apdu.h"
#include "check.h"

#include <stdlib.h>

/*
 * Parses a copy of exactly the bytes given, so that a read past them is seen by a sanitizer. The data pointer does not
 * outlive the copy: the caller may look at the lengths only.
 */
static bool
parse(const char *bytes, size_t length, struct apdu *ret_apdu)
{
	uint8_t *copy = malloc(length == 0 ? 1 : length);
	bool ok;

	if (copy == NULL)
		abort();
	if (length > 0)
		memcpy(copy, bytes, length);
	ok = apdu_parse(copy, length, ret_apdu);
	free(copy);
	return ok;
}

static void
test_header(void)
{
	struct apdu apdu;

	CHECK(!parse("", 0, &apdu));
	CHECK(!parse("\x00\x20\x00", 3, &apdu));
	CHECK(parse("\x80\x20\x01\x81", 4, &apdu));
	CHECK(apdu.cla == 0x80 && apdu.ins == 0x20 && apdu.p1 == 0x01 && apdu.p2 == 0x81);
	CHECK(apdu.data == NULL && apdu.data_length == 0 && apdu.expected == 0);
}

static void
test_short(void)
{
	struct apdu apdu;

	CHECK(parse("\x00\x84\x00\x00\x08", 5, &apdu) && apdu.expected == 8);
	CHECK(parse("\x00\x84\x00\x00\x00", 5, &apdu) && apdu.expected == 256 && apdu.data_length == 0);
	CHECK(parse("\x00\xa4\x00\x00\x02\x2f\x00", 7, &apdu) && apdu.data_length == 2 && apdu.expected == 0);
	CHECK(parse("\x00\xa4\x00\x00\x02\x2f\x00\x00", 8, &apdu) && apdu.data_length == 2 && apdu.expected == 256);
	CHECK(!parse("\x00\xa4\x00\x00\x02\x2f", 6, &apdu));
	CHECK(!parse("\x00\xa4\x00\x00\x02\x2f\x00\x00\x00", 9, &apdu));
	CHECK(!parse("\x00\xa4\x00\x00\x00\x00", 6, &apdu));
}

static void
test_extended(void)
{
	struct apdu apdu;

	CHECK(parse("\x80\x58\x00\x00\x00\x00\x00", 7, &apdu) && apdu.expected == 65536 && apdu.data_length == 0);
	CHECK(parse("\x80\x58\x00\x00\x00\x02\x00", 7, &apdu) && apdu.expected == 512);
	CHECK(parse("\x80\x68\x01\x70\x00\x00\x02\xaa\xbb", 9, &apdu) && apdu.data_length == 2 && apdu.expected == 0);
	CHECK(parse("\x80\x68\x01\x70\x00\x00\x02\xaa\xbb\x02\x00", 11, &apdu) && apdu.expected == 512);
	CHECK(parse("\x80\x68\x01\x70\x00\x00\x02\xaa\xbb\x00\x00", 11, &apdu) && apdu.expected == 65536);
	CHECK(!parse("\x80\x68\x01\x70\x00\x00\x02\xaa", 8, &apdu));
	CHECK(!parse("\x80\x68\x01\x70\x00\x00\x02\xaa\xbb\x00", 10, &apdu));
	CHECK(!parse("\x80\x68\x01\x70\x00\x00\x02\xaa\xbb\x00\x00\x00", 12, &apdu));
	CHECK(!parse("\x80\x68\x01\x70\x00\x00\x00\x00", 8, &apdu));
}

static void
test_data(void)
{
	static const uint8_t bytes[] = { 0x00, 0x20, 0x00, 0x81, 0x03, 'a', 'b', 'c' };
	static const uint8_t refused[] = { 0x00, 0x20, 0x00, 0x81, 0x04, 'a', 'b', 'c' };
	struct apdu apdu = { 0 };

	CHECK(apdu_parse(bytes, sizeof(bytes), &apdu));
	CHECK(apdu.data == bytes + 5 && memcmp(apdu.data, "abc", 3) == 0);
	CHECK(!apdu_parse(refused, sizeof(refused), &apdu));
	CHECK(apdu.data == bytes + 5);
}

int
main(void)
{
	test_header();
	test_short();
	test_extended();
	test_data();
	return CHECK_DONE();
}
