/* SPDX-License-Identifier: Apache-2.0 */
#include "page.h"

#include "text.h"

#include <stdio.h>
#include <string.h>

static const char path_head[] = "/embed/";

bool
page_find(const char *method, const char *path, char ret_agency[STORE_AGENCY_SIZE])
{
	if (strcmp(method, "GET") != 0 || strncmp(path, path_head, strlen(path_head)) != 0)
		return false;
	path += strlen(path_head);
	if (!store_agency_id_ok(path) || !text_copy(ret_agency, STORE_AGENCY_SIZE, path))
		ret_agency[0] = '\0';
	return true;
}

/* One or more origins, one blank between two. */
static bool
are_origins(const char *text)
{
	for (;;) {
		size_t len = strcspn(text, " ");
		if (!text_is_origin(text, len))
			return false;
		text += len;
		if (*text++ == '\0')
			return true;
	}
}

enum err
page_agency(struct store *store, const char *id, struct store_agency *ret)
{
	enum err e = store_agency_by_id(store, id, ret);

	return e == ERR_OK && !are_origins(ret->origins) ? ERR_AGENCY_UNKNOWN : e;
}

/* ---- the document ---- */

static const char head[] =
    "<!doctype html>\n"
    "<html lang=\"vi\" data-title=\"title\"";

/* Links leave the frame: the portal's other pages stand in nobody's. */
static const char rest_of_head[] =
    ">\n<head>\n"
    "<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta name=\"color-scheme\" content=\"light dark\">\n"
    "<base target=\"_blank\">\n"
    "<title>Mở khóa token</title>\n"
    "<link rel=\"icon\" href=\"/style/mark.svg\" type=\"image/svg+xml\">\n"
    "<link rel=\"stylesheet\" href=\"/style/style.css\">\n";

static const char frame[] =
    "<script type=\"module\" src=\"/embed-main.js\"></script>\n"
    "</head>\n<body class=\"embed\">\n"
    "<main id=\"main\" class=\"stack\"><noscript>Trang này cần JavaScript. / This page needs JavaScript.</noscript></main>\n"
    "</body>\n</html>\n";

static void
add_sentence(struct buf *b, enum err e, const char *language)
{
	buf_add_text(b, "<p lang=\"");
	buf_add_text(b, language);
	buf_add_text(b, "\"><b>");
	buf_add_text(b, err_sentence(e, language));
	buf_add_text(b, "</b> ");
	buf_add_text(b, err_hint(e, language));
	buf_add_text(b, "</p>\n");
}

/* Our own sentences have nothing in them that markup would mean, and neither have ids and origins. */
void
page_write(const struct store_agency *agency, enum err e, struct buf *body, char ret_policy[PAGE_POLICY_SIZE])
{
	snprintf(ret_policy, PAGE_POLICY_SIZE, "%s%s", POLICY_CUSTOMER, agency != NULL ? agency->origins : "'none'");
	buf_add_text(body, head);
	if (agency != NULL) {
		buf_add_text(body, " data-agency=\"");
		buf_add_text(body, agency->id);
		buf_add_text(body, "\" data-origins=\"");
		buf_add_text(body, agency->origins);
		buf_add_text(body, "\"");
	}
	buf_add_text(body, rest_of_head);
	if (agency != NULL) {
		buf_add_text(body, frame);
		return;
	}
	buf_add_text(body, "</head>\n<body class=\"embed\">\n<main class=\"stack\"><h1 class=\"unseen\">Mở khóa token</h1>\n<section class=\"note bad stack\" data-error=\"");
	buf_add_text(body, err_name(e));
	buf_add_text(body, "\">\n");
	add_sentence(body, e, "vi");
	add_sentence(body, e, "en");
	buf_add_text(body, "</section></main>\n</body>\n</html>\n");
}
