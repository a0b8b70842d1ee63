/* SPDX-License-Identifier: Apache-2.0 */
/* An entry as the text of its file, and what is no such text. */
#include "journal.h"

#include "check.h"
#include "json.h"
#include "sample.h"

static void
every_field_comes_back(void)
{
	struct journal_entry e = sample_unlocked(1763800000), back = { .stage = STAGE_COUNT };
	struct buf text = buf_new(JOURNAL_FILE_MAX);

	CHECK(journal_print(&e, &text) == ERR_OK);
	CHECK(journal_parse(text.data, text.len, &back) == ERR_OK);
	CHECK_TEXT(back.profile, e.profile);
	CHECK(token_name_equal(&back.token, &e.token));
	CHECK(memcmp(back.idempotency_key, e.idempotency_key, sizeof(e.idempotency_key)) == 0);
	CHECK(back.certificate_len == e.certificate_len && memcmp(back.certificate, e.certificate, e.certificate_len) == 0);
	CHECK_TEXT(back.reason, e.reason);
	CHECK_TEXT(back.language, e.language);
	CHECK(back.created == e.created && back.counter == e.counter && back.state == e.state && back.stage == e.stage);
	CHECK(back.has_keys && memcmp(back.host_kem, e.host_kem, sizeof(e.host_kem)) == 0 && memcmp(back.host_sig, e.host_sig, sizeof(e.host_sig)) == 0);
	CHECK(back.named && memcmp(back.id, e.id, sizeof(e.id)) == 0);
	CHECK(back.approved && memcmp(back.approval, e.approval, sizeof(e.approval)) == 0);
	CHECK(back.expires == e.expires && back.code_expires == e.code_expires && back.retry_after == e.retry_after);
	CHECK_TEXT(back.phrase, e.phrase);
	CHECK_TEXT(back.email, e.email);
	CHECK_TEXT(back.hotline, e.hotline);
	CHECK_TEXT(back.note, e.note);
	CHECK(back.refused == 1 && back.unclear == 1);
	CHECK(back.outcome.known && back.outcome.completed && !back.outcome.rotated && !back.outcome.reported && back.outcome.proof_built);
	CHECK(back.outcome.stage == STAGE_ROTATING && back.outcome.cryptoki == 0x30 && back.outcome.error == ERR_TOKEN_FAILED);
	CHECK_TEXT(back.outcome.proof_mechanism, "ecdsa-sha256");
	CHECK(back.outcome.proof_len == 71 && memcmp(back.outcome.proof, e.outcome.proof, 71) == 0);
	buf_free(&text);
}

static void
the_largest_entry_fits(void)
{
	struct journal_entry e = sample_unlocked(1763800000), back;
	struct buf text = buf_new(JOURNAL_FILE_MAX);

	e.certificate_len = JOURNAL_CERTIFICATE_MAX;
	e.outcome.proof_len = JOURNAL_PROOF_MAX;
	memset(e.email, 'e', sizeof(e.email) - 1);
	memset(e.note, '"', sizeof(e.note) - 1);
	memset(e.hotline, '\\', sizeof(e.hotline) - 1);
	CHECK(journal_print(&e, &text) == ERR_OK);
	CHECK(journal_parse(text.data, text.len, &back) == ERR_OK);
	CHECK(back.certificate_len == JOURNAL_CERTIFICATE_MAX && back.outcome.proof_len == JOURNAL_PROOF_MAX);
	buf_free(&text);
}

static void
a_truncated_file_is_refused(void)
{
	struct journal_entry e = sample_unlocked(1763800000), back;
	struct buf text = buf_new(JOURNAL_FILE_MAX);
	unsigned accepted = 0;

	CHECK(journal_print(&e, &text) == ERR_OK);
	for (size_t len = 0; len < text.len; len++)
		accepted += journal_parse(text.data, len, &back) == ERR_OK;
	CHECK(accepted == 0);
	buf_free(&text);
}

/* What one changed piece of the text is worth. */
static enum err
with(const char *from, const char *to)
{
	struct journal_entry e = sample_unlocked(1763800000), back;
	struct buf text = buf_new(JOURNAL_FILE_MAX), changed = buf_new(2 * JOURNAL_FILE_MAX);
	const char *all, *at;
	enum err result;

	CHECK(journal_print(&e, &text) == ERR_OK);
	all = buf_text(&text);
	at = strstr(all, from);
	CHECK(at != NULL);
	if (at != NULL) {
		buf_add(&changed, all, (size_t)(at - all));
		buf_add_text(&changed, to);
		buf_add_text(&changed, at + strlen(from));
	}
	result = journal_parse(changed.data, changed.len, &back);
	buf_free(&text);
	buf_free(&changed);
	return result;
}

static void
what_we_would_not_write_is_refused(void)
{
	CHECK(with("\"counter\":7", "\"counter\":8") == ERR_OK);
	CHECK(with("\"counter\":7", "\"counter\":-1") == ERR_JOURNAL_FAILED);
	CHECK(with("\"counter\":7", "\"counter\":\"7\"") == ERR_JOURNAL_FAILED);
	CHECK(with("\"counter\":7", "\"counter\":7,\"counter\":8") == ERR_JOURNAL_FAILED);
	CHECK(with("\"counter\":7", "\"counter\":7,\"more\":8") == ERR_JOURNAL_FAILED);
	CHECK(with("\"format\":1", "\"format\":2") == ERR_JOURNAL_FAILED);
	CHECK(with("\"released\"", "\"let go\"") == ERR_JOURNAL_FAILED);
	CHECK(with("\"refused\":1", "\"refused\":4") == ERR_JOURNAL_FAILED);
	CHECK(with("\"unclear\":1", "\"unclear\":3") == ERR_JOURNAL_FAILED);
	CHECK(with("\"vi\"", "\"fr\"") == ERR_JOURNAL_FAILED);
	CHECK(with("\"locked\"", "\"lost\"") == ERR_JOURNAL_FAILED);
	CHECK(with("\"token_failed\"", "\"Some error\"") == ERR_JOURNAL_FAILED);
	CHECK(with("\"token_failed\"", "\"\"") == ERR_JOURNAL_FAILED);
	CHECK(with("\"token_failed\"", "\"some_error\"") == ERR_OK); /* the list grows */
	CHECK(with("\"completed\"", "\"done\"") == ERR_JOURNAL_FAILED);
	CHECK(with("\"rotating\"", "\"\"") == ERR_JOURNAL_FAILED);
	CHECK(with("\"ecdsa-sha256\"", "\"\"") == ERR_JOURNAL_FAILED);
	CHECK(with("\"expires\":1764000000", "\"expires\":9007199254740992") == ERR_JOURNAL_FAILED);
	/* one key without the other, and one that is short */
	CHECK(with("\"host_kem\":\"IiIi", "\"host_kem\":\"\",\"x\":\"IiIi") == ERR_JOURNAL_FAILED);
	CHECK(with("\"host_sig\":\"MzMz", "\"host_sig\":\"") == ERR_JOURNAL_FAILED);
}

int
main(void)
{
	json_open();
	every_field_comes_back();
	the_largest_entry_fits();
	a_truncated_file_is_refused();
	what_we_would_not_write_is_refused();
	return CHECK_DONE();
}
