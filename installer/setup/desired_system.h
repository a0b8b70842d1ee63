/* SPDX-License-Identifier: Apache-2.0 */
/*
 * desired_system: what desired.c asks of the system that is built for: the places that its browsers read. Only the files of desired include it. One thread.
 *
 * Pieces go into the list that the caller gives. Where an error is ERR_FILE_FAILED, where says which file and why (PROFILE_WHERE_MAX characters).
 */
#ifndef MOKHOA_DESIRED_SYSTEM_H
#define MOKHOA_DESIRED_SYSTEM_H

#include "desired.h"
#include "os.h"
#include "places.h"

/* ---- of desired.c ---- */

/* Takes piece; the same thing wanted twice is one. */
void desired_add(json_t *pieces, json_t *piece);

/* Into a policies.json of Firefox. */
void desired_add_extension_to(const char *file, const struct profile_forced *forced, json_t *pieces);
void desired_add_domain_to(const char *file, const char *host, json_t *pieces);

/* ---- of the system ---- */

void desired_program(const struct desired_from *from, const char *name, char ret[OS_PATH_MAX]);

/* The manifest of that text for one browser. */
void desired_add_manifest(const struct desired_from *from, const struct place *place, const char *text, json_t *pieces);

/* An item of a list among the policies of Chromium's family. ERR_FILE_FAILED, ERR_NO_MEMORY. */
enum err desired_add_item(const struct desired_from *from, const struct place *place, const char *policy, const char *item, json_t *pieces, char *where);

/* Firefox: an extension that it installs, a host from which pages may reach this machine. ERR_FILE_FAILED, ERR_NO_MEMORY. */
enum err desired_add_extension(const struct desired_from *from, const struct place *place, const struct profile_forced *forced, json_t *pieces, char *where);
enum err desired_add_domain(const struct desired_from *from, const struct place *place, const char *host, json_t *pieces, char *where);

void desired_add_autostart(const struct desired_from *from, json_t *pieces);

#endif
