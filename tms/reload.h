/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reload: the operator's file read again while the server runs: all of it counts, or the old one does and the log says why. The main thread's.
 */
#ifndef MOKHOA_RELOAD_H
#define MOKHOA_RELOAD_H

#include "config.h"
#include "log.h"

struct current;
struct limit;
struct outbox;

struct reload {
	const char *config_file;
	struct current *current;
	struct outbox *outbox;
	struct limit *limit;
};

/* What came of it is logged, and told to the service manager. Waits for a mail that is under way, at most a minute. */
void reload_run(const struct reload *r);

/* The configuration's words for log_configure(). */
enum log_format reload_log_format(const struct config *config);
enum log_level reload_log_level(const struct config *config);

/* mokhoa-tms reload --config FILE: looks at the file as the server would, then has the server that listens at its admin socket read it. The exit status. */
int reload_main(const struct config *config);

#endif
