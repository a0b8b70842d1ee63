/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store: what the token management server remembers, by what is meant and not by SQL. No type of the database behind it is seen here,
 * so that several can stand behind the same promises: a file of SQLite, or PostgreSQL, which any number of servers may share.
 *
 * A struct store is one connection and belongs to one thread; several may be open on one database, in several processes. Whatever changes
 * more than one row stands between store_begin() and store_commit(); store_begin() takes the right to write at once, so what was read
 * inside still holds when it is written. What is committed is on the disk. Times are seconds since 1970. Text is UTF-8.
 *
 * Every function: ERR_STORE_FAILED where the database fails (logged here), else what its comment names. Structs are the caller's.
 */
#ifndef MOKHOA_STORE_H
#define MOKHOA_STORE_H

#include "err.h"
#include "key.h"
#include "op.h"
#include "token_name.h"
#include "token_policy.h"
#include "transcript.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STORE_CERTIFICATE_MAX 8192 /* bytes of DER */
#define STORE_SERIAL_MAX      64   /* content bytes of a certificate's serial number; RFC 5280 allows 20 */
#define STORE_CODES_MAX	      4	   /* codes of one request that are looked at */
#define STORE_PAGE_MAX	      101  /* rows of a list: a page of the desk, and one to see whether there is another */
#define STORE_ANSWER_MAX      512  /* bytes of a sealed answer's ciphertext */
#define STORE_KEY_SIZE	      17   /* of the id of a key of the vault and a NUL */

#define STORE_EMAIL_SIZE  255  /* characters of a mail address and a NUL (RFC 5321, 4.5.3.1.3) */
#define STORE_PERSON_SIZE 129  /* of a person at the desk */
#define STORE_AGENCY_SIZE 33   /* of an agency's id */
#define STORE_NAME_SIZE	  257  /* of a customer */
#define STORE_NOTE_SIZE	  513  /* why a request was refused, why an address was changed */
#define STORE_DETAIL_SIZE 1025 /* of an audit row */

struct store;

/*
 * Opens or makes the database file, or opens the database of PostgreSQL where that is its URL (postgresql://...), and brings its tables to this program's
 * version; ERR_STORE_FAILED also for a newer one, ERR_DATABASE_UNSUPPORTED.
 */
enum err store_open(const char *where, struct store **ret_store);
void store_close(struct store *s);

/* The version of the tables that this program keeps. */
int64_t store_version(void);

enum err store_begin(struct store *s);
enum err store_begin_reading(struct store *s); /* what is read is of one moment; nobody is kept from writing */
enum err store_commit(struct store *s);
void store_rollback(struct store *s); /* also after a failed commit; harmless outside a transaction */
bool store_in_transaction(struct store *s);

/*
 * From now on this connection sees only what belongs to customers of that agency: requests, tokens, and what is said of them. Any other row is as if it were not there, for lists, single
 * rows and whatever is done to what they give (query.h, QUERY_IN_SCOPE). Empty: everything, as at first. False, and nothing changed, for what is no agency's id.
 */
bool store_scope(struct store *s, const char *agency);

/* Commits where e is ERR_OK and takes back where it is not: e, or what the commit said. */
enum err store_end(struct store *s, enum err e);

/* ---- people at the desk ---- */

enum store_role {
	STORE_VIEWER, /* looks */
	STORE_APPROVER,
	STORE_OPERATOR,
	STORE_AUDITOR,
	STORE_NONE, /* was at the desk and may not come in any more */
	STORE_ROLE_COUNT
};

const char *store_role_name(enum store_role role);	/* "viewer", ... */
enum store_role store_role_from_name(const char *name); /* STORE_ROLE_COUNT for an unknown name */

struct store_person {
	int64_t id;
	unsigned char fingerprint[KEY_HASH_LEN]; /* SHA-256 of a certificate's DER: of the one that is added or was looked for, else of the first */
	int64_t not_after;			 /* until when that certificate is good; 0: not written down */
	char name[STORE_PERSON_SIZE];
	enum store_role role;
	char agency[STORE_AGENCY_SIZE]; /* whose customers alone they see; empty: of the authority. Only viewers and approvers have one. */
	int64_t created;
};

bool store_role_of_agency(enum store_role role); /* whether somebody of an agency may have it */

/*
 * The person who holds that certificate, else the one of that name, else a new one: has this name, role and agency from now on, and this certificate besides the others. A name
 * is one person, whichever certificates he holds. Who was shut out and comes in again has no older certificate any more. A row stays for the history; who is
 * shut out has the role STORE_NONE. ERR_AGENCY_UNKNOWN. Inside a transaction.
 */
enum err store_person_put(struct store *s, const struct store_person *p, int64_t *ret_id);

/* A person by his own number is given another role and agency. ERR_ADMIN_UNKNOWN, ERR_AGENCY_UNKNOWN. */
enum err store_person_set_role(struct store *s, int64_t id, enum store_role role, const char *agency);
enum err store_person_of_certificate(struct store *s, const unsigned char fingerprint[KEY_HASH_LEN], struct store_person *ret); /* ERR_ADMIN_UNKNOWN; whether it still opens anything or not */
enum err store_person_by_name(struct store *s, const char *name, struct store_person *ret);					/* ERR_ADMIN_UNKNOWN */
enum err store_person_by_fingerprint(struct store *s, const unsigned char fingerprint[KEY_HASH_LEN], struct store_person *ret); /* ERR_ADMIN_UNKNOWN */
enum err store_person_by_id(struct store *s, int64_t id, struct store_person *ret);						/* ERR_ADMIN_UNKNOWN */

