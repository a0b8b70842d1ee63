/* SPDX-License-Identifier: Apache-2.0 */
/* Sends every frame of stdin back, through the same calls as mokhoa-host: what comes back is what has arrived. */
#include "frame.h"
#include "os.h"

#include <limits.h>
#include <stdio.h>

int
main(void)
{
	struct frame_reader reader = frame_reader_new(FRAME_OUT_MAX);
	const unsigned char *bytes;
	uint32_t len;
	intptr_t in, out;
	bool clean, ready;

	os_harden();
	os_take_stdio(&in, &out);
	printf("noise for a wire that is not binary\r\n");
	fflush(stdout);
	while (os_wait(&in, 1, -1, &ready) && frame_fill(&reader, in, &clean) == ERR_OK) {
		while (frame_next(&reader, &bytes, &len) == ERR_OK && bytes != NULL) {
			if (frame_write(out, bytes, len, FRAME_OUT_MAX) != ERR_OK)
				return 2;
			frame_done(&reader);
		}
	}
	frame_reader_free(&reader);
	return clean ? 0 : 1;
}
