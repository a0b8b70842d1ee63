/* SPDX-License-Identifier: Apache-2.0 */
/* by_two: what people at the desk do to a token of world.h, one proposing and another one confirming. For tests. */
#ifndef MOKHOA_BY_TWO_H
#define MOKHOA_BY_TWO_H

#include "world.h"

#define OTHER_SO_PIN "8F8F8F8F8F8F8F8F"

json_t *reason(void);

/* One call of the desk; its answer is not looked at. */
enum err desk(struct world *w, unsigned who, enum err (*op)(struct call *, json_t **), int64_t number, json_t *body);
struct store_token token_of(struct world *w, unsigned n);

/* The body of a proposal to replace. */
enum err seal(struct world *w, unsigned n, const char *text, json_t **ret_body);
enum err propose_replace(struct world *w, unsigned who, unsigned n, const char *so_pin);
int64_t waiting(struct world *w, unsigned n); /* the proposal for that token */
enum err confirm(struct world *w, unsigned who, int64_t proposal);

/* A machine whose request is approved, with its code. */
struct machine *approved(struct world *w, unsigned n);
void make_suspect(struct world *w, unsigned n);
bool is_other(const struct secret *s);
unsigned log_lines(const struct world *w);

#endif
