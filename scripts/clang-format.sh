#!/usr/bin/env bash
# Hold the repository's C and C++ against .clang-format (check), or bring it into that form (write).
set -eu
cd "$(dirname "$0")/.."
case ${1:-} in
  check) mode=(--dry-run -Werror) ;;
  write) mode=(-i) ;;
  *) echo "usage: ${0##*/} check|write" >&2; exit 2 ;;
esac
mapfile -t files < <(git ls-files '*.c' '*.cc' '*.cpp' '*.h')
[ "${#files[@]}" -eq 0 ] || clang-format "${mode[@]}" "${files[@]}"
