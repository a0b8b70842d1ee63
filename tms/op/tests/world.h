/* SPDX-License-Identifier: Apache-2.0 */
/*
 * world: everything around the operations, for their tests: a store in a folder of its own, an authority with its certificates, the
 * server's keys, a vault in a child process, people at the desk, and machines of customers. Ends the test where it cannot be made.
 *
 * The clock is w->now, which a test moves on. Texts and keys follow from small numbers.
 */
#ifndef MOKHOA_WORLD_H
#define MOKHOA_WORLD_H

#include "call.h"
#include "scratch.h"
#include "secret.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <sys/types.h>

#define WORLD_SO_PIN "3537363231383830"
#define WORLD_EMAIL  "Khach@example.vn"

/* ---- certificates ---- */

struct world_ca {
	EVP_PKEY *key;
	X509 *certificate;
};

enum world_key {
	WORLD_EC,
	WORLD_RSA
};

struct world_ca world_ca_new(const char *name);
void world_ca_free(struct world_ca *ca);
void world_ca_write(const struct world_ca *ca, const char *path); /* PEM */
EVP_PKEY *world_key_new(enum world_key kind);

/* A certificate for key, valid from..until seconds from now on. */
X509 *world_issue(const struct world_ca *ca, EVP_PKEY *key, const char *name, long serial, long from, long until);
/* The same with a mail address in it. */
X509 *world_issue_to(const struct world_ca *ca, EVP_PKEY *key, const char *name, const char *email, long serial, long from, long until);
size_t world_der(X509 *certificate, unsigned char ret[STORE_CERTIFICATE_MAX]);

/* ---- the server ---- */

struct world {
	struct scratch scratch;
	struct config config;
	char paths[8][300];
	struct service *service;
	int64_t now;
	const char *address;	 /* from which machines call */
	struct world_ca ca;	 /* of the authority */
	struct world_ca foreign; /* of somebody else */
	EVP_PKEY *token_key;	 /* in the customer's token */
	struct key_kem *vault_key;
	pid_t vault;		       /* process */
	struct store_person people[2]; /* two approvers */
	unsigned char tms_pk[KEY_SIG_PK_LEN];
	int tries_left; /* of the last error; -1 where it said nothing */
	int64_t retry_after;
};

struct world *world_new(void);
void world_free(struct world *w);

/* Ends or starts the vault's process. */
void world_vault_stop(struct world *w);
void world_vault_start(struct world *w);

/* Token n is on record, with its SO PIN sealed and its certificate's serial number; email may be empty. */
void world_import(struct world *w, unsigned n, const char *email);
/* The same without the certificate's serial number. */
void world_import_bare(struct world *w, unsigned n, const char *email);

/* Runs an operation; takes body. The answer is the caller's, NULL on an error. id as it stands in the path. */
enum err world_call(struct world *w, enum err (*op)(struct call *, json_t **), const char *id, json_t *body, json_t **ret_answer);

/* The same for the desk: who is 0 or 1. */
enum err world_desk(struct world *w, unsigned who, enum err (*op)(struct call *, json_t **), int64_t number, json_t *body, json_t **ret_answer);

enum state world_state(struct world *w, int64_t number);
struct store_token world_token(struct world *w, const struct token_name *name);
int64_t world_mails(struct world *w, int64_t number, enum store_mail kind); /* how many were put into the outbox */
unsigned world_audits(struct world *w, int64_t number, const char *what);

/* ---- a customer's machine ---- */

enum machine_certificate {
	MACHINE_OWN,	 /* issued by the authority, named in the token's row */
	MACHINE_OTHER,	 /* issued by the authority for another token */
	MACHINE_FOREIGN, /* issued by somebody else */
	MACHINE_RENEWED, /* issued by the authority to WORLD_EMAIL, with another number than the token's row */
	MACHINE_FORGED,	 /* the same by somebody else */
	MACHINE_NONE
};

struct machine {
	struct world *world;
	struct key_sig *sig;
	struct key_kem *kem;
	struct token_name token;
	unsigned char der[STORE_CERTIFICATE_MAX];
	size_t der_len;
	unsigned char idempotency_key[TRANSCRIPT_ID_LEN];
	char id_text[32]; /* once created */
	unsigned char id[TRANSCRIPT_ID_LEN];
	int64_t number;
	uint64_t counter;			   /* of the last signed call */
	unsigned char approval[TRANSCRIPT_ID_LEN]; /* once status has told */
	unsigned char h[KEY_HASH_LEN];
	unsigned char nonce[TRANSCRIPT_ID_LEN]; /* once released */
	struct secret candidates[2];
	size_t candidate_count;
	struct token_policy policy; /* as the last status said; the family is FAMILY_COUNT where it said nothing */
	enum family family;	    /* as the release said */
	bool rotation;
	struct secret next;   /* once granted */
	struct key_sig *code; /* key of the newest code */
	char state[16];	      /* as the last status said */
	int64_t code_expires;
	char email[STORE_EMAIL_SIZE];
	char note[STORE_NOTE_SIZE];
};

struct machine *machine_new(struct world *w, unsigned token, enum machine_certificate certificate);
void machine_free(struct machine *m);

/* One with its own certificate whose request was approved, whose code has come and who knows it. */
struct machine *machine_approved(struct world *w, unsigned token);

/* One that was released and granted besides, with the first candidate. */
struct machine *machine_granted(struct world *w, unsigned token);

json_t *machine_create_body(struct machine *m);
enum err machine_create(struct machine *m);		    /* verifies the answer's signature */
enum err machine_verb(struct machine *m, const char *verb); /* status, resend, cancel; verifies and keeps what it said */
enum err machine_approve(struct machine *m);		    /* the first approver says yes, on the phone */
void machine_mail(struct machine *m, int64_t valid_s);	    /* what the mail worker does: a new code's public half */
json_t *machine_release_body(struct machine *m);
enum err machine_release(struct machine *m); /* opens what was sealed */
enum err machine_grant(struct machine *m, unsigned active);

struct machine_report {
	const char *result;
	const char *stage; /* NULL: reporting */
	uint64_t cryptoki; /* 0: 0xa0 */
	bool silent;	   /* no call has returned anything: cryptoki is 0 */
	bool rotated;
	const char *proof_mechanism;
	const unsigned char *proof;
	size_t proof_len;
	const char *error; /* NULL: "ok" */
};

enum err machine_done(struct machine *m, const struct machine_report *report);

/* From nothing to a release: created, approved, mailed, released. */
enum err machine_to_release(struct machine *m);

/* The proof of unlock by that key. */
size_t machine_prove(const struct machine *m, EVP_PKEY *key, unsigned char ret[1024]);

/* The phrase as the customer reads it aloud. */
void machine_phrase(const struct machine *m, char ret[16]);

#endif
