# SPDX-License-Identifier: MIT
# Every exit code of the table that sigctl can give, each from a real run; and the list of them.
setup() {
    load ../lib/common.bash
    cd "$BATS_TEST_TMPDIR" || return
}
teardown() { stop_all; }

# exits CODE WORD ARGUMENT...: sigctl ends so; with --json it says so in one object, on stderr too.
exits()
{
    local code=$1 word=$2
    shift 2
    run --separate-stderr sigctl "$@" --json
    assert_equal "$status" "$code"
    output=${lines[-1]}
    assert_schema failure
    assert_json ".exit == $code and .code == \"$word\""
    assert_equal "$(jq -r .message <<<"$output")" "${stderr#sigctl: }"
}

@test "0: it is so" {
    start_sigd
    run --separate-stderr sigctl ping -C 1
    assert_success
}

@test "2: usage" {
    exits 2 usage -u ws://127.0.0.1:1 list --count --watch
}

@test "3: no server" {
    exits 3 connect -u ws://127.0.0.1:1 list
}

@test "4: with -k it is not the certificate that is at fault" {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=localhost \
        -keyout key -out cert 2>/dev/null
    start tls python3 - <<'END'
import socket, ssl
ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
ctx.load_cert_chain("cert", "key")
ctx.maximum_version = ssl.TLSVersion.TLSv1_2  # where a client without a certificate hears at once
ctx.verify_mode = ssl.CERT_REQUIRED
s = socket.create_server(("127.0.0.1", 0))
print(s.getsockname()[1], flush=True)
while True:
    try:
        ctx.wrap_socket(s.accept()[0], server_side=True)
    except OSError:
        pass
END
    wait_for 5 test -s tls.out
    url=wss://127.0.0.1:$(<tls.out)
    run --separate-stderr sigctl -u "$url" list
    [[ $stderr == *'self-signed certificate'* ]] || fail "$stderr"
    exits 4 refused_auth -k -u "$url" list
    [[ $stderr != *self-signed* ]] || fail "$stderr"
}

@test "4: a token is refused" {
    umask 077
    echo 'correct horse battery staple, 32 or more' >secret
    start_sigd --jwt-secret-file "$BATS_TEST_TMPDIR/secret"
    exits 4 unauthorized list
}

@test "5: the time is over" {
    start_sigd
    exits 5 timeout wait peer ghost -W 50ms
}

@test "6: no such peer" {
    start_sigd
    exits 6 target_not_found -i a bye ghost
    exits 6 target_not_found kick ghost
}

@test "7: the server refuses" {
    start_sigd
    exits 7 unknown_type -i a send ghost --type nonsense '{}'
}

@test "8: the connection is lost" {
    start_sigd
    start hold sigctl register drone-1 --hold --json
    sigctl wait peer drone-1
    sigctl -q kick drone-1
    finish "$PID"
    assert_equal "$status" 8
    output=$(tail -n 1 hold.out)
    assert_schema failure
    assert_json '.exit == 8 and .code == "lost"'
}

@test "9: bad data" {
    exits 9 data token show nonsense
}

@test "128 + N: a signal" {
    start_sigd
    start hold sigctl register drone-1 --hold
    sigctl wait peer drone-1
    stop "$PID"
    assert_equal "$status" 143
}

@test "no exit code of sigctl is without a test" {
    codes=$(sed -nE 's/^EXIT_ROW\([A-Z_]+, ([0-9]+),.*/\1/p' "$BATS_TEST_DIRNAME/../../cli/common/tbl/exits.h")
    # thresholds, regressions and invalid runs are sigbench's
    for code in $codes; do
        ((code > 9)) || grep -qE "^ *(assert_failure $code|exits $code [a-z_]+ .*|assert_equal \"\\\$status\" $code)$" \
            "$BATS_TEST_DIRNAME"/[0-5]*.bats "$BATS_TEST_DIRNAME"/7*.bats || fail "no test ends with $code"
    done
}
