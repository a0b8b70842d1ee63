/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The other end of the pipe, and the only code of the worker's program that runs beside a vendor's module. One frame in, one step, one
 * frame out, and only then logout and farewell: a module that hangs or crashes when it is ended cannot take back what it has done.
 */
#include "cryptoki.h"
#include "frame.h"
#include "json.h"
#include "log.h"
#include "os.h"
#include "slot.h"
#include "step.h"
#include "step_child.h"
#include "step_wire.h"
#include "text.h"
#include "token_certificate.h"
#include "token_proof.h"
#include "token_puk.h"
#include "token_so_pin.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define REQUEST_MS 15000 /* the parent writes its frame at once */

static_assert(sizeof(((struct step_examination *)0)->library) == OS_LIBRARY_NAME_MAX, "the floors agree");
static_assert(STEP_SEEN_LEN == SLOT_PRESENCE_LEN, "the floors agree");
static_assert(STEP_CERTIFICATE_MAX == TOKEN_CERTIFICATE_MAX && STEP_PROOF_MAX == TOKEN_SIGNATURE_MAX, "the floors agree");

#define WATCH_POLL_MS 300

/* What a step works with; at most one of the two has the module, the other stays { 0 }. */
struct work {
	struct cryptoki cryptoki;
	struct token_signer signer;
	json_t *result; /* what the answer carries beside the error */
	intptr_t in;	/* ends when the parent is gone */
};

/* NULL without any. */
static const char *
parameters_of(const struct step_request *request)
{
	return request->parameters[0] != '\0' ? request->parameters : NULL;
}

/* ---- inspect ---- */

struct certificates {
	json_t *list;
	size_t *der_left; /* bytes that the whole inspection may still spend */
};

static void
add_certificate(const unsigned char *der, size_t len, void *context)
{
	struct certificates *c = context;

	if (len > *c->der_left)
		return;
	*c->der_left -= len;
	(void)json_array_append_new(c->list, json_b64(der, len));
}

static void
add_token(struct work *w, json_t *tokens, const struct slot *slot, size_t *der_left)
{
	struct certificates found = { .list = json_array(), .der_left = der_left };

	/* a token whose certificates cannot be read is a token still: locked ones are among them */
	if (token_certificate_each(&w->cryptoki, slot->id, add_certificate, &found) != ERR_OK)
		w->cryptoki.trace = (struct cryptoki_trace){ .rv = CKR_OK };
	(void)json_array_append_new(tokens, json_pack("{s:o, s:s, s:s, s:s, s:s, s:i, s:i, s:o}",
						"name", token_name_json(&slot->name),
						"label", slot->label,
						"slot", slot->reader,
						"pin", pin_state_name(slot_user_pin(slot)),
						"so_pin", pin_state_name(slot_so_pin(slot)),
						"pin_min", (int)slot->pin_min,
						"pin_max", (int)slot->pin_max,
						"certificates", found.list));
}

static void
add_failure(struct work *w, json_t *failures, const struct slot *slot, enum err e)
{
	(void)json_array_append_new(failures, json_pack("{s:s, s:s, s:I}",
						  "slot", slot->reader,
						  "error", err_name(e),
						  "cryptoki", (json_int_t)(w->cryptoki.trace.rv & INT64_MAX)));
	w->cryptoki.trace = (struct cryptoki_trace){ .rv = CKR_OK };
}

/* Whether a slot before it shows the same token in the same reader: one token is said once. */
static bool
is_shown(const struct slot *shown, size_t count, const struct slot *slot)
{
	for (size_t i = 0; i < count; i++)
		if (slot_same(&shown[i], slot))
			return true;
	return false;
}

/* Returns why there is nothing to tell: one place of the module's own that is empty needs no reader. */
static enum err
inspect_slots(struct work *w, const CK_SLOT_ID *ids, size_t count, json_t *tokens, json_t *failures)
{
	struct slot shown[STEP_TOKENS_MAX];
	size_t shown_count = 0;
	size_t der_left = STEP_DER_MAX;
	bool places = false;

	for (size_t i = 0; i < count; i++) {
		struct slot slot;
		enum err e = slot_read(&w->cryptoki, ids[i], &slot);

		if (e == ERR_OK && shown_count < STEP_TOKENS_MAX && !is_shown(shown, shown_count, &slot)) {
			add_token(w, tokens, &slot, &der_left);
			shown[shown_count++] = slot;
		} else if (e != ERR_OK && e != ERR_NO_TOKEN && json_array_size(failures) < STEP_TOKENS_MAX) {
			add_failure(w, failures, &slot, e);
		}
		places = places || !slot.removable;
	}
	if (json_array_size(tokens) + json_array_size(failures) != 0)
		return ERR_OK;
	return places ? ERR_NO_TOKEN : slot_absence();
}

