/* SPDX-License-Identifier: Apache-2.0 */
/* command_print: what the command line prints, on the handle that was its stdout. */
#ifndef MOKHOA_COMMAND_PRINT_H
#define MOKHOA_COMMAND_PRINT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

void print(intptr_t out, const char *text);

/* One line; aside: on stderr. */
void print_json(intptr_t out, const json_t *value, bool aside);

#endif
