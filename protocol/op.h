/* SPDX-License-Identifier: Apache-2.0 */
/*
 * op: the words of the wire as C sees them, made from the lists beside this file: operations, notifications, states, stages, states of a
 * PIN, families of tokens, characters of a PIN.
 */
#ifndef MOKHOA_OP_H
#define MOKHOA_OP_H

enum op_flag {
	OP_PAGE = 1,
	OP_LOCAL = 2,
	OP_SURVIVES = 4,
	OP_PRESENT = 8,
	OP_SHARED = 16
};

enum op_id {
#define OP(symbol, name, flags, deadline) OP_##symbol,
#include "op.def"
#undef OP
	OP_COUNT
};

struct op_rule {
	const char *name;    /* on the wire */
	unsigned flags;	     /* enum op_flag */
	unsigned deadline_s; /* seconds until the caller gets "timeout" and the worker is ended, or let go where it survives */
};

const struct op_rule *op_rule(enum op_id id);

/* The operation of that name; OP_COUNT where there is none. */
enum op_id op_from_name(const char *name);

enum state {
#define STATE(symbol, name, customer, final, vi, en) STATE_##symbol,
#include "state.def"
#undef STATE
	STATE_COUNT
};

const char *state_name(enum state s);
const char *state_for_customer(enum state s); /* the wire name that the customer's page is told */
int state_is_final(enum state s);
const char *state_text(enum state s, const char *lang);
enum state state_from_name(const char *name); /* STATE_COUNT for an unknown name */

enum stage {
#define STAGE(symbol, name, vi, en) STAGE_##symbol,
#include "stage.def"
#undef STAGE
	STAGE_COUNT
};

const char *stage_name(enum stage s);
enum stage stage_from_name(const char *name); /* STAGE_COUNT for an unknown name */

enum pin_state {
#define PIN_STATE(symbol, name) PIN_STATE_##symbol,
#include "pin_state.def"
#undef PIN_STATE
	PIN_STATE_COUNT
};

const char *pin_state_name(enum pin_state s);
enum pin_state pin_state_from_name(const char *name); /* PIN_STATE_COUNT for an unknown name */

enum family {
#define FAMILY(symbol, name) FAMILY_##symbol,
#include "family.def"
#undef FAMILY
	FAMILY_COUNT
};

const char *family_name(enum family f);
enum family family_from_name(const char *name); /* FAMILY_COUNT for an unknown name */

enum characters {
#define CHARACTERS(symbol, name) CHARACTERS_##symbol,
#include "characters.def"
#undef CHARACTERS
	CHARACTERS_COUNT
};

const char *characters_name(enum characters c);
enum characters characters_from_name(const char *name); /* CHARACTERS_COUNT for an unknown name */

#endif
