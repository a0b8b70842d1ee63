/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal: what this user's machine must remember of a request, one file each, written before anything that depends on it: the keys
 * without which nobody can finish it, the counter that never goes back, what the server last said, and how the unlock ended, until the
 * server has been told. STATE/PROFILE/requests/ID.json; no code, PIN or SO PIN is ever in it.
 *
 * An open journal is locked: one process at a time works on a request. A damaged file is set aside (ID.json.damaged), where a person finds
 * it for 90 days, and costs that request alone; one of a newer Mokhoa is left where it is, for that one. journal_open() gives, journal_close() takes, wipes and unlocks. One thread.
 */
#ifndef MOKHOA_JOURNAL_H
#define MOKHOA_JOURNAL_H

#include "buf.h"
#include "err.h"
#include "key.h"
#include "op.h"
#include "os.h"
#include "token_name.h"
#include "transcript.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JOURNAL_CERTIFICATE_MAX 8192
#define JOURNAL_PROOF_MAX	1024
#define JOURNAL_FILE_MAX	32768
#define JOURNAL_PHRASE_MAX	16
#define JOURNAL_ENDED_SECONDS	(7 * 24 * 60 * 60) /* what has ended is still shown so long */
#define JOURNAL_ATTEMPTS_MAX	2		   /* SO PIN attempts of one request that may have cost a try */

/* How an unlock ended, once that is certain: what the server is told, now or when it can next be reached. */
struct journal_outcome {
	bool known;
	bool completed;	  /* else failed */
	enum stage stage; /* how far it came */
	uint64_t cryptoki;
	enum err error; /* ERR_OK, or why it failed or was not rotated */
	bool rotated;
	bool reported;	  /* the server has answered to it */
	bool proof_built; /* this build can sign: without a proof the token has no key for the certificate */
	char proof_mechanism[24];
	unsigned char proof[JOURNAL_PROOF_MAX];
	size_t proof_len;
};

struct journal_entry {
	/* what was asked; never changes */
	char profile[33];
	unsigned char idempotency_key[TRANSCRIPT_ID_LEN];
	int64_t created; /* by this machine's clock */
	struct token_name token;
	unsigned char certificate[JOURNAL_CERTIFICATE_MAX]; /* DER */
	size_t certificate_len;				    /* 0 without one */
	char reason[10];				    /* "locked", "forgotten" */
	char language[3];				    /* "vi", "en" */

	/* ours alone; blanked when nothing can come of the request any more */
	bool has_keys;
	unsigned char host_kem[KEY_KEM_SK_LEN];
	unsigned char host_sig[KEY_SIG_SEED_LEN];

	/* what the server last said */
	bool named; /* it has given the request an id */
	unsigned char id[TRANSCRIPT_ID_LEN];
	enum state state;
	int64_t ended;	  /* when this machine learned that it is over and all was said, by its clock; 0 before */
	int64_t unknown;  /* when, by this machine's clock, it was first said (unsigned) that there is no such request; 0 since the server last spoke of it */
	uint64_t counter; /* the last one that was used */
	uint64_t expires;
	uint64_t code_expires;
	uint64_t retry_after;
	char phrase[JOURNAL_PHRASE_MAX + 1];
	char email[255];
	char hotline[65];
	char note[513];
	bool approved;
	unsigned char approval[TRANSCRIPT_ID_LEN];

	/* how far the unlock has come */
	enum stage stage; /* STAGE_COUNT before it began */
	unsigned refused; /* bit i: the token refused candidate i, which is never tried again */
	unsigned unclear; /* attempts whose answer never came: each may have cost a try */
	struct journal_outcome outcome;
};

struct journal;

/*
 * Writes a request that has no id yet, or, where one of the same question lies there from the last hour that nobody works on (its answer
 * was lost), opens that one, so that asking again is the same call. entry is borrowed and copied.
 */
enum err journal_begin(const struct journal_entry *entry, struct journal **ret);

/* The server has named it: the entry moves to its own file. */
enum err journal_name(struct journal *j, const unsigned char id[TRANSCRIPT_ID_LEN]);

/*
 * Waits at most wait_ms for whoever works on it: ERR_BUSY. ERR_REQUEST_ELSEWHERE where this user has no such request in this profile,
 * ERR_JOURNAL_FAILED where it is damaged or cannot be read, ERR_JOURNAL_NEWER where a newer Mokhoa has written it (logged).
 */
enum err journal_open(const char *profile, const unsigned char id[TRANSCRIPT_ID_LEN], unsigned wait_ms, struct journal **ret);
void journal_close(struct journal *j);

/* The entry is the journal's; changes are kept by journal_save() and by nothing else. */
struct journal_entry *journal_entry(struct journal *j);

/*
 * Returns when it is on the disk. Where the state is final and nothing waits to be reported, keys, certificate and approval are blanked: what stays is
 * how it ended, for JOURNAL_ENDED_SECONDS.
 */
enum err journal_save(struct journal *j);

/* Beside its file, where the step of the first attempt leaves what the token said (step.h). It goes with the entry's keys. ERR_JOURNAL_FAILED. */
enum err journal_attempt_path(const struct journal *j, char ret[OS_PATH_MAX]);

/* The next counter, already on the disk. */
enum err journal_next_counter(struct journal *j, uint64_t *ret);

/* A look without the lock, for showing: the file is replaced as a whole, so it is never half a state. The caller wipes it. */
enum err journal_look(const char *profile, const unsigned char id[TRANSCRIPT_ID_LEN], struct journal_entry *ret);

struct journal_list {
	unsigned char (*ids)[TRANSCRIPT_ID_LEN];
	size_t count;
};

/*
 * The ids of this user's requests in this profile; throws away what ended JOURNAL_ENDED_SECONDS ago, what was set aside as damaged 90 days ago, and what
 * has waited more than an hour for its id, so that no keys stay behind for nothing. The caller frees.
 */
enum err journal_list(const char *profile, struct journal_list *ret);
void journal_list_free(struct journal_list *list);

/* One entry as the text of its file and back; reading is strict: ERR_JOURNAL_FAILED for anything but what we write. */
enum err journal_print(const struct journal_entry *entry, struct buf *b);
enum err journal_parse(const void *bytes, size_t len, struct journal_entry *ret);

/* Whether the text is whole and of a format after ours: nothing is wrong with it. */
bool journal_is_newer(const void *bytes, size_t len);

#endif
