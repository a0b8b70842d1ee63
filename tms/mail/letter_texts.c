/* SPDX-License-Identifier: Apache-2.0 */
/* What the mails say where the authority has written nothing else: plain words, what happened, what to do next. Each is a template as template.h takes it. */
#include "letter.h"

#define FACTS_VI \
	"Token: {token}, số sê-ri {serial}\n" \
	"Yêu cầu số: {number}\n" \
	"Cụm từ kiểm tra: {phrase}\n"

#define FACTS_EN \
	"Token: {token}, serial number {serial}\n" \
	"Request number: {number}\n" \
	"Check phrase: {phrase}\n"

#define HEAD_VI "Kính gửi {customer},\n\n"
#define HEAD_EN "Dear {customer},\n\n"
#define TAIL_VI "\nĐường dây nóng: {hotline}\n{authority}\n"
#define TAIL_EN "\nHotline: {hotline}\n{authority}\n"

static const char *const texts[STORE_MAIL_COUNT][LETTER_LANGUAGES] = {
	[STORE_MAIL_CODE] = {
	    "Subject: Mã mở khóa token ({number})\n\n" HEAD_VI
	    "Yêu cầu mở khóa token của quý khách đã được duyệt. Mã xác nhận:\n"
	    "\n"
	    "    {code}\n"
	    "\n" FACTS_VI
	    "Mã dùng được đến: {time} (giờ Việt Nam)\n"
	    "\n"
	    "Hãy hoàn tất trên chính máy tính đã gửi yêu cầu: trên máy khác mã này không có tác dụng.\n"
	    "\n"
	    "Chỉ nhập mã vào cửa sổ Mokhoa có hiện cụm từ kiểm tra {phrase}. Đừng đọc mã cho bất kỳ ai, kể cả người xưng là nhân viên của chúng tôi.\n" TAIL_VI,
	    "Subject: token unlock code\n\n" HEAD_EN
	    "Your request to unlock a token was approved. The code:\n"
	    "\n"
	    "    {code}\n"
	    "\n" FACTS_EN
	    "The code is valid until: {time} (Vietnam time)\n"
	    "\n"
	    "Finish on the computer that asked: on any other one this code does nothing.\n"
	    "\n"
	    "Enter the code only in the Mokhoa window that shows the check phrase {phrase}. Tell it to nobody, not even to somebody who says that we sent them.\n" TAIL_EN,
	},
	[STORE_MAIL_REFUSED] = {
	    "Subject: Yêu cầu mở khóa token bị từ chối ({number})\n\n" HEAD_VI "Yêu cầu mở khóa token của quý khách không được duyệt.\n"
	    "\n"
	    "Lý do: {note}\n"
	    "\n" FACTS_VI "\n"
	    "Token không bị thay đổi. Nếu vẫn cần mở khóa, hãy gửi yêu cầu mới hoặc gọi đường dây nóng.\n" TAIL_VI,
	    "Subject: token unlock refused\n\n" HEAD_EN "Your request to unlock a token was refused.\n"
	    "\n"
	    "Reason: {note}\n"
	    "\n" FACTS_EN "\n"
	    "The token was not changed. If you still need to unlock it, send a new request or call the hotline.\n" TAIL_EN,
	},
	[STORE_MAIL_EXPIRED] = {
	    "Subject: Yêu cầu mở khóa token đã hết hạn ({number})\n\n" HEAD_VI "Yêu cầu mở khóa token của quý khách đã hết hạn lúc {time} (giờ Việt Nam).\n"
	    "\n" FACTS_VI "\n"
	    "Token không bị thay đổi và mã cũ không còn dùng được. Nếu vẫn cần mở khóa, hãy gửi yêu cầu mới.\n" TAIL_VI,
	    "Subject: token unlock request expired\n\n" HEAD_EN "Your request to unlock a token expired at {time} (Vietnam time).\n"
	    "\n" FACTS_EN "\n"
	    "The token was not changed, and older codes no longer work. If you still need to unlock it, send a new request.\n" TAIL_EN,
	},
	[STORE_MAIL_UNLOCKED] = {
	    "Subject: Token đã được mở khóa ({number})\n\n" HEAD_VI "Token của quý khách đã được mở khóa và đặt mã PIN mới lúc {time} (giờ Việt Nam).\n"
	    "\n" FACTS_VI "\n"
	    "Nếu không phải quý khách làm việc này, hãy gọi đường dây nóng ngay.\n" TAIL_VI,
	    "Subject: token unlocked\n\n" HEAD_EN "Your token was unlocked and given a new PIN at {time} (Vietnam time).\n"
	    "\n" FACTS_EN "\n"
	    "If this was not you, call the hotline at once.\n" TAIL_EN,
	},
	[STORE_MAIL_UNKNOWN] = {
	    "Subject: Chưa rõ kết quả mở khóa token ({number})\n\n" HEAD_VI "Chúng tôi chưa nhận được kết quả của lần mở khóa token này; có thể máy đã tắt hoặc mất mạng giữa chừng.\n"
	    "\n" FACTS_VI "\n"
	    "Hãy cắm token vào đúng máy đó và mở lại trang đã gửi yêu cầu.\n"
	    "\n"
	    "    {portal}\n"
	    "\n"
	    "Nếu mã PIN mới đã dùng được thì không cần làm gì thêm; nếu token vẫn bị khóa, hãy gửi yêu cầu mới.\n" TAIL_VI,
	    "Subject: token unlock: outcome unknown\n\n" HEAD_EN "We have not heard how this unlock ended; the computer may have been turned off or lost its network in the middle.\n"
	    "\n" FACTS_EN "\n"
	    "Plug the token into the same computer and open the page where you asked.\n"
	    "\n"
	    "    {portal}\n"
	    "\n"
	    "If the new PIN works, nothing more is needed; if the token is still locked, send a new request.\n" TAIL_EN,
	},
	[STORE_MAIL_ADDRESS_CHANGED] = {
	    "Subject: Đổi địa chỉ nhận mã mở khóa token ({number})\n\n" HEAD_VI "Mã mở khóa token của quý khách được gửi đến một địa chỉ khác, không phải địa chỉ này.\n"
	    "\n" FACTS_VI "\n"
	    "Nếu quý khách không yêu cầu đổi địa chỉ, hãy gọi đường dây nóng ngay.\n" TAIL_VI,
	    "Subject: token unlock: address changed\n\n" HEAD_EN "The code that unlocks your token is being sent to another address than this one.\n"
	    "\n" FACTS_EN "\n"
	    "If you did not ask for another address, call the hotline at once.\n" TAIL_EN,
	},
	[STORE_MAIL_REVOKED] = {
	    "Subject: Thu hồi việc duyệt mở khóa token ({number})\n\n" HEAD_VI "Yêu cầu mở khóa token của quý khách đã được duyệt trước đó, nay việc duyệt được thu hồi lúc {time} (giờ Việt Nam). Mã đã gửi không còn dùng được.\n"
	    "\n"
	    "Lý do: {note}\n"
	    "\n" FACTS_VI "\n"
	    "Token không bị thay đổi. Nếu vẫn cần mở khóa, hãy gửi yêu cầu mới hoặc gọi đường dây nóng.\n" TAIL_VI,
	    "Subject: token unlock: approval taken back\n\n" HEAD_EN "Your request to unlock a token had been approved; at {time} (Vietnam time) the approval was taken back. Codes that were sent no longer work.\n"
	    "\n"
	    "Reason: {note}\n"
	    "\n" FACTS_EN "\n"
	    "The token was not changed. If you still need to unlock it, send a new request or call the hotline.\n" TAIL_EN,
	},
	[STORE_MAIL_ALARM] = {
	    "Subject: Cảnh báo: cấp nhiều SO PIN ({number})\n\n" HEAD_VI "Trong một giờ tính đến {time} (giờ Việt Nam), SO PIN đã được cấp cho khách hàng hoặc xuất ra {opened} lần, nhiều hơn mức cảnh báo {bound}.\n"
	    "\n"
	    "Yêu cầu mới nhất lúc đó: {number}\n"
	    "\n"
	    "Hãy xem nhật ký của máy chủ và của kho khóa. Nếu không giải thích được, hãy dừng kho khóa (mokhoa-tms vault): từ lúc đó không SO PIN nào được cấp nữa và không token nào bị ảnh hưởng. Trong một giờ chỉ có một thư như thế này.\n" TAIL_VI,
	    "Subject: alarm: many SO PINs were released\n\n" HEAD_EN "Within the hour before {time} (Vietnam time) SO PINs were released to customers or exported {opened} times, more than the {bound} that raise an alarm.\n"
	    "\n"
	    "The newest request at that time: {number}\n"
	    "\n"
	    "Look at the logs of the server and of the vault. If you cannot explain it, stop the vault (mokhoa-tms vault): from then on no SO PIN is released, and no token is harmed. There is one such mail an hour.\n" TAIL_EN,
	},
	[STORE_MAIL_WAITING] = {
	    "Subject: Yêu cầu mở khóa token chờ duyệt ({number})\n\n" HEAD_VI "Có {waiting} yêu cầu mở khóa token đang chờ duyệt; yêu cầu chờ lâu nhất từ {time} (giờ Việt Nam). Yêu cầu mới nhất: {number}.\n"
	    "\n"
	    "Hãy mở trang quản trị.\n"
	    "\n"
	    "    {console}\n"
	    "\n"
	    "Các yêu cầu đến sau thư này được gộp vào thư kế tiếp.\n" TAIL_VI,
	    "Subject: token unlock requests wait\n\n" HEAD_EN "{waiting} requests to unlock a token wait for approval, the oldest since {time} (Vietnam time). The newest request: {number}.\n"
	    "\n"
	    "Please open the console.\n"
	    "\n"
	    "    {console}\n"
	    "\n"
	    "Requests that come in after this mail are gathered for the next one.\n" TAIL_EN,
	},
};

const char *
letter_builtin(enum store_mail kind, enum letter_language language)
{
	return texts[kind][language];
}
