/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fold: text as people search it: "Công ty ĐẠI PHÁT" and "cong ty dai phat" are the same. Letters of Vietnamese, composed or not, become
 * the ASCII letter below the marks, ASCII letters small ones; everything else stays. Private to the store's own files.
 */
#ifndef MOKHOA_FOLD_H
#define MOKHOA_FOLD_H

#include <stddef.h>

/* Writes at most len bytes to ret, which has the room (a letter never grows); returns how many. Bytes that are no UTF-8 stay as they are. */
size_t fold_text(const char *text, size_t len, char *ret);

#endif
