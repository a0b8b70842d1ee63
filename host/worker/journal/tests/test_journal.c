/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* mkdtemp, setenv */
#include "journal.h"

#include "check.h"
#include "json.h"
#include "os.h"
#include "sample.h"
#include "seen.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PROFILE "ca-mot"

static char home[] = "/tmp/mokhoa-journal-XXXXXX";

static const unsigned char id[TRANSCRIPT_ID_LEN] = { 0xab, 0xcd, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14 };
static const unsigned char other_id[TRANSCRIPT_ID_LEN] = { 0xef, 0xcd, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14 };
#define ID_FILE	   "abcd0102030405060708090a0b0c0d0e.json"
#define LOCK_FILE  "abcd0102030405060708090a0b0c0d0e.lock"
#define OTHER_FILE "efcd0102030405060708090a0b0c0d0e.json"
#define DRAFT_FILE "draft-11111111111111111111111111111111.json"

static const char *
path(const char *name)
{
	static char ret[2][OS_PATH_MAX];
	static unsigned turn;

	turn ^= 1u;
	snprintf(ret[turn], OS_PATH_MAX, "%s/mokhoa/" PROFILE "/requests/%s", home, name);
	return ret[turn];
}

static bool
exists(const char *name)
{
	return access(path(name), F_OK) == 0;
}

static void
remove_all(const char *name, void *context)
{
	(void)context;
	CHECK(os_remove(path(name)) == ERR_OK);
}

static void
start_empty(void)
{
	CHECK(os_list(path(""), remove_all, NULL) == ERR_OK);
}

/* A request that the server has named, closed again. */
static void
make(const unsigned char name[TRANSCRIPT_ID_LEN])
{
	struct journal_entry e = sample_entry(os_time());
	struct journal *j = NULL;

	os_random(e.idempotency_key, sizeof(e.idempotency_key));
	CHECK(journal_begin(&e, &j) == ERR_OK);
	CHECK(journal_name(j, name) == ERR_OK);
	journal_close(j);
}

static void
write_file(const char *name, const char *text)
{
	CHECK(os_write_private(path(name), text, strlen(text)) == ERR_OK);
}

/* ---- the life of a request ---- */

static void
a_request_gets_its_name(void)
{
	struct journal_entry e = sample_entry(os_time());
	struct journal *j = NULL;
	struct stat s;

	start_empty();
	CHECK(journal_begin(&e, &j) == ERR_OK);
	CHECK(exists(DRAFT_FILE));
	CHECK(journal_name(j, id) == ERR_OK);
	CHECK(!exists(DRAFT_FILE) && exists(ID_FILE));
	CHECK(stat(path(ID_FILE), &s) == 0 && (s.st_mode & 0777) == 0600);
	CHECK(stat(path(""), &s) == 0 && (s.st_mode & 0777) == 0700);
	journal_close(j);
	CHECK(journal_open(PROFILE, id, 0, &j) == ERR_OK);
	CHECK(memcmp(journal_entry(j)->host_sig, e.host_sig, sizeof(e.host_sig)) == 0);
	journal_close(j);
}

static void
a_lost_create_is_made_again(void)
{
	struct journal_entry e = sample_entry(os_time()), again, other;
	struct journal *j = NULL, *k = NULL;

	start_empty();
	CHECK(journal_begin(&e, &j) == ERR_OK);
	/* while somebody works on it, the same question is another request */
	again = e;
	os_random(again.idempotency_key, sizeof(again.idempotency_key));
	CHECK(journal_begin(&again, &k) == ERR_OK);
	CHECK(memcmp(journal_entry(k)->idempotency_key, again.idempotency_key, sizeof(again.idempotency_key)) == 0);
	CHECK(journal_name(k, other_id) == ERR_OK);
	journal_close(k);
	journal_close(j);

	CHECK(journal_begin(&again, &j) == ERR_OK);
	CHECK(memcmp(journal_entry(j)->idempotency_key, e.idempotency_key, sizeof(e.idempotency_key)) == 0);
	CHECK(memcmp(journal_entry(j)->host_kem, e.host_kem, sizeof(e.host_kem)) == 0);
	journal_close(j);

	other = again;
	strcpy(other.reason, "forgotten");
	CHECK(journal_begin(&other, &j) == ERR_OK);
	CHECK(memcmp(journal_entry(j)->idempotency_key, other.idempotency_key, sizeof(other.idempotency_key)) == 0);
	journal_close(j);
}

