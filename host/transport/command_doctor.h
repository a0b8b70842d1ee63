/* SPDX-License-Identifier: Apache-2.0 */
/* command_doctor: `mokhoa-host doctor`: what the host finds (doctor.h), what a worker finds for each profile, and how people are told. */
#ifndef MOKHOA_COMMAND_DOCTOR_H
#define MOKHOA_COMMAND_DOCTOR_H

#include <stdbool.h>
#include <stdint.h>

/* What the command line says to the doctor. */
struct doctor_words {
	bool all;   /* what is in order, too */
	bool files; /* no worker: no module is loaded and no server asked */
	bool json;
	bool bundle;
	const char *profile;
	const char *root;
};

/* argv[1] is "doctor"; false where it is not used as it wants to be. */
bool doctor_words_read(int argc, char *const argv[], struct doctor_words *ret);

/* Prints the report; the exit status. */
int command_doctor(intptr_t out, const struct doctor_words *words);

#endif
