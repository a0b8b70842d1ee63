/* SPDX-License-Identifier: Apache-2.0 */
/*
 * row_search: the words of the tokens and the requests on record, and the statement that finds rows by them. Private to the store's own files.
 *
 * NAME_search keeps each row's words (words.h). SQLite has an index of them in NAME_index, a table of FTS5; PostgreSQL an index of the table itself.
 */
#ifndef MOKHOA_ROW_SEARCH_H
#define MOKHOA_ROW_SEARCH_H

#include "query.h"
#include "words.h"

/*
 * The words of a row that is new: the customer, mail address and serial numbers of a request, the customer and mail address of a token. Who changes one of them takes
 * the words out before and puts them in behind it, in one transaction.
 */
enum err search_add_token(struct store *s, int64_t id, const char *customer, const char *email);
enum err search_add_request(struct store *s, int64_t number);
enum err search_remove_request(struct store *s, int64_t number);

/* The condition that the words of a question are in the words of a table, nothing where nothing is asked: " AND instr(...) > 0"; its values begin with that number. */
void search_condition(const struct words_question *w, const char *table, unsigned value, struct buf *sql);
void search_bind(struct query *q, const struct words_question *w);

/*
 * The value for an index: what may have the chosen words of the question (words.h). The others are asked of the rows that it finds. The index of the requests is in parts of
 * numbers, because both databases gather all rows that have the beginning of a word before they give the first, and of a common name these are a tenth of all. In it the number of
 * its row's part stands before each word; `part` is that number, SEARCH_PART where the statement puts it in, or "" for an index that is whole.
 */
#define SEARCH_PART	 "#"
#define SEARCH_PART_BITS "17" /* request_part() of PostgreSQL, too */
#define SEARCH_PART_ROWS (INT64_C(1) << 17)
void search_bind_index(struct query *q, const struct words_question *w, uint32_t chosen, const char *part);

#endif
