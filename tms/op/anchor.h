/* SPDX-License-Identifier: Apache-2.0 */
/*
 * anchor: where the audit chain had come to, signed with the server's key and appended to a file on another device than the database (../README.md, "The audit chain").
 * Whoever has the database alone can write a chain anew, but none that the anchors fit; and rows that are missing at its end are missed by them.
 *
 * A line is written after the commit of what it says, so that one that is there always has its row; the rows behind the last line wait for the next.
 */
#ifndef MOKHOA_ANCHOR_H
#define MOKHOA_ANCHOR_H

#include "chain.h"
#include "config.h"
#include "service.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct anchor {
	int64_t line; /* of the file, from 1 */
	int64_t time;
	int64_t seq; /* the row whose hash it has */
	unsigned char hash[KEY_HASH_LEN];
	int64_t lost; /* 0, or of a restore: what was anchored behind seq, up to here, was taken back by it */
	bool excused; /* a later restore has taken it back */
};

struct anchor_list {
	struct anchor *at; /* as they stand in the file; anchor_list_free() */
	size_t count;
	size_t room;
	int64_t cut;	 /* lines that end in the middle */
	int64_t refused; /* the first line whose signature does not hold, or 0 */
};

/* Appends the head of the chain, where there is a row. Outside of any transaction. ERR_AUDIT_ANCHOR_FAILED, logged. */
enum err anchor_write(const struct service *service, struct store *s, int64_t now, int64_t *ret_seq);

/* All lines of the file, none where there is no file. keys: who may have signed them. ERR_AUDIT_ANCHOR_FAILED, logged. */
enum err anchor_read(const char *path, const unsigned char (*keys)[KEY_SIG_PK_LEN], size_t key_count, struct anchor_list *ret);
void anchor_list_free(struct anchor_list *list);

/* Of what was anchored, that which the chain of a backup (in s) does not have: ret->lost is 0 where it has all. ERR_AUDIT_ANCHOR_FAILED, ERR_CONFIG_INVALID, logged. */
enum err anchor_find_lost(const struct config *config, struct store *s, int64_t now, struct anchor *ret);

/*
 * The backup has taken the place of the data: that much of what was anchored is taken back, by a line that says so. Before that it would excuse what is still there.
 * Nothing is written where nothing is lost. The same errors.
 */
enum err anchor_take_back(const struct config *config, const struct anchor *lost);

#endif
