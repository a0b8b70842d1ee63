/* SPDX-License-Identifier: Apache-2.0 */
/*
 * so_pin: the SO PIN that comes after a given one. A card accepts only what looks like its old one (16 hexadecimal digits, 8 decimal
 * ones), so the next one has the same length and an alphabet that the card has already shown to take, unless its type says otherwise. One that is shorter
 * than SO_PIN_NEXT_MIN is followed by one of that length: anybody could guess at it (store.h has the same bound for what a type says).
 */
#ifndef MOKHOA_SO_PIN_H
#define MOKHOA_SO_PIN_H

#include "err.h"
#include "secret.h"
#include "vault_client.h"

#define SO_PIN_NEXT_MIN 6

/* Each one of the alphabet's texts of that length but the current is equally likely. ERR_VAULT_REFUSED for an empty PIN or one with bytes that no keyboard has. */
enum err so_pin_next(const struct secret *current, const struct vault_format *format, struct secret *ret_next);

#endif
