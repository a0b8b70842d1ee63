/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nginx: the configuration of the nginx that stands in front: TLS, rates, sizes and slow clients on the customers' port; on the desk's port
 * the administrator's certificate besides. Only the desk's block may say who an administrator is. With the portal's files, the customers' port
 * serves the portal and the desk's port the console.
 */
#ifndef MOKHOA_NGINX_H
#define MOKHOA_NGINX_H

#include "buf.h"
#include "err.h"

#include <stdbool.h>

struct nginx {
	const char *host;   /* its name in the certificate */
	const char *listen; /* address, NULL for all of them */
	const char *port;
	const char *admin_port;
	const char *certificate; /* files */
	const char *key;
	const char *admin_ca;
	const char *public_socket;
	const char *admin_socket;
	const char *portal_files; /* folder with customer/, console/, sdk/ and style/; NULL for none */
	const char *portal_json;  /* what the pages must know; with portal_files */
};

/* Whether a value can stand in the file as it is: no blank, quote, brace, semicolon or dollar. */
bool nginx_word_ok(const char *text);

/* Appends what stands in the http block; every value is nginx_word_ok(). */
enum err nginx_write(const struct nginx *n, struct buf *b);

#endif
