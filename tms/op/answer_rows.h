/* SPDX-License-Identifier: Apache-2.0 */
/*
 * answer_rows: an array that grows while the store tells its rows one by one. The first thing that goes wrong is kept, and said at the end:
 *
 *   struct answer_rows rows = answer_rows_new(c);
 *   return answer_rows_pack(&rows, store_..._list(..., add_row, &rows), "things", ret_answer);
 */
#ifndef MOKHOA_ANSWER_ROWS_H
#define MOKHOA_ANSWER_ROWS_H

#include "call.h"

struct answer_rows {
	struct call *call;
	json_t *array;
	enum err e;
};

struct answer_rows answer_rows_new(struct call *c);

/* Takes row, which json_pack may not have had the memory for (NULL); e says whether it could be made at all. */
void answer_rows_add(struct answer_rows *rows, enum err e, json_t *row);

/* listed is what the store said of the whole. A new reference, or NULL with the first error. */
enum err answer_rows_end(struct answer_rows *rows, enum err listed, json_t **ret_array);

/* The same as { key: array }, a new reference, or as one more member of an object. */
enum err answer_rows_pack(struct answer_rows *rows, enum err listed, const char *key, json_t **ret_answer);
enum err answer_rows_set(struct answer_rows *rows, enum err listed, const char *key, json_t *object);

#endif
