/* SPDX-License-Identifier: Apache-2.0 */
#include "text.h"

#include <string.h>

static const char b64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char hex_digits[] = "0123456789abcdef";

/* The place of c among the first count digits; -1 where it is none of them. */
static int
digit_of(const char *digits, size_t count, char c)
{
	const char *at = memchr(digits, c, count);

	return at != NULL ? (int)(at - digits) : -1;
}

void
text_b64_encode(const void *bytes, size_t len, char *ret)
{
	const unsigned char *in = bytes;
	uint32_t bits = 0;
	unsigned held = 0;

	for (size_t i = 0; i < len; i++) {
		bits = (bits << 8 | in[i]) & 0xffffffu;
		for (held += 8; held >= 6; held -= 6)
			*ret++ = b64_digits[bits >> (held - 6) & 63u];
	}
	if (held != 0)
		*ret++ = b64_digits[bits << (6 - held) & 63u];
	*ret = '\0';
}

bool
text_b64_decode(const char *text, size_t len, void *ret, size_t max, size_t *ret_len)
{
	unsigned char *out = ret;
	size_t size = len / 4 * 3 + (len % 4) * 6 / 8;
	uint32_t bits = 0;
	unsigned held = 0;

	if (len % 4 == 1 || size > max)
		return false;
	for (size_t i = 0; i < len; i++) {
		int digit = digit_of(b64_digits, 64, text[i]);
		if (digit < 0)
			return false;
		bits = (bits << 6 | (uint32_t)digit) & 0xffffffu;
		held += 6;
		if (held >= 8) {
			held -= 8;
			*out++ = (unsigned char)(bits >> held & 255u);
		}
	}
	if ((bits & ((1u << held) - 1u)) != 0)
		return false;
	*ret_len = size;
	return true;
}

void
text_hex(const void *bytes, size_t len, char *ret)
{
	const unsigned char *in = bytes;

	for (size_t i = 0; i < len; i++) {
		*ret++ = hex_digits[in[i] >> 4];
		*ret++ = hex_digits[in[i] & 15];
	}
	*ret = '\0';
}

bool
text_unhex(const char *text, size_t len, void *ret, size_t max, size_t *ret_len)
{
	unsigned char *out = ret;

	if (len % 2 != 0 || len / 2 > max)
		return false;
	for (size_t i = 0; i < len; i += 2) {
		int high = digit_of(hex_digits, 16, text[i]);
		int low = digit_of(hex_digits, 16, text[i + 1]);
		if (high < 0 || low < 0)
			return false;
		*out++ = (unsigned char)(high << 4 | low);
	}
	*ret_len = len / 2;
	return true;
}

static int
hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10
					    : c >= 'A' && c <= 'F'   ? c - 'A' + 10
								     : -1;
}

bool
text_unescape(const char *text, char plus, char *ret, size_t max)
{
	size_t len = 0;

	for (; *text != '\0' && len < max - 1; text++) {
		char byte = *text == '+' ? plus : *text;
		if (*text == '%') {
			int high = hex_digit(text[1]);
			int low = high >= 0 ? hex_digit(text[2]) : -1;
			if (low < 0 || high + low == 0)
				return false;
			byte = (char)(unsigned char)(high * 16 + low);
			text += 2;
		}
		ret[len++] = byte;
	}
	ret[len] = '\0';
	return *text == '\0';
}

bool
text_number(const char *text, size_t len, int64_t *ret)
{
	int64_t number = 0;

	if (len < 1 || len > 16)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		number = number * 10 + (text[i] - '0');
	}
	if (number > (INT64_C(1) << 53) - 1)
		return false;
	*ret = number;
	return true;
}