static void
an_old_draft_is_thrown_away(void)
{
	struct journal_entry e = sample_entry(os_time() - 2 * 60 * 60), again = sample_entry(os_time());
	struct journal *j = NULL;

	start_empty();
	CHECK(journal_begin(&e, &j) == ERR_OK);
	journal_close(j);
	os_random(again.idempotency_key, sizeof(again.idempotency_key));
	CHECK(journal_begin(&again, &j) == ERR_OK);
	CHECK(memcmp(journal_entry(j)->idempotency_key, again.idempotency_key, sizeof(again.idempotency_key)) == 0);
	CHECK(!exists(DRAFT_FILE));
	journal_close(j);
}

/* Its keys must not lie there until somebody happens to ask again. */
static void
an_old_draft_goes_with_the_list(void)
{
	struct journal_entry e = sample_entry(os_time());
	struct journal_list list = { .ids = NULL };
	struct journal *j = NULL;

	start_empty();
	CHECK(journal_begin(&e, &j) == ERR_OK);
	journal_close(j);
	CHECK(journal_list(PROFILE, &list) == ERR_OK && list.count == 0 && exists(DRAFT_FILE));
	journal_list_free(&list);
	CHECK(journal_begin(&e, &j) == ERR_OK);
	journal_entry(j)->created -= 2 * 60 * 60;
	CHECK(journal_save(j) == ERR_OK);
	/* somebody works on it */
	CHECK(journal_list(PROFILE, &list) == ERR_OK && exists(DRAFT_FILE));
	journal_list_free(&list);
	journal_close(j);
	CHECK(journal_list(PROFILE, &list) == ERR_OK && list.count == 0 && !exists(DRAFT_FILE));
	journal_list_free(&list);
}

/* The process died between writing ID.json and removing the draft, and the request went on since. */
static void
the_counter_survives_a_second_naming(void)
{
	struct journal_entry e = sample_entry(os_time());
	struct journal *j = NULL;
	uint64_t counter = 0;

	start_empty();
	CHECK(journal_begin(&e, &j) == ERR_OK);
	CHECK(journal_name(j, id) == ERR_OK);
	CHECK(journal_next_counter(j, &counter) == ERR_OK && counter == 1);
	CHECK(journal_next_counter(j, &counter) == ERR_OK && counter == 2);
	journal_close(j);
	CHECK(journal_begin(&e, &j) == ERR_OK);
	CHECK(journal_entry(j)->counter == 0);
	CHECK(journal_name(j, id) == ERR_OK);
	CHECK(journal_next_counter(j, &counter) == ERR_OK && counter == 3);
	journal_close(j);
	CHECK(!exists(DRAFT_FILE));
}

static void
a_counter_is_on_the_disk_before_it_is_used(void)
{
	struct journal_entry look = { .stage = STAGE_COUNT };
	struct journal *j = NULL;
	uint64_t counter = 0;

	start_empty();
	make(id);
	CHECK(journal_open(PROFILE, id, 0, &j) == ERR_OK);
	CHECK(journal_next_counter(j, &counter) == ERR_OK);
	CHECK(journal_look(PROFILE, id, &look) == ERR_OK && look.counter == counter);
	journal_entry(j)->counter = INT64_MAX;
	CHECK(journal_next_counter(j, &counter) == ERR_JOURNAL_FAILED);
	journal_close(j);
}

static void
one_works_on_a_request_at_a_time(void)
{
	struct journal_entry look = { .stage = STAGE_COUNT };
	struct journal *j = NULL, *k = NULL;

	start_empty();
	make(id);
	make(other_id);
	CHECK(journal_open(PROFILE, id, 0, &j) == ERR_OK);
	CHECK(journal_open(PROFILE, id, 0, &k) == ERR_BUSY);
	CHECK(journal_open(PROFILE, id, 120, &k) == ERR_BUSY);
	CHECK(journal_look(PROFILE, id, &look) == ERR_OK);
	CHECK(journal_open(PROFILE, other_id, 0, &k) == ERR_OK);
	journal_close(k);
	journal_close(j);
	CHECK(journal_open(PROFILE, id, 0, &j) == ERR_OK);
	journal_close(j);
}

