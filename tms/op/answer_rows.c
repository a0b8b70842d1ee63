/* SPDX-License-Identifier: Apache-2.0 */
#include "answer_rows.h"

#include "answer.h"

struct answer_rows
answer_rows_new(struct call *c)
{
	return (struct answer_rows){ .call = c, .array = json_array(), .e = ERR_OK };
}

void
answer_rows_add(struct answer_rows *rows, enum err e, json_t *row)
{
	if (e == ERR_OK && row == NULL)
		e = ERR_NO_MEMORY;
	if (rows->e == ERR_OK)
		rows->e = e;
	/* frees the row, too, where it fails, as it does where there is no array */
	if (json_array_append_new(rows->array, row) != 0 && rows->e == ERR_OK)
		rows->e = ERR_NO_MEMORY;
}

enum err
answer_rows_end(struct answer_rows *rows, enum err listed, json_t **ret_array)
{
	enum err e = listed != ERR_OK ? listed : rows->array == NULL ? ERR_NO_MEMORY
								     : rows->e;

	*ret_array = rows->array;
	if (e != ERR_OK) {
		json_decref(rows->array);
		*ret_array = NULL;
	}
	return e;
}

enum err
answer_rows_pack(struct answer_rows *rows, enum err listed, const char *key, json_t **ret_answer)
{
	json_t *array;
	enum err e = answer_rows_end(rows, listed, &array);

	return e == ERR_OK ? answer_packed(json_pack("{s:o}", key, array), ret_answer) : e;
}

enum err
answer_rows_set(struct answer_rows *rows, enum err listed, const char *key, json_t *object)
{
	json_t *array;
	enum err e = answer_rows_end(rows, listed, &array);

	return e == ERR_OK && json_object_set_new(object, key, array) != 0 ? ERR_NO_MEMORY : e;
}
