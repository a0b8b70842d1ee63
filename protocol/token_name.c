/* SPDX-License-Identifier: Apache-2.0 */
#include "token_name.h"
#include "json.h"

#include <string.h>

bool
token_name_equal(const struct token_name *a, const struct token_name *b)
{
	return strcmp(a->manufacturer, b->manufacturer) == 0 && strcmp(a->model, b->model) == 0 && strcmp(a->serial, b->serial) == 0;
}

json_t *
token_name_json(const struct token_name *t)
{
	return json_pack("{s:s, s:s, s:s}",
	    "manufacturer", t->manufacturer,
	    "model", t->model,
	    "serial", t->serial);
}

bool
token_name_from_json(const json_t *value, struct token_name *ret)
{
	json_t *manufacturer, *model, *serial;
	struct token_name t = { 0 };

	/* jansson's unpacking takes no const value, and changes none */
	if (json_unpack((json_t *)value, "{s:o, s:o, s:o !}",
		"manufacturer", &manufacturer,
		"model", &model,
		"serial", &serial) != 0)
		return false;
	if (!json_text(manufacturer, t.manufacturer, 0, sizeof(t.manufacturer) - 1) || !json_text(model, t.model, 0, sizeof(t.model) - 1) ||
	    !json_text(serial, t.serial, 1, sizeof(t.serial) - 1))
		return false;
	*ret = t;
	return true;
}
