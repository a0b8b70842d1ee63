# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# The token management server on a stage: vault, server, nginx and Postfix, all real, all below one folder of the caller. To be sourced after
# pki.sh, service.sh, nginx.sh and postfix.sh. MOKHOA_BIN is the folder of the programs, STAGE_TESTS that of the tests, TMS_EXTENSIONS the ids of
# the browser extension that the portal looks for.
#
#   tms_up DIR              everything: certificates, init, a demo agency, people at the desk, vault, server, nginx, Postfix; waits until all of them answer
#   tms_down DIR            ends what tms_up has started
#   tms_ports DIR           "PUBLIC ADMIN SMTP"
#   tms_agency DIR          before nginx_up: a demo agency, registered as "demo"; its origin in DIR/agency/origin
#   tms_import DIR < CSV    seals a table (with so_pin) and imports it
#   vault_up, vault_down, serve_up, serve_down, stage_postfix DIR   the parts, to be taken away and brought back
#   stage_profile DIR MODULE PROMPT   writes /etc/mokhoa/profiles.d/demo.json for the client; only on a stage of enter.sh
#
# The folder of mokhoa-tms init is DIR/tms, the certificates are in DIR/pki, mails in DIR/mail. The vault, the server and nginx's workers are three
# users, none of them root; the server's group is that of nginx, so that its sockets are open to nginx and to nobody else.

TMS_UID=64101
TMS_VAULT_UID=64102

# tms_as UID GID COMMAND...: in place of this shell, so that the process id stays.
tms_as() {
	tms_uid=$1 tms_gid=$2
	shift 2
	exec setpriv --reuid "$tms_uid" --regid "$tms_gid" --clear-groups --no-new-privs "$@"
}

tms_ports() {
	cat "$1/ports"
}

tms_init() {
	# shellcheck disable=SC2046 # four numbers
	set -- "$1" $(service_port 4)
	echo "$2 $3 $4" >"$1/ports"
	mkdir -p "$1/agency" && echo "$5" >"$1/agency/port" || return
	# nginx's workers read the pages, and may not enter the tree
	mkdir -p "$1/portal" && cp -R "$STAGE_TESTS/../portal/customer" "$STAGE_TESTS/../portal/console" "$STAGE_TESTS/../portal/sdk" \
		"$STAGE_TESTS/../portal/style" "$1/portal/" && chmod -R a+rX "$1/portal" || return
	"$MOKHOA_BIN/mokhoa-tms" init --dir "$1/tms" --host localhost --port "$2" --admin-port "$3" --listen 127.0.0.1 \
		--tls-certificate "$1/pki/tls.pem" --tls-key "$1/pki/tls.key" --admin-ca "$1/pki/admin-ca.pem" --issuers "$1/pki/customer-ca.pem" \
		--portal-files "$1/portal" ${TMS_EXTENSIONS:+--extensions "$TMS_EXTENSIONS"} ${TMS_WEBSOCKET:+--websocket} --authority "Chữ ký số An Bình" --hotline "1900 0000" --from no-reply@ca.example --smtp "smtp://127.0.0.1:$4" --smtp-tls none \
		--escrow-log-same-device --backups "$1/tms/backups" --tms-user $TMS_UID --vault-user $TMS_VAULT_UID >"$1/profile-part.json" || return
	mkdir -m 700 "$1/tms/backups" && chown $TMS_UID:$TMS_UID "$1/tms/backups" || return
	# more unlocks than an hour of a real authority has
	sed -i 's/"vault": {/"vault": {\n    "rows_per_hour": 100000,/' "$1/tms/tms.json"
}

# tms_person DIR FILE NAME ROLE
tms_person() {
	"$MOKHOA_BIN/mokhoa-tms" person add --config "$1/tms/tms.json" --certificate "$1/pki/$2.pem" --name "$3" --role "$4" >/dev/null
}

