#!/bin/busybox sh
# The first process of the emulated machine: this machine's files, with what is written to them kept in memory; then /command in them.
# The shares `files` and `reports` are QEMU's (machine.mjs); what is written to `reports` reaches this machine.
export PATH=/bin
/bin/busybox --install -s /bin
fail() { echo "kvm-memtype emulated: $1"; echo o >/proc/sysrq-trigger; sleep 60; }

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
while read -r module parameters; do
  # shellcheck disable=SC2086 # words
  insmod "/modules/$module.ko" $parameters || fail "the module $module cannot be loaded"
done </modules/order
[ -c /dev/kvm ] || fail "its kernel has no KVM"

share="trans=virtio,version=9p2000.L,msize=524288"
mkdir -p /files /memory /root
mount -t 9p -o "$share,ro,cache=loose" files /files || fail "this machine's files cannot be mounted"
mount -t tmpfs -o size=75% memory /memory
mkdir /memory/upper /memory/work
mount -t overlay -o lowerdir=/files,upperdir=/memory/upper,workdir=/memory/work root /root || fail "no overlay"
mount -t tmpfs -o mode=755 run /root/run
. /environment
case $REPORTS in /tmp/*) ;; *) mount -t tmpfs -o mode=1777 tmp /root/tmp ;; esac
mount -t 9p -o "$share" reports "/root$REPORTS" || fail "the reports cannot be mounted"
mount --bind "/root$BUNDLED" "/root$PROGRAM" || fail "the program in few files cannot be mounted"
for folder in proc sys dev; do mount --move "/$folder" "/root/$folder"; done
cd /root || fail "no root"
mkdir -p dev/pts dev/shm
ln -s /proc/self/fd dev/fd
for i in 0:stdin 1:stdout 2:stderr; do ln -s "fd/${i%:*}" "dev/${i#*:}"; done
mount -t devpts devpts dev/pts
mount -t tmpfs -o mode=1777 shm dev/shm
mount -t debugfs debugfs sys/kernel/debug
mount -t tracefs tracefs sys/kernel/tracing
ip link set lo up

chroot . /bin/sh /dev/fd/3 3</command <dev/null
echo $? >".$REPORTS/.status"
sync
echo o >proc/sysrq-trigger
sleep 60
