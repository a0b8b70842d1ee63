/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange.h"

#include "call.h"
#include "csrf.h"
#include "json.h"
#include "log.h"
#include "os.h"
#include "person.h"
#include "route.h"
#include "text.h"
#include "view.h"

#include <stdio.h>
#include <string.h>

#define ANSWER_MAX (1 << 20) /* bytes of a body */

/* ---- what the request said beside its body ---- */

/* The address as nginx saw it; anything that does not look like one is none. */
static const char *
address_of(const struct exchange_request *request)
{
	const char *text = request->real_ip;

	if (text == NULL || strlen(text) > 45 || text[strspn(text, "0123456789abcdefABCDEF.:")] != '\0')
		return "";
	return text;
}

/* application/json, with or without parameters behind it. */
static bool
is_json(const char *content_type)
{
	static const char want[] = "application/json";
	char head[sizeof(want)] = "";
	size_t len;

	if (content_type == NULL)
		return false;
	len = strcspn(content_type, "; \t");
	if (len != sizeof(want) - 1)
		return false;
	memcpy(head, content_type, len);
	return text_equal_nocase(head, want);
}

#define QUERY_TEXTS	8
#define QUERY_TEXT_SIZE 512

/* The texts of a query as they were meant; struct call_query points here. */
struct query_texts {
	char text[QUERY_TEXTS][QUERY_TEXT_SIZE];
};

/* Which list takes a key. */
enum query_list {
	LIST_NONE = 0,
	LIST_REQUESTS = 1,
	LIST_TOKENS = 2,
	LIST_BOTH = LIST_REQUESTS | LIST_TOKENS,
	LIST_REPORT = 4
};

static enum query_list
list_of(const struct route *route)
{
	if (route->run == op_admin_tokens)
		return LIST_TOKENS;
	if (route->run == op_admin_report)
		return LIST_REPORT;
	return route->run == op_admin_list ? LIST_REQUESTS : LIST_NONE;
}

/* A key of the query: its place, who takes it, and that it was said. */
struct query_key {
	const char *name;
	const char **text;
	int64_t *number;
	unsigned lists; /* enum query_list */
	bool said;
};

static bool
read_value(const char *value, const struct query_key *key, char room[QUERY_TEXT_SIZE])
{
	if (key->number != NULL)
		return text_number(value, strlen(value), key->number);
	*key->text = room;
	/* as browsers escape a form's fields (application/x-www-form-urlencoded) */
	return text_unescape(value, ' ', room, QUERY_TEXT_SIZE);
}

/* keys has the texts first, so that each has a place of its own in the room. */
static enum err
read_pair(const struct exchange_pair *pair, enum query_list list, struct query_key *keys, size_t count, struct query_texts *room)
{
	for (size_t i = 0; i < count; i++) {
		if ((keys[i].lists & list) == 0 || strcmp(pair->key, keys[i].name) != 0)
			continue;
		if (keys[i].said || pair->value == NULL)
			return ERR_INVALID_PARAMS;
		keys[i].said = true;
		return read_value(pair->value, &keys[i], room->text[i < QUERY_TEXTS ? i : 0]) ? ERR_OK : ERR_INVALID_PARAMS;
	}
	return ERR_INVALID_PARAMS;
}

