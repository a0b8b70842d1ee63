/* SPDX-License-Identifier: Apache-2.0 */
#include "detail.h"

#include <stdio.h>
#include <string.h>

static const char *
yes(bool is)
{
	return is ? "yes" : "no";
}

const char *
detail_type(const struct store_type *t, char ret[DETAIL_SIZE])
{
	snprintf(ret, DETAIL_SIZE, "manufacturer=%s model=%s family=%s rotation=%s flags_reliable=%s pin=%u-%u/%s key=%u/%s second_approver=%s so_tries=%u", t->manufacturer, t->model,
	    family_name(t->policy.family), yes(t->rotation), yes(t->policy.flags_reliable), t->policy.pin_min, t->policy.pin_max, characters_name(t->policy.pin_characters), t->key_length,
	    characters_name(t->key_characters), yes(t->second_approver), t->so_tries);
	return ret;
}

const char *
detail_module(const struct store_module *m, char ret[DETAIL_SIZE])
{
	snprintf(ret, DETAIL_SIZE, "vendor=%s system=%s name=%s path=%.700s", m->vendor, m->system, m->name, m->path);
	return ret;
}

struct said {
	size_t before; /* words of the rows before this one */
	size_t words;  /* that were met */
	size_t len;
	bool full;
};

/* Those words of a list that are not in a row yet, as far as there is room. */
static void
say(struct said *said, const char *key, const char *list, char ret[DETAIL_SIZE])
{
	bool begun = false;

	for (const char *at = list; *at != '\0' && !said->full;) {
		size_t len = strcspn(at, " ");
		size_t room = DETAIL_SIZE - said->len;
		if (said->words >= said->before) {
			int put = begun ? snprintf(ret + said->len, room, " %.*s", (int)len, at) : snprintf(ret + said->len, room, " %s=%.*s", key, (int)len, at);
			said->full = (size_t)put >= room;
			ret[said->full ? said->len : said->len + (size_t)put] = '\0';
			said->len += said->full ? 0 : (size_t)put;
			begun = true;
		}
		said->words += !said->full;
		at += len + (at[len] == ' ');
	}
}

bool
detail_agency(const char *what, const struct store_agency *a, size_t *at, char ret[DETAIL_SIZE])
{
	struct said said = { .before = *at > 0 ? *at - 1 : 0 };
	bool first = *at == 0;

	said.len = (size_t)snprintf(ret, DETAIL_SIZE, "%s=%s%s", what, a->id, a->second_approver ? " second_approver=yes" : "");
	say(&said, "origins", a->origins, ret);
	say(&said, "domains", a->domains, ret);
	*at = said.words + 1;
	return first || said.words > said.before;
}
