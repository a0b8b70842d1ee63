/* SPDX-License-Identifier: Apache-2.0 */
#include "route.h"

#include "admin_audit.h"
#include "admin_backup.h"
#include "admin_import.h"
#include "mail_test.h"
#include "text.h"

#include <string.h>

/* The columns of the table: who of the authority may, and who of an agency. */
#define MAY(viewer, approver, operator, auditor, agency_viewer, agency_approver) \
	((viewer)*ROUTE_VIEWER | (approver)*ROUTE_APPROVER | (operator) * ROUTE_OPERATOR | (auditor)*ROUTE_AUDITOR | \
	    (agency_viewer)*ROUTE_AGENCY_VIEWER | (agency_approver)*ROUTE_AGENCY_APPROVER)

#define ROUTE_DESK   (unsigned)MAY(1, 1, 1, 1, 1, 1)
#define ROUTE_PUBLIC (unsigned)(ROUTE_MACHINE | ROUTE_PAGE)

static const struct route routes[] = {
	{ "create", "POST", "/v1/requests", ROUTE_MACHINE, op_create },
	{ "status", "POST", "/v1/requests/{id}/status", ROUTE_MACHINE, op_status },
	{ "resend", "POST", "/v1/requests/{id}/resend", ROUTE_MACHINE, op_resend },
	{ "cancel", "POST", "/v1/requests/{id}/cancel", ROUTE_MACHINE, op_cancel },
	{ "release", "POST", "/v1/requests/{id}/release", ROUTE_MACHINE, op_release },
	{ "grant", "POST", "/v1/requests/{id}/grant", ROUTE_MACHINE, op_grant },
	{ "done", "POST", "/v1/requests/{id}/done", ROUTE_MACHINE, op_done },
	{ "notices", "GET", "/v1/notices", ROUTE_PAGE, op_notices },
	{ "admin.me", "GET", "/v1/admin/me", MAY(1, 1, 1, 1, 1, 1), op_admin_me },
	{ "admin.waiting", "GET", "/v1/admin/waiting", MAY(1, 1, 1, 1, 1, 1), op_admin_waiting },
	{ "admin.list", "GET", "/v1/admin/requests", MAY(1, 1, 1, 1, 1, 1), op_admin_list },
	{ "admin.detail", "GET", "/v1/admin/requests/{number}", MAY(1, 1, 1, 1, 1, 1), op_admin_detail },
	{ "admin.approve", "POST", "/v1/admin/requests/{number}/approve", MAY(0, 1, 0, 0, 0, 1), op_admin_approve },
	{ "admin.refuse", "POST", "/v1/admin/requests/{number}/refuse", MAY(0, 1, 0, 0, 0, 1), op_admin_refuse },
	{ "admin.resend", "POST", "/v1/admin/requests/{number}/resend", MAY(0, 1, 1, 0, 0, 1), op_admin_resend },
	{ "admin.tokens", "GET", "/v1/admin/tokens", MAY(1, 1, 1, 1, 1, 1), op_admin_tokens },
	{ "admin.token", "GET", "/v1/admin/tokens/{number}", MAY(1, 1, 1, 1, 1, 1), op_admin_token },
	{ "admin.token.lost", "POST", "/v1/admin/tokens/{number}/lost", MAY(0, 1, 1, 0, 0, 1), op_admin_token_lost },
	{ "admin.token.retire", "POST", "/v1/admin/tokens/{number}/retire", MAY(0, 1, 1, 0, 0, 0), op_admin_token_retire },
	{ "admin.token.restore", "POST", "/v1/admin/tokens/{number}/restore", MAY(0, 1, 1, 0, 0, 0), op_admin_token_restore },
	{ "admin.token.replace", "POST", "/v1/admin/tokens/{number}/replace", MAY(0, 0, 1, 0, 0, 0), op_admin_token_replace },
	{ "admin.token.cure", "POST", "/v1/admin/tokens/{number}/cure", MAY(0, 0, 1, 0, 0, 0), op_admin_token_cure },
	{ "admin.token.reinstate", "POST", "/v1/admin/tokens/{number}/reinstate", MAY(0, 0, 1, 0, 0, 0), op_admin_token_reinstate },
	{ "admin.token.agency", "POST", "/v1/admin/tokens/{number}/agency", MAY(0, 0, 1, 0, 0, 0), op_admin_token_agency },
	{ "admin.proposals", "GET", "/v1/admin/proposals", MAY(1, 1, 1, 1, 0, 0), op_admin_proposals },
	{ "admin.proposal.confirm", "POST", "/v1/admin/proposals/{number}/confirm", MAY(0, 1, 1, 0, 0, 0), op_admin_proposal_confirm },
	{ "admin.proposal.reject", "POST", "/v1/admin/proposals/{number}/reject", MAY(0, 1, 1, 0, 0, 0), op_admin_proposal_reject },
	{ "admin.types", "GET", "/v1/admin/types", MAY(1, 1, 1, 1, 1, 1), op_admin_types },
	{ "admin.type.put", "POST", "/v1/admin/types", MAY(0, 0, 1, 0, 0, 0), op_admin_type_put },
	{ "admin.vendors", "GET", "/v1/admin/vendors", MAY(1, 1, 1, 1, 0, 0), op_admin_vendors },
	{ "admin.vendor.put", "POST", "/v1/admin/vendors", MAY(0, 0, 1, 0, 0, 0), op_admin_vendor_put },
	{ "admin.agencies", "GET", "/v1/admin/agencies", MAY(1, 1, 1, 1, 0, 0), op_admin_agencies },
	{ "admin.agency.put", "POST", "/v1/admin/agencies", MAY(0, 0, 1, 0, 0, 0), op_admin_agency_put },
	{ "admin.notices", "GET", "/v1/admin/notices", MAY(1, 1, 1, 1, 0, 0), op_admin_notices },
	{ "admin.notice.add", "POST", "/v1/admin/notices", MAY(0, 0, 1, 0, 0, 0), op_admin_notice_add },
	{ "admin.notice.change", "POST", "/v1/admin/notices/{number}", MAY(0, 0, 1, 0, 0, 0), op_admin_notice_change },
	{ "admin.notice.remove", "POST", "/v1/admin/notices/{number}/remove", MAY(0, 0, 1, 0, 0, 0), op_admin_notice_remove },
	{ "admin.mails", "GET", "/v1/admin/mails", MAY(1, 1, 1, 1, 1, 1), op_admin_mails },
	{ "admin.mail.retry", "POST", "/v1/admin/mails/{number}/retry", MAY(0, 1, 1, 0, 0, 1), op_admin_mail_retry },
	{ "admin.audit", "GET", "/v1/admin/audit", MAY(0, 0, 1, 1, 0, 0), op_admin_audit },
	{ "admin.audit.verify", "POST", "/v1/admin/audit", MAY(0, 0, 1, 1, 0, 0), op_admin_audit_verify },
	{ "admin.import", "POST", "/v1/admin/import", MAY(0, 0, 1, 0, 0, 0), op_admin_import },
	{ "admin.backups", "GET", "/v1/admin/backups", MAY(0, 0, 1, 1, 0, 0), op_admin_backups },
	{ "admin.backup", "POST", "/v1/admin/backups", MAY(0, 0, 1, 0, 0, 0), op_admin_backup },
	{ "admin.mail.test", "POST", "/v1/admin/mail/test", MAY(0, 0, 1, 0, 0, 0), op_admin_mail_test },
	{ "admin.keys", "GET", "/v1/admin/keys", MAY(0, 0, 1, 1, 0, 0), op_admin_keys },
	{ "admin.report", "GET", "/v1/admin/report", MAY(1, 1, 1, 1, 1, 1), op_admin_report },
	{ "admin.people", "GET", "/v1/admin/people", MAY(0, 0, 1, 1, 0, 0), op_admin_people },
	{ "admin.person.propose", "POST", "/v1/admin/people", MAY(0, 0, 1, 0, 0, 0), op_admin_person_propose },
	{ "admin.person.remove", "POST", "/v1/admin/people/{number}/remove", MAY(0, 0, 1, 0, 0, 0), op_admin_person_remove },
	{ "admin.certificate.retire", "POST", "/v1/admin/people/{number}/retire", MAY(0, 0, 1, 0, 0, 0), op_admin_certificate_retire },
	{ "admin.enrolment.confirm", "POST", "/v1/admin/enrolments/{number}/confirm", MAY(0, 0, 1, 0, 0, 0), op_admin_enrolment_confirm },
	{ "admin.enrolment.reject", "POST", "/v1/admin/enrolments/{number}/reject", MAY(0, 0, 1, 0, 0, 0), op_admin_enrolment_reject },
};

