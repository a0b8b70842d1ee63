/* SPDX-License-Identifier: Apache-2.0 */
/* GET and POST /v1/admin/types and /v1/admin/vendors: kinds of tokens, and the modules that drive them, as the desk and the operator's commands write them. */
#include "answer.h"
#include "answer_rows.h"
#include "call.h"
#include "decode.h"
#include "detail.h"
#include "text.h"

static void
add_type(const struct store_type *t, void *context)
{
	json_t *row = json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:I, s:I, s:s, s:I, s:s, s:b, s:I}",
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
	    "second_approver", t->second_approver ? 1 : 0,
	    "so_tries", (json_int_t)t->so_tries);

	answer_rows_add(context, ERR_OK, row);
}

static void
add_module(const struct store_module *m, void *context)
{
	json_t *row = json_pack("{s:s, s:s, s:s, s:s, s:s}",
	    "vendor", m->vendor,
	    "system", m->system,
	    "name", m->name,
	    "path", m->path,
	    "parameters", m->parameters);

	answer_rows_add(context, ERR_OK, row);
}

enum err
op_admin_types(struct call *c, json_t **ret_answer)
{
	struct answer_rows rows = answer_rows_new(c);

	return answer_rows_pack(&rows, store_type_list(c->store, add_type, &rows), "types", ret_answer);
}

enum err
op_admin_vendors(struct call *c, json_t **ret_answer)
{
	struct answer_rows rows = answer_rows_new(c);

	return answer_rows_pack(&rows, store_module_list(c->store, add_module, &rows), "modules", ret_answer);
}

/*
 * What was released is worthless once it is replaced, by what is not guessed and what the token takes: of another length, or of other characters, a next SO PIN is refused by a card that takes one
 * form alone, and each of its unlocks leaves in force what it released.
 */
static bool
may_end_rotation(const struct store_type *was, const struct store_type *t)
{
	return was->policy.family == FAMILY_SO_PIN &&
	       ((was->rotation && !t->rotation) || t->key_length != was->key_length || t->key_characters != was->key_characters);
}

/*
 * What one person alone may not do to all tokens of a type, for one of which another SO PIN takes two: do without the second approver, have them unlocked in another way, allow more tries, leave what was
 * released in force, or have it followed by another form. That is for whoever runs the server (type add). What counted for them until now may stand at a type of all models, or be what is taken for granted of a token of no type.
 */
static enum err
check_policy(struct call *c, const struct store_type *t)
{
	struct token_name name = { .manufacturer = "" };
	struct store_type was;
	bool used = false;
	enum err e;

	text_copy(name.manufacturer, sizeof(name.manufacturer), t->manufacturer);
	text_copy(name.model, sizeof(name.model), t->model);
	e = store_type_of(c->store, &name, &was);
	if (e != ERR_OK)
		return e;
	if (was.second_approver && !t->second_approver)
		return ERR_SECOND_APPROVER_KEPT;
	if (was.policy.family == t->policy.family && call_failures_max(t, 0) <= call_failures_max(&was, 0) && call_failures_max(t, 1) <= call_failures_max(&was, 1) && !may_end_rotation(&was, t))
		return ERR_OK;
	e = store_type_in_use(c->store, t, &used);
	return e == ERR_OK && used ? ERR_TYPE_IN_USE : e;
}

static enum err
put_type(struct call *c, const struct store_type *t)
{
	char detail[DETAIL_SIZE];
	enum err e = check_policy(c, t);

	if (e == ERR_OK)
		e = store_type_put(c->store, t);
	return e == ERR_OK ? call_audit(c, NULL, 0, "type", "%s", detail_type(t, detail)) : e;
}

enum err
op_admin_type_put(struct call *c, json_t **ret_answer)
{
	struct store_type t = { .created = c->now };
	enum err e = decode_type(c->body, &t);

	if (e == ERR_OK)
		e = call_begin(c);
	if (e == ERR_OK)
		e = call_end(c, put_type(c, &t));
	return e == ERR_OK ? op_admin_types(c, ret_answer) : e;
}

static enum err
put_module(struct call *c, const struct store_module *m)
{
	char detail[DETAIL_SIZE];
	enum err e = store_module_put(c->store, m, c->now);

	return e == ERR_OK ? call_audit(c, NULL, 0, "vendor", "%s", detail_module(m, detail)) : e;
}

enum err
op_admin_vendor_put(struct call *c, json_t **ret_answer)
{
	struct store_module m;
	enum err e = decode_module(c->body, &m);

	if (e == ERR_OK)
		e = call_begin(c);
	if (e == ERR_OK)
		e = call_end(c, put_module(c, &m));
	return e == ERR_OK ? op_admin_vendors(c, ret_answer) : e;
}
