/* SPDX-License-Identifier: Apache-2.0 */
#include "secret.h"
#include "check.h"

static int
is_zero(const void *p, size_t len)
{
	const unsigned char *at = p;

	for (size_t i = 0; i < len; i++)
		if (at[i] != 0)
			return 0;
	return 1;
}

int
main(void)
{
	unsigned char long_one[SECRET_MAX + 1];
	struct secret a = { 0 }, b = { 0 };

	memset(long_one, 'p', sizeof(long_one));
	CHECK(secret_equal(&a, &b));
	CHECK(secret_set(&a, "1234\0"
			     "56",
		  7) &&
	      a.len == 7);
	CHECK(!secret_equal(&a, &b));
	CHECK(secret_set(&b, "1234\0"
			     "57",
		  7) &&
	      !secret_equal(&a, &b));
	CHECK(secret_set(&b, "1234\0"
			     "56",
		  7) &&
	      secret_equal(&a, &b));
	CHECK(secret_set(&b, "1234", 4) && !secret_equal(&a, &b));
	CHECK(is_zero(b.bytes + 4, SECRET_MAX - 4));

	CHECK(secret_set(&a, long_one, SECRET_MAX) && a.len == SECRET_MAX);
	CHECK(secret_set(&a, a.bytes + 100, 28) && a.len == 28 && memcmp(a.bytes, long_one, 28) == 0);
	CHECK(!secret_set(&a, long_one, sizeof(long_one)));
	CHECK(is_zero(&a, sizeof(a)));
	CHECK(secret_set(&b, NULL, 0) && b.len == 0 && is_zero(b.bytes, sizeof(b.bytes)));

	CHECK(secret_set(&a, "123456", 6));
	secret_wipe(&a);
	CHECK(is_zero(&a, sizeof(a)));
	memcpy(long_one, "abcdef", 6);
	wipe(long_one + 1, 4);
	CHECK(long_one[0] == 'a' && is_zero(long_one + 1, 4) && long_one[5] == 'f');
	wipe(NULL, 0);
	return CHECK_DONE();
}
