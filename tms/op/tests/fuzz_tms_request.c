/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The body of every call, down to the decoded struct: the first byte chooses the call, the rest is the text. A certificate that decodes
 * goes on to OpenSSL, as it does in a create.
 */
#include "decode.h"
#include "issued.h"
#include "json.h"

#include <stdbool.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
decode_and_parse(json_t *body)
{
	struct decode_create d;
	unsigned char r[KEY_HASH_LEN];
	char name[STORE_NAME_SIZE];
	struct issued *c;

	if (decode_create(body, &d) != ERR_OK || transcript_create_hash(&d.create, r) != ERR_OK)
		return;
	c = issued_from_der(d.certificate, d.create.certificate_len);
	if (c != NULL)
		issued_name(c, name);
	issued_free(c);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool opened;
	struct decode_counted counted;
	struct decode_release release;
	struct decode_grant grant;
	struct decode_done done;
	struct decode_approve approve;
	struct decode_reason reason;
	struct decode_replace replace;
	json_t *body = NULL;

	if (!opened)
		json_open();
	opened = true;
	if (size == 0 || json_load(data + 1, size - 1, &body, NULL) != ERR_OK)
		return 0;
	switch (data[0]) {
	case 'c':
		decode_and_parse(body);
		break;
	case 's':
		(void)decode_counted(body, &counted);
		break;
	case 'r':
		(void)decode_release(body, &release);
		break;
	case 'g':
		(void)decode_grant(body, &grant);
		break;
	case 'd':
		(void)decode_done(body, &done);
		break;
	case 'a':
		(void)decode_approve(body, &approve);
		break;
	default:
		(void)decode_reason(body, &reason);
		(void)decode_replace(body, &replace);
		break;
	}
	json_decref(body);
	return 0;
}
