/* SPDX-License-Identifier: Apache-2.0 */
/* Which path is which operation, and at which door. */
#include "check.h"
#include "route.h"

static const struct {
	bool desk;
	const char *method;
	const char *path;
	const char *name; /* NULL: there is no such route */
	const char *id;
	int64_t number;
} rows[] = {
	{ false, "POST", "/v1/requests", "create", "", 0 },
	{ false, "POST", "/v1/requests/AAAAAAAAAAAAAAAAAAAAAA/status", "status", "AAAAAAAAAAAAAAAAAAAAAA", 0 },
	{ false, "POST", "/v1/requests/x/done", "done", "x", 0 },
	{ false, "GET", "/v1/requests", NULL, "", 0 },
	{ false, "post", "/v1/requests", NULL, "", 0 },
	{ false, "POST", "/v1/requests/", NULL, "", 0 },
	{ false, "POST", "/v1//requests", NULL, "", 0 },
	{ false, "POST", "v1/requests", NULL, "", 0 },
	{ false, "POST", "", NULL, "", 0 },
	{ false, "POST", "/v1/requests//status", NULL, "", 0 },
	{ false, "POST", "/v1/requests/x/status/", NULL, "", 0 },
	{ false, "POST", "/v1/requests/x", NULL, "", 0 },
	{ false, "POST", "/v1/requests/x/y/status", NULL, "", 0 },
	{ false, "GET", "/v1/notices", "notices", "", 0 },
	{ false, "POST", "/v1/notices", NULL, "", 0 },
	{ false, "GET", "/v1/notices/", NULL, "", 0 },
	{ false, "GET", "/v1/notices/1", NULL, "", 0 },
	{ true, "GET", "/v1/notices", NULL, "", 0 },
	{ false, "GET", "/v1/admin/me", NULL, "", 0 },
	{ false, "POST", "/v1/admin/requests/1/approve", NULL, "", 0 },
	{ true, "GET", "/v1/admin/me", "admin.me", "", 0 },
	{ true, "GET", "/v1/admin/waiting", "admin.waiting", "", 0 },
	{ true, "POST", "/v1/admin/waiting", NULL, "", 0 },
	{ false, "GET", "/v1/admin/waiting", NULL, "", 0 },
	{ true, "GET", "/v1/admin/requests", "admin.list", "", 0 },
	{ true, "GET", "/v1/admin/requests/58498", "admin.detail", "", 58498 },
	{ true, "GET", "/v1/admin/requests/9007199254740991", "admin.detail", "", 9007199254740991 },
	{ true, "GET", "/v1/admin/requests/9007199254740992", "admin.detail", "", 0 },
	{ true, "GET", "/v1/admin/requests/99999999999999999999", "admin.detail", "", 0 },
	{ true, "GET", "/v1/admin/requests/01", "admin.detail", "", 0 },
	{ true, "GET", "/v1/admin/requests/+1", "admin.detail", "", 0 },
	{ true, "POST", "/v1/admin/requests/1/refuse", "admin.refuse", "", 1 },
	{ true, "POST", "/v1/admin/requests/1", NULL, "", 0 },
	{ true, "POST", "/v1/requests", NULL, "", 0 },
	{ true, "GET", "/v1/admin/tokens", "admin.tokens", "", 0 },
	{ true, "GET", "/v1/admin/tokens/7", "admin.token", "", 7 },
	{ true, "POST", "/v1/admin/tokens/7", NULL, "", 0 },
	{ true, "GET", "/v1/admin/tokens/7/lost", NULL, "", 0 },
	{ true, "POST", "/v1/admin/tokens/x/lost", "admin.token.lost", "", 0 },
	{ false, "POST", "/v1/admin/tokens/7/lost", NULL, "", 0 },
	{ true, "POST", "/v1/admin/tokens/7/erase", NULL, "", 0 },
	{ true, "POST", "/v1/admin/proposals/3/confirm", "admin.proposal.confirm", "", 3 },
	{ true, "POST", "/v1/admin/proposals", NULL, "", 0 },
};

