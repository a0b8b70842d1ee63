/* SPDX-License-Identifier: Apache-2.0 */
/* The card's one private key: EC P-256 or RSA. OpenSSL is behind this file and nowhere else, but for random bytes. */
#ifndef MOKHOA_CARD_KEY_H
#define MOKHOA_CARD_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;

enum key_type {
	KEY_NONE,
	KEY_EC,
	KEY_RSA
};

/* Second parameter of the command that signs. */
enum key_algorithm {
	KEY_RSA_RAW = 0x20,
	KEY_RSA_PKCS1 = 0x30,	     /* the data is a DigestInfo */
	KEY_RSA_PKCS1_SHA256 = 0x33, /* the data is the message */
	KEY_ECDSA = 0x70,	     /* the data is a hash */
	KEY_ECDSA_SHA256 = 0x73,     /* the data is the message */
};

/* Read a PEM key and a DER certificate that belong together; stderr says what is wrong. */
bool key_import(const char *key_path, const char *certificate_path, struct buffer *ret_key, struct buffer *ret_certificate);
/* KEY_NONE when the bytes are no key that the card could hold. */
enum key_type key_type(const struct buffer *key, unsigned *ret_bits);
bool key_can(enum key_type type, unsigned algorithm);
/* Appends the signature. An ECDSA signature is DER, as the real card gives it. */
bool key_sign(const struct buffer *key, unsigned algorithm, const uint8_t *data, size_t length, struct buffer *signature);

#endif
