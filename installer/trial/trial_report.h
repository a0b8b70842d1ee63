/* SPDX-License-Identifier: Apache-2.0 */
/* report: what a trial has seen, as JSON for the record and as the row that `mokhoa-tms type add` reads. Neither holds a secret. */
#ifndef MOKHOA_TRIAL_REPORT_H
#define MOKHOA_TRIAL_REPORT_H

#include "buf.h"
#include "err.h"
#include "trial.h"

#include <jansson.h>

/* A new reference; NULL where memory is short. README.md of this folder's parent says what the fields are. */
json_t *report_json(const struct trial *t);

/* Header and row. */
enum err report_row(const struct trial *t, struct buf *ret);

#endif