/* Who may do what at the desk: Viewer, Approver, Operator, aUditor of the authority; viewer, approver of an agency. */
static const struct {
	const char *method;
	const char *path;
	const char *may;
} cells[] = {
	{ "GET", "/v1/admin/me", "VAOUva" },
	{ "GET", "/v1/admin/waiting", "VAOUva" },
	{ "GET", "/v1/admin/requests", "VAOUva" },
	{ "GET", "/v1/admin/requests/1", "VAOUva" },
	{ "POST", "/v1/admin/requests/1/approve", "-A---a" },
	{ "POST", "/v1/admin/requests/1/refuse", "-A---a" },
	{ "POST", "/v1/admin/requests/1/resend", "-AO--a" },
	{ "GET", "/v1/admin/tokens", "VAOUva" },
	{ "GET", "/v1/admin/tokens/1", "VAOUva" },
	{ "POST", "/v1/admin/tokens/1/lost", "-AO--a" },
	{ "POST", "/v1/admin/tokens/1/retire", "-AO---" },
	{ "POST", "/v1/admin/tokens/1/restore", "-AO---" },
	{ "POST", "/v1/admin/tokens/1/replace", "--O---" },
	{ "POST", "/v1/admin/tokens/1/cure", "--O---" },
	{ "POST", "/v1/admin/tokens/1/reinstate", "--O---" },
	{ "POST", "/v1/admin/tokens/1/agency", "--O---" },
	{ "GET", "/v1/admin/proposals", "VAOU--" },
	{ "POST", "/v1/admin/proposals/1/confirm", "-AO---" },
	{ "POST", "/v1/admin/proposals/1/reject", "-AO---" },
	{ "GET", "/v1/admin/types", "VAOUva" },
	{ "POST", "/v1/admin/types", "--O---" },
	{ "GET", "/v1/admin/vendors", "VAOU--" },
	{ "POST", "/v1/admin/vendors", "--O---" },
	{ "GET", "/v1/admin/agencies", "VAOU--" },
	{ "POST", "/v1/admin/agencies", "--O---" },
	{ "GET", "/v1/admin/notices", "VAOU--" },
	{ "POST", "/v1/admin/notices", "--O---" },
	{ "POST", "/v1/admin/notices/1", "--O---" },
	{ "POST", "/v1/admin/notices/1/remove", "--O---" },
	{ "GET", "/v1/admin/backups", "--OU--" },
	{ "POST", "/v1/admin/backups", "--O---" },
	{ "POST", "/v1/admin/mail/test", "--O---" },
	{ "POST", "/v1/admin/import", "--O---" },
	{ "GET", "/v1/admin/mails", "VAOUva" },
	{ "POST", "/v1/admin/mails/1/retry", "-AO--a" },
	{ "GET", "/v1/admin/audit", "--OU--" },
	{ "POST", "/v1/admin/audit", "--OU--" },
	{ "GET", "/v1/admin/people", "--OU--" },
	{ "POST", "/v1/admin/people", "--O---" },
	{ "POST", "/v1/admin/people/1/remove", "--O---" },
	{ "POST", "/v1/admin/people/1/retire", "--O---" },
	{ "GET", "/v1/admin/keys", "--OU--" },
	{ "GET", "/v1/admin/report", "VAOUva" },
};

static const struct {
	char letter;
	struct store_person person;
} people[] = {
	{ 'V', { .role = STORE_VIEWER } },
	{ 'A', { .role = STORE_APPROVER } },
	{ 'O', { .role = STORE_OPERATOR } },
	{ 'U', { .role = STORE_AUDITOR } },
	{ 'v', { .role = STORE_VIEWER, .agency = "an-khang" } },
	{ 'a', { .role = STORE_APPROVER, .agency = "an-khang" } },
};

/* Who may never: shut out, and roles that nobody of an agency has. */
static const struct store_person never[] = {
	{ .role = STORE_NONE },
	{ .role = STORE_NONE, .agency = "an-khang" },
	{ .role = STORE_OPERATOR, .agency = "an-khang" },
	{ .role = STORE_AUDITOR, .agency = "an-khang" },
};

static void
test_cell(size_t i)
{
	struct route_found found = { .route = NULL };

	if (!CHECK(route_find(true, cells[i].method, cells[i].path, &found) == ERR_OK))
		return;
	for (size_t p = 0; p < sizeof(people) / sizeof(people[0]); p++)
		CHECK(((found.route->roles & route_role_of(&people[p].person)) != 0) == (strchr(cells[i].may, people[p].letter) != NULL));
	for (size_t p = 0; p < sizeof(never) / sizeof(never[0]); p++)
		CHECK((found.route->roles & route_role_of(&never[p])) == 0);
}

static void
test_row(size_t i)
{
	struct route_found found = { .route = NULL };
	enum err e = route_find(rows[i].desk, rows[i].method, rows[i].path, &found);

	if (rows[i].name == NULL) {
		CHECK(e == ERR_METHOD_NOT_FOUND && found.route == NULL);
		return;
	}
	if (!CHECK(e == ERR_OK))
		return;
	CHECK_TEXT(found.route->name, rows[i].name);
	CHECK_TEXT(found.id, rows[i].id);
	CHECK(found.number == rows[i].number);
}

/* A row is of one door: what lies below /v1/admin/ is for who has a role there, anything else for one kind of caller who has none. */
static void
test_door(const struct route *route)
{
	const unsigned desk = ROUTE_VIEWER | ROUTE_APPROVER | ROUTE_OPERATOR | ROUTE_AUDITOR | ROUTE_AGENCY_VIEWER | ROUTE_AGENCY_APPROVER;
	bool below_admin = strncmp(route->path, "/v1/admin/", strlen("/v1/admin/")) == 0;
	bool good = below_admin ? route->roles != 0 && (route->roles & ~desk) == 0 : route->roles == ROUTE_MACHINE || route->roles == ROUTE_PAGE;

	if (!CHECK(good))
		fprintf(stderr, "%s has the roles 0x%x\n", route->name, route->roles);
}

int
main(void)
{
	struct route_found found = { .route = NULL };
	char path[300] = "/v1/requests/";

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		test_row(i);
	for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++)
		test_cell(i);
	for (size_t i = 0; i < route_count(); i++)
		test_door(route_at(i));
	/* an id that is longer than any is cut, not refused: it is a strange one */
	memset(path + strlen(path), 'A', 200);
	strcat(path, "/status");
	CHECK(route_find(false, "POST", path, &found) == ERR_OK && strlen(found.id) == ROUTE_ID_SIZE - 1);
	return CHECK_DONE();
}