unsigned
route_role_of(const struct store_person *person)
{
	static const unsigned authority[STORE_ROLE_COUNT] = {
		[STORE_VIEWER] = ROUTE_VIEWER,
		[STORE_APPROVER] = ROUTE_APPROVER,
		[STORE_OPERATOR] = ROUTE_OPERATOR,
		[STORE_AUDITOR] = ROUTE_AUDITOR,
	};
	static const unsigned agency[STORE_ROLE_COUNT] = {
		[STORE_VIEWER] = ROUTE_AGENCY_VIEWER,
		[STORE_APPROVER] = ROUTE_AGENCY_APPROVER,
	};

	return person->agency[0] != '\0' ? agency[person->role] : authority[person->role];
}

#define ROUTE_COUNT (sizeof(routes) / sizeof(routes[0]))

size_t
route_count(void)
{
	return ROUTE_COUNT;
}

const struct route *
route_at(size_t index)
{
	return &routes[index];
}

size_t
route_index(const struct route *route)
{
	return (size_t)(route - routes);
}

/* An id that is longer than any is cut: it is a strange one either way. */
static void
read_segment(const char *name, const char *text, size_t len, struct route_found *ret)
{
	if (strncmp(name, "{number}", strlen("{number}")) == 0) {
		/* 1 to 2^53 - 1 without a leading zero; 0 for anything else */
		if (text[0] == '0' || !text_number(text, len, &ret->number))
			ret->number = 0;
		return;
	}
	if (len >= sizeof(ret->id))
		len = sizeof(ret->id) - 1;
	memcpy(ret->id, text, len);
	ret->id[len] = '\0';
}

/* Segment by segment; an empty one matches no name. */
static bool
matches(const char *pattern, const char *path, struct route_found *ret)
{
	while (*pattern == '/' && *path == '/') {
		size_t want = strcspn(++pattern, "/");
		size_t got = strcspn(++path, "/");
		if (*pattern == '{' && got != 0)
			read_segment(pattern, path, got, ret);
		else if (want != got || memcmp(pattern, path, want) != 0)
			return false;
		pattern += want;
		path += got;
	}
	return *pattern == '\0' && *path == '\0';
}

static bool
is_at_door(const struct route *route, bool desk)
{
	return (route->roles & (desk ? ROUTE_DESK : ROUTE_PUBLIC)) != 0;
}

enum err
route_find(bool desk, const char *method, const char *path, struct route_found *ret)
{
	for (size_t i = 0; i < ROUTE_COUNT; i++) {
		const struct route *route = &routes[i];
		if (is_at_door(route, desk) && strcmp(route->method, method) == 0 && matches(route->path, path, ret)) {
			ret->route = route;
			return ERR_OK;
		}
	}
	return ERR_METHOD_NOT_FOUND;
}