/* Calls each() for everybody, in the order in which they were added. */
enum err store_person_list(struct store *s, void (*each)(const struct store_person *p, void *context), void *context);

/* How many but for this person have that role, are of the authority, and have a certificate that opens the desk at that time. */
enum err store_person_count_others(struct store *s, int64_t person, enum store_role role, int64_t now, int64_t *ret_count);

/* What a person comes in with; several, so that the next one is there before the last one runs out. */
struct store_certificate {
	unsigned char fingerprint[KEY_HASH_LEN];
	int64_t person;
	int64_t not_after; /* 0: not written down */
	int64_t created;
	int64_t retired; /* since when it opens nothing, or 0 */
};

/* The newest first. */
enum err store_certificate_list(struct store *s, int64_t person, void (*each)(const struct store_certificate *c, void *context), void *context);

/* It opens nothing any more. ERR_ADMIN_UNKNOWN where it is not his, or did not open anything. */
enum err store_certificate_retire(struct store *s, int64_t person, const unsigned char fingerprint[KEY_HASH_LEN], int64_t now);

/* ---- agencies, whose pages may show ours in a frame ---- */

#define STORE_ORIGINS_SIZE 2049 /* of all the origins of an agency */
#define STORE_DOMAIN_SIZE  254	/* of one mail domain and a NUL */
#define STORE_DOMAINS_SIZE 2049 /* of all the mail domains of an agency */

struct store_agency {
	char id[STORE_AGENCY_SIZE]; /* store_agency_id_ok() */
	char name[STORE_NAME_SIZE];
	char origins[STORE_ORIGINS_SIZE]; /* each text_is_origin(), one blank between two; at least one */
	char domains[STORE_DOMAINS_SIZE]; /* of its customers' mail addresses: each store_domain_ok(), one blank between two; may be empty */
	bool second_approver;		  /* every request of its customers is approved by two */
	int64_t created;
};

/* 1 to 32 small letters, digits and hyphens, beginning with a letter or digit. */
bool store_agency_id_ok(const char *id);

/* What stands behind the @ of an address: letters, digits and hyphens between dots, at least one dot, no capital. */
bool store_domain_ok(const char *domain);

/* ERR_AGENCY_EXISTS where the id is taken, unless it may be replaced; then created stays. ERR_AGENCY_DOMAIN where another one has a domain of it. Inside a transaction. */
enum err store_agency_put(struct store *s, const struct store_agency *a, bool replace);
enum err store_agency_by_id(struct store *s, const char *id, struct store_agency *ret); /* ERR_AGENCY_UNKNOWN */

/* Its customers are nobody's from then on. ERR_AGENCY_IN_USE as long as anybody at the desk is of it, ERR_AGENCY_UNKNOWN. Inside a transaction. */
enum err store_agency_remove(struct store *s, const char *id);

/* Whose customer has that mail address: empty where it is at no agency's domain. */
enum err store_agency_of_email(struct store *s, const char *email, char ret_id[STORE_AGENCY_SIZE]);
enum err store_agency_customers(struct store *s, const char *id, int64_t *ret_count); /* tokens */

/* By id. */
enum err store_agency_list(struct store *s, void (*each)(const struct store_agency *a, void *context), void *context);

/* ---- notices: what the authority wants customers to read ---- */

#define STORE_NOTICE_TITLE_SIZE 129
#define STORE_NOTICE_TEXT_SIZE	1025

enum store_severity {
	STORE_INFO,
	STORE_WARNING,
	STORE_SEVERITY_COUNT
};

const char *store_severity_name(enum store_severity severity);	/* "info", "warning" */
enum store_severity store_severity_from_name(const char *name); /* STORE_SEVERITY_COUNT for an unknown name */

/* Plain text, of which nothing is markup. */
struct store_notice {
	int64_t id;
	enum store_severity severity;
	char title_vi[STORE_NOTICE_TITLE_SIZE];
	char text_vi[STORE_NOTICE_TEXT_SIZE];
	char title_en[STORE_NOTICE_TITLE_SIZE]; /* both of English are empty where there is none */
	char text_en[STORE_NOTICE_TEXT_SIZE];
	int64_t starts; /* due while starts <= now < ends */
	int64_t ends;	/* 0: does not */
	int64_t created;
};

enum err store_notice_add(struct store *s, const struct store_notice *n, int64_t *ret_id);
enum err store_notice_put(struct store *s, const struct store_notice *n); /* in place of the one of that id, whose `created` stays; ERR_NOTICE_UNKNOWN */
enum err store_notice_remove(struct store *s, int64_t id);		  /* ERR_NOTICE_UNKNOWN */

/* All, by id. */
enum err store_notice_list(struct store *s, void (*each)(const struct store_notice *n, void *context), void *context);

/* Those that are due, at most max: warnings first, of each kind the newest first. */
enum err store_notice_due(struct store *s, int64_t now, unsigned max, void (*each)(const struct store_notice *n, void *context), void *context);

/* ---- tokens and their sealed SO PINs ---- */

