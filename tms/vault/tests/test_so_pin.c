/* SPDX-License-Identifier: Apache-2.0 */
/* The next SO PIN, and the count of opened rows. */
#include "check.h"

#include "hour.h"
#include "so_pin.h"

#include <stdlib.h>

#define HEX "0123456789abcdef"

static const struct vault_format as_before = { .characters = CHARACTERS_ANY };

static struct secret
pin(const char *text)
{
	struct secret s = { 0 };

	secret_set(&s, text, strlen(text));
	return s;
}

static void
check_next(const char *current, const char *alphabet)
{
	struct secret now = pin(current);
	struct secret next = { 0 };

	for (int round = 0; round < 200; round++) {
		CHECK(so_pin_next(&now, &as_before, &next) == ERR_OK);
		CHECK(next.len == now.len);
		CHECK(!secret_equal(&next, &now));
		for (size_t i = 0; i < next.len; i++)
			CHECK(strchr(alphabet, next.bytes[i]) != NULL && next.bytes[i] != '\0');
	}
}

static void
test_alphabets(void)
{
	check_next("3537363231383830", "0123456789");
	check_next("35373632313838AF", "0123456789ABCDEF");
	check_next("35373632313838af", HEX);
	check_next("35373632313838aF", "0123456789ABCDEF");
	check_next("SOPIN2024", "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ");
	check_next("sopin2024", "0123456789abcdefghijklmnopqrstuvwxyz");
	check_next("SoPin2024", "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
	check_next("So#Pin-2024", "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
}

/* One digit has nine successors and every one comes: the current one never does. */
static void
test_every_successor_is_as_likely(void)
{
	static const struct vault_format one = { .length = 1, .characters = CHARACTERS_ANY };
	struct secret now = pin("7");
	struct secret next = { 0 };
	unsigned seen[10] = { 0 };

	for (int round = 0; round < 9000; round++) {
		CHECK(so_pin_next(&now, &one, &next) == ERR_OK);
		seen[next.bytes[0] - '0']++;
	}
	CHECK(seen[7] == 0);
	/* 1000 are expected; 6 standard deviations are 179 */
	for (int digit = 0; digit < 10; digit++)
		CHECK(digit == 7 || (seen[digit] > 820 && seen[digit] < 1180));
}

/* What the type of a token says of its SO PIN comes before what the current one looks like. */
static void
test_format(void)
{
	static const struct {
		struct vault_format format;
		size_t len;
		const char *alphabet;
	} rows[] = {
		{ { 8, CHARACTERS_DIGITS }, 8, "0123456789" },
		{ { 0, CHARACTERS_HEXADECIMAL }, SO_PIN_NEXT_MIN, "0123456789ABCDEF" }, /* one of four characters could be guessed */
		{ { 62, CHARACTERS_ALPHANUMERIC }, 62, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" },
		{ { 16, CHARACTERS_ANY }, 16, "0123456789abcdefghijklmnopqrstuvwxyz" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct secret now = pin("abz9");
		struct secret next = { 0 };

		CHECK(so_pin_next(&now, &rows[i].format, &next) == ERR_OK && next.len == rows[i].len);
		for (size_t at = 0; at < next.len; at++)
			CHECK(strchr(rows[i].alphabet, next.bytes[at]) != NULL);
	}
}

static void
test_no_successor(void)
{
	struct secret s = { 0 };
	struct secret next = { 0 };

	CHECK(so_pin_next(&s, &as_before, &next) == ERR_VAULT_REFUSED);
	s = pin("1234\n678");
	CHECK(so_pin_next(&s, &as_before, &next) == ERR_VAULT_REFUSED);
	s = pin("mật khẩu");
	CHECK(so_pin_next(&s, &as_before, &next) == ERR_VAULT_REFUSED);
	secret_set(&s, "12\0004", 4);
	CHECK(so_pin_next(&s, &as_before, &next) == ERR_VAULT_REFUSED);
	CHECK(next.len == 0);
}

static void
test_hour(void)
{
	const uint64_t minute = 60000;
	struct hour h = { .max = 3 };

	CHECK(hour_take(&h, 1000 * minute, 2));
	CHECK(!hour_take(&h, 1000 * minute + 1, 2));
	CHECK(hour_take(&h, 1030 * minute, 1));
	CHECK(hour_sum(&h) == 3);
	CHECK(!hour_take(&h, 1059 * minute, 1));
	/* the two of the first minute are an hour old now, the one of the thirtieth is not */
	CHECK(hour_take(&h, 1060 * minute, 2));
	CHECK(!hour_take(&h, 1060 * minute, 1));
	CHECK(hour_take(&h, 5000 * minute, 3));
	CHECK(!hour_take(&h, 5000 * minute, UINT32_MAX));
	CHECK(hour_sum(&h) == 3);
}

/* What was counted before a restart is as old afterwards, also where the machine's own clock began anew. */
static void
test_hour_is_set(void)
{
	const uint64_t minute = 60000;
	struct hour before = { .max = 10 };
	struct hour after = { .max = 10 };
	unsigned counts[HOUR_MINUTES];

	CHECK(hour_take(&before, 100 * minute, 4));
	CHECK(hour_take(&before, 130 * minute, 5));
	hour_read(&before, 140 * minute, counts);
	CHECK(counts[0] == 0 && counts[10] == 5 && counts[40] == 4);
	hour_set(&after, 2 * minute, 15, counts);
	CHECK(hour_sum(&after) == 9);
	CHECK(!hour_take(&after, 2 * minute, 2));
	/* 40 + 15 minutes old: gone in five more */
	CHECK(hour_take(&after, 7 * minute, 1));
	CHECK(hour_sum(&after) == 6);
	hour_set(&after, 2 * minute, 60, counts);
	CHECK(hour_sum(&after) == 0);
	hour_set(&after, 2 * minute, UINT64_MAX, counts);
	CHECK(hour_sum(&after) == 0);
}

int
main(void)
{
	test_alphabets();
	test_every_successor_is_as_likely();
	test_format();
	test_no_successor();
	test_hour();
	test_hour_is_set();
	return CHECK_DONE();
}
