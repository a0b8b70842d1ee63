/* SPDX-License-Identifier: Apache-2.0 */
/*
 * near: how far one word is from another, for "did you mean". Pure functions.
 */
#ifndef MOKHOA_NEAR_H
#define MOKHOA_NEAR_H

/* Characters to add, drop, change or swap with the next one (optimal string alignment); words beyond 32 bytes are as far as can be. */
unsigned near_distance(const char *a, const char *b);

/* Whether somebody who typed `word` may have meant `known`: at most one slip in every three characters. */
int near_may_mean(const char *word, const char *known);

#endif
