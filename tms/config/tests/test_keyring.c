/* SPDX-License-Identifier: Apache-2.0 */
/* The file of the vault's keys: keys of the file and of an HSM, what is no line, and who is who. */
#include "check.h"
#include "buf.h"
#include "keyring.h"
#include "log.h"
#include "os.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* a point of P-256, and what is none */
#define PUBLIC	 "BHAMSPd_VlhMXMYyymVkDbkba6zOOk32tCznzIOIM9KH23HlCeP9mwYN2yC6XFHcxZSNRvv2QN_gRBeCyrhfpKw"
#define NO_POINT "BHAMSPd_VlhMXMYyymVkDbkba6zOOk32tCznzIOIM9KH23HlCeP9mwYN2yC6XFHcxZSNRvv2QN_gRBeCyrhfpK0"

static void
test_files(void)
{
	static const char *const bad[] = { "hsm \n", "hsm 00\n", "hsm 0 " PUBLIC "\n", "hsm  " PUBLIC "\n", "hsm 00 " PUBLIC "A\n", "hsm 00 AAAA\n", "hsm 0g " PUBLIC "\n", "HSM 00 " PUBLIC "\n",
		"hsm 000000000000000000000000000000000000000000000000000000000000000000 " PUBLIC "\n", "hsm 00 " NO_POINT "\n", "", "\n", "AAAA\n", "x", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n" };
	char folder[] = "/tmp/mokhoa-keyring-XXXXXX";
	char path[64];
	unsigned char pk[KEY_KEM_PK_LEN];
	size_t len = 0;
	struct keyring ring = { .count = KEYRING_MAX };
	struct keyring got;

	if (!CHECK(mkdtemp(folder) != NULL))
		return;
	snprintf(path, sizeof(path), "%s/ring", folder);
	CHECK(text_b64_decode(PUBLIC, strlen(PUBLIC), pk, sizeof(pk), &len) && len == sizeof(pk));
	for (size_t i = 0; i < KEYRING_MAX; i++)
		memset(ring.keys[i].sk, (int)i + 1, KEY_KEM_SK_LEN);
	/* the longest line there may be, in the middle */
	ring.keys[2] = (struct keyring_key){ .in_hsm = true, .object.len = KEYRING_OBJECT_MAX };
	memset(ring.keys[2].object.id, 0xfe, KEYRING_OBJECT_MAX);
	memcpy(ring.keys[2].pk, pk, sizeof(pk));
	CHECK(keyring_write(path, &ring, path) == ERR_OK && keyring_read(path, &got) == ERR_OK);
	CHECK(got.count == KEYRING_MAX && memcmp(got.keys, ring.keys, sizeof(ring.keys)) == 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK(os_write_private(path, bad[i], strlen(bad[i])) == ERR_OK);
		CHECK(keyring_read(path, &got) == ERR_CONFIG_INVALID && got.count == 0);
	}
	/* one line too many */
	{
		struct buf b = buf_new(4096);
		for (int i = 0; i <= KEYRING_MAX; i++)
			buf_add_text(&b, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n");
		CHECK(os_write_private(path, b.data, b.len) == ERR_OK && keyring_read(path, &got) == ERR_CONFIG_INVALID);
		buf_drop(&b, b.len / (KEYRING_MAX + 1));
		CHECK(os_write_private(path, b.data, b.len) == ERR_OK && keyring_read(path, &got) == ERR_OK && got.count == KEYRING_MAX);
		buf_free(&b);
	}
	unlink(path);
	CHECK(keyring_read(path, &got) == ERR_CONFIG_INVALID);
	CHECK(keyring_write("/nowhere/at/all", &ring, "/nowhere/at/all") == ERR_FILE_FAILED);
	rmdir(folder);
}

static void
test_lines(void)
{
	static const char hsm[] = "hsm c0ffee " PUBLIC;
	struct keyring ring = { .count = 2 };
	struct keyring_key other;
	unsigned char pk[KEY_KEM_PK_LEN];
	char line[KEYRING_LINE_SIZE], id[KEYRING_ID_LEN + 1], file_id[KEYRING_ID_LEN + 1];

	ring.keys[1].sk[31] = 1;
	CHECK(keyring_key_from_line(hsm, strlen(hsm), &ring.keys[0]) && ring.keys[0].in_hsm && ring.keys[0].object.len == 3);
	keyring_line(&ring.keys[0], line);
	CHECK_TEXT(line, hsm);
	keyring_line(&ring.keys[1], line);
	CHECK_TEXT(line, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE");
	CHECK(keyring_public(&ring, 0, pk, id) == ERR_OK && memcmp(pk, ring.keys[0].pk, sizeof(pk)) == 0);
	CHECK(keyring_public(&ring, 1, pk, file_id) == ERR_OK && strcmp(id, file_id) != 0);
	CHECK(keyring_has_hsm(&ring) && keyring_has(&ring, &ring.keys[0]) && keyring_has(&ring, &ring.keys[1]));
	/* the same key by another name is the same; one of the file is never one of the HSM */
	other = ring.keys[0];
	other.object.id[0] ^= 1;
	CHECK(keyring_has(&ring, &other));
	other.in_hsm = false;
	CHECK(!keyring_has(&ring, &other));
	ring.keys[0] = ring.keys[1];
	CHECK(!keyring_has_hsm(&ring));
	/* zeros are no key */
	ring.keys[0].sk[31] = 0;
	CHECK(keyring_public(&ring, 0, pk, id) == ERR_CONFIG_INVALID);
	keyring_wipe(&ring);
	CHECK(ring.count == 0);
}

int
main(void)
{
	log_open("test_keyring");
	test_files();
	test_lines();
	return CHECK_DONE();
}
