/* SPDX-License-Identifier: Apache-2.0 */
#include "detail.h"

#include <stdio.h>

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
