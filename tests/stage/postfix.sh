# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# A real Postfix of its own in a folder, on a loopback port, that takes mail for anybody and keeps it. To be sourced.
#
#   postfix_up DIR PORT     writes DIR/postfix (configuration, queue, log) and DIR/mail, starts it and waits until it answers.
#   postfix_down DIR        ends it, and waits until it has ended.
#   mail_count DIR ADDRESS  how many mails came for that address.
#   mail_code DIR ADDRESS   the code in the newest mail that has one, as XXXX-XXXX-XXXX-X; fails where there is none.
#
# A mail lands in DIR/mail/ADDRESS/new, one file each, the address in lower case. Two kinds of recipient are refused on purpose, so that
# both kinds of refusal can be seen: anything that begins with "no-such-" (550) and with "try-later-" (450). What begins with "returned-" is taken, and comes back
# to its sender as a report of delivery.
#
# Postfix's programs give up root for the user "postfix" and deliver as "nobody". In a user namespace with nothing but uid 0 in it there is
# nobody to become (setgid: Invalid argument) and Postfix takes no root as its owner, so postfix_up returns 77 there and says so.
#
# STAGE_TESTS is the folder "tests" of the source tree.

# Postfix's users can be had here: root may really become them.
postfix_may_change_user() {
	setpriv --reuid postfix --regid postfix --clear-groups true 2>/dev/null && setpriv --reuid nobody --regid nogroup --clear-groups true 2>/dev/null
}

postfix_main_cf() {
	cat <<-MAIN
		compatibility_level = 3.6
		queue_directory = $1/postfix/queue
		data_directory = $1/postfix/data
		maillog_file = $1/postfix/log
		maillog_file_prefixes = $1/postfix
		mail_owner = postfix
		setgid_group = postdrop
		syslog_name = postfix-stage
		inet_interfaces = loopback-only
		inet_protocols = ipv4
		myhostname = mx.stage.invalid
		mydestination =
		mynetworks = 127.0.0.0/8
		alias_maps =
		local_recipient_maps =
		virtual_mailbox_domains = static:all
		virtual_mailbox_maps = static:all
		virtual_transport = keep
		keep_destination_recipient_limit = 1
		smtpd_client_restrictions =
		smtpd_recipient_restrictions = check_recipient_access regexp:$1/postfix/refused, permit_mynetworks, reject
		smtpd_relay_restrictions = permit_mynetworks, reject
		smtpd_peername_lookup = no
		smtpd_timeout = 30s
		smtp_host_lookup = native
		biff = no
	MAIN
	if [ -n "${3-}" ]; then
		cat <<-TLS
			smtpd_tls_security_level = may
			smtpd_tls_cert_file = $3
			smtpd_tls_key_file = $4
		TLS
	fi
}

postfix_master_cf() {
	cat <<-MASTER
		127.0.0.1:$2 inet n - n - - smtpd
		cleanup unix n - n - 0 cleanup
		qmgr unix n - n 300 1 qmgr
		pickup unix n - n 60 1 pickup
		rewrite unix - - n - - trivial-rewrite
		bounce unix - - n - 0 bounce
		defer unix - - n - 0 bounce
		trace unix - - n - 0 bounce
		verify unix - - n - 1 verify
		flush unix n - n 1000? 0 flush
		proxymap unix - - n - - proxymap
		tlsmgr unix - - n 1000? 1 tlsmgr
		error unix - - n - - error
		retry unix - - n - - error
		discard unix - - n - - discard
		anvil unix - - n - 1 anvil
		postlog unix-dgram n - n - 1 postlogd
		keep unix - n n - - pipe flags=DRq user=nobody:nogroup null_sender= argv=/bin/sh $1/postfix/keep.sh \${recipient}
	MASTER
}

# What pipe(8) runs for each mail: the address names the folder, so one that could leave DIR/mail is refused (65: not deliverable).
postfix_keep_sh() {
	cat <<-KEEP
		umask 022
		address=\$(printf %s "\$1" | tr A-Z a-z)
		case \$address in */*|.*|'') exit 65 ;; returned-*) exit 67 ;; esac
		box=$1/mail/\$address
		mkdir -p "\$box/tmp" "\$box/new" || exit 75
		file=\$(date +%s%N).\$\$
		cat >"\$box/tmp/\$file" && mv "\$box/tmp/\$file" "\$box/new/\$file" || exit 75
	KEEP
}

postfix_answers() {
	/usr/bin/python3 - "$1" <<-'PY'
		import socket, sys
		try:
		    with socket.create_connection(("127.0.0.1", int(sys.argv[1])), 2) as s:
		        s.settimeout(1)
		        sys.exit(0 if s.recv(4) == b"220 " else 1)
		except OSError:
		    sys.exit(1)
	PY
}

# postfix_up DIR PORT [CERTIFICATE KEY]: with a certificate it offers STARTTLS.
postfix_up() {
	if [ ! -x /usr/sbin/postfix ]; then
		echo "postfix: not installed" >&2
		return 77
	fi
	if ! postfix_may_change_user; then
		echo "postfix: it must become the users postfix and nobody, and this namespace does not map them (setgid: Invalid argument)" >&2
		return 77
	fi
	mkdir -p "$1/postfix/queue" "$1/postfix/data" "$1/mail" || return 1
	chmod 711 "$1/postfix" && chmod 1777 "$1/mail" || return 1
	chown postfix "$1/postfix/data" || return 1
	printf '%s\n' '/^no-such-/ 550 5.1.1 No such mailbox' '/^try-later-/ 450 4.2.1 Mailbox busy, try later' >"$1/postfix/refused"
	postfix_keep_sh "$1" >"$1/postfix/keep.sh"
	postfix_main_cf "$@" >"$1/postfix/main.cf"
	postfix_master_cf "$1" "$2" >"$1/postfix/master.cf"
	postfix -c "$1/postfix" start >"$1/postfix/start.log" 2>&1 </dev/null || {
		cat "$1/postfix/start.log" "$1/postfix/log" >&2
		return 1
	}
	postfix_tries=0
	until postfix_answers "$2"; do
		postfix_tries=$((postfix_tries + 1))
		if [ $postfix_tries -ge 50 ]; then
			cat "$1/postfix/start.log" "$1/postfix/log" >&2
			return 1
		fi
		sleep 0.1
	done
}

postfix_down() {
	[ -f "$1/postfix/main.cf" ] || return 0
	postfix -c "$1/postfix" stop >>"$1/postfix/start.log" 2>&1 </dev/null
}

mail_count() {
	find "$1/mail/$(printf %s "$2" | tr '[:upper:]' '[:lower:]')/new" -type f 2>/dev/null | wc -l
}

mail_code() {
	/usr/bin/python3 "$STAGE_TESTS/stage/mail_code.py" "$1/mail" "$2"
}
