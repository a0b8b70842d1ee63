/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

#include "columns.h"
#include "os.h"

#include <fcntl.h>
#include <stdio.h>

static const char *const todo[INTAKE_RESULT_COUNT] = {
	[INTAKE_IMPORTED] = "",
	[INTAKE_IMPORTED_SHARED] = "Giá trị này còn dùng cho token khác: token sẽ được đổi khóa ở lần mở khóa tới. / Other tokens have this value, too: it is rotated at the next unlock.",
	[INTAKE_SAME] = "",
	[INTAKE_NEWER] = "Không cần làm gì: giá trị đã lưu mới hơn bảng này. / Nothing: the record is newer than this table.",
	[INTAKE_DIFFERS] = "Tìm hiểu giá trị nào đúng; thay giá trị đã lưu cần hai người. / Find out which value is right; it takes two people to replace the one on record.",
	[INTAKE_NOT_COMPARED] = "Token đã có khóa và chưa được so sánh: chạy lại khi kho khóa trả lời, hoặc sau một giờ. / It is on record and was not compared: run again when the vault answers, or in an hour.",
	[INTAKE_UNOPENED] = "Kho khóa không mở được dòng này: niêm phong lại bằng vault.pub mới nhất. / The vault cannot open this line: seal it again with the newest vault.pub.",
	[INTAKE_INVALID] = "Sửa dòng này rồi chạy lại. / Mend this line and run again.",
	[INTAKE_NOT_WRITTEN] = "Kiểm tra đĩa và nhật ký rồi chạy lại. / Look at disk and log, then run again.",
};

static void
write_line(struct report *r, const char *const fields[4])
{
	struct buf b = buf_new(2048);

	columns_write(&b, fields, 4);
	if (r->fd != -1 && (buf_error(&b) != ERR_OK || !os_write_all(r->fd, b.data, b.len)))
		r->error = ERR_FILE_FAILED;
	buf_free(&b);
}

enum err
report_open(struct report *r, const char *path)
{
	static const char *const names[4] = { "line", "serial", "result", "todo" };

	*r = (struct report){ .fd = -1 };
	if (path == NULL)
		return ERR_OK;
	r->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR);
	if (r->fd == -1)
		return ERR_FILE_FAILED;
	write_line(r, names);
	return r->error;
}

void
report_add(struct report *r, const struct intake_line *l)
{
	char line[12];

	r->counts[l->result]++;
	snprintf(line, sizeof(line), "%u", l->line);
	write_line(r, (const char *const[4]){ line, l->token.serial, intake_result_name(l->result), todo[l->result] });
}

enum err
report_close(struct report *r)
{
	os_close(r->fd);
	r->fd = -1;
	return r->error;
}
