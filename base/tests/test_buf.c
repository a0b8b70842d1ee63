/* SPDX-License-Identifier: Apache-2.0 */
#include "buf.h"
#include "check.h"

#include <stdint.h>

/* Without this the address sanitizer ends the process where malloc() would say no. */
const char *__asan_default_options(void);

const char *
__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

static void
grows_to_its_maximum_and_no_further(void)
{
	for (size_t max = 0; max < 1200; max += 7) {
		struct buf b = buf_new(max);

		for (size_t i = 0; i < max; i++)
			buf_add(&b, "x", 1);
		CHECK(buf_error(&b) == ERR_OK && b.len == max);
		CHECK(buf_text(&b) != NULL && strlen(buf_text(&b)) == max);
		buf_add(&b, "y", 1);
		CHECK(buf_error(&b) == ERR_FRAME_TOO_LARGE && b.len == max);
		buf_free(&b);
	}
}

static void
keeps_what_it_had_and_the_first_error(void)
{
	struct buf b = buf_new(8);

	buf_add_text(&b, "abcdef");
	buf_add_text(&b, "ghi");
	CHECK(buf_error(&b) == ERR_FRAME_TOO_LARGE);
	CHECK(b.len == 6 && memcmp(b.data, "abcdef", 6) == 0);
	buf_add_text(&b, "g");
	CHECK(b.len == 6);
	CHECK(buf_text(&b) == NULL && buf_room(&b, 1) == NULL);
	buf_fail(&b, ERR_INTERNAL);
	CHECK(buf_error(&b) == ERR_FRAME_TOO_LARGE);
	buf_reset(&b);
	CHECK(buf_error(&b) == ERR_OK && b.len == 0);
	buf_add_text(&b, "again");
	CHECK_TEXT(buf_text(&b), "again");
	buf_free(&b);
	buf_free(&b);
}

static void
room_beyond_all_memory_is_refused(void)
{
	struct buf b = buf_new(SIZE_MAX);

	buf_add_text(&b, "abc");
	CHECK(buf_room(&b, SIZE_MAX - 2) == NULL && buf_error(&b) == ERR_FRAME_TOO_LARGE);
	buf_free(&b);

	b = buf_new(SIZE_MAX);
	CHECK(buf_room(&b, SIZE_MAX / 2) == NULL && buf_error(&b) == ERR_NO_MEMORY);
	buf_free(&b);
}

static void
drops_from_the_front(void)
{
	struct buf b = buf_new(64);

	buf_add_text(&b, "head and tail");
	buf_drop(&b, 5);
	CHECK_TEXT(buf_text(&b), "and tail");
	CHECK(b.data[9] == 0 && b.data[12] == 0);
	buf_drop(&b, 0);
	CHECK(b.len == 8);
	buf_drop(&b, 100);
	CHECK(b.len == 0);
	CHECK_TEXT(buf_text(&b), "");
	buf_free(&b);
}

static void
room_is_written_by_hand(void)
{
	struct buf b = buf_new(512);
	unsigned char *room = buf_room(&b, 300);

	memset(room, 'r', 300);
	buf_grew(&b, 300);
	CHECK(b.len == 300 && b.data[299] == 'r');
	buf_grew(&b, b.cap);
	CHECK(buf_error(&b) == ERR_FRAME_TOO_LARGE && b.len == 300);
	buf_free(&b);
}

int
main(void)
{
	grows_to_its_maximum_and_no_further();
	keeps_what_it_had_and_the_first_error();
	room_beyond_all_memory_is_refused();
	drops_from_the_front();
	room_is_written_by_hand();
	return CHECK_DONE();
}
