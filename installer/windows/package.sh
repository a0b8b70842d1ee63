#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
#   sh installer/windows/package.sh [OUT]
#
# Builds the installer for Windows into OUT (build/packages): mokhoa-VERSION-x64.msi, what it is made of (mokhoa-VERSION-x64.spdx.json) and SHA256SUMS.windows. The same source on the
# same Debian makes the same bytes, wherever it lies, unless it is signed: msi.sh says how. The date in them is SOURCE_DATE_EPOCH; without it that of the last commit, or of
# CHANGES.md where there is no git.
set -eu
purposes="windows msi"
# shellcheck source=installer/package_head.sh
. "$(dirname "$0")/../package_head.sh"

log=$PWD/build/package-windows.log
sh installer/windows/deps.sh
# in a folder of its own, without tests
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
