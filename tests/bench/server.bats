#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What sigbench tells of the server: from /proc, from /metrics, and from servers that have no such
# page or a bad one.

load ../lib/common

setup()
{
    cd "$BATS_TEST_TMPDIR" || return
}

teardown()
{
    stop_all
}

# start_both: sigd; sets SIGD_URL and metrics.
start_both()
{
    start_sigd --health 127.0.0.1:0
    metrics=http://127.0.0.1:$(sed -n 2p port)/metrics
}

# start_pages: the floor, and beside it pages.py; sets SIGD_URL and pages.
start_pages()
{
    start floor "$SIGKIT_BUILD/tests/bench/floor" --port-file "$BATS_TEST_TMPDIR/floor.port"
    start pages python3 "$BATS_TEST_DIRNAME/pages.py" pages.port
    wait_for 10 test -s floor.port
    wait_for 10 test -s pages.port
    SIGD_URL=ws://127.0.0.1:$(<floor.port)
    export SIGD_URL
    pages=http://127.0.0.1:$(<pages.port)
}

# bench OPTION...: JSON on $output.
bench()
{
    run --separate-stderr sigbench -c 8 --warmup 50ms -j "$@"
}

# assert_left_out REASON: the run says why it has no figures of the server, once, and has the others.
assert_left_out()
{
    assert_equal "$status" 12
    assert_equal "$stderr" ""
    assert_json ".reasons == [\"$1\"]"
    assert_json '.metrics | (keys | map(select(startswith("server.cpu"))) == [])
        and .received > 0 and .["relay.p99_us"] > 0'
    assert_schema report sigbench
}

@test "01 /proc and /metrics agree" {
    start_both
    bench -n 20k --window 8
    for from in "pid $SIGD_PID" "metrics $metrics"; do
        bench -n 20k --window 8 --interval 50ms "--server-${from% *}" "${from#* }"
        assert_success
        assert_equal "$stderr" ""
        assert_schema report sigbench
        assert_json ".parameters.server_source == \"${from% *}\" and .reasons == []"
        assert_json '.intervals | length > 0 and all(.server_cpu_ratio > 0 and .server_rss_bytes > 0)'
        echo "$output" >"${from% *}.json"
    done
    output=$(jq -s '[.[].metrics]' pid.json metrics.json)
    assert_json 'map(.["server.cpu_per_message_us"]) | max > 0 and max < 3 * min'
    assert_json 'map(.["server.rss_bytes"]) | max > 1e6 and max < 1.5 * min'
    assert_json 'map(.["server.rss_before_bytes"]) | max > 1e6 and max < 1.5 * min'
    # the connection that asks is one of them
    assert_json 'map(.["server.fds"]) | min > 8 and max - min <= 2'
}

@test "02 the page serves every scenario, threads, charts, and the counters too" {
    start_both
    for args in 'connect -c 30' 'idle -d 100ms' 'storm' 'setup -n 20 --threads 3' \
        '-n 100 --repeat 2' '-n 500 --check'; do
        # shellcheck disable=SC2086
        bench $args --server-metrics "$metrics"
        assert_success
        assert_json '.metrics | .["server.rss_bytes"] > 1e6 and .["server.cpu_ratio"] > 0
            and .["server.fds"] > 3'
    done
    assert_json '.check.counters_compared'
    run --separate-stderr sigbench -c 8 -d 200ms --warmup 0s --interval 50ms \
        --server-metrics "$metrics" --html page.html
    assert_success
    assert_line --regexp '^server +[0-9]+ % of a core  [0-9.]+ us CPU per message  RSS [0-9.]+ MiB'
    grep -q 'Memory of the server' page.html
}

@test "03 --server-pid is stronger" {
    start_both
    bench -n 100 --server-pid "$SIGD_PID" --server-metrics http://127.0.0.1:1/
    assert_success
    assert_json '.parameters.server_source == "pid" and .metrics["server.rss_bytes"] > 1e6'
}

@test "04 where nobody answers, and where the URL is none" {
    start_both
    bench -n 100 --server-metrics http://127.0.0.1:1/metrics
    assert_left_out 'http://127.0.0.1:1/metrics: Connection refused'
    bench -n 100 --server-metrics "${metrics%metrics}ready"
    assert_left_out "${metrics%metrics}ready has no process_cpu_seconds_total"
    bench -n 100 --server-metrics http://nosuch.invalid/metrics
    assert_failure 9
    assert_regex "$stderr" 'server-metrics: cannot resolve nosuch.invalid'
    for wrong in https://127.0.0.1/ 127.0.0.1 'http://127.0.0.1:x/' 'http://a b/'; do
        bench -n 100 --server-metrics "$wrong"
        assert_failure 2
    done
}

@test "05 other servers have such pages, too" {
    start_pages
    bench -d 200ms --interval 50ms --server-metrics "$pages/good"
    assert_success
    assert_json '.metrics | .["server.rss_bytes"] == 5e6 and .["server.fds"] == 12
        and .["server.cpu_ratio"] > 0'
}

@test "06 pages that are of no use" {
    start_pages
    while IFS='|' read -r path reason; do
        bench -n 100 -W 300ms --server-metrics "$pages/$path"
        assert_left_out "$pages/$path$reason"
    done <<'END'
503| answers with HTTP 503
empty| has no process_cpu_seconds_total
nonsense| has no process_cpu_seconds_total
nan| has no process_cpu_seconds_total
huge| has no process_cpu_seconds_total
below| has no process_resident_memory_bytes
words| has no process_open_fds
large|: Message too long
hang|: Connection timed out
END
    bench -n 100 --server-metrics "$pages/restarted"
    assert_left_out 'the server was restarted'
}

@test "07 what does not speak HTTP" {
    start_pages
    bench -n 100 --server-metrics "http://127.0.0.1:$(<floor.port)/metrics" -W 300ms
    assert_equal "$status" 12
    assert_json '.reasons | length == 1'
}

@test "08 a gap in the middle is told, and the run counts" {
    start_pages
    bench -d 500ms --interval 100ms --server-metrics "$pages/gap"
    assert_success
    assert_equal "$stderr" "sigbench: figures of the server are missing: $pages/gap answers with HTTP 503"
    assert_json '.metrics["server.cpu_ratio"] > 0 and .reasons == []'
    assert_json '.intervals | any(has("server_cpu_ratio")) and any(has("server_cpu_ratio") | not)'
}
