# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# What Mokhoa needs of Debian 12, by purpose. Sourced by quickstart.sh and tests/run.sh:
#
#   packages_install build stage test
#
# installs what is missing when it runs as root; otherwise says what to install and returns 77 (1 under CI=true).

packages_of() {
	case $1 in
	build) echo gcc libc6-dev cmake ninja-build pkg-config libjansson-dev libssl-dev libcurl4-openssl-dev libp11-dev libp11-kit-dev \
		libmicrohttpd-dev libsqlite3-dev libpq-dev libwebsockets-dev libseccomp-dev ;;
	stage) echo opensc pcscd vsmartcard-vpcd nginx-light postfix openssl ca-certificates curl python3 python3-cryptography util-linux iproute2 procps ;;
	test) echo git systemd clang-14 clang clang-tidy-14 clang-format-14 libclang-rt-14-dev python3-jsonschema shellcheck strace \
		pinentry-tty pinentry-curses \
		file binutils sqlite3 postgresql-15 softhsm2 opencryptoki p11-kit p11-kit-modules opensc-pkcs11 ykcs11 libnss3 libnss3-tools swtpm libtpm2-pkcs11-1 libtss2-tcti-swtpm0 tpm2-tools ;;
	# what builds and judges deb and rpm
	package) echo dpkg-dev fakeroot openssl rpm rpmlint lintian mandoc python3 ;;
	# Node comes with npm's own package, because Debian's is too old for the driver; another npm than Debian's will do. A screen with a hand, for what
	# browsers ask outside their pages
	browser) echo chromium firefox-esr libnss3-tools openssl xvfb xdotool "$(command -v npm >/dev/null || echo npm)" ;;
	# the cross compiler, what deps.sh needs to build libraries with it, and wine with a screen of its own for what was built
	windows) echo gcc-mingw-w64-x86-64-win32 binutils-mingw-w64-x86-64 gcc-mingw-w64-i686-win32 binutils-mingw-w64-i686 dpkg cmake ninja-build pkg-config make perl curl libp11-kit-dev wine wine64 xvfb ;;
	# what makes the MSI of it, and signs it
	msi) echo wixl msitools faketime osslsigncode python3 ;;
	*) echo "packages.sh: no such purpose: $1" >&2; return 2 ;;
	esac
}

packages_missing() {
	for purpose in "$@"; do
		for package in $(packages_of "$purpose"); do
			dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || echo "$package"
		done
	done | sort -u
}

# Services that come with a package (nginx, Postfix, pcscd) are not started: what runs here runs by itself, elsewhere, for a while.
packages_without_services() {
	policy=/usr/sbin/policy-rc.d
	if [ -e $policy ]; then
		"$@"
		return
	fi
	printf '#!/bin/sh\nexit 101\n' >$policy
	chmod +x $policy
	status=0
	"$@" || status=$?
	rm -f $policy
	return $status
}

packages_install() {
	missing=$(packages_missing "$@" | tr '\n' ' ')
	[ -n "$missing" ] || return 0
	if [ "$(id -u)" != 0 ]; then
		echo "Cần cài thêm / please install first:  sudo apt-get install --no-install-recommends $missing" >&2
		[ "${CI:-}" = true ] && return 1
		return 77
	fi
	echo "Đang cài / installing: $missing"
	export DEBIAN_FRONTEND=noninteractive
	apt-get update -qq || echo "apt-get update failed; going on with the lists that are here" >&2
	# shellcheck disable=SC2086 # a list of words
	packages_without_services apt-get install -y -qq --no-install-recommends $missing >/dev/null
}
