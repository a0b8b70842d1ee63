# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# What both package.sh begin with, sourced by them: OUT of the first argument (build/packages), the tree as the folder to work in, the packages for $purposes, and of the date and the rest of
# what makes the same bytes all that is the same for both.
out=${1:-}
[ -z "$out" ] || { mkdir -p "$out" && out=$(cd "$out" && pwd); }
cd "$(dirname "$0")/../.." || exit
: "${out:=$PWD/build/packages}"
# shellcheck source=installer/packages.sh
. installer/packages.sh
# shellcheck disable=SC2086,SC2154 # words; of who sources this
packages_install $purposes || exit $?

SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || stat -c %Y CHANGES.md)}
export SOURCE_DATE_EPOCH
LC_ALL=C.UTF-8
export LC_ALL
umask 022
mkdir -p build "$out"
# no compiler cache in between: one that makes names of files relative (CCACHE_BASEDIR) leaves other bytes, where OpenSSL's macros name the file
unset CMAKE_C_COMPILER_LAUNCHER
