/* SPDX-License-Identifier: Apache-2.0 */
#include "slot.h"

#include "log.h"
#include "os.h"
#include "text.h"

#include <stdint.h>
#include <string.h>

/* ---- fields of CK_SLOT_INFO and CK_TOKEN_INFO ---- */

/* Blank-padded by the standard, NUL-terminated by some makers with anything behind it. ret has len + 1 bytes. */
static void
copy_field(char *ret, const unsigned char *field, size_t len)
{
	const unsigned char *end = memchr(field, '\0', len);
	size_t used = text_unpadded(field, end != NULL ? (size_t)(end - field) : len);

	memcpy(ret, field, used);
	ret[used] = '\0';
}

/* For people only: what cannot be shown becomes a question mark. */
static void
copy_shown(char *ret, const unsigned char *field, size_t len)
{
	copy_field(ret, field, len);
	for (size_t at = 0, used = strlen(ret); at < used;) {
		uint32_t point;
		size_t step = text_char(ret + at, used - at, &point);

		if (step == 0 || !text_is_showable(ret + at, step)) {
			step = step != 0 ? step : 1;
			memset(ret + at, '?', step);
		}
		at += step;
	}
}

static bool
name_is_sayable(const struct token_name *name)
{
	return name->serial[0] != '\0' && text_is_showable(name->serial, strlen(name->serial)) &&
	       text_is_showable(name->model, strlen(name->model)) && text_is_showable(name->manufacturer, strlen(name->manufacturer));
}

void
slot_set_pin_lengths(struct slot *slot, CK_ULONG min, CK_ULONG max)
{
	if (max == 0 || max > SECRET_MAX)
		max = SECRET_MAX;
	if (min > max) {
		min = 1;
		max = SECRET_MAX;
	}
	slot->pin_min = min != 0 ? (unsigned)min : 1;
	slot->pin_max = (unsigned)max;
}

/* ---- reading ---- */

enum err
slot_list(struct cryptoki *c, CK_SLOT_ID ret_ids[SLOT_MAX], size_t *ret_count)
{
	CK_SLOT_ID ids[SLOT_MAX];
	CK_ULONG count = 0;
	/* the first call, without room, is the one on which modules look for readers (PKCS#11 section 5.5) */
	enum err e = cryptoki_check(c, CRYPTOKI_MODULE, "C_GetSlotList", c->list->C_GetSlotList(CK_FALSE, NULL, &count));

	if (e == ERR_OK && count > 0) {
		count = SLOT_MAX;
		e = cryptoki_check(c, CRYPTOKI_MODULE, "C_GetSlotList", c->list->C_GetSlotList(CK_FALSE, ids, &count));
	}
	if (e != ERR_OK || count > SLOT_MAX)
		return ERR_MODULE_FAILED;
	memcpy(ret_ids, ids, count * sizeof(ids[0]));
	*ret_count = count;
	return ERR_OK;
}

static enum err
read_token(struct cryptoki *c, struct slot *slot)
{
	CK_TOKEN_INFO info = { .flags = 0 };
	CK_RV rv = c->list->C_GetTokenInfo(slot->id, &info);

	if (rv == CKR_TOKEN_NOT_PRESENT)
		return ERR_NO_TOKEN;
	if (rv != CKR_OK)
		return cryptoki_check(c, CRYPTOKI_SLOT, "C_GetTokenInfo", rv);
	if ((info.flags & CKF_TOKEN_INITIALIZED) == 0)
		return ERR_NO_TOKEN;
	copy_field(slot->name.manufacturer, info.manufacturerID, sizeof(info.manufacturerID));
	copy_field(slot->name.model, info.model, sizeof(info.model));
	copy_field(slot->name.serial, info.serialNumber, sizeof(info.serialNumber));
	copy_shown(slot->label, info.label, sizeof(info.label));
	slot->flags = info.flags;
	slot_set_pin_lengths(slot, info.ulMinPinLen, info.ulMaxPinLen);
	if (name_is_sayable(&slot->name))
		return ERR_OK;
	log_debug("slot", "reader=%s error=\"its token has no serial number, or a name that is no text\"", slot->reader);
	return ERR_TOKEN_UNSUPPORTED;
}

