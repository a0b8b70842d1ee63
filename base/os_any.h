/* SPDX-License-Identifier: Apache-2.0 */
/*
 * os_any: what the os layers share because it is alike on every system. Only they include it.
 */
#ifndef MOKHOA_OS_ANY_H
#define MOKHOA_OS_ANY_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

extern const char os_program_ending[]; /* ".exe", or nothing */

/* What os_read_head() does with the file that it has opened. */
enum err os_read_up_to(intptr_t handle, void *ret, size_t max, size_t *ret_len);

/* Names of files as a folder gives them; born { 0 }, ended by os_names_end(). */
struct os_names {
	char **at;
	size_t count;
	size_t cap;
};

/* Copies it; false where memory is short. */
bool os_names_add(struct os_names *names, const char *name);

/* Calls each() (may be NULL) with every name in byte order, and frees them. */
void os_names_end(struct os_names *names, void (*each)(const char *name, void *context), void *context);

/* The name under which a file is written before it takes its place, ".NAME.xxxxxxxxxxxxxxxx": hidden from os_list(), found again by os_remove(). */
bool os_fresh_name(const char *name, char *ret, size_t max);

/* Whether found is a fresh name of that name. */
bool os_is_fresh_name(const char *found, const char *name);

#endif
