# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# Mounts of one's own, also in a chroot. To be sourced.
#
#   in_chroot        whether the root is no mount point of its own, as debootstrap makes them. unshare makes all mounts private, but cannot there: it wants
#                    --propagation unchanged, and then make_private inside.
#   make_private     fails where that is not allowed.

in_chroot() {
	! awk '$5 == "/" { found = 1 } END { exit !found }' /proc/self/mountinfo
}

# The true root is reached by entering our own mount namespace a second time; the command that runs then is the one outside of the chroot.
make_private() {
	in_chroot || return 0
	nsenter --mount=/proc/self/ns/mnt mount --make-rprivate /
}
