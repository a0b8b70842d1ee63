#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
#   sh installer/windows/deps.sh [x86_64 | i686]
#
# Builds what the Windows programs link statically (jansson, OpenSSL, curl, libwebsockets) from the upstream tarballs that Debian serves, and points
# build/mingw-w64-deps at the result, where the preset mingw-w64 looks for it. For the worker in 32 bits (i686) jansson and OpenSSL's libcrypto are enough;
# mingw-w64-x86 finds them at build/mingw-w64-x86-deps. Without an argument both.
#
# Address and SHA256 of each tarball come from Debian's signed source index (apt-get --print-uris source), with a sources list of our own;
# the machine's is left alone. The result lies in a folder whose name is the hash of all that it was made from: this script, the tarballs,
# the compiler. Where it is there already nothing is built, and it may be moved (check_deps.sh). MOKHOA_DEPS_CACHE is the folder of those folders; without it
# they are kept for all checkouts of this user, in mokhoa/windows-deps below XDG_CACHE_HOME (~/.cache).
set -eu
cd "$(dirname "$0")/../.."
top=$PWD
self=$top/installer/windows/deps.sh
cache=${MOKHOA_DEPS_CACHE:-${XDG_CACHE_HOME:-${HOME:-$top/build}/.cache}/mokhoa/windows-deps}
jobs=${MOKHOA_JOBS:-2}
case ${1:-} in
'' | x86_64 | i686) architectures=${1:-x86_64 i686} ;;
*) echo "deps.sh: there is no such processor: $1" >&2; exit 2 ;;
esac
mkdir -p "$cache" build
exec 9>"$cache/lock" # one at a time makes what others find
flock 9

# ---- what Debian has ----

apt=$cache/apt
mkdir -p "$apt/lists/partial" "$apt/archives/partial"
cat >"$apt/sources.list" <<END
deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian bookworm main
deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian-security bookworm-security main
END
cat >"$apt/apt.conf" <<END
Dir::Etc::sourcelist "$apt/sources.list";
Dir::Etc::sourceparts "-";
Dir::State::lists "$apt/lists";
Dir::Cache "$apt";
APT::Sandbox::User "root";
END
APT_CONFIG=$apt/apt.conf
export APT_CONFIG
apt-get update -qq || echo "deps.sh: the source index could not be read anew; the one that is here has to do" >&2

# Lines of "URL NAME SHA256" for the upstream tarball of each SOURCE.
tarballs() {
	for source in "$@"; do
		line=$(apt-get --print-uris -qq source "$source" | grep -E '\.orig\.tar\.[a-z0-9]+'"' " | tr -d "'") || {
			echo "deps.sh: the source index has no tarball of $source" >&2
			return 1
		}
		# shellcheck disable=SC2086 # four words: URL NAME SIZE SHA256:HASH
		set -- $line
		case ${4:-} in
		SHA256:*) echo "$1 $2 ${4#SHA256:}" ;;
		*) echo "deps.sh: the source index has no SHA256 of $source" >&2; return 1 ;;
		esac
	done
}
header=/usr/include/p11-kit-1/p11-kit/pkcs11.h # of libp11-kit-dev: one header, nothing of it is linked

# ---- fetch and check ----

began=$(date +%s)
say() {
	printf '== %s (%d s)\n' "$1" $(($(date +%s) - began))
}

fetch() {
	say "fetching for $arch"
	echo "$tarballs" | while read -r url name hash; do
		file=$cache/tarballs/$name
		if ! echo "$hash  $file" | sha256sum --status -c - 2>/dev/null; then
			curl -fsSL --retry 3 --max-time 300 -o "$file" "$url"
			echo "$hash  $file" | sha256sum --status -c - || { echo "deps.sh: $name is not what the signed index says" >&2; exit 1; }
		fi
		mkdir "$work/${name%%_*}"
		tar -xf "$file" -C "$work/${name%%_*}" --strip-components 1
	done
}

# ---- build ----

SOURCE_DATE_EPOCH=1700000000
export SOURCE_DATE_EPOCH
# sections of their own, so that the linker drops what nobody calls
flags="-O2 -g0 -ffunction-sections -fdata-sections -fstack-protector-strong"

# quietly NAME COMMAND...: the output is for those who want to know why
quietly() {
	log=$work/log/$1
	shift
	"$@" >>"$log" 2>&1 && return
	tail -n 40 "$log" >&2
	echo "deps.sh: failed; all of it is in $log" >&2
	return 1
}

# no path of this machine in what is shipped; OpenSSL, which keeps its compiler's flags as a text, is built by relative paths anyway
with_cmake() {
	name=$1
	shift
	say "$name"
	MOKHOA_WINDOWS_DEPS=$prefix quietly "$name" cmake -S "$work/$name" -B "$work/$name/b" -G Ninja "-DCMAKE_TOOLCHAIN_FILE=$toolchain" \
		-DCMAKE_BUILD_TYPE=Release "-DCMAKE_C_FLAGS=$flags -ffile-prefix-map=$work=." "-DCMAKE_INSTALL_PREFIX=$prefix" -DCMAKE_INSTALL_LIBDIR=lib \
		-DBUILD_SHARED_LIBS=OFF "$@"
	quietly "$name" cmake --build "$work/$name/b" -j "$jobs"
	quietly "$name" cmake --install "$work/$name/b"
}

