#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
#   sh tests/fuzz/run.sh BUILD SECONDS
#
# Runs every libFuzzer target of a build with the fuzz preset from its committed corpus for so many seconds, two at a time. What a run
# finds new stays in BUILD/corpus; a crash is written beside it and fails the run.
set -eu
build=$(cd "$1" && pwd)
seconds=$2
list=$build/fuzzers.txt
[ -s "$list" ] || { echo "no fuzz targets are listed in $list" >&2; exit 1; }

one() {
	name=$1 program=$2 corpus=$3
	found=$build/corpus/$name
	mkdir -p "$found"
	log=$build/corpus/$name.log
	if "$program" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=16384 -print_final_stats=1 -artifact_prefix="$found-" \
		"$found" "$corpus" >"$log" 2>&1; then
		runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
		edges=$(sed -n 's/.* cov: \([0-9]*\).*/\1/p' "$log" | tail -n 1)
		echo "fuzz $name: $runs runs, $edges edges"
	else
		tail -n 40 "$log"
		echo "fuzz $name: FAILED"
		return 1
	fi
}

failed=0
while read -r name program corpus; do
	one "$name" "$program" "$corpus" &
	first=$!
	if read -r name program corpus; then
		one "$name" "$program" "$corpus" || failed=1
	fi
	wait $first || failed=1
done <"$list"
exit $failed
