/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "frame.h"
#include "check.h"
#include "os.h"

#include <fcntl.h>
#include <unistd.h>

static const char body[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"hello\"}";
#define BODY_LEN (sizeof(body) - 1)

static size_t
frame_of(const void *bytes, uint32_t len, uint32_t announced, unsigned char *ret)
{
	memcpy(ret, &announced, sizeof(announced));
	memcpy(ret + sizeof(announced), bytes, len);
	return sizeof(announced) + len;
}

static void
open_pipe(int ret[2])
{
	if (pipe(ret) != 0)
		perror("pipe");
	(void)fcntl(ret[1], F_SETPIPE_SZ, 1 << 17);
}

/* What frame_read says of these bytes and then the end of the pipe. */
static enum err
read_of(const void *bytes, size_t len)
{
	struct frame_reader r = frame_reader_new(FRAME_IN_MAX);
	const unsigned char *got = NULL;
	uint32_t got_len = 0;
	int ends[2];
	enum err e;

	open_pipe(ends);
	CHECK(os_write_all(ends[1], bytes, len));
	close(ends[1]);
	e = frame_read(&r, ends[0], os_now_ms() + 5000, &got, &got_len);
	CHECK((e == ERR_OK) == (got != NULL));
	close(ends[0]);
	frame_reader_free(&r);
	return e;
}

static void
no_prefix_is_a_frame(void)
{
	unsigned char frame[4 + BODY_LEN];
	size_t len = frame_of(body, BODY_LEN, BODY_LEN, frame);

	for (size_t n = 0; n < len; n++)
		CHECK(read_of(frame, n) == ERR_FRAME_TRUNCATED);
	CHECK(read_of(frame, len) == ERR_OK);
}

static void
lengths_at_the_edges(void)
{
	static const uint32_t refused[] = { 0, 1, FRAME_IN_MAX + 1, 64u << 20, 1u << 31, UINT32_MAX };
	static unsigned char frame[4 + FRAME_IN_MAX + 1], filler[FRAME_IN_MAX + 1];

	memset(filler, ' ', sizeof(filler));
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		CHECK(read_of(frame, frame_of(filler, sizeof(filler), refused[i], frame)) == ERR_FRAME_TOO_LARGE);
	CHECK(read_of(frame, frame_of(filler, 2, 2, frame)) == ERR_OK);
	CHECK(read_of(frame, frame_of(filler, FRAME_IN_MAX, FRAME_IN_MAX, frame)) == ERR_OK);
	CHECK(read_of(frame, frame_of(filler, FRAME_IN_MAX - 1, FRAME_IN_MAX, frame)) == ERR_FRAME_TRUNCATED);
}

static void
one_byte_at_a_time(void)
{
	struct frame_reader r = frame_reader_new(FRAME_IN_MAX);
	unsigned char frame[4 + BODY_LEN];
	size_t len = frame_of(body, BODY_LEN, BODY_LEN, frame);
	const unsigned char *got;
	uint32_t got_len;
	bool clean;
	int ends[2];

	open_pipe(ends);
	for (unsigned round = 0; round < 3; round++) {
		for (size_t i = 0; i < len; i++) {
			CHECK(frame_next(&r, &got, &got_len) == ERR_OK && got == NULL);
			frame_done(&r);
			CHECK(os_write_all(ends[1], frame + i, 1) && frame_fill(&r, ends[0], &clean) == ERR_OK);
		}
		CHECK(frame_next(&r, &got, &got_len) == ERR_OK && got_len == BODY_LEN && memcmp(got, body, BODY_LEN) == 0);
		frame_done(&r);
	}
	close(ends[1]);
	CHECK(frame_fill(&r, ends[0], &clean) == ERR_FRAME_TRUNCATED && clean);
	close(ends[0]);
	CHECK(frame_fill(&r, ends[0], &clean) == ERR_FRAME_TRUNCATED && !clean);
	frame_reader_free(&r);
}

static void
two_frames_in_one_write_and_a_half(void)
{
	struct frame_reader r = frame_reader_new(FRAME_IN_MAX);
	unsigned char frames[2 * (4 + BODY_LEN) + 3];
	size_t len = frame_of(body, BODY_LEN, BODY_LEN, frames);
	const unsigned char *got;
	uint32_t got_len;
	bool clean;
	int ends[2];

	memcpy(frames + len, frames, len);
	memcpy(frames + 2 * len, frames, 3);
	open_pipe(ends);
	CHECK(os_write_all(ends[1], frames, sizeof(frames)));
	CHECK(frame_fill(&r, ends[0], &clean) == ERR_OK);
	for (unsigned i = 0; i < 2; i++) {
		CHECK(frame_next(&r, &got, &got_len) == ERR_OK && got != NULL && got_len == BODY_LEN);
		frame_done(&r);
	}
	CHECK(frame_next(&r, &got, &got_len) == ERR_OK && got == NULL);
	close(ends[1]);
	CHECK(frame_fill(&r, ends[0], &clean) == ERR_FRAME_TRUNCATED && !clean);
	close(ends[0]);
	frame_reader_free(&r);
}

/* A caller that fills without taking frames out meets an end, not an endless buffer. */
static void
a_full_reader_takes_no_more(void)
{
	static const unsigned char zeros[FRAME_IN_MAX];
	struct frame_reader r = frame_reader_new(16);
	bool clean;
	int ends[2];

	open_pipe(ends);
	CHECK(os_write_all(ends[1], zeros, sizeof(zeros)));
	CHECK(frame_fill(&r, ends[0], &clean) == ERR_OK && r.bytes.len == 20);
	CHECK(frame_fill(&r, ends[0], &clean) == ERR_FRAME_TOO_LARGE);
	close(ends[0]);
	close(ends[1]);
	frame_reader_free(&r);
}

static void
a_deadline_ends_the_wait(void)
{
	struct frame_reader r = frame_reader_new(FRAME_IN_MAX);
	const unsigned char *got;
	uint32_t got_len;
	uint64_t before = os_now_ms();
	int ends[2];

	open_pipe(ends);
	CHECK(frame_read(&r, ends[0], before + 60, &got, &got_len) == ERR_TIMEOUT && os_now_ms() - before >= 60);
	CHECK(os_write_all(ends[1], "\x02", 1));
	CHECK(frame_read(&r, ends[0], os_now_ms() + 30, &got, &got_len) == ERR_TIMEOUT && got == NULL);
	CHECK(frame_read(&r, ends[0], 0, &got, &got_len) == ERR_TIMEOUT);
	close(ends[0]);
	close(ends[1]);
	frame_reader_free(&r);
}

static void
what_is_written_is_read(void)
{
	static unsigned char out[FRAME_OUT_MAX];
	struct frame_reader r = frame_reader_new(FRAME_OUT_MAX);
	const unsigned char *got;
	uint32_t got_len;
	int ends[2];

	memset(out, 'o', sizeof(out));
	open_pipe(ends);
	CHECK(frame_write(ends[1], out, FRAME_OUT_MAX, FRAME_OUT_MAX) == ERR_OK);
	CHECK(frame_read(&r, ends[0], os_now_ms() + 5000, &got, &got_len) == ERR_OK && got_len == FRAME_OUT_MAX && memcmp(got, out, got_len) == 0);
	frame_done(&r);
	CHECK(frame_write(ends[1], out, 9, 8) == ERR_FRAME_TOO_LARGE && frame_write(ends[1], out, 1, 8) == ERR_FRAME_TOO_LARGE);
	close(ends[0]);
	CHECK(frame_write(ends[1], out, 2, 8) == ERR_FRAME_TRUNCATED);
	close(ends[1]);
	frame_reader_free(&r);
}

int
main(void)
{
	os_harden();
	no_prefix_is_a_frame();
	lengths_at_the_edges();
	one_byte_at_a_time();
	two_frames_in_one_write_and_a_half();
	a_full_reader_takes_no_more();
	a_deadline_ends_the_wait();
	what_is_written_is_read();
	return CHECK_DONE();
}
