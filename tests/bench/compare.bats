#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# sigbench compare: made reports first, then runs against the floor. SIGBENCH and FLOOR name the
# programs.

bats_require_minimum_version 1.5.0

setup() {
    export XDG_CONFIG_HOME=$BATS_TEST_TMPDIR/config
    cd "$BATS_TEST_TMPDIR" || return
    mkfifo never
}

teardown() {
    stop_floor
}

stop_floor() {
    [[ ! ${floor-} ]] || { kill "$floor" && wait "$floor"; } 2>/dev/null || true
    floor=
}

# start_floor ARGS…: sets floor to its pid and SIGD_URL to its address.
start_floor() {
    rm -f port
    # shellcheck disable=SC2153
    "$FLOOR" --port-file "$BATS_TEST_TMPDIR/port" "$@" >/dev/null 3>&- &
    floor=$!
    for ((i = 0; i < 500; i++)); do
        [[ -s port ]] && break
        read -r -t 0.01 <>never || true
    done
    SIGD_URL="ws://127.0.0.1:$(cat port)"
    export SIGD_URL
}

compare() { run --separate-stderr "$SIGBENCH" compare "$@"; }

# reports NAME VALUE…: a report a line, of one metric.
reports() {
    local name=$1
    shift
    for value; do
        printf '{"schema_version":1,"valid":%s,"reasons":["made up"],"metrics":{"%s":%s,"sent":7},%s,%s}\n' \
            "${valid:-true}" "$name" "$value" \
            "\"parameters\":{\"scenario\":\"${scenario:-relay}\",\"clients\":${clients:-10}}" \
            "\"environment\":{\"cpu\":\"${cpu:-Z80}\"}"
    done
}

# row NAME: that metric of the JSON output.
row() { jq -c --arg name "$1" '.metrics[$name]' <<<"$output"; }

@test "01 the same values are the same, whatever they are" {
    reports relay.p99_us 10 20 30 >a
    compare a a
    [ "$status" -eq 0 ]
    [ -z "$stderr" ]
    [[ $output == *'Mann-Whitney'*relay.p99_us*same*'regressions  0'* ]]
    reports relay.p99_us 0 0 0 >a
    compare a a
    [ "$status" -eq 0 ]
}

@test "02 which way is worse is the metric's own business" {
    while read -r name base new status_wanted verdict; do
        reports "$name" $((base)) $((base + 1)) $((base + 2)) >a
        reports "$name" $((new)) $((new + 1)) $((new + 2)) >b
        compare a b -j
        [ "$status $(row "$name" | jq -r .verdict)" = "$status_wanted $verdict" ]
    done <<'END'
relay.p99_us 100 150 11 worse
relay.p50_us 150 100 0 better
setup.complete.p99_us 100 150 0 worse
setup.p999_us 100 150 0 worse
rate_per_s 1000 500 11 worse
rate_per_s 500 1000 0 better
server.cpu_per_message_us 100 120 11 worse
server.per_connection_bytes 1000 1100 11 worse
errors_ratio 0 10 11 worse
lost 10 20 0 worse
messages 100 500 0 neutral
generator.cpu_ratio 100 500 0 neutral
who.knows 100 500 0 neutral
END
}

@test "03 three samples that overlap are noise, a small change is nothing" {
    reports relay.p99_us 100 200 300 >a
    reports relay.p99_us 290 310 320 >b
    compare a b -j
    [ "$status" -eq 0 ]
    [ "$(row relay.p99_us | jq -c '[.verdict, .p]')" = '["same",0.1]' ]
    reports relay.p99_us 1000 1001 1002 >a
    reports relay.p99_us 1010 1011 1012 >b
    compare a b -j
    [ "$status" -eq 0 ]
    [ "$(row relay.p99_us | jq -c '[.verdict, .p]')" = '["same",0.05]' ]
}

@test "04 with too few for a test, more than 5 % counts" {
    reports relay.p99_us 1000 >a
    reports relay.p99_us 1049 1049 >b
    compare a b
    [ "$status" -eq 0 ]
    [[ $output == *'5 % is noise'* ]]
    reports relay.p99_us 1060 >b
    compare a b -j
    [ "$status" -eq 11 ]
    jq -e '.test == "margin" and .regressions == ["relay.p99_us"] and .metrics["relay.p99_us"].p == null' <<<"$output"
}

@test "05 bounds: only what is named, by its share" {
    reports relay.p99_us 100 101 102 >a
    reports relay.p99_us 120 121 122 >b
    compare a b --max-regress relay.p99=25%
    [ "$status" -eq 0 ]
    compare a b --max-regress relay.p99_us=10%
    [ "$status" -eq 11 ]
    [[ $output == *'worse *'*'regressions  1'* ]]
    compare b a --max-regress relay.p99=0%
    [ "$status" -eq 0 ]
    for wrong in relay.p99 relay.p99=10 =10% relay.p99=-1% relay.p99=x% relay.p42=1% sent=10% relay.p99=nan%; do
        compare a b --max-regress "$wrong"
        [ "$status" -eq 2 ]
        [[ $stderr == *"--max-regress '$wrong'"* ]]
    done
}

