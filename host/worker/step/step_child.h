/* SPDX-License-Identifier: Apache-2.0 */
/*
 * step_child: the process of one step: started, asked once, ended. Between the parent's functions (step.h) and the program that they start,
 * so that a test can say which program and how long.
 */
#ifndef MOKHOA_STEP_CHILD_H
#define MOKHOA_STEP_CHILD_H

#include "err.h"
#include "profile.h"
#include "step_wire.h"

#include <jansson.h>

/* A module may take this long to clean up behind its answer; then the process is ended, which cleans up as well. */
#define STEP_GRACE_MS 3000

/* How long a step of that kind may take until it answers. */
int step_deadline_ms(enum step_kind kind);

/*
 * How much longer one is left alone that is late: where it changes what a token remembers, the card may be in the middle of it, and a cut there leaves it
 * with neither PIN. 0: it is ended at its deadline.
 */
int step_late_ms(enum step_kind kind);

struct step_process;

struct step_child {
	const char *program; /* absolute path of a program that takes "step" as its argument */
	int deadline_ms;
	int late_ms; /* as step_late_ms() has it */
};

/*
 * Starts the program with the module's environment and nothing else that a module has a right to, sends the request, waits for one frame,
 * then for the end. ERR_WORKER_FAILED where it could not be started; ERR_MODULE_FAILED where it crashed, hung or gave no frame; ERR_TIMEOUT where it is late and
 * left alone, which is for step_late_end(). *ret_answer is the caller's.
 */
enum err step_child_ask(const struct step_child *child, const struct profile_module *module, const json_t *request, json_t **ret_answer);

/*
 * The same in two halves, for a step that takes its time: its input stays open, so that it sees when we are gone. step_child_take() waits only for what
 * is on its way, and ends the process.
 */
enum err step_child_begin(const struct step_child *child, const struct profile_module *module, const json_t *request, struct step_process **ret);
intptr_t step_child_handle(const struct step_process *process);
enum err step_child_take(struct step_process *process, json_t **ret_answer);
void step_child_drop(struct step_process *process); /* ends it; NULL is fine */

#endif
