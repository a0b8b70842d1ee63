/* SPDX-License-Identifier: Apache-2.0 */
/* However a stream is cut into reads, the same frames come out of it, and none that is not whole. The first byte says how it is cut. */
#include "frame.h"
#include "fuzz.h"
#include "os.h"

#include <string.h>
#include <unistd.h>

#define MAX 512

/* The next frame of the stream, found without a reader; false where there is none, or none may follow. */
static bool
expected(const uint8_t *stream, size_t len, size_t *at, const uint8_t **ret_bytes, uint32_t *ret_len)
{
	uint32_t announced;

	if (len - *at < sizeof(announced))
		return false;
	memcpy(&announced, stream + *at, sizeof(announced));
	if (announced < 2 || announced > MAX || len - *at - sizeof(announced) < announced)
		return false;
	*ret_bytes = stream + *at + sizeof(announced);
	*ret_len = announced;
	*at += sizeof(announced) + announced;
	return true;
}

/* Takes every frame that is there; false where the stream cannot be trusted any more. */
static bool
take(struct frame_reader *r, const uint8_t *stream, size_t len, size_t *at)
{
	const unsigned char *bytes;
	uint32_t got;

	while (frame_next(r, &bytes, &got) == ERR_OK) {
		const uint8_t *want;
		uint32_t want_len;
		if (bytes == NULL)
			return true;
		must(expected(stream, len, at, &want, &want_len) && want_len == got && memcmp(want, bytes, got) == 0);
		frame_done(r);
	}
	return false;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct frame_reader r = frame_reader_new(MAX);
	size_t step = size != 0 ? (size_t)data[0] + 1 : 1, at = 0;
	const uint8_t *stream = size != 0 ? data + 1 : data, *bytes;
	size_t len = size != 0 ? size - 1 : 0;
	uint32_t left;
	int ends[2];
	bool trusted = true, clean;

	must(pipe(ends) == 0);
	for (size_t sent = 0; trusted && sent < len;) {
		size_t part = len - sent < step ? len - sent : step;
		must(os_write_all(ends[1], stream + sent, part));
		for (size_t before = r.bytes.len, filled = 0; trusted && filled < part; before = r.bytes.len) {
			must(frame_fill(&r, ends[0], &clean) == ERR_OK);
			filled += r.bytes.len - before;
			trusted = take(&r, stream, len, &at);
		}
		sent += part;
	}
	must(!expected(stream, len, &at, &bytes, &left));
	close(ends[1]);
	if (trusted)
		must(frame_fill(&r, ends[0], &clean) == ERR_FRAME_TRUNCATED && clean == (at == len));
	close(ends[0]);
	frame_reader_free(&r);
	return 0;
}
