#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# WSS listeners: what they offer, what they carry, whose certificates they take.

load lib
load tls

setup() {
    e2e_setup
    make_certs
}

teardown() {
    e2e_teardown
}

# refused_config TEXT OPTION…: the same answer of --check-config and of starting.
refused_config() {
    local check
    for check in --check-config ""; do
        # shellcheck disable=SC2086  # empty is no argument
        run "$SIGD" --no-env-file -l tls:127.0.0.1:0 --health none "${@:2}" $check
        assert_failure 9
        assert_output "sigd: $1"
    done
}

# refused_client NAME REASON: in the handshake, and the log says why.
refused_client() {
    local lines
    lines=$(wc -l <err)
    wait_for refused_and_told "$@" "$lines"
}

# A line may be left out when there were many in this second: so again.
refused_and_told() {
    py tls denied "$1"
    tail -n "+$(($3 + 1))" err | grep -qE "addr=127\.0\.0\.1:[0-9]+ .*reason=\"?$2\"?\$"
}

@test "the announcement says wss, wss+unix and https" {
    start_sigd -l tls:127.0.0.1:0 -l "tls:unix:$PWD/s" -l 127.0.0.1:0 --health tls:127.0.0.1:0 \
        --tls-cert certs/server.pem --tls-key certs/server.key
    run cat out
    assert_line --index 0 "sigd: listening on wss://127.0.0.1:$E2E_PORT"
    assert_line --index 1 "sigd: listening on wss+unix:$PWD/s"
    assert_line --index 2 "sigd: listening on ws://127.0.0.1:${E2E_PORTS_LIST[2]}"
    assert_line --index 3 "sigd: health on https://127.0.0.1:$E2E_HEALTH/health"
    E2E_TLS=$E2E_PORT E2E_CERTS=$PWD/certs py tls unix "$PWD/s"
}

@test "the client code of the original over wss, in Node.js and Python" {
    start_tls
    [[ -d $E2E/node_modules/ws ]] || {
        echo "run 'npm ci' in tests/e2e first" >&2
        return 1
    }
    export E2E_URL=wss://localhost:$E2E_TLS NODE_EXTRA_CA_CERTS=$E2E_CERTS/ca.pem \
        SSL_CERT_FILE=$E2E_CERTS/ca.pem
    local part
    for part in call messages browserlike; do
        run "$NODE" "$E2E/v1.mjs" "$part"
        assert_success
        assert_output ""
    done
    py v1 library
}

@test "TLS 1.2 and 1.3, forward secrecy, HTTP/1.1, nothing resumed, and nothing else" {
    start_tls
    py tls versions
}

@test "the same with RSA and Ed25519 keys" {
    local kind
    for kind in --rsa --ed25519; do
        rm -r certs
        "$GEN_CERTS" certs --client drone-1 "$kind" >gen.log
        start_mtls required
        py tls accepted drone-1
        stop_sigd
    done
}

@test "messages of 64 KiB, in fragments and in odd records" {
    start_tls --max-message 128K
    py tls large
}

@test "many small messages at once" {
    start_tls
    py tls pipelined
}

@test "a slow reader gets every byte" {
    start_tls --send-queue 8M --send-queue-messages 1000
    py tls slow
}

@test "a plain listener beside it" {
    start_tls
    py tls beside
}

@test "a thousand stalled handshakes are in nobody's way and gone after 10 s" {
    start_tls --max-clients 2000
    py tls stalled
    run grep -c "out of file descriptors" err
    assert_output 0
}

@test "first bytes that are no hello" {
    start_tls
    py tls garbage
}

@test "TERM with living TLS clients: 1001, exit status 0" {
    start_tls
    py tls stopped
    local status=0
    wait "$sigd_pid" || status=$?
    sigd_pid=
    assert_equal "$status" 0
    assert_no_sanitizer_report
}

