# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# Two virtual readers and the cards in them, for a script that runs on a stage (enter.sh) and sources this file.
#
#   card_make DIR N SERIAL SO_PIN PIN [ec|rsa]   a key, a certificate signed with it, and a card that holds both
#   pcsc_up DIR [none]           pcscd with two empty readers, or without any; clients find it at the usual place, /run/pcscd/pcscd.comm
#   card_insert DIR N            puts card N (0 or 1) into reader N and waits until pcscd has it
#   card_remove DIR N            pulls it out and waits until pcscd has noticed
#   card_tell DIR N ORDER        any other order: status, "remove-after COUNT", "lose-after COUNT"
#   card_end DIR N               pulls it out and ends its process, so that card_make may make another
#   pcsc_down DIR                ends what was started here, nothing else
#
# DIR is a directory of the caller. Card N is DIR/cardN.state; DIR/cardN.log has its APDUs, DIR/pcscd.log the daemon's words.
# MOKHOA_CARD names the card's program when it is not in PATH, PCSC_READER the readers (ykcs11 looks into those of Yubico alone). Every function returns 0, or says why not on stderr and
# returns 1; 77 when the machine lacks something.
#
# vpcd listens on all addresses and ports 35963 and 35964, always: so daemon and cards live in a network namespace of their
# own, whose loopback nobody else has. The daemon's Unix socket is a file and reaches everybody on the stage.

pcsc_missing() {
	echo "pcsc.sh: $* is missing" >&2
	return 77
}

pcsc_driver() {
	for pcsc_candidate in "${MOKHOA_VPCD:-}" /usr/lib/pcsc/drivers/serial/libifdvpcd.so \
		/usr/lib/*/pcsc/drivers/serial/libifdvpcd.so; do
		if [ -f "$pcsc_candidate" ]; then
			echo "$pcsc_candidate"
			return 0
		fi
	done
	return 1
}

# pcsc_wait TENTHS COMMAND...: until the command succeeds, asked every 20 ms.
pcsc_wait() {
	pcsc_rounds=$(($1 * 5))
	shift
	while ! "$@"; do
		[ "$pcsc_rounds" -gt 0 ] || return 1
		pcsc_rounds=$((pcsc_rounds - 1))
		sleep 0.02
	done
}

pcsc_alive() {
	[ -S /run/pcscd/pcscd.comm ]
}

pcsc_up() {
	if [ "${MOKHOA_STAGE:-}" != 1 ]; then
		echo "pcsc.sh: not on a stage; run this through enter.sh" >&2
		return 1
	fi
	command -v pcscd >/dev/null || { pcsc_missing pcscd; return 77; }
	command -v opensc-tool >/dev/null || { pcsc_missing "opensc-tool (package opensc)"; return 77; }
	command -v ip >/dev/null || { pcsc_missing "ip (package iproute2)"; return 77; }
	pcsc_library=$(pcsc_driver) || { pcsc_missing "libifdvpcd.so (package vsmartcard-vpcd)"; return 77; }
	cat >"$1/reader.conf" <<-END
		FRIENDLYNAME "${PCSC_READER:-Virtual PCD}"
		DEVICENAME /dev/null:0x8C7B
		LIBPATH $pcsc_library
		CHANNELID 0x8C7B
	END
	[ "${2:-}" != none ] || : >"$1/reader.conf"
	# shellcheck disable=SC2016 # the inner shell expands it
	unshare --net sh -c 'ip link set lo up && exec pcscd --foreground --config "$1"' sh "$1/reader.conf" \
		>"$1/pcscd.log" 2>&1 </dev/null &
	echo $! >"$1/pcscd.pid"
	pcsc_wait 50 pcsc_alive && return 0
	echo "pcsc.sh: pcscd does not come up:" >&2
	cat "$1/pcscd.log" >&2
	pcsc_down "$1"
	return 1
}

card_tell() {
	"${MOKHOA_CARD:-mokhoa-card}" tell --control "$1/card$2.control" --order "$3"
}

card_is() {
	[ "$(card_tell "$1" "$2" status 2>/dev/null)" = "$3" ]
}

card_running() {
	[ -f "$1/card$2.pid" ] && kill -0 "$(cat "$1/card$2.pid")" 2>/dev/null
}

card_start() {
	nsenter --net="/proc/$(cat "$1/pcscd.pid")/ns/net" "${MOKHOA_CARD:-mokhoa-card}" run --state "$1/card$2.state" \
		--host 127.0.0.1 --port $((35963 + $2)) --log "$1/card$2.log" --control "$1/card$2.control" \
		2>"$1/card$2.errors" >&2 </dev/null &
	echo $! >"$1/card$2.pid"
}

# pcsc_reader N Yes|No: whether pcscd believes that there is a card.
pcsc_reader() {
	opensc-tool --list-readers 2>/dev/null | grep -q "^$1  *$2 "
}

# pcscd looks every 400 ms. A card that comes in before the last one was missed is taken for that one and not reset, so the
# daemon has to see the empty reader first, however the last card left it.
card_insert() {
	pcsc_wait 50 pcsc_reader "$2" No || {
		echo "pcsc.sh: there is a card in reader $2 already" >&2
		return 1
	}
	if card_running "$1" "$2"; then
		card_tell "$1" "$2" insert >/dev/null || return 1
	else
		card_start "$1" "$2"
	fi
	pcsc_wait 50 card_is "$1" "$2" ready && pcsc_wait 50 pcsc_reader "$2" Yes && return 0
	echo "pcsc.sh: the reader does not power card $2:" >&2
	cat "$1/card$2.errors" >&2
	return 1
}

card_remove() {
	card_tell "$1" "$2" remove >/dev/null && pcsc_wait 50 pcsc_reader "$2" No
}

# card_make DIR N SERIAL SO_PIN PIN [ec|rsa]
card_make() {
	pcsc_key=${6:-ec}
	if [ "$pcsc_key" = rsa ]; then
		pcsc_algorithm="-newkey rsa:2048"
	else
		pcsc_algorithm="-newkey ec -pkeyopt ec_paramgen_curve:P-256"
	fi
	# shellcheck disable=SC2086 # the options are words
	openssl req -x509 -nodes $pcsc_algorithm -sha256 -days 30 -subj "/C=VN/CN=Token $3/serialNumber=$3" \
		-keyout "$1/card$2.key.pem" -outform DER -out "$1/card$2.cert.der" 2>"$1/card$2.openssl.log" || {
		cat "$1/card$2.openssl.log" >&2
		return 1
	}
	"${MOKHOA_CARD:-mokhoa-card}" init --state "$1/card$2.state" --serial "$3" --so-pin "$4" --pin "$5" \
		--key "$pcsc_key" --cert "$1/card$2.cert.der" --private-key "$1/card$2.key.pem"
}

# Ended, or ended and not yet waited for.
pcsc_gone() {
	! kill -0 "$1" 2>/dev/null || grep -q '^State:[[:space:]]*Z' "/proc/$1/status" 2>/dev/null
}

# pcsc_end PIDFILE
pcsc_end() {
	[ -f "$1" ] || return 0
	pcsc_pid=$(cat "$1")
	rm -f "$1"
	kill "$pcsc_pid" 2>/dev/null || return 0
	pcsc_wait 20 pcsc_gone "$pcsc_pid" || kill -KILL "$pcsc_pid" 2>/dev/null || return 0
	wait "$pcsc_pid" 2>/dev/null || return 0
}

card_end() {
	pcsc_end "$1/card$2.pid"
}

pcsc_down() {
	card_end "$1" 0
	card_end "$1" 1
	pcsc_end "$1/pcscd.pid"
}
