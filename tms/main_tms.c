/* SPDX-License-Identifier: Apache-2.0 */
/* mokhoa-tms: the token management server, its vault, and the operator's commands, one row each. */
#include "checkup.h"
#include "config.h"
#include "desk.h"
#include "err.h"
#include "json.h"
#include "log.h"
#include "options.h"
#include "os.h"
#include "reload.h"
#include "serve.h"
#include "vault.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define USAGE_STATUS 2

struct command {
	const char *name;
	int (*run)(int argc, char **argv); /* what stands behind the name */
	const char *usage;
	const char *what_vi;
	const char *what_en;
};

/* ---- the commands of this file: each has --config FILE and nothing else ---- */

static int
wrong_use(void)
{
	fprintf(stderr, "mokhoa-tms: %s %s\n", err_sentence(ERR_USAGE, "vi"), err_hint(ERR_USAGE, "vi"));
	fprintf(stderr, "mokhoa-tms: %s %s\n", err_sentence(ERR_USAGE, "en"), err_hint(ERR_USAGE, "en"));
	return USAGE_STATUS;
}

/* --config FILE, and behind it what else may stand there (NULL: nothing), which *ret_switch then says. */
static int
read_config(int argc, char **argv, const char *name, bool *ret_switch, struct config **ret_config)
{
	if (argc == 3 && name != NULL && strcmp(argv[2], name) == 0)
		*ret_switch = true;
	else if (argc != 2)
		return wrong_use();
	if (strcmp(argv[0], "--config") != 0)
		return wrong_use();
	return options_config(argv[1], ret_config) == ERR_OK ? 0 : 1;
}

static int
with_config(int argc, char **argv, int (*run)(const struct config *config))
{
	struct config *config = NULL;
	int status = read_config(argc, argv, NULL, NULL, &config);

	if (status == 0)
		status = run(config);
	config_free(config);
	return status;
}

static int
run_serve(int argc, char **argv)
{
	return argc == 2 && strcmp(argv[0], "--config") == 0 ? serve(argv[1]) : wrong_use();
}

static int
run_vault(int argc, char **argv)
{
	return with_config(argc, argv, vault_main);
}

static int
run_reload(int argc, char **argv)
{
	return with_config(argc, argv, reload_main);
}

static int
run_check(int argc, char **argv)
{
	struct config *config = NULL;
	bool strict = false;
	int status = read_config(argc, argv, "--strict", &strict, &config);

	if (status == 0)
		status = checkup_main(config, strict);
	config_free(config);
	return status;
}