@test "client certificates: one is accepted, thirteen are refused, each for its reason" {
    make_bad_certs
    start_mtls required
    py tls accepted drone-1
    refused_client - "peer did not return a certificate"
    refused_client selfsigned "self-signed certificate"
    refused_client stranger "unable to get local issuer certificate"
    refused_client late "certificate has expired"
    refused_client early "certificate is not yet valid"
    refused_client server "unsuitable certificate purpose"
    refused_client usage "unsuitable certificate purpose"
    refused_client gone "certificate revoked"
    refused_client authority "unsuitable certificate purpose"
    refused_client sha1 "CA signature digest algorithm too weak"
    refused_client short "EE certificate key too weak"
    refused_client nameless "no usable id"
    refused_client tampered "certificate signature failure"
    py tls accepted drone-1
}

@test "an optional certificate may be missing, but not wrong" {
    make_bad_certs
    start_mtls optional
    py tls nobody
    py tls accepted drone-1
    refused_client stranger "unable to get local issuer certificate"
    refused_client gone "certificate revoked"
}

@test "reload: another authority's certificate for newcomers, and nobody is dropped" {
    "$GEN_CERTS" new --rsa >gen.log
    cp new/ca.pem certs/new-ca.pem
    cp new/server.pem certs/new-server.pem
    cp new/server.key certs/new-server.key
    start_tls
    py tls exchanged
}

@test "reload: a client whose certificate is revoked is closed, the others are not" {
    rm -r certs
    "$GEN_CERTS" certs --client drone-1 --client gone >gen.log
    start_mtls required
    py tls revoked "'$GEN_CERTS' certs --revoke gone"
    refused_client gone "certificate revoked"
}

@test "reload: files that do not fit are refused, and everything stays as it was" {
    start_mtls required
    cp certs/client-drone-1.key certs/server.key
    kill -HUP "$sigd_pid"
    wait_for log_has "does not belong to the certificate in certs/server.pem"
    py tls accepted drone-1
}

@test "revocation lists: an expired one refuses everybody, a forged one the start" {
    (cd certs && openssl ca -config ca.cnf -gencrl -crl_lastupdate 20250101000000Z \
        -crl_nextupdate 20250201000000Z -out old.pem 2>gen.log)
    start_tls --client-cert required --client-ca certs/ca.pem --crl certs/old.pem
    log_has 'warn revocation list has expired, its clients are refused file=certs/old.pem'
    refused_client drone-1 "CRL has expired"
    stop_sigd
    "$GEN_CERTS" other >gen.log
    refused_config "crl: a list in other/crl.pem is not signed by its authority in client-ca" \
        --tls-cert certs/server.pem --tls-key certs/server.key --client-cert required \
        --client-ca certs/ca.pem --crl other/crl.pem
}

@test "what cannot work is refused with its reason" {
    local own=(--tls-cert certs/server.pem --tls-key certs/server.key)
    refused_config "a tls: listener needs both tls-cert and tls-key"
    refused_config "--tls-cert: tls-cert needs tls-key" --tls-cert certs/server.pem
    refused_config "tls-cert: cannot use none: No such file or directory" --tls-cert none \
        --tls-key certs/server.key
    refused_config "tls-cert: cannot use gen.log: no start line" --tls-cert gen.log \
        --tls-key certs/server.key
    refused_config "tls-key: cannot use none: No such file or directory" \
        --tls-cert certs/server.pem --tls-key none
    refused_config \
        "tls-key: certs/client-gone.key does not belong to the certificate in certs/server.pem" \
        --tls-cert certs/server.pem --tls-key certs/client-gone.key
    refused_config "--client-cert: client-cert needs client-ca" "${own[@]}" \
        --client-cert optional
    refused_config "client-ca is set, but client-cert is none: nobody would be asked for one" \
        "${own[@]}" --client-ca certs/ca.pem
    refused_config "client-ca: cannot use gen.log: no certificate or crl found" "${own[@]}" \
        --client-cert required --client-ca gen.log
    refused_config "crl: cannot use gen.log: no start line" "${own[@]}" --client-cert required \
        --client-ca certs/ca.pem --crl gen.log
    openssl pkey -in certs/server.key -aes256 -passout pass:x -out locked.key
    chmod 600 locked.key
    refused_config "tls-key: locked.key is encrypted, and nobody is asked for a password" \
        --tls-cert certs/server.pem --tls-key locked.key
    chmod 640 certs/server.key
    refused_config \
        "tls-key: certs/server.key has mode 0640: only its owner may have access (chmod 600)" \
        "${own[@]}"
    run "$SIGD" --no-env-file -l 127.0.0.1:0 --health none "${own[@]}"
    assert_failure 9
    assert_output "sigd: certificates are set, but no listener begins with tls:"
}

