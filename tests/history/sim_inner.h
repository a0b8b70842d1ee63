/* SPDX-License-Identifier: Apache-2.0 */
/* sim_inner: what the two files of the simulation share. */
#ifndef MOKHOA_SIM_INNER_H
#define MOKHOA_SIM_INNER_H

#include "sim.h"

extern struct sim *sim_world;

struct dice *sim_dice(void); /* of who runs */
int sim_machine(void);	     /* that he is at */
bool sim_is_dead(void);

/* A border: here the worker may be killed, or stop for as long as it takes. */
void sim_border(void);

/* What a step leaves for a worker that comes later (step.h): its process lives on where the worker's does not. */
void sim_keep(const char *keep, enum err e, const struct step_outcome *said);

/* The request whose unlock the running worker is at; NULL for any other operation. */
struct sim_request *sim_own_request(void);

#endif
