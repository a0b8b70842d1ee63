#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# enter.sh COMMAND [ARGUMENT...]
#
# Runs a command on a stage: mounts, processes, System V objects and a network (loopback only) of its own, so that a test may start
# daemons, write to /run, /dev/shm and /etc/mokhoa, and be killed, and the machine and other stages see nothing of it. With
# MOKHOA_STAGE_NETWORK=machine the network is the machine's, for a person's browser. Ends with the command's status; 77 when this machine does not
# allow a stage. When this process ends, for whatever reason, so does everything on the stage.
set -eu
# shellcheck source=tests/stage/chroot.sh
. "$(dirname "$0")/chroot.sh"

skip() {
	echo "enter.sh: $*" >&2
	exit 77
}

# An empty, writable /etc/mokhoa. Where there is none, an overlay over /etc makes one that only the stage sees.
mount_etc() {
	if [ -d /etc/mokhoa ]; then
		mount -t tmpfs -o mode=755 tmpfs /etc/mokhoa && return 0
		skip "/etc/mokhoa exists and no tmpfs can be mounted on it"
	fi
	mkdir -p /run/stage/etc /run/stage/work
	chmod 755 /run/stage/etc
	if mount -t overlay -o lowerdir=/etc,upperdir=/run/stage/etc,workdir=/run/stage/work overlay /etc 2>/run/stage/refused
	then
		mkdir /etc/mokhoa
	elif [ "$stage_uid" = 0 ] && mkdir /etc/mokhoa; then
		echo "enter.sh: no overlay here, so an empty /etc/mokhoa stays behind" >&2
		mount -t tmpfs -o mode=755 tmpfs /etc/mokhoa
	else
		skip "there is no /etc/mokhoa and this kernel refuses an overlay over /etc: $(cat /run/stage/refused)"
	fi
}

inside() {
	stage_uid=$1
	shift
	make_private || skip "the mounts outside of this chroot cannot be made private"
	if [ "${MOKHOA_STAGE_NETWORK:-}" != machine ]; then
		ip link set lo up || skip "the stage's loopback interface cannot be brought up (is iproute2 installed?)"
	fi
	mount -t tmpfs -o mode=755 tmpfs /run || skip "no tmpfs can be mounted on /run"
	mkdir -m 1777 /run/lock
	if [ -d /dev/shm ]; then
		mount -t tmpfs -o mode=1777 tmpfs /dev/shm
	fi
	mount_etc
	set +e
	MOKHOA_STAGE=1 "$@"
	exit $?
}

if [ "${1:-}" = --inside ]; then
	shift
	inside "$@"
fi
[ $# -gt 0 ] || {
	echo "usage: enter.sh COMMAND [ARGUMENT...]" >&2
	exit 2
}

uid=$(id -u)
# A user who is not root is root of a user namespace first; that step clears the death signal, so it comes before it.
namespaces="unshare --mount --pid --ipc --fork --kill-child --mount-proc"
if [ "${MOKHOA_STAGE_NETWORK:-}" != machine ]; then
	namespaces="$namespaces --net"
fi
if [ "$uid" != 0 ]; then
	root="unshare --map-root-user"
elif in_chroot; then
	namespaces="$namespaces --propagation unchanged"
fi
# shellcheck disable=SC2086 # these are words
reason=$(${root:-} $namespaces true 2>&1) || skip "this machine does not allow namespaces to uid $uid: $reason"

# unshare ignores SIGTERM while it waits, so this process stays to end it; the kernel then ends the stage.
exec 3<&0
# shellcheck disable=SC2086
${root:-} setpriv --pdeathsig KILL $namespaces -- \
	env --default-signal=INT,QUIT sh "$0" --inside "$uid" "$@" <&3 3<&- &
stage=$!
exec 3<&-
trap 'kill -KILL "$stage" 2>/dev/null; trap - EXIT; exit 143' TERM HUP
trap 'kill -KILL "$stage" 2>/dev/null; trap - EXIT; exit 130' INT
status=0
wait "$stage" || status=$?
exit "$status"
