#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
#   sh portal/tests/node.sh FOLDER
#
# Runs the *.test.js of a folder with the node that is there; 77 without one.
command -v node >/dev/null || {
	echo "node is missing: apt-get install nodejs" >&2
	exit 77
}
exec node --test "$1"/*.test.js