/* The names of sockets are shown to every user of the machine, and any of them may bind one first. */
static bool
is_told_to_all(const char *text)
{
	FILE *f = fopen("/proc/net/unix", "r");
	char line[512];
	bool told = false;

	if (!CHECK(f != NULL))
		return true;
	while (fgets(line, sizeof(line), f) != NULL)
		told = told || strstr(line, text) != NULL;
	fclose(f);
	return told;
}

static void
who_works_on_it_is_nobody_elses_business(void)
{
	struct journal *j = NULL;
	struct stat s;

	start_empty();
	make(id);
	CHECK(journal_open(PROFILE, id, 0, &j) == ERR_OK);
	CHECK(!is_told_to_all("abcd0102030405060708090a0b0c0d0e"));
	CHECK(stat(path(LOCK_FILE), &s) == 0 && (s.st_mode & 0777) == 0600);
	journal_close(j);
	CHECK(!exists(LOCK_FILE));
}

static void
a_request_of_others_is_elsewhere(void)
{
	struct journal *j = NULL;

	start_empty();
	make(id);
	CHECK(journal_open(PROFILE, other_id, 0, &j) == ERR_REQUEST_ELSEWHERE);
	CHECK(journal_open("ca-hai", id, 0, &j) == ERR_REQUEST_ELSEWHERE);
	seen(err_name(ERR_REQUEST_ELSEWHERE), "test_journal");
}

/* ---- damage ---- */

static void
a_damaged_file_costs_its_request_alone(void)
{
	struct journal *j = NULL;

	start_empty();
	make(id);
	make(other_id);
	write_file(ID_FILE, "{\"format\":1,");
	CHECK(journal_open(PROFILE, id, 0, &j) == ERR_JOURNAL_FAILED);
	CHECK(!exists(ID_FILE) && exists(ID_FILE ".damaged"));
	/* and it stays damaged, not unknown */
	CHECK(journal_open(PROFILE, id, 0, &j) == ERR_JOURNAL_FAILED);
	CHECK(journal_open(PROFILE, other_id, 0, &j) == ERR_OK);
	journal_close(j);
	seen(err_name(ERR_JOURNAL_FAILED), "test_journal");
}

/* Whatever a newer version writes, its request is there when that version is. */
static void
a_newer_file_is_left_alone(void)
{
	static const char newer[] = "{\"format\":2,\"asked\":\"what we do not know\"}";
	struct journal_entry e = sample_entry(os_time());
	struct journal *j = NULL;
	struct buf bytes = buf_new(JOURNAL_FILE_MAX);

	start_empty();
	make(other_id);
	write_file(ID_FILE, newer);
	write_file(DRAFT_FILE, newer);
	CHECK(journal_open(PROFILE, id, 0, &j) == ERR_JOURNAL_NEWER);
	CHECK(journal_look(PROFILE, id, &e) == ERR_JOURNAL_NEWER);
	seen(err_name(ERR_JOURNAL_NEWER), "test_journal");
	os_random(e.idempotency_key, sizeof(e.idempotency_key));
	CHECK(journal_begin(&e, &j) == ERR_OK);
	journal_close(j);
	CHECK(!exists(ID_FILE ".damaged") && !exists(DRAFT_FILE ".damaged"));
	CHECK(exists(DRAFT_FILE) && os_read_file(path(ID_FILE), &bytes) == ERR_OK);
	CHECK_TEXT(buf_text(&bytes), newer);
	CHECK(journal_open(PROFILE, other_id, 0, &j) == ERR_OK);
	journal_close(j);
	/* a number of the file that is not its format, and a format that is no number, say nothing */
	write_file(ID_FILE, "{\"format\":1,\"more\":2}");
	CHECK(journal_open(PROFILE, id, 0, &j) == ERR_JOURNAL_FAILED && exists(ID_FILE ".damaged") && !exists(ID_FILE));
	CHECK(!journal_is_newer("{\"format\":\"2\"}", 14) && !journal_is_newer("{\"format\":2", 11) && !journal_is_newer("[2]", 3));
	buf_free(&bytes);
}