enum store_token_state {
	STORE_UNVERIFIED, /* imported; nobody has tried it */
	STORE_VERIFIED,	  /* an unlock with it was completed */
	STORE_SUSPECT,	  /* tried and failed: nothing is released until people have looked into it */
	STORE_TOKEN_STATE_COUNT
};

const char *store_token_state_name(enum store_token_state state);
enum store_token_state store_token_state_from_name(const char *name); /* STORE_TOKEN_STATE_COUNT for an unknown name */

/* What people say of the token itself, whatever is known of its SO PIN. */
enum store_life {
	STORE_ACTIVE,
	STORE_LOST,    /* reported lost: nothing is released until two people have taken that back */
	STORE_RETIRED, /* out of use: nothing is released */
	STORE_LIFE_COUNT
};

const char *store_life_name(enum store_life life);	/* "active", "lost", "retired" */
enum store_life store_life_from_name(const char *name); /* STORE_LIFE_COUNT for an unknown name */

struct store_token {
	int64_t id;
	struct token_name name;
	char customer[STORE_NAME_SIZE];
	char email[STORE_EMAIL_SIZE];			   /* on record; may be empty */
	char certificate_serial[2 * STORE_SERIAL_MAX + 1]; /* hexadecimal, upper case; empty where it is not known */
	enum store_token_state state;
	enum store_life life;
	int64_t active;		 /* id of the escrow row that is the SO PIN as far as is known */
	int64_t next;		 /* id of the row that a granted rotation may have set, or that people have entered (store_token_reported()), or 0 */
	unsigned failures;	 /* releases in a row that no grant followed */
	unsigned rotation_tries; /* wrong tries that a granted rotation may have cost since the SO PIN was last right, as far as reports say: 0 or 1 */
	int64_t release;	 /* number of the request that was released last, or 0 */
	int64_t restored;	 /* when a restore gave it candidates that the backup did not know, until an unlock has proved one; or 0 */
	int64_t exposed;	 /* since when a customer's machine may know the key that the token has: released, and no rotation proved since; or 0 */
	int64_t created;
	char agency[STORE_AGENCY_SIZE]; /* whose customer has it, or empty */
};

struct store_escrow {
	int64_t id;
	int64_t token;
	uint64_t version; /* as sealed into the row's additional data; two rows of a token may share one */
	unsigned char sealed[TRANSCRIPT_ESCROW_ROW_LEN];
	int64_t created;
	int64_t retired;	  /* when it stopped being a candidate, or 0 */
	bool shared;		  /* whoever sealed it saw the same value at another token */
	char key[STORE_KEY_SIZE]; /* id of the vault's key that it is sealed to, or empty where nobody has said */
};

/* A token's row and its first sealed SO PIN, which becomes the active one; both or neither. ERR_TOKEN_IMPORTED where that name is there. */
enum err store_token_import(struct store *s, const struct store_token *t, uint64_t version,
    const unsigned char sealed[TRANSCRIPT_ESCROW_ROW_LEN], int64_t *ret_id);
enum err store_token_by_name(struct store *s, const struct token_name *name, struct store_token *ret); /* ERR_ESCROW_MISSING */
enum err store_token_by_id(struct store *s, int64_t id, struct store_token *ret);		       /* ERR_TOKEN_UNKNOWN */
enum err store_token_mark(struct store *s, int64_t id, enum store_token_state state);
enum err store_token_set_life(struct store *s, int64_t id, enum store_life life);

/* Whether one person may say so: an active one is lost or retired, a lost one retired. */
bool store_life_ends(enum store_life from, enum store_life to);

/* The token and all its requests are of that agency's customer from now on (empty: nobody's). ERR_AGENCY_UNKNOWN. Inside a transaction. */
enum err store_token_set_agency(struct store *s, const struct store_token *t, const char *agency);
enum err store_token_count(struct store *s, int64_t *ret_count);

/* The request of that number was given this token's candidates, and a machine may know its key from now on: one more failure until a grant says otherwise. */
enum err store_token_released(struct store *s, int64_t id, int64_t number, int64_t now);

/* The active row is known and another is on its way: every other row is retired, the failures are forgotten; until a report says how it went, it may have cost a try. */
enum err store_token_granted(struct store *s, int64_t id, int64_t active, int64_t next, int64_t now);

/* An unlock with it was completed: verified, the failures are forgotten, and its rotation may have cost so many tries. Its key was given away, and is so until it is rotated. */
enum err store_token_proved(struct store *s, int64_t id, bool rotated, unsigned rotation_tries, int64_t now);

/* That row, which was granted to it, is the active one now, and every other one is retired, whatever people have put in its place meanwhile. */
enum err store_token_rotated(struct store *s, int64_t id, int64_t next, int64_t now);

/* People say that this row is its SO PIN, or one of these two (next may be 0): the only candidates, of which nothing is proved. Every other row is retired, and kept. */
enum err store_token_replaced(struct store *s, int64_t id, int64_t active, int64_t next, int64_t now);

/*
 * A machine that was released another value before people entered theirs says that it is the SO PIN. Neither saw what the other did, and nobody knows which was first:
 * both are candidates, the proved one before the entered one, and every other row is retired. Its rotation may have cost so many tries.
 */
enum err store_token_reported(struct store *s, int64_t id, int64_t proved, int64_t entered, unsigned rotation_tries, int64_t now);

/* Whether its next row was made after its active one, as a grant makes them, and not entered by people. False without a next row. */
enum err store_token_has_successor(struct store *s, const struct store_token *t, bool *ret);