static const struct command commands[] = {
	{ "serve", run_serve, "--config FILE", "chạy máy chủ", "runs the server" },
	{ "vault", run_vault, "--config FILE", "chạy kho khóa, dưới một người dùng riêng", "runs the vault, under a user of its own" },
	{ "reload", run_reload, "--config FILE", "kiểm tra cấu hình rồi cho máy chủ đang chạy đọc lại", "checks the configuration, then has the running server read it again" },
	{ "check", run_check, "--config FILE [--strict]", "kiểm tra mọi thứ máy chủ cần: tệp, quyền, khóa, chứng thư, cơ sở dữ liệu, kho khóa, máy chủ thư, đồng hồ",
	    "looks at everything that the server stands on: files, permissions, keys, certificates, database, vault, mail server, clock" },
	{ "init", desk_init, "--dir DIR --host NAME --tls-certificate FILE --tls-key FILE --admin-ca FILE --issuers FILE --authority NAME --hotline NUMBER --from ADDRESS --smtp URL --escrow-log FILE|--escrow-log-same-device"
			     " [--port PORT] [--admin-port PORT] [--listen ADDRESS] [--portal URL] [--portal-files FOLDER [--extensions ID,ID] [--install URL] [--websocket]] [--language vi|en]"
			     " [--operator-email ADDRESS] [--approvers-email ADDRESS] [--backups FOLDER] [--database URL] [--bounce-domain DOMAIN]"
			     " [--smtp-tls starttls|smtps|none] [--smtp-ca FILE] [--smtp-credentials FILE] [--tms-user USER] [--vault-user USER] [--nginx-group GROUP]"
			     " [--hsm-module FILE [--hsm-token LABEL] [--hsm-serial SERIAL] [--hsm-key LABEL] [--hsm-pin-file FILE|--hsm-pin-credential NAME]]",
	    "tạo khóa, cấu hình và cấu hình nginx", "makes keys, configuration and nginx configuration" },
	{ "seal", desk_seal, "--vault-key FILE < CSV > CSV", "niêm phong SO PIN trước khi chuyển đi", "seals SO PINs before they travel" },
	{ "import", desk_import, "--config FILE [--dry-run] [--report FILE] < CSV", "nhập token đã niêm phong", "imports sealed tokens" },
	{ "export", desk_export, "--config FILE --to CERTIFICATE --output FILE [--private-key FILE]", "xuất token và SO PIN cho một chứng thư, trên máy có khóa của kho", "exports tokens and SO PINs for a certificate, where the vault's keys are" },
	{ "keys", desk_keys, "list|reseal|retire|recall --config FILE; new --config FILE [--in file|hsm] [--object LABEL|ID]; backup FILE --config FILE --to CERTIFICATE [--to CERTIFICATE]; check|restore FILE --config FILE --key PRIVATE-KEY",
	    "đổi khóa của kho khi máy chủ vẫn chạy; sao lưu khóa cho người giữ khóa", "rolls the vault's key while the server runs; seals the keys of server and vault to the certificates of their custodians" },
	{ "token", desk_token, "list --config FILE [--serial TEXT] [--customer TEXT] [--email TEXT] [--life active|lost|retired] [--state unverified|verified|suspect] [--limit N] [--after N] [--json]"
			       " | show SERIAL --config FILE [--manufacturer M] [--model M] [--json] | lost|retire SERIAL --config FILE --reason TEXT ... | agency SERIAL --config FILE --to ID --reason TEXT ...",
	    "kho token: tìm, xem, báo mất, ngừng dùng, chuyển đại lý; không bao giờ có SO PIN", "the inventory: finds and shows tokens, says that one is lost, retired or an agency's; SO PINs are nowhere in it" },
	{ "vendor", desk_vendor, "add --config FILE < CSV; list --config FILE; modules --config FILE --system SYSTEM", "hãng token và mô-đun PKCS#11 theo hệ điều hành", "token vendors and their PKCS#11 modules by system" },
	{ "type", desk_type, "add --config FILE < CSV; list --config FILE", "loại token: họ mở khóa, quy tắc PIN", "kinds of tokens: how they unlock, which PINs they take" },
	{ "person", desk_person, "add --config FILE --certificate FILE --name NAME --role viewer|approver|operator|auditor [--agency ID]; remove --config FILE --fingerprint HEX [--certificate-only]; list --config FILE",
	    "thêm, thu quyền, liệt kê người quản trị", "adds, shuts out and lists administrators" },
	{ "bounce", desk_bounce, "--config FILE --recipient ADDRESS < MESSAGE", "nhận thư bị trả lại từ Postfix và ghi vào lịch sử yêu cầu", "takes a mail that came back from Postfix and writes it into the request's history" },
	{ "templates", desk_templates, "FOLDER", "ghi các mẫu thư có sẵn vào một thư mục để sửa", "writes what the mails say into a folder, to be edited" },
	{ "backup", desk_backup, "FILE --config FILE", "sao lưu cơ sở dữ liệu khi máy chủ đang chạy", "writes a backup of the database while the server works" },
	{ "restore", desk_restore, "FILE|--replay-only --config FILE [--skip-damaged-lines] [--any-log]", "khôi phục từ bản sao lưu và nhật ký khóa; dữ liệu cũ được giữ dưới tên khác",
	    "brings a backup back and makes up for its age from the escrow log; the old data is kept under another name" },
	{ "audit", desk_audit, "verify --config FILE [--from NUMBER] [--tms-key KEY]; export --config FILE [--from NUMBER] [--ids-only]; erase --config FILE --before DATE [--dry-run]",
	    "nhật ký kiểm toán: kiểm tra chuỗi và neo, xuất từng dòng, xóa dữ liệu cá nhân đã quá hạn", "the audit: verifies chain and anchors, writes it out, erases personal data whose time is over" },
	{ "escrow-log", desk_escrow_log, "check|adopt --config FILE", "kiểm tra nhật ký khóa, hoặc nhận nhật ký mới thay nhật ký đã mất", "says what the escrow log is worth, or takes a new one for one that is lost" },
	{ "agency", desk_agency, "add ID --config FILE --name NAME --origin ORIGIN [--origin ORIGIN] [--mail-domain DOMAIN|--no-mail-domain] [--second-approver|--one-approver] [--replace] [--http-loopback] | list --config FILE | remove ID --config FILE",
	    "đại lý được nhúng trang mở khóa", "the agencies whose pages may show the unlock page" },
	{ "notice", desk_notice, "add --config FILE --title-vi TEXT --text-vi TEXT [--title-en TEXT --text-en TEXT] [--severity info|warning] [--from TIME] [--until TIME]"
				 " | list --config FILE | remove ID --config FILE",
	    "thông báo cho khách hàng ở đầu trang mở khóa; TIME như 2026-12-01T08:00:00+07:00", "what customers read at the top of the unlock page; TIME is like 2026-12-01T08:00:00+07:00" },
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static void
print_command(const struct command *c)
{
	printf("  %s %s\n      %s\n      %s\n", c->name, c->usage, c->what_vi, c->what_en);
}

static int
help(void)
{
	puts("mokhoa-tms COMMAND ...\n");
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		print_command(&commands[i]);
	puts("  --version\n  --help");
	return 0;
}

static int
run_command(const struct command *c, int argc, char **argv)
{
	if (argc != 1 || strcmp(argv[0], "--help") != 0)
		return c->run(argc, argv);
	print_command(c);
	return 0;
}

int
main(int argc, char **argv)
{
	os_harden();
	log_open("mokhoa-tms");
	json_open();
	/* before there are threads, because jansson seeds its hash tables at first use */
	json_object_seed(0);
	if (argc == 2 && strcmp(argv[1], "--version") == 0)
		return printf("mokhoa-tms %s\n", MOKHOA_VERSION) > 0 ? 0 : 1;
	if (argc == 2 && strcmp(argv[1], "--help") == 0)
		return help();
	for (size_t i = 0; argc >= 2 && i < COMMAND_COUNT; i++)
		if (strcmp(commands[i].name, argv[1]) == 0)
			return run_command(&commands[i], argc - 2, argv + 2);
	return wrong_use();
}
