/* SPDX-License-Identifier: Apache-2.0 */
/* The lists of words: each word is found again by its name, and no two are alike. */
#include "op.h"
#include "check.h"

static void
operations(void)
{
	for (int i = 0; i < OP_COUNT; i++) {
		const struct op_rule *rule = op_rule((enum op_id)i);

		CHECK(op_from_name(rule->name) == (enum op_id)i);
		CHECK(rule->deadline_s > 0 && rule->deadline_s <= 900);
		CHECK((rule->flags & ~(unsigned)(OP_PAGE | OP_LOCAL | OP_SURVIVES | OP_PRESENT | OP_SHARED)) == 0);
		CHECK((rule->flags & OP_LOCAL) == 0 || (rule->flags & OP_SURVIVES) == 0);
	}
	CHECK(op_rule(OP_UNLOCK)->flags == (OP_PAGE | OP_SURVIVES | OP_PRESENT));
	CHECK(op_from_name("unlock") == OP_UNLOCK && op_from_name("hello") == OP_HELLO);
	CHECK(op_from_name("Unlock") == OP_COUNT && op_from_name("unlock.") == OP_COUNT && op_from_name("") == OP_COUNT);
}

static void
states(void)
{
	for (int i = 0; i < STATE_COUNT; i++) {
		enum state s = (enum state)i;

		CHECK(state_from_name(state_name(s)) == s);
		CHECK(state_from_name(state_for_customer(s)) != STATE_COUNT);
		CHECK(state_text(s, "vi")[0] != '\0' && strcmp(state_text(s, "vi"), state_text(s, "en")) != 0);
		CHECK(state_is_final(s) == state_is_final(state_from_name(state_for_customer(s))));
	}
	CHECK(state_from_name("done") == STATE_COUNT);
	CHECK_TEXT(state_for_customer(STATE_UNIDENTIFIED), "pending");
	CHECK(state_is_final(STATE_COMPLETED) && !state_is_final(STATE_RELEASED));
	CHECK_TEXT(state_text(STATE_PENDING, "fr"), "Chưa duyệt");
}

static void
stages(void)
{
	for (int i = 0; i < STAGE_COUNT; i++)
		CHECK(stage_from_name(stage_name((enum stage)i)) == (enum stage)i);
	CHECK(stage_from_name("") == STAGE_COUNT);
	CHECK(STAGE_PROMPTING < STAGE_SETTING_PIN && STAGE_SETTING_PIN < STAGE_GRANTING && STAGE_GRANTING < STAGE_ROTATING);
}

static void
pin_states(void)
{
	for (int i = 0; i < PIN_STATE_COUNT; i++)
		CHECK(pin_state_from_name(pin_state_name((enum pin_state)i)) == (enum pin_state)i);
	CHECK(pin_state_from_name("") == PIN_STATE_COUNT && pin_state_from_name("Locked") == PIN_STATE_COUNT);
	CHECK_TEXT(pin_state_name(PIN_STATE_FEW_TRIES), "few_tries");
}

static void
families_and_characters(void)
{
	for (int i = 0; i < FAMILY_COUNT; i++)
		CHECK(family_from_name(family_name((enum family)i)) == (enum family)i);
	for (int i = 0; i < CHARACTERS_COUNT; i++)
		CHECK(characters_from_name(characters_name((enum characters)i)) == (enum characters)i);
	CHECK(family_from_name("") == FAMILY_COUNT && family_from_name("PUK") == FAMILY_COUNT);
	CHECK(characters_from_name("") == CHARACTERS_COUNT && characters_from_name("digit") == CHARACTERS_COUNT);
}

int
main(void)
{
	operations();
	states();
	stages();
	pin_states();
	families_and_characters();
	return CHECK_DONE();
}
