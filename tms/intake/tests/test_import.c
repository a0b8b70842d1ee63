/* SPDX-License-Identifier: Apache-2.0 */
/* A table from the desk: what is new comes in, what is on record stays, and each line is said what became of it. */
#include "admin_import.h"
#include "check.h"
#include "intake.h"
#include "scratch_database.h"
#include "text.h"
#include "transcript.h"
#include "world.h"

#include <stdio.h>
#include <string.h>

#define HEAD	   "manufacturer,model,serial,sealed,customer,email\n"
#define TABLE_SIZE 16384

/* A line for token n with that value sealed, as mokhoa-tms seal writes it. */
static void
add_line(struct world *w, unsigned n, const char *value, char *table)
{
	struct token_name name = scratch_token(n).name;
	struct secret so_pin = { 0 };
	unsigned char pk[KEY_KEM_PK_LEN];
	unsigned char row[TRANSCRIPT_ESCROW_ROW_LEN];
	char sealed[2 * TRANSCRIPT_ESCROW_ROW_LEN];
	size_t len = strlen(table);

	key_kem_public(w->vault_key, pk);
	CHECK(secret_set(&so_pin, value, strlen(value)) && transcript_seal_escrow(pk, &name, TRANSCRIPT_ESCROW_FIRST, &so_pin, row) == ERR_OK);
	text_b64_encode(row, sizeof(row), sealed);
	snprintf(table + len, TABLE_SIZE - len, "%s,%s,%s,%s,Khách %u,khach%u@example.vn\n", name.manufacturer, name.model, name.serial, sealed, n, n);
	secret_wipe(&so_pin);
}

static enum err
import(struct world *w, const char *table, bool dry_run, json_t **ret_answer)
{
	return world_desk(w, 0, op_admin_import, 0, json_pack("{s:s, s:b}", "table", table, "dry_run", dry_run ? 1 : 0), ret_answer);
}

/* What became of the lines, by their words. */
static void
check_stopped(struct world *w, const char *table, bool dry_run, const char *want, const char *failed)
{
	json_t *answer = NULL, *row;
	char got[512] = "";
	size_t i;

	CHECK(import(w, table, dry_run, &answer) == ERR_OK);
	json_array_foreach(json_object_get(answer, "rows"), i, row)
	    snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%d:%s", i != 0 ? " " : "", (int)json_integer_value(json_object_get(row, "line")), json_string_value(json_object_get(row, "result")));
	CHECK_TEXT(got, want);
	CHECK_TEXT(json_string_value(json_object_get(answer, "failed")), failed);
	json_decref(answer);
}

static void
check_results(struct world *w, const char *table, bool dry_run, const char *want)
{
	check_stopped(w, table, dry_run, want, "");
}

static bool
is_there(struct world *w, unsigned n)
{
	struct token_name name = scratch_token(n).name;
	struct store_token t;
	enum err e = store_token_by_name(w->scratch.store, &name, &t);

	CHECK(e == ERR_OK || e == ERR_ESCROW_MISSING);
	return e == ERR_OK;
}

static void
test_lines(void)
{
	struct world *w = world_new();
	char table[TABLE_SIZE] = HEAD;

	world_import(w, 1, "cu@example.vn");
	world_import(w, 2, "cu@example.vn");
	add_line(w, 1, WORLD_SO_PIN, table);
	add_line(w, 2, "87654321", table);
	add_line(w, 3, "11112222", table);
	add_line(w, 3, "11112222", table);
	strcat(table, "M,K,S9,AAAA,Khách,khach@example.vn\n");
	strcat(table, "M,K,S8,AAAA,Khách,not an address\n");
	check_results(w, table, true, "2:same 3:differs 4:imported 5:invalid 6:invalid 7:invalid");
	CHECK(!is_there(w, 3) && world_audits(w, 0, "import") == 0 && world_audits(w, 0, "import_table") == 1);
	check_results(w, table, false, "2:same 3:differs 4:imported 5:invalid 6:invalid 7:invalid");
	CHECK(is_there(w, 3) && world_audits(w, 0, "import") == 1 && world_audits(w, 0, "import_table") == 2);
	/* the same again changes nothing */
	check_results(w, table, false, "2:same 3:differs 4:same 5:invalid 6:invalid 7:invalid");
	CHECK(world_audits(w, 0, "import") == 1);
	world_free(w);
}

