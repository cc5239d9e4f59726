#!/bin/sh
# In a bare Debian that is thrown away: install the package from its tarball into an empty folder, with nothing there to build it, and use it.
#   try.sh TARBALL
set -eu
tarball=$1

for tool in cc gcc c++ g++ make python3; do
  while path=$(command -v $tool); do rm "$path"; done
done

fail() {
  echo "try.sh: $1" >&2
  exit 1
}

# Run the program; its status must match the pattern given first, and it must print the words given second.
expect() {
  wanted=$1 words=$2
  shift 2
  status=0
  output=$(node_modules/.bin/kvm-memtype "$@" 2>&1) || status=$?
  # shellcheck disable=SC2254 # a pattern
  case $status in $wanted) ;; *) fail "kvm-memtype $*: status $status: $output" ;; esac
  case $output in *"$words"*) echo "kvm-memtype $*: $status: $words" ;; *) fail "kvm-memtype $*: no '$words' in: $output" ;; esac
}

cd "$(mktemp -d)"
npm install --no-audit --no-fund "$tarball"
package=node_modules/kvm-memtype
[ ! -e $package/build ] || fail 'it was built'

expect 0 'IPAT' explain --policy 6.1 --gpa 0x1000
expect 3 'exit=3' guest $package/prebuilds/linux-x64/hello.elf --memory 64M --cmdline exit=3
# This machine's KVM may be one without EPT, of which nothing can be checked: 4 then.
expect '[04]' ' passed' run 'ram/*'
[ ! -e /root/bzImage ] || expect 0 ' passed' run 'ram/*' --kernel /root/bzImage
