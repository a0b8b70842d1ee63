/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor: what keeps this user from an unlock that only a worker can see: whether each module of the profile loads and starts, readers, and the way to the management server. No
 * token is touched, nothing is logged into, and the server is asked for a request that does not exist.
 *
 * A page is told less than the command line (finding.def), and may ask again only after a while: whoever has found something to mend does not mend it in seconds.
 */
#include "find_token.h"
#include "operation.h"

#include "finding.h"
#include "json.h"
#include "os.h"
#include "step.h"
#include "text.h"
#include "tms_post.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define BEGIN_MS    25000 /* after this a module is not even asked: each may take ten seconds, and the server twice its twenty */
#define PAUSE_S	    10	  /* between two looks of pages */
#define CLOCK_OFF_S 300
#define DETAIL_MAX  80
#define BODY_MAX    256

struct look {
	const struct profile *profile;
	json_t *findings;
	bool failed; /* no memory */
};

static void
find(struct look *l, enum finding f, enum finding_state state, const char *seen, const char *detail)
{
	if (json_array_append_new(l->findings, finding_json(f, state, seen, detail)) != 0)
		l->failed = true;
}

static void
find_as_listed(struct look *l, enum finding f, const char *seen, const char *detail)
{
	find(l, f, finding_state(f), seen, detail);
}

/* ---- modules and readers ---- */

static const enum finding module_findings[] = {
	[STEP_WORKS] = FOUND_MODULE_OK,
	[STEP_MISSING] = FOUND_MODULE_MISSING,
	[STEP_UNSAFE] = FOUND_MODULE_UNSAFE,
	[STEP_NEEDS_LIBRARY] = FOUND_MODULE_LIBRARY,
	[STEP_OTHER_KIND] = FOUND_MODULE_ARCHITECTURE,
	[STEP_FAILED] = FOUND_MODULE_FAILED,
	[STEP_CRASHED] = FOUND_MODULE_CRASHED,
	[STEP_HUNG] = FOUND_MODULE_HANGS,
};

/* What all modules together say of readers and tokens. */
struct readers {
	bool asked; /* by one that works */
	size_t tokens;
	enum err absent; /* as the one says that knows the most */
};

static enum err
look_at_module(struct look *l, const struct profile_module *module, struct readers *readers)
{
	struct step_examination x;
	char detail[DETAIL_MAX] = "";
	enum err e = step_examine(module, &x);

	if (e != ERR_OK)
		return e;
	if (x.fault == STEP_NEEDS_LIBRARY)
		snprintf(detail, sizeof(detail), "%s", x.library);
	else if (x.cryptoki != 0)
		snprintf(detail, sizeof(detail), "CKR 0x%" PRIx64, x.cryptoki);
	find_as_listed(l, module_findings[x.fault], module->path, detail[0] != '\0' ? detail : NULL);
	if (x.fault != STEP_WORKS)
		return ERR_OK;
	readers->asked = true;
	readers->tokens += x.tokens;
	readers->absent = absence_join(readers->absent, x.absent);
	return ERR_OK;
}

static void
tell_readers(struct look *l, const struct readers *readers)
{
	if (readers->tokens != 0)
		find_as_listed(l, FOUND_TOKEN_OK, NULL, NULL);
	else if (readers->absent == ERR_READER_SERVICE)
		find_as_listed(l, FOUND_READER_SERVICE, NULL, NULL);
	else if (readers->absent == ERR_NO_READER)
		find_as_listed(l, FOUND_READER_NONE, NULL, NULL);
	else if (readers->asked)
		find_as_listed(l, FOUND_TOKEN_NONE, NULL, NULL);
}

static enum err
look_at_modules(struct look *l)
{
	uint64_t until = os_now_ms() + BEGIN_MS;
	struct readers readers = { .absent = ERR_OK };
	enum err e = ERR_OK;

	for (size_t i = 0; i < l->profile->module_count && e == ERR_OK; i++) {
		const struct profile_module *module = &l->profile->modules[i];

		if (os_now_ms() < until)
			e = look_at_module(l, module, &readers);
		else
			find_as_listed(l, FOUND_MODULE_UNEXAMINED, module->path, NULL);
	}
	/* where no module works the readers can be seen all the same */
	if (e == ERR_OK && !readers.asked)
		e = step_readers(&l->profile->modules[0], &readers.absent);
	if (e == ERR_OK)
		tell_readers(l, &readers);
	return e;
}

/* ---- the server ---- */

