# SPDX-License-Identifier: MIT
# sigbench storm against a server that is killed and started again.
setup() {
    load ../lib/common.bash
    cd "$BATS_TEST_TMPDIR" || return
}
teardown() {
    stop_all
    [[ ! -s again.pid ]] || kill "$(<again.pid)" 2>/dev/null || true
}

@test "a killed server: all clients are back once it is" {
    start_sigd
    cat >again <<END
kill -9 $SIGD_PID
"$SIGKIT_BUILD/daemon/sigd" -l 127.0.0.1:$SIGD_PORT --health none >/dev/null 2>again.err 3>&- &
echo \$! >again.pid
END
    run --separate-stderr sigbench storm -c 200 --warmup 0s -d 30s -j --trigger 'sh again'
    assert_success
    assert_json '.metrics.sent == 200 and .metrics.received == 200 and .metrics["storm.max_us"] > 0'
    run sigctl list --count
    assert_output 0
}
