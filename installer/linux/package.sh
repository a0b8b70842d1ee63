#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
#   sh installer/linux/package.sh [OUT]
#
# Builds the packages of Linux into OUT (build/packages): deb and rpm of the client (mokhoa) and of the server (mokhoa-tms), what they are made of
# (mokhoa_VERSION.spdx.json) and SHA256SUMS. The same source on the same Debian makes the same bytes, wherever it lies. The date in them is
# SOURCE_DATE_EPOCH; without it that of the last commit, or of CHANGES.md where there is no git.
set -eu
out=${1:-}
[ -z "$out" ] || { mkdir -p "$out" && out=$(cd "$out" && pwd); }
cd "$(dirname "$0")/../.."
: "${out:=$PWD/build/packages}"
# shellcheck source=installer/packages.sh
. installer/packages.sh
packages_install build package || exit $?

SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || stat -c %Y CHANGES.md)}
export SOURCE_DATE_EPOCH
LC_ALL=C.UTF-8
export LC_ALL
umask 022
mkdir -p build "$out"
log=$PWD/build/package.log
made=$PWD/build/package/packages
rm -rf "$made"
# no compiler cache in between: one that makes names of files relative (CCACHE_BASEDIR) leaves other bytes, where OpenSSL's macros name the file
unset CMAKE_C_COMPILER_LAUNCHER
{ cmake --preset package -DCMAKE_C_COMPILER_LAUNCHER= && cmake --build --preset package && cpack --config build/package/CPackConfig.cmake -G "DEB;RPM" -B "$made"; } >"$log" 2>&1 || {
	tail -n 40 "$log" >&2
	echo "the packages were not built; all of it is in $log" >&2
	exit 1
}
cp "$made"/*.deb "$made"/*.rpm "$out/"
version=$(sed -n 's/^project(mokhoa VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
cd "$out"
/usr/bin/python3 "$OLDPWD/installer/linux/sbom.py" "$version" ./mokhoa*"$version"*.deb ./mokhoa*"$version"*.rpm >"mokhoa_$version.spdx.json"
sha256sum mokhoa*"$version"*.deb mokhoa*"$version"*.rpm "mokhoa_$version.spdx.json" >SHA256SUMS
cat SHA256SUMS
