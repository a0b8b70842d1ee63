/* SPDX-License-Identifier: Apache-2.0 */
/*
 * finding: what the doctor can find (finding.def) as C sees it, and the JSON in which findings are told: the host finds some, the worker others, and both lists become one report.
 *
 * A finding: { "id", "state", "seen", "detail", "sentence": { vi, en }, "remedy": { vi, en } }. "seen" may name files, addresses and who issued a certificate, and goes nowhere but to the
 * screen of this machine; "detail" is the same wherever it happens (a return value, the name of a library, seconds) and may be sent on. Either is left out where there is nothing to say, and
 * "remedy" where nothing is wrong.
 */
#ifndef MOKHOA_FINDING_H
#define MOKHOA_FINDING_H

#include <jansson.h>

enum finding_state {
	FINDING_OK,
	FINDING_WARNING,
	FINDING_UNKNOWN,
	FINDING_BROKEN
}; /* the worst is the greatest */

enum finding {
#define FINDING(symbol, id, state, who, vi, en, remedy_vi, remedy_en) FOUND_##symbol,
#include "finding.def"
#undef FINDING
	FOUND_COUNT
};

/* What the list says of it where nobody knows better. */
enum finding_state finding_state(enum finding f);

/* A finding in that state; seen and detail may be NULL. NULL without memory. */
json_t *finding_json(enum finding f, enum finding_state state, const char *seen, const char *detail);

/* What a page is told of such a list: id, state and texts of those that are for pages, each id once, in its worst state. A new reference; NULL without memory. */
json_t *finding_for_page(const json_t *findings);

/*
 * The report of a list (borrowed; entries are shared): { "state", "findings" }, the findings in the order of finding.def with what is OK behind all the others, what was found twice said once, and the
 * state the worst of all. NULL without memory.
 */
json_t *finding_report(const json_t *findings);

#endif
