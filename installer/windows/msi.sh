#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
#   sh installer/windows/msi.sh PROGRAMS VERSION OUT.msi
#
# Makes the MSI of the programs in a folder. The same programs make the same bytes: every date is SOURCE_DATE_EPOCH (seconds; needed), the product's code
# comes from the version, the package's from what is in it.
#
# MOKHOA_SIGN_CERT and MOKHOA_SIGN_KEY, PEM files of the certificate with its chain and of its key, have it signed, first the programs, then the MSI; MOKHOA_SIGN_TIMESTAMP is the
# address of a time stamping server. MOKHOA_SIGN_ARGS in place of the key is for one that lies elsewhere (osslsigncode's -pkcs11module, -key and so on).
# shellcheck disable=SC2013,SC2016 # words without blanks; $ and ` that are not the shell's
set -eu
here=$(cd "$(dirname "$0")" && pwd)
programs=$(cd "$1" && pwd)
version=$2
out=$3
: "${SOURCE_DATE_EPOCH:?msi.sh: which date shall be in it?}"
export LC_ALL=C.UTF-8 TZ=UTC
for tool in wixl msibuild faketime python3; do
	command -v "$tool" >/dev/null || { echo "msi.sh: $tool is missing (packages.sh, purpose msi)" >&2; exit 1; }
done
upgrade=$(sed -n 's/.*UpgradeCode="{\([^}]*\)}".*/\1/p' "$here/mokhoa.wxs")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM

# sign FILE: in its place
sign() {
	[ -n "${MOKHOA_SIGN_CERT:-}" ] || return 0
	# shellcheck disable=SC2086 # words
	osslsigncode sign -h sha256 -certs "$MOKHOA_SIGN_CERT" ${MOKHOA_SIGN_KEY:+-key "$MOKHOA_SIGN_KEY"} ${MOKHOA_SIGN_ARGS:-} ${MOKHOA_SIGN_TIMESTAMP:+-ts "$MOKHOA_SIGN_TIMESTAMP"} \
		-n Mokhoa -in "$1" -out "$1.signed" >"$work/signing" 2>&1 || { cat "$work/signing" >&2; echo "msi.sh: $1 was not signed" >&2; exit 1; }
	mv "$1.signed" "$1"
}

# A name that follows from a text, in the form of a GUID.
guid() {
	python3 -c 'import sys, uuid; print(str(uuid.uuid5(uuid.UUID(sys.argv[1]), sys.argv[2])).upper())' "$upgrade" "$1"
}

mkdir "$work/programs"
for name in $(sed -n 's|.*"$(var.Programs)/\([^"]*\)".*|\1|p' "$here/mokhoa.wxs"); do
	if [ "$name" = LICENSE.txt ]; then
		cp "$here/../../LICENSE" "$work/programs/$name"
	else
		cp "$programs/$name" "$work/programs/$name"
		sign "$work/programs/$name"
	fi
	touch -d "@$SOURCE_DATE_EPOCH" "$work/programs/$name"
done
package=$(cd "$work/programs" && { sha256sum -- *; cat "$here/mokhoa.wxs" "$here/msi.sh"; echo "$version $SOURCE_DATE_EPOCH"; } | sha256sum | cut -c 1-64)

# at that second, and with no name of a folder of this machine
at=$(date -u -d "@$SOURCE_DATE_EPOCH" '+%Y-%m-%d %H:%M:%S')
msi=$work/mokhoa.msi
cp "$here/mokhoa.wxs" "$work/"
(cd "$work" && faketime -f "$at" wixl -a x64 -D "Version=$version" -D "ProductCode={$(guid "product $version")}" -D Programs=programs -o mokhoa.msi mokhoa.wxs)

# change QUERY
change() {
	faketime -f "$at" msibuild "$msi" -q "$1"
}
# what wixl leaves out: rollback (256) and commit (512) are deferred (1024) as well
change 'UPDATE `CustomAction` SET `Type`=3393 WHERE `Action`='"'ConfigureBack'"
change 'UPDATE `CustomAction` SET `Type`=3393 WHERE `Action`='"'TakeBackBack'"
change 'UPDATE `CustomAction` SET `Type`=3649 WHERE `Action`='"'Forget'"
# the older version goes within the transaction, so that it is still there where the newer one fails
change 'UPDATE `InstallExecuteSequence` SET `Sequence`=1510 WHERE `Action`='"'RemoveExistingProducts'"
# properties that pass from who starts an installation to the service that does it
properties=$(sed -n 's/^\t{ L"\([A-Z]*\)", L"--.*/\1/p' "$here/action/action_prepare.c" | tr '\n' ';')
change "UPDATE \`Property\` SET \`Value\`='${properties}WAIT;WIX_DOWNGRADE_DETECTED;WIX_UPGRADE_DETECTED' WHERE \`Property\`='SecureCustomProperties'"
faketime -f "$at" msibuild "$msi" -s Mokhoa Mokhoa "x64;1033" "{$(guid "package $package")}"
sign "$msi"
mkdir -p "$(dirname "$out")"
cp "$msi" "$out"
