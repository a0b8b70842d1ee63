/* SPDX-License-Identifier: Apache-2.0 */
#include "op.h"

#include <string.h>

struct state_row {
	const char *name;
	const char *customer;
	int final;
	const char *vi;
	const char *en;
};

static const struct op_rule op_rules[OP_COUNT] = {
#define OP(symbol, name, flags, deadline) [OP_##symbol] = { name, flags, deadline },
#include "op.def"
#undef OP
};

static const struct state_row state_rows[STATE_COUNT] = {
#define STATE(symbol, name, customer, final, vi, en) [STATE_##symbol] = { name, customer, final, vi, en },
#include "state.def"
#undef STATE
};

static const char *const stage_names[STAGE_COUNT] = {
#define STAGE(symbol, name, vi, en) [STAGE_##symbol] = name,
#include "stage.def"
#undef STAGE
};

static const char *const pin_state_names[PIN_STATE_COUNT] = {
#define PIN_STATE(symbol, name) [PIN_STATE_##symbol] = name,
#include "pin_state.def"
#undef PIN_STATE
};

const struct op_rule *
op_rule(enum op_id id)
{
	return &op_rules[id];
}

enum op_id
op_from_name(const char *name)
{
	int id = 0;

	while (id < OP_COUNT && strcmp(op_rules[id].name, name) != 0)
		id++;
	return (enum op_id)id;
}

const char *
state_name(enum state s)
{
	return state_rows[s].name;
}

const char *
state_for_customer(enum state s)
{
	return state_rows[s].customer;
}

int
state_is_final(enum state s)
{
	return state_rows[s].final;
}

const char *
state_text(enum state s, const char *lang)
{
	return strcmp(lang, "en") == 0 ? state_rows[s].en : state_rows[s].vi;
}

enum state
state_from_name(const char *name)
{
	int s = 0;

	while (s < STATE_COUNT && strcmp(state_rows[s].name, name) != 0)
		s++;
	return (enum state)s;
}

const char *
stage_name(enum stage s)
{
	return stage_names[s];
}

enum stage
stage_from_name(const char *name)
{
	int s = 0;

	while (s < STAGE_COUNT && strcmp(stage_names[s], name) != 0)
		s++;
	return (enum stage)s;
}

const char *
pin_state_name(enum pin_state s)
{
	return pin_state_names[s];
}

enum pin_state
pin_state_from_name(const char *name)
{
	int s = 0;

	while (s < PIN_STATE_COUNT && strcmp(pin_state_names[s], name) != 0)
		s++;
	return (enum pin_state)s;
}
