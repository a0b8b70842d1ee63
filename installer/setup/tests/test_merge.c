/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces put into documents of others and taken out again: what others have stays. */
#include "merge.h"

#include "check.h"

static json_t *
load(const char *text)
{
	return json_loads(text, 0, NULL);
}

/* Puts the piece, takes it and what was made out again, and finds what was there. */
static void
there_and_back(const char *before, const char *piece_text, const char *after, size_t made_count)
{
	json_t *document = load(before), *piece = load(piece_text), *want = load(after), *old = load(before), *made = json_array();

	CHECK(!merge_has(document, piece));
	CHECK(merge_put(document, piece, made) && merge_has(document, piece));
	CHECK(json_equal(document, want));
	CHECK(json_array_size(made) == made_count);
	merge_take(document, piece);
	for (size_t i = json_array_size(made); i-- > 0;)
		merge_take(document, json_array_get(made, i));
	CHECK(json_equal(document, old));
	json_decref(document);
	json_decref(piece);
	json_decref(want);
	json_decref(old);
	json_decref(made);
}

#define ITEM	 "{\"file\": \"f\", \"path\": [\"p\", \"L\"], \"item\": \"x\"}"
#define NUMBERED "{\"file\": \"f\", \"path\": [], \"item\": \"x\"}"
#define VALUE	 "{\"file\": \"f\", \"path\": [\"p\", \"S\", \"id\"], \"value\": {\"m\": 1}}"

static void
test_refused(const char *before, const char *piece_text)
{
	json_t *document = load(before), *piece = load(piece_text), *made = json_array();

	CHECK(!merge_put(document, piece, made));
	json_decref(document);
	json_decref(piece);
	json_decref(made);
}

int
main(void)
{
	json_t *document = load("{\"p\": {\"L\": [\"x\"], \"S\": {\"id\": {\"m\": 2}}}}"), *value = load(VALUE), *item = load(ITEM);

	there_and_back("{}", ITEM, "{\"p\": {\"L\": [\"x\"]}}", 2);
	there_and_back("{\"p\": {\"L\": []}}", ITEM, "{\"p\": {\"L\": [\"x\"]}}", 0);
	there_and_back("{\"p\": {\"L\": [\"y\", 3], \"M\": null}, \"q\": 1}", ITEM, "{\"p\": {\"L\": [\"y\", 3, \"x\"], \"M\": null}, \"q\": 1}", 0);
	there_and_back("{\"p\": {}}", VALUE, "{\"p\": {\"S\": {\"id\": {\"m\": 1}}}}", 1);
	there_and_back("{\"p\": {\"S\": {\"*\": {\"b\": 1}}}}", VALUE, "{\"p\": {\"S\": {\"*\": {\"b\": 1}, \"id\": {\"m\": 1}}}}", 0);
	/* lists as the registry has them */
	there_and_back("{}", NUMBERED, "{\"1\": \"x\"}", 0);
	there_and_back("{\"2\": \"y\", \"5\": null, \"\": \"z\", \"name\": \"z\"}", NUMBERED, "{\"2\": \"y\", \"5\": null, \"\": \"z\", \"name\": \"z\", \"6\": \"x\"}", 0);
	there_and_back("{\"1\": \"y\", \"2147483647\": \"y\"}", NUMBERED, "{\"1\": \"y\", \"2147483647\": \"y\", \"2\": \"x\"}", 0);
	there_and_back("{\"4294967297\": \"y\", \"99999999999\": \"y\"}", NUMBERED, "{\"4294967297\": \"y\", \"99999999999\": \"y\", \"1\": \"x\"}", 0);
	test_refused("{\"p\": {\"L\": {}}}", ITEM);
	test_refused("{\"p\": 1}", VALUE);
	CHECK(merge_is_taken(document, value) && !merge_is_taken(document, item) && merge_has(document, item));
	merge_take(document, value);
	CHECK(merge_is_taken(document, value));
	json_decref(document);
	json_decref(value);
	json_decref(item);
	return CHECK_DONE();
}
