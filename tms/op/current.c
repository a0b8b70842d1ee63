/* SPDX-License-Identifier: Apache-2.0 */
#include "current.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* One that is used, or is the newest. */
struct slot {
	struct service *service;
	struct config *config;
	unsigned users;
	struct slot *older;
};

struct current {
	pthread_mutex_t mutex; /* of the list and all counts */
	struct slot *newest;
};

static void
slot_free(struct slot *slot)
{
	service_free(slot->service);
	config_free(slot->config);
	free(slot);
}

static struct slot *
slot_new(struct service *service, struct config *config)
{
	struct slot *slot = calloc(1, sizeof(*slot));

	if (slot == NULL) {
		service_free(service);
		config_free(config);
		return NULL;
	}
	slot->service = service;
	slot->config = config;
	return slot;
}

/* Older ones that nobody has any more go. */
static void
tidy(struct current *c)
{
	struct slot **at = &c->newest->older;

	while (*at != NULL) {
		struct slot *slot = *at;
		if (slot->users != 0) {
			at = &slot->older;
			continue;
		}
		*at = slot->older;
		slot_free(slot);
	}
}

enum err
current_new(struct service *service, struct config *config, struct current **ret_current)
{
	struct current *c = calloc(1, sizeof(*c));
	struct slot *slot = slot_new(service, config);

	if (c == NULL || slot == NULL) {
		if (slot != NULL)
			slot_free(slot);
		free(c);
		return ERR_NO_MEMORY;
	}
	pthread_mutex_init(&c->mutex, NULL);
	c->newest = slot;
	*ret_current = c;
	return ERR_OK;
}

void
current_free(struct current *c)
{
	if (c == NULL)
		return;
	tidy(c);
	slot_free(c->newest);
	pthread_mutex_destroy(&c->mutex);
	free(c);
}

const struct service *
current_take(struct current *c)
{
	const struct service *service;

	pthread_mutex_lock(&c->mutex);
	c->newest->users++;
	service = c->newest->service;
	pthread_mutex_unlock(&c->mutex);
	return service;
}

void
current_give(struct current *c, const struct service *service)
{
	pthread_mutex_lock(&c->mutex);
	for (struct slot *slot = c->newest; slot != NULL; slot = slot->older)
		if (slot->service == service)
			slot->users--;
	tidy(c);
	pthread_mutex_unlock(&c->mutex);
}

enum err
current_prepare(struct service *service, struct config *config, struct slot **ret_next)
{
	struct slot *slot = slot_new(service, config);

	if (slot == NULL)
		return ERR_NO_MEMORY;
	*ret_next = slot;
	return ERR_OK;
}

void
current_drop(struct slot *next)
{
	slot_free(next);
}

void
current_install(struct current *c, struct slot *next)
{
	pthread_mutex_lock(&c->mutex);
	memcpy(next->service->csrf_key, c->newest->service->csrf_key, sizeof(next->service->csrf_key));
	next->older = c->newest;
	c->newest = next;
	tidy(c);
	pthread_mutex_unlock(&c->mutex);
}