@test "06 other parameters and machines are warnings, other scenarios refused" {
    reports relay.p99_us 1 2 3 >a
    clients=20 cpu=$'6502\\u001b[31m' reports relay.p99_us 1 2 3 >b
    compare a b
    [ "$status" -eq 0 ]
    [[ $stderr == *'parameters: clients is 10 and 20'*'environment: cpu is Z80 and 6502?[31m'* ]]
    compare a b -q -j
    [ -z "$stderr" ]
    jq -e '.warnings | length == 2' <<<"$output"
    cat a b >c
    compare c a
    [[ $stderr == *'c: clients is 10 and 20'* ]]
    scenario=setup reports relay.p99_us 1 2 3 >b
    compare a b
    [ "$status" -eq 2 ]
    [[ $stderr == *'a is of relay, b of setup'* ]]
    compare a b --force
    [ "$status" -eq 0 ]
    [[ $stderr == *'scenario: relay and setup'* ]]
    cat a b >c
    compare c a
    [ "$status" -eq 2 ]
}

@test "07 runs that are not valid are 12" {
    reports relay.p99_us 1 2 3 >a
    { reports relay.p99_us 1 2 && valid=false reports relay.p99_us 3; } >b
    for args in 'a b' 'b a'; do
        # shellcheck disable=SC2086
        compare $args -j
        [ "$status" -eq 12 ]
        [[ $stderr == *'b holds a run that is not valid: made up'* ]]
        jq -e '.exit == 12' <<<"$output"
    done
}

@test "08 what is no report is 9" {
    reports relay.p99_us 1 >a
    good=$(cat a)
    for bad in '' '{' '[]' 'null' '{}' '{"ok":false,"exit":3}' "$good {" "$good []" \
        "${good/\"schema_version\":1/\"schema_version\":2}" "${good/\"relay\"/\"Re\\u001blay\"}" \
        "${good/relay.p99_us/RELAY \\u001b}" "${good/:7/:1e999}" "${good/:7/:\"7\"}" \
        "${good/\"metrics\":/\"metrics\":7,\"other\":}" "${good/\"metrics\":/\"samples\":[],\"metrics\":}" \
        "${good/\"metrics\":/\"samples\":[7],\"metrics\":}"; do
        printf '%s' "$bad" >b
        compare a b -j
        [ "$status" -eq 9 ]
        [ -n "$stderr" ]
        jq -e '.exit == 9' <<<"$output"
    done
    for file in nosuch .; do
        compare "$file" a
        [ "$status" -eq 9 ]
        [[ $stderr == *"cannot read $file: "* ]]
    done
    head -c 100000 /dev/zero | tr '\0' '[' >b
    compare a b
    [ "$status" -eq 9 ]
}

@test "09 numbers that are large or small are numbers still" {
    reports relay.p99_us 1e300 1e-300 -1e300 1e15 0 >a
    compare a a -j
    [ "$status" -eq 0 ]
    row relay.p99_us | jq -e '.base_spread == [-1e300, 1e300]'
    compare a a
    [ "$status" -eq 0 ]
}

@test "10 standard input, for one" {
    reports relay.p99_us 1 2 3 >a
    cp a in
    run --separate-stderr "$SIGBENCH" compare - a <in
    [ "$status" -eq 0 ]
    [[ $output == *'standard input (3) and a (3)'* ]]
    for args in '- -' 'a' '' 'a a a' 'a a --window 0x'; do
        # shellcheck disable=SC2086
        compare $args
        [ "$status" -eq 2 ]
    done
    run --separate-stderr "$SIGBENCH" -c 2 --force
    [ "$status" -eq 2 ]
}

@test "11 the object fits its schema" {
    reports relay.p99_us 1 2 3 >a
    reports relay.p99_us 0 >b
    for args in 'a a' 'b a' 'a b'; do
        # shellcheck disable=SC2086
        compare $args -j
        python3 "$BATS_TEST_DIRNAME/../schema/check.py" "$BATS_TEST_DIRNAME/../schema/sigbench_compare.json" \
            comparison <<<"$output"
    done
}

# sample: the report of five short runs.
sample() {
    "$SIGBENCH" --repeat 5 -c 6 -d 150ms --warmup 50ms -j --server-pid "$floor"
}

