#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# sigbench against the floor: what it reports, and its exit status. SIGBENCH and FLOOR name the
# programs.

bats_require_minimum_version 1.5.0

setup() {
    export XDG_CONFIG_HOME=$BATS_TEST_TMPDIR/config
    # shellcheck disable=SC2153
    "$FLOOR" --port-file "$BATS_TEST_TMPDIR/port" >/dev/null 3>&- &
    floor=$!
    mkfifo "$BATS_TEST_TMPDIR/never"
    for ((i = 0; i < 500; i++)); do
        [[ -s $BATS_TEST_TMPDIR/port ]] && break
        read -r -t 0.01 <>"$BATS_TEST_TMPDIR/never" || true
    done
    SIGD_URL="ws://127.0.0.1:$(cat "$BATS_TEST_TMPDIR/port")"
    export SIGD_URL
}

teardown() {
    kill "$floor" 2>/dev/null || true
    wait "$floor" 2>/dev/null || true
}

# metric NAME: from the JSON report on the last run's output.
metric() {
    jq -r --arg name "$1" '.metrics[$name] // empty' <<<"$output"
}

@test "01 relay by count: everything sent arrives" {
    run --separate-stderr "$SIGBENCH" -c 10 -n 500 --warmup 0s -j
    [ "$status" -eq 0 ]
    [ "$(metric sent)" = 500 ]
    [ "$(metric received)" = 500 ]
    [ "$(metric lost)" = 0 ]
    [ "$(metric misdelivered)" = 0 ]
    [[ $output == '{"ok":true,'*'"schema_version":1,'*'"valid":true'* ]]
    [ -z "$stderr" ]
}

@test "02 open model sends on the schedule" {
    run "$SIGBENCH" -c 10 -R 1k -n 300 --warmup 0s -j --threshold generator.lag_p99'<10s'
    [[ $status == 0 || $status == 12 ]]
    [ "$(metric sent)" = 300 ]
    [ "$(metric received)" = 300 ]
    awk -v s="$(metric seconds)" 'BEGIN { exit !(s >= 0.29) }'
}

@test "03 setup: offers are answered, candidates arrive" {
    run "$SIGBENCH" setup --pairs 5 -n 50 --warmup 0s --ice 3 -j
    [ "$status" -eq 0 ]
    [ "$(metric received)" = 50 ]
    (($(metric messages) >= 400))
    [[ $output == *'"setup.p99_us":'*'"setup.complete.p99_us":'* ]]
}

@test "04 connect counts registrations, idle clients are not among them" {
    run "$SIGBENCH" connect -c 40 --idle 20 -j --server-pid "$floor"
    [ "$status" -eq 0 ]
    [ "$(metric sent)" = 40 ]
    [ "$(metric received)" = 40 ]
    [ "$(metric connected)" = 60 ]
    [ -n "$(metric server.cpu_per_message_us)" ]
}

@test "05 idle holds its clients" {
    run "$SIGBENCH" idle -c 30 -d 100ms --warmup 0s --server-pid "$floor"
    [ "$status" -eq 0 ]
    [[ $output == *'30 clients'*'KiB per connection'* ]]
}

@test "06 offers have the size that was asked for" {
    run "$SIGBENCH" -c 4 -n 20 --kind offer --size 4k --warmup 0s
    [ "$status" -eq 0 ]
    [[ $output == *'received 20'* ]]
}

@test "07 thresholds: kept 0, broken 10, unknown 2" {
    run "$SIGBENCH" -c 2 -n 20 --warmup 0s --threshold 'relay.p99<60s' --threshold lost=0
    [ "$status" -eq 0 ]
    run "$SIGBENCH" -c 2 -n 20 --warmup 0s --threshold 'relay.p50<0us'
    [ "$status" -eq 10 ]
    [[ $output == *FAILED* ]]
    run "$SIGBENCH" -c 2 -n 20 --threshold 'relay.p42<1ms'
    [ "$status" -eq 2 ]
    run "$SIGBENCH" -c 2 -n 20 --threshold 'relay.p99<many'
    [ "$status" -eq 2 ]
}

@test "08 nothing there is 3, in JSON too" {
    run --separate-stderr "$SIGBENCH" -c 2 -u ws+unix:/nonexistent/socket -j
    [ "$status" -eq 3 ]
    [[ $output == '{"ok":false,"exit":3,'* ]]
    [[ $stderr == *'cannot connect'* ]]
}

@test "09 usage errors are 2" {
    for args in '--size' '-c 0' '--window 0' 'nosuch' '-u http://x' '-d none' '--kind pigeon'; do
        # shellcheck disable=SC2086
        run "$SIGBENCH" $args
        [ "$status" -eq 2 ]
    done
}

