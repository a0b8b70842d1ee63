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

static const char *const family_names[FAMILY_COUNT] = {
#define FAMILY(symbol, name) [FAMILY_##symbol] = name,
#include "family.def"
#undef FAMILY
};

static const char *const characters_names[CHARACTERS_COUNT] = {
#define CHARACTERS(symbol, name) [CHARACTERS_##symbol] = name,
#include "characters.def"
#undef CHARACTERS
};

/* Where a word stands in its list; count where it does not. */
static int
find_word(const char *const *names, int count, const char *name)
{
	int i = 0;

	while (i < count && strcmp(names[i], name) != 0)
		i++;
	return i;
}

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
	return (enum stage)find_word(stage_names, STAGE_COUNT, name);
}

const char *
pin_state_name(enum pin_state s)
{
	return pin_state_names[s];
}

enum pin_state
pin_state_from_name(const char *name)
{
	return (enum pin_state)find_word(pin_state_names, PIN_STATE_COUNT, name);
}

const char *
family_name(enum family f)
{
	return family_names[f];
}

enum family
family_from_name(const char *name)
{
	return (enum family)find_word(family_names, FAMILY_COUNT, name);
}

const char *
characters_name(enum characters c)
{
	return characters_names[c];
}

enum characters
characters_from_name(const char *name)
{
	return (enum characters)find_word(characters_names, CHARACTERS_COUNT, name);
}