# with_openssl CONFIGURATION TARGET...: it looks for its configuration, engines and modules in folders that are compiled in. They are below C:/Windows,
# where no user can put a file; no configuration is loaded by itself, and there are no modules.
with_openssl() {
	say openssl
	nowhere=C:/Windows/System32/mokhoa-has-no-openssl-folder
	cd "$work/openssl"
	# shellcheck disable=SC2086 # words
	quietly openssl ./Configure "$1" --cross-compile-prefix=$host- --prefix="$prefix" --libdir=lib no-shared no-module no-dso no-engine no-legacy \
		no-autoload-config no-tests no-comp no-ssl3 no-dtls no-srp no-idea no-md4 no-mdc2 no-rc2 no-rc4 no-bf no-cast no-camellia no-aria \
		no-seed no-sm2 no-sm3 no-sm4 no-whirlpool no-gost no-ui-console no-cmp no-ts no-ct $flags
	shift
	for target in "$@"; do
		quietly openssl make -j "$jobs" OPENSSLDIR=$nowhere ENGINESDIR=$nowhere MODULESDIR=$nowhere "$target"
	done
	cd "$top"
}

# pc NAME DESCRIPTION VERSION LIBS CFLAGS: what a library leaves out
pc() {
	printf 'Name: %s\nDescription: %s\nVersion: %s\nLibs: %s\nCflags: %s\n' "$@" >"$prefix/lib/pkgconfig/$1.pc"
}

# All that the programs want.
build_x86_64() {
	with_openssl mingw64 build_libs install_dev
	with_cmake jansson -DJANSSON_WITHOUT_TESTS=ON -DJANSSON_BUILD_DOCS=OFF -DJANSSON_EXAMPLES=OFF
	with_cmake curl -DBUILD_CURL_EXE=OFF -DBUILD_TESTING=OFF -DHTTP_ONLY=ON -DCURL_USE_OPENSSL=ON -DCURL_USE_SCHANNEL=OFF -DCURL_USE_LIBSSH2=OFF \
		-DCURL_ZLIB=OFF -DCURL_BROTLI=OFF -DCURL_ZSTD=OFF -DUSE_NGHTTP2=OFF -DUSE_LIBIDN2=OFF -DCURL_USE_LIBPSL=OFF -DENABLE_MANUAL=OFF \
		-DCURL_CA_BUNDLE=none -DCURL_CA_PATH=none "-DOPENSSL_ROOT_DIR=$prefix" -DOPENSSL_USE_STATIC_LIBS=ON
	with_cmake libwebsockets -DLWS_WITH_SHARED=OFF -DLWS_WITHOUT_TESTAPPS=ON -DLWS_WITHOUT_TEST_SERVER=ON -DLWS_WITHOUT_TEST_CLIENT=ON \
		-DLWS_WITHOUT_TEST_PING=ON -DLWS_WITHOUT_EXTENSIONS=ON -DLWS_WITH_MINIMAL_EXAMPLES=OFF -DLWS_WITH_HTTP2=OFF \
		-DLWS_WITH_SSL=OFF -DLWS_IPV6=OFF -DLWS_WITH_ZLIB=OFF -DDISABLE_WERROR=ON
	sed -i 's/^Cflags:.*/& -DCURL_STATICLIB/' "$prefix/lib/pkgconfig/libcurl.pc"
	pc libwebsockets "a server of WebSockets" 4.1.6 "-L$prefix/lib -lwebsockets_static -lws2_32" "-I$prefix/include"
}

# What the worker wants beside a module in 32 bits, which speaks with no server: of OpenSSL libcrypto alone.
build_i686() {
	with_openssl mingw build_generated libcrypto.a
	cp "$work/openssl/libcrypto.a" "$prefix/lib/"
	cp -r "$work/openssl/include/openssl" "$prefix/include/"
	pc libcrypto "OpenSSL's cryptography" "$(sed -n 's/^VERSION=//p' "$work/openssl/Makefile")" "-L$prefix/lib -lcrypto -lws2_32 -lgdi32 -lcrypt32" \
		"-I$prefix/include"
	with_cmake jansson -DJANSSON_WITHOUT_TESTS=ON -DJANSSON_BUILD_DOCS=OFF -DJANSSON_EXAMPLES=OFF
}

# ---- one processor ----

build_for() {
	arch=$1
	host=$arch-w64-mingw32
	case $arch in
	x86_64) preset=mingw-w64 sources="jansson openssl curl libwebsockets" ;;
	i686) preset=mingw-w64-x86 sources="jansson openssl" ;;
	esac
	toolchain=$top/cmake/$preset.cmake
	# shellcheck disable=SC2086 # words
	tarballs=$(tarballs $sources)
	key=$( (echo "$tarballs" | cut -d ' ' -f 2,3; cat "$self" "$top/cmake/mingw-w64.cmake" "$toolchain" "$header"; "$host"-gcc --version) | sha256sum | cut -c 1-24)
	prefix=$cache/$key
	if [ ! -e "$prefix/complete" ]; then
		work=$cache/work-$key
		rm -rf "$work" "$prefix"
		mkdir -p "$work/log" "$cache/tarballs" "$prefix/lib/pkgconfig" "$prefix/include/p11-kit-1/p11-kit"
		fetch
		"build_$arch"
		cp "$header" "$prefix/include/p11-kit-1/p11-kit/"
		pc p11-kit-1 "the header of PKCS#11, nothing to link" 0.24 "" "-I$prefix/include/p11-kit-1"
		# Whoever moves or copies the folder finds the libraries where it then is: the files that say where they are say it from their own place. What CMake's packages say nobody reads.
		sed -i "s|$prefix|\${pcfiledir}/../..|g" "$prefix/lib/pkgconfig"/*.pc
		rm -rf "$prefix/lib/cmake" "$prefix/cmake"
		sh "$top/installer/windows/check_deps.sh" "$prefix"
		echo "$tarballs" >"$prefix/complete"
		rm -rf "$work"
		say "done for $arch"
	fi
	ln -sfn "$prefix" "$top/build/$preset-deps"
	echo "Windows libraries, $arch: $prefix"
}

for each in $architectures; do
	build_for "$each"
done
