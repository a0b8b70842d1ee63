/* SPDX-License-Identifier: Apache-2.0 */
#include "piv.h"

#include "apdu.h"
#include "key.h"
#include "state.h"
#include "status.h"

#include <string.h>

enum {
	USER_PIN = 0x80,
	PUK = 0x81,
	KEY_AUTHENTICATION = 0x9a,
	ALGORITHM_P256 = 0x11,
	FIELD = 8, /* bytes of a PIN or PUK on the wire, filled up with FF */
	ANSWER_MAX = 256
};

const uint8_t piv_atr[PIV_ATR_LENGTH] = { 0x3b, 0x80, 0x01, 0x81 };

static const uint8_t aid[] = { 0xa0, 0x00, 0x00, 0x03, 0x08, 0x00, 0x00, 0x10, 0x00, 0x01, 0x00 };

void
piv_reset(struct piv *card)
{
	card->application = false;
	card->user = false;
	buffer_clear(&card->pending);
	card->fetched = 0;
}

/* ---- data objects ---- */

static void
put_discovery(struct buffer *content)
{
	static const uint8_t policy[] = { 0x40, 0x00 }; /* the PIN of this application, no other */

	buffer_append_tlv(content, 0x4f, aid, sizeof(aid));
	buffer_append_tlv(content, 0x5f2f, policy, sizeof(policy));
	buffer_wrap(content, 0x7e);
}

/* The serial number is the GUID's, as OpenSC takes it. */
static void
put_holder(const struct state *state, struct buffer *content)
{
	uint8_t number[25] = { 0xd4, 0xe7, 0x39, 0xda, 0x73, 0x9c, 0xed, 0x39, 0xce, 0x73, 0x9d, 0x83, 0x68, 0x58, 0x21, 0x08, 0x42, 0x10, 0x84, 0x21, 0xc8, 0x42,
		0x10, 0xc3, 0xeb };
	uint8_t guid[16] = { 0 };

	memcpy(guid + sizeof(guid) - strlen(state->serial), state->serial, strlen(state->serial));
	buffer_append_tlv(content, 0x30, number, sizeof(number));
	buffer_append_tlv(content, 0x34, guid, sizeof(guid));
	buffer_append_tlv(content, 0x35, "20391231", 8);
	buffer_append_tlv(content, 0x3e, NULL, 0);
	buffer_append_tlv(content, 0xfe, NULL, 0);
	buffer_wrap(content, 0x53);
}

static void
put_certificate(const struct state *state, struct buffer *content)
{
	static const uint8_t plain = 0;

	buffer_append_tlv(content, 0x70, state->certificate.bytes, state->certificate.length);
	buffer_append_tlv(content, 0x71, &plain, 1);
	buffer_append_tlv(content, 0xfe, NULL, 0);
	buffer_wrap(content, 0x53);
}

/* As much as the reader takes at once; the rest waits for GET RESPONSE. */
static unsigned
fetch(struct piv *card, struct buffer *answer)
{
	const size_t left = card->pending.length - card->fetched;
	const size_t count = left < ANSWER_MAX ? left : ANSWER_MAX;

	buffer_append(answer, card->pending.bytes + card->fetched, count);
	card->fetched += count;
	if (left == count)
		return STATUS_OK;
	return STATUS_MORE | (unsigned)(left - count < ANSWER_MAX ? left - count : 0);
}

static unsigned
run_get_data(struct piv *card, const struct apdu *apdu, struct buffer *answer)
{
	static const uint8_t holder[] = { 0x5c, 0x03, 0x5f, 0xc1, 0x02 };
	static const uint8_t certificate[] = { 0x5c, 0x03, 0x5f, 0xc1, 0x05 };
	static const uint8_t discovery[] = { 0x5c, 0x01, 0x7e };

	buffer_clear(&card->pending);
	card->fetched = 0;
	if (apdu->p1 != 0x3f || apdu->p2 != 0xff)
		return STATUS_WRONG_PARAMETERS;
	if (apdu->data_length == sizeof(discovery) && memcmp(apdu->data, discovery, sizeof(discovery)) == 0)
		put_discovery(&card->pending);
	else if (apdu->data_length == sizeof(holder) && memcmp(apdu->data, holder, sizeof(holder)) == 0)
		put_holder(card->state, &card->pending);
	else if (apdu->data_length == sizeof(certificate) && memcmp(apdu->data, certificate, sizeof(certificate)) == 0)
		put_certificate(card->state, &card->pending);
	else
		return STATUS_NO_FILE;
	return card->pending.overflow ? STATUS_NO_DIAGNOSIS : fetch(card, answer);
}

