#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
#   sh installer/windows/package.sh [OUT]
#
# Builds the installer for Windows into OUT (build/packages): mokhoa-VERSION-x64.msi, what it is made of (mokhoa-VERSION-x64.spdx.json) and SHA256SUMS.windows. The same source on the
# same Debian makes the same bytes, wherever it lies, unless it is signed: msi.sh says how. The date in them is SOURCE_DATE_EPOCH; without it that of the last commit, or of
# CHANGES.md where there is no git.
set -eu
out=${1:-}
[ -z "$out" ] || { mkdir -p "$out" && out=$(cd "$out" && pwd); }
cd "$(dirname "$0")/../.."
: "${out:=$PWD/build/packages}"
# shellcheck source=installer/packages.sh
. installer/packages.sh
packages_install windows msi || exit $?

SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || stat -c %Y CHANGES.md)}
export SOURCE_DATE_EPOCH
LC_ALL=C.UTF-8
export LC_ALL
umask 022
mkdir -p build "$out"
log=$PWD/build/package-windows.log
sh installer/windows/deps.sh
# in a folder of its own, without tests and without a compiler cache (../linux/package.sh says why)
unset CMAKE_C_COMPILER_LAUNCHER
made=$PWD/build/package-windows
: >"$log"
for preset in mingw-w64 mingw-w64-x86; do
	{ cmake --preset $preset -B "$made/$preset" -DCMAKE_C_COMPILER_LAUNCHER= -DMOKHOA_WINDOWS_TESTS=OFF && cmake --build "$made/$preset"; } >>"$log" 2>&1 || {
		tail -n 40 "$log" >&2
		echo "the programs were not built; all of it is in $log" >&2
		exit 1
	}
done
cp "$made/mingw-w64-x86/bin/mokhoa-worker-x86.exe" "$made/mingw-w64/bin/"
version=$(sed -n 's/^project(mokhoa VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
name=mokhoa-$version-x64
sh installer/windows/msi.sh "$made/mingw-w64/bin" "$version" "$out/$name.msi"
/usr/bin/python3 installer/windows/sbom.py "$version" "$out/$name.msi" build/mingw-w64-deps/complete >"$out/$name.spdx.json"
cd "$out"
sha256sum "$name.msi" "$name.spdx.json" >SHA256SUMS.windows
cat SHA256SUMS.windows
