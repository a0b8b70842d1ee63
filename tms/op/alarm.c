/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The alarm: more SO PINs were released or exported within an hour than the authority expects. It is said once an hour: in the log, in the audit, and by
 * mail where the operator has an address. Nothing is stopped: the vault has its own limit, and an hour with many customers is no crime.
 */
#include "call.h"
#include "log.h"

#define HOUR_S 3600

/* In a transaction: two servers on one store say it once. */
static enum err
raise_alarm(struct call *c, int64_t opened, int64_t number)
{
	const char *to = c->service->config->operator_email;
	bool mails = to != NULL && number != 0;
	bool alarmed = false;
	enum err e = store_audit_alarmed(c->store, c->now - HOUR_S, c->now, &alarmed);

	if (e != ERR_OK || alarmed)
		return e;
	e = call_audit(c, "tms", 0, "alarm", "opened=%lld bound=%u mail=%s", (long long)opened, c->service->config->alarm_releases, mails ? "yes" : "no");
	if (e == ERR_OK && mails)
		e = call_mail(c, number, STORE_MAIL_ALARM, to);
	if (e == ERR_OK)
		log_error("alarm", "opened=%lld bound=%u newest_request=%lld cause=more SO PINs were released or exported within an hour than alarm_releases allows", (long long)opened,
		    c->service->config->alarm_releases, (long long)number);
	return e;
}

enum err
op_alarm(struct call *c)
{
	int64_t opened = 0;
	int64_t number = 0;
	bool alarmed = false;
	enum err e = store_audit_opened(c->store, c->now - HOUR_S, c->now, &opened, &number);

	if (e != ERR_OK || opened <= c->service->config->alarm_releases)
		return e;
	e = store_audit_alarmed(c->store, c->now - HOUR_S, c->now, &alarmed);
	if (e != ERR_OK || alarmed)
		return e;
	e = call_begin(c);
	return e == ERR_OK ? call_end(c, raise_alarm(c, opened, number)) : e;
}
