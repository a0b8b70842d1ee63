/* SPDX-License-Identifier: Apache-2.0 */
#include "look.h"

#include "buf.h"
#include "frame.h"
#include "json.h"
#include "os.h"
#include "slot.h"
#include "step_child.h"
#include "step_wire.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

#define LOOK_MS	 15000
#define MAPS_MAX 1048576 /* bytes of the list of what is mapped */

/* ---- here: the process that loads the module ---- */

static json_t *
version_json(CK_VERSION v)
{
	return json_sprintf("%u.%u", v.major, v.minor);
}

/* A field of the module's, padded with blanks; "" where it is no text to show. */
static json_t *
field_json(const unsigned char *field, size_t len)
{
	const char *text = (const char *)field;
	size_t used = text_unpadded(field, len);

	return text_is_showable(text, used) ? json_stringn(text, used) : json_string("");
}

static void
add_library(json_t *list, const char *path)
{
	size_t i;
	json_t *known;

	json_array_foreach(list, i, known) if (strcmp(json_string_value(known), path) == 0) return;
	(void)json_array_append_new(list, json_string(path));
}

/* The shared libraries in this process: the module, what it brought, and ours. Empty where the system has no such list. */
static json_t *
libraries_json(void)
{
	struct buf b = buf_new(MAPS_MAX);
	json_t *list = json_array();
	char *text = NULL;

	if (list != NULL && os_read_file("/proc/self/maps", &b) == ERR_OK && buf_text(&b) != NULL)
		text = (char *)b.data;
	for (char *line = text; line != NULL && *line != '\0';) {
		char *end = line + strcspn(line, "\n");
		char *next = *end != '\0' ? end + 1 : end;
		char *path;

		*end = '\0';
		path = strchr(line, '/');
		if (path != NULL && strstr(path, ".so") != NULL && text_is_showable(path, strlen(path)))
			add_library(list, path);
		line = next;
	}
	buf_free(&b);
	return list;
}

static enum err
look_here(struct cryptoki *c, const char *path, const char *parameters, const struct token_name *token, json_t **ret)
{
	CK_INFO info = { .flags = 0 };
	CK_TOKEN_INFO of_token = { .flags = 0 };
	struct slot slot;
	enum err e = cryptoki_open(c, path, parameters);

	if (e == ERR_OK)
		e = slot_open(c, token, false, &slot);
	if (e == ERR_OK)
		e = cryptoki_check(c, CRYPTOKI_MODULE, "C_GetInfo", c->list->C_GetInfo(&info));
	if (e == ERR_OK)
		e = cryptoki_check(c, CRYPTOKI_SLOT, "C_GetTokenInfo", c->list->C_GetTokenInfo(slot.id, &of_token));
	if (e != ERR_OK)
		return e;
	*ret = json_pack("{s:I, s:i, s:i, s:{s:o, s:o, s:o, s:o, s:o, s:o}}",
	    "flags", (json_int_t)(slot.flags & INT64_MAX),
	    "pin_min", (int)slot.pin_min,
	    "pin_max", (int)slot.pin_max,
	    "module",
	    "library", field_json(info.libraryDescription, sizeof(info.libraryDescription)),
	    "version", version_json(info.libraryVersion),
	    "cryptoki", version_json(info.cryptokiVersion),
	    "libraries", libraries_json(),
	    "hardware", version_json(of_token.hardwareVersion),
	    "firmware", version_json(of_token.firmwareVersion));
	return *ret != NULL ? ERR_OK : ERR_NO_MEMORY;
}

static enum err
take_question(intptr_t in, json_t **ret)
{
	struct frame_reader reader = frame_reader_new(STEP_FRAME_MAX);
	const unsigned char *bytes;
	uint32_t len;
	enum err e = frame_read(&reader, in, os_now_ms() + LOOK_MS, &bytes, &len);

	if (e == ERR_OK)
		e = json_load(bytes, len, ret, NULL);
	frame_reader_free(&reader);
	return e;
}

static enum err
answer(struct cryptoki *c, const json_t *question, json_t **ret_result)
{
	const char *path;
	const char *parameters = NULL;
	const json_t *name;
	struct token_name token;

	if (json_unpack((json_t *)question, "{s:s, s?s, s:o !}", "module", &path, "parameters", &parameters, "token", &name) != 0 ||
	    !token_name_from_json(name, &token))
		return ERR_INVALID_REQUEST;
	return look_here(c, path, parameters, &token, ret_result);
}