@test "10 a server that goes away makes the run invalid and ends it early" {
    "$SIGBENCH" -c 4 -R 100 -d 60s --warmup 0s -q >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
    bench=$!
    for ((i = 0; i < 500; i++)); do
        n=$(find "/proc/$floor/fd" -lname 'socket:*' | wc -l)
        ((n >= 5)) && break
    done
    kill "$floor"
    status=0
    wait "$bench" || status=$?
    [[ $status == 12 || $status == 3 ]]
}

@test "11 an interrupt ends the run and still reports" {
    "$SIGBENCH" -c 4 -d 60s --warmup 0s -q >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
    bench=$!
    for ((i = 0; i < 500; i++)); do
        n=$(find "/proc/$floor/fd" -lname 'socket:*' | wc -l)
        ((n >= 5)) && break
    done
    read -r -t 0.3 <>"$BATS_TEST_TMPDIR/never" || true
    kill -TERM "$bench"
    status=0
    wait "$bench" || status=$?
    [ "$status" -eq 143 ]
    grep -q 'received' "$BATS_TEST_TMPDIR/out"
}

@test "12 intervals are rows of the report, and add up" {
    run --separate-stderr "$SIGBENCH" -c 10 -R 2k -d 300ms --warmup 0s --interval 100ms -j --server-pid "$floor"
    [[ $status == 0 || $status == 12 ]]
    jq -e '(.intervals | length) >= 2 and (.intervals | map(.sent) | add) <= .metrics.sent
        and (.intervals[1] | .from_us < .to_us and .p50_us <= .p99_us and .server_rss_bytes > 0)' <<<"$output"
}

@test "13 threads share clients, rate and count, and add up" {
    run --separate-stderr "$SIGBENCH" -c 21 -R 2k -n 401 --threads 3 --warmup 0s -j
    [[ $status == 0 || $status == 12 ]]
    [ "$(metric connected)" = 22 ]
    [ "$(metric sent)" = 401 ]
    [ "$(metric received)" = 401 ]
    jq -e '.parameters.threads == 3 and (.histograms_us.latency | map(.[1]) | add) == 401' <<<"$output"
    run --separate-stderr "$SIGBENCH" connect -c 50 --threads 4 -j
    [ "$status" -eq 0 ]
    [ "$(metric received)" = 50 ]
    run --separate-stderr "$SIGBENCH" -c 2 -n 10 --threads 8 --warmup 0s -j
    [ "$status" -eq 0 ]
    [ "$(metric received)" = 10 ]
}

@test "14 stages and ramps: as many sends as the area under the rate" {
    run --separate-stderr "$SIGBENCH" -c 10 --stages '200ms@500,200ms@1500' --warmup 0s -j
    [[ $status == 0 || $status == 12 ]]
    sent=$(metric sent)
    ((sent >= 398 && sent <= 402))
    run --separate-stderr "$SIGBENCH" -c 10 -R 1k --ramp 400ms -d 400ms --warmup 0s -j
    sent=$(metric sent)
    ((sent >= 198 && sent <= 203))
    for wrong in '--stages 1s' '--stages 1s@5 -R 5' '--ramp 1s' '--stages 1s@0'; do
        # shellcheck disable=SC2086
        run "$SIGBENCH" $wrong
        [ "$status" -eq 2 ]
    done
}

@test "15 churn: who leaves comes back under its id" {
    run --separate-stderr "$SIGBENCH" churn -c 10 -R 200 -d 300ms --warmup 0s -j
    [[ $status == 0 || $status == 12 ]]
    [ "$(metric errors)" = 0 ]
    [ "$(metric lost)" = 0 ]
    (($(metric received) >= 50))
    [[ $output == *'"churn.p99_us":'* ]]
}

@test "16 mix: each scenario has its share and its figures" {
    run --separate-stderr "$SIGBENCH" mix -c 40 -R 500 -d 400ms --mix relay=2,setup=1,churn=1 --warmup 0s -j
    [[ $status == 0 || $status == 12 ]]
    jq -e '.metrics | .["mix.p50_us"] > 0 and .["relay.p50_us"] > 0 and .["setup.p50_us"] > 0
        and .["churn.p50_us"] > 0 and .errors == 0 and .lost == 0' <<<"$output"
    run "$SIGBENCH" mix --mix storm=1
    [ "$status" -eq 2 ]
    run "$SIGBENCH" mix --mix relay=0
    [ "$status" -eq 2 ]
}

