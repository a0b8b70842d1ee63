/* SPDX-License-Identifier: Apache-2.0 */
/* The operator's file, whatever is in it. */
#include "config.h"
#include "json.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool opened;
	struct config *c = NULL;
	char where[CONFIG_WHERE_SIZE];

	if (!opened)
		json_open();
	opened = true;
	if (config_parse(data, size, "fuzz.json", &c, where) == ERR_OK)
		config_free(c);
	return 0;
}