size_t
text_char(const char *text, size_t len, uint32_t *ret_point)
{
	/* the lowest code point that needs n bytes: shorter spellings of it are forbidden */
	static const uint32_t lowest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char first = len != 0 ? (unsigned char)text[0] : 0xffu;
	size_t size = first < 0x80u ? 1 : first >= 0xc2u && first < 0xe0u ? 2
				      : first >= 0xe0u && first < 0xf0u	  ? 3
				      : first >= 0xf0u && first < 0xf5u	  ? 4
									  : 0;
	uint32_t point = size < 2 ? first : first & (0x7fu >> size);

	if (size == 0 || size > len)
		return 0;
	for (size_t i = 1; i < size; i++) {
		unsigned char next = (unsigned char)text[i];
		if ((next & 0xc0u) != 0x80u)
			return 0;
		point = point << 6 | (next & 0x3fu);
	}
	if (point < lowest[size] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
		return 0;
	*ret_point = point;
	return size;
}

bool
text_is_utf8(const char *text, size_t len)
{
	for (size_t at = 0; at < len;) {
		uint32_t point;
		size_t size = text_char(text + at, len - at, &point);
		if (size == 0)
			return false;
		at += size;
	}
	return true;
}

static bool
point_is_showable(uint32_t point)
{
	if (point < 0x20 || (point >= 0x7f && point < 0xa0))
		return false;
	if (point == 0x2028 || point == 0x2029)
		return false;
	return !(point >= 0x202a && point <= 0x202e) && !(point >= 0x2066 && point <= 0x2069);
}

bool
text_is_showable(const char *text, size_t len)
{
	for (size_t at = 0; at < len;) {
		uint32_t point;
		size_t size = text_char(text + at, len - at, &point);
		if (size == 0 || !point_is_showable(point))
			return false;
		at += size;
	}
	return true;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Decimal without a leading zero, at most max; false for anything else. */
static bool
read_decimal(const char *text, size_t len, unsigned max, unsigned *ret)
{
	unsigned value = 0;

	if (len == 0 || len > 5 || (len > 1 && text[0] == '0'))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!is_digit(text[i]))
			return false;
		value = value * 10 + (unsigned)(text[i] - '0');
	}
	*ret = value;
	return value <= max;
}

static bool
is_label(const char *text, size_t len)
{
	if (len == 0 || len > 63 || text[0] == '-' || text[len - 1] == '-')
		return false;
	for (size_t i = 0; i < len; i++)
		if (!is_digit(text[i]) && !(text[i] >= 'a' && text[i] <= 'z') && text[i] != '-')
			return false;
	return true;
}

/* Digits alone, or what begins as a hexadecimal number; stricter than browsers, since no top-level domain begins like that. */
static bool
reads_as_number(const char *label, size_t len)
{
	if (len >= 2 && label[0] == '0' && label[1] == 'x')
		return true;
	for (size_t i = 0; i < len; i++)
		if (!is_digit(label[i]))
			return false;
	return true;
}

/*
 * A host as browsers write it: labels of letters, digits and hyphens, or four decimal numbers. A name that ends in a number is an
 * address to a browser (WHATWG URL, "ends in a number checker"), which spells it in no other way than those four, so others are refused.
 */
static bool
is_host(const char *text, size_t len)
{
	size_t labels = 0, numbers = 0, start = 0;
	bool last_is_number = false;

	if (len == 0 || len > 253)
		return false;
	for (size_t i = 0; i <= len; i++) {
		unsigned part;
		if (i < len && text[i] != '.')
			continue;
		if (!is_label(text + start, i - start))
			return false;
		labels++;
		if (read_decimal(text + start, i - start, 255, &part))
			numbers++;
		last_is_number = reads_as_number(text + start, i - start);
		start = i + 1;
	}
	return !last_is_number || (labels == 4 && numbers == 4);
}

bool
text_is_origin(const char *text, size_t len)
{
	static const char https[] = "https://", http[] = "http://";
	bool secure = len >= strlen(https) && memcmp(text, https, strlen(https)) == 0;
	size_t prefix = secure ? strlen(https) : strlen(http);
	const char *colon;
	size_t host_len;

	if (len <= prefix || (!secure && memcmp(text, http, prefix) != 0))
		return false;
	text += prefix;
	len -= prefix;
	colon = memchr(text, ':', len);
	host_len = colon != NULL ? (size_t)(colon - text) : len;
	if (colon != NULL) {
		unsigned port;
		if (!read_decimal(colon + 1, len - host_len - 1, 65535, &port) || port == 0 || port == (secure ? 443u : 80u))
			return false;
	}
	if (!secure)
		return host_len == strlen("localhost") && memcmp(text, "localhost", host_len) == 0;
	return is_host(text, host_len);
}

size_t
text_unpadded(const unsigned char *field, size_t len)
{
	while (len != 0 && (field[len - 1] == ' ' || field[len - 1] == '\0'))
		len--;
	return len;
}

