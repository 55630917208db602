# SPDX-License-Identifier: MIT
# register, list and ping.
setup() { load ../lib/common.bash; start_sigd; }
teardown() { stop_all; }

@test "register claims an id" {
    run --separate-stderr sigctl register drone-1
    assert_success
    assert_output 'registered drone-1'
    assert_equal "$stderr" ''
}

@test "register with --json" {
    run --separate-stderr sigctl register drone-1 -j
    assert_success
    assert_json '.ok and .type == "registered" and .id == "drone-1" and .ts_us > 0'
}

@test "a bad id is a usage error" {
    run --separate-stderr sigctl register 'drone 1'
    assert_failure 2
}

@test "--hold stays until a signal, then exits 128 + N" {
    start hold sigctl register drone-1 --hold
    run --separate-stderr sigctl wait peer drone-1
    assert_success
    stop "$PID"
    assert_equal "$status" 143
    run --separate-stderr sigctl wait peer drone-1 --gone
    assert_success
}

@test "--for ends by itself" {
    run --separate-stderr sigctl register drone-1 --for 50ms
    assert_success
}

@test "--exec runs a program while registered and exits with its status" {
    run --separate-stderr sigctl -q register drone-1 --exec sigctl list
    assert_success
    assert_output drone-1
    run --separate-stderr sigctl register drone-1 --exec sh -c 'exit 7'
    assert_failure 7
    run --separate-stderr sigctl register drone-1 --exec /no/such/program
    assert_failure 9
}

@test "--meta arrives and is printed" {
    start hold sigctl register drone-1 --hold --meta kind=quad --meta 'note=a "b"'
    run --separate-stderr sigctl wait peer drone-1
    run --separate-stderr sigctl list --detail --json
    assert_success
    assert_json '.peers[0].id == "drone-1" and .peers[0].meta.note == "a \"b\""'
}

@test "list prints ids, a count, objects and templates" {
    start a sigctl register cam-1 --hold
    start b sigctl register drone-1 --hold
    run --separate-stderr sigctl wait peers 2
    assert_success
    run --separate-stderr sigctl list
    assert_output $'cam-1\ndrone-1'
    run --separate-stderr sigctl list --plain --match 'drone-*'
    assert_output drone-1
    run --separate-stderr sigctl list --count --match 'c*'
    assert_output 1
    run --separate-stderr sigctl list --json
    assert_json '.ok and .count == 2 and .clients == ["cam-1","drone-1"]'
    run --separate-stderr sigctl list -F '<%-8{id}>'
    assert_output $'<cam-1   >\n<drone-1 >'
}

@test "list --watch prints who comes and goes" {
    start watch sigctl list --watch --json
    wait_for 5 grep -q clients "$BATS_TEST_TMPDIR/watch.out"
    sigctl register drone-1
    wait_for 5 grep -q '"leave"' "$BATS_TEST_TMPDIR/watch.out"
    run jq -rc '[.event, .id] | join(" ")' "$BATS_TEST_TMPDIR/watch.out"
    assert_line --index 1 'join drone-1'
    assert_line --index 2 'leave drone-1'
}

@test "ping prints each round trip and the statistics" {
    run --separate-stderr sigctl ping -C 3 --interval 1ms --json
    assert_success
    assert_equal "${#lines[@]}" 4
    run jq -e '.type == "statistics" and .received == 3' <<<"${lines[3]}"
    assert_success
}

@test "a token is read from a file, a missing file is 9" {
    run --separate-stderr sigctl --token-file /no/such/file ping
    assert_failure 9
}
