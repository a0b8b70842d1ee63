/* SPDX-License-Identifier: Apache-2.0 */
#include "letter.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define LINE_SIZE	 1536 /* a note and what stands around it */
#define TIME_SIZE	 64
#define VIETNAM_OFFSET_S (7 * 3600) /* no summer time */

#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
static void
say(struct buf *b, const char *format, ...)
{
	char line[LINE_SIZE];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (len < 0 || (size_t)len >= sizeof(line))
		buf_fail(b, ERR_INTERNAL);
	else
		buf_add(b, line, (size_t)len);
}

/* What the functions below speak of. */
struct letter {
	const struct letter_facts *facts;
	char time[TIME_SIZE]; /* until when the code is valid, else when it happened */
};

/* As the customer's clock on the wall shows it. */
static enum err
write_time(int64_t when, char ret[TIME_SIZE])
{
	time_t t = (time_t)(when + VIETNAM_OFFSET_S);
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL)
		return ERR_INTERNAL;
	snprintf(ret, TIME_SIZE, "%02d:%02d, %02d/%02d/%04d", tm.tm_hour, tm.tm_min, tm.tm_mday, tm.tm_mon + 1, tm.tm_year + 1900);
	return ERR_OK;
}

/* The code on a line of its own. It takes no way through printf, which would leave it on the stack. */
static void
say_code(struct buf *b, const struct secret *code)
{
	buf_add_text(b, "    ");
	buf_add(b, code->bytes, code->len);
	buf_add_text(b, "\n\n");
}

/* Where the page is, where that is known: by its name and not as a link, because our customers are to know that we send none. */
static void
say_portal(struct buf *b, const char *what, const char *portal)
{
	if (portal != NULL)
		say(b, "%s:\n\n    %s\n\n", what, strstr(portal, "://") + strlen("://"));
	else
		say(b, "%s. ", what);
}

static void
say_facts_vi(struct buf *b, const struct letter_facts *f)
{
	say(b, "Token: %s %s, số sê-ri %s\n", f->token->manufacturer, f->token->model, f->token->serial);
	say(b, "Yêu cầu số: %lld\n", (long long)f->number);
	say(b, "Cụm từ kiểm tra: %s\n", f->phrase);
}

static void
say_facts_en(struct buf *b, const struct letter_facts *f)
{
	say(b, "Token: %s %s, serial number %s\n", f->token->manufacturer, f->token->model, f->token->serial);
	say(b, "Request number: %lld\n", (long long)f->number);
	say(b, "Check phrase: %s\n", f->phrase);
}

/* ---- one pair of functions a mail ---- */

static void
code_vi(struct buf *b, const struct letter *l)
{
	say(b, "Yêu cầu mở khóa token của quý khách đã được duyệt. Mã xác nhận:\n\n");
	say_code(b, l->facts->code);
	say_facts_vi(b, l->facts);
	say(b, "Mã dùng được đến: %s (giờ Việt Nam)\n\n", l->time);
	say(b, "Hãy hoàn tất trên chính máy tính đã gửi yêu cầu: trên máy khác mã này không có tác dụng.\n\n");
	say(b, "Chỉ nhập mã vào cửa sổ Mokhoa có hiện cụm từ kiểm tra %s. Đừng đọc mã cho bất kỳ ai, kể cả người xưng là nhân viên của chúng tôi.\n\n", l->facts->phrase);
}

static void
code_en(struct buf *b, const struct letter *l)
{
	say(b, "Your request to unlock a token was approved. The code:\n\n");
	say_code(b, l->facts->code);
	say_facts_en(b, l->facts);
	say(b, "The code is valid until: %s (Vietnam time)\n\n", l->time);
	say(b, "Finish on the computer that asked: on any other one this code does nothing.\n\n");
	say(b, "Enter the code only in the Mokhoa window that shows the check phrase %s. Tell it to nobody, not even to somebody who says that we sent them.\n\n", l->facts->phrase);
}

static void
refused_vi(struct buf *b, const struct letter *l)
{
	say(b, "Yêu cầu mở khóa token của quý khách không được duyệt.\n\n");
	if (l->facts->note[0] != '\0')
		say(b, "Lý do: %s\n\n", l->facts->note);
	say_facts_vi(b, l->facts);
	say(b, "\nToken không bị thay đổi. Nếu vẫn cần mở khóa, hãy gửi yêu cầu mới hoặc gọi đường dây nóng.\n\n");
}

static void
refused_en(struct buf *b, const struct letter *l)
{
	say(b, "Your request to unlock a token was refused.\n\n");
	if (l->facts->note[0] != '\0')
		say(b, "Reason: %s\n\n", l->facts->note);
	say_facts_en(b, l->facts);
	say(b, "\nThe token was not changed. If you still need to unlock it, send a new request or call the hotline.\n\n");
}