/* Only the lists have a query; each key once. */
static enum err
read_query(const struct exchange_request *request, const struct route *route, struct call_query *query, struct query_texts *room)
{
	struct query_key keys[] = {
		{ "state", .text = &query->state, .lists = LIST_BOTH },
		{ "customer", .text = &query->customer, .lists = LIST_BOTH },
		{ "email", .text = &query->email, .lists = LIST_BOTH },
		{ "token_serial", .text = &query->token_serial, .lists = LIST_BOTH },
		{ "certificate_serial", .text = &query->certificate_serial, .lists = LIST_REQUESTS },
		{ "life", .text = &query->life, .lists = LIST_TOKENS },
		{ "order", .text = &query->order, .lists = LIST_TOKENS },
		{ "agency", .text = &query->agency, .lists = LIST_BOTH | LIST_REPORT },
		{ "type", .number = &query->type, .lists = LIST_TOKENS },
		{ "after", .number = &query->after, .lists = LIST_TOKENS },
		{ "from", .number = &query->from, .lists = LIST_REQUESTS | LIST_REPORT },
		{ "to", .number = &query->to, .lists = LIST_REQUESTS | LIST_REPORT },
		{ "before", .number = &query->before, .lists = LIST_REQUESTS },
		{ "limit", .number = &query->limit, .lists = LIST_BOTH }, /* the last: 0 is no limit */
	};
	const size_t count = sizeof(keys) / sizeof(keys[0]);
	enum err e = ERR_OK;

	if (request->query_count == 0)
		return ERR_OK;
	if (request->query_count > EXCHANGE_QUERY_MAX || list_of(route) == LIST_NONE)
		return ERR_INVALID_PARAMS;
	for (size_t i = 0; e == ERR_OK && i < request->query_count; i++)
		e = read_pair(&request->query[i], list_of(route), keys, count, room);
	return e == ERR_OK && keys[count - 1].said && query->limit == 0 ? ERR_INVALID_PARAMS : e;
}

/* ---- who calls ---- */

static enum err
check_person(const struct exchange_request *request, const struct route *route, struct call *c, struct store_person *person)
{
	enum err e = person_find(c->service, c->store, request->certificate, c->now, person);

	if (e != ERR_OK)
		return e;
	c->person = person;
	c->certificate = request->certificate;
	/* from here on the store knows nothing but what this person may see */
	if (!store_scope(c->store, person->agency))
		return ERR_INTERNAL;
	return (route->roles & route_role_of(person)) != 0 ? ERR_OK : ERR_ROLE_REFUSED;
}

/* One agency's rows, as its own people see them. Who is of an agency is in there already, and learns nothing of another one. */
static enum err
narrow(struct call *c)
{
	const char *agency = c->query.agency;

	if (agency == NULL)
		return ERR_OK;
	if (!store_agency_id_ok(agency) || (c->person->agency[0] != '\0' && strcmp(c->person->agency, agency) != 0))
		return ERR_INVALID_PARAMS;
	return store_scope(c->store, agency) ? ERR_OK : ERR_INTERNAL;
}

/* One call too many is told how long to wait. */
static enum err
say_wait(struct call *c, enum err e, unsigned retry_s)
{
	if (e == ERR_BUSY && c->detail == NULL)
		c->detail = json_pack("{s:i}", "retry_after", (int)retry_s);
	return e;
}

static enum err
limit_caller(const struct exchange_request *request, struct call *c)
{
	unsigned retry_s = 1;

	return request->limit != NULL ? say_wait(c, limit_address(request->limit, address_of(request), os_now_ms(), &retry_s), retry_s) : ERR_OK;
}

static enum err
limit_at_desk(const struct exchange_request *request, struct call *c)
{
	unsigned retry_s = 1;

	return request->limit != NULL ? say_wait(c, limit_person(request->limit, c->person->id, os_now_ms(), &retry_s), retry_s) : ERR_OK;
}

/* A page: every browser says Origin with a POST, and Sec-Fetch-Site (Fetch Metadata) with everything. */
static bool
is_browser(const struct exchange_request *request)
{
	return request->origin != NULL || request->fetch_site != NULL;
}

/*
 * A browser shows the certificate whichever page asks it to: what changes something must name the console as its origin, and what only looks must
 * not name another. "none" is an address that a person has typed.
 */
static bool
is_console(const struct exchange_request *request, const char *console, bool posted)
{
	const char *site = request->fetch_site;

	if (request->origin != NULL ? strcmp(request->origin, console) != 0 : posted)
		return false;
	return site == NULL || strcmp(site, "same-origin") == 0 || (!posted && strcmp(site, "none") == 0);
}

