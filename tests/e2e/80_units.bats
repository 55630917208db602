#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The shipped unit, its system call filter around a working sigd, sysusers, tmpfiles, logrotate and
# the example configuration, each with the real program. No systemd needs to run.

load lib
load units

setup() {
    e2e_setup
}

teardown() {
    e2e_teardown
}

@test "the unit's exposure is at most 1.5" {
    run systemd-analyze security --offline=true --threshold=15 --no-pager \
        "$CONTRIB/systemd/sigd.service"
    assert_success
    assert_output --partial "Overall exposure level for sigd.service: 1."
}

@test "systemd-analyze verify has nothing to say" {
    render_units
    run systemd-analyze verify --man=no units/sigd.service units/sigd.socket
    assert_success
    assert_output ""
}

@test "a unix socket of the unit is not for everybody" {
    render_units
    sed -i 's/^#\(ListenStream=\/\)/\1/' units/sigd.socket
    run grep -cx 'ListenStream=/run/sigd.sock' units/sigd.socket
    assert_output 1
    run systemd-analyze verify --man=no units/sigd.service units/sigd.socket
    assert_success
    assert_output ""
    run grep -E '^Socket(Mode|Group)=' units/sigd.socket
    assert_output $'SocketMode=0660\nSocketGroup=sigd'
}

@test "the filter of the unit kills what it does not list" {
    run "$PYTHON" "$E2E/units.py" "$CONTRIB/systemd/sigd.service" "$PYTHON" -c 'import os
os.write(1, b"written\n")
os.nice(1)'
    assert_failure 159
    assert_output --partial written
    run "$PYTHON" "$E2E/units.py" "$CONTRIB/systemd/sigd.service" "$PYTHON" -c 'import socket
socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)'
    assert_failure 159
}

# Calls, attacks, health, monitors, a unix socket and every signal, under the filter.
@test "sigd works under the filter of its unit" {
    confined_sigd
    start_sigd -l 127.0.0.1:0 -l "unix:$BATS_TEST_TMPDIR/s" --log-level debug
    run grep -E '^(Seccomp|NoNewPrivs):' "/proc/$sigd_pid/status"
    assert_line --regexp '^Seccomp:[[:space:]]*2$'
    assert_line --regexp '^NoNewPrivs:[[:space:]]*1$'
    py v1 library
    py v1 byte_identical
    py v1 lonely
    py health head
    kill -HUP "$sigd_pid"
    kill -USR1 "$sigd_pid"
    py v1 lonely
    stop_sigd
    [ ! -e s ]
}

@test "the user of sysusers and the directories of tmpfiles" {
    run systemd-sysusers --dry-run "$CONTRIB/systemd/sigd.sysusers.conf"
    assert_success
    [[ $(id -u) -eq 0 ]] || skip "only root gives directories to others"
    mkdir -p root/etc/sigd root/usr/lib/{sysusers,tmpfiles}.d
    : >root/etc/sigd/sigd.conf
    cp "$CONTRIB/systemd/sigd.sysusers.conf" root/usr/lib/sysusers.d/sigd.conf
    cp "$CONTRIB/systemd/sigd.tmpfiles.conf" root/usr/lib/tmpfiles.d/sigd.conf
    run systemd-sysusers --root="$PWD/root"
    assert_success
    run grep -E '^sigd:x:[0-9]+:[0-9]+:WebRTC signaling:/:/usr/sbin/nologin$' root/etc/passwd
    assert_success
    local gid
    gid=$(sed -n 's/^sigd:x:\([0-9]*\):.*/\1/p' root/etc/group)
    run systemd-tmpfiles --root="$PWD/root" --create
    assert_success
    run stat -c '%a %u %g' root/etc/sigd root/etc/sigd/sigd.conf
    assert_output "750 0 $gid
640 0 $gid"
    run stat -c '%a %U' root/etc/sigd/tls
    assert_output --regexp '^700 '
}

# render_logrotate PID: for a log of this test and a process that is not a service.
render_logrotate() {
    local user
    user="$(id -un) $(id -gn)"
    sed -e "s|/var/log/sigd/|$PWD/|; s|su sigd sigd|su $user|" \
        -e "s|/bin/systemctl kill .*|kill -USR1 $1|" "$CONTRIB/logrotate/sigd" >logrotate.conf
    chmod 644 logrotate.conf
    run grep -vE '^#' logrotate.conf
    refute_output --regexp 'systemctl|/var/log|sigd sigd'
}

@test "logrotate renames the audit log and tells sigd, which opens a new one" {
    start_sigd --audit "$PWD/audit.jsonl"
    render_logrotate "$sigd_pid"
    py v1 lonely
    wait_for test -s audit.jsonl
    local inode
    inode=$(stat -c %i audit.jsonl)
    run logrotate --force --state "$PWD/state" logrotate.conf
    assert_success
    wait_for test -e audit.jsonl
    run stat -c %i audit.jsonl-*
    assert_output "$inode"
    py v1 lonely
    wait_for test -s audit.jsonl
    stop_sigd
}

@test "the example configuration is accepted" {
    openssl rand -base64 48 >secret
    chmod 600 secret
    sed -e "s|/run/credentials/sigd.service/jwt-secret|$PWD/secret|; s|/var/log/sigd|$PWD|" \
        "$CONTRIB/sigd.conf" >sigd.conf
    run "$SIGD" --no-env-file -c sigd.conf --check-config
    assert_success
    assert_output ""
    run "$SIGD" --no-env-file -c sigd.conf --print-config
    assert_success
    assert_output --partial 127.0.0.1/32
}

# manager CASE: a case of notify.py, which starts sigd itself.
manager() {
    export E2E_SIGD=$SIGD
    : >err
    py notify "$1"
    assert_no_sanitizer_report
}

@test "READY=1 when clients are accepted, STOPPING=1 when not" {
    manager ready
}

@test "a reload is told, whatever comes of it" {
    manager reload
}

@test "the watchdog is fed by the loop and by nothing else" {
    manager watchdog
    manager no_watchdog
}

@test "sockets handed over: served, with those who came before" {
    manager activated
    manager activated_unix
}

@test "over a restart, nobody is refused on a socket handed over" {
    manager restarted
}

@test "descriptors that cannot be listened on are refused" {
    manager refused
}