@test "12 a server against itself is the same" {
    start_floor --spin-us 100
    sample >a || true
    # what else runs on the machine may make one try differ, or invalid
    for _ in 1 2 3 4 5 6; do
        sample >b || true
        compare a b -j
        [ "$status" -eq 0 ] && break
        mv b a
    done
    [ "$status" -eq 0 ]
    jq -e '.base.samples == 5 and .new.samples == 5 and .test == "mann_whitney" and .warnings == []' <<<"$output"
}

@test "13 a server that is slower by a sixth is found" {
    # what else runs on the machine may blur one try
    for _ in 1 2 3 4; do
        for spin in 100 120; do
            start_floor --spin-us "$spin"
            sample >"$spin" || true
            stop_floor
        done
        compare 100 120 --max-regress server.cpu_per_message=5% -j
        [ "$status" -eq 11 ] && break
    done
    [ "$status" -eq 11 ]
    jq -e '.regressions == ["server.cpu_per_message_us"]' <<<"$output"
}

@test "14 what a saturated generator measured cannot be compared" {
    start_floor
    run --separate-stderr "$SIGBENCH" -c 4 -R 10M -d 200ms --warmup 0s -j
    [ "$status" -eq 12 ]
    jq -e '.valid == false' <<<"$output"
    printf '%s\n' "$output" >a
    compare a a
    [ "$status" -eq 12 ]
    [[ $stderr == *'a holds a run that is not valid: the generator '* ]]
}

@test "15 Markdown: a row for each metric, what got worse is bold, the status as before" {
    reports relay.p99_us 1000 1100 1200 >a
    reports relay.p99_us 2000 2100 2200 >b
    compare a b --markdown out.md
    [ "$status" -eq 11 ]
    [[ $output == *'regressions  1'* ]]
    diff - out.md <<'END'
### sigbench compare relay: 1 regression

base a (3 samples), new b (3 samples), by the Mann-Whitney test

| metric | base | new | change | p | bound | verdict |
|:---|---:|---:|---:|---:|---:|:---|
| `relay.p99_us` | 1.10 ms (1 ms .. 1.20 ms) | 2.10 ms (2 ms .. 2.20 ms) | +90.9 % | 0.050 | 2.0 % | **worse** |
END
    compare b a --markdown -
    [ "$status" -eq 0 ]
    [ "${lines[0]}" = '### sigbench compare relay: 0 regressions' ]
    # shellcheck disable=SC2016
    [ "${lines[-1]}" = '| `relay.p99_us` | 2.10 ms (2 ms .. 2.20 ms) | 1.10 ms (1 ms .. 1.20 ms) | -47.6 % | 0.050 | 2.0 % | better |' ]
    compare a b --markdown out.md -j --max-regress relay.p99=200%
    [ "$status" -eq 0 ]
    jq -e '.regressions == []' <<<"$output"
    grep -qF '| +90.9 % | 0.050 | 200.0 % | worse |' out.md
    reports relay.p99_us 0 >a
    compare a b --markdown -
    [ "$status" -eq 11 ]
    [[ $output == *'(1 sample), new b (3 samples), too few samples for a test: 5 % is noise'* ]]
    [[ $output == *'| from 0 | - | 5.0 % | **worse** |' ]]
}

@test "16 Markdown: names of files and values of others are text" {
    odd=$'a|*b*<i>\e[31m_[c](d)'
    reports relay.p99_us 1 2 3 >"$odd"
    cpu='<b>|`6502`' reports relay.p99_us 1 2 3 >b
    compare "$odd" b -q --markdown -
    [ "$status" -eq 0 ]
    [[ ${lines[1]} == 'base a&#124;&#42;b&#42;&lt;i&gt;'*'&#95;&#91;c&#93;(d) (3 samples), new b'* ]]
    [ "${lines[2]}" = '- environment: cpu is Z80 and &lt;b&gt;&#124;&#96;6502&#96;' ]
    [[ $output != *$'\e'* ]]
}

@test "17 Markdown that cannot be, and reports that only runs have" {
    reports relay.p99_us 1 2 3 >a
    compare a a --markdown none/out.md
    [ "$status" -eq 9 ]
    [ "$stderr" = 'sigbench: --markdown: cannot write none/out.md: No such file or directory' ]
    [ -z "$output" ]
    compare a a --markdown /dev/full -j
    [ "$status" -eq 9 ]
    jq -e '.exit == 9' <<<"$output"
    compare a a --markdown - -j
    [ "$status" -eq 2 ]
    [[ $stderr == *'--json and --markdown cannot go to the same place'* ]]
    echo old >out.md
    valid=false reports relay.p99_us 1 2 3 >b
    compare a b --markdown out.md
    [ "$status" -eq 12 ]
    [ "$(cat out.md)" = old ]
    for option in csv hgrm hgrm-raw html svg junit; do
        compare a a "--$option" out
        [ "$status" -eq 2 ]
        [ "$stderr" = "sigbench: --$option is not for compare" ]
        [ ! -e out ]
    done
}
