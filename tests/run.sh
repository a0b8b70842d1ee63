#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
#   sh tests/run.sh [LABEL...]
#
# Installs what is missing (as root on Debian 12), builds with sanitizers and runs the tests of these labels: unit, e2e, hostile, crash, lint, fuzz, browser, look, package, windows.
# Without a label: all of them, which is what CI does. A missing card, server or tool is a skip that says what to install and
# is named again at the end; under CI=true it is a failure.
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=installer/packages.sh
. installer/packages.sh

labels=${*:-unit e2e hostile crash lint fuzz browser look package windows}
purposes="build stage test"
case " $labels " in
*" browser "* | *" look "*) purposes="$purposes browser" ;;
esac
case " $labels " in
*" windows "*) purposes="$purposes windows msi" ;;
esac
case " $labels " in
*" package "*) purposes="$purposes package" ;;
esac
# shellcheck disable=SC2086 # words
packages_install $purposes || exit $?

# build PRESET [CMAKE-OPTION...]
build() {
	preset=$1
	shift
	# shellcheck disable=SC2086 # words or none
	cmake --preset "$preset" "$@" >"build/$preset.log" 2>&1 && cmake --build --preset "$preset" ${only:+--target $only} >>"build/$preset.log" 2>&1 && return
	tail -n 60 "build/$preset.log" >&2
	echo "the $preset build failed; all of it is in build/$preset.log" >&2
	return 1
}

mkdir -p build
failed=
skipped=
only= # targets instead of all
began=$(date +%s)
say() {
	printf '== %s (%d s)\n' "$1" $(($(date +%s) - began))
}

MOKHOA_ERRORS_SEEN=$PWD/build/errors-seen
export MOKHOA_ERRORS_SEEN
for label in $labels; do
	case $label in
	unit | e2e) rm -f "$MOKHOA_ERRORS_SEEN" ;;
	esac
done

say "building with sanitizers"
build dev
for label in $labels; do
	say "$label"
	case $label in
	unit)
		# sanitizers trace the program that they watch: that nobody else can is seen only in a build as it is shipped
		only=base/tests/all
		build plain && ctest --test-dir build/plain/base/tests -j 2 --output-on-failure --no-tests=error || failed="$failed plain"
		only=
		;;
	fuzz)
		build fuzz || failed="$failed $label"
		sh tests/fuzz/run.sh build/fuzz "${FUZZ_SECONDS:-10}" || failed="$failed $label"
		;;
	crash)
		# what is cut short are the programs as they are shipped
		only="mokhoa-host mokhoa-worker mokhoa-tms mokhoa-card mock_p11"
		build plain || failed="$failed plain"
		only=
		;;
	lint)
		# no warning under another compiler, nor where the optimiser looks closer
		build dev-clang -DMOKHOA_WERROR=ON || failed="$failed clang"
		build release -DMOKHOA_WERROR=ON || failed="$failed release"
		;;
	esac
	log=$PWD/build/ctest-$label.log
	preset=dev
	[ "$label" != crash ] || preset=plain
	if [ "$label" = windows ]; then
		# built for another system, with libraries of its own (kept in MOKHOA_DEPS_CACHE where it is said), and run under wine
		{ sh installer/windows/deps.sh && build mingw-w64-x86 && build mingw-w64 && sh tests/windows/wine_x86.sh build/wine-x86 &&
			sh tests/stage/enter.sh sh tests/windows/run.sh build/mingw-w64 -O "$log"; } || failed="$failed $label"
	else
		ctest --test-dir build/$preset -L "^$label\$" -j 2 --output-on-failure --no-tests=error -O "$log" || failed="$failed $label"
	fi
	skips=$(sed -n 's/.*Test *#[0-9]*: \([^ ]*\) .*\*\*\*Skipped.*/\1/p' "$log" | tr '\n' ' ')
	skipped="$skipped${skips:+ $skips}"
	if [ "${CI:-}" = true ] && [ -n "$skips" ]; then
		echo "under CI=true nothing may be skipped" >&2
		failed="$failed $label-skipped"
	fi
done

# The list of every error with the test that reaches it stands only when both kinds of test have run.
case " $labels " in
*" unit "*)
	case " $labels " in
	*" e2e "*)
		say "every error and the test that reaches it"
		/usr/bin/python3 tests/errors/list_errors.py "$MOKHOA_ERRORS_SEEN" || failed="$failed errors"
		;;
	esac
	;;
esac

say "done"
# a green that has not looked everywhere says so
[ -z "$skipped" ] || echo "SKIPPED:$skipped" >&2
if [ -n "$failed" ]; then
	echo "FAILED:$failed" >&2
	exit 1
fi
echo "all passed: $labels"