/* As if the file had been written so many days ago. */
static void
make_old(const char *name, int days)
{
	struct timespec then[2] = { { .tv_sec = time(NULL) - (time_t)days * 24 * 60 * 60 }, { .tv_sec = time(NULL) - (time_t)days * 24 * 60 * 60 } };

	CHECK(utimensat(AT_FDCWD, path(name), then, 0) == 0);
}

static void
a_damaged_file_is_not_kept_for_ever(void)
{
	struct journal_list list = { .ids = NULL };
	struct journal *j = NULL;

	start_empty();
	make(id);
	write_file(ID_FILE, "{}");
	CHECK(journal_open(PROFILE, id, 0, &j) == ERR_JOURNAL_FAILED && exists(ID_FILE ".damaged"));
	write_file(DRAFT_FILE ".damaged", "");
	write_file("notes.damaged", "");
	make_old(ID_FILE ".damaged", 89);
	make_old(DRAFT_FILE ".damaged", 91);
	make_old("notes.damaged", 91);
	CHECK(journal_list(PROFILE, &list) == ERR_OK && list.count == 0);
	journal_list_free(&list);
	CHECK(exists(ID_FILE ".damaged") && !exists(DRAFT_FILE ".damaged") && exists("notes.damaged"));
	make_old(ID_FILE ".damaged", 91);
	CHECK(journal_list(PROFILE, &list) == ERR_OK);
	journal_list_free(&list);
	CHECK(!exists(ID_FILE ".damaged"));
	CHECK(journal_open(PROFILE, id, 0, &j) == ERR_REQUEST_ELSEWHERE);
}

static void
a_huge_file_is_refused(void)
{
	struct buf big = buf_new(2 * JOURNAL_FILE_MAX);
	struct journal *j = NULL;

	start_empty();
	make(id);
	memset(buf_room(&big, JOURNAL_FILE_MAX + 1), ' ', JOURNAL_FILE_MAX + 1);
	buf_grew(&big, JOURNAL_FILE_MAX + 1);
	CHECK(os_write_private(path(ID_FILE), big.data, big.len) == ERR_OK);
	CHECK(journal_open(PROFILE, id, 0, &j) == ERR_JOURNAL_FAILED);
	buf_free(&big);
}

static void
a_copied_file_is_not_that_request(void)
{
	struct buf bytes = buf_new(JOURNAL_FILE_MAX);
	struct journal_entry look = { .stage = STAGE_COUNT };
	struct journal *j = NULL;

	start_empty();
	make(id);
	CHECK(os_read_file(path(ID_FILE), &bytes) == ERR_OK);
	CHECK(os_write_private(path(OTHER_FILE), bytes.data, bytes.len) == ERR_OK);
	CHECK(journal_open(PROFILE, other_id, 0, &j) == ERR_JOURNAL_FAILED);
	CHECK(journal_look(PROFILE, other_id, &look) == ERR_JOURNAL_FAILED);
	buf_free(&bytes);
}

static void
a_folder_that_cannot_be_written_is_an_error(void)
{
	struct journal_entry e = sample_entry(os_time());
	struct journal *j = NULL;

	start_empty();
	setenv("XDG_STATE_HOME", "/dev/null", 1);
	CHECK(journal_begin(&e, &j) == ERR_JOURNAL_FAILED);
	CHECK(journal_open(PROFILE, id, 0, &j) == ERR_JOURNAL_FAILED);
	setenv("XDG_STATE_HOME", home, 1);
}

/* ---- the end ---- */

static bool
has_keys(void)
{
	static const unsigned char zeros[KEY_SIG_SEED_LEN];
	struct journal_entry look = { .stage = STAGE_COUNT };

	CHECK(journal_look(PROFILE, id, &look) == ERR_OK);
	CHECK(look.has_keys == (memcmp(look.host_sig, zeros, sizeof(zeros)) != 0));
	return look.has_keys;
}

