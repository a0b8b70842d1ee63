/* SPDX-License-Identifier: Apache-2.0 */
/*
 * service: what every operation shares and none changes: the configuration, the server's signing key, the authorities. Made at the
 * start, and anew at each reload (current.h), where calls that are under way keep the older one; read by every thread.
 */
#ifndef MOKHOA_SERVICE_H
#define MOKHOA_SERVICE_H

#include "config.h"
#include "err.h"
#include "issued.h"
#include "key.h"
#include "revocation.h"

#define SERVICE_KID_LEN 16 /* hexadecimal digits */

struct service {
	const struct config *config; /* borrowed */
	struct key_sig *signing_key;
	char kid[SERVICE_KID_LEN + 1];
	struct authorities *issuers;	      /* of customers' certificates */
	struct authorities *admin_ca;	      /* of administrators' */
	struct revocation *revocation;	      /* of administrators' certificates; has a lock of its own */
	unsigned char csrf_key[KEY_HASH_LEN]; /* of this process alone: csrf.h */
};

/* The server's signing key and its name, without the rest; the key is the caller's. ERR_CONFIG_INVALID (logged). */
enum err service_signing_key(const struct config *config, struct key_sig **ret_key, char ret_kid[SERVICE_KID_LEN + 1]);

/* ERR_CONFIG_INVALID where a key or certificate file is not what it should be (logged). */
enum err service_new(const struct config *config, struct service **ret_service);
void service_free(struct service *s);

#endif
