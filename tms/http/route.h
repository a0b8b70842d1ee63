/* SPDX-License-Identifier: Apache-2.0 */
/*
 * route: which method and path is which operation, in one table. Pure; any thread may call.
 */
#ifndef MOKHOA_ROUTE_H
#define MOKHOA_ROUTE_H

#include "call.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ROUTE_ID_SIZE 65 /* characters of an {id} that are looked at, and a NUL */

/* Who may call; a set of roles for the desk. Those of an agency meet its customers' rows alone (store_scope()). */
enum route_role {
	ROUTE_VIEWER = 1 << 0,
	ROUTE_APPROVER = 1 << 1,
	ROUTE_OPERATOR = 1 << 2,
	ROUTE_AUDITOR = 1 << 3,
	ROUTE_AGENCY_VIEWER = 1 << 4,
	ROUTE_AGENCY_APPROVER = 1 << 5,
	ROUTE_PAGE = 1 << 6,   /* on public.sock: our own pages, and anything that is no page of another */
	ROUTE_MACHINE = 1 << 7 /* on public.sock: the call is signed */
};

struct route {
	const char *name; /* operationId of tms.openapi.json; for the log */
	const char *method;
	const char *path; /* {id} and {number} stand for one segment */
	unsigned roles;	  /* enum route_role; 0 is found at neither door */
	enum err (*run)(struct call *c, json_t **ret_answer);
};

/* The role of somebody at the desk; none of the above for who has none. */
unsigned route_role_of(const struct store_person *person);

/* What the path said in place of {id} and {number}. */
struct route_found {
	const struct route *route;
	char id[ROUTE_ID_SIZE];
	int64_t number; /* 0 for one that is none */
};

/* desk: looks among the routes of admin.sock, else among those of public.sock. ERR_METHOD_NOT_FOUND. */
enum err route_find(bool desk, const char *method, const char *path, struct route_found *ret);

/* The rows of the table, for whoever counts by them. */
size_t route_count(void);
const struct route *route_at(size_t index);
size_t route_index(const struct route *route);

#endif