bool
text_copy(char *ret, size_t max, const char *text)
{
	size_t len = strlen(text);
	size_t keep = len < max ? len : max - 1;

	while (keep < len && keep != 0 && ((unsigned char)text[keep] & 0xc0u) == 0x80u)
		keep--;
	memcpy(ret, text, keep);
	ret[keep] = '\0';
	return keep == len;
}

static int
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

int
text_place(const char *const *names, int count, const char *name)
{
	int i = 0;

	while (i < count && strcmp(names[i], name) != 0)
		i++;
	return i;
}

bool
text_equal_nocase(const char *a, const char *b)
{
	while (*a != '\0' && lower(*a) == lower(*b)) {
		a++;
		b++;
	}
	return *a == *b;
}

static void
put_decimal(char *ret, unsigned value, size_t digits)
{
	for (size_t i = digits; i-- > 0; value /= 10u)
		ret[i] = (char)('0' + value % 10u);
}

void
text_time(int64_t seconds, char ret[TEXT_TIME_LEN + 1])
{
	/* days to a date of the Gregorian calendar, counted from 1 March of the year 0, so that the leap day comes last */
	int64_t latest = INT64_C(253402300799); /* 9999-12-31 */
	int64_t second = seconds < 0 ? 0 : seconds > latest ? latest
							    : seconds;
	unsigned days = (unsigned)(second / 86400) + 719468u;
	unsigned era = days / 146097u, day_of_era = days % 146097u;
	unsigned year_of_era = (day_of_era - day_of_era / 1460u + day_of_era / 36524u - day_of_era / 146096u) / 365u;
	unsigned day_of_year = day_of_era - (365u * year_of_era + year_of_era / 4u - year_of_era / 100u);
	unsigned month_from_march = (5u * day_of_year + 2u) / 153u;
	unsigned day = day_of_year - (153u * month_from_march + 2u) / 5u + 1u;
	unsigned month = month_from_march < 10u ? month_from_march + 3u : month_from_march - 9u;
	unsigned year = year_of_era + era * 400u + (month <= 2u ? 1u : 0u);
	unsigned rest = (unsigned)(second % 86400);

	memcpy(ret, "YYYY-MM-DDThh:mm:ssZ", TEXT_TIME_LEN + 1);
	put_decimal(ret, year, 4);
	put_decimal(ret + 5, month, 2);
	put_decimal(ret + 8, day, 2);
	put_decimal(ret + 11, rest / 3600u, 2);
	put_decimal(ret + 14, rest / 60u % 60u, 2);
	put_decimal(ret + 17, rest % 60u, 2);
}

/* "Z", "+07:00": seconds to take away. */
static bool
read_offset(const char *text, int64_t *ret)
{
	int64_t hours;
	int64_t minutes;

	if (strcmp(text, "Z") == 0) {
		*ret = 0;
		return true;
	}
	if (strlen(text) != strlen("+07:00") || (text[0] != '+' && text[0] != '-') || text[3] != ':')
		return false;
	if (!text_number(text + 1, 2, &hours) || !text_number(text + 4, 2, &minutes) || hours > 23 || minutes > 59)
		return false;
	*ret = (hours * 3600 + minutes * 60) * (text[0] == '-' ? -1 : 1);
	return true;
}

bool
text_time_read(const char *text, int64_t *ret)
{
	static const struct {
		size_t at, len;
	} places[] = { { 0, 4 }, { 5, 2 }, { 8, 2 }, { 11, 2 }, { 14, 2 }, { 17, 2 } };
	char again[TEXT_TIME_LEN + 1];
	int64_t part[6];
	int64_t offset;

	if (strlen(text) < TEXT_TIME_LEN)
		return false;
	for (size_t i = 0; i < 6; i++)
		if (!text_number(text + places[i].at, places[i].len, &part[i]))
			return false;
	/* the way of text_time() backwards; what is no date comes out of it as another one */
	int64_t month_from_march = part[1] + (part[1] <= 2 ? 9 : -3);
	int64_t year = part[0] - (part[1] <= 2 ? 1 : 0);
	int64_t days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month_from_march + 2) / 5 + part[2] - 1 - 719468;
	int64_t moment = days * 86400 + part[3] * 3600 + part[4] * 60 + part[5];
	text_time(moment, again);
	if (memcmp(again, text, TEXT_TIME_LEN - 1) != 0 || !read_offset(text + TEXT_TIME_LEN - 1, &offset) || moment < offset)
		return false;
	*ret = moment - offset;
	return true;
}
