#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
#   sh tests/bench/run.sh [NAME] [--full]
#
# Measures what a budget was given for, with the release build that it makes in build/bench, and prints one JSON object a line:
#
#   name     cold-start     from the start of mokhoa-host to the whole answer of hello, against a C program that does nothing else
#            system-calls   of one hello, from its start to its end
#            answer-bytes   of the hello's answer frame
#            libraries      that the dynamic linker loads for mokhoa-host
#            page-hello, page-token-info   from a page's call to its answer in Chromium, -warm and -cold, against the least extension before the
#                           least native host in the same page (page.py); only when named, because they want a browser
#            vault-hsm      to open an escrow row with a key in SoftHSM, against one of the file; only when named, because it wants SoftHSM and builds the server
#            tms-search     the desk's list over 1,000,000 requests (--full: 10,000,000) in SQLite and in PostgreSQL, by each filter alone and the usual pairs, at
#                           an HTTP client on the server's socket against an answer that asks no database, and as the last row of each database the report of the
#                           year that all of them are of, -report-year, within 2 seconds (search.py); only when named
#            tms-load       100 new requests, 100 looks at one and two approvals a second through nginx for 30 seconds (--full: 180); then answers a second against a
#                           constant of the same nginx and a Node server (load.py); only when named
#   value, unit; against: the same of the empty program; ratio; n: measurements; spread: quartiles of the ratio
#   goal, met: the ratio's where there is one, else the value's
#
# Ends with 1 where a goal is not met, with 77 where this machine cannot measure.
set -eu
cd "$(dirname "$0")/../.."
build=$PWD/build/bench
names="cold-start system-calls answer-bytes libraries"
pages="page-hello page-token-info"
servers="vault-hsm"
pairs=1000

skip() {
	echo "run.sh: $*" >&2
	exit 77
}

make() {
	mkdir -p "$build"
	# the worker and its libraries are not measured here, so they need not be there
	if ! { cmake --preset release -B "$build" -DMOKHOA_TMS=OFF -DMOKHOA_LIBP11=OFF && cmake --build "$build" --target mokhoa-host; } >"$build/log" 2>&1; then
		tail -n 30 "$build/log" >&2
		exit 1
	fi
	# the empty program has no flags that cost: it is what a C program starts like on this system
	# shellcheck disable=SC2046 # these are words
	cc -O2 -o "$build/empty" tests/bench/empty.c $(pkg-config --cflags --libs jansson)
	cc -O2 -o "$build/cold_start" tests/bench/cold_start.c
}

# The way from a page: worker and card besides, and the browser tests' packages.
make_page() {
	[ -x /usr/lib/chromium/chromium ] || skip "chromium is missing: apt-get install --no-install-recommends chromium"
	if ! { cmake --preset release -B "$build/page" -DMOKHOA_TMS=OFF -DMOKHOA_STAGE=ON &&
		cmake --build "$build/page" --target mokhoa-host mokhoa-worker mokhoa-card; } >"$build/log" 2>&1; then
		tail -n 30 "$build/log" >&2
		exit 1
	fi
	cc -O2 -o "$build/page/bin/echo" tests/bench/echo.c
	MOKHOA_BIN=$build/page/bin
	MOKHOA_NODE_MODULES=$PWD/build/browser
	export MOKHOA_BIN MOKHOA_NODE_MODULES
	/usr/bin/python3 tests/browser/browser.py install "$MOKHOA_NODE_MODULES" || skip "npm's packages cannot be had"
}

make_vault() {
	[ -e /usr/lib/softhsm/libsofthsm2.so ] || skip "SoftHSM is missing: apt-get install softhsm2"
	if ! { cmake --preset plain -B "$build/vault" -DMOKHOA_CLIENT=OFF && cmake --build "$build/vault" --target bench_hsm; } >"$build/log" 2>&1; then
		tail -n 30 "$build/log" >&2
		exit 1
	fi
}

# One row of a count: NAME VALUE UNIT AGAINST GOAL
count() {
	met=false
	[ "$2" -le "$5" ] && met=true
	printf '{"name": "%s", "value": %s, "unit": "%s", "against": %s, "ratio": null, "n": 1, "spread": null, "goal": %s, "met": %s}\n' \
		"$1" "$2" "$3" "$4" "$5" "$met"
	[ "$met" = true ]
}