@test "a key of root's that our group may read is a credential" {
    local as check=(--no-env-file -l tls:127.0.0.1:0 --health none --tls-cert server.pem
        --tls-key server.key --check-config)
    [[ $(id -u) -eq 0 ]] || skip "only root has a file of root's"
    as=(timeout 20 setpriv --reuid=65534 --regid=65534 --clear-groups)
    "${as[@]}" test -x "$SIGD" || skip "only root can run this build"
    cp certs/server.pem certs/server.key .
    chmod 644 server.pem
    chgrp 65534 server.key
    chmod 440 server.key
    run "${as[@]}" "$SIGD" "${check[@]}"
    assert_success
    chmod 460 server.key
    run "${as[@]}" "$SIGD" "${check[@]}"
    assert_failure 9
    assert_output \
        "sigd: tls-key: server.key has mode 0460: only its owner may have access (chmod 600)"
}

@test "an expired certificate is served, with a warning" {
    bad_key late
    bad_cert late certs/ca 20200101000000Z 20210101000000Z "subjectAltName=DNS:localhost"
    start_sigd -l tls:127.0.0.1:0 --tls-cert certs/client-late.pem --tls-key certs/client-late.key
    log_has "warn server certificate has expired file=certs/client-late.pem"
}

@test "sigctl and sigmon over wss: 0 when both trust each other, else 4" {
    start_mtls required
    local bin=$SIGKIT_BUILD/cli tool
    local url=(-u "wss://localhost:$E2E_TLS") ca=(--cacert certs/ca.pem) alone
    local me=(--cert certs/client-drone-1.pem --key certs/client-drone-1.key)
    "$GEN_CERTS" other --client drone-1 >gen.log
    run "$bin/sigctl/sigctl" "${url[@]}" "${ca[@]}" "${me[@]}" ping
    assert_success
    for tool in "sigctl/sigctl ping" "sigmon/sigmon --stop-after 1"; do
        # shellcheck disable=SC2206  # program and arguments
        alone=($tool)
        run timeout 20 "$bin/${alone[0]}" "${url[@]}" "${me[@]}" "${alone[@]:1}"
        assert_failure 4
        run timeout 20 "$bin/${alone[0]}" "${url[@]}" "${ca[@]}" "${alone[@]:1}"
        assert_failure 4
        run timeout 20 "$bin/${alone[0]}" "${url[@]}" "${ca[@]}" --cert other/client-drone-1.pem \
            --key other/client-drone-1.key "${alone[@]:1}"
        assert_failure 4
    done
}

@test "gen-certs keeps what is there, and its keys to itself" {
    cp -r certs before
    run "$GEN_CERTS" certs --client drone-1 --revoke gone
    assert_success
    assert_line "gen-certs: made in certs: crl.pem"
    local file
    for file in ca server client-drone-1 client-gone; do
        cmp "before/$file.pem" "certs/$file.pem"
        cmp "before/$file.key" "certs/$file.key"
        assert_equal "$(stat -c %a "certs/$file.key")" 600
    done
    run "$GEN_CERTS" certs --name sigd.example --name 192.0.2.1
    assert_success
    run openssl verify -CAfile certs/ca.pem -verify_hostname sigd.example certs/server.pem
    assert_success
    run openssl verify -CAfile certs/ca.pem -verify_ip 192.0.2.1 certs/server.pem
    assert_success
    run "$GEN_CERTS" certs --revoke stranger
    assert_failure 2
    assert_output "gen-certs: there is no certificate of 'stranger' to revoke"
    run "$GEN_CERTS" certs --client "a b"
    assert_failure 2
    assert_output "gen-certs: 'a b' is not a client id"
}