int
look_run(intptr_t in, intptr_t out)
{
	struct cryptoki c = { .leash = &in };
	struct step_outcome outcome = { .presented = false };
	struct buf b = buf_new(STEP_FRAME_MAX);
	json_t *question = NULL;
	json_t *result = NULL;
	json_t *said;
	bool given;
	enum err e = os_end_after(2 * LOOK_MS) ? take_question(in, &question) : ERR_INTERNAL;

	if (e == ERR_OK)
		e = answer(&c, question, &result);
	said = step_answer_json(e, &outcome, result);
	given = said != NULL && json_dump(said, &b) == ERR_OK && frame_write(out, b.data, b.len, STEP_FRAME_MAX) == ERR_OK;
	json_decref(said);
	json_decref(question);
	buf_free(&b);
	cryptoki_close(&c);
	return given ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ---- there: the trial, which loads none ---- */

static enum err
take_look(const json_t *result, struct look *ret)
{
	json_int_t flags;
	int pin_min, pin_max;
	json_t *module;

	if (result == NULL ||
	    json_unpack((json_t *)result, "{s:I, s:i, s:i, s:O !}", "flags", &flags, "pin_min", &pin_min, "pin_max", &pin_max, "module", &module) != 0)
		return ERR_MODULE_FAILED;
	if (flags < 0 || pin_min < 1 || pin_max < pin_min || pin_max > SECRET_MAX) {
		json_decref(module);
		return ERR_MODULE_FAILED;
	}
	*ret = (struct look){ .flags = (uint64_t)flags, .pin_min = (unsigned)pin_min, .pin_max = (unsigned)pin_max, .module = module };
	return ERR_OK;
}

enum err
look_at(const struct profile_module *module, const struct token_name *token, struct look *ret)
{
	char program[OS_PATH_MAX];
	struct step_child child = { .program = program, .deadline_ms = LOOK_MS };
	struct step_outcome outcome;
	const json_t *result = NULL;
	json_t *question = json_pack("{s:s, s:s*, s:o}", "module", module->path, "parameters", module->parameters, "token", token_name_json(token));
	json_t *said = NULL;
	enum err in_there = ERR_OK;
	enum err e = os_program_path(NULL, "mokhoa-token-trial", program);

	if (e == ERR_OK && question == NULL)
		e = ERR_NO_MEMORY;
	if (e == ERR_OK)
		e = step_child_ask(&child, module, question, &said);
	if (e == ERR_OK)
		e = step_answer_from_json(said, &in_there, &outcome, &result);
	if (e == ERR_OK)
		e = in_there;
	if (e == ERR_OK)
		e = take_look(result, ret);
	json_decref(question);
	json_decref(said);
	return e;
}

/* ---- words ---- */

json_t *
look_flags_json(uint64_t flags)
{
	static const struct {
		uint64_t flag;
		const char *name;
	} names[] = {
		{ CKF_USER_PIN_INITIALIZED, "CKF_USER_PIN_INITIALIZED" },
		{ CKF_PROTECTED_AUTHENTICATION_PATH, "CKF_PROTECTED_AUTHENTICATION_PATH" },
		{ CKF_USER_PIN_COUNT_LOW, "CKF_USER_PIN_COUNT_LOW" },
		{ CKF_USER_PIN_FINAL_TRY, "CKF_USER_PIN_FINAL_TRY" },
		{ CKF_USER_PIN_LOCKED, "CKF_USER_PIN_LOCKED" },
		{ CKF_USER_PIN_TO_BE_CHANGED, "CKF_USER_PIN_TO_BE_CHANGED" },
		{ CKF_SO_PIN_COUNT_LOW, "CKF_SO_PIN_COUNT_LOW" },
		{ CKF_SO_PIN_FINAL_TRY, "CKF_SO_PIN_FINAL_TRY" },
		{ CKF_SO_PIN_LOCKED, "CKF_SO_PIN_LOCKED" },
		{ CKF_SO_PIN_TO_BE_CHANGED, "CKF_SO_PIN_TO_BE_CHANGED" },
	};
	json_t *list = json_array();

	for (size_t i = 0; list != NULL && i < sizeof(names) / sizeof(names[0]); i++)
		if ((flags & names[i].flag) != 0)
			(void)json_array_append_new(list, json_string(names[i].name));
	return list;
}
