/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mail_test: a mail to the administrator himself, sent while he waits, so that he reads what the authority's mail server says. One at a time: it may take a minute.
 */
#ifndef MOKHOA_MAIL_TEST_H
#define MOKHOA_MAIL_TEST_H

#include "call.h"

/*
 * POST /v1/admin/mail/test. To the address of the caller's certificate, else to the operator's; ERR_MAIL_ADDRESS where there is neither, ERR_BUSY while another one is
 * being sent. That the mail was not taken is an answer and no error.
 */
enum err op_admin_mail_test(struct call *c, json_t **ret_answer);

#endif
