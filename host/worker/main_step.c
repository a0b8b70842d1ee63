/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mokhoa-worker-x86: the worker's steps and nothing else, for modules that the worker itself cannot load because they were built for 32 bits
 * (module_program.h). No operation, no management server and no window: mokhoa-worker starts it for one step and tells the rest of the world.
 */
#include "json.h"
#include "log.h"
#include "os.h"
#include "step.h"

#include <stdlib.h>
#include <string.h>

int
main(int argc, char **argv)
{
	intptr_t in, out;

	os_harden();
	os_take_stdio(&in, &out);
	log_open("mokhoa-worker-x86");
	json_open();
	if (argc == 2 && strcmp(argv[1], "step") == 0)
		return step_run(in, out);
	log_error("worker", "it is started by mokhoa-worker and by nobody else");
	return EXIT_FAILURE;
}
