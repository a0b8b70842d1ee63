/* SPDX-License-Identifier: Apache-2.0 */
#include "hello.h"

#include "op.h"

#include <string.h>

#define PROTOCOL 1

const char *
hello_version(void)
{
	return MOKHOA_VERSION;
}

static json_t *
capabilities(void)
{
	json_t *names = json_array();

	for (int op = 0; op < OP_COUNT; op++) {
		const struct op_rule *rule = op_rule((enum op_id)op);
		if ((rule->flags & OP_PAGE) != 0 && json_array_append_new(names, json_string(rule->name)) != 0) {
			json_decref(names);
			return NULL;
		}
	}
	return names;
}

json_t *
hello_result(const struct profile *profile, const char *transport)
{
	bool english = strcmp(profile->language, "en") == 0;

	return json_pack("{s:s, s:s, s:i, s:o, s:[s], s:[s, s]}",
	    "name", "mokhoa",
	    "version", hello_version(),
	    "protocol", PROTOCOL,
	    "capabilities", capabilities(),
	    "transports", transport,
	    "languages", english ? "en" : "vi", english ? "vi" : "en");
}
