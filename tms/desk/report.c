/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

#include "columns.h"
#include "os.h"
#include "text.h"

#include <fcntl.h>
#include <stdio.h>

/* The words are what scripts compare: none is ever renamed, and a new one is added at the end. */
static const struct {
	const char *word;
	const char *todo;
} results[REPORT_RESULT_COUNT] = {
	[REPORT_IMPORTED] = { "imported", "" },
	[REPORT_IMPORTED_SHARED] = { "imported_shared", "Giá trị này còn dùng cho token khác: token sẽ được đổi khóa ở lần mở khóa tới. / Other tokens have this value, too: it is rotated at the next unlock." },
	[REPORT_SAME] = { "same", "" },
	[REPORT_NEWER] = { "newer", "Không cần làm gì: giá trị đã lưu mới hơn bảng này. / Nothing: the record is newer than this table." },
	[REPORT_DIFFERS] = { "differs", "Tìm hiểu giá trị nào đúng; thay giá trị đã lưu cần hai người. / Find out which value is right; it takes two people to replace the one on record." },
	[REPORT_NOT_COMPARED] = { "not_compared", "Token đã có khóa và chưa được so sánh: chạy lại khi kho khóa trả lời, hoặc sau một giờ. / It is on record and was not compared: run again when the vault answers, or in an hour." },
	[REPORT_UNOPENED] = { "unopened", "Kho khóa không mở được dòng này: niêm phong lại bằng vault.pub mới nhất. / The vault cannot open this line: seal it again with the newest vault.pub." },
	[REPORT_INVALID] = { "invalid", "Sửa dòng này rồi chạy lại. / Mend this line and run again." },
	[REPORT_NOT_WRITTEN] = { "not_written", "Kiểm tra đĩa và nhật ký rồi chạy lại. / Look at disk and log, then run again." },
};

static void
write_line(struct report *r, const char *const fields[4])
{
	struct buf b = buf_new(2048);

	columns_write(&b, fields, 4);
	if (r->fd != -1 && (buf_error(&b) != ERR_OK || !os_write_all(r->fd, b.data, b.len)))
		r->error = ERR_JOURNAL_FAILED;
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
		return ERR_JOURNAL_FAILED;
	write_line(r, names);
	return r->error;
}

void
report_add(struct report *r, unsigned line, const char *serial, enum report_result result)
{
	r->pending[r->pending_count].line = line;
	text_copy(r->pending[r->pending_count].serial, sizeof(r->pending[0].serial), serial);
	r->pending[r->pending_count++].result = result;
}

void
report_flush(struct report *r, bool kept)
{
	for (size_t i = 0; i < r->pending_count; i++) {
		enum report_result result = r->pending[i].result;
		char line[12];

		if (!kept && (result == REPORT_IMPORTED || result == REPORT_IMPORTED_SHARED))
			result = REPORT_NOT_WRITTEN;
		r->counts[result]++;
		snprintf(line, sizeof(line), "%u", r->pending[i].line);
		write_line(r, (const char *const[4]){ line, r->pending[i].serial, results[result].word, results[result].todo });
	}
	r->pending_count = 0;
}

enum err
report_close(struct report *r)
{
	os_close(r->fd);
	r->fd = -1;
	return r->error;
}
