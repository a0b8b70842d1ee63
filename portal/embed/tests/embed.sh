#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
#   sh portal/embed/tests/embed.sh chromium|firefox [FOLDER]
#
# The tag on an agency's page, in a real browser: portal and agencies from the real nginx, the frame from the real mokhoa-tms, host and extension
# played (embed.mjs). Pictures stay in FOLDER/shots; without one nothing stays. MOKHOA_BIN is the folder of the programs, MOKHOA_NODE_MODULES one
# with playwright-core and axe-core. 77 where something is missing.
set -eu
name=${1:?chromium or firefox}
here=$(cd "$(dirname "$0")" && pwd)
STAGE_TESTS=$here/../../../tests
export TMS_EXTENSIONS=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
for part in service pki nginx postfix tms; do
	# shellcheck source=/dev/null
	. "$STAGE_TESTS/stage/$part.sh"
done

for program in node nginx curl openssl setpriv; do
	command -v $program >/dev/null || { service_missing $program; exit 77; }
done
case $name in
chromium) program=${CHROMIUM:-/usr/lib/chromium/chromium} ;;
firefox) program=${FIREFOX:-/usr/lib/firefox-esr/firefox-esr} ;;
*) echo "embed.sh: no such browser: $name" >&2; exit 2 ;;
esac
[ -x "$program" ] || { service_missing "$name"; exit 77; }
[ "$(id -u)" = 0 ] || { echo "embed.sh: the server's files have owners, and only root can give them" >&2; exit 77; }
: "${MOKHOA_NODE_MODULES:=$STAGE_TESTS/browser/node_modules}"
for module in playwright-core axe-core; do
	[ -d "$MOKHOA_NODE_MODULES/$module" ] || { echo "$module is missing from $MOKHOA_NODE_MODULES: npm install" >&2; exit 77; }
done

kept=${2:-}
DIR=$(mktemp -d /tmp/mokhoa-embed.XXXXXX)
chmod 755 "$DIR"
leave() {
	nginx_down "$DIR" >/dev/null 2>&1 || true
	serve_down "$DIR" >/dev/null 2>&1 || true
	if [ -n "$kept" ] && [ -d "$DIR/shots" ]; then
		mkdir -p "$kept/shots"
		mv "$DIR"/shots/* "$kept/shots/"
	fi
	rm -rf "$DIR"
}
trap leave EXIT
trap 'exit 130' INT TERM
pki_up "$DIR"
tms_init "$DIR"
tms_agency "$DIR"
# a page that embeds as that agency and is none
public=$(cut -d ' ' -f 1 "$DIR/ports")
stranger=$(service_port 1)
nginx_agency "$DIR" stranger "$stranger" "https://localhost:$public" demo
serve_up "$DIR"
nginx_up "$DIR"

HOME=$DIR node "$here/embed.mjs" "$name" "$program" "$MOKHOA_NODE_MODULES" "$DIR" "https://localhost:$public" "$(cat "$DIR/agency/origin")" "https://localhost:$stranger" \
	"$MOKHOA_BIN/mokhoa-tms"