static unsigned
run_get_response(struct piv *card, const struct apdu *apdu, struct buffer *answer)
{
	(void)apdu;
	return card->fetched < card->pending.length ? fetch(card, answer) : STATUS_NO_FILE_SELECTED;
}

/* What a YubiKey is asked besides: its version and its number. */
static unsigned
run_version(struct piv *card, const struct apdu *apdu, struct buffer *answer)
{
	static const uint8_t version[] = { 5, 4, 3 };

	(void)card;
	(void)apdu;
	buffer_append(answer, version, sizeof(version));
	return STATUS_OK;
}

static unsigned
run_number(struct piv *card, const struct apdu *apdu, struct buffer *answer)
{
	(void)apdu;
	buffer_append(answer, card->state->serial + strlen(card->state->serial) - SERIAL_MIN, SERIAL_MIN);
	buffer_append_byte(answer, 0);
	return STATUS_OK;
}

static unsigned
run_select(struct piv *card, const struct apdu *apdu, struct buffer *answer)
{
	if (apdu->p1 != 0x04)
		return STATUS_NO_FILE;
	if (apdu->data_length < 5 || apdu->data_length > sizeof(aid) || memcmp(apdu->data, aid, apdu->data_length) != 0)
		return STATUS_NO_FILE;
	piv_reset(card);
	card->application = true;
	buffer_append_tlv(answer, 0x4f, aid + 5, sizeof(aid) - 5);
	buffer_append(answer, "\x79\x07\x4f\x05", 4);
	buffer_append(answer, aid, 5);
	buffer_wrap(answer, 0x61);
	return STATUS_OK;
}

/* ---- PINs ---- */

static size_t
unpadded(const uint8_t field[FIELD])
{
	size_t length = FIELD;

	while (length > 0 && field[length - 1] == 0xff)
		length--;
	return length;
}

static unsigned
present(struct piv *card, struct pin *pin, const uint8_t field[FIELD])
{
	return status_present(card->state_path, card->state, pin, field, unpadded(field));
}

static struct pin *
find_pin(struct piv *card, unsigned reference)
{
	if (reference == USER_PIN)
		return &card->state->user;
	return reference == PUK ? &card->state->so : NULL;
}

static unsigned
run_verify(struct piv *card, const struct apdu *apdu, struct buffer *answer)
{
	unsigned status;

	(void)answer;
	if (apdu->p2 != USER_PIN)
		return STATUS_NO_REFERENCE;
	if (apdu->p1 == 0xff && apdu->data_length == 0)
		card->user = false;
	else if (apdu->p1 != 0)
		return STATUS_WRONG_PARAMETERS;
	if (apdu->data_length == 0)
		return card->user ? STATUS_OK : status_of_pin(&card->state->user);
	if (apdu->data_length != FIELD)
		return STATUS_WRONG_DATA;
	status = present(card, &card->state->user, apdu->data);
	card->user = status == STATUS_OK;
	return status;
}

/* The old value, or for the reset the PUK, and the new one; where pin and target differ it is the reset. */
static unsigned
replace(struct piv *card, const struct apdu *apdu, struct pin *pin, struct pin *target)
{
	const size_t length = apdu->data_length == 2 * FIELD ? unpadded(apdu->data + FIELD) : 0;
	unsigned status;

	if (length < PIN_MIN)
		return STATUS_WRONG_DATA;
	status = present(card, pin, apdu->data);
	if (status != STATUS_OK)
		return status;
	pin_set(target, apdu->data + FIELD, length);
	return state_save(card->state_path, card->state) ? STATUS_OK : STATUS_MEMORY_FAILURE;
}

