/* SPDX-License-Identifier: Apache-2.0 */
/*
 * merge: our pieces of a JSON document that others have entries in, too. Pure: nothing is read or written.
 *
 * A piece is an object {"file", "path", ...}; path is a list of keys from the root. With "value" the last key is a member of that value; with "item" the
 * path leads to a list that has that text; where the path is empty the list is the document, an object of numbered members, as the registry has lists. {"file", "path", "made"} is a
 * list or object that merge_put() had to make. Values are copied where they go into a document; the caller keeps what he gives. Any thread may call.
 */
#ifndef MOKHOA_MERGE_H
#define MOKHOA_MERGE_H

#include <jansson.h>
#include <stdbool.h>

/* Whether the document has it, whoever wrote it. */
bool merge_has(const json_t *document, const json_t *piece);

/* Whether a member of that name is there with another value: it is somebody else's and stays. */
bool merge_is_taken(const json_t *document, const json_t *piece);

/* Adds it, and appends to made what had to be made on the way. False, and the document is of no use, where something on the way is of another type, or for want of memory. */
bool merge_put(json_t *document, const json_t *piece, json_t *made);

/* Takes one of it out; nothing where the document does not have it. What was made goes only where it is empty. */
void merge_take(json_t *document, const json_t *piece);

/* The document as it is written into a file, one entry a line; the caller's, for free(). NULL for want of memory. */
char *merge_text(const json_t *document);

#endif