/* A page of this very server, or none: a page reads its own server without saying an origin, and an older browser says nothing at all. */
static bool
is_own_page(const struct exchange_request *request)
{
	const char *site = request->fetch_site;

	return request->origin == NULL && (site == NULL || strcmp(site, "same-origin") == 0 || strcmp(site, "none") == 0);
}

/* Which page asks, and whether it has read an answer of the desk. A machine's call comes from no page: none may spend its visitors' addresses on them. */
static enum err
check_page(const struct exchange_request *request, const struct route *route, const struct call *c, bool posted)
{
	if (route->roles == ROUTE_MACHINE)
		return is_browser(request) ? ERR_ORIGIN_REFUSED : ERR_OK;
	if (route->roles == ROUTE_PAGE)
		return is_own_page(request) ? ERR_OK : ERR_ORIGIN_REFUSED;
	if (!is_console(request, c->service->config->console_origin, posted))
		return ERR_ORIGIN_REFUSED;
	return !posted || csrf_ok(c->service, c->person, c->now, request->csrf) ? ERR_OK : ERR_CSRF_REFUSED;
}

/* ---- the whole ---- */

/* In the order of the contract; the first thing wrong is the answer. */
static enum err
judge(const struct exchange_request *request, struct call *c, struct store_person *person, struct route_found *found, struct query_texts *room, json_t **ret_body)
{
	bool posted = strcmp(request->method, "POST") == 0;
	enum err e;

	if (request->too_long || request->body_len > EXCHANGE_BODY_MAX)
		return ERR_FRAME_TOO_LARGE;
	e = limit_caller(request, c);
	if (e == ERR_OK)
		e = route_find(request->desk, request->method, request->path, found);
	if (e == ERR_OK && request->desk)
		e = check_person(request, found->route, c, person);
	if (e == ERR_OK && request->desk)
		e = limit_at_desk(request, c);
	if (e == ERR_OK)
		e = check_page(request, found->route, c, posted);
	if (e == ERR_OK && posted && !is_json(request->content_type))
		e = ERR_INVALID_REQUEST;
	if (e == ERR_OK)
		e = read_query(request, found->route, &c->query, room);
	if (e == ERR_OK)
		e = narrow(c);
	if (e == ERR_OK && posted)
		e = json_load(request->body, request->body_len, ret_body, NULL);
	return e;
}

/* What a path of the desk is about. */
static enum view_of
about(const struct route *route)
{
	if (strncmp(route->path, "/v1/admin/requests/", strlen("/v1/admin/requests/")) == 0)
		return VIEW_REQUEST;
	return strncmp(route->path, "/v1/admin/tokens/", strlen("/v1/admin/tokens/")) == 0 ? VIEW_TOKEN : VIEW_OTHER;
}

/*
 * Whatever somebody at the desk is shown is written down first, but for what is said of himself and how many wait, which the console asks by itself; what he does, the
 * operation writes.
 */
static enum err
note_view(struct call *c, const struct exchange_request *request, const struct route *route)
{
	if (!request->desk || strcmp(request->method, "GET") != 0 || route->run == op_admin_me || route->run == op_admin_waiting)
		return ERR_OK;
	return view_note(c, route->name, about(route));
}

static enum err
run(const struct exchange_request *request, struct call *c, struct route_found *found, json_t **ret_answer)
{
	struct store_person person;
	struct query_texts room;
	json_t *body = NULL;
	enum err e = judge(request, c, &person, found, &room, &body);

	c->body = body;
	c->id = found->id;
	c->number = found->number;
	if (e == ERR_OK)
		e = found->route->run(c, ret_answer);
	if (e == ERR_OK) {
		e = note_view(c, request, found->route);
		if (e != ERR_OK) {
			json_decref(*ret_answer);
			*ret_answer = NULL;
		}
	}
	/* person, query and body end here */
	c->person = NULL;
	store_scope(c->store, "");
	c->certificate = NULL;
	c->query = (struct call_query){ .state = NULL };
	c->body = NULL;
	json_decref(body);
	return e;
}

