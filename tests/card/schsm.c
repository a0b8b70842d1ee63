/* SPDX-License-Identifier: Apache-2.0 */
#include "schsm.h"

#include "apdu.h"
#include "file.h"
#include "key.h"
#include "state.h"
#include "status.h"

#include <openssl/rand.h>
#include <string.h>

enum {
	USER_PIN = 0x81,
	SO_PIN = 0x88,
	KEY_REFERENCE = 0x01,
	CHALLENGE_MAX = 1024,
	INS_READ_BINARY_ODD = 0xb1
};

const uint8_t schsm_atr[SCHSM_ATR_LENGTH] = { 0x3b, 0xfe, 0x18, 0x00, 0x00, 0x81, 0x31, 0xfe, 0x45, 0x80, 0x31, 0x81,
	0x54, 0x48, 0x53, 0x4d, 0x31, 0x73, 0x80, 0x21, 0x40, 0x81, 0x07, 0xfa };

void
schsm_reset(struct schsm *card)
{
	card->application = false;
	card->user = false;
	card->so = false;
	card->file = false;
}

/* ---- files ---- */

static unsigned
select_application(struct schsm *card, const struct apdu *apdu, struct buffer *answer)
{
	if (apdu->data_length != sizeof(file_aid) || memcmp(apdu->data, file_aid, sizeof(file_aid)) != 0)
		return STATUS_NO_FILE;
	schsm_reset(card);
	card->application = true;
	if (apdu->p2 != 0x0c)
		file_application_control(answer);
	return STATUS_OK;
}

static unsigned
select_file(struct schsm *card, const struct apdu *apdu, struct buffer *answer)
{
	unsigned id;

	if (apdu->data_length < 2)
		return STATUS_WRONG_LENGTH;
	id = (unsigned)apdu->data[apdu->data_length - 2] << 8 | apdu->data[apdu->data_length - 1];
	card->file = file_read(card->state, id, &card->content);
	if (!card->file)
		return STATUS_NO_FILE;
	if (apdu->p2 != 0x0c)
		file_control(id, card->content.length, answer);
	return STATUS_OK;
}

static unsigned
run_select(struct schsm *card, const struct apdu *apdu, struct buffer *answer)
{
	switch (apdu->p1) {
	case 0x04:
		return select_application(card, apdu, answer);
	case 0x00:
	case 0x02:
	case 0x08:
		return select_file(card, apdu, answer);
	default:
		return STATUS_WRONG_PARAMETERS;
	}
}

static unsigned
run_read_binary(struct schsm *card, const struct apdu *apdu, struct buffer *answer)
{
	size_t offset;
	size_t count;

	if (apdu->p1 != 0 || apdu->p2 != 0)
		return STATUS_WRONG_PARAMETERS;
	if (apdu->data_length != 4 || apdu->data[0] != 0x54 || apdu->data[1] != 0x02)
		return STATUS_WRONG_DATA;
	if (!card->file)
		return STATUS_NO_FILE_SELECTED;
	offset = (size_t)apdu->data[2] << 8 | apdu->data[3];
	if (offset > card->content.length)
		return STATUS_WRONG_OFFSET;
	count = card->content.length - offset;
	if (count > apdu->expected)
		count = apdu->expected;
	buffer_append(answer, card->content.bytes + offset, count);
	return count < apdu->expected ? STATUS_END_OF_FILE : STATUS_OK;
}

static unsigned
run_enumerate(struct schsm *card, const struct apdu *apdu, struct buffer *answer)
{
	(void)card;
	if (apdu->p1 != 0 || apdu->p2 != 0)
		return STATUS_WRONG_PARAMETERS;
	file_list(answer);
	return STATUS_OK;
}

/* ---- PINs ---- */

static bool
save(const struct schsm *card)
{
	return state_save(card->state_path, card->state);
}

static struct pin *
find_pin(struct schsm *card, unsigned reference)
{
	if (reference == USER_PIN)
		return &card->state->user;
	if (reference == SO_PIN)
		return &card->state->so;
	return NULL;
}

static bool *
find_verified(struct schsm *card, unsigned reference)
{
	return reference == USER_PIN ? &card->user : &card->so;
}

static bool
pin_length_ok(unsigned reference, size_t length)
{
	if (reference == SO_PIN)
		return length == SO_PIN_LENGTH;
	return length >= PIN_MIN && length <= PIN_MAX;
}

static unsigned
present(struct schsm *card, struct pin *pin, const uint8_t *value, size_t length)
{
	return status_present(card->state_path, card->state, pin, value, length);
}

static unsigned
run_verify(struct schsm *card, const struct apdu *apdu, struct buffer *answer)
{
	struct pin *pin = find_pin(card, apdu->p2);
	unsigned status;

	(void)answer;
	if (apdu->p1 != 0)
		return STATUS_WRONG_PARAMETERS;
	if (pin == NULL)
		return STATUS_NO_REFERENCE;
	if (apdu->data_length == 0)
		return *find_verified(card, apdu->p2) ? STATUS_OK : status_of_pin(pin);
	if (!pin_length_ok(apdu->p2, apdu->data_length))
		return STATUS_WRONG_LENGTH;
	status = present(card, pin, apdu->data, apdu->data_length);
	*find_verified(card, apdu->p2) = status == STATUS_OK;
	return status;
}

