/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hsm_process: the process that loads the HSM's module, and what it and the vault say to each other: structs of one and the same program over a pair of sockets that keeps
 * messages apart (os.h, struct os_link).
 */
#ifndef MOKHOA_HSM_PROCESS_H
#define MOKHOA_HSM_PROCESS_H

#include "config.h"
#include "err.h"
#include "keyring.h"
#include "os.h"

#define HSM_NAME_SIZE 65 /* of a label, or of the hexadecimal digits of a CKA_ID */

enum hsm_verb {
	HSM_AGREE, /* object, point: x */
	HSM_MAKE,  /* object, point */
	HSM_ADOPT  /* name: object, point */
};

struct hsm_ask {
	enum hsm_verb verb;
	struct keyring_object object;
	unsigned char point[KEY_KEM_PK_LEN];
	char name[HSM_NAME_SIZE];
};

enum hsm_news {
	HSM_PRESENTING, /* the PIN goes to the module now */
	HSM_READY,	/* the module is started and logged in, or error says why not */
	HSM_ANSWER
};

struct hsm_tell {
	enum hsm_news news;
	enum err error;
	bool unsure; /* of HSM_READY: the PIN was presented, and nobody knows whether a try was counted */
	struct keyring_object object;
	unsigned char point[KEY_KEM_PK_LEN];
	unsigned char x[KEY_KEM_X_LEN];
};

/* Tells HSM_READY, then answers what is asked until the other side has gone or the session is lost. */
void hsm_process(const struct config_hsm *config, const struct os_link *link);

#endif