static enum err
run_inspect(struct work *w, const struct step_request *request)
{
	CK_SLOT_ID ids[SLOT_MAX];
	size_t count = 0;
	json_t *tokens;
	json_t *failures;
	enum err absent;
	enum err e = cryptoki_open(&w->cryptoki, request->module, parameters_of(request));

	if (e == ERR_OK)
		e = slot_list(&w->cryptoki, ids, &count);
	if (e != ERR_OK)
		return e;
	tokens = json_array();
	failures = json_array();
	absent = inspect_slots(w, ids, count, tokens, failures);
	w->result = json_pack("{s:o, s:o, s:s}", "tokens", tokens, "failures", failures, "absent", err_name(absent));
	return w->result != NULL ? ERR_OK : ERR_NO_MEMORY;
}

/* ---- examine ---- */

/* Whatever comes of it is told beside the error. */
static enum err
run_examine(struct work *w, const struct step_request *request)
{
	enum os_library_fault fault = OS_LIBRARY_FINE;
	char library[OS_LIBRARY_NAME_MAX] = "";
	size_t tokens = 0;
	enum err absent = ERR_OK;
	enum err e = cryptoki_open(&w->cryptoki, request->module, parameters_of(request));

	if (e == ERR_OK)
		e = slot_count(&w->cryptoki, &tokens, &absent);
	else if (e == ERR_MODULE_FAILED)
		fault = os_library_fault(library);
	w->result = step_examination_json(fault, library, tokens, absent);
	return w->result != NULL ? e : ERR_NO_MEMORY;
}

static enum err
run_readers(struct work *w, const struct step_request *request)
{
	(void)request;
	w->result = json_pack("{s:s}", "absent", err_name(slot_absence()));
	return w->result != NULL ? ERR_OK : ERR_NO_MEMORY;
}

/* ---- watch ---- */

/* Waits a moment; false where the parent is gone. */
static bool
wait_a_moment(const struct work *w)
{
	bool gone = false;

	(void)os_wait(&w->in, 1, WATCH_POLL_MS, &gone);
	return !gone;
}

/* What comes within a moment is one change: readers and their slots do not come at once. */
static enum err
settle(struct work *w, unsigned char now[STEP_SEEN_LEN])
{
	unsigned char before[STEP_SEEN_LEN];
	bool event = true;
	enum err e = ERR_OK;

	do {
		memcpy(before, now, sizeof(before));
		if (!wait_a_moment(w))
			return ERR_WORKER_FAILED;
		e = slot_presence(&w->cryptoki, now, &event);
	} while (e == ERR_OK && (event || memcmp(now, before, sizeof(before)) != 0));
	return e;
}

/* Until something is another than the parent has seen: it is told, and asks again. The first look, which knows of nothing, ends at once. */
static enum err
run_watch(struct work *w, const struct step_request *request)
{
	bool known = request->message_len == STEP_SEEN_LEN;
	unsigned char now[STEP_SEEN_LEN];
	bool event = false;
	enum err e = cryptoki_open(&w->cryptoki, request->module, parameters_of(request));

	/* what it has of the time before we came is no event */
	if (e == ERR_OK)
		e = slot_presence(&w->cryptoki, now, &event);
	event = false;
	while (e == ERR_OK && known && !event && memcmp(now, request->message, STEP_SEEN_LEN) == 0)
		e = wait_a_moment(w) ? slot_presence(&w->cryptoki, now, &event) : ERR_WORKER_FAILED;
	if (e == ERR_OK && known)
		e = settle(w, now);
	if (e != ERR_OK)
		return e;
	w->result = json_pack("{s:o}", "seen", json_b64(now, sizeof(now)));
	return w->result != NULL ? ERR_OK : ERR_NO_MEMORY;
}

/* ---- PINs ---- */

static enum err
run_set_pin(struct work *w, const struct step_request *request)
{
	enum err e = cryptoki_open(&w->cryptoki, request->module, parameters_of(request));

	return e == ERR_OK ? so_pin_set_user_pin(&w->cryptoki, &request->token, &request->first, &request->second) : e;
}

static enum err
run_unblock(struct work *w, const struct step_request *request)
{
	enum err e = cryptoki_open(&w->cryptoki, request->module, parameters_of(request));

	return e == ERR_OK ? puk_set_user_pin(&w->cryptoki, &request->token, &request->first, &request->second) : e;
}

static enum err
run_rotate(struct work *w, const struct step_request *request)
{
	enum err e = cryptoki_open(&w->cryptoki, request->module, parameters_of(request));

	return e == ERR_OK ? so_pin_rotate(&w->cryptoki, &request->token, &request->first, &request->second) : e;
}

