/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm_process.h"

#include "hsm_pin.h"
#include "hsm_token.h"
#include "log.h"

#include <assert.h>

static bool
tell(const struct os_link *link, const struct hsm_tell *t)
{
	return os_link_send(link, t, sizeof(*t), NULL);
}

static enum err
log_in(struct hsm_token *t, const struct config_hsm *config, const struct os_link *link, bool *ret_unsure)
{
	const struct hsm_tell presenting = { .news = HSM_PRESENTING };
	struct secret pin = { 0 };
	enum err e = hsm_token_begin(t);

	if (e == ERR_OK)
		e = hsm_pin_read(config, &pin);
	/* nothing is presented for somebody who has gone and would not know of it */
	if (e == ERR_OK && !tell(link, &presenting))
		e = ERR_HSM_UNAVAILABLE;
	if (e == ERR_OK)
		e = hsm_token_login(t, &pin, ret_unsure);
	secret_wipe(&pin);
	return e;
}

static void
answer(struct hsm_token *t, const struct hsm_ask *q, struct hsm_tell *a)
{
	switch (q->verb) {
	case HSM_AGREE:
		a->error = hsm_token_agree(t, &q->object, q->point, a->x);
		break;
	case HSM_MAKE:
		a->error = hsm_token_make(t, &a->object, a->point);
		break;
	case HSM_ADOPT:
		a->error = hsm_token_adopt(t, q->name, &a->object, a->point);
		break;
	}
}

void
hsm_process(const struct config_hsm *config, const struct os_link *link)
{
	struct hsm_token token = { .list = NULL };
	struct hsm_tell ready = { .news = HSM_READY };
	struct hsm_ask q;
	enum err e = hsm_token_open(&token, config);

	static_assert(sizeof(struct hsm_ask) <= OS_LINK_MAX && sizeof(struct hsm_tell) <= OS_LINK_MAX, "each is a message");
	if (e == ERR_OK)
		e = log_in(&token, config, link, &ready.unsure);
	ready.error = e;
	if (e == ERR_OK)
		log_debug("hsm", "token=%s serial=%s ready", config->token, config->serial);
	if (!tell(link, &ready))
		return;
	while (e != ERR_HSM_UNAVAILABLE && ready.error == ERR_OK && os_link_receive(link, -1, &q, sizeof(q), NULL) == (long)sizeof(q)) {
		struct hsm_tell a = { .news = HSM_ANSWER };
		answer(&token, &q, &a);
		e = tell(link, &a) ? a.error : ERR_HSM_UNAVAILABLE;
		wipe(&a, sizeof(a));
	}
}
