# SPDX-License-Identifier: MIT
# What the end-to-end tests share: sigd on free ports, its orderly end, and the peers' interpreters.
# SIGKIT_BUILD names the build directory; SIGKIT_PYTHON and SIGKIT_NODE override the interpreters.

bats_require_minimum_version 1.5.0

E2E="${BATS_TEST_DIRNAME}"
SIGD="${SIGKIT_BUILD:?names the build directory}/daemon/sigd"
PYTHON="${SIGKIT_PYTHON:-/usr/bin/python3}"
# shellcheck disable=SC2034
NODE="${SIGKIT_NODE:-node}"

load_asserts() {
    local dir
    for dir in "${BATS_LIB_PATH:-/usr/lib/bats}" /usr/lib/bats /usr/lib; do
        if [[ -f $dir/bats-support/load.bash ]]; then
            load "$dir/bats-support/load.bash"
            load "$dir/bats-assert/load.bash"
            return
        fi
    done
    echo "bats-support and bats-assert are not installed" >&2
    return 1
}

# Nothing of the caller's environment configures the daemon.
clean_environment() {
    local name
    for name in $(compgen -e SIGD_) PORT JWT_SECRET LOG_LEVEL MAX_CLIENTS HEARTBEAT_INTERVAL; do
        unset "$name"
    done
    export PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$E2E"
    export ASAN_OPTIONS="${ASAN_OPTIONS:-detect_leaks=1}"
    export UBSAN_OPTIONS="${UBSAN_OPTIONS:-print_stacktrace=1}"
}

e2e_setup() {
    load_asserts
    clean_environment
    cd "$BATS_TEST_TMPDIR" || return 1
    sigd_pid=
    mkfifo never
}

# tick: lets 10 ms pass between two looks at a condition.
tick() {
    read -r -t 0.01 <>"$BATS_TEST_TMPDIR/never" || true
}

# wait_for COMMAND…: until it succeeds, at most 20 s.
wait_for() {
    local end=$((SECONDS + 20))
    until "$@"; do
        if ((SECONDS > end)); then
            echo "never became true: $*" >&2
            return 1
        fi
        tick
    done
}

# start_sigd OPTIONS…: on free ports of 127.0.0.1. The exported E2E_PORTS has the port of each
# listener, E2E_PORT that of the first, E2E_HEALTH that of the health listener.
start_sigd() {
    local listen=(-l 127.0.0.1:0 --health 127.0.0.1:0) arg
    for arg in "$@"; do
        [[ $arg == -l ]] && listen=(--health 127.0.0.1:0)
    done
    rm -f port
    "$SIGD" --no-env-file "${listen[@]}" --port-file port "$@" >out 2>err 3>&- &
    sigd_pid=$!
    wait_for port_or_end
    [[ -s port ]] || {
        cat err >&2
        return 1
    }
    mapfile -t E2E_PORTS_LIST <port
    E2E_PORT=${E2E_PORTS_LIST[0]}
    E2E_HEALTH=${E2E_PORTS_LIST[-1]}
    E2E_PORTS="${E2E_PORTS_LIST[*]}"
    E2E_PID=$sigd_pid
    E2E_ERR=$BATS_TEST_TMPDIR/err
    export E2E_PORT E2E_HEALTH E2E_PORTS E2E_PID E2E_ERR
}

port_or_end() {
    [[ -s port ]] || ! kill -0 "$sigd_pid" 2>/dev/null
}

assert_no_sanitizer_report() {
    run grep -E "AddressSanitizer|LeakSanitizer|runtime error" err
    assert_failure 1
}

# stop_sigd: TERM, exit status 0, no report of a sanitizer, the port file gone.
stop_sigd() {
    local status=0
    kill -TERM "$sigd_pid" || true
    wait "$sigd_pid" || status=$?
    sigd_pid=
    if [[ $status -ne 0 ]]; then
        echo "sigd ended with $status:" >&2
        tail -n 60 err >&2
        return 1
    fi
    assert_no_sanitizer_report
    [ ! -e port ]
}

e2e_teardown() {
    local status=0
    if [[ -n $sigd_pid ]]; then
        stop_sigd || status=1
    fi
    if [[ -n $sigd_pid ]]; then
        kill -KILL "$sigd_pid" 2>/dev/null || true
    fi
    return "$status"
}

# py FILE CASE [ARG…]: one case of a file of peers; says what went wrong when it fails.
py() {
    run "$PYTHON" "$E2E/$1.py" "${@:2}"
    assert_success
}