static void
keys_go_when_nothing_can_come_of_it(void)
{
	struct journal *j = NULL;

	start_empty();
	make(id);
	write_file("." ID_FILE ".0123456789abcdef", "the keys, in a write that was killed");
	CHECK(journal_open(PROFILE, id, 0, &j) == ERR_OK);
	journal_entry(j)->state = STATE_UNKNOWN;
	CHECK(journal_save(j) == ERR_OK && has_keys());
	journal_entry(j)->state = STATE_EXPIRED;
	journal_entry(j)->outcome = (struct journal_outcome){ .known = true, .completed = true, .stage = STAGE_GRANTING };
	CHECK(journal_save(j) == ERR_OK && has_keys());
	journal_entry(j)->outcome.reported = true;
	CHECK(journal_entry(j)->certificate_len != 0 && journal_entry(j)->ended == 0);
	CHECK(exists("." ID_FILE ".0123456789abcdef"));
	CHECK(journal_save(j) == ERR_OK && !has_keys());
	CHECK(!exists("." ID_FILE ".0123456789abcdef"));
	/* what stays is how it ended */
	CHECK(journal_entry(j)->certificate_len == 0 && journal_entry(j)->certificate[0] == 0 && !journal_entry(j)->approved);
	CHECK(journal_entry(j)->outcome.completed && os_time() - journal_entry(j)->ended <= 60);
	journal_close(j);
}

static void
what_ended_long_ago_leaves_the_list(void)
{
	struct journal_list list = { .ids = NULL };
	struct journal *j = NULL;

	start_empty();
	make(id);
	make(other_id);
	write_file("readme.txt", "");
	write_file("abcd.json", "");
	CHECK(journal_list(PROFILE, &list) == ERR_OK && list.count == 2);
	journal_list_free(&list);
	CHECK(journal_open(PROFILE, id, 0, &j) == ERR_OK);
	journal_entry(j)->created -= 91 * 24 * 60 * 60;
	CHECK(journal_entry(j)->ended == 0);
	CHECK(journal_save(j) == ERR_OK);
	journal_close(j);
	/* old and open */
	CHECK(journal_list(PROFILE, &list) == ERR_OK && list.count == 2);
	journal_list_free(&list);
	CHECK(journal_open(PROFILE, id, 0, &j) == ERR_OK);
	journal_entry(j)->state = STATE_CANCELLED;
	CHECK(journal_save(j) == ERR_OK);
	journal_close(j);
	/* it ended only now */
	CHECK(journal_list(PROFILE, &list) == ERR_OK && list.count == 2);
	journal_list_free(&list);
	CHECK(journal_open(PROFILE, id, 0, &j) == ERR_OK);
	journal_entry(j)->ended -= JOURNAL_ENDED_SECONDS + 1;
	CHECK(journal_save(j) == ERR_OK);
	journal_close(j);
	CHECK(journal_list(PROFILE, &list) == ERR_OK && list.count == 1);
	CHECK(list.count == 1 && memcmp(list.ids[0], other_id, sizeof(other_id)) == 0);
	journal_list_free(&list);
	CHECK(!exists(ID_FILE));
	CHECK(journal_list("ca-hai", &list) == ERR_OK && list.count == 0);
	journal_list_free(&list);
}

static void
clean_up(void)
{
	char folder[OS_PATH_MAX];
	static const char *const folders[] = { "/mokhoa/ca-mot/requests", "/mokhoa/ca-mot", "/mokhoa/ca-hai/requests", "/mokhoa/ca-hai", "/mokhoa", "" };

	start_empty();
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		snprintf(folder, sizeof(folder), "%s%s", home, folders[i]);
		rmdir(folder);
	}
}

int
main(void)
{
	json_open();
	if (mkdtemp(home) == NULL || setenv("XDG_STATE_HOME", home, 1) != 0)
		return 1;
	a_request_gets_its_name();
	a_lost_create_is_made_again();
	an_old_draft_is_thrown_away();
	an_old_draft_goes_with_the_list();
	the_counter_survives_a_second_naming();
	a_counter_is_on_the_disk_before_it_is_used();
	one_works_on_a_request_at_a_time();
	who_works_on_it_is_nobody_elses_business();
	a_request_of_others_is_elsewhere();
	a_damaged_file_costs_its_request_alone();
	a_newer_file_is_left_alone();
	a_damaged_file_is_not_kept_for_ever();
	a_huge_file_is_refused();
	a_copied_file_is_not_that_request();
	a_folder_that_cannot_be_written_is_an_error();
	keys_go_when_nothing_can_come_of_it();
	what_ended_long_ago_leaves_the_list();
	clean_up();
	return CHECK_DONE();
}
