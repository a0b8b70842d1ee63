/* SPDX-License-Identifier: Apache-2.0 */
/*
 * err: every way in which anything in Mokhoa can fail, made from the one list err.def.
 *
 * A function that can fail in two ways returns enum err; what the world answered (CKR_*, errno, HTTP, curl) is translated where it
 * arises and travels no further. All strings are static and in UTF-8. Any thread may call.
 */
#ifndef MOKHOA_ERR_H
#define MOKHOA_ERR_H

enum err {
	ERR_OK = 0,
#define ERR(symbol, number, http, name, vi, en, hint_vi, hint_en) ERR_##symbol,
#include "err.def"
#undef ERR
	ERR_COUNT
};

/* The JSON-RPC error code (JSON-RPC 2.0, section 5.1); 0 for ERR_OK. */
int err_number(enum err e);

/* The HTTP status with which the token management server answers; 500 where the list names none, 200 for ERR_OK. */
int err_http(enum err e);

/* The stable name on the wire, "ok" for ERR_OK. */
const char *err_name(enum err e);

/* What happened, and what to do next; lang is "vi" or "en", anything else reads as "vi". */
const char *err_sentence(enum err e, const char *lang);
const char *err_hint(enum err e, const char *lang);

/* The error of that wire name; ERR_INTERNAL for a name that the list does not have. */
enum err err_from_name(const char *name);

#endif
