/* SPDX-License-Identifier: Apache-2.0 */
#include "finding.h"

#include <stdbool.h>
#include <string.h>

enum who {
	PAGE,
	LOCAL
};

struct row {
	const char *id;
	enum finding_state state;
	enum who who;
	const char *vi, *en, *remedy_vi, *remedy_en;
};

static const struct row rows[FOUND_COUNT] = {
#define FINDING(symbol, id, state, who, vi, en, remedy_vi, remedy_en) { id, FINDING_##state, who, vi, en, remedy_vi, remedy_en },
#include "finding.def"
#undef FINDING
};

static const char *const state_names[] = { "ok", "warning", "unknown", "broken" };

enum finding_state
finding_state(enum finding f)
{
	return rows[f].state;
}

static json_t *
two_languages(const char *vi, const char *en)
{
	return vi[0] != '\0' ? json_pack("{s:s, s:s}", "vi", vi, "en", en) : NULL;
}

json_t *
finding_json(enum finding f, enum finding_state state, const char *seen, const char *detail)
{
	const struct row *row = &rows[f];

	/* the star leaves out what is NULL */
	return json_pack("{s:s, s:s, s:s*, s:s*, s:o, s:o*}",
	    "id", row->id,
	    "state", state_names[state],
	    "seen", seen,
	    "detail", detail,
	    "sentence", two_languages(row->vi, row->en),
	    "remedy", two_languages(row->remedy_vi, row->remedy_en));
}

static const char *
text_of(const json_t *finding, const char *key)
{
	const char *text = json_string_value(json_object_get(finding, key));

	return text != NULL ? text : "";
}

static enum finding_state
state_of(const json_t *finding)
{
	int state = FINDING_BROKEN;

	while (state > FINDING_OK && strcmp(state_names[state], text_of(finding, "state")) != 0)
		state--;
	return (enum finding_state)state;
}

json_t *
finding_report(const json_t *findings)
{
	json_t *sorted = json_array();
	enum finding_state worst = FINDING_OK;
	bool good = sorted != NULL;

	for (int fine = 0; fine <= 1; fine++)
		for (int f = 0; f < FOUND_COUNT; f++)
			for (size_t i = 0; i < json_array_size(findings) && good; i++) {
				json_t *one = json_array_get(findings, i);
				bool again = false;

				if (strcmp(text_of(one, "id"), rows[f].id) != 0 || (state_of(one) == FINDING_OK) != (fine == 1))
					continue;
				for (size_t k = 0; k < i; k++)
					again = again || json_equal(one, json_array_get(findings, k));
				good = again || json_array_append(sorted, one) == 0;
				worst = state_of(one) > worst ? state_of(one) : worst;
			}
	if (good)
		return json_pack("{s:s, s:o}", "state", state_names[worst], "findings", sorted);
	json_decref(sorted);
	return NULL;
}

json_t *
finding_for_page(const json_t *findings)
{
	json_t *told = json_array();
	bool good = told != NULL;

	for (int f = 0; f < FOUND_COUNT && good; f++) {
		enum finding_state worst = FINDING_OK;
		bool there = false;

		for (size_t i = 0; i < json_array_size(findings); i++) {
			const json_t *one = json_array_get(findings, i);

			if (strcmp(text_of(one, "id"), rows[f].id) != 0)
				continue;
			there = true;
			worst = state_of(one) > worst ? state_of(one) : worst;
		}
		if (there && rows[f].who == PAGE)
			good = json_array_append_new(told, finding_json((enum finding)f, worst, NULL, NULL)) == 0;
	}
	if (good)
		return told;
	json_decref(told);
	return NULL;
}