/* People say that a suspect one may be tried again: nothing is proved, and all tries are forgotten. */
enum err store_token_cured(struct store *s, int64_t id);

#define STORE_CANDIDATES_MAX 2

/*
 * The newest of its rows that are kept and no candidates, of those older than its newest candidate, or of all where none is older; where it was a candidate beside another one
 * and both were retired in one moment, both, the older first. Else ret_ids[1] is 0. ERR_TOKEN_LIFE_WRONG.
 */
enum err store_token_before(struct store *s, const struct store_token *t, int64_t ret_ids[STORE_CANDIDATES_MAX]);

/* What a token's SO PIN may be, and whose token it is: enough to make its row again. */

struct store_candidate {
	uint64_t version;
	unsigned char sealed[TRANSCRIPT_ESCROW_ROW_LEN];
	bool shared; /* as a row of struct store_escrow has it */
};

struct store_candidates {
	struct token_name token;
	char customer[STORE_NAME_SIZE];
	char email[STORE_EMAIL_SIZE];
	char certificate_serial[2 * STORE_SERIAL_MAX + 1];
	struct store_candidate rows[STORE_CANDIDATES_MAX]; /* the active one, then the one that may be next */
	size_t count;					   /* 1 or 2 */
};

enum err store_candidates_of(struct store *s, const struct token_name *name, struct store_candidates *ret); /* ERR_ESCROW_MISSING */

/* The token cannot take the next row's SO PIN: no candidate any more, so that another one can be made. */
enum err store_token_next_refused(struct store *s, int64_t id, int64_t now);

enum err store_escrow_insert(struct store *s, const struct store_escrow *row, int64_t *ret_id);
enum err store_escrow_by_id(struct store *s, int64_t id, struct store_escrow *ret); /* ERR_ESCROW_MISSING */
enum err store_escrow_first(struct store *s, int64_t token, int64_t *ret_id);	    /* the row that the token was put on record with */

/* Says of a token's active row what its import knows. */
enum err store_token_describe(struct store *s, int64_t id, bool shared, const char *key);

/*
 * How many tokens have a value that others have, too; and how many of them were released since: somebody's machine was given what opens other
 * people's tokens, and each of them must be rotated. A rotation is what ends it, for the token that is rotated.
 */
enum err store_token_count_shared(struct store *s, int64_t *ret_shared, int64_t *ret_must_rotate);
enum err store_token_must_rotate(struct store *s, const struct store_token *t, bool *ret);

/* A row as the roll of the vault's key goes through them, the retired ones among them. */
struct store_sealed {
	int64_t id;
	struct token_name token;
	uint64_t version;
	unsigned char sealed[TRANSCRIPT_ESCROW_ROW_LEN];
	char key[STORE_KEY_SIZE];
	bool candidate; /* when it was read */
};

/* The rows behind that id that are not known to be sealed to that key, by id, at most max. */
enum err store_escrow_walk(struct store *s, int64_t after, const char *key, struct store_sealed *ret_rows, size_t max, size_t *ret_count);

/*
 * The same value sealed to another key; nothing where the row has changed since it was read. Whether it was done to a candidate, which may have become one since: a
 * value that was kept is taken back, a report comes late.
 */
enum err store_escrow_rewrap(struct store *s, const struct store_sealed *row, const unsigned char sealed[TRANSCRIPT_ESCROW_ROW_LEN], const char *key, bool *ret_candidate);
enum err store_escrow_count_other(struct store *s, const char *key, int64_t *ret_count);

/* By what the one escrow log of this database is known (op/escrow_log.h), empty where nobody has written to one. Set inside the transaction that writes to the log. */
#define STORE_MARK_SIZE 17
enum err store_escrow_mark(struct store *s, char ret_mark[STORE_MARK_SIZE]);
enum err store_escrow_set_mark(struct store *s, const char *mark); /* empty: the next one that is written to is the one */

/* ---- kinds of tokens, and the modules that drive them ---- */

#define STORE_TYPE_SIZE 65 /* of the name of a type, a vendor or a module, with a NUL */
#define STORE_PATH_SIZE 1025

/* What a token is by its manufacturer and model. */
#define STORE_SO_TRIES_MIN   3 /* with fewer, the two tries of one request would take the last one */
#define STORE_SO_TRIES_MAX   255
#define STORE_KEY_LENGTH_MIN 6

struct store_type {
	int64_t id; /* 0 for a token of which no row says anything */
	char name[STORE_TYPE_SIZE];
	char vendor[STORE_TYPE_SIZE]; /* or empty */
	char manufacturer[33];
	char model[17]; /* empty: every model that has no row of its own */
	struct token_policy policy;
	bool rotation;			/* the key is replaced after use; never with a PUK */
	bool second_approver;		/* every request for one is approved by two */
	unsigned key_length;		/* characters of the next SO PIN; 0: as many as the one before has */
	enum characters key_characters; /* of the next SO PIN; any: what the one before is made of */
	unsigned so_tries;		/* wrong SO PINs in a row that lock it for ever, STORE_SO_TRIES_MIN to _MAX; 0: nobody knows */
	int64_t created;
};

bool store_so_tries_ok(int64_t n);

/* How long a next SO PIN may be: 0 (as long as the one before), or no shorter than anybody could guess at (STORE_KEY_LENGTH_MIN). */
bool store_key_length_ok(int64_t n);

