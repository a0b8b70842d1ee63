/* SPDX-License-Identifier: Apache-2.0 */
/*
 * front_process: how mokhoa-websocket becomes two processes (starter.h). POSIX opens everything and forks. Windows starts the program once more, with an argument that no person
 * writes, and opens everything there.
 */
#ifndef MOKHOA_FRONT_PROCESS_H
#define MOKHOA_FRONT_PROCESS_H

#include "starter.h"

#include <stdbool.h>

/* What the two do; context is the caller's. */
struct front_process {
	enum err (*open)(void *context);			   /* ports and what is asked about peers; logs what went wrong */
	int (*front)(void *context, struct starter_line *line);	   /* after open(): serves pages, returns an exit status */
	void (*starter)(void *context, struct starter_line *line); /* starts hosts until the one in front has gone */
	void *context;
};

/* Whether these are the arguments of a front that this program has started. */
bool front_process_is_front(int argc, char *const argv[]);

/*
 * Runs both, or, as the front that was started, that one alone; returns the exit status: 0 where the front's was. SIGTERM and SIGINT are asked of the process that starts,
 * and end both.
 */
int front_process_run(const struct front_process *p, bool is_front);

#endif