/* Where the old value ends is known from its own length, as on the real card. */
static unsigned
run_change(struct schsm *card, const struct apdu *apdu, struct buffer *answer)
{
	struct pin *pin = find_pin(card, apdu->p2);
	unsigned status;

	(void)answer;
	if (apdu->p1 != 0)
		return STATUS_WRONG_PARAMETERS;
	if (pin == NULL)
		return STATUS_NO_REFERENCE;
	if (apdu->data_length < pin->length || !pin_length_ok(apdu->p2, apdu->data_length - pin->length))
		return STATUS_WRONG_LENGTH;
	status = present(card, pin, apdu->data, pin->length);
	if (status != STATUS_OK)
		return status;
	pin_set(pin, apdu->data + pin->length, apdu->data_length - pin->length);
	return save(card) ? STATUS_OK : STATUS_MEMORY_FAILURE;
}

/* The SO PIN, then the new user PIN. The user has to present the new PIN before a signature. */
static unsigned
run_reset_retry_counter(struct schsm *card, const struct apdu *apdu, struct buffer *answer)
{
	unsigned status;

	(void)answer;
	if (apdu->p1 != 0)
		return STATUS_WRONG_PARAMETERS;
	if (apdu->p2 != USER_PIN)
		return STATUS_NO_REFERENCE;
	if (apdu->data_length < SO_PIN_LENGTH || !pin_length_ok(USER_PIN, apdu->data_length - SO_PIN_LENGTH))
		return STATUS_WRONG_LENGTH;
	status = present(card, &card->state->so, apdu->data, SO_PIN_LENGTH);
	if (status != STATUS_OK)
		return status;
	pin_set(&card->state->user, apdu->data + SO_PIN_LENGTH, apdu->data_length - SO_PIN_LENGTH);
	card->user = false;
	return save(card) ? STATUS_OK : STATUS_MEMORY_FAILURE;
}

/* ---- the key ---- */

static unsigned
run_sign(struct schsm *card, const struct apdu *apdu, struct buffer *answer)
{
	unsigned bits = 0;

	if (apdu->p1 != KEY_REFERENCE)
		return STATUS_NO_REFERENCE;
	if (!key_can(key_type(&card->state->key, &bits), apdu->p2))
		return STATUS_WRONG_PARAMETERS;
	if (apdu->data_length == 0)
		return STATUS_WRONG_LENGTH;
	if (!card->user)
		return STATUS_NOT_VERIFIED;
	if (!key_sign(&card->state->key, apdu->p2, apdu->data, apdu->data_length, answer))
		return STATUS_WRONG_DATA;
	return STATUS_OK;
}

static unsigned
run_challenge(struct schsm *card, const struct apdu *apdu, struct buffer *answer)
{
	uint8_t random[CHALLENGE_MAX];

	(void)card;
	if (apdu->expected == 0 || apdu->expected > sizeof(random))
		return STATUS_WRONG_LENGTH;
	if (RAND_bytes(random, (int)apdu->expected) != 1)
		return STATUS_NO_DIAGNOSIS;
	buffer_append(answer, random, apdu->expected);
	return STATUS_OK;
}

/* ---- dispatch ---- */

struct instruction {
	uint8_t cla;
	uint8_t ins;
	bool application; /* answered only after the application was selected */
	unsigned (*run)(struct schsm *card, const struct apdu *apdu, struct buffer *answer);
};

static const struct instruction instructions[] = {
	{ 0x00, 0xa4, false, run_select },
	{ 0x00, INS_READ_BINARY_ODD, true, run_read_binary },
	{ 0x00, 0x20, true, run_verify },
	{ 0x00, 0x24, true, run_change },
	{ 0x00, 0x2c, true, run_reset_retry_counter },
	{ 0x00, 0x84, true, run_challenge },
	{ 0x80, 0x58, true, run_enumerate },
	{ 0x80, 0x68, true, run_sign },
};

static unsigned
dispatch(struct schsm *card, const struct apdu *apdu, struct buffer *answer)
{
	if (apdu->cla != 0x00 && apdu->cla != 0x80)
		return STATUS_NO_CLASS;
	for (size_t i = 0; i < sizeof(instructions) / sizeof(instructions[0]); i++) {
		const struct instruction *instruction = &instructions[i];

		if (instruction->cla != apdu->cla || instruction->ins != apdu->ins)
			continue;
		if (instruction->application && !card->application)
			break;
		return instruction->run(card, apdu, answer);
	}
	return STATUS_NO_INSTRUCTION;
}

void
schsm_run(struct schsm *card, const uint8_t *request, size_t length, struct buffer *ret_answer)
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
	if (ret_answer->overflow) {
		buffer_clear(ret_answer);
		buffer_append(ret_answer, "\x6f\x00", 2);
	}
}