/* Whether a token of that manufacturer and model (empty: of any) is on record. */
enum err store_type_in_use(struct store *s, const struct store_type *t, bool *ret);

/* Adds a type, or changes what stands for that manufacturer and model. ERR_VENDOR_UNKNOWN for a vendor that is not there. */
enum err store_type_put(struct store *s, const struct store_type *t);

/*
 * The row of its manufacturer and model, else that of its manufacturer and every model; where there is none, what a token is taken for of which
 * nothing is known: unlocked by its SO PIN, which is rotated, with any PIN that it takes itself, and with flags that may be silent.
 */
enum err store_type_of(struct store *s, const struct token_name *token, struct store_type *ret);
enum err store_type_by_id(struct store *s, int64_t id, struct store_type *ret); /* ERR_TOKEN_UNKNOWN */
enum err store_type_list(struct store *s, void (*each)(const struct store_type *t, void *context), void *context);

/* A PKCS#11 module of a vendor on a system. */
struct store_module {
	char vendor[STORE_TYPE_SIZE];
	char system[16]; /* "linux", "windows", "macos" */
	char name[STORE_TYPE_SIZE];
	char path[STORE_PATH_SIZE];
	char parameters[STORE_PATH_SIZE]; /* of C_Initialize; may be empty */
};

/* A system that we know, and a path that is absolute on it: with a drive, or from its one root. */
bool store_module_path_ok(const char *system, const char *path);
bool store_module_system_ok(const char *system);

/* Adds a vendor where it is new, and its module, or changes name and parameters of the one at that path. */
enum err store_module_put(struct store *s, const struct store_module *m, int64_t now);
enum err store_module_list(struct store *s, void (*each)(const struct store_module *m, void *context), void *context);

/* ---- requests ---- */

struct store_request {
	int64_t number; /* what people say aloud */
	unsigned char id[TRANSCRIPT_ID_LEN];
	unsigned char create_hash[KEY_HASH_LEN]; /* R: the same call finds its row again */
	struct token_name token;
	char certificate_serial[2 * STORE_SERIAL_MAX + 1]; /* upper-case hexadecimal of the content bytes; empty without a certificate */
	char customer[STORE_NAME_SIZE];			   /* of the token on record, else of the certificate, else empty */
	char email[STORE_EMAIL_SIZE];			   /* where the code goes once approved; before that what is on record */
	char reason[16];				   /* "locked", "forgotten" */
	char language[3];				   /* "vi", "en" */
	unsigned char host_kem_pk[KEY_KEM_PK_LEN];
	unsigned char host_sig_pk[KEY_SIG_PK_LEN];
	char address[46]; /* the caller's network (network.h), by which nginx saw him; may be empty */
	enum state state;
	bool identified; /* token on record, and a certificate of this authority that is the token's by its number or, where the record has none, by the mail address */
	int64_t created;
	int64_t changed; /* when it came into its state */
	int64_t decided; /* approved or refused, or 0 */
	int64_t decider; /* person, or 0 */
	int64_t expires;
	uint64_t counter;		/* the highest that the host has signed */
	unsigned attempts;		/* codes tried and not found right */
	int64_t trying;			/* when the attempt that is under way began, or 0 */
	char note[STORE_NOTE_SIZE];	/* for the customer: why it was refused */
	char agency[STORE_AGENCY_SIZE]; /* of the token on record, or empty */
	int64_t erased;			/* since when its personal data are gone (erase.h), or 0 */
};

enum err store_request_insert(struct store *s, const struct store_request *r, const void *certificate, size_t certificate_len, int64_t *ret_number);
enum err store_request_by_id(struct store *s, const unsigned char id[TRANSCRIPT_ID_LEN], struct store_request *ret);	   /* ERR_REQUEST_UNKNOWN */
enum err store_request_by_number(struct store *s, int64_t number, struct store_request *ret);				   /* ERR_REQUEST_UNKNOWN */
enum err store_request_by_hash(struct store *s, const unsigned char create_hash[KEY_HASH_LEN], struct store_request *ret); /* ERR_REQUEST_UNKNOWN */

/* The DER that came with it; 0 bytes where none did. */
enum err store_request_certificate(struct store *s, int64_t number, unsigned char ret[STORE_CERTIFICATE_MAX], size_t *ret_len);

/*
 * What the desk looks for; 0 and NULL where nothing was said. customer: every word of it begins a word of the customer's name; the others: their words stand in the
 * row's text one behind the other, the last one perhaps cut; all without regard to case and to the marks of Vietnamese. A text without a word meets nothing.
 */
struct store_filter {
	enum state state; /* STORE_ANY: all but the unidentified */
	int64_t before;	  /* numbers below it */
	int64_t from;	  /* asked at that time or later */
	int64_t to;	  /* asked before that time */
	const char *customer;
	const char *email;
	const char *token_serial;
	const char *certificate_serial;
};

/* Newest first. Calls each() for every row. */
#define STORE_ANY STATE_COUNT
enum err store_request_list(struct store *s, const struct store_filter *filter, unsigned limit,
    void (*each)(const struct store_request *r, void *context), void *context);

