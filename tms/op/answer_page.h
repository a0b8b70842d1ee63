/* SPDX-License-Identifier: Apache-2.0 */
/*
 * answer_page: a part of a long list, whose rows the store tells one by one. It is asked for answer_page_rows(), one more than the part holds: that one says that there is another part.
 *
 *   struct answer_page page = answer_page_new(c);
 *   return answer_page_pack(&page, store_..._list(..., answer_page_rows(&page), add_row, &page), "things", ret_answer);
 */
#ifndef MOKHOA_ANSWER_PAGE_H
#define MOKHOA_ANSWER_PAGE_H

#include "answer_rows.h"

#include <stdbool.h>
#include <stdint.h>

struct answer_page {
	struct answer_rows rows;
	int64_t limit;
	int64_t count;
	int64_t next; /* where the part behind this one goes on: what its last row was told with */
};

/* As long as the query says, which is good (decode_query_ok()). Ended by answer_page_pack(). */
struct answer_page answer_page_new(struct call *c);
unsigned answer_page_rows(const struct answer_page *page);

/* Counts a row behind which the list goes on at next. False for one that is not of this part, and then nothing is added. */
bool answer_page_takes(struct answer_page *page, int64_t next);

/* listed is what the store said of the whole. { key: rows, "next": 0 where there is no more }, a new reference, or the first error. */
enum err answer_page_pack(struct answer_page *page, enum err listed, const char *key, json_t **ret_answer);

#endif
