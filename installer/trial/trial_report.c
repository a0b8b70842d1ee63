/* SPDX-License-Identifier: Apache-2.0 */
#include "trial_report.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	const char *vi;
	const char *en;
} reasons[BECAUSE_COUNT] = {
	[BECAUSE_NOT_SET] = { "pin_not_set", "SO PIN hoặc PUK không đặt được PIN mới.", "The SO PIN or PUK gives it no new PIN." },
	[BECAUSE_NOT_PROVED] = { "pin_not_proved", "Trình điều khiển báo đã đặt PIN mới, nhưng PIN đó không mở được token.",
	    "The driver says that the new PIN is set, and it does not open the token." },
	[BECAUSE_ANY_PIN] = { "any_pin_opens", "Một PIN sai vẫn mở được token.", "A wrong PIN opens the token." },
	[BECAUSE_NEVER_LOCKS] = { "never_locks", "Token không bao giờ khóa PIN, nên không thử được việc mở khóa.",
	    "The token never locks its PIN, so that no unlock could be tried." },
	[BECAUSE_LOCK_OPENS] = { "locked_pin_opens", "Token báo đã khóa nhưng PIN vẫn mở được.", "The token calls itself locked, and its PIN still opens it." },
	[BECAUSE_ANY_SO_PIN] = { "any_so_pin_works", "Một SO PIN sai vẫn dùng được.", "A wrong SO PIN does what the right one does." },
	[BECAUSE_ROTATION_LIES] = { "rotation_not_proved", "Trình điều khiển báo đã đổi SO PIN, nhưng SO PIN mới bị từ chối.",
	    "The driver says that the SO PIN is replaced, and the new one is refused." },
};

static json_t *
answer_json(enum answer a)
{
	return a == ANSWER_UNKNOWN ? json_null() : json_boolean(a == ANSWER_YES);
}

static const char *
verdict(const struct trial *t)
{
	if (t->unfinished != ERR_OK)
		return "unfinished";
	return t->because == BECAUSE_NOTHING ? "supported" : "not_supported";
}

static json_t *
because_json(const struct trial *t)
{
	if (t->unfinished != ERR_OK)
		return json_pack("[{s:s, s:s, s:s}]",
		    "reason", err_name(t->unfinished),
		    "vi", err_sentence(t->unfinished, "vi"),
		    "en", err_sentence(t->unfinished, "en"));
	if (t->because == BECAUSE_NOTHING)
		return json_array();
	return json_pack("[{s:s, s:s, s:s}]",
	    "reason", reasons[t->because].name,
	    "vi", reasons[t->because].vi,
	    "en", reasons[t->because].en);
}

/* ---- the kind, as the server has it ---- */

struct kind {
	char name[sizeof(((struct token_name *)0)->manufacturer) + sizeof(((struct token_name *)0)->model)];
	enum family family;
	bool rotation;
	bool flags_reliable;
	unsigned pin_min;
	unsigned pin_max;
	enum characters characters;
};

static struct kind
kind_of(const struct trial *t)
{
	bool supported = t->unfinished == ERR_OK && t->because == BECAUSE_NOTHING;
	struct kind k = { .family = supported ? t->family : FAMILY_NONE };

	(void)snprintf(k.name, sizeof(k.name), "%s%s%s", t->token.manufacturer, t->token.model[0] != '\0' ? " " : "", t->token.model);
	k.rotation = supported && t->rotation == ANSWER_YES;
	k.flags_reliable = t->locks == ANSWER_YES && !t->flags_wrong;
	k.pin_min = t->pin_min;
	k.pin_max = t->pin_max;
	/* a bound that it says and does not keep: what it did take is within these */
	if (t->min_taken == ANSWER_NO && t->pin.len > k.pin_min)
		k.pin_min = (unsigned)t->pin.len;
	if (t->max_taken == ANSWER_NO && t->pin.len < k.pin_max)
		k.pin_max = (unsigned)t->pin.len;
	/* digits are what was tried in any case */
	k.characters = t->letters_taken == ANSWER_YES ? CHARACTERS_ALPHANUMERIC : CHARACTERS_DIGITS;
	return k;
}

static json_t *
kind_json(const struct trial *t)
{
	struct kind k = kind_of(t);

	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:s}",
	    "name", k.name,
	    "manufacturer", t->token.manufacturer,
	    "family", family_name(k.family),
	    "model", t->token.model,
	    "rotation", k.rotation ? "yes" : "no",
	    "flags_reliable", k.flags_reliable ? "yes" : "no",
	    "pin_min", (int)k.pin_min,
	    "pin_max", (int)k.pin_max,
	    "pin_characters", characters_name(k.characters));
}

static const char *
so_pin_word(const struct trial *t)
{
	return t->so_pin_unsure ? "yours_or_recorded" : "yours";
}

json_t *
report_json(const struct trial *t)
{
	json_t *observed = json_pack("{s:o, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b}",
	    "locks", answer_json(t->locks),
	    "user_tries", (int)t->user_tries,
	    "unlocked", answer_json(t->unlocked),
	    "pin_min_taken", answer_json(t->min_taken),
	    "pin_max_taken", answer_json(t->max_taken),
	    "letters_taken", answer_json(t->letters_taken),
	    "rotation", answer_json(t->rotation),
	    "so_login_asks", answer_json(t->so_login_asks),
	    "so_counter_restored", answer_json(t->so_counter_restored),
	    "wrong_so_pin_presented", t->wrong_so_presented ? 1 : 0);
	json_t *module = json_pack("{s:s}", "path", t->module->path);

	(void)json_object_update(module, t->module_said);
	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:O}",
	    "verdict", verdict(t),
	    "because", because_json(t),
	    "token", token_name_json(&t->token),
	    "module", module,
	    "type", kind_json(t),
	    "observed", observed,
	    "record_left", json_boolean(t->recorded),
	    "so_pin", so_pin_word(t),
	    "steps", t->steps);
}

/* RFC 4180: every field quoted, so that no name of a maker is two. */
static void
add_field(struct buf *b, const char *text, const char *end)
{
	buf_add_text(b, "\"");
	for (; *text != '\0'; text++) {
		if (*text == '"')
			buf_add_text(b, "\"");
		buf_add(b, text, 1);
	}
	buf_add_text(b, "\"");
	buf_add_text(b, end);
}

enum err
report_row(const struct trial *t, struct buf *ret)
{
	struct kind k = kind_of(t);
	char pin_min[12];
	char pin_max[12];

	(void)snprintf(pin_min, sizeof(pin_min), "%u", k.pin_min);
	(void)snprintf(pin_max, sizeof(pin_max), "%u", k.pin_max);
	buf_add_text(ret, "name,manufacturer,family,model,rotation,flags_reliable,pin_min,pin_max,pin_characters\n");
	add_field(ret, k.name, ",");
	add_field(ret, t->token.manufacturer, ",");
	add_field(ret, family_name(k.family), ",");
	add_field(ret, t->token.model, ",");
	add_field(ret, k.rotation ? "yes" : "no", ",");
	add_field(ret, k.flags_reliable ? "yes" : "no", ",");
	add_field(ret, pin_min, ",");
	add_field(ret, pin_max, ",");
	add_field(ret, characters_name(k.characters), "\n");
	return buf_error(ret);
}