tms_agency() {
	tms_agency_port=$(cat "$1/agency/port") || return
	nginx_agency "$1" demo "$tms_agency_port" "https://localhost:$(cut -d ' ' -f 1 "$1/ports")" demo || return
	echo "https://localhost:$tms_agency_port" >"$1/agency/origin"
	"$MOKHOA_BIN/mokhoa-tms" agency add demo --config "$1/tms/tms.json" --name "Đại lý An Khang" --origin "https://localhost:$tms_agency_port" >/dev/null
}

vault_answers() (
	tms_as $TMS_UID $TMS_UID /usr/bin/python3 -c '
import socket, sys
with socket.socket(socket.AF_UNIX) as s:
    s.connect(sys.argv[1])' "$1/tms/vault/vault.sock" 2>/dev/null
)

vault_up() {
	service_start "$1" vault tms_as $TMS_VAULT_UID $TMS_VAULT_UID "$MOKHOA_BIN/mokhoa-tms" vault --config "$1/tms/tms.json"
	service_wait "$1" vault vault_answers "$1"
}

vault_down() {
	service_end "$1" vault
}

serve_answers() {
	curl -sS -o /dev/null --max-time 2 --unix-socket "$1/tms/run/public.sock" http://localhost/ 2>/dev/null
}

serve_up() {
	service_start "$1" serve tms_as $TMS_UID "$(id -g www-data)" "$MOKHOA_BIN/mokhoa-tms" serve --config "$1/tms/tms.json"
	service_wait "$1" serve serve_answers "$1"
}

serve_down() {
	service_end "$1" serve
}

stage_postfix() {
	postfix_up "$1" "$(cut -d ' ' -f 3 "$1/ports")"
}

tms_import() {
	"$MOKHOA_BIN/mokhoa-tms" seal --vault-key "$1/tms/vault.pub" >"$1/sealed.csv" &&
		"$MOKHOA_BIN/mokhoa-tms" import --config "$1/tms/tms.json" <"$1/sealed.csv"
}

tms_up() {
	command -v setpriv >/dev/null || { service_missing setpriv; return 77; }
	if ! setpriv --reuid $TMS_UID --regid $TMS_UID --clear-groups true 2>/dev/null; then
		echo "tms.sh: vault, server and nginx are users of their own, and only root can start them so" >&2
		return 77
	fi
	pki_up "$1" && tms_init "$1" && tms_agency "$1" || return
	tms_person "$1" an "Nguyễn Văn An" approver && tms_person "$1" binh "Trần Thị Bình" approver &&
		tms_person "$1" dung "Phạm Văn Dũng" operator && tms_person "$1" auditor "Lê Kiểm Toán" auditor || return
	# Postfix takes two seconds to look at itself, as long as all the rest
	stage_postfix "$1" &
	tms_postfix=$! tms_status=0
	{ vault_up "$1" && serve_up "$1" && nginx_up "$1"; } || tms_status=$?
	wait "$tms_postfix" || tms_status=$?
	return $tms_status
}

tms_down() {
	nginx_down "$1"
	serve_down "$1"
	vault_down "$1"
	postfix_down "$1"
}

# What init has printed, and what only the client's machine knows.
stage_profile() {
	[ "${MOKHOA_STAGE:-}" = 1 ] || {
		echo "tms.sh: not on a stage; run this through enter.sh" >&2
		return 1
	}
	mkdir -p /etc/mokhoa/profiles.d
	install -m 644 "$1/pki/tls-ca.pem" /etc/mokhoa/tls-ca.pem
	/usr/bin/python3 - "$@" >/etc/mokhoa/profiles.d/demo.json <<-'PY'
		import json, sys
		folder, module, prompt = sys.argv[1:]
		with open(folder + "/profile-part.json", encoding="utf-8") as f:
		    profile = json.load(f)
		profile.update(tls_ca="/etc/mokhoa/tls-ca.pem", origins=["https://portal.mokhoa.test", profile["tms"]], prompt=prompt,
		    extensions=["chrome-extension://abcdefghijklmnopabcdefghijklmnop/"], modules=[{"name": "opensc", "path": module, "flags": "reliable"}], proxy="none")
		print(json.dumps(profile, ensure_ascii=False, indent=2))
	PY
}
