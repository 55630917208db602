# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# What the scripts share: messages, and the Debian packages that a build or the tests need.
# Sourced by them; sets root, the top of the source tree.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
me=$(basename "$0")

# Each row is PACKAGE or PACKAGE:COMMAND; with a command the package counts as installed when that
# command is there, wherever it came from.
# shellcheck disable=SC2034  # used by those who source this
build_packages=(gcc:gcc libc6-dev cmake:cmake ninja-build:ninja pkg-config:pkg-config
    libwebsockets-dev libwebsockets-evlib-uv libuv1-dev libcjson-dev libreadline-dev libssl-dev
    libinih-dev libhiredis-dev zlib1g-dev)
# shellcheck disable=SC2034
test_packages=(libcmocka-dev bats:bats bats-assert bats-support clang-format:clang-format
    cppcheck:cppcheck shellcheck:shellcheck mandoc:mandoc chromium:chromium python3 python3-aiortc
    python3-jsonschema python3-websockets nodejs:node npm:npm jq:jq tmux:tmux zsh:zsh fish:fish
    systemd:systemd-analyze openssl:openssl nginx caddy logrotate coturn
    testssl.sh:testssl
    prometheus:promtool perl:prove libxml2-utils:xmllint
    redis-server:redis-server)

say()
{
    printf '%s: %s\n' "$me" "$*"
}

die()
{
    printf '%s: %s\n' "$me" "$1" >&2
    exit "${2:-2}"
}

is_installed()
{
    local package=${1%%:*} command=${1#*:}
    if [[ $command != "$package" || $1 == *:* ]]; then
        command -v "$command" >/dev/null
    else
        [[ $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) == *" installed" ]]
    fi
}

# as_root CMD...: runs it with the rights that a package manager needs.
as_root()
{
    if [[ $(id -u) -eq 0 ]]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "'$*' needs root, and there is no sudo" 3
    fi
}

# install_packages ROW...: installs those that are missing, and nothing when none is.
install_packages()
{
    local row missing=() log=$root/build/install.log
    for row in "$@"; do
        is_installed "$row" || missing+=("${row%%:*}")
    done
    if [[ ${#missing[@]} -eq 0 ]]; then
        say "all Debian packages are installed"
        return
    fi
    command -v apt-get >/dev/null || die "missing: ${missing[*]} (no apt-get to install them)" 3
    say "installing ${missing[*]}"
    mkdir -p "$root/build"
    if ! { as_root apt-get -q update &&
        as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install \
            "${missing[@]}"; } >"$log" 2>&1; then
        die "could not install them, see build/install.log" 3
    fi
}

# install_node_modules DIR...: npm ci where package-lock.json is newer than what is installed.
install_node_modules()
{
    local dir stamp log=$root/build/npm.log
    mkdir -p "$root/build"
    for dir in "$@"; do
        stamp=$dir/node_modules/.sigkit-lock
        if [[ ! -f $root/$dir/package-lock.json ]] ||
            cmp -s "$root/$dir/package-lock.json" "$root/$stamp"; then
            continue
        fi
        say "npm ci in $dir"
        (cd "$root/$dir" && npm ci --no-audit --no-fund) >"$log" 2>&1 ||
            die "npm ci failed in $dir, see build/npm.log" 3
        cp "$root/$dir/package-lock.json" "$root/$stamp"
    done
}

# run_quietly LOG CMD...: shows the output only when the command fails.
run_quietly()
{
    local log=$1
    shift
    mkdir -p "$(dirname "$log")"
    if ! "$@" >"$log" 2>&1; then
        tail -n 40 "$log" >&2
        die "failed: $*" 1
    fi
}