enum err
slot_read(struct cryptoki *c, CK_SLOT_ID id, struct slot *ret)
{
	CK_SLOT_INFO info = { .flags = 0 };
	enum err e;

	*ret = (struct slot){ .id = id };
	e = cryptoki_check(c, CRYPTOKI_SLOT, "C_GetSlotInfo", c->list->C_GetSlotInfo(id, &info));
	if (e != ERR_OK)
		return e;
	copy_shown(ret->reader, info.slotDescription, sizeof(info.slotDescription));
	ret->removable = (info.flags & CKF_REMOVABLE_DEVICE) != 0;
	return (info.flags & CKF_TOKEN_PRESENT) != 0 ? read_token(c, ret) : ERR_NO_TOKEN;
}

enum err
slot_absence(void)
{
	size_t count = 0;
	enum err e = os_count_readers(&count);

	if (e == ERR_READER_SERVICE)
		return e;
	return e == ERR_OK && count == 0 ? ERR_NO_READER : ERR_NO_TOKEN;
}

/* ---- what is there ---- */

/* FNV-1a: what is compared with itself needs no more. */
static uint64_t
digest(uint64_t sum, uint64_t value)
{
	for (int i = 0; i < 8; i++) {
		sum ^= value >> 8 * i & 0xff;
		sum *= UINT64_C(0x100000001b3);
	}
	return sum;
}

/* Takes what came since the last look. */
static bool
take_events(struct cryptoki *c)
{
	CK_SLOT_ID id;
	int count = 0;

	if (c->list->C_WaitForSlotEvent == NULL)
		return false;
	while (count < SLOT_MAX && c->list->C_WaitForSlotEvent(CKF_DONT_BLOCK, &id, NULL) == CKR_OK)
		count++;
	return count != 0;
}

enum err
slot_presence(struct cryptoki *c, unsigned char ret[SLOT_PRESENCE_LEN], bool *ret_event)
{
	CK_SLOT_ID ids[SLOT_MAX];
	size_t count = 0;
	uint64_t sum = UINT64_C(0xcbf29ce484222325);
	enum err e;

	*ret_event = take_events(c);
	e = slot_list(c, ids, &count);
	if (e != ERR_OK)
		return e;
	for (size_t i = 0; i < count; i++) {
		CK_SLOT_INFO info = { .flags = 0 };
		CK_RV rv = c->list->C_GetSlotInfo(ids[i], &info);

		sum = digest(sum, ids[i]);
		sum = digest(sum, rv == CKR_OK && (info.flags & CKF_TOKEN_PRESENT) != 0 ? 1 : 0);
	}
	memcpy(ret, &sum, SLOT_PRESENCE_LEN);
	return ERR_OK;
}

/* ---- the one that is meant ---- */

enum err
slot_count(struct cryptoki *c, size_t *ret_tokens, enum err *ret_absent)
{
	CK_SLOT_ID ids[SLOT_MAX];
	size_t count = 0, tokens = 0;
	bool places = false;
	enum err e = slot_list(c, ids, &count);

	for (size_t i = 0; i < count && e == ERR_OK; i++) {
		CK_SLOT_INFO info = { 0 };

		/* a reader that was pulled out meanwhile holds nothing */
		if (c->list->C_GetSlotInfo(ids[i], &info) != CKR_OK)
			continue;
		tokens += (info.flags & CKF_TOKEN_PRESENT) != 0;
		places = places || (info.flags & CKF_REMOVABLE_DEVICE) == 0;
	}
	if (e != ERR_OK)
		return e;
	*ret_tokens = tokens;
	*ret_absent = ERR_OK;
	if (tokens == 0)
		*ret_absent = places ? ERR_NO_TOKEN : slot_absence();
	return ERR_OK;
}

bool
slot_same(const struct slot *a, const struct slot *b)
{
	return a->removable && b->removable && a->reader[0] != '\0' && strcmp(a->reader, b->reader) == 0 && token_name_equal(&a->name, &b->name);
}

#define SETTLE_TRIES 10
#define SETTLE_MS    100