static void
expired_vi(struct buf *b, const struct letter *l)
{
	say(b, "Yêu cầu mở khóa token của quý khách đã hết hạn lúc %s (giờ Việt Nam).\n\n", l->time);
	say_facts_vi(b, l->facts);
	say(b, "\nToken không bị thay đổi và mã cũ không còn dùng được. Nếu vẫn cần mở khóa, hãy gửi yêu cầu mới.\n\n");
}

static void
expired_en(struct buf *b, const struct letter *l)
{
	say(b, "Your request to unlock a token expired at %s (Vietnam time).\n\n", l->time);
	say_facts_en(b, l->facts);
	say(b, "\nThe token was not changed, and older codes no longer work. If you still need to unlock it, send a new request.\n\n");
}

static void
unlocked_vi(struct buf *b, const struct letter *l)
{
	say(b, "Token của quý khách đã được mở khóa và đặt mã PIN mới lúc %s (giờ Việt Nam).\n\n", l->time);
	say_facts_vi(b, l->facts);
	say(b, "\nNếu không phải quý khách làm việc này, hãy gọi đường dây nóng ngay.\n\n");
}

static void
unlocked_en(struct buf *b, const struct letter *l)
{
	say(b, "Your token was unlocked and given a new PIN at %s (Vietnam time).\n\n", l->time);
	say_facts_en(b, l->facts);
	say(b, "\nIf this was not you, call the hotline at once.\n\n");
}

static void
unknown_vi(struct buf *b, const struct letter *l)
{
	say(b, "Chúng tôi chưa nhận được kết quả của lần mở khóa token này; có thể máy đã tắt hoặc mất mạng giữa chừng.\n\n");
	say_facts_vi(b, l->facts);
	say_portal(b, "\nHãy cắm token vào đúng máy đó và mở lại trang đã gửi yêu cầu", l->facts->portal);
	say(b, "Nếu mã PIN mới đã dùng được thì không cần làm gì thêm; nếu token vẫn bị khóa, "
	       "hãy gửi yêu cầu mới.\n\n");
}

static void
unknown_en(struct buf *b, const struct letter *l)
{
	say(b, "We have not heard how this unlock ended; the computer may have been turned off or lost its network in the middle.\n\n");
	say_facts_en(b, l->facts);
	say_portal(b, "\nPlug the token into the same computer and open the page where you asked", l->facts->portal);
	say(b, "If the new PIN works, nothing more is needed; if the token is "
	       "still locked, send a new request.\n\n");
}

static void
address_changed_vi(struct buf *b, const struct letter *l)
{
	say(b, "Mã mở khóa token của quý khách được gửi đến một địa chỉ khác, không phải địa chỉ này.\n\n");
	say_facts_vi(b, l->facts);
	say(b, "\nNếu quý khách không yêu cầu đổi địa chỉ, hãy gọi đường dây nóng ngay.\n\n");
}

static void
address_changed_en(struct buf *b, const struct letter *l)
{
	say(b, "The code that unlocks your token is being sent to another address than this one.\n\n");
	say_facts_en(b, l->facts);
	say(b, "\nIf you did not ask for another address, call the hotline at once.\n\n");
}

static void
revoked_vi(struct buf *b, const struct letter *l)
{
	say(b, "Yêu cầu mở khóa token của quý khách đã được duyệt trước đó, nay việc duyệt được thu hồi lúc %s (giờ Việt Nam). Mã đã gửi không còn dùng được.\n\n", l->time);
	if (l->facts->note[0] != '\0')
		say(b, "Lý do: %s\n\n", l->facts->note);
	say_facts_vi(b, l->facts);
	say(b, "\nToken không bị thay đổi. Nếu vẫn cần mở khóa, hãy gửi yêu cầu mới hoặc gọi đường dây nóng.\n\n");
}

static void
revoked_en(struct buf *b, const struct letter *l)
{
	say(b, "Your request to unlock a token had been approved; at %s (Vietnam time) the approval was taken back. Codes that were sent no longer work.\n\n", l->time);
	if (l->facts->note[0] != '\0')
		say(b, "Reason: %s\n\n", l->facts->note);
	say_facts_en(b, l->facts);
	say(b, "\nThe token was not changed. If you still need to unlock it, send a new request or call the hotline.\n\n");
}

static void
alarm_vi(struct buf *b, const struct letter *l)
{
	say(b, "Trong một giờ tính đến %s (giờ Việt Nam), SO PIN đã được cấp cho khách hàng hoặc xuất ra %lld lần, nhiều hơn mức cảnh báo %u.\n\n", l->time, (long long)l->facts->opened, l->facts->bound);
	say(b, "Yêu cầu mới nhất lúc đó: %lld\n\n", (long long)l->facts->number);
	say(b, "Hãy xem nhật ký của máy chủ và của kho khóa. Nếu không giải thích được, hãy dừng kho khóa (mokhoa-tms vault): từ lúc đó không SO PIN nào được cấp nữa và không token nào bị ảnh hưởng. "
	       "Trong một giờ chỉ có một thư như thế này.\n\n");
}