write_profile() {
	mkdir -p /etc/mokhoa/profiles.d
	chmod 755 /etc/mokhoa/profiles.d
	cat >/etc/mokhoa/profiles.d/bench.json <<'PROFILE'
{
 "tms": "https://tms.mokhoa.test", "tls_ca": "/etc/mokhoa/ca.pem", "tms_keys": ["AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"],
 "origins": ["https://portal.mokhoa.test"], "extensions": ["chrome-extension://abcdefghijklmnopabcdefghijklmnop/"],
 "modules": [{"name": "OpenSC", "path": "/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so", "environment": {"OPENSC_CONF": "/etc/mokhoa/opensc.conf"}}],
 "prompt": "/usr/bin/pinentry", "hotline": "1900 1234", "languages": ["vi", "en"]
}
PROFILE
	chmod 644 /etc/mokhoa/profiles.d/bench.json
}

# The frame that cold_start.c sends, for the programs that are not timed.
hello() {
	printf 'g\0\0\0{"origin":"https://portal.mokhoa.test","message":{"jsonrpc":"2.0","id":1,"method":"hello","params":{}}}'
}

traced() {
	hello | strace -f -o "$build/strace" "$@" >/dev/null 2>&1
	grep -c '(' "$build/strace"
}

measure() {
	host=$build/bin/mokhoa-host
	extension=chrome-extension://abcdefghijklmnopabcdefghijklmnop/
	case $1 in
	cold-start) "$build/cold_start" cold-start 1.3 $pairs "$host" "$build/empty" ;;
	system-calls)
		command -v strace >/dev/null || skip "strace is missing: apt-get install strace"
		count system-calls "$(traced "$host" $extension)" calls "$(traced "$build/empty")" 110
		;;
	answer-bytes) count answer-bytes "$(hello | "$host" $extension 2>/dev/null | wc -c)" bytes null 512 ;;
	libraries)
		count libraries "$(readelf -d "$host" | grep -c NEEDED)" libraries "$(readelf -d "$build/empty" | grep -c NEEDED)" 2
		;;
	esac
}

if [ "${1:-}" = --inside ]; then
	[ "$(stat -c %u /)" = 0 ] || skip "run me as root: on the stage of another user no profile is root's"
	write_profile
	status=0
	for name in $2; do
		measure "$name" || status=1
	done
	exit $status
fi

case " $names $pages $servers tms-search tms-load " in
*" ${1:-cold-start} "*) ;;
*)
	echo "usage: sh tests/bench/run.sh [$(echo "$names $pages $servers" | tr ' ' '|')|tms-search|tms-load]" >&2
	exit 2
	;;
esac
mkdir -p "$build"
case ${1:-} in
vault-hsm)
	make_vault
	exec "$build/vault/bin/bench_hsm" vault-hsm 4 $pairs
	;;
tms-search | tms-load)
	if ! { cmake --preset release -B "$build/tms" -DMOKHOA_CLIENT=OFF && cmake --build "$build/tms" --target mokhoa-tms; } >"$build/log" 2>&1; then
		tail -n 30 "$build/log" >&2
		exit 1
	fi
	if [ "$1" = tms-load ]; then
		seconds=30
		[ "${2:-}" = --full ] && seconds=180
		exec /usr/bin/python3 -W ignore tests/bench/load.py "$build/tms/bin/mokhoa-tms" $seconds
	fi
	rows=1000000
	[ "${2:-}" = --full ] && rows=10000000
	exec /usr/bin/python3 -W ignore tests/bench/search.py "$build/tms/bin/mokhoa-tms" $rows
	;;
page-*)
	make_page
	method=$(echo "${1#page-}" | sed 's/token-info/token.info/')
	exec sh tests/stage/enter.sh /usr/bin/python3 tests/bench/page.py "$method"
	;;
esac
make
exec sh tests/stage/enter.sh sh tests/bench/run.sh --inside "${1:-$names}"
