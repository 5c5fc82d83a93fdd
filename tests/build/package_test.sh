#!/usr/bin/env bash
# Tests eddy as other projects get it. Exits with 77 where the compiler is not
# there (ctest: skipped).
#
#   package_test.sh install BUILD WORK        installs BUILD into WORK, and then
#                                             moves what it has installed
#   package_test.sh find_package WORK CXX     a project with find_package(eddy)
#   package_test.sh pkg_config WORK CXX       a compiler's command line
#   package_test.sh subdirectory WORK CXX     a project with add_subdirectory
#
# The last three build tests/build/consumer and run it.
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
root=$(cd -- "$here/../.." && pwd)

fail() {
  printf '%s\n' "$*"
  exit 1
}

# A blank in the path, because users have them.
tree() {
  printf '%s' "$1/installed tree"
}

install_tree() {
  local build=$1 work=$2 header missing=0
  rm -rf "$work"
  mkdir -p "$work"
  cmake --install "$build" --prefix "$work/before it is moved"
  mv "$work/before it is moved" "$(tree "$work")"
  # Real copies of all public headers, and nothing but those.
  cd "$root"
  for header in {runtime,io,net,fs}/*.h {runtime,io,net,fs}/*/*.h; do
    # The guard's own headers are no part of what programs see.
    [[ -e $header && $header != runtime/blocking_guard/* ]] || continue
    if [[ ! -f $(tree "$work")/include/eddy/$header ]]; then
      printf 'not installed: %s\n' "$header"
      missing=1
    fi
  done
  ((missing == 0)) || exit 1
  [[ -f $(tree "$work")/share/eddy/clang-tidy ]] ||
    fail "the settings for clang-tidy were not installed"
  if [[ -n $(find "$(tree "$work")" -type l -name '*.h') ]]; then
    fail "a header was installed as a link"
  fi
  if grep -rqF -e "$work" -e "$root" "$(tree "$work")"/lib*/**/cmake \
    "$(tree "$work")"/lib*/**/pkgconfig; then
    fail "the package names a folder of the machine that has built it"
  fi
}

find_package() {
  cmake -G Ninja -S "$here/consumer" -B "$dir" -DCMAKE_CXX_COMPILER="$cxx" \
    -DCMAKE_BUILD_TYPE=Debug -DCMAKE_PREFIX_PATH="$(tree "$work")"
  cmake --build "$dir"
}

subdirectory() {
  cmake -G Ninja -S "$here/consumer" -B "$dir" -DCMAKE_CXX_COMPILER="$cxx" \
    -DCMAKE_BUILD_TYPE=Debug -DEDDY_SOURCE_DIR="$root"
  cmake --build "$dir" --parallel 2
}

pkg_config() {
  local pc flags
  pc=$(find "$(tree "$work")" -name eddy.pc)
  mkdir -p "$dir"
  flags=$(PKG_CONFIG_PATH=$(dirname "$pc") pkg-config --cflags --libs eddy)
  # pkg-config quotes blanks for a shell.
  eval "$cxx -std=c++20 -O0 \"\$here/consumer/main.cc\" -o \"\$dir/consumer\"" \
    "$flags"
}

how=$1
if [[ $how == install ]]; then
  shopt -s globstar nullglob
  install_tree "$2" "$3"
  exit
fi
work=$2
cxx=$3
if ! command -v "$cxx" >/dev/null; then
  echo "$cxx is not installed"
  exit 77
fi
dir=$work/$how-$cxx
rm -rf "$dir"
"$how"
for program in consumer guarded measured sweep; do
  # pkg-config builds only the first.
  [[ $program == consumer || $how != pkg_config ]] || continue
  output=$("$dir/$program")
  [[ $output == "eddy works" ]] || fail "$program printed: $output"
done
