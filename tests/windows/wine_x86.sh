#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
#   sh tests/windows/wine_x86.sh FOLDER
#
# Fills FOLDER with the DLLs of 32 bits that mokhoa-worker-x86 and a module beside it need of wine.
#
# Debian's wine64 runs programs of 32 bits ("wow64", all of wine's own system code in 64) if it finds wine's DLLs of 32 bits in its i386-windows folder. They are in the package
# libwine:i386, which cannot be installed without a second set of the system's own libraries, all of the very version that is here; so the package is
# fetched, checked against Debian's signed index, unpacked and never installed. run.sh mounts FOLDER where wine looks.
set -eu
folder=$1
version=$(dpkg-query -W -f '${Version}' libwine:amd64 2>/dev/null) || { echo "wine_x86.sh: libwine is missing (packages.sh, purpose windows)" >&2; exit 77; }
# what the worker imports, and what that imports; rundll32 and setupapi make the prefix's folders of 32 bits
dlls="advapi32 bcrypt combase crypt32 dnsapi gdi32 imm32 iphlpapi kernel32 kernelbase msvcrt nsi ntdll ole32 rpcrt4 sechost setupapi shcore shell32 shlwapi ucrtbase user32 version win32u winscard ws2_32"
[ "$(cat "$folder/version" 2>/dev/null)" != "$version $dlls" ] || exit 0
rm -rf "$folder"
mkdir -p "$folder/apt/lists/partial" "$folder/apt/archives/partial" "$folder/apt/nothing"
folder=$(cd "$folder" && pwd)
apt=$folder/apt
: >"$apt/status"
echo 'deb [arch=i386 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian bookworm main' >"$apt/sources.list"
cat >"$apt/apt.conf" <<END
APT::Architecture "i386";
APT::Architectures { "i386"; };
Dir::Etc::sourcelist "$apt/sources.list";
Dir::Etc::sourceparts "$apt/nothing";
Dir::Etc::preferencesparts "$apt/nothing";
Dir::State::lists "$apt/lists";
Dir::State::status "$apt/status";
Dir::Cache "$apt";
APT::Sandbox::User "root";
END
export APT_CONFIG="$apt/apt.conf"
apt-get update -qq
(cd "$apt" && apt-get download -qq "libwine=$version")
files="./usr/lib/i386-linux-gnu/wine/i386-windows/rundll32.exe"
for dll in $dlls; do
	files="$files ./usr/lib/i386-linux-gnu/wine/i386-windows/$dll.dll"
done
# shellcheck disable=SC2086 # words
dpkg-deb --fsys-tarfile "$apt"/libwine_*_i386.deb | tar -x -C "$folder" --strip-components 6 $files
rm -rf "$apt"
echo "$version $dlls" >"$folder/version"
echo "wine's DLLs of 32 bits: $folder"
