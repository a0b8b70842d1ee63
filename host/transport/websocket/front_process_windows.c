/* SPDX-License-Identifier: Apache-2.0 */
#include "front_process.h"

#include "log.h"
#include "os.h"

#include <stdio.h>
#include <string.h>

#define PROGRAM "mokhoa-websocket"
#define FRONT	"--front"

bool
front_process_is_front(int argc, char *const argv[])
{
	return argc == 2 && strcmp(argv[1], FRONT) == 0;
}

/* Its link is what would be stdin and stdout; started by hand it has none, and ends at once. */
static int
be_front(const struct front_process *p)
{
	struct starter_line line = { .link = { .in = -1, .out = -1 } };
	int status = 1;

	os_take_stdio(&line.link.in, &line.link.out);
	if (p->open(p->context) == ERR_OK)
		status = p->front(p->context, &line);
	os_close(line.link.in);
	os_close(line.link.out);
	return status;
}

int
front_process_run(const struct front_process *p, bool is_front)
{
	const char *const argv[] = { PROGRAM, FRONT, NULL };
	char path[OS_PATH_MAX];
	struct os_child front = { 0 };
	struct starter_line line = { .link = { .child = &front } };
	int status = -1;

	if (is_front)
		return be_front(p);
	if (os_program_path(NULL, PROGRAM, path) != ERR_OK || os_spawn(path, argv, NULL, 0, &front) != ERR_OK) {
		log_error("websocket", "the process in front cannot be started");
		return 1;
	}
	line.link.in = front.out;
	line.link.out = front.in;
	p->starter(p->context, &line);
	/* it has closed its side, or does when it sees that we have closed ours */
	os_close(front.in);
	front.in = -1;
	(void)os_child_wait(&front, -1, &status);
	os_child_end(&front);
	return status == 0 ? 0 : 1;
}
