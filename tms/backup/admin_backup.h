/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admin_backup: a backup from the desk: begun there, made in a thread of its own, seen in a list; never sent. One at a time in a process.
 */
#ifndef MOKHOA_ADMIN_BACKUP_H
#define MOKHOA_ADMIN_BACKUP_H

#include "call.h"

/* GET and POST /v1/admin/backups. ERR_BACKUPS_OFF, ERR_DATABASE_SERVER where the database is no file, ERR_BUSY while one is being made. */
enum err op_admin_backups(struct call *c, json_t **ret_answer);
enum err op_admin_backup(struct call *c, json_t **ret_answer);

/* Waits for the one that is being made; before the service goes. */
void admin_backup_wait(void);

#endif
