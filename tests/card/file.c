/* SPDX-License-Identifier: Apache-2.0 */
#include "file.h"

#include "buffer.h"
#include "key.h"
#include "state.h"

#include <string.h>

const uint8_t file_aid[FILE_AID_LENGTH] = { 0xe8, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x81, 0xc3, 0x1f, 0x02, 0x01 };

static const uint8_t key_id[] = { 0x01 };

static void
append_text(struct buffer *buffer, unsigned tag, const char *text)
{
	buffer_append_tlv(buffer, tag, text, strlen(text));
}

static void
append_buffer(struct buffer *buffer, unsigned tag, const struct buffer *value)
{
	buffer_append_tlv(buffer, tag, value->bytes, value->length);
	buffer->overflow = buffer->overflow || value->overflow;
}

/* EF.DIR names the one application. */
static void
directory(const struct state *state, struct buffer *content)
{
	buffer_append_tlv(content, 0x4f, file_aid, sizeof(file_aid));
	append_text(content, 0x50, state->label);
	buffer_wrap(content, 0x61);
}

/*
 * A card verifiable certificate (BSI TR-03110), of which the readers take the holder reference: the serial and five digits.
 * Key and signature are there for the shape only.
 */
static void
device_certificate(const struct state *state, struct buffer *content)
{
	static const uint8_t ecdsa_sha256[] = { 0x04, 0x00, 0x7f, 0x00, 0x07, 0x02, 0x02, 0x02, 0x02, 0x03 };
	static const uint8_t point[65] = { 0x04 };
	static const uint8_t signature[64] = { 0 };
	static const uint8_t profile[] = { 0x00 };
	struct buffer key = { 0 };
	char holder[SERIAL_MAX + 6];

	snprintf(holder, sizeof(holder), "%s00001", state->serial);
	buffer_append_tlv(&key, 0x06, ecdsa_sha256, sizeof(ecdsa_sha256));
	buffer_append_tlv(&key, 0x86, point, sizeof(point));
	buffer_append_tlv(content, 0x5f29, profile, sizeof(profile));
	append_text(content, 0x42, "VNMOKHOA00001");
	append_buffer(content, 0x7f49, &key);
	append_text(content, 0x5f20, holder);
	buffer_wrap(content, 0x7f4e);
	buffer_append_tlv(content, 0x5f37, signature, sizeof(signature));
	buffer_wrap(content, 0x7f21);
}

/* PKCS#15 TokenInfo: version, manufacturer, label, flags (login required, PRN generation). */
static void
token_info(const struct state *state, struct buffer *content)
{
	static const uint8_t version[] = { 0x01 };
	static const uint8_t flags[] = { 0x04, 0x50 };

	buffer_append_tlv(content, 0x02, version, sizeof(version));
	append_text(content, 0x0c, "Mokhoa test card");
	append_text(content, 0x80, state->label);
	buffer_append_tlv(content, 0x03, flags, sizeof(flags));
	buffer_wrap(content, 0x30);
}

/* PKCS#15 common object attributes (the label), then class attributes (id, usage: sign). */
static void
key_attributes(const struct state *state, struct buffer *content)
{
	static const uint8_t usage[] = { 0x05, 0x20 };
	struct buffer common = { 0 };
	struct buffer class = { 0 };

	append_text(&common, 0x0c, state->label);
	buffer_append_tlv(&class, 0x04, key_id, sizeof(key_id));
	buffer_append_tlv(&class, 0x03, usage, sizeof(usage));
	append_buffer(content, 0x30, &common);
	append_buffer(content, 0x30, &class);
}

/* PKCS#15 PrivateKeyType: [0] for an elliptic curve, a plain SEQUENCE for RSA; an empty path; the size in bits. */
static void
key_description(const struct state *state, struct buffer *content)
{
	unsigned bits = 0;
	const enum key_type type = key_type(&state->key, &bits);
	const uint8_t size[] = { (uint8_t)(bits >> 8), (uint8_t)(bits & 0xff) };
	struct buffer value = { 0 };

	buffer_append_tlv(&value, 0x04, NULL, 0);
	buffer_wrap(&value, 0x30);
	buffer_append_tlv(&value, 0x02, size, sizeof(size));
	buffer_wrap(&value, 0x30);
	key_attributes(state, content);
	append_buffer(content, 0xa1, &value);
	buffer_wrap(content, type == KEY_EC ? 0xa0 : 0x30);
}

bool
file_read(const struct state *state, unsigned id, struct buffer *ret_content)
{
	buffer_clear(ret_content);
	switch (id) {
	case FILE_DIRECTORY:
		directory(state, ret_content);
		break;
	case FILE_DEVICE_CERTIFICATE:
		device_certificate(state, ret_content);
		break;
	case FILE_TOKEN_INFO:
		token_info(state, ret_content);
		break;
	case FILE_KEY_DESCRIPTION:
		key_description(state, ret_content);
		break;
	case FILE_CERTIFICATE:
		buffer_append(ret_content, state->certificate.bytes, state->certificate.length);
		break;
	default:
		return false;
	}
	return !ret_content->overflow;
}

void
file_control(unsigned id, size_t size, struct buffer *ret_control)
{
	static const uint8_t transparent[] = { 0x01 };
	const uint8_t size_bytes[] = { (uint8_t)(size >> 8), (uint8_t)(size & 0xff) };
	const uint8_t id_bytes[] = { (uint8_t)(id >> 8), (uint8_t)(id & 0xff) };

	buffer_clear(ret_control);
	buffer_append_tlv(ret_control, 0x80, size_bytes, sizeof(size_bytes));
	buffer_append_tlv(ret_control, 0x82, transparent, sizeof(transparent));
	buffer_append_tlv(ret_control, 0x83, id_bytes, sizeof(id_bytes));
	buffer_wrap(ret_control, 0x6f);
}

/* The last two bytes of tag 85 are the version; from 3.x on OpenSC expects commands that this card does not have. */
void
file_application_control(struct buffer *ret_control)
{
	static const uint8_t directory_file[] = { 0x38 };
	static const uint8_t version[] = { 0x00, 0x02, 0x06 };

	buffer_clear(ret_control);
	buffer_append_tlv(ret_control, 0x82, directory_file, sizeof(directory_file));
	buffer_append_tlv(ret_control, 0x84, file_aid, sizeof(file_aid));
	buffer_append_tlv(ret_control, 0x85, version, sizeof(version));
	buffer_wrap(ret_control, 0x6f);
}

void
file_list(struct buffer *ret_list)
{
	static const unsigned ids[] = { FILE_KEY, FILE_KEY_DESCRIPTION, FILE_CERTIFICATE };

	buffer_clear(ret_list);
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		buffer_append_byte(ret_list, ids[i] >> 8);
		buffer_append_byte(ret_list, ids[i]);
	}
}
