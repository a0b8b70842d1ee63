/* SPDX-License-Identifier: Apache-2.0 */
#include "places.h"

#include <string.h>

#include "places_table.h"

size_t
place_count(void)
{
	return sizeof(rows) / sizeof(rows[0]);
}

const struct place *
place_at(size_t index)
{
	return index < place_count() ? &rows[index] : NULL;
}

bool
place_is_browser(const char *browser)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], browser) == 0)
			return true;
	return false;
}
