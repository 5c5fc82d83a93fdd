#!/usr/bin/env bash
# Tests the scripts that users start, on machines that it makes up: folders of
# commands that stand in for dpkg-query, apt-get, sudo and id.
#
#   run_scripts_test.sh CASE
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
root=$(cd -- "$here/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
  printf '%s\n' "$*"
  exit 1
}

# command NAME: makes a command of the script on standard input.
command_is() {
  mkdir -p "$work/bin"
  { printf '#!/bin/bash\n' && cat; } >"$work/bin/$1"
  chmod +x "$work/bin/$1"
}

# The machine lacks liburing-dev until someone touches $work/installed.
machine_lacks_a_package() {
  export EDDY_TEST_WORK=$work
  command_is dpkg-query <<'END'
shift 3
for package; do
  if [[ $package == liburing-dev && ! -e $EDDY_TEST_WORK/installed ]]; then
    echo "dpkg-query: no packages found matching $package" >&2
  else
    echo "$package installed"
  fi
done
END
}

user_is_not_root() {
  command_is id <<<'echo 1000'
}

# What only root may do is written down, and done only if it is apt-get.
sudo_works() {
  command_is sudo <<'END'
[[ $1 == -n ]] && shift
printf '%s\n' "$*" >>"$EDDY_TEST_WORK/sudo"
case $1 in
env) exec "$@" ;;
tee) cat >/dev/null ;;
esac
END
}

# run COMMAND...: sets status, and output with both streams.
run() {
  status=0
  output=$(PATH=$work/bin:$PATH "$@" 2>&1 </dev/null) || status=$?
}

expect() {
  [[ $status == "$1" ]] || fail "exit code $status, not $1: $output"
  shift
  local words
  for words in "$@"; do
    [[ $output == *"$words"* ]] || fail "no '$words' in: $output"
  done
}

one_line() {
  [[ $output != *$'\n'* ]] || fail "more than one line: $output"
}

setup_says_what_to_run_where_user_may_not_install() {
  machine_lacks_a_package
  user_is_not_root
  command_is sudo <<<'echo "sudo: a password is required" >&2; exit 1'
  local script
  for script in "examples/run hello" "tests/run" "bench/run echo"; do
    # shellcheck disable=SC2086 # a command and its argument
    run "$root"/$script
    expect 1 "sudo apt-get install --no-install-recommends liburing-dev"
    one_line
  done
}

setup_says_what_to_run_where_there_is_no_apt() {
  machine_lacks_a_package
  command_is id <<<'echo 0'
  local tool
  for tool in bash dirname grep mktemp paste sed sort; do
    ln -s "$(command -v "$tool")" "$work/bin/$tool"
  done
  status=0
  output=$(PATH=$work/bin bash "$root/examples/run" hello 2>&1) || status=$?
  expect 1 "apt-get install --no-install-recommends liburing-dev"
  one_line
  rm "$work/bin/dpkg-query"
  status=0
  output=$(PATH=$work/bin bash "$root/examples/run" hello 2>&1) || status=$?
  expect 1 "no Debian" "EDDY_SETUP=no" "liburing-dev"
  one_line
}

setup_shows_the_log_of_a_failed_installation() {
  machine_lacks_a_package
  user_is_not_root
  sudo_works
  command_is apt-get <<<'echo "E: no network"; exit 100'
  run bash -c ". '$root/cmake/setup.sh' && eddy_setup build"
  expect 1 "E: no network" "Run: sudo apt-get install"
}

setup_updates_package_lists_only_if_needed() {
  machine_lacks_a_package
  user_is_not_root
  sudo_works
  command_is apt-get <<'END'
echo "apt-get $*" >>"$EDDY_TEST_WORK/apt"
case "$*" in
*update) touch "$EDDY_TEST_WORK/updated" ;;
*install*)
  [[ -e $EDDY_TEST_WORK/updated ]] || exit 100
  touch "$EDDY_TEST_WORK/installed"
  ;;
esac
END
  local setup=". '$root/cmake/setup.sh' && eddy_setup build"
  run bash -c "$setup && echo \$eddy_installed"
  expect 0 "installing liburing-dev" "yes"
  [[ $(wc -l <"$work/apt") == 3 ]] || fail "$(cat "$work/apt")"
  # No service that comes with a package is started.
  grep -q "^tee /usr/sbin/policy-rc.d" "$work/sudo" ||
    [[ -e /usr/sbin/policy-rc.d ]] || fail "$(cat "$work/sudo")"
  # All is there: neither apt-get nor a word.
  rm "$work/apt"
  run bash -c "$setup"
  expect 0
  [[ -z $output && ! -e $work/apt ]] || fail "not quiet: $output"
  # Lists that are fresh stay.
  rm "$work/installed"
  run bash -c "$setup"
  expect 0
  [[ $(wc -l <"$work/apt") == 1 ]] || fail "$(cat "$work/apt")"
}

setup_can_be_switched_off() {
  machine_lacks_a_package
  user_is_not_root
  EDDY_SETUP=no run bash -c ". '$root/cmake/setup.sh' && eddy_setup build"
  expect 0
}

examples_need_no_package_of_tests_and_benchmarks() {
  run bash -c ". '$root/cmake/setup.sh' && eddy_packages build"
  expect 0 g++ cmake liburing-dev node-llhttp
  [[ ! $output =~ clang|gtest|benchmark|nginx|wrk ]] || fail "$output"
  run bash -c ". '$root/cmake/setup.sh' && eddy_packages bench bench-echo"
  [[ ! $output =~ nginx|wrk ]] || fail "$output"
}

scripts_work_from_anywhere() {
  mkdir -p "$work/a b" && cd "$work/a b"
  cp -r "$root/cmake" "$root/examples" "$root/bench" .
  cd /
  run "$work/a b/examples/run" --list
  expect 0 "echo_server" "file_server" "hello"
  run "$work/a b/bench/run" --list
  expect 0 "echo"
  run "$work/a b/examples/run" nonsense
  expect 1 "no program 'nonsense'" "echo_server"
  one_line
  run "$root/tests/run" --preset nonsense
  expect 1 "no preset 'nonsense'" "release"
  run "$root/tests/run" nonsense
  expect 2 "tests/run"
}

second_start_builds_nothing() {
  cd /
  run env EDDY_SETUP=no "$root/examples/run" hello
  expect 0
  local dir=$root/build/release before after
  before=$(stat -c '%y' "$dir"/{build.ninja,.configured,examples/hello})
  run env EDDY_SETUP=no "$root/examples/run" hello
  expect 0
  after=$(stat -c '%y' "$dir"/{build.ninja,.configured,examples/hello})
  [[ $before == "$after" ]] || fail "it has built: $before, then $after"
}

"$1"
