/* SPDX-License-Identifier: Apache-2.0 */
#include "upkeep.h"

#include "anchor.h"
#include "erase.h"
#include "log.h"

#define MONTH_S	  2629800 /* 30.4375 days */
#define ERASE_MAX 256	  /* rows of a kind that are erased at a time */

#define HOUR_S	     3600
#define JUMP_S	     HOUR_S /* further apart than time servers and leap seconds take two clocks */
#define STEADY_S     HOUR_S
#define LONG_REST_S  (31L * 24 * HOUR_S)
#define AFTER_REST_S (24 * HOUR_S)

static void
begin_clock(struct upkeep *u, struct store *s, int64_t now, uint64_t now_ms)
{
	int64_t newest = 0;
	enum err e = store_audit_newest(s, &newest);

	u->clock.began = now;
	u->clock.began_ms = now_ms;
	/* where it cannot be read the longer wait is the safe one */
	u->clock.wait_s = e != ERR_OK || now - newest > LONG_REST_S ? AFTER_REST_S : STEADY_S;
}

void
upkeep_clock(struct upkeep *u, struct store *s, int64_t now, uint64_t now_ms)
{
	int64_t passed = (int64_t)((now_ms - u->clock.began_ms) / 1000);
	int64_t ahead = now - u->clock.began - passed;

	if (u->clock.wait_s == 0) {
		begin_clock(u, s, now, now_ms);
	} else if (ahead > JUMP_S || ahead < -JUMP_S) {
		begin_clock(u, s, now, now_ms);
		log_error("upkeep", "cause=the clock has jumped by=%lld; nothing is erased for seconds=%lld", (long long)ahead, (long long)u->clock.wait_s);
	}
	u->clock.steady = now_ms - u->clock.began_ms >= (uint64_t)u->clock.wait_s * 1000;
}

void
upkeep_end(struct upkeep *u, const struct service *service, struct store *s, int64_t now)
{
	struct chain_head head = { .seq = 0 };
	enum err e = chain_head_of(s, &head);

	if (e == ERR_OK && head.seq != u->anchored)
		e = anchor_write(service, s, now, &u->anchored);
	if (e == ERR_OK)
		u->anchored_at = now;
}

static bool
is_due(const struct upkeep *u, const struct config *config, int64_t now)
{
	return now < u->anchored_at || now - u->anchored_at >= (int64_t)config->anchor_minutes * 60;
}

static void
erase(const struct config *config, struct store *s, int64_t now)
{
	struct erase_count erased = { 0 };
	int64_t before = now - (int64_t)config->erase_after_months * MONTH_S;
	enum err e = config->erase_after_months != 0 ? erase_run(s, "tms", before, now, ERASE_MAX, &erased) : ERR_OK;

	if (e != ERR_OK)
		log_error("upkeep", "erase=%s", err_name(e));
	else if (erase_total(&erased) != 0)
		log_info("upkeep", "erased requests=%lld proposals=%lld enrolments=%lld notes=%lld", (long long)erased.requests, (long long)erased.proposals, (long long)erased.enrolments,
		    (long long)erased.notes);
}

void
upkeep_run(struct upkeep *u, const struct service *service, struct store *s, int64_t now)
{
	if (u->clock.steady)
		erase(service->config, s, now);
	if (is_due(u, service->config, now))
		upkeep_end(u, service, s, now);
}
