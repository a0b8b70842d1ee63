#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
#   sh tests/stage/enter.sh sh tests/windows/run.sh BUILD [CTEST-ARGUMENT...]
#
# Runs the tests of the Windows build under wine. On a stage, because wine's server belongs to a stage as any other service does, and
# because the whole unlock brings up the management server. wine's home is BUILD/../wine-home and is used again.
#
# What had to be known of wine 8: the first program starts a server and a desktop that keep stdout, and the screen that they found, for as long as
# they live; so there is a screen before, and they are started with nothing to keep. Without WINEPREFIX in the environment, which a program that we start
# with an environment of its own does not hand on, wine takes ~/.wine: so that is where the prefix is.
set -eu
cd "$(dirname "$0")/../.."
build=$(cd "$1" && pwd)
shift
# wine names the machine's files in the locale's letters; the C locale has none of ours
export LC_ALL=C.UTF-8
[ "${MOKHOA_STAGE:-}" = 1 ] || { echo "run.sh: not on a stage; run this through enter.sh" >&2; exit 1; }
for tool in wine Xvfb x86_64-w64-mingw32-objdump; do
	command -v "$tool" >/dev/null || { echo "run.sh: $tool is missing (packages.sh, purpose windows)" >&2; exit 77; }
done

# wine's DLLs of 32 bits (wine_x86.sh), where wine looks for them; before its home is made, which gets copies
dlls=$(cd "$build/.." && pwd)/wine-x86
place=/usr/lib/x86_64-linux-gnu/wine/i386-windows
[ -e "$dlls/version" ] || { echo "run.sh: no $dlls (sh tests/windows/wine_x86.sh)" >&2; exit 1; }
mount -t overlay -o "lowerdir=$dlls:$place" overlay "$place" || { echo "run.sh: this kernel refuses an overlay over $place" >&2; exit 77; }

HOME=$build/../wine-home
mkdir -p "$HOME"
HOME=$(cd "$HOME" && pwd)
export HOME WINEDEBUG=-all WINEDLLOVERRIDES="mscoree,mshtml=" WINEARCH=win64
unset WINEPREFIX XDG_STATE_HOME DISPLAY WAYLAND_DISPLAY
umask 022

screen=$(mktemp -d)
Xvfb -displayfd 3 -screen 0 1024x768x24 -nolisten tcp -fbdir "$screen" 3>"$screen/number" >/dev/null 2>"$screen/log" &
xvfb=$!
# Where it ends for another reason the wait ends, too.
while [ ! -s "$screen/number" ] && kill -0 $xvfb 2>/dev/null; do
	sleep 0.1
done
DISPLAY=:$(cat "$screen/number")
MOKHOA_SCREEN=$screen/Xvfb_screen0
export DISPLAY MOKHOA_SCREEN

quietly() {
	timeout 300 "$@" </dev/null >/dev/null 2>&1
}
began=$(date +%s)
if ! cmp -s "$dlls/version" "$HOME/.wine/ready"; then
	rm -rf "$HOME/.wine"
	quietly wine wineboot -i && quietly wine winecfg /v win10 || { echo "run.sh: wine makes no home in $HOME" >&2; exit 1; }
	cp "$dlls/version" "$HOME/.wine/ready"
fi
quietly wineserver -p || true
quietly wine wineboot
echo "wine is up ($(($(date +%s) - began)) s)"

status=0
ctest --test-dir "$build" -L '^windows$' -j 2 --output-on-failure --no-tests=error "$@" || status=$?
quietly wineserver -k || true
kill $xvfb 2>/dev/null || true
rm -rf "$screen"
exit $status
