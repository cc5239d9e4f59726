#!/usr/bin/env bash
# Hold the C, C++ and assembly-free headers of the repository against .clang-format.
set -eu
cd "$(dirname "$0")/.."
mapfile -t files < <(git ls-files '*.c' '*.cc' '*.cpp' '*.h')
[ "${#files[@]}" -eq 0 ] || clang-format --dry-run -Werror "${files[@]}"
