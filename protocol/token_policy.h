/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token_policy: what the management server says of a kind of token to a machine that is to unlock one, before it asks its user for anything.
 */
#ifndef MOKHOA_TOKEN_POLICY_H
#define MOKHOA_TOKEN_POLICY_H

#include "op.h"

#include <stdbool.h>

#define TOKEN_POLICY_PIN_MAX 128 /* characters; SECRET_MAX */

struct token_policy {
	enum family family;
	unsigned pin_min; /* characters of a new PIN, besides what the token itself says; 0: no bound */
	unsigned pin_max;
	enum characters pin_characters;
	bool flags_reliable; /* the token's flags say whether its PIN is locked: one that they do not call locked is not */
};

#endif
