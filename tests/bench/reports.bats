#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The reports of sigbench, each read by what reads such files elsewhere.
setup()
{
    load ../lib/common.bash
    schema=$BATS_TEST_DIRNAME/../schema
    cd "$BATS_TEST_TMPDIR" || return
    start floor "$SIGKIT_BUILD/tests/bench/floor" --port-file "$BATS_TEST_TMPDIR/port"
    floor=$PID
    wait_for 10 test -s port
    SIGD_URL=ws://127.0.0.1:$(<port)
    export SIGD_URL
}
teardown() { stop_all; }

# bench OPTION...: a small run in the open model, which may be late on a busy machine.
bench()
{
    run --separate-stderr sigbench -c 10 -R 1k -n 200 --warmup 0s --interval 50ms "$@"
    [[ $status == 0 || $status == 12 ]] || fail "exit $status: $stderr"
}

# well_formed FILE...: as XML, and without anything from elsewhere.
well_formed()
{
    run xmllint --noout "$@"
    assert_success
    assert_output ''
    run grep -oE '(https?:)?//[a-z][^" ]*|url\(|@import|<(script|link|img|iframe|object|use)\b' "$@" -h
    while read -r line; do
        [[ $line == http://www.w3.org/* || $line == //127.0.0.1* ]] || fail "from elsewhere: $line"
    done <<<"${output:-http://www.w3.org/}"
}

@test "JSON is as its schema says, in every scenario" {
    local args
    for args in 'relay -n 50 -c 4 --threshold lost=0' 'setup -n 5 --pairs 2 -R 1k' 'connect -c 9' \
        'idle -c 3 -d 50ms --interval 20ms' \
        'churn -c 6 -R 200 -d 100ms' 'mix -c 20 -R 300 -d 200ms --threads 2' 'storm -c 5' \
        '-n 20 -c 2 --repeat 3' '-n 50 -c 4 --check' \
        "--find-max lost=0,p99<1us -R 500 -d 60ms -c 2"; do
        # shellcheck disable=SC2086
        run --separate-stderr sigbench $args --warmup 0s --server-pid "$floor" -j
        [[ $status == 0 || $status == 10 || $status == 12 ]]
        assert_schema report sigbench
    done
    run --separate-stderr sigbench -u ws+unix:/nonexistent/socket -j
    assert_failure 3
    assert_schema failure sigbench
}

@test "CSV has a row for each interval, named as in JSON" {
    bench --server-pid "$floor" --csv rows.csv -j
    assert_json '.intervals | length > 0'
    run python3 - "$output" <<'END'
import csv, json, sys
want = json.loads(sys.argv[1])["intervals"]
with open("rows.csv", newline="") as f:
    text = f.read()
assert text.count("\r\n") == text.count("\n") == len(want) + 1
got = list(csv.DictReader(text.splitlines()))
assert len(got) == len(want)
for row, interval in zip(got, want):
    assert set(interval) == set(row), (row, interval)
    for name, value in interval.items():
        assert row[name] == "" and not value or float(row[name]) == value, (name, row, interval)
END
    assert_success
}

@test "CSV leaves empty what is not known" {
    bench --csv -
    assert_equal "${lines[0]}" \
        $'from_us,to_us,sent,received,errors,p50_us,p99_us,max_us,generator_cpu_ratio,server_cpu_ratio,server_rss_bytes\r'
    [[ ${lines[1]} == *,,$'\r' ]]
}

@test "percentiles are HdrHistogram's text, corrected and raw" {
    bench --hgrm due.hgrm --hgrm-raw raw.hgrm -j
    run python3 - "$output" <<'END'
import json, sys
metrics = json.loads(sys.argv[1])["metrics"]
for name, prefix in ("due", "relay"), ("raw", "relay.raw"):
    with open(name + ".hgrm") as f:
        lines = f.read().splitlines()
    assert lines[0].split() == ["Value", "Percentile", "TotalCount", "1/(1-Percentile)"]
    rows = [[float(v) for v in l.split()] for l in lines[2:] if not l.startswith("#")]
    assert all(len(r) == 4 for r in rows[:-1]) and len(rows[-1]) == 3
    assert rows == sorted(rows, key=lambda r: r[:3])
    assert rows[-1] == [metrics[prefix + ".max_us"] / 1000, 1, metrics["received"]]
    half = [r for r in rows if r[1] == 0.5][0]
    assert half[0] == metrics[prefix + ".p50_us"] / 1000
    assert [l[:10] for l in lines if l.startswith("#")] == ["#[Mean    ", "#[Max     ", "#[Buckets "]
END
    assert_success
}

@test "the page is whole, of well-formed XML, and needs nothing else" {
    sigbench -c 10 -R 1k -n 200 --warmup 0s --interval 50ms --server-pid "$floor" \
        --threshold 'relay.p50<0us' --threshold lost=0 --html page.html || status=$?
    [[ $status == 10 || $status == 12 ]]
    well_formed page.html
    for title in 'Latency by percentile' 'Latency over time' Rate 'Latency histogram' CPU \
        'Memory of the server'; do
        grep -q ">$title</text>" page.html || fail "no chart: $title"
    done
    grep -q '<td>relay.p50&lt;0us</td><td class="no">failed</td>' page.html
    grep -q '<td>lost=0</td><td class="ok">ok</td><td>0</td>' page.html
    grep -q '<th scope="row">scenario</th><td>relay</td>' page.html
    grep -q '<th scope="row">p99</th>' page.html
    grep -q 'prefers-color-scheme:dark' page.html
    run grep -ciE 'nan|inf[^o]' page.html
    assert_output 0
}

@test "pages of short and empty runs are whole too" {
    sigbench idle -c 2 -d 50ms --warmup 0s --html idle.html --svg idle.svg
    sigbench connect -c 3 --html connect.html --svg connect.svg
    sigbench -c 2 -n 1 --warmup 0s --html one.html --svg one.svg
    well_formed ./*.html ./*.svg
    grep -q 'no data' idle.svg
}

@test "text of others is text in every report" {
    run --separate-stderr sigbench -c 2 -u 'ws+unix:none/<b>|&"' --html p.html --junit j.xml \
        --markdown m.md --svg s.svg
    assert_failure 3
    well_formed p.html s.svg
    grep -q 'none/&lt;b&gt;|&amp;&quot;' p.html
    grep -q 'none/&lt;b&gt;&#124;&amp;' m.md
    run xmllint --noout --schema "$schema/junit.xsd" j.xml
    assert_success
}

@test "SVG alone is a document with its own style" {
    bench --svg chart.svg
    well_formed chart.svg
    [[ $(head -n 1 chart.svg) == '<?xml version="1.0" encoding="UTF-8"?>' ]]
    grep -q '<style>' chart.svg
    grep -q '>99%</text>' chart.svg
    grep -q '>raw: from the actual send</text>' chart.svg
}

@test "Markdown has tables" {
    run --separate-stderr sigbench -c 4 -n 50 --warmup 0s --threshold 'relay.p99<60s' --markdown -
    assert_success
    assert_equal "${lines[0]}" '### sigbench relay: passed'
    assert_line '| latency | p50 | p90 | p99 | p99.9 | max | mean |'
    assert_line --regexp '^\| relay \|( [0-9.]+ (µs|ms|s) \|){6}$'
    assert_line --regexp '^\| relay\.p99&lt;60s \| ok \| [0-9.]+ (µs|ms) \|$'
    assert_line '| `received` | 50 |'
    assert_line '| `scenario` | relay |'
}

@test "JUnit has a test for each threshold and one for the run" {
    run --separate-stderr sigbench -c 4 -n 50 --warmup 0s --threshold 'relay.p50<0us' \
        --threshold lost=0 --junit out.xml
    assert_failure 10
    run xmllint --noout --schema "$schema/junit.xsd" out.xml
    assert_success
    assert_equal "$(xmllint --xpath 'string(/testsuites/@tests)' out.xml)" 3
    assert_equal "$(xmllint --xpath 'string(/testsuites/@failures)' out.xml)" 1
    assert_equal "$(xmllint --xpath 'string(//testcase[failure]/@name)' out.xml)" 'relay.p50<0us'
    [[ $(xmllint --xpath 'string(//failure/@message)' out.xml) == 'measured: '* ]]
}

@test "JUnit tells that there was no run" {
    run --separate-stderr sigbench -u ws+unix:/nonexistent/socket --threshold lost=0 --junit out.xml
    assert_failure 3
    run xmllint --noout --schema "$schema/junit.xsd" out.xml
    assert_success
    [[ $(xmllint --xpath 'string(//failure/@message)' out.xml) == 'no connection: '* ]]
}

@test "one report takes the place of the summary on stdout" {
    bench --svg -
    assert_equal "${lines[0]}" '<?xml version="1.0" encoding="UTF-8"?>'
    assert_equal "${lines[-1]}" '</svg>'
    run --separate-stderr sigbench -n 1 --csv - --svg -
    assert_failure 2
    assert_equal "$output" ''
    assert_equal "$stderr" \
        'sigbench: --csv and --svg cannot go to the same place: name another file for one of them'
    run --separate-stderr sigbench -n 1 --csv - -j
    assert_failure 2
    [[ $stderr == *'--json and --csv cannot'* ]]
    run --separate-stderr sigbench -n 1 --html same --markdown same
    assert_failure 2
    [ ! -e same ]
}

@test "what cannot be written is told before the run" {
    run --separate-stderr sigbench -d 20s --csv ok.csv --html none/page.html
    assert_failure 9
    assert_equal "$stderr" \
        'sigbench: --html: cannot write none/page.html: No such file or directory'
    run compgen -G 'ok*'
    assert_failure
    mkdir dir
    run --separate-stderr sigbench -d 20s --csv dir
    assert_failure 9
    [[ $stderr == *'cannot write dir: Is a directory' ]]
}

@test "a file that fills up is not left behind, and the exit tells" {
    bench --csv rows.csv
    run --separate-stderr sigbench -c 2 -n 20 --warmup 0s --csv /dev/full
    assert_failure 9
    [[ $stderr == *'--csv: cannot write /dev/full: No space left on device' ]]
    run --separate-stderr bash -c 'exec sigbench -c 2 -n 20 --warmup 0s --csv - >/dev/full'
    assert_failure 9
    run --separate-stderr bash -c "trap '' XFSZ; ulimit -f 1
        exec sigbench -c 2 -n 20 --warmup 0s --html page.html"
    assert_failure 9
    assert_equal "$stderr" 'sigbench: --html: cannot write page.html: File too large'
    run compgen -G 'page*'
    assert_failure
}

@test "the old file stays until the new one is whole" {
    echo old >rows.csv
    chmod 640 rows.csv
    ln -s rows.csv link.csv
    start bench sigbench -c 2 -d 60s --warmup 0s -q --csv link.csv
    wait_for 10 compgen -G 'rows.csv.*.tmp'
    assert_equal "$(<rows.csv)" old
    stop "$PID"
    assert_equal "$status" 143
    [ -L link.csv ]
    assert_equal "$(head -c 7 rows.csv)" from_us
    assert_equal "$(stat -c %a rows.csv)" 640
    run compgen -G '*.tmp'
    assert_failure
}

@test "a pipe is written as it is" {
    mkfifo pipe
    start reader cat pipe
    bench --csv pipe
    finish "$PID"
    assert_equal "$(head -c 7 reader.out)" from_us
    [ -p pipe ]
}
