/* SPDX-License-Identifier: Apache-2.0 */
#include "native.h"

#include "dispatch.h"
#include "frame.h"
#include "log.h"
#include "os.h"
#include "profile.h"
#include "text.h"

#include <string.h>

struct native {
	intptr_t in;
	intptr_t out;
	struct frame_reader reader;
	struct profile_set *profiles;
	struct dispatch *dispatch;
	bool open; /* the browser still reads and what it says can be trusted */
};

static bool
is_chromium(const char *text)
{
	static const char head[] = "chrome-extension://";

	return strncmp(text, head, sizeof(head) - 1) == 0;
}

/* A number of a window, which we have no use for. */
static bool
is_parent_window(const char *text)
{
	static const char head[] = "--parent-window=";
	const char *digits = text + sizeof(head) - 1;

	return strncmp(text, head, sizeof(head) - 1) == 0 && digits[0] != '\0' && digits[strspn(digits, "0123456789")] == '\0';
}

bool
native_extension(int argc, char *const argv[], const char **ret_extension)
{
	*ret_extension = NULL;
	if (argc <= 1)
		return true;
	if (is_chromium(argv[1])) {
		*ret_extension = argv[1];
		return argc == 2 || (argc == 3 && is_parent_window(argv[2]));
	}
	if (argc != 3 || (argv[1][0] != '/' && !os_path_is_plain(argv[1])) || is_chromium(argv[2]))
		return false;
	*ret_extension = argv[2];
	return true;
}

bool
native_page(int argc, char *const argv[], const char **ret_origin)
{
	if (argc != 3 || strcmp(argv[1], "--page") != 0 || !text_is_origin(argv[2], strlen(argv[2])))
		return false;
	*ret_origin = argv[2];
	return true;
}

static void
send_frame(void *context, const void *bytes, size_t len)
{
	struct native *n = context;

	if (!n->open)
		return;
	if (frame_write(n->out, bytes, len, FRAME_OUT_MAX) != ERR_OK) {
		log_error("native", "the browser has closed its side");
		n->open = false;
	}
}

/* What the browser can do nothing about is answered, logged, and ends the connection. */
static void
hang_up(struct native *n, enum err e)
{
	dispatch_unreadable(n->dispatch, e);
	n->open = false;
}

/* Reads once and takes every whole frame of it; true at a clean end of file. */
static bool
hear(struct native *n)
{
	const unsigned char *bytes;
	uint32_t len;
	bool clean;
	enum err e = frame_fill(&n->reader, n->in, &clean);

	if (clean)
		return true;
	while (e == ERR_OK && n->open) {
		e = frame_next(&n->reader, &bytes, &len);
		if (e == ERR_OK && bytes == NULL)
			return false;
		if (e == ERR_OK) {
			dispatch_message(n->dispatch, bytes, len);
			frame_done(&n->reader);
		}
	}
	if (e != ERR_OK)
		hang_up(n, e);
	return false;
}

/* The event loop: the browser and the workers. */
static int
serve(struct native *n)
{
	intptr_t handles[1 + DISPATCH_HANDLES_MAX] = { n->in };

	while (n->open) {
		bool ready[1 + DISPATCH_HANDLES_MAX] = { false };
		size_t workers = dispatch_handles(n->dispatch, handles + 1);

		(void)os_wait(handles, 1 + workers, dispatch_timeout(n->dispatch), ready);
		dispatch_turn(n->dispatch, ready + 1);
		if (ready[0] && hear(n))
			return 0;
	}
	return 1;
}

int
native_run(const char *extension, const char *origin)
{
	struct native n = { .reader = frame_reader_new(FRAME_IN_MAX), .open = true };
	struct dispatch_port port = { .extension = extension, .origin = origin, .send = send_frame, .context = &n };
	char where[PROFILE_WHERE_MAX];
	int status = 1;

	os_take_stdio(&n.in, &n.out);
	port.profiles_error = profile_load_all(profile_folder(), &n.profiles, where);
	if (port.profiles_error != ERR_OK)
		log_error("profile", "error=%s %s", err_name(port.profiles_error), where);
	port.profiles = n.profiles;
	n.dispatch = dispatch_new(&port);
	if (n.dispatch != NULL)
		status = serve(&n);
	dispatch_free(n.dispatch);
	profile_set_free(n.profiles);
	frame_reader_free(&n.reader);
	return status;
}
