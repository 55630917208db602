#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Credentials that sigd hands out, with the real coturn: relays for good ones, none for others. Its
# configuration is the shipped one, rendered for loopback.

load lib

CONTRIB=$BATS_TEST_DIRNAME/../../contrib
PATH=$PATH:/usr/sbin:/usr/bin

setup() {
    e2e_setup
    umask 077
    turn_pid=
    if ! command -v turnserver >/dev/null; then
        skip "coturn is not installed"
    fi
    secret="a turn secret $(openssl rand -hex 20)"
    echo "$secret" >secret
}

teardown() {
    local status=0
    [[ ! $turn_pid ]] || stop_turn || status=1
    e2e_teardown || status=1
    return "$status"
}

# free_ports: a port that is free for TCP and UDP, and the first of sixteen that are for relays.
free_ports() {
    "$PYTHON" - <<'END'
import random
import socket


def is_free(port):
    held = []
    try:
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            s = socket.socket(socket.AF_INET, kind)
            held.append(s)
            s.bind(("127.0.0.1", port))
    except OSError:
        return False
    finally:
        for s in held:
            s.close()
    return True


while True:
    start = random.randrange(20000, 32000)
    if all(is_free(start + i) for i in range(17)):
        print(start, start + 1)
        break
END
}

# render SECRET...: the shipped file for this test; TURN_SED changes more of it.
render() {
    local dir=$BATS_TEST_TMPDIR ports secret lines=
    read -ra ports <<<"$(free_ports)"
    E2E_TURN=${ports[0]}
    export E2E_TURN
    for secret in "$@"; do
        lines+="static-auth-secret=$secret\\n"
    done
    sed -e "s|^static-auth-secret=.*|$lines|" -e 's|192\.0\.2\.1$|127.0.0.1|' \
        -e "s|^listening-port=.*|listening-port=$E2E_TURN|" \
        -e "s|^min-port=.*|min-port=${ports[1]}|; s|^max-port=.*|max-port=$((ports[1] + 15))|" \
        -e '/^tls-listening-port=\|^cert=\|^pkey=\|^denied-peer-ip=127/d' \
        -e "s|^userdb=.*|userdb=$dir/turndb|; s|^pidfile=.*|pidfile=$dir/turn.pid|" \
        -e "s|^log-file=.*|log-file=stdout\nno-tls\nno-dtls\nallow-loopback-peers|" \
        -e "${TURN_SED:-}" "$CONTRIB/coturn/turnserver.conf" >turnserver.conf
    run grep -vE '^#' turnserver.conf
    refute_output --regexp '/etc/|/var/|/run/|192\.0\.2|REPLACE'
}

turn_up_or_ended() {
    { : 2>/dev/null <>"/dev/tcp/127.0.0.1/$E2E_TURN"; } || ! kill -0 "$turn_pid" 2>/dev/null
}

# start_turn SECRET...: a port that somebody takes meanwhile is given up for another.
start_turn() {
    local try
    for try in 1 2 3 4 5; do
        render "$@"
        turnserver -c turnserver.conf >turn.out 2>&1 3>&- &
        turn_pid=$!
        wait_for turn_up_or_ended
        if kill -0 "$turn_pid" 2>/dev/null; then
            py turn ready
            return
        fi
    done
    cat turn.out >&2
    return 1
}

stop_turn() {
    kill -TERM "$turn_pid" 2>/dev/null
    wait "$turn_pid" || true
    turn_pid=
}

# start_both OPTION…: coturn with the shared secret, and sigd that tells of it.
start_both() {
    start_turn "$secret"
    start_sigd --ice-server "stun:127.0.0.1:$E2E_TURN" \
        --ice-server "turn:127.0.0.1:$E2E_TURN?transport=udp" --turn-secret-file secret "$@"
}

@test "the shipped configuration is taken whole by the real program" {
    start_turn "$secret"
    run grep -iE 'bad configuration|unknown|error|cannot find' turn.out
    assert_failure 1
    assert_output ""
    stop_turn
    # and what is wrong would be seen
    TURN_SED='s/^fingerprint$/fingerprunt/' start_turn "$secret"
    run grep -ciE 'bad configuration format: fingerprunt' turn.out
    assert_success
}

@test "what sigd hands out allocates a relay that carries bytes" {
    start_both
    py turn allocates "$secret"
    py turn not_to_strangers
}

@test "coturn's own client gets a relay with it" {
    start_both
    py turn allocates "$secret"
    mapfile -t words <credentials
    run timeout 20 turnutils_uclient -y -n 2 -m 1 -c -u "${words[0]}" -w "${words[1]}" \
        -p "$E2E_TURN" 127.0.0.1
    assert_success
    assert_output --partial "tot_send_msgs=4"
    refute_output --regexp 'error 4'
    run timeout 20 turnutils_uclient -y -n 2 -m 1 -c -u "${words[0]}" -w "x${words[1]}" \
        -p "$E2E_TURN" 127.0.0.1
    assert_failure
}

@test "a changed user name or password is refused" {
    start_both
    py turn forged
}

@test "credentials are told anew before they end, and refused afterwards" {
    start_both --turn-ttl 2s
    py turn expires
}

@test "another secret by a reload, with both in coturn for a while" {
    start_turn "$secret" "the next secret of the relays"
    start_sigd --ice-server "turn:127.0.0.1:$E2E_TURN" --turn-secret-file secret
    py turn allocates "$secret"
    stop_turn
    start_turn "the next secret of the relays"
    stop_sigd
    start_sigd --ice-server "turn:127.0.0.1:$E2E_TURN" --turn-secret-file secret
    py turn reloads "the next secret of the relays"
}

@test "a user that all share" {
    printf 'pass word\n' >password
    TURN_SED='s/^use-auth-secret$/lt-cred-mech\nuser=fleet:pass word/; /^static-auth-secret/d'
    start_turn none
    start_sigd --ice-server "turn:127.0.0.1:$E2E_TURN" --turn-user fleet --turn-password-file password
    py turn shared
}

@test "where nothing is configured, nothing is said" {
    start_sigd
    py turn v1
}

@test "a configuration that cannot work" {
    check() { run --separate-stderr "$SIGD" --no-env-file --check-config "$@"; }
    printf 'ice-server = stun:s\nice-server = trun:t\nturn-secret-file = secret\n' >sigd.conf
    check -c sigd.conf
    assert_failure 9
    assert_equal "$stderr" "sigd: sigd.conf:2: ice-server: 'trun:t': did you mean 'turn:'?"
    check --ice-server turn:t
    assert_failure 9
    assert_equal "$stderr" "sigd: --ice-server: ice-server: a TURN server wants credentials: turn-secret-file, or turn-user and turn-password-file"
    chmod 644 secret
    check --ice-server turn:t --turn-secret-file secret
    assert_failure 9
    assert_equal "$stderr" "sigd: secret: others may read or write it (mode 0644), use chmod 600"
    chmod 600 secret
    check --ice-server turn:t --turn-secret-file secret
    assert_success
    check --ice-server turn:me:hunter2@t --turn-secret-file secret
    assert_failure 9
    refute [ "${stderr/hunter2/}" != "$stderr" ]
    run --separate-stderr "$SIGD" --no-env-file --print-config --ice-server turn:t --turn-secret-file secret
    assert_success
    assert_line "turn-secret-file = secret  ; --turn-secret-file"
    refute_output --partial "$secret"
}

@test "a short secret is told" {
    echo short >secret
    start_sigd --ice-server turn:t --turn-secret-file secret
    run grep -c 'the TURN secret has less than 20 bytes' err
    assert_output 1
    run grep short err
    assert_failure 1
}