static void
alarm_en(struct buf *b, const struct letter *l)
{
	say(b, "Within the hour before %s (Vietnam time) SO PINs were released to customers or exported %lld times, more than the %u that raise an alarm.\n\n", l->time, (long long)l->facts->opened, l->facts->bound);
	say(b, "The newest request at that time: %lld\n\n", (long long)l->facts->number);
	say(b, "Look at the logs of the server and of the vault. If you cannot explain it, stop the vault (mokhoa-tms vault): from then on no SO PIN is released, and no token is harmed. "
	       "There is one such mail an hour.\n\n");
}

static void
waiting_vi(struct buf *b, const struct letter *l)
{
	say(b, "Có %lld yêu cầu mở khóa token đang chờ duyệt; yêu cầu chờ lâu nhất từ %s (giờ Việt Nam). Yêu cầu mới nhất: %lld.\n\n", (long long)l->facts->waiting, l->time, (long long)l->facts->number);
	say_portal(b, "Hãy mở trang quản trị", l->facts->console);
	say(b, "Các yêu cầu đến sau thư này được gộp vào thư kế tiếp.\n\n");
}

static void
waiting_en(struct buf *b, const struct letter *l)
{
	say(b, "%lld requests to unlock a token wait for approval, the oldest since %s (Vietnam time). The newest request: %lld.\n\n", (long long)l->facts->waiting, l->time, (long long)l->facts->number);
	say_portal(b, "Please open the console", l->facts->console);
	say(b, "Requests that come in after this mail are gathered for the next one.\n\n");
}

struct kind {
	const char *subject_vi;
	const char *subject_en;
	void (*say_vi)(struct buf *b, const struct letter *l);
	void (*say_en)(struct buf *b, const struct letter *l);
};

static const struct kind kinds[STORE_MAIL_COUNT] = {
	[STORE_MAIL_CODE] = { "Mã mở khóa token", "token unlock code", code_vi, code_en },
	[STORE_MAIL_REFUSED] = { "Yêu cầu mở khóa token bị từ chối", "token unlock refused", refused_vi, refused_en },
	[STORE_MAIL_EXPIRED] = { "Yêu cầu mở khóa token đã hết hạn", "token unlock request expired", expired_vi, expired_en },
	[STORE_MAIL_UNLOCKED] = { "Token đã được mở khóa", "token unlocked", unlocked_vi, unlocked_en },
	[STORE_MAIL_UNKNOWN] = { "Chưa rõ kết quả mở khóa token", "token unlock: outcome unknown", unknown_vi, unknown_en },
	[STORE_MAIL_ADDRESS_CHANGED] = { "Đổi địa chỉ nhận mã mở khóa token", "token unlock: address changed", address_changed_vi, address_changed_en },
	[STORE_MAIL_REVOKED] = { "Thu hồi việc duyệt mở khóa token", "token unlock: approval taken back", revoked_vi, revoked_en },
	[STORE_MAIL_ALARM] = { "Cảnh báo: cấp nhiều SO PIN", "alarm: many SO PINs were released", alarm_vi, alarm_en },
	[STORE_MAIL_WAITING] = { "Yêu cầu mở khóa token chờ duyệt", "token unlock requests wait", waiting_vi, waiting_en },
};

/* Whom a mail without a name is for. */
static const char *
reader(const struct letter_facts *f, const char *customer, const char *operator_of_the_server, const char *approver)
{
	if (f->kind == STORE_MAIL_ALARM)
		return operator_of_the_server;
	if (f->kind == STORE_MAIL_WAITING)
		return approver;
	return f->customer[0] != '\0' ? f->customer : customer;
}

enum err
letter_write(const struct letter_facts *f, char ret_subject[LETTER_SUBJECT_SIZE], struct buf *b)
{
	const struct kind *kind = &kinds[f->kind];
	struct letter l = { .facts = f };
	enum err e = write_time(f->kind == STORE_MAIL_CODE ? f->code_expires : f->when, l.time);

	if (e != ERR_OK)
		return e;
	snprintf(ret_subject, LETTER_SUBJECT_SIZE, "%s (%lld) / %s", kind->subject_vi, (long long)f->number, kind->subject_en);
	say(b, "Kính gửi %s,\n\n", reader(f, "quý khách", "người vận hành", "người duyệt"));
	kind->say_vi(b, &l);
	say(b, "Đường dây nóng: %s\n%s\n\n----------------------------------------\n\n", f->hotline, f->authority);
	say(b, "Dear %s,\n\n", reader(f, "customer", "operator", "approver"));
	kind->say_en(b, &l);
	say(b, "Hotline: %s\n%s\n", f->hotline, f->authority);
	return buf_error(b);
}