/* What waits for a decision, and what changes whenever a request comes in or moves. Each is one look into an index. */
struct store_waiting {
	int64_t pending; /* of identified ones; the others are counted by store_request_count_unidentified() */
	int64_t oldest;	 /* when the pending one that waits longest was asked for, or 0 */
	int64_t last;	 /* number of the newest pending one, or 0 */
	int64_t newest;	 /* number of the newest request, or 0 */
	int64_t changed; /* when a request came into its state last, or 0 */
};

enum err store_request_waiting(struct store *s, struct store_waiting *ret);

/* The numbers of the open requests of a token (pending, unidentified, approved), oldest first, at most max. */
enum err store_request_open_of(struct store *s, const struct token_name *token, int64_t *ret_numbers, size_t max, size_t *ret_count);

/* How many of that token wait or are approved and identified; how many wait unidentified from that address (NULL: in all). */
enum err store_request_count_identified(struct store *s, const struct token_name *token, int64_t *ret_count);
enum err store_request_count_unidentified(struct store *s, const char *address, int64_t *ret_count);

/* Moves a request on; ERR_STATE_WRONG where it is not (any longer) in `from`. */
enum err store_request_transition(struct store *s, int64_t number, enum state from, enum state to, int64_t now);

/* Takes a counter that is higher than every one before; ERR_SIGNATURE_REFUSED for another. */
enum err store_request_count_up(struct store *s, int64_t number, uint64_t counter);

/*
 * Counts an attempt at a code and takes the request for it: ERR_BUSY while another one is under way that began less than
 * `lasts` seconds ago (or ahead: clocks are put back). The end of the one
 * that began then takes back its own count where the code was right, and nothing of another that has begun in between.
 */
enum err store_request_begin_try(struct store *s, int64_t number, int64_t now, int64_t lasts);
enum err store_request_end_try(struct store *s, int64_t number, int64_t began, bool right);

enum err store_request_set_expires(struct store *s, int64_t number, int64_t expires);
enum err store_request_set_email(struct store *s, int64_t number, const char *email);
enum err store_request_set_note(struct store *s, int64_t number, const char *note);
enum err store_request_set_decided(struct store *s, int64_t number, int64_t decider, int64_t decided);

/* For the sweep: open requests whose time is over; released ones, and unknown ones, that came into their state before a time. Oldest first, at most max. */
enum err store_request_expired(struct store *s, int64_t now, int64_t *ret_numbers, size_t max, size_t *ret_count);
enum err store_request_lost(struct store *s, int64_t before, int64_t *ret_numbers, size_t max, size_t *ret_count);
enum err store_request_unknown(struct store *s, int64_t before, int64_t *ret_numbers, size_t max, size_t *ret_count);

/* ---- what was decided and given for a request: at most one row each ---- */

struct store_approval {
	int64_t number;
	unsigned char id[TRANSCRIPT_ID_LEN];
	char how[16]; /* "call_back", "form", "in_person", "agency" */
	char reference[129];
	char email[STORE_EMAIL_SIZE]; /* the changed address, or empty */
	char email_reason[STORE_NOTE_SIZE];
	int64_t first;	/* person */
	int64_t second; /* person, or 0: nobody yet, where two are needed, or nobody was */
	int64_t created;
};

enum err store_approval_put(struct store *s, const struct store_approval *a);		 /* in place of an older one */
enum err store_approval_of(struct store *s, int64_t number, struct store_approval *ret); /* ERR_REQUEST_NOT_APPROVED */

struct store_answer {
	unsigned char enc[KEY_KEM_PK_LEN];
	unsigned char ciphertext[STORE_ANSWER_MAX];
	size_t ciphertext_len;
};

struct store_release {
	int64_t number;
	unsigned char h[KEY_HASH_LEN];
	unsigned char nonce[TRANSCRIPT_ID_LEN];
	int64_t candidates[2]; /* escrow rows in the order in which they were sealed; the second may be 0 */
	enum family family;    /* what they are, and whether a grant may follow: as it was when they were released */
	bool rotation;
	struct store_answer answer;
	int64_t created;
};

struct store_grant {
	int64_t number;
	unsigned active; /* index of the candidate */
	int64_t next;	 /* escrow row */
	struct store_answer answer;
	int64_t created;
};

struct store_done {
	int64_t number;
	char result[16];
	char stage[32];
	uint64_t cryptoki;
	char error[32]; /* wire name */
	bool rotated;
	char proof[16]; /* "verified", "unidentified": by the key of a certificate that is not known as the token's, "none" */
	int64_t created;
};

enum err store_release_insert(struct store *s, const struct store_release *r);
enum err store_release_of(struct store *s, int64_t number, struct store_release *ret); /* ERR_STATE_WRONG */
enum err store_grant_insert(struct store *s, const struct store_grant *g);
enum err store_grant_of(struct store *s, int64_t number, struct store_grant *ret); /* ERR_STATE_WRONG */
enum err store_done_insert(struct store *s, const struct store_done *d);
enum err store_done_of(struct store *s, int64_t number, struct store_done *ret); /* ERR_STATE_WRONG */

/* What was reported by the last request of a token that was granted this escrow row as the next one. ERR_STATE_WRONG: nothing, or there is none. */
enum err store_done_of_next(struct store *s, const struct token_name *token, int64_t next, struct store_done *ret);

/* ---- codes: only their public halves ---- */

struct store_code {
	int64_t id;
	int64_t number;
	unsigned char public_key[KEY_SIG_PK_LEN];
	int64_t created;
	int64_t expires;
};

