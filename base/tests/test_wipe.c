/* SPDX-License-Identifier: Apache-2.0 */
/* No block that the ground gives back to the system still holds a secret: free() is ours here (--wrap=free) and looks. */
#include "buf.h"
#include "check.h"
#include "json.h"
#include "key.h"

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>

static const char canary[] = "canary-47-11-canary-";
static unsigned blocks_seen, blocks_dirty;

void __real_free(void *p);
void __wrap_free(void *p);

void
__wrap_free(void *p)
{
	const char *at = p;
	size_t len = p != NULL ? malloc_usable_size(p) : 0;

	blocks_seen++;
	for (size_t i = 0; i + sizeof(canary) - 1 <= len; i++)
		if (memcmp(at + i, canary, sizeof(canary) - 1) == 0) {
			blocks_dirty++;
			break;
		}
	__real_free(p);
}

static void
expect_clean(const char *what, unsigned at_least)
{
	if (!CHECK(blocks_seen >= at_least && blocks_dirty == 0))
		printf("%s: %u blocks freed, %u with a secret\n", what, blocks_seen, blocks_dirty);
	blocks_seen = blocks_dirty = 0;
}

static void
the_test_itself_sees(void)
{
	/* volatile, because a compiler leaves out what is written just before free(): that is why wipe() is as it is */
	volatile char *block = malloc(64);

	for (size_t i = 0; i < sizeof(canary); i++)
		block[7 + i] = canary[i];
	free((void *)(uintptr_t)block);
	CHECK(blocks_seen == 1 && blocks_dirty == 1);
	blocks_seen = blocks_dirty = 0;
}

static void
a_buffer_wipes_when_it_grows_and_goes(void)
{
	struct buf b = buf_new(8192);

	while (buf_error(&b) == ERR_OK)
		buf_add_text(&b, canary);
	buf_free(&b);
	expect_clean("buf", 5);
}

static void
jansson_wipes_its_blocks(void)
{
	static const char text[] = "{\"pin\":\"canary-47-11-canary-\",\"list\":[\"canary-47-11-canary-\"],\"canary-47-11-canary-\":1}";
	static const char broken[] = "{\"pin\":\"canary-47-11-canary-\",\"pin\":\"canary-47-11-canary-\"}";
	json_t *value = NULL;
	struct buf b = buf_new(4096);

	CHECK(json_load(text, strlen(text), &value, NULL) == ERR_OK);
	CHECK(json_dump(value, &b) == ERR_OK);
	json_decref(value);
	CHECK(json_load(broken, strlen(broken), &value, NULL) == ERR_PARSE);
	buf_free(&b);
	expect_clean("jansson", 10);
}

static void
binary_in_json_is_wiped(void)
{
	/* 15 bytes whose base64url is "canary-47-11-canary-" */
	unsigned char bytes[15];
	size_t len;
	json_t *value = json_string("canary-47-11-canary-"), *copy;

	CHECK(json_b64_upto(value, bytes, sizeof(bytes), &len) && len == sizeof(bytes));
	copy = json_b64(bytes, len);
	CHECK(json_equal(copy, value));
	json_decref(copy);
	json_decref(value);
	expect_clean("json_b64", 3);
}

static void
keys_are_wiped(void)
{
	unsigned char half[32] = { 0 };
	struct key_kem *kem;
	struct key_sig *sig;

	memcpy(half + 3, canary, sizeof(canary) - 1);
	kem = key_kem_from_private(half);
	sig = key_sig_from_seed(half);
	CHECK(kem != NULL && sig != NULL);
	key_kem_free(kem);
	key_sig_free(sig);
	expect_clean("keys", 2);
}

int
main(void)
{
	json_open();
	the_test_itself_sees();
	a_buffer_wipes_when_it_grows_and_goes();
	jansson_wipes_its_blocks();
	binary_in_json_is_wiped();
	keys_are_wiped();
	return CHECK_DONE();
}
