/* SPDX-License-Identifier: Apache-2.0 */
/* The least that a browser can speak with: every native messaging frame back as it came, until the end of input. */
#include <stdint.h>
#include <string.h>
#include <unistd.h>

static int
read_all(unsigned char *ret, size_t len)
{
	while (len != 0) {
		ssize_t got = read(STDIN_FILENO, ret, len);
		if (got <= 0)
			return 0;
		ret += got;
		len -= (size_t)got;
	}
	return 1;
}

int
main(void)
{
	static unsigned char frame[65536];
	uint32_t len;

	while (read_all(frame, sizeof(len))) {
		memcpy(&len, frame, sizeof(len));
		if (len > sizeof(frame) - sizeof(len) || !read_all(frame + sizeof(len), len))
			return 1;
		if (write(STDOUT_FILENO, frame, sizeof(len) + len) < 0)
			return 1;
	}
	return 0;
}
