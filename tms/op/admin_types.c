/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/admin/types and /v1/admin/vendors: what the operator's commands have written, to be read. */
#include "answer.h"
#include "call.h"

struct rows {
	json_t *array;
	bool complete;
};

static void
append(struct rows *rows, json_t *row)
{
	if (json_array_append_new(rows->array, row) != 0)
		rows->complete = false;
}

static void
add_type(const struct store_type *t, void *context)
{
	append(context, json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:I, s:I, s:s, s:I, s:s, s:b}",
			    "number", (json_int_t)t->id,
			    "name", t->name,
			    "vendor", t->vendor,
			    "manufacturer", t->manufacturer,
			    "model", t->model,
			    "family", family_name(t->policy.family),
			    "rotation", t->rotation ? 1 : 0,
			    "flags_reliable", t->policy.flags_reliable ? 1 : 0,
			    "pin_min", (json_int_t)t->policy.pin_min,
			    "pin_max", (json_int_t)t->policy.pin_max,
			    "pin_characters", characters_name(t->policy.pin_characters),
			    "key_length", (json_int_t)t->key_length,
			    "key_characters", characters_name(t->key_characters),
			    "second_approver", t->second_approver ? 1 : 0));
}

static void
add_module(const struct store_module *m, void *context)
{
	append(context, json_pack("{s:s, s:s, s:s, s:s, s:s}",
			    "vendor", m->vendor,
			    "system", m->system,
			    "name", m->name,
			    "path", m->path,
			    "parameters", m->parameters));
}

static enum err
give(const char *key, struct rows *rows, enum err e, json_t **ret_answer)
{
	if (e == ERR_OK && rows->complete)
		return answer_packed(json_pack("{s:o}", key, rows->array), ret_answer);
	json_decref(rows->array);
	return e != ERR_OK ? e : ERR_NO_MEMORY;
}

enum err
op_admin_types(struct call *c, json_t **ret_answer)
{
	struct rows rows = { .array = json_array(), .complete = true };

	return give("types", &rows, store_type_list(c->store, add_type, &rows), ret_answer);
}

enum err
op_admin_vendors(struct call *c, json_t **ret_answer)
{
	struct rows rows = { .array = json_array(), .complete = true };

	return give("modules", &rows, store_module_list(c->store, add_module, &rows), ret_answer);
}
