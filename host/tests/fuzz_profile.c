/* SPDX-License-Identifier: Apache-2.0 */
/* A profile is the administrator's, but a broken one must be refused and not half read: what is accepted keeps its promises. */
#include "profile_parse.h"

#include "fuzz.h"
#include "json.h"

#include <string.h>

static void
check_profile(const struct profile *p)
{
	must(strncmp(p->tms, "https://", 8) == 0 && p->tms_key_count >= 1 && p->origin_count >= 1 && p->module_count >= 1);
	must(p->tls_system == (p->tls_ca == NULL));
	must(p->prompt[0] == '/' && p->hotline[0] != '\0' && p->proxy[0] != '\0' && strlen(p->language) == 2);
	for (size_t i = 0; i < p->module_count; i++) {
		const struct profile_module *m = &p->modules[i];
		must(m->path[0] == '/' && m->name[0] != '\0');
		for (size_t j = 0; j < m->environment_count; j++)
			must(strncmp(m->environment[j].name, "LD_", 3) != 0 && m->environment[j].value != NULL);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char where[PROFILE_WHERE_MAX];
	struct profile p;
	json_t *texts;

	if (profile_parse(data, size, &p, &texts, where) == ERR_OK) {
		check_profile(&p);
		json_decref(texts);
	} else {
		must(where[0] != '\0');
	}
	return 0;
}
