/* SPDX-License-Identifier: Apache-2.0 */
#include "upkeep.h"

#include "anchor.h"
#include "erase.h"
#include "log.h"

#define MONTH_S	  2629800 /* 30.4375 days */
#define ERASE_MAX 256	  /* rows of a kind that are erased at a time */

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
	erase(service->config, s, now);
	if (is_due(u, service->config, now))
		upkeep_end(u, service, s, now);
}
