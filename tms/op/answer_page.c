/* SPDX-License-Identifier: Apache-2.0 */
#include "answer_page.h"

#include "answer.h"
#include "decode.h"

struct answer_page
answer_page_new(struct call *c)
{
	return (struct answer_page){ .rows = answer_rows_new(c), .limit = c->query.limit != 0 ? c->query.limit : DECODE_LIMIT_DEFAULT };
}

unsigned
answer_page_rows(const struct answer_page *page)
{
	return (unsigned)page->limit + 1;
}

bool
answer_page_takes(struct answer_page *page, int64_t next)
{
	if (++page->count > page->limit)
		return false;
	page->next = next;
	return true;
}

enum err
answer_page_pack(struct answer_page *page, enum err listed, const char *key, json_t **ret_answer)
{
	json_t *array;
	enum err e = answer_rows_end(&page->rows, listed, &array);

	if (e != ERR_OK)
		return e;
	return answer_packed(json_pack("{s:o, s:I}",
				 key, array,
				 "next", (json_int_t)(page->count > page->limit ? page->next : 0)),
	    ret_answer);
}
