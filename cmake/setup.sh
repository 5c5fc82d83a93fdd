# shellcheck shell=bash
# What examples/run, tests/run, bench/run and .ci/run share: installing Debian
# packages that are missing, configuring and building a preset. To be sourced.
#
# EDDY_SETUP=no in the environment keeps it from looking at packages at all: for
# systems that are not Debian, or that have the tools from elsewhere.

set -euo pipefail

eddy_root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
eddy_installed=no # whether this run has installed something

eddy_fail() {
  printf 'eddy: %s\n' "$*" >&2
  exit 1
}

# eddy_packages TAG...: the packages that cmake/packages.txt has for any of TAG.
eddy_packages() {
  local package tags tag
  while read -r package tags; do
    [[ -z $package || $package == '#'* ]] && continue
    for tag in "$@"; do
      if [[ " $tags " == *" $tag "* ]]; then
        printf '%s\n' "$package"
        break
      fi
    done
  done <"$eddy_root/cmake/packages.txt"
}

# eddy_setup TAG...: installs what is missing of the packages of any of TAG, or
# says in one line what to run, and exits.
eddy_setup() {
  [[ ${EDDY_SETUP:-} == no ]] && return
  local -a wanted missing=()
  mapfile -t wanted < <(eddy_packages "$@")
  command -v dpkg-query >/dev/null ||
    eddy_fail "this is no Debian: install what these Debian packages hold and" \
      "set EDDY_SETUP=no: ${wanted[*]}"
  local have package
  # It fails where one is missing, which is what the output is looked at for.
  # shellcheck disable=SC2016 # dpkg-query's own variables
  have=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "${wanted[@]}" \
    2>/dev/null) || true
  for package in "${wanted[@]}"; do
    [[ $'\n'$have$'\n' == *$'\n'"$package installed"$'\n'* ]] ||
      missing+=("$package")
  done
  ((${#missing[@]} == 0)) && return
  eddy_install "${missing[@]}"
}

# eddy_install PACKAGE...: by apt-get, quiet unless it fails.
eddy_install() {
  local -a as_root=()
  local by_hand="apt-get install --no-install-recommends $*"
  if [[ $(id -u) != 0 ]]; then
    by_hand="sudo $by_hand"
    sudo -n true 2>/dev/null ||
      eddy_fail "Debian packages are missing. Run: $by_hand"
    as_root=(sudo -n)
  fi
  command -v apt-get >/dev/null ||
    eddy_fail "Debian packages are missing, and so is apt-get. Run: $by_hand"
  printf 'eddy: installing %s\n' "$*" >&2
  local log
  log=$(mktemp)
  if ! eddy_apt_get "$@" >"$log" 2>&1 </dev/null; then
    cat "$log" >&2
    rm -f "$log"
    eddy_fail "Debian packages could not be installed (see above). Run: $by_hand"
  fi
  rm -f "$log"
  eddy_installed=yes
}

# Called by eddy_install, which has set as_root. A subshell, for its trap.
eddy_apt_get() (
  # A package with a service (nginx, redis-server, memcached) starts it and has
  # it started at each boot. Tests and benchmarks start their own; so forbid the
  # one, and undo the other.
  policy=/usr/sbin/policy-rc.d
  if [[ ! -e $policy ]]; then
    trap '"${as_root[@]}" rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
    "${as_root[@]}" chmod 755 "$policy"
  fi
  apt_get=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get
    -o DPkg::Lock::Timeout=300)
  install=("${apt_get[@]}" install -y --no-install-recommends "$@")
  # Package lists that are absent or old are what the first try fails of.
  "${install[@]}" || { "${apt_get[@]}" update && "${install[@]}"; } || exit
  local service
  for service in nginx redis-server memcached; do
    if [[ -d /run/systemd/system && " $* " == *" $service "* ]]; then
      "${as_root[@]}" systemctl --quiet disable "$service"
    fi
  done
)

# eddy_quietly WHAT COMMAND...: on a terminal, shows the command's output;
# elsewhere says what is done and how long it took. The whole output of what
# fails is shown in either case. All goes to standard error, because standard
# output is for what is run in the end.
eddy_quietly() {
  local what=$1 log start=$SECONDS
  shift
  if [[ -t 2 ]]; then
    "$@" >&2 || eddy_fail "$what failed"
    return
  fi
  printf 'eddy: %s\n' "$what" >&2
  log=$(mktemp)
  if ! "$@" >"$log" 2>&1; then
    cat "$log" >&2
    rm -f "$log"
    eddy_fail "$what failed after $((SECONDS - start)) s"
  fi
  rm -f "$log"
  if ((SECONDS - start > 1)); then
    printf 'eddy: %s took %d s\n' "$what" $((SECONDS - start)) >&2
  fi
}

# eddy_configure PRESET PART...: makes build/PRESET ready to build each PART
# (TESTS, BENCHMARKS, EXAMPLES). Parts that it has already stay; those that
# nobody asked for are left out, and with them the libraries that they need.
eddy_configure() {
  local preset=$1 dir=$eddy_root/build/$1 fresh=yes part now
  local cache=$dir/CMakeCache.txt stamp=$dir/.configured
  shift
  [[ $eddy_installed == no && -e $stamp && -e $dir/build.ninja &&
    ! $eddy_root/CMakePresets.json -nt $stamp ]] || fresh=no
  local -a options=()
  for part in TESTS BENCHMARKS EXAMPLES; do
    now=OFF
    [[ -e $cache ]] && grep -q "^EDDY_BUILD_$part:BOOL=ON" "$cache" && now=ON
    if [[ " $* " == *" $part "* && $now == OFF ]]; then
      now=ON
      fresh=no
    fi
    options+=("-DEDDY_BUILD_$part=$now")
  done
  # A build folder that came along when its source folder was moved is no use.
  if [[ -e $cache ]] &&
    ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$eddy_root" "$cache"; then
    options+=(--fresh)
    fresh=no
  fi
  [[ $fresh == yes ]] && return
  mkdir -p "$dir"
  rm -f "$stamp"
  (cd -- "$eddy_root" && eddy_configure_quietly "$preset" "${options[@]}")
  touch "$stamp"
}

# CMake's own account is only for when it fails.
eddy_configure_quietly() {
  local preset=$1 log
  shift
  log=$(mktemp)
  if ! cmake --preset "$preset" "$@" >"$log" 2>&1; then
    cat "$log" >&2
    rm -f "$log"
    eddy_fail "configuring build/$preset failed"
  fi
  rm -f "$log"
}

# eddy_build PRESET TARGET...
eddy_build() {
  local preset=$1
  shift
  # Not a word where there is nothing to do.
  if [[ $(ninja -C "$eddy_root/build/$preset" -n "$@" 2>/dev/null) == \
    *"no work to do"* ]]; then
    return
  fi
  (cd -- "$eddy_root" &&
    eddy_quietly "building $* ($preset)" cmake --build --preset "$preset" \
      --parallel "$(nproc)" --target "$@")
}

# eddy_programs FOLDER: the names of its programs, from the files: NAME.cc,
# NAME/main.cc or a script NAME/run.
eddy_programs() {
  local file name
  for file in "$eddy_root/$1"/*.cc "$eddy_root/$1"/*/main.cc \
    "$eddy_root/$1"/*/run; do
    [[ -e $file ]] || continue
    name=${file#"$eddy_root/$1/"}
    name=${name%/*}
    printf '%s\n' "${name%.cc}"
  done | LC_ALL=C sort -u
}

# eddy_check_program FOLDER NAME
eddy_check_program() {
  eddy_programs "$1" | grep -qxF -e "$2" ||
    eddy_fail "$1/ has no program '$2'; there are:" \
      "$(eddy_programs "$1" | paste -sd ' ')"
}
