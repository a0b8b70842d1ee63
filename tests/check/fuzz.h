/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz: what a fuzz target needs and no more. must() ends the run, which is how a fuzzer learns that it has found something. */
#ifndef MOKHOA_FUZZ_H
#define MOKHOA_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void
must(bool holds)
{
	if (!holds)
		abort();
}

#endif
