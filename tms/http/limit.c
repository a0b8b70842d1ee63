/* SPDX-License-Identifier: Apache-2.0 */
#include "limit.h"

#include "network.h"
#include "os.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define MINUTE_US ((uint64_t)60000000)
#define SETS	  2048
#define WAYS	  4 /* who shares a set with three busier ones is counted all the same */

enum limit_kind {
	LIMIT_ADDRESS,
	LIMIT_PERSON,
	LIMIT_KINDS
};

/* Who is counted: the kind and what names him. */
struct key {
	unsigned char bytes[1 + sizeof(struct network)];
};

/* The generic cell rate algorithm: one moment is all that is kept of somebody. */
struct cell {
	struct key key;
	uint64_t due_us; /* when he will have used nothing */
};

struct limit {
	pthread_mutex_t mutex;
	unsigned per_minute[LIMIT_KINDS];
	uint64_t seed; /* so that nobody can choose whom he crowds out */
	struct cell cells[SETS][WAYS];
};

struct limit *
limit_new(void)
{
	struct limit *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	os_random(&l->seed, sizeof(l->seed));
	pthread_mutex_init(&l->mutex, NULL);
	limit_set(l, 1, 1);
	return l;
}

void
limit_free(struct limit *l)
{
	if (l == NULL)
		return;
	pthread_mutex_destroy(&l->mutex);
	free(l);
}

void
limit_set(struct limit *l, unsigned address_per_minute, unsigned person_per_minute)
{
	pthread_mutex_lock(&l->mutex);
	l->per_minute[LIMIT_ADDRESS] = address_per_minute;
	l->per_minute[LIMIT_PERSON] = person_per_minute;
	pthread_mutex_unlock(&l->mutex);
}

/* Two rounds of multiply and shift over each byte; the seed is a secret of this process. */
static size_t
set_of(const struct limit *l, const struct key *key)
{
	uint64_t hash = l->seed;

	for (size_t i = 0; i < sizeof(key->bytes); i++) {
		hash = (hash ^ key->bytes[i]) * 0x9e3779b97f4a7c15u;
		hash ^= hash >> 29;
	}
	hash = (hash ^ l->seed) * 0xbf58476d1ce4e5b9u;
	return (size_t)(hash >> 40) % SETS;
}

/* His cell, or that of whoever has used least. */
static struct cell *
cell_of(struct limit *l, const struct key *key)
{
	struct cell *set = l->cells[set_of(l, key)];
	struct cell *least = &set[0];

	for (size_t i = 0; i < WAYS; i++) {
		if (memcmp(&set[i].key, key, sizeof(*key)) == 0)
			return &set[i];
		if (set[i].due_us < least->due_us)
			least = &set[i];
	}
	*least = (struct cell){ .key = *key };
	return least;
}

static enum err
take(struct limit *l, enum limit_kind kind, const struct key *key, uint64_t now_ms, unsigned *ret_retry_s)
{
	uint64_t now = now_ms * 1000;
	uint64_t cost, due;
	enum err e = ERR_OK;
	struct cell *cell;

	pthread_mutex_lock(&l->mutex);
	cost = MINUTE_US / l->per_minute[kind];
	cell = cell_of(l, key);
	due = (cell->due_us > now ? cell->due_us : now) + cost;
	if (due > now + MINUTE_US) {
		*ret_retry_s = (unsigned)((due - now - MINUTE_US + 999999) / 1000000);
		e = ERR_BUSY;
	} else {
		cell->due_us = due;
	}
	pthread_mutex_unlock(&l->mutex);
	return e;
}

enum err
limit_address(struct limit *l, const char *address, uint64_t now_ms, unsigned *ret_retry_s)
{
	struct key key = { { LIMIT_ADDRESS + 1 } };
	struct network network;

	if (!network_of(address, &network))
		return ERR_OK;
	memcpy(key.bytes + 1, network.bytes, sizeof(network.bytes));
	return take(l, LIMIT_ADDRESS, &key, now_ms, ret_retry_s);
}

enum err
limit_person(struct limit *l, int64_t person, uint64_t now_ms, unsigned *ret_retry_s)
{
	struct key key = { { LIMIT_PERSON + 1 } };

	memcpy(key.bytes + 1, &person, sizeof(person));
	return take(l, LIMIT_PERSON, &key, now_ms, ret_retry_s);
}
