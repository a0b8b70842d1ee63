/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve: the running server: both sockets, the mail worker, health and metrics, and the sweep, until SIGTERM or SIGINT. SIGHUP has the configuration read again.
 */
#ifndef MOKHOA_SERVE_H
#define MOKHOA_SERVE_H

/*
 * The exit status: 0 after a graceful stop, 1 where it could not begin (the reason is logged, one in the configuration is said on stderr). Blocks the three signals in every thread.
 */
int serve(const char *config_file);

#endif