static const struct {
	enum finding finding;
	bool by_issuer; /* who issued the certificate says whose it is */
} faults[] = {
	[TMS_FAULT_NONE] = { FOUND_TMS_OK, false },
	[TMS_FAULT_NAME] = { FOUND_TMS_NAME, false },
	[TMS_FAULT_PROXY] = { FOUND_TMS_PROXY, false },
	[TMS_FAULT_REFUSED] = { FOUND_TMS_REFUSED, false },
	[TMS_FAULT_TIMEOUT] = { FOUND_TMS_TIMEOUT, false },
	[TMS_FAULT_CUT] = { FOUND_TMS_CUT, false },
	[TMS_FAULT_CERTIFICATE] = { FOUND_TMS_UNTRUSTED, true },
	[TMS_FAULT_EXPIRED] = { FOUND_TMS_EXPIRED, true },
	[TMS_FAULT_NOT_YET] = { FOUND_TMS_NOT_YET, true },
	[TMS_FAULT_MISMATCH] = { FOUND_TMS_MISMATCH, true },
	[TMS_FAULT_CA_FILE] = { FOUND_TLS_CA_MISSING, false },
	[TMS_FAULT_OTHER] = { FOUND_TMS_UNEXAMINED, false },
};

/* A request that nobody has ever sent: a server of ours knows none of that id, whatever is in its database. */
#define NO_REQUEST "AAAAAAAAAAAAAAAAAAAAAA"
#define NO_SIGNATURE \
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" \
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

/* What an answer makes of it: only one of our servers says request_unknown in our words. */
static enum finding
judge_answer(const struct tms_reply *reply)
{
	const char *name;
	json_t *answer = NULL;
	enum finding f = reply->status >= 500 ? FOUND_TMS_FAILED : FOUND_TMS_FOREIGN;

	if (!reply->json || json_load(reply->body.data, reply->body.len, &answer, NULL) != ERR_OK)
		return f;
	if (json_unpack(answer, "{s:{s:{s:s}}}", "error", "data", "name", &name) == 0) {
		enum err said = err_from_name(name);

		if (said == ERR_REQUEST_UNKNOWN)
			f = FOUND_TMS_OK;
		else if (said == ERR_METHOD_NOT_FOUND || said == ERR_INVALID_PARAMS || said == ERR_INVALID_REQUEST)
			f = FOUND_TMS_PROTOCOL;
		else if (strcmp(name, err_name(said)) == 0)
			f = FOUND_TMS_FAILED;
	}
	json_decref(answer);
	return f;
}

static enum finding
judge(enum err e, const struct tms_reply *reply, const struct tms_sight *sight)
{
	enum tms_fault fault = sight->fault;

	if (sight->proxy_status == 407)
		return FOUND_TMS_PROXY_LOGIN;
	if (sight->proxy_status >= 300)
		return FOUND_TMS_PROXY_DENIED;
	if (fault == TMS_FAULT_NONE)
		return e == ERR_OK ? judge_answer(reply) : FOUND_TMS_FOREIGN;
	/* somebody has made a certificate for our server's name */
	if (fault == TMS_FAULT_CERTIFICATE && sight->named)
		return FOUND_TMS_INSPECTED;
	return faults[fault].finding;
}

static bool
is_of_time(enum finding f)
{
	return f == FOUND_TMS_EXPIRED || f == FOUND_TMS_NOT_YET;
}

static enum err
ask(const struct look *l, struct tms_sight *sight, enum finding *ret)
{
	static const char text[] = "{\"counter\":1,\"signature\":\"" NO_SIGNATURE "\"}";
	struct buf body = buf_new(BODY_MAX);
	struct tms_reply reply = tms_reply_new();
	enum err e;

	buf_add_text(&body, text);
	e = tms_post_seen(l->profile, "/v1/requests/" NO_REQUEST "/status", &body, &reply, sight);
	*ret = judge(e, &reply, sight);
	tms_reply_free(&reply);
	buf_free(&body);
	return e == ERR_NO_MEMORY ? e : ERR_OK;
}

/* By the server's own clock; false where it did not say, or nearly the same. */
static bool
is_clock_off(const struct tms_sight *sight, char ret_detail[DETAIL_MAX])
{
	int64_t off = os_time() - sight->date;

	if (sight->date == 0 || (off <= CLOCK_OFF_S && off >= -CLOCK_OFF_S))
		return false;
	snprintf(ret_detail, DETAIL_MAX, "%+" PRId64 " s", off);
	return true;
}

static void
tell_server(struct look *l, enum finding f, const struct tms_sight *sight)
{
	char detail[DETAIL_MAX] = "", seen[TMS_ISSUER_MAX + 512];
	const char *issuer = sight->fault != TMS_FAULT_NONE && faults[sight->fault].by_issuer ? sight->issuer : "";

	(void)snprintf(seen, sizeof(seen), "%.255s%s%s", l->profile->tms, issuer[0] != '\0' ? ", " : "", issuer);
	if (!text_is_showable(seen, strlen(seen)))
		(void)text_copy(seen, sizeof(seen), "?");
	if (sight->proxy_status >= 300)
		(void)snprintf(detail, sizeof(detail), "HTTP %ld", sight->proxy_status);
	find_as_listed(l, f, seen, detail[0] != '\0' ? detail : NULL);
}

