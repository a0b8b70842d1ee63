#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
#   sh portal/tests/look.sh [FOLDER]
#
# Portal and console as mokhoa-tms init lets nginx serve them, looked at by look.mjs in the system's Chromium. Pictures stay in FOLDER/shots, in place of
# those of the last time; without one nothing stays. MOKHOA_BIN is the folder of the programs, MOKHOA_NODE_MODULES one with playwright-core and axe-core. 77 where something is missing.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
STAGE_TESTS=$here/../../tests
export TMS_EXTENSIONS=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
for part in service pki nginx postfix tms; do
	# shellcheck source=/dev/null
	. "$STAGE_TESTS/stage/$part.sh"
done

for program in node nginx curl openssl; do
	command -v $program >/dev/null || { service_missing $program; exit 77; }
done
[ -x "${CHROMIUM:-/usr/lib/chromium/chromium}" ] || { service_missing chromium; exit 77; }
: "${MOKHOA_NODE_MODULES:=$STAGE_TESTS/browser/node_modules}"
for module in playwright-core axe-core; do
	[ -d "$MOKHOA_NODE_MODULES/$module" ] || { echo "$module is missing from $MOKHOA_NODE_MODULES: npm install" >&2; exit 77; }
done
export MOKHOA_NODE_MODULES
[ "$(id -u)" = 0 ] || { echo "look.sh: the server's files have owners, and only root can give them" >&2; exit 77; }

kept=${1:-}
DIR=$(mktemp -d /tmp/mokhoa-look.XXXXXX)
chmod 755 "$DIR"
leave() {
	nginx_down "$DIR" >/dev/null 2>&1 || true
	if [ -n "$kept" ] && [ -d "$DIR/shots" ]; then
		mkdir -p "$kept"
		rm -rf "$kept/shots"
		mv "$DIR/shots" "$kept/shots"
	fi
	rm -rf "$DIR"
}
trap leave EXIT
pki_up "$DIR"
tms_init "$DIR"
nginx_up "$DIR"
# shellcheck disable=SC2046 # three numbers
set -- $(tms_ports "$DIR")

# headers and doors: what is served, how, and what is not
fault=0
expect() {
	# shellcheck disable=SC2086 # options
	got=$(curl -sS -o /dev/null -w '%{http_code}' --max-time 5 --cacert "$DIR/pki/tls-ca.pem" $3 "https://localhost:$1$2") || got=none
	[ "$got" = "$4" ] || { echo "$1$2: $got in place of $4"; fault=1; }
}
for path in / /index.html /customer.js /flow.js /texts/vi.json /sdk/mokhoa.js /style/style.css /style/mark.svg /config.json /guide.html /agency.html; do
	expect "$1" $path "" 200
done
for path in /console.js /sdk/tests/fake.js /sdk/package.json /sdk/make_types.py /sdk/../sdk/README.md /style/README.md /texts/ /sdk/ /customer/index.html /tms.json; do
	expect "$1" $path --path-as-is 404
done
certificate="--cert $DIR/pki/an.pem --key $DIR/pki/an.key"
for path in / /console.js /texts/en.json /style/style.css /config.json; do
	expect "$2" $path "$certificate" 200
	expect "$2" $path "" 403
done
expect "$2" /flow.js "$certificate" 404
for url in "$1/" "$1/flow.js" "$1/config.json" "$1/sdk/mokhoa.js" "$2/" "$2/console.js"; do
	# shellcheck disable=SC2086 # options
	headers=$(curl -sS -D - -o /dev/null --cacert "$DIR/pki/tls-ca.pem" $certificate "https://localhost:$url")
	for want in "frame-ancestors 'none'" "default-src 'none'" "script-src 'self';" "Strict-Transport-Security:" "X-Content-Type-Options: nosniff" \
		"Cache-Control: no-cache" "charset=utf-8"; do
		echo "$headers" | grep -qiF "$want" || { echo "$url: no $want"; fault=1; }
	done
	! echo "$headers" | grep -qi unsafe || { echo "$url: unsafe"; fault=1; }
done
node "$here/look.mjs" "$DIR" "$1" "$2" || fault=1
exit $fault
