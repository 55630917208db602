#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# testssl.sh on a WSS listener: no finding of medium severity or worse.

load lib
load tls

setup() {
    e2e_setup
    make_certs
}

teardown() {
    e2e_teardown
}

# A certificate that names a revocation list, for testssl.sh wants to know of one.
public_cert() {
    bad_key public
    bad_cert public certs/ca "$(date -u +%Y%m%d%H%M%SZ)" "$(date -u -d "+90 days" +%Y%m%d%H%M%SZ)" \
        'subjectAltName=DNS:localhost,IP:127.0.0.1\nkeyUsage=digitalSignature
extendedKeyUsage=serverAuth\ncrlDistributionPoints=URI:http://localhost/crl.pem'
}

@test "protocols, ciphers, forward secrecy, certificate, vulnerabilities" {
    public_cert
    start_sigd -l tls:127.0.0.1:0 --tls-cert certs/client-public.pem \
        --tls-key certs/client-public.key
    run timeout 200 testssl --quiet --warnings off --color 0 --ip one --add-ca certs/ca.pem \
        -p -s -f -P -S -U --jsonfile found.json "https://localhost:$E2E_PORT" </dev/null
    # what must be there for the rest to mean anything
    run jq -r '.[] | select(.id == "TLS1_2" or .id == "TLS1_3") | .finding' found.json
    assert_output --partial "offered"
    assert_equal "${#lines[@]}" 2
    run jq '[.[] | select(.id | test("heartbleed|ROBOT|secure_renego|cert_chain_of_trust"))] | length' \
        found.json
    assert_output 4
    run jq -r '.[] | select(.severity | test("^(MEDIUM|HIGH|CRITICAL|FATAL)$")) |
        "\(.severity) \(.id): \(.finding)"' found.json
    assert_success
    assert_output ""
}