enum err
slot_settle(struct cryptoki *c, CK_SLOT_ID id, enum err e)
{
	for (int i = 0; i < SETTLE_TRIES && e == ERR_TOKEN_FAILED; i++) {
		CK_SLOT_INFO info = { .flags = 0 };
		CK_RV rv = c->list->C_GetSlotInfo(id, &info);

		if (rv == CKR_OK ? (info.flags & CKF_TOKEN_PRESENT) == 0 : cryptoki_err(CRYPTOKI_SLOT, rv) == ERR_TOKEN_REMOVED)
			e = ERR_TOKEN_REMOVED;
		else
			os_sleep_ms(SETTLE_MS);
	}
	return e;
}

enum err
slot_find(struct cryptoki *c, const struct token_name *token, struct slot *ret)
{
	CK_SLOT_ID ids[SLOT_MAX];
	enum err failed = ERR_TOKEN_ABSENT;
	CK_SLOT_ID failed_id = 0;
	size_t count = 0;
	size_t found = 0;
	enum err e = slot_list(c, ids, &count);

	if (e != ERR_OK)
		return e;
	for (size_t i = 0; i < count; i++) {
		struct slot slot;

		e = slot_read(c, ids[i], &slot);
		if (e == ERR_OK && token_name_equal(&slot.name, token)) {
			if (found != 0 && slot_same(ret, &slot))
				continue;
			*ret = slot;
			found++;
		} else if (e != ERR_OK && e != ERR_NO_TOKEN && e != ERR_TOKEN_UNSUPPORTED) {
			failed = e;
			failed_id = ids[i];
		}
	}
	if (found == 1)
		return ERR_OK;
	return found == 0 ? slot_settle(c, failed_id, failed) : ERR_TOKEN_AMBIGUOUS;
}

enum err
slot_open(struct cryptoki *c, const struct token_name *token, bool writable, struct slot *ret)
{
	struct slot slot = { .id = 0 };
	enum err e = slot_find(c, token, &slot);

	if (e != ERR_OK)
		return e;
	e = cryptoki_open_session(c, slot.id, writable);
	if (e == ERR_OK)
		e = slot_read(c, slot.id, &slot);
	if (e == ERR_NO_TOKEN)
		e = ERR_TOKEN_REMOVED;
	if (e == ERR_OK && !token_name_equal(&slot.name, token))
		e = ERR_TOKEN_CHANGED;
	if (e == ERR_OK)
		*ret = slot;
	else if (c->trace.call == NULL)
		c->trace.call = "C_GetTokenInfo"; /* it failed at nothing, and what it said decided */
	return slot_settle(c, slot.id, e);
}

/* ---- what the flags say ---- */

static enum pin_state
pin_state_of(CK_FLAGS flags, CK_FLAGS locked, CK_FLAGS final_try, CK_FLAGS count_low, enum pin_state silent)
{
	if ((flags & locked) != 0)
		return PIN_STATE_LOCKED;
	if ((flags & final_try) != 0)
		return PIN_STATE_LAST_TRY;
	return (flags & count_low) != 0 ? PIN_STATE_FEW_TRIES : silent;
}

enum pin_state
slot_user_pin(const struct slot *slot)
{
	enum pin_state silent = (slot->flags & CKF_USER_PIN_INITIALIZED) != 0 ? PIN_STATE_OK : PIN_STATE_UNKNOWN;

	return pin_state_of(slot->flags, CKF_USER_PIN_LOCKED, CKF_USER_PIN_FINAL_TRY, CKF_USER_PIN_COUNT_LOW, silent);
}

enum pin_state
slot_so_pin(const struct slot *slot)
{
	return pin_state_of(slot->flags, CKF_SO_PIN_LOCKED, CKF_SO_PIN_FINAL_TRY, CKF_SO_PIN_COUNT_LOW, PIN_STATE_UNKNOWN);
}

bool
slot_pin_is_usable(const struct slot *slot, const struct secret *pin)
{
	return pin->len >= slot->pin_min && pin->len <= slot->pin_max && memchr(pin->bytes, '\0', pin->len) == NULL;
}
