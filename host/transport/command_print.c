/* SPDX-License-Identifier: Apache-2.0 */
#include "command_print.h"

#include "frame.h"
#include "json.h"
#include "os.h"

#include <string.h>

void
print(intptr_t out, const char *text)
{
	(void)os_write_all(out, text, strlen(text));
}

void
print_json(intptr_t out, const json_t *value, bool aside)
{
	struct buf b = buf_new(FRAME_OUT_MAX + 1);

	if (json_dump(value, &b) == ERR_OK) {
		buf_add_text(&b, "\n");
		if (aside)
			os_log((const char *)b.data, b.len);
		else
			(void)os_write_all(out, b.data, b.len);
	}
	buf_free(&b);
}
