/* SPDX-License-Identifier: Apache-2.0 */
/*
 * current: the service as it is now, for threads that work while an operator has another configuration read. Whoever took a service keeps
 * it as it was until he gives it back; who comes later gets the newer one. Any thread may call.
 */
#ifndef MOKHOA_CURRENT_H
#define MOKHOA_CURRENT_H

#include "service.h"

struct current;

/* Takes service and configuration over, also where it fails: ERR_NO_MEMORY. */
enum err current_new(struct service *service, struct config *config, struct current **ret_current);

/* Nobody has a service of it any more. NULL is fine. */
void current_free(struct current *c);

const struct service *current_take(struct current *c);
void current_give(struct current *c, const struct service *service);

/* What comes next, made ready before anything depends on it: takes service and configuration over, also where it fails (ERR_NO_MEMORY). */
struct slot;

enum err current_prepare(struct service *service, struct config *config, struct slot **ret_next);
void current_drop(struct slot *next);

/* From now on it is the one. What the desk's pages hold of the older one stays good. */
void current_install(struct current *c, struct slot *next);

#endif