static unsigned
run_change(struct piv *card, const struct apdu *apdu, struct buffer *answer)
{
	struct pin *pin = find_pin(card, apdu->p2);

	(void)answer;
	return pin != NULL ? replace(card, apdu, pin, pin) : STATUS_NO_REFERENCE;
}

static unsigned
run_reset_retry_counter(struct piv *card, const struct apdu *apdu, struct buffer *answer)
{
	(void)answer;
	return apdu->p2 == USER_PIN ? replace(card, apdu, &card->state->so, &card->state->user) : STATUS_NO_REFERENCE;
}

/* ---- the key ---- */

/* The value of a tag of one byte among those of the dynamic authentication template; all lengths here are short. */
static const uint8_t *
find_tag(const struct apdu *apdu, uint8_t tag, size_t *ret_length)
{
	size_t at = 2;

	while (at + 2 <= apdu->data_length) {
		const size_t length = apdu->data[at + 1];

		if (at + 2 + length > apdu->data_length)
			return NULL;
		if (apdu->data[at] == tag) {
			*ret_length = length;
			return apdu->data + at + 2;
		}
		at += 2 + length;
	}
	return NULL;
}

static unsigned
run_authenticate(struct piv *card, const struct apdu *apdu, struct buffer *answer)
{
	struct buffer signature = { 0 };
	const uint8_t *hash;
	size_t length = 0;

	if (apdu->p1 != ALGORITHM_P256 || apdu->p2 != KEY_AUTHENTICATION)
		return STATUS_WRONG_PARAMETERS;
	if (apdu->data_length < 2 || apdu->data[0] != 0x7c || (hash = find_tag(apdu, 0x81, &length)) == NULL)
		return STATUS_WRONG_DATA;
	if (!card->user)
		return STATUS_NOT_VERIFIED;
	if (!key_sign(&card->state->key, KEY_ECDSA, hash, length, &signature))
		return STATUS_WRONG_DATA;
	buffer_append_tlv(answer, 0x82, signature.bytes, signature.length);
	buffer_wrap(answer, 0x7c);
	return STATUS_OK;
}

/* ---- dispatch ---- */

static const struct {
	uint8_t ins;
	bool application; /* answered only after the application was selected */
	unsigned (*run)(struct piv *card, const struct apdu *apdu, struct buffer *answer);
} instructions[] = {
	{ 0xa4, false, run_select },
	{ 0xcb, true, run_get_data },
	{ 0xc0, true, run_get_response },
	{ 0x20, true, run_verify },
	{ 0x24, true, run_change },
	{ 0x2c, true, run_reset_retry_counter },
	{ 0x87, true, run_authenticate },
	{ 0xfd, true, run_version },
	{ 0xf8, true, run_number },
};

static unsigned
dispatch(struct piv *card, const struct apdu *apdu, struct buffer *answer)
{
	if (apdu->cla != 0x00)
		return STATUS_NO_CLASS;
	for (size_t i = 0; i < sizeof(instructions) / sizeof(instructions[0]); i++)
		if (instructions[i].ins == apdu->ins && (card->application || !instructions[i].application))
			return instructions[i].run(card, apdu, answer);
	return STATUS_NO_INSTRUCTION;
}

void
piv_run(struct piv *card, const uint8_t *request, size_t length, struct buffer *ret_answer)
{
	struct apdu apdu;
	unsigned status = STATUS_WRONG_LENGTH;

	buffer_clear(ret_answer);
	if (apdu_parse(request, length, &apdu))
		status = dispatch(card, &apdu, ret_answer);
	if (ret_answer->overflow) {
		buffer_clear(ret_answer);
		status = STATUS_NO_DIAGNOSIS;
	}
	buffer_append_byte(ret_answer, status >> 8);
	buffer_append_byte(ret_answer, status);
}
