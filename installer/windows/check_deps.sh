#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
#   sh installer/windows/check_deps.sh FOLDER
#
# Whether the libraries that deps.sh has put into FOLDER are found wherever the folder lies: each file of pkg-config is asked from a copy elsewhere, and
# may name no folder but that.
set -eu
folder=$(cd "$1" && pwd)
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
mkdir -p "$copy/moved/lib"
cp -R "$folder/lib/pkgconfig" "$copy/moved/lib/"
PKG_CONFIG_LIBDIR=$copy/moved/lib/pkgconfig
PKG_CONFIG_PATH=
export PKG_CONFIG_LIBDIR PKG_CONFIG_PATH
count=0
for file in "$PKG_CONFIG_LIBDIR"/*.pc; do
	name=$(basename "$file" .pc)
	said=$(pkg-config --static --cflags --libs "$name")
	for word in $said; do
		case $word in
		"$copy/moved"/* | -[IL]"$copy/moved"/*) ;;
		*/*) echo "check_deps.sh: $name says $word, which is not where the libraries are" >&2; exit 1 ;;
		esac
	done
	count=$((count + 1))
done
[ "$count" -gt 2 ] || { echo "check_deps.sh: $count files of pkg-config in $folder" >&2; exit 1; }
echo "$count files of pkg-config say where the libraries are, wherever that is"
