/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy: what our pages may do, as the browser enforces it, for whoever serves one: nginx the files, the server the agencies' frame. They run
 * nothing but their own files and talk to nobody but this server; the customers' pages also to mokhoa-websocket on the customer's own machine
 * (protocol/port.def).
 */
#ifndef MOKHOA_POLICY_H
#define MOKHOA_POLICY_H

/* A Content-Security-Policy; who may show the page in a frame is to be said behind it: 'none', or origins between blanks. */
#define POLICY_CUSTOMER POLICY_OF("'self' ws://127.0.0.1:21703 ws://127.0.0.1:24691 ws://127.0.0.1:28517")
#define POLICY_CONSOLE	POLICY_OF("'self'")

#define POLICY_OF(connect) \
	"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src " connect "; base-uri 'none'; form-action 'none'; " \
	"require-trusted-types-for 'script'; trusted-types 'none'; frame-ancestors "

/* A Cache-Control of what is the same for everybody and may be a minute old. */
#define POLICY_MINUTE "max-age=60"

#endif