/*
 * Where the certificate is out of its time, either it is or the clock is: the server's own clock says which, asked once more with the time left out of the verdict. All else of it is
 * still verified, so that no stranger sets anybody's clock.
 */
static enum err
look_at_server(struct look *l)
{
	struct tms_sight sight = { .any_time = false }, again = { .any_time = true };
	char detail[DETAIL_MAX];
	enum finding f, other;
	enum err e = ask(l, &sight, &f);

	if (e == ERR_OK && is_of_time(f))
		e = ask(l, &again, &other);
	if (e != ERR_OK)
		return e;
	if (is_of_time(f) && is_clock_off(&again, detail)) {
		find_as_listed(l, FOUND_CLOCK_OFF, NULL, detail);
		return ERR_OK;
	}
	tell_server(l, f, &sight);
	if (is_clock_off(&sight, detail))
		find(l, FOUND_CLOCK_OFF, FINDING_WARNING, NULL, detail);
	else if (sight.date != 0)
		find_as_listed(l, FOUND_CLOCK_OK, NULL, NULL);
	return ERR_OK;
}

/* ---- how often ---- */

/*
 * When a page was last answered stands in a file of this user's, by the wall's clock; a time that has not come yet, which a clock that was set leaves behind, holds nobody up. The
 * lock keeps a second look of another tab out while one is at work.
 */
static enum err
take_turn(struct op_call *call, char path[OS_PATH_MAX], intptr_t *ret_lock)
{
	char folder[OS_PATH_MAX], lock[OS_PATH_MAX];
	struct buf last = buf_new(32);
	int64_t now = os_time(), then = 0;
	enum err e = os_state_dir(folder);

	if (e == ERR_OK && (snprintf(path, OS_PATH_MAX, "%s/doctor", folder) >= OS_PATH_MAX || snprintf(lock, sizeof(lock), "%s/doctor.lock", folder) >= (int)sizeof(lock)))
		e = ERR_JOURNAL_FAILED;
	if (e == ERR_OK)
		e = os_lock_file(lock, ret_lock);
	/* the journal's folder, which a page is told by that name */
	if (e == ERR_FILE_FAILED)
		e = ERR_JOURNAL_FAILED;
	if (e == ERR_OK && os_read_file(path, &last) == ERR_OK && text_number((const char *)last.data, last.len, &then) && then <= now && now - then < PAUSE_S) {
		op_detail(call, "retry_after", json_integer(PAUSE_S - (now - then)));
		os_unlock_file(*ret_lock, lock);
		*ret_lock = -1;
		e = ERR_BUSY;
	}
	buf_free(&last);
	return e;
}

static void
end_turn(const char *path, intptr_t held)
{
	char text[32], lock[OS_PATH_MAX + sizeof(".lock")];
	int len = snprintf(text, sizeof(text), "%" PRId64, os_time());

	if (held == -1)
		return;
	(void)os_write_private(path, text, (size_t)len);
	(void)snprintf(lock, sizeof(lock), "%s.lock", path);
	os_unlock_file(held, lock);
}

/* ---- the report ---- */

static enum err
look(const struct op_call *call, bool for_page, json_t **ret)
{
	struct look l = { .profile = call->profile, .findings = json_array() };
	json_t *told = NULL;
	enum err e = l.findings != NULL ? look_at_modules(&l) : ERR_NO_MEMORY;

	if (e == ERR_OK)
		e = look_at_server(&l);
	if (e == ERR_OK && !l.failed)
		told = for_page ? finding_for_page(l.findings) : json_incref(l.findings);
	if (told != NULL)
		*ret = finding_report(told);
	json_decref(told);
	json_decref(l.findings);
	return e != ERR_OK || *ret != NULL ? e : ERR_NO_MEMORY;
}

static enum err
run(struct op_call *call)
{
	bool for_page = call->origin[0] != '\0';
	char path[OS_PATH_MAX];
	intptr_t lock = -1;
	enum err e = ERR_OK;

	if (json_object_size(call->params) != 0)
		return ERR_INVALID_PARAMS;
	if (for_page)
		e = take_turn(call, path, &lock);
	if (e == ERR_OK)
		e = look(call, for_page, &call->result);
	end_turn(path, lock);
	return e;
}

const struct op op_doctor = { .name = "doctor", .run = run };
