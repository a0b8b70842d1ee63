/* SPDX-License-Identifier: Apache-2.0 */
#include "admin_audit.h"

#include "answer.h"
#include "audit_check.h"
#include "decode.h"
#include "job.h"
#include "log.h"
#include "os.h"
#include "text.h"

#include <stdio.h>

/* The check that is being made, or the last one. */
static struct {
	struct job job;
	char database[OS_PATH_MAX];
	char anchor[OS_PATH_MAX];
	unsigned char key[1][KEY_SIG_PK_LEN];
	int64_t person;	 /* who asked for it */
	int64_t checked; /* when the last one had ended, or 0; from here on under the job's lock */
	enum err e;	 /* why it could not be looked at */
	struct audit_check check;
} work = { .job = JOB_NEW };

/* What was found is in the chain itself: whoever breaks it has had it looked at before. */
static enum err
write_down(struct store *s, enum err result, const struct audit_check *found)
{
	struct store_audit a = { .created = os_time(), .person = work.person, .what = "audit_verify" };
	enum err e = store_begin(s);

	snprintf(a.detail, sizeof(a.detail), "result=%s rows=%lld anchored=%lld row=%lld", result == ERR_OK ? audit_fault_name(found->fault) : err_name(result), (long long)found->rows,
	    (long long)found->anchored, (long long)found->row);
	if (e == ERR_OK)
		e = store_audit_add(s, &a);
	return store_end(s, e);
}

static enum err
look(struct store *s, struct audit_check *ret)
{
	struct anchor_list anchors;
	enum err e = anchor_read(work.anchor, work.key, 1, &anchors);

	if (e != ERR_OK)
		return e;
	e = audit_check(s, &anchors, 1, &work.job.stopping, ret);
	anchor_list_free(&anchors);
	return e;
}

static void *
run(void *context)
{
	struct audit_check found = { .fault = AUDIT_WHOLE };
	struct store *s = NULL;
	enum err e = store_open(work.database, &s);

	(void)context;
	if (e == ERR_OK) {
		e = look(s, &found);
		if (write_down(s, e, &found) != ERR_OK)
			log_error("audit", "cause=the audit row of a check could not be written");
	}
	store_close(s);
	if (e == ERR_OK && found.fault != AUDIT_WHOLE)
		log_error("audit", "result=%s row=%lld other=%lld", audit_fault_name(found.fault), (long long)found.row, (long long)found.other);
	else
		log_info("audit", "result=%s rows=%lld", err_name(e), (long long)found.rows);
	job_lock(&work.job);
	work.checked = os_time();
	work.e = e;
	work.check = found;
	job_unlock(&work.job);
	job_done(&work.job);
	return NULL;
}

void
admin_audit_end(void)
{
	job_end(&work.job);
}

/* With the lock. */
static json_t *
say(bool running)
{
	const struct audit_check *c = &work.check;

	return json_pack("{s:b, s:I, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
	    "running", (int)running,
	    "checked", (json_int_t)work.checked,
	    "result", work.checked != 0 && work.e == ERR_OK ? audit_fault_name(c->fault) : "",
	    "failed", work.checked != 0 && work.e != ERR_OK ? err_name(work.e) : "",
	    "row", (json_int_t)c->row,
	    "other", (json_int_t)c->other,
	    "rows", (json_int_t)c->rows,
	    "notes", (json_int_t)c->notes,
	    "erased", (json_int_t)c->erased,
	    "anchors", (json_int_t)c->anchors,
	    "anchored", (json_int_t)c->anchored,
	    "restores", (json_int_t)c->restores,
	    "lost", (json_int_t)c->lost,
	    "cut", (json_int_t)c->cut);
}

enum err
op_admin_audit(struct call *c, json_t **ret_answer)
{
	bool running = job_running(&work.job);
	json_t *said;

	(void)c;
	job_lock(&work.job);
	said = say(running);
	job_unlock(&work.job);
	return answer_packed(said, ret_answer);
}

enum err
op_admin_audit_verify(struct call *c, json_t **ret_answer)
{
	enum err e = decode_nothing(c->body);

	if (e == ERR_OK)
		e = job_claim(&work.job);
	if (e == ERR_BUSY)
		return op_admin_audit(c, ret_answer);
	if (e != ERR_OK)
		return e;
	if (text_copy(work.database, sizeof(work.database), c->service->config->database) && text_copy(work.anchor, sizeof(work.anchor), c->service->config->audit_anchor)) {
		key_sig_public(c->service->signing_key, work.key[0]);
		work.person = c->person->id;
		e = job_start(&work.job, run, NULL);
	} else {
		job_drop(&work.job);
		e = ERR_FILE_FAILED;
	}
	return e == ERR_OK ? op_admin_audit(c, ret_answer) : e;
}
