#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
#   sh installer/linux/package.sh [OUT]
#
# Builds the packages of Linux into OUT (build/packages): deb and rpm of the client (mokhoa) and of the server (mokhoa-tms), what they are made of
# (mokhoa_VERSION.spdx.json) and SHA256SUMS. The same source on the same Debian makes the same bytes, wherever it lies. The date in them is
# SOURCE_DATE_EPOCH; without it that of the last commit, or of CHANGES.md where there is no git.
set -eu
purposes="build package"
# shellcheck source=installer/package_head.sh
. "$(dirname "$0")/../package_head.sh"

log=$PWD/build/package.log
made=$PWD/build/package/packages
rm -rf "$made"
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
