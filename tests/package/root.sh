#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# root.sh FOLDER COMMAND [ARGUMENT...]
#
# Runs a command in a root that is this machine's, but where all that is written lands in FOLDER/upper (made on a file system in memory, and packed into
# FOLDER/changes.tar when the command is over), and where no package of ours is known. FOLDER is seen at /mnt. Wants to be root. Ends with the
# command's status; 77 where this machine allows no overlay.
set -eu
# shellcheck source=tests/stage/chroot.sh
. "$(dirname "$0")/../stage/chroot.sh"

if [ "${1:-}" != --inside ]; then
	propagation=
	if in_chroot; then
		propagation="--propagation unchanged"
	fi
	# shellcheck disable=SC2086 # these are words
	exec unshare --mount $propagation --pid --fork --kill-child sh "$0" --inside "$@"
fi
folder=$2
shift 2
make_private || {
	echo "root.sh: the mounts outside of this chroot cannot be made private" >&2
	exit 77
}
work=$(mktemp -d)
mount -t tmpfs -o mode=755 tmpfs "$work" || exit 77
mkdir "$work/upper" "$work/work" "$work/root"
# what /etc says of the client on this machine is not the root's
if ! mount -t overlay -o "lowerdir=/,upperdir=$work/upper,workdir=$work/work" overlay "$work/root"; then
	umount "$work"
	rmdir "$work"
	echo "root.sh: this kernel refuses an overlay over /" >&2
	exit 77
fi
mount -t proc proc "$work/root/proc"
mount --rbind /dev "$work/root/dev"
mount -t tmpfs -o mode=755 tmpfs "$work/root/run"
mount -t tmpfs -o mode=1777 tmpfs "$work/root/tmp"
mount --bind "$folder" "$work/root/mnt"
status=0
chroot "$work/root" "$@" || status=$?
tar -C "$work/upper" -cf "$folder/changes.tar" .
exit $status