/* The body of the answer; what cannot even be said is an internal error with nothing in it. */
static int
write_answer(enum err e, json_t *answer, const json_t *detail, struct buf *ret)
{
	json_t *whole = answer;

	if (e != ERR_OK)
		whole = json_pack("{s:o}", "error", json_error(e, detail));
	if (whole == NULL || json_dump(whole, ret) != ERR_OK) {
		buf_reset(ret);
		e = ERR_INTERNAL;
	}
	json_decref(whole);
	return err_http(e);
}

static void
write_log(const struct exchange_request *request, const char *route, const char *id, int64_t number, enum err e, uint64_t ms)
{
	char digits[24] = "";

	if (number != 0)
		snprintf(digits, sizeof(digits), "%lld", (long long)number);
	log_info("http", "door=%s route=%s id=%s%s result=%s ms=%llu address=%s", request->desk ? "admin" : "public", route, id, digits, err_name(e),
	    (unsigned long long)ms, address_of(request));
}

static unsigned
retry_after(const struct call *c)
{
	json_int_t seconds = json_integer_value(json_object_get(c->detail, "retry_after"));

	return seconds > 0 && seconds <= 86400 ? (unsigned)seconds : 0;
}

/* For a person's browser, so that what is wrong is a page, too. */
static void
run_page(struct store *store, const struct exchange_request *request, const char *id, struct exchange_answer *ret)
{
	uint64_t begun = os_now_ms();
	struct store_agency agency;
	unsigned retry_s = 0;
	enum err e = store != NULL ? ERR_OK : ERR_STORE_FAILED;

	if (e == ERR_OK && request->limit != NULL)
		e = limit_address(request->limit, address_of(request), begun, &retry_s);
	if (e == ERR_OK && request->query_count != 0)
		e = ERR_INVALID_PARAMS;
	if (e == ERR_OK)
		e = page_agency(store, id, &agency);
	ret->content_type = "text/html; charset=utf-8";
	page_write(e == ERR_OK ? &agency : NULL, e, &ret->body, ret->policy);
	ret->status = err_http(e);
	ret->retry_after = retry_s;
	write_log(request, "embed", id, 0, e, os_now_ms() - begun);
	if (request->metrics != NULL)
		metrics_count_page(request->metrics, e, os_now_ms() - begun);
}

static void
run_call(const struct service *service, struct store *store, const struct exchange_request *request, struct exchange_answer *ret)
{
	struct call c = { .service = service, .store = store, .now = os_time(), .address = address_of(request) };
	struct route_found found = { .route = NULL };
	uint64_t begun = os_now_ms();
	json_t *answer = NULL;
	enum err e = store != NULL ? run(request, &c, &found, &answer) : ERR_STORE_FAILED;

	ret->status = write_answer(e, answer, c.detail, &ret->body);
	ret->retry_after = retry_after(&c);
	if (ret->status == 200 && found.route->roles == ROUTE_PAGE)
		ret->cache = POLICY_MINUTE;
	json_decref(c.detail);
	write_log(request, found.route != NULL ? found.route->name : "none", found.id, found.number, e, os_now_ms() - begun);
	if (request->metrics != NULL)
		metrics_count(request->metrics, found.route, e, os_now_ms() - begun);
	ret->mailed = c.mailed;
}

void
exchange_run(const struct service *service, struct store *store, const struct exchange_request *request, struct exchange_answer *ret)
{
	char agency[STORE_AGENCY_SIZE];

	*ret = (struct exchange_answer){ .body = buf_new(ANSWER_MAX), .content_type = "application/json", .cache = "no-store" };
	if (!request->desk && page_find(request->method, request->path, agency))
		run_page(store, request, agency, ret);
	else
		run_call(service, store, request, ret);
}
