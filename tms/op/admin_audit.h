/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admin_audit: the check of the audit chain from the desk (`audit verify`): begun there, made in a thread of its own, seen on the page. One at a time in a process, which remembers the last one.
 */
#ifndef MOKHOA_ADMIN_AUDIT_H
#define MOKHOA_ADMIN_AUDIT_H

#include "call.h"

/* GET and POST /v1/admin/audit. Whoever begins one while one is under way is told of that. */
enum err op_admin_audit(struct call *c, json_t **ret_answer);
enum err op_admin_audit_verify(struct call *c, json_t **ret_answer);

/* Ends the one that is under way, without a result; before the service goes. */
void admin_audit_end(void);

#endif