@test "17 storm: all are back" {
    run --separate-stderr "$SIGBENCH" storm -c 50 --warmup 0s -j
    [ "$status" -eq 0 ]
    [ "$(metric sent)" = 50 ]
    [ "$(metric received)" = 50 ]
}

@test "18 source addresses" {
    run --separate-stderr "$SIGBENCH" connect -c 20 --source-ip 127.0.0.2-127.0.0.4,127.0.0.9 -j
    [ "$status" -eq 0 ]
    [ "$(metric received)" = 20 ]
    for wrong in x 127.0.0.9-127.0.0.2 127.0.0.1-127.0.9.1 ::1; do
        run "$SIGBENCH" connect --source-ip "$wrong"
        [ "$status" -eq 2 ]
    done
}

@test "--also spreads the clients over several servers, the two of a pair apart" {
    "$FLOOR" --port-file "$BATS_TEST_TMPDIR/second" >/dev/null 3>&- &
    second=$!
    until [[ -s $BATS_TEST_TMPDIR/second ]]; do read -r -t 0.01 <>"$BATS_TEST_TMPDIR/never" || true; done
    # two servers that know nothing of each other: everybody is there, nobody is heard
    run --separate-stderr "$SIGBENCH" relay -c 20 -n 10 --warmup 0s -d 5s -j \
        --also "ws://127.0.0.1:$(cat "$BATS_TEST_TMPDIR/second")"
    kill "$second"
    wait "$second" || true
    [ "$(metric connected)" -eq 20 ]
    [ "$(metric received)" -eq 0 ]
    run "$SIGBENCH" connect --also wss://127.0.0.1:1
    [ "$status" -eq 2 ]
    [[ $output == *'either all servers have TLS or none'* ]]
    run "$SIGBENCH" connect --also http://x
    [ "$status" -eq 2 ]
}

@test "19 TLS sessions are resumed where they may be" {
    cd "$BATS_TEST_TMPDIR"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=localhost \
        -keyout key.pem -out cert.pem 2>openssl.log
    /usr/bin/python3 "$BATS_TEST_DIRNAME/tls-server.py" cert.pem key.pem tls.port >server.log 2>&1 3>&- &
    server=$!
    for ((i = 0; i < 500; i++)); do
        [[ -s tls.port ]] && break
        read -r -t 0.01 <>never || true
    done
    SIGD_URL=wss://127.0.0.1:$(<tls.port)
    run --separate-stderr "$SIGBENCH" connect -c 20 --window 1 -k -j
    [ "$status" -eq 0 ]
    jq -e '.metrics["tls.handshakes"] == 20 and .metrics["tls.resumed"] == 0' <<<"$output"
    run --separate-stderr "$SIGBENCH" connect -c 20 --window 1 -k -j --tls-resume
    kill "$server"
    [ "$status" -eq 0 ]
    jq -e '.metrics["tls.handshakes"] == 20 and .metrics["tls.resumed"] == 19' <<<"$output"
}

@test "20 a scenario from a file; the command line goes before it" {
    cd "$BATS_TEST_TMPDIR"
    printf '# nightly\nscenario = setup\npairs = 3\ncount = 12\nwarmup = 0s\nice=1\njson\n' >night.conf
    run --separate-stderr "$SIGBENCH" ./night.conf
    [ "$status" -eq 0 ]
    jq -e '.parameters.scenario == "setup" and .parameters.pairs == 3 and .metrics.received == 12' <<<"$output"
    run --separate-stderr "$SIGBENCH" night.conf -n 6
    jq -e '.metrics.received == 6' <<<"$output"
    run "$SIGBENCH" missing.conf
    [ "$status" -eq 9 ]
    echo 'pears = 3' >wrong.conf
    run "$SIGBENCH" wrong.conf
    [ "$status" -eq 2 ]
    echo '-n 5' >wrong.conf
    run "$SIGBENCH" wrong.conf
    [ "$status" -eq 9 ]
    [[ $output == *'wrong.conf:1: '* ]]
}

@test "21 completion knows scenarios and options in three shells" {
    for shell in bash zsh fish; do
        script=$("$SIGBENCH" completion "$shell")
        for word in storm churn compare $("$SIGBENCH" --help | sed -nE 's/^ .*--([a-z-]+).*/\1/p'); do
            grep -q -- "$word" <<<"$script"
        done
    done
    bash -n <("$SIGBENCH" completion bash)
    run "$SIGBENCH" completion tcsh
    [ "$status" -eq 2 ]
}

@test "22 help fits the tool" {
    run "$SIGBENCH" --help
    [ "$status" -eq 0 ]
    [[ $output == *Scenarios:*relay*setup*churn*mix*connect*storm*idle*--server-pid* ]]
}
