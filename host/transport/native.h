/* SPDX-License-Identifier: Apache-2.0 */
/*
 * native: native messaging, as Chromium and Firefox speak it: one host a browser port, frames on stdin and stdout, the caller's identity in
 * the arguments.
 */
#ifndef MOKHOA_NATIVE_H
#define MOKHOA_NATIVE_H

#include <stdbool.h>

/*
 * The extension that the arguments name, borrowed from argv: Chromium's argv[1] is chrome-extension://ID/ (and on Windows argv[2] is
 * --parent-window=N), Firefox's argv[1] is the path of its manifest and argv[2] the add-on's id. NULL with no argument at all. False where it
 * is none of these, which no browser says. Whether the extension may call is not judged here.
 */
bool native_extension(int argc, char *const argv[], const char **ret_extension);

/*
 * mokhoa-host --page ORIGIN: one page's conversation, whose origin the caller has proven (mokhoa-websocket, which starts one for each of its
 * connections). The frames are the same, with bare messages in them and no envelope. Any local user may say this of himself, as he may say
 * everything else that a host is told; it is no door.
 */
bool native_page(int argc, char *const argv[], const char **ret_origin);

/*
 * Serves until the other side closes. With an origin there is no extension. Returns the exit status: 0, or 1 where the connection had to be
 * ended.
 */
int native_run(const char *extension, const char *origin);

#endif
