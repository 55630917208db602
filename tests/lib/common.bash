# SPDX-License-Identifier: MIT
# What the tests of the tools share: a server of their own on a free port, processes that end with
# the test, waiting for conditions. SIGKIT_BUILD is the build directory.
bats_require_minimum_version 1.5.0
load /usr/lib/bats/bats-support/load.bash
load /usr/lib/bats/bats-assert/load.bash

: "${SIGKIT_BUILD:?the build directory}"
PATH=$SIGKIT_BUILD/cli/sigctl:$SIGKIT_BUILD/cli/sigmon:$SIGKIT_BUILD/cli/sigbench:$PATH
export XDG_CONFIG_HOME=$BATS_TEST_TMPDIR/config
unset JWT_SECRET SIGD_URL SIGD_ID SIGD_TOKEN SIGD_TOKEN_FILE SIGD_TIMEOUT NO_COLOR CLICOLOR_FORCE
[[ -v PIDS ]] || PIDS=() # not when a test loads another file that loads this one

# wait_for SECONDS COMMAND...: until the command succeeds; fails when the time is over.
wait_for()
{
    local end=$((SECONDS + $1 + 1))
    shift
    until "$@"; do
        ((SECONDS < end)) || fail "never came true: $*"
        sleep 0.02
    done
}

# start_sigd [OPTION...]: a server of this test; sets SIGD_PID, SIGD_PORT and SIGD_URL.
start_sigd()
{
    local dir=$BATS_TEST_TMPDIR
    rm -f "$dir/port"
    (cd "$dir" && exec "$SIGKIT_BUILD/daemon/sigd" -l 127.0.0.1:0 --port-file "$dir/port" \
        --health none "$@") >"$dir/sigd.out" 2>"$dir/sigd.err" 3>&- &
    SIGD_PID=$!
    PIDS+=("$SIGD_PID")
    wait_for 10 test -s "$dir/port"
    read -r SIGD_PORT <"$dir/port"
    export SIGD_URL=ws://127.0.0.1:$SIGD_PORT
}

# start NAME COMMAND...: in the background; sets PID; output in $BATS_TEST_TMPDIR/NAME.out and .err.
start()
{
    local name=$1
    shift
    "$@" <&0 >"$BATS_TEST_TMPDIR/$name.out" 2>"$BATS_TEST_TMPDIR/$name.err" 3>&- &
    PID=$!
    PIDS+=("$PID")
}

# stop PID [SIGNAL]: ends it and sets status to its exit status.
stop()
{
    kill -s "${2:-TERM}" "$1" 2>/dev/null || true
    finish "$1"
}

# finish PID: waits for its end and sets status.
finish()
{
    status=0
    wait "$1" || status=$?
}

# state_of PID: the letter of proc_pid_stat(5); Z, as for one that has ended, when it is not there.
state_of()
{
    local stat
    { read -r stat <"/proc/$1/stat"; } 2>/dev/null || stat=') Z'
    stat=${stat##*) }
    echo "${stat%% *}"
}

has_ended() { [[ $(state_of "$1") == [ZX] ]]; }

# end_of PID: waits for its end, which comes by force when it does not heed SIGTERM.
end_of()
{
    local end=$((SECONDS + 31))
    until has_ended "$1"; do
        if ((SECONDS >= end)); then
            echo "process $1 did not end: $(tr '\0' ' ' <"/proc/$1/cmdline")"
            grep -E '^(State|Sig|Shd)' "/proc/$1/status"
            kill -s KILL "$1"
            wait "$1" || true
            return 1
        fi
        sleep 0.01
    done
    wait "$1" 2>/dev/null || true
}

# stop_all: ends what the test has started; fails when something does not heed it.
stop_all()
{
    local pid failed=
    for pid in "${PIDS[@]}"; do
        kill "$pid" 2>/dev/null || true
        # To none but the stopped: it takes away the SIGSTOP by which LeakSanitizer, at the end of a
        # process, waits for its threads, for ever.
        [[ $(state_of "$pid") != T ]] || kill -s CONT "$pid"
    done
    for pid in "${PIDS[@]}"; do
        end_of "$pid" || failed=1
    done
    PIDS=()
    [[ ! $failed ]]
}

# assert_json JQ: the expression is true of the whole of $output.
assert_json()
{
    jq -e "$1" <<<"$output" >/dev/null || fail "not so: $1
$output"
}

# assert_schema NAME[+NAME...] [TOOL]: each line of $output is one of these objects of
# tests/schema/TOOL.json, sigctl's where none is named, and each of them is there.
assert_schema()
{
    local why
    why=$(python3 "$BATS_TEST_DIRNAME/../schema/check.py" \
        "$BATS_TEST_DIRNAME/../schema/${2:-sigctl}.json" \
        "$1" <<<"$output" 2>&1) || fail "not $1: $why
$output"
}
