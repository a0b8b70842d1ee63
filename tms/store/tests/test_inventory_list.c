/* SPDX-License-Identifier: Apache-2.0 */
/* The inventory's list: what is met, in which order, page by page. */
#include "check.h"
#include "inventory.h"
#include "scratch.h"

#include <stdio.h>
#include <string.h>

#define TOKENS 40

struct met {
	unsigned count;
	int64_t ids[STORE_PAGE_MAX];
	char serials[STORE_PAGE_MAX][17];
	int64_t after;
};

static void
meet(const struct store_token *t, int64_t after, void *context)
{
	struct met *m = context;

	m->ids[m->count] = t->id;
	snprintf(m->serials[m->count++], 17, "%s", t->name.serial);
	m->after = after;
}

/* Nothing said. */
static struct store_token_filter
all(void)
{
	return (struct store_token_filter){ .life = STORE_LIFE_COUNT, .state = STORE_TOKEN_STATE_COUNT };
}

static struct met
look(struct store *s, struct store_token_filter f, unsigned limit)
{
	struct met m = { .count = 0 };

	CHECK(store_token_list(s, &f, limit, meet, &m) == ERR_OK);
	return m;
}

static int64_t
put(struct store *s, unsigned n, const char *customer, const char *email)
{
	const unsigned char sealed[TRANSCRIPT_ESCROW_ROW_LEN] = { 4 };
	struct store_token t = scratch_token(n);
	int64_t id = 0;

	snprintf(t.customer, sizeof(t.customer), "%s", customer);
	snprintf(t.email, sizeof(t.email), "%s", email);
	if (n % 4 == 3)
		snprintf(t.name.model, sizeof(t.name.model), "khac");
	CHECK(store_token_import(s, &t, 1, sealed, &id) == ERR_OK);
	return id;
}

static void
test_words(void)
{
	static const struct {
		const char *customer;
		const char *email;
		unsigned count;
	} rows[] = {
		{ "dang", NULL, 1 },
		{ "ĐẶNG", NULL, 1 },
		{ "uoc dang", NULL, 1 },
		{ "d t u", NULL, 1 },
		{ "thi", NULL, 2 },
		{ "hi", NULL, 0 }, /* words are met from their beginning */
		{ "an", NULL, 2 },
		{ "cong ty!", NULL, 1 },
		{ "!!!", NULL, 0 },
		{ "\"", NULL, 0 },
		{ "dang OR an", NULL, 0 },
		{ "customer : an", NULL, 0 },
		{ NULL, "ke.toan@an", 1 },
		{ NULL, "ke.toan@an-phat.example", 1 },
		{ NULL, "toan@an", 1 },
		{ NULL, "phat toan", 0 }, /* the words of an address stand in their order */
		{ NULL, "example", 3 },
		{ "thi", "dang", 1 },
		{ "an", "nobody", 0 },
	};
	struct scratch s = scratch_new();

	put(s.store, 1, "Đặng Thị Ước", "dang@example.vn");
	put(s.store, 2, "Công ty CP An Phát", "ke.toan@an-phat.example");
	put(s.store, 3, "Lê Thị An", "le@example.vn");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct store_token_filter f = all();
		f.customer = rows[i].customer;
		f.email = rows[i].email;
		if (!CHECK(look(s.store, f, 10).count == rows[i].count))
			printf("  customer=%s email=%s\n", rows[i].customer != NULL ? rows[i].customer : "-", rows[i].email != NULL ? rows[i].email : "-");
		f.by_serial = true;
		CHECK(look(s.store, f, 10).count == rows[i].count);
	}
	scratch_free(&s);
}

/* Every row once, whatever the page's length, in the order of the whole. */
static void
check_pages(struct store *s, struct store_token_filter f, unsigned want)
{
	struct met whole = look(s, f, 100);

	CHECK(whole.count == want);
	for (unsigned size = 1; size <= 7; size += 2) {
		unsigned at = 0;
		f.after = 0;
		for (;;) {
			struct met page = look(s, f, size);
			for (unsigned i = 0; i < page.count && at < whole.count; i++)
				CHECK(page.ids[i] == whole.ids[at++]);
			if (page.count < size)
				break;
			f.after = page.after;
		}
		CHECK(at == whole.count);
	}
}

static void
test_order(void)
{
	const struct store_type type = { .name = "Loại khác", .manufacturer = "www.CardContact.de", .model = "khac", .policy.family = FAMILY_SO_PIN };
	const struct store_type every = { .name = "Mọi loại", .manufacturer = "www.CardContact.de", .policy.family = FAMILY_SO_PIN };
	struct scratch s = scratch_new();
	struct store_token_filter f = all();
	struct met m;

	CHECK(store_type_put(s.store, &type) == ERR_OK && store_type_put(s.store, &every) == ERR_OK);
	for (unsigned n = 1; n <= TOKENS; n++) {
		int64_t id = put(s.store, TOKENS - n, n % 2 ? "Công ty An Phát" : "Lê Thị Bình", "a@example.vn");
		if (n % 10 == 5)
			CHECK(store_token_mark(s.store, id, STORE_SUSPECT) == ERR_OK);
		if (n % 8 == 1)
			CHECK(store_token_set_life(s.store, id, STORE_LOST) == ERR_OK);
		if (n % 3 == 0)
			CHECK(store_token_proved(s.store, id, true, 0, SCRATCH_NOW) == ERR_OK);
	}
	m = look(s.store, f, 100);
	CHECK(m.ids[0] == 35 && m.ids[1] == 25 && m.ids[2] == 5 && m.ids[3] == 40 && m.ids[4] == 39); /* 15 was proved since */
	check_pages(s.store, f, TOKENS);
	f.customer = "an phat";
	check_pages(s.store, f, TOKENS / 2);
	f.by_serial = true;
	check_pages(s.store, f, TOKENS / 2);
	f = all();
	f.life = STORE_LOST;
	check_pages(s.store, f, 5);
	f.life = STORE_ACTIVE;
	check_pages(s.store, f, TOKENS - 5);
	f.life = STORE_RETIRED;
	check_pages(s.store, f, 0);
	f = all();
	f.state = STORE_SUSPECT;
	check_pages(s.store, f, 3);
	f.state = STORE_VERIFIED;
	check_pages(s.store, f, 13);
	f = all();
	f.type = 1;
	check_pages(s.store, f, TOKENS / 4);
	f.type = 2;
	check_pages(s.store, f, TOKENS);
	f.life = STORE_LOST;
	f.customer = "cong";
	check_pages(s.store, f, 5);
	f.type = 99;
	check_pages(s.store, f, 0);
	f = all();
	f.serial = "DENK000000001";
	check_pages(s.store, f, 10);
	m = look(s.store, f, 100);
	CHECK_TEXT(m.serials[0], "DENK0000000010");
	CHECK_TEXT(m.serials[9], "DENK0000000019");
	f.serial = "DENK0000000010";
	check_pages(s.store, f, 1);
	f.serial = "denk";
	check_pages(s.store, f, 0);
	f = all();
	f.by_serial = true;
	check_pages(s.store, f, TOKENS);
	f.after = 99; /* nobody's */
	CHECK(look(s.store, f, 10).count == 0);
	scratch_free(&s);
}

int
main(void)
{
	test_words();
	test_order();
	return CHECK_DONE();
}
