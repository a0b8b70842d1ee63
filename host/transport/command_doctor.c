/* SPDX-License-Identifier: Apache-2.0 */
#include "command_doctor.h"

#include "command_print.h"
#include "doctor.h"
#include "finding.h"
#include "hello.h"
#include "json.h"
#include "one_call.h"
#include "op.h"
#include "os.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

enum status {
	STATUS_FINE,
	STATUS_BROKEN
};

bool
doctor_words_read(int argc, char *const argv[], struct doctor_words *ret)
{
	struct doctor_words w = { 0 };

	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0)
			w.json = true;
		else if (strcmp(argv[i], "--bundle") == 0)
			w.bundle = true;
		else if (strcmp(argv[i], "--all") == 0)
			w.all = true;
		else if (strcmp(argv[i], "--files") == 0)
			w.files = true;
		else if (strcmp(argv[i], "--profile") == 0 && i + 1 < argc && w.profile == NULL)
			w.profile = argv[++i];
		else if (strcmp(argv[i], "--root") == 0 && i + 1 < argc && w.root == NULL)
			w.root = argv[++i];
		else
			return false;
	}
	*ret = w;
	return (int)w.json + (int)w.bundle + (int)w.all <= 1;
}

/* ---- what a worker finds ---- */

struct asking {
	json_t *findings;
	bool answered;
};

static void
take_answer(void *context, json_t *message)
{
	struct asking *a = context;
	const json_t *found = json_object_get(json_object_get(message, "result"), "findings");

	if (found == NULL)
		return;
	a->answered = true;
	(void)json_array_extend(a->findings, (json_t *)found);
}

static void
ask_worker(const struct profile_set *profiles, const struct profile *profile, json_t *findings)
{
	struct asking a = { .findings = findings };
	struct one_call call = { .profiles = profiles, .profile = profile, .method = op_rule(OP_DOCTOR)->name, .heard = take_answer, .context = &a };

	one_call(&call);
	if (!a.answered)
		(void)json_array_append_new(findings, finding_json(FOUND_WORKER_FAILED, finding_state(FOUND_WORKER_FAILED), profile->name, NULL));
}

static bool
has_finding(const json_t *findings, const char *id)
{
	size_t i;
	json_t *one;

	json_array_foreach(findings, i, one) if (strcmp(json_string_value(json_object_get(one, "id")), id) == 0) return true;
	return false;
}

static void
ask_workers(const struct profile_set *profiles, const char *name, json_t *findings)
{
	if (!has_finding(findings, "worker.ok"))
		return;
	for (size_t i = 0; i < profile_count(profiles); i++)
		if (name == NULL || strcmp(profile_at(profiles, i)->name, name) == 0)
			ask_worker(profiles, profile_at(profiles, i), findings);
}

/* ---- telling ---- */

static void
print_member(intptr_t out, const json_t *object, const char *key, const char *before)
{
	const char *text = json_string_value(json_object_get(object, key));

	if (text == NULL)
		return;
	print(out, before);
	print(out, text);
}

static void
print_finding(intptr_t out, const json_t *one)
{
	const json_t *sentence = json_object_get(one, "sentence"), *remedy = json_object_get(one, "remedy");

	print_member(out, one, "state", "[");
	print_member(out, one, "id", "] ");
	print_member(out, one, "seen", ": ");
	print_member(out, one, "detail", " | ");
	print_member(out, sentence, "vi", "\n    ");
	print_member(out, remedy, "vi", "\n    -> ");
	print_member(out, sentence, "en", "\n    ");
	print_member(out, remedy, "en", "\n    -> ");
	print(out, "\n");
}

static void
print_findings(intptr_t out, const json_t *report, bool all)
{
	size_t i;
	json_t *one;

	if (strcmp(json_string_value(json_object_get(report, "state")), "ok") == 0)
		print(out, "Không thấy gì hỏng.\nNothing broken was found.\n");
	json_array_foreach(json_object_get(report, "findings"), i, one) if (all || json_object_get(one, "remedy") != NULL) print_finding(out, one);
}

/* Only what is the same on every machine stays: a path, an address and who issued a certificate may name a person. */
static void
redact(json_t *report)
{
	size_t i;
	json_t *one;

	json_array_foreach(json_object_get(report, "findings"), i, one)(void) json_object_del(one, "seen");
}

/* A bundle says besides which program looked. */
static void
tell(intptr_t out, const struct doctor_words *w, json_t *report)
{
	if (w->bundle) {
		redact(report);
		(void)json_object_set_new(report, "version", json_string(hello_version()));
	}
	if (w->json || w->bundle)
		print_json(out, report, false);
	else
		print_findings(out, report, w->all);
}

/* ---- the whole ---- */

static json_t *
examine(const struct doctor_words *w)
{
	char worker[OS_PATH_MAX];
	struct doctor_order order = { .root = w->root != NULL ? w->root : "", .profiles = profile_folder(), .profile = w->profile, .worker = worker };
	struct profile_set *profiles = NULL;
	json_t *findings, *report = NULL;

	order.home = getenv("HOME"); /* NOLINT(concurrency-mt-unsafe): the command line is one thread */
	/* below another root the place of this program says nothing */
	if (w->root != NULL)
		(void)text_copy(worker, sizeof(worker), "/usr/lib/mokhoa");
	else if (os_program_dir(worker) != ERR_OK)
		worker[0] = '\0';
	if (!text_copy(worker + strlen(worker), sizeof(worker) - strlen(worker), "/mokhoa-worker"))
		return NULL;
	findings = doctor_look(&order, &profiles);
	/* a worker works on this machine alone */
	if (findings != NULL && profiles != NULL && w->root == NULL && !w->files)
		ask_workers(profiles, w->profile, findings);
	if (findings != NULL)
		report = finding_report(findings);
	json_decref(findings);
	profile_set_free(profiles);
	return report;
}

int
command_doctor(intptr_t out, const struct doctor_words *w)
{
	json_t *report = examine(w);
	json_t *error = report == NULL ? json_error(ERR_NO_MEMORY, NULL) : NULL;
	int status = STATUS_BROKEN;

	if (report == NULL)
		print_json(out, error, false);
	else
		tell(out, w, report);
	if (report != NULL && strcmp(json_string_value(json_object_get(report, "state")), "broken") != 0)
		status = STATUS_FINE;
	json_decref(error);
	json_decref(report);
	return status;
}