/* Adds a code and lets only the newest three of its request live. */
enum err store_code_insert(struct store *s, const struct store_code *c, int64_t *ret_id);
enum err store_code_delete(struct store *s, int64_t id);
enum err store_code_delete_of(struct store *s, int64_t number);

/* Newest first, expired ones too. */
enum err store_code_list(struct store *s, int64_t number, struct store_code ret[STORE_CODES_MAX], size_t *ret_count);

/* ---- the outbox: mails that must go out, written in the transaction that is their reason ---- */

enum store_mail {
	STORE_MAIL_CODE, /* approved: the mail worker makes the code */
	STORE_MAIL_REFUSED,
	STORE_MAIL_EXPIRED,
	STORE_MAIL_UNLOCKED,
	STORE_MAIL_UNKNOWN,	    /* released and never reported */
	STORE_MAIL_ADDRESS_CHANGED, /* to the old address */
	STORE_MAIL_REVOKED,	    /* an approval was taken back */
	STORE_MAIL_ALARM,	    /* to the operator: many were released; the request is the newest of them */
	STORE_MAIL_WAITING,	    /* to the approvers: requests wait; the request is the newest of them */
	STORE_MAIL_COUNT
};

const char *store_mail_name(enum store_mail kind);

enum store_outbox_state {
	STORE_OUTBOX_QUEUED,
	STORE_OUTBOX_SENDING, /* claimed; claimable again when `due` has passed, because its sender may have died */
	STORE_OUTBOX_SENT,
	STORE_OUTBOX_FAILED, /* for good */
	STORE_OUTBOX_STATE_COUNT
};

struct store_outbox {
	int64_t id;
	int64_t number; /* of the request */
	enum store_mail kind;
	char to[STORE_EMAIL_SIZE];
	enum store_outbox_state state;
	unsigned tries; /* begun */
	int64_t due;
	int64_t created;
	char error[32]; /* wire name of the last failure, or empty */
};

/* id, tries and error of the row are not looked at. */
enum err store_outbox_insert(struct store *s, const struct store_outbox *row, int64_t *ret_id);

/* Claims the row that is longest due until `lease`; *ret_found says whether there was one. Its own transaction. */
enum err store_outbox_claim(struct store *s, int64_t now, int64_t lease, struct store_outbox *ret, bool *ret_found);

/* Ends a claim: SENT, FAILED, or QUEUED again with a later due. */
enum err store_outbox_finish(struct store *s, int64_t id, enum store_outbox_state state, int64_t due, const char *error);

/* How many mails of that kind were written for a request since a time, and when the newest was (0: none). */
enum err store_outbox_count(struct store *s, int64_t number, enum store_mail kind, int64_t since, int64_t *ret_count, int64_t *ret_newest);

/* The newest mail to the approvers: which request it was about, and when it was written; 0 and 0 where there is none. */
enum err store_outbox_last_waiting(struct store *s, int64_t *ret_number, int64_t *ret_created);
enum err store_outbox_by_id(struct store *s, int64_t id, struct store_outbox *ret); /* ERR_REQUEST_UNKNOWN */

/*
 * Mails that were given up, newest first, and how many there are; not those that had nothing to say any more when it was their turn (`state_wrong`). Of an agency's people those about their own
 * requests, and none to operator or approvers. `to` is empty once it was erased.
 */
enum err store_outbox_failed(struct store *s, unsigned limit, void (*each)(const struct store_outbox *row, void *context), void *context);
enum err store_outbox_failed_count(struct store *s, int64_t *ret_count);

/* One of these is due again, as if it had never been tried. ERR_MAIL_UNKNOWN where it is none of them, or has no address any more. */
enum err store_outbox_retry(struct store *s, int64_t id, int64_t now);

/* ---- what an operator watches ---- */

struct store_gauges {
	int64_t open[STATE_COUNT]; /* requests by state, of those states in which something still happens; -1 for the others, which nobody counts in a large table */
	int64_t queued;		   /* mails */
	int64_t oldest;		   /* when the one that waits longest was written, or 0 */
	int64_t released;	   /* SO PINs released or exported within the hour before now */
};

enum err store_gauges(struct store *s, int64_t now, struct store_gauges *ret);

/* Bytes that SQLite holds in this process: above all up to 2,000 KiB of its file for each connection. Of PostgreSQL it says nothing. Any thread may call. */
int64_t store_memory(void);

/* ---- backup and restore (../backup) ---- */

/*
 * Writes the store as it is at one moment into a file, which is there, empty and nobody else's; others go on reading and writing. Whole and on the
 * disk when this returns ERR_OK. ERR_FILE_FAILED, logged, also where *stop (NULL: nobody will) has become true;
 * ERR_DATABASE_SERVER where the database is no file.
 */
enum err store_backup(struct store *s, const char *path, const atomic_bool *stop);

/* Opens such a file, which nobody else uses, and brings it to this program's version. ERR_BACKUP_INVALID, ERR_BACKUP_NEWER; logged. */
enum err store_open_backup(const char *path, struct store **ret_store);

/* ERR_DATA_IN_USE where another server or command has a database of PostgreSQL open. */
enum err store_check_alone(struct store *s);

struct store_hold;

/*
 * Keeps everybody else from a database as long as it is held, and puts all that was committed into its one file. ERR_DATA_IN_USE where
 * somebody has it open; held without effect where there is none, or none that can be read.
 */
