/* SPDX-License-Identifier: Apache-2.0 */
#include "find_token.h"

#include "certificate_view.h"
#include "log.h"

#include <string.h>

/* What the modules said besides the token that is looked for. */
struct search {
	enum err reader; /* of the first reader that failed */
	enum err module; /* of the first module that failed */
	enum err absent; /* why nothing is there, as absence_join() has it */
	size_t usable;	 /* modules that answered */
	size_t others;	 /* tokens of other names */
};

enum err
absence_join(enum err one, enum err other)
{
	if (one == ERR_OK || other == ERR_OK)
		return one == ERR_OK ? other : one;
	return one == ERR_NO_TOKEN ? one : other;
}

static size_t
count_matches(const struct step_inspection *inspection, const struct token_name *name, const struct step_token **ret_token)
{
	size_t count = 0;

	for (size_t i = 0; i < inspection->token_count; i++) {
		if (!token_name_equal(&inspection->tokens[i].name, name))
			continue;
		*ret_token = &inspection->tokens[i];
		count++;
	}
	return count;
}

/* How often the module shows the token; with 1 it is in ret, otherwise ret is as it was. */
static size_t
look_in(const struct profile_module *module, const struct token_name *name, struct search *s, struct found_token *ret)
{
	struct found_token found = { .module = module };
	enum err e = step_inspect(module, &found.inspection);
	size_t count;

	if (e != ERR_OK) {
		log_debug("token", "module=%s result=%s", module->name, err_name(e));
		if (s->module == ERR_OK)
			s->module = e;
		return 0;
	}
	s->usable++;
	if (s->reader == ERR_OK && found.inspection.failure_count != 0)
		s->reader = found.inspection.failures[0].error;
	s->absent = absence_join(s->absent, found.inspection.absent);
	count = count_matches(&found.inspection, name, &found.token);
	s->others += found.inspection.token_count - count;
	if (count == 1)
		*ret = found;
	else
		found_token_free(&found);
	return count;
}

enum err
token_find(const struct profile *profile, const struct token_name *name, struct found_token *ret)
{
	struct search s = { .reader = ERR_OK };

	for (size_t i = 0; i < profile->module_count; i++) {
		size_t count = look_in(&profile->modules[i], name, &s, ret);
		if (count != 0)
			return count == 1 ? ERR_OK : ERR_TOKEN_AMBIGUOUS;
	}
	if (s.reader != ERR_OK)
		return s.reader;
	if (s.usable == 0 && s.module != ERR_OK)
		return s.module;
	if (s.others != 0)
		return ERR_TOKEN_ABSENT;
	return s.absent != ERR_OK ? s.absent : ERR_NO_TOKEN;
}

void
found_token_free(struct found_token *found)
{
	step_inspection_free(&found->inspection);
	*found = (struct found_token){ .module = NULL };
}

enum err
token_so_pin_fits(const struct step_token *token, const char *reason, bool flags_reliable)
{
	if (flags_reliable && strcmp(reason, "locked") == 0 && token->pin != PIN_STATE_LOCKED && token->pin != PIN_STATE_UNKNOWN)
		return ERR_TOKEN_NOT_LOCKED;
	switch (token->so_pin) {
	case PIN_STATE_LOCKED:
		return ERR_TOKEN_SO_LOCKED;
	case PIN_STATE_LAST_TRY:
		return ERR_TOKEN_SO_LAST_TRY;
	case PIN_STATE_OK:
	case PIN_STATE_FEW_TRIES:
	case PIN_STATE_UNKNOWN:
	case PIN_STATE_COUNT:
		break;
	}
	return ERR_OK;
}

const struct step_certificate *
token_certificate_of(const struct step_token *token)
{
	const struct step_certificate *best = NULL;
	int64_t best_until = 0;

	for (size_t i = 0; i < token->certificate_count; i++) {
		const struct step_certificate *c = &token->certificates[i];
		struct certificate_view view;
		if (c->der_len > STEP_CERTIFICATE_MAX || !certificate_view(c->der, c->der_len, &view) || view.authority)
			continue;
		if (best == NULL || view.not_after > best_until) {
			best = c;
			best_until = view.not_after;
		}
	}
	return best;
}
