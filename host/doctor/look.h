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

/* Whether one of them has an extension at all. */
bool look_wants_extension(const struct look *l);

/* Whether an array has that text. */
bool look_has(const json_t *array, const char *text);

/* What the policies of that browser say as one object: of a key in several files the last file's is taken, as Chromium does. Complains of what cannot be read. A new reference; NULL without memory. */
json_t *policy_read(struct look *l, const struct place *place);

void look_at_policies(struct look *l);
void look_at_manifests(struct look *l);
void look_at_ports(struct look *l);

#endif
