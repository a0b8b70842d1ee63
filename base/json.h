/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json: jansson as this house uses it: a wiping allocator, strict loading, and the packers that everybody needs.
 *
 * json_open() is called once by main before anything else touches jansson. Values are jansson's, counted: what a function returns
 * is a new reference that the caller owns; what it takes as const is borrowed.
 */
#ifndef MOKHOA_JSON_H
#define MOKHOA_JSON_H

#include "buf.h"
#include "err.h"
#include "secret.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* Installs the wiping allocator: jansson's default leaves copies of every string behind (measured on 2.14). */
void json_open(void);

/*
 * Loads one JSON object: UTF-8, no duplicate key, at most depth 16, nothing behind it. ERR_PARSE where it is not JSON of that kind,
 * ERR_INVALID_REQUEST where it is JSON but not an object. where (may be NULL, 160 characters) says line and cause for people.
 */
enum err json_load(const void *bytes, size_t len, json_t **ret_object, char *where);

/* Appends the compact text. */
enum err json_dump(const json_t *value, struct buf *b);

/* Binary as base64url (RFC 4648 section 5, no padding). */
json_t *json_b64(const void *bytes, size_t len);
bool json_b64_exact(const json_t *value, void *ret, size_t len);
bool json_b64_upto(const json_t *value, void *ret, size_t max, size_t *ret_len);

/* A secret crosses only the private pipe between our own processes, as base64url; the wiping allocator ends its copies. */
json_t *json_secret(const struct secret *s);
bool json_to_secret(const json_t *value, struct secret *ret);

/* A string of min..max bytes of showable text (text_is_showable) copied into ret with a NUL; ret has max + 1 bytes. */
bool json_text(const json_t *value, char *ret, size_t min, size_t max);

/* { "code": number, "message": vi, "data": { "name", "message": { vi, en }, "hint": { vi, en } [, detail's keys] } }; detail is borrowed, may be NULL. */
json_t *json_error(enum err e, const json_t *detail);

#endif
