/* SPDX-License-Identifier: Apache-2.0 */
/* look: what the parts of the doctor share: one examination, from its order to its findings. */
#ifndef MOKHOA_LOOK_H
#define MOKHOA_LOOK_H

#include "doctor.h"
#include "err.h"
#include "finding.h"
#include "os.h"
#include "places.h"
#include "profile.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define LOOK_FILE_MAX 1048576 /* bytes of a manifest or a policy */

struct look {
	const struct doctor_order *order;
	struct profile_set *profiles;
	json_t *findings;
	bool failed; /* no memory */
};

/* seen: which file, which address; may be NULL. */
void look_find(struct look *l, enum finding f, const char *seen);
void look_find_as(struct look *l, enum finding f, enum finding_state state, const char *seen);

/* Where a path of the machine lies below the root; false where it is too long. */
bool look_below(const struct look *l, const char *path, char ret[OS_PATH_MAX]);

/* os_check_trusted() below the root. */
enum err look_trusted(const struct look *l, const char *path);

/* A JSON object of the machine; *ret stays NULL on an error. */
enum err look_read(const struct look *l, const char *path, bool trusted, json_t **ret);

/* The profiles that were asked for: all without a name. NULL past the end. */
const struct profile *look_profile(const struct look *l, size_t index);

/* The first of them that wants mokhoa-websocket to start with a session; NULL where none does. */
const struct profile *look_autostart(const struct look *l);

/* Whether one of them has an extension at all. */
bool look_wants_extension(const struct look *l);

/* Whether an array has that text. */
bool look_has(const json_t *array, const char *text);

/* ---- manifests ---- */

/*
 * The manifest in that file, as the browser takes it: tells what it is. users: it is of this user alone, and hides the machine's. False, with nothing told, where there is no such file.
 */
bool manifest_look(struct look *l, const struct place *place, const char *path, bool users, const char *seen);

/* Whether a policy leaves manifests of a user's own out. */
bool manifest_users_are_ignored(struct look *l, const struct place *place);

/* Of the system: what each browser finds, told; false where none finds anything. */
bool manifest_look_at_all(struct look *l);

/* ---- policies ---- */

/* The policies that browsers of one kind take together. */
struct policies {
	json_t *all;  /* by name */
	json_t *from; /* by name, the file or the key that it is from */
};

/*
 * Of the system: the policies of that browser. There may be several sets (programs that have files of their own beside them); false past the last one. Complains of what cannot be read. The caller's,
 * for policies_free(); without memory l->failed.
 */
bool policies_read(struct look *l, const struct place *place, size_t index, struct policies *ret);
void policies_free(struct policies *p);

/* ---- the parts ---- */

/* Of the system: whether mokhoa-websocket starts with a session, where a profile wants that. */
void look_at_autostart(struct look *l);

void look_at_policies(struct look *l);
void look_at_manifests(struct look *l);
void look_at_ports(struct look *l);

#endif
