/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ws_frame: judges the frames of a WebSocket (RFC 6455 section 5) as they come from a browser, before anybody parses them.
 *
 * What it lets pass is text in masked frames of the shortest form, no longer than a message may be, and control frames that are right. Whether the text is UTF-8 is
 * for the one behind, who removes the masks. Pure functions over bytes; the struct is the caller's and begins as { 0 }.
 */
#ifndef MOKHOA_WS_FRAME_H
#define MOKHOA_WS_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WS_MESSAGE_MAX 8192u /* bytes of a message: what a native frame may have */
#define WS_HOLD_MAX    131u  /* bytes that are held back at most: all of a control frame but its last byte */

/* Close codes (RFC 6455 section 7.4.1). */
enum ws_close {
	WS_FINE = 0,
	WS_PROTOCOL_ERROR = 1002,
	WS_UNSUPPORTED = 1003,
	WS_BAD_DATA = 1007,
	WS_POLICY = 1008,
	WS_TOO_BIG = 1009,
	WS_FAILED = 1011
};

struct ws_frames {
	uint64_t left;	     /* bytes of the current frame that have not come */
	size_t message_len;  /* bytes of the current message, all its frames */
	bool in_message;     /* its last frame has not begun */
	bool closed;	     /* the browser has said goodbye: nothing behind that is read */
	unsigned long begun; /* frames so far, for whoever limits them */
};

/*
 * Judges the next bytes. The first *ret_passed of them may go on; the caller comes again with the others and what follows them. Anything but
 * WS_FINE is the code to close with, and nothing behind *ret_passed is to be trusted.
 */
enum ws_close ws_frames_judge(struct ws_frames *f, const unsigned char *bytes, size_t len, size_t *ret_passed);

#endif