enum err store_hold(const char *path, struct store_hold **ret_hold);
void store_let_go(struct store_hold *h);

/*
 * Puts the database at `fresh` to where that one is held, whose file is `kept` from then on. Whoever is killed here leaves the old one at its place or the new
 * one. ERR_FILE_EXISTS for kept, ERR_FILE_FAILED, logged.
 */
enum err store_replace(const struct store_hold *h, const char *path, const char *fresh, const char *kept);

/* The folder of that file is on the disk. */
bool store_sync_folder(const char *path);

enum store_restored {
	STORE_RESTORED_AS_IT_WAS, /* the database knows all that the token's last line says */
	STORE_RESTORED_NEWER,	  /* the line's candidates are the token's: unverified, and marked with the time */
	STORE_RESTORED_MADE,	  /* and so is the token's row */
	STORE_RESTORED_COUNT
};

/* The lines of the escrow log that were seen, by where they begin: the last one of each token counts. Only this connection sees them. */
enum err store_log_begin(struct store *s); /* outside a transaction */
enum err store_log_note(struct store *s, const struct token_name *token, int64_t at);
enum err store_log_count(struct store *s, int64_t *ret_tokens, int64_t *ret_unknown); /* unknown: not on record here */

/* The next one that is the last of a token which was judged so; of one that is not judged yet STORE_RESTORED_AS_IT_WAS. */
enum err store_log_next(struct store *s, enum store_restored restored, int64_t after, int64_t *ret_at, bool *ret_found);

/*
 * The last line of a token, which begins there; a token that is not on record is made of it. proved: a server has signed it; what is made of another line has no address, no certificate and
 * no agency. Inside a transaction, as all that follows.
 */
enum err store_restore_judge(struct store *s, int64_t at, const struct store_candidates *c, bool proved, int64_t now, enum store_restored *ret_restored);

/* The id of a token that was judged to be newer in the log, or was made; 0 of any other. */
enum err store_restore_behind(struct store *s, const struct token_name *name, int64_t *ret_id);

/* Any line of such a token: its rows that the database does not have are kept, as if replaced at that time, so that two people can reinstate them. */
enum err store_restore_keep(struct store *s, int64_t token, const struct store_candidates *c, int64_t time);

/* The last line of a token that is newer in the log: its rows become the candidates. */
enum err store_restore_take(struct store *s, const struct store_candidates *c, int64_t now);

/* One release in vain counts as made of each token, but for those whose type says that they take so few tries of the SO PIN, or fewer. */
enum err store_restore_failures(struct store *s, int64_t few_tries);

struct store_restored_requests {
	int64_t pending; /* were approved */
	int64_t unknown; /* were released, and their tokens went on */
};

/*
 * Behind the tokens: what was approved waits for approval again, for valid_s seconds; a release whose token went on is not given again; queued mails are not
 * sent; numbers go on above the highest. Inside a transaction.
 */
enum err store_restore_requests(struct store *s, int64_t now, int64_t valid_s, int64_t highest, struct store_restored_requests *ret);

/* ---- audit: rows that are only ever added, each hashed over the one before (chain.h) ---- */

struct store_audit {
	int64_t id; /* its place in the chain, from 1 without a gap */
	int64_t created;
	int64_t person;			/* at the desk, or 0 */
	char who[STORE_PERSON_SIZE];	/* read: his name; of person 0, and when it is added: "host", "tms", "desk" */
	char what[32];			/* one word of the protocol: "approve", "release", ... */
	int64_t number;			/* of the request, or 0 */
	int64_t token;			/* id, where it is about one in the inventory, or 0 */
	char detail[STORE_DETAIL_SIZE]; /* key=value of ids and words of ours, for ever: no secret, nothing of a person */
	char note[STORE_DETAIL_SIZE];	/* key=value of what people have typed, of names and addresses: erased in its time, and empty then */
};

/* Appends to the chain; inside the transaction that does what the row says, or in one of its own. id is not looked at. */
enum err store_audit_add(struct store *s, const struct store_audit *row);

/*
 * Here and below, since a time and until now: a row of a time to come says that the clock was put back, and nothing of how long ago it was, so that it counts as none.
 * Whether a row that says the same as this one, whose time is now, was written since a time: what is looked at again and again is one row.
 */
enum err store_audit_seen(struct store *s, const struct store_audit *row, int64_t since, bool *ret_seen);

/* How many rows of that word there are for a request. */
enum err store_audit_count(struct store *s, int64_t number, const char *what, int64_t *ret_count);

/* How many SO PINs were released or exported since a time, and the newest request among them (else the newest of all; 0: none); whether there was an alarm. */
enum err store_audit_opened(struct store *s, int64_t since, int64_t now, int64_t *ret_count, int64_t *ret_number);
enum err store_audit_newest(struct store *s, int64_t *ret_when); /* when the newest row was written, or 0 */
enum err store_audit_alarmed(struct store *s, int64_t since, int64_t now, bool *ret_alarmed);

/* What was done and decided, and not who has looked at it. Of a token: oldest first, at most the newest max. */
enum err store_audit_list_token(struct store *s, int64_t token, unsigned max, void (*each)(const struct store_audit *row, void *context), void *context);

/* Oldest first; number 0: those of no request. */
enum err store_audit_list(struct store *s, int64_t number, void (*each)(const struct store_audit *row, void *context), void *context);

#endif
