/* SPDX-License-Identifier: Apache-2.0 */
/*
 * profile_parse: one profile from its text. Strict: an unknown key, a missing one, a wrong type or a value that is not exactly of its
 * form refuses the whole profile, because an administrator who misspelt a key must not get its default.
 */
#ifndef MOKHOA_PROFILE_PARSE_H
#define MOKHOA_PROFILE_PARSE_H

#include "err.h"
#include "profile.h"

#include <jansson.h>
#include <stddef.h>

/*
 * Decodes all but the name. The texts of *ret_profile are borrowed from *ret_texts, which the caller releases with json_decref().
 * ERR_PROFILE_INVALID or ERR_NO_MEMORY; where then says line or key, and cause, and *ret_profile is of no use.
 */
enum err profile_parse(const void *bytes, size_t len, struct profile *ret_profile, json_t **ret_texts, char where[PROFILE_WHERE_MAX]);

#endif
