/* SPDX-License-Identifier: Apache-2.0 */
/*
 * value: one value of the operator's file: of which kind it is, where it goes, and what is said where it is not. Pure functions.
 */
#ifndef MOKHOA_VALUE_H
#define MOKHOA_VALUE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VALUE_EXPECTED_SIZE 192

enum value_kind {
	VALUE_TEXT, /* min..max bytes of showable text */
	VALUE_PATH, /* absolute */
	VALUE_ORIGIN,
	VALUE_ADDRESS, /* a mail address */
	VALUE_DOMAIN,  /* what may stand behind the @ of one */
	VALUE_SMTP_URL,
	VALUE_HTTP_URL,
	VALUE_DATABASE, /* of PostgreSQL, by its URL without a password */
	VALUE_DOOR,	/* a Unix socket, or a port of this machine alone */
	VALUE_WORD,	/* one of words, as its index */
	VALUE_LANGUAGES,
	VALUE_SECONDS, /* int64_t, min..max */
	VALUE_COUNT,   /* unsigned, min..max */
	VALUE_SWITCH
};

struct value_row {
	const char *section; /* "" for the top */
	const char *key;
	enum value_kind kind;
	bool required;
	size_t offset; /* in what is read */
	int64_t min;
	int64_t max;
	int64_t fallback;	  /* of a number or a word that is not given */
	const char *const *words; /* of VALUE_WORD, NULL behind the last */
	bool fixed;		  /* a running server cannot change it */
};

/* Whether two values that were read by the row are the same. */
bool value_equal(const struct value_row *row, const void *a, const void *b);

/* Texts are borrowed from the value. False where it is not what the row expects. */
bool value_read(const struct value_row *row, const json_t *value, void *ret);

/* Whether a mail server, of a URL that was read, is on this machine: without TLS, codes and passwords would cross the network in clear. */
bool value_is_smtp_here(const char *url);

/* What a value that is not given stands for. */
void value_set_fallback(const struct value_row *row, void *ret);

/* What stands behind "must be". */
void value_expected(const struct value_row *row, char ret[VALUE_EXPECTED_SIZE]);

#endif