/* A secret that an unlock has put there since is never touched, nor compared. */
static void
test_rotated(void)
{
	struct world *w = world_new();
	struct machine *m = machine_new(w, 1, MACHINE_OWN);
	char table[TABLE_SIZE] = HEAD;
	struct store_token before, after;

	world_import(w, 1, "khach@example.vn");
	CHECK(machine_to_release(m) == ERR_OK && machine_grant(m, 0) == ERR_OK);
	before = world_token(w, &m->token);
	add_line(w, 1, WORLD_SO_PIN, table);
	check_results(w, table, false, "2:newer");
	after = world_token(w, &m->token);
	CHECK(before.active == after.active && before.next == after.next && before.next != 0);
	machine_free(m);
	world_free(w);
}

static void
test_refused(void)
{
	struct world *w = world_new();
	char table[TABLE_SIZE] = HEAD;
	char many[TABLE_SIZE] = HEAD;
	json_t *answer = NULL;

	add_line(w, 3, "11112222", table);
	/* SO PINs in clear: nothing is looked at, whatever else is wrong */
	CHECK(import(w, "manufacturer,model,serial,so_pin,customer,email\nM,K,S,12345678,Khách,khach@example.vn\n", false, &answer) == ERR_TABLE_UNSEALED);
	CHECK(import(w, "so_pin\n", true, &answer) == ERR_TABLE_UNSEALED);
	/* no table of ours */
	check_results(w, "a,b\n1,2\n", false, "1:invalid");
	for (unsigned i = 0; i < ADMIN_IMPORT_ROWS + 1; i++)
		strcat(many, ",\n");
	CHECK(import(w, many, false, &answer) == ERR_INVALID_PARAMS);
	/* the log comes first: where it cannot be written nothing is */
	w->config.escrow_log = "/proc/no/such/log";
	CHECK(import(w, table, false, &answer) == ERR_ESCROW_LOG_FAILED && !is_there(w, 3));
	world_free(w);
}

/* The log fails behind the lines that were looked at: what came of each of them is told, with the error, and that some were compared is an audit row. */
static void
test_cut_short(void)
{
	struct world *w = world_new();
	char first[TABLE_SIZE] = HEAD;
	char table[TABLE_SIZE] = HEAD;
	const char *signing_key = w->config.signing_key;

	add_line(w, 3, "11112222", first);
	check_results(w, first, false, "2:imported");
	CHECK(world_audits(w, 0, "import_table") == 1);
	/* which signs the log's lines */
	w->config.signing_key = "/proc/no/such/key";
	add_line(w, 3, "11112222", table);
	add_line(w, 4, "33334444", table);
	strcat(table, "M,K\n");
	check_stopped(w, table, false, "2:same 3:not_written 4:invalid", "config_invalid");
	CHECK(is_there(w, 3) && !is_there(w, 4) && world_audits(w, 0, "import_table") == 2);
	/* nor is it told what a comparison has found that no audit row says was made */
	w->config.signing_key = signing_key;
	CHECK(scratch_database_run(w->scratch.path, "DELETE FROM audit_head"));
	check_stopped(w, first, true, "2:not_compared", "store_failed");
	world_free(w);
}

/* Without a vault new rows come in as they are, and nothing is compared. */
static void
test_without_vault(void)
{
	struct world *w = world_new();
	char table[TABLE_SIZE] = HEAD;

	world_import(w, 1, "cu@example.vn");
	add_line(w, 1, WORLD_SO_PIN, table);
	add_line(w, 3, "11112222", table);
	world_vault_stop(w);
	check_results(w, table, false, "2:not_compared 3:imported");
	CHECK(is_there(w, 3));
	world_free(w);
}

int
main(void)
{
	test_lines();
	test_rotated();
	test_refused();
	test_cut_short();
	test_without_vault();
	return CHECK_DONE();
}