/* ---- proofs ---- */

static enum err
run_prove(struct work *w, const struct step_request *request)
{
	enum err e = cryptoki_open(&w->cryptoki, request->module, parameters_of(request));

	return e == ERR_OK ? token_proof_login(&w->cryptoki, &request->token, &request->first) : e;
}

static enum err
run_sign(struct work *w, const struct step_request *request)
{
	struct token_signature signature;
	enum err e;

	w->signer.parameters = parameters_of(request);
	e = token_signer_sign(&w->signer, request->module, &request->token, &request->first, request->certificate,
	    request->certificate_len, request->message, request->message_len, &signature);

	if (e != ERR_OK)
		return e;
	w->result = json_pack("{s:s, s:o}",
	    "mechanism", signature.mechanism,
	    "signature", json_b64(signature.bytes, signature.len));
	return w->result != NULL ? ERR_OK : ERR_NO_MEMORY;
}

/* ---- one frame in, one frame out ---- */

static enum err (*const steps[STEP_KIND_COUNT])(struct work *w, const struct step_request *request) = {
	[STEP_INSPECT] = run_inspect,
	[STEP_SET_PIN] = run_set_pin,
	[STEP_PROVE] = run_prove,
	[STEP_SIGN] = run_sign,
	[STEP_ROTATE] = run_rotate,
	/* the SO PIN proves itself by what it can do; on some cards its login alone asks nothing */
	[STEP_PROVE_ROTATION] = run_set_pin,
	[STEP_UNBLOCK] = run_unblock,
	[STEP_WATCH] = run_watch,
	[STEP_EXAMINE] = run_examine,
	[STEP_READERS] = run_readers,
};

static enum err
take_request(intptr_t in, struct step_request *ret)
{
	struct frame_reader reader = frame_reader_new(STEP_FRAME_MAX);
	const unsigned char *bytes;
	uint32_t len;
	json_t *json = NULL;
	enum err e = frame_read(&reader, in, os_now_ms() + REQUEST_MS, &bytes, &len);

	if (e == ERR_OK)
		e = json_load(bytes, len, &json, NULL);
	if (e == ERR_OK)
		e = step_request_from_json(json, ret);
	json_decref(json);
	frame_reader_free(&reader);
	return e;
}

static struct step_outcome
outcome_of(const struct work *w, enum err e)
{
	const struct cryptoki_trace *trace = w->signer.trace.call != NULL ? &w->signer.trace : &w->cryptoki.trace;
	struct step_outcome outcome = { .presented = w->cryptoki.presented || w->signer.presented };

	if (e != ERR_OK && trace->call != NULL) {
		outcome.cryptoki = trace->rv;
		(void)text_copy(outcome.call, sizeof(outcome.call), trace->call);
	}
	return outcome;
}

static bool
give_answer(intptr_t out, struct work *w, enum err e, const struct step_outcome *outcome)
{
	struct buf b = buf_new(STEP_FRAME_MAX);
	json_t *answer = step_answer_json(e, outcome, w->result);
	bool given = answer != NULL && json_dump(answer, &b) == ERR_OK && frame_write(out, b.data, b.len, STEP_FRAME_MAX) == ERR_OK;

	w->result = NULL;
	json_decref(answer);
	buf_free(&b);
	return given;
}

/*
 * The worker ends a step that is late, or leaves it alone for a while; this ends one whose worker has died. It is above the worker's own deadlines, and it is not
 * tied to the worker's death: a PIN call that is under way is not cut.
 */
static bool
begin_deadline(enum step_kind kind)
{
	return os_end_after((unsigned)(step_deadline_ms(kind) + step_late_ms(kind) + STEP_GRACE_MS));
}

int
step_run(intptr_t in, intptr_t out)
{
	static struct step_request request; /* 24 KiB; wiped before the module is ended */
	struct work w = { .cryptoki.leash = &in, .in = in };
	char keep[OS_PATH_MAX];
	struct step_outcome outcome;
	bool given;
	enum err e = take_request(in, &request);

	if (e == ERR_OK && !begin_deadline(request.kind))
		e = ERR_INTERNAL;
	if (e == ERR_OK)
		e = steps[request.kind](&w, &request);
	memcpy(keep, request.keep, sizeof(keep));
	wipe(&request, sizeof(request));
	log_debug("step", "error=%s", err_name(e));
	outcome = outcome_of(&w, e);
	/* first of all: whoever waits for the answer may die before he has it */
	if (keep[0] != '\0')
		step_keep_answer(keep, e, &outcome);
	given = give_answer(out, &w, e, &outcome);
	token_signer_close(&w.signer);
	cryptoki_close(&w.cryptoki);
	return given ? EXIT_SUCCESS : EXIT_FAILURE;
}
