#!/bin/sh
# tuxrun: boots the kernel under test in QEMU, with KVM within KVM, and runs kvm-memtype there.
#   tuxrun.sh BZIMAGE ROOTFS
# ROOTFS is an ext4 image of a Debian 13 with kvm-memtype installed. The processor that the guest sees has VT-x with EPT only if this machine's has.
set -eu
kernel=$1 rootfs=$2
tuxrun --runtime podman --device qemu-x86_64 --kernel "$kernel" --rootfs "$rootfs" --qemu-binary qemu-system-x86_64 \
  --timeouts commands=30 -- kvm-memtype run --strict --format kselftest
