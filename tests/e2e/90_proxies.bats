#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The shipped nginx and Caddy configurations, with the real programs in front of real nodes.

load lib
load proxies

setup_file() {
    make_certificate "$BATS_FILE_TMPDIR/tls"
}

setup() {
    proxies_setup
}

teardown() {
    proxies_teardown
}

# The page's code of 10_v1.bats as it stands, and a client of another language.
page() {
    local case
    export E2E_URL=wss://127.0.0.1:$E2E_PORT NODE_EXTRA_CA_CERTS=$E2E_CA SSL_CERT_FILE=$E2E_CA
    for case in call messages browserlike; do
        run "$NODE" "$E2E/v1.mjs" "$case"
        assert_success
        assert_output ""
    done
    py v1 library
    py proxies alone
}

@test "nginx: the page's client code, unchanged at both ends, over wss" {
    start_node
    start_proxy nginx
    page
}

@test "Caddy: the page's client code, unchanged at both ends, over wss" {
    start_node
    start_proxy caddy
    page
}

@test "nginx: an offer of 64 KiB passes" {
    start_node
    start_proxy nginx
    py proxies big
}

@test "Caddy: an offer of 64 KiB passes" {
    start_node
    start_proxy caddy
    py proxies big
}

@test "nginx: pings carry a silent client over the time-out, which cuts it without them" {
    NGINX_SED='s/^\( *proxy_\(read\|send\)_timeout\) 90s;/\1 1s;/'
    start_node --heartbeat-interval 200
    start_proxy nginx
    py proxies idle 1
    stop_proxy
    kill_node 0
    UPSTREAMS=() NODE_PIDS=() HEALTH_ADDRESSES=()
    rm -r node0
    start_node --heartbeat-interval 0
    start_proxy nginx
    py proxies cut
}

@test "Caddy: pings carry a silent client over the time-outs" {
    CADDY_SED='s/\(read_header\|idle\) [0-9]*[sm]$/\1 1s/'
    start_node --heartbeat-interval 200
    start_proxy caddy
    py proxies idle 1
}

# survives_a_node: the one with the client dies; the client is told and finds the other.
survives_a_node() {
    start_node
    start_node
    start_proxy "$1"
    background outlive
    wait_for test -e connected
    local i=0
    grep -q "id=survivor" node0/err || i=1
    run grep -c "id=survivor" "node$i/err"
    assert_output 1
    kill_node "$i"
    finish
    [ -e gone ]
    wait_for grep -q "id=survivor" "node$((1 - i))/err"
}

@test "nginx: a node dies: closed, not hung, and on to the other" {
    survives_a_node nginx
}

@test "Caddy: a node dies: closed, not hung, and on to the other" {
    survives_a_node caddy
}

# survives_the_proxy: it ends and comes back on the same port.
survives_the_proxy() {
    start_node
    start_proxy "$1"
    background outlive
    wait_for test -e connected
    stop_proxy
    wait_for test -e gone
    launch "$1"
    finish
}

@test "nginx: it restarts: closed, not hung, and served again" {
    survives_the_proxy nginx
}

@test "Caddy: it restarts: closed, not hung, and served again" {
    survives_the_proxy caddy
}

@test "nginx: an address has its node, with an id in the URL the id has" {
    NGINX_SED='s/rate=20r/rate=1000r/'
    start_node
    start_node
    start_proxy nginx
    py proxies sticky
    stop_proxy
    start_proxy nginx
    py proxies sticky_by_id
}

@test "Caddy: an address has its node" {
    start_node
    start_node
    start_proxy caddy
    py proxies sticky
}

@test "nginx: health and metrics are not for the public; no body, no plain request" {
    start_node
    start_proxy nginx
    py proxies exposed
    py proxies not_local
    py proxies harmless
}

@test "Caddy: health and metrics are not for the public; no body, no plain request" {
    CADDY_SED='s/lb_try_duration 3s/lb_try_duration 300ms/'
    start_node
    start_proxy caddy
    py proxies exposed
    py proxies not_local
    py proxies harmless
}

@test "nginx: a full server's answer reaches the client" {
    start_node --max-clients 1
    start_proxy nginx
    py proxies full
}

@test "Caddy: a full server's answer reaches the client" {
    start_node --max-clients 1
    start_proxy caddy
    py proxies full
}

@test "nginx: one address cannot flood the nodes, nor take all connections" {
    NGINX_SED='s/rate=20r.s/rate=1r\/m/'
    start_node
    start_proxy nginx
    py proxies flood 100
    run grep -c '" 429 ' sigd.access.log
    assert_success
    stop_proxy
    NGINX_SED='s/rate=20r/rate=1000r/; s/burst=100/burst=1000/'
    start_proxy nginx
    py proxies crowd 200
}

# no_secrets: a token is in no file, with a node that answers and with none.
no_secrets() {
    start_node
    start_proxy "$1"
    py proxies secret CANARY-5ecret 101
    kill_node 0
    py proxies secret CANARY-5ecret 502 503
    stop_proxy
    assert_logged
    run grep -rlF CANARY-5ecret .
    assert_failure 1
    assert_output ""
}

# Ten requests, not counting those that were too long.
assert_logged() {
    run grep -c GET sigd.access.log
    assert_success
    [ "$output" -ge 10 ]
}

@test "nginx: no token in any log" {
    no_secrets nginx
}

@test "Caddy: no token in any log" {
    CADDY_SED='s/lb_try_duration 3s/lb_try_duration 300ms/'
    no_secrets caddy
}

# told_address: the client's own word counts for nothing, the proxy's does.
told_address() {
    start_node --trusted-proxy 127.0.0.1/32
    start_proxy "$1"
    py proxies address 127.0.0.7
    wait_for grep -qE 'client registered id=claimant addr=127\.0\.0\.7[ :]' node0/err
    py proxies address 127.0.0.8 192.0.2.66
    wait_for grep -qE 'client registered id=claimant addr=127\.0\.0\.8[ :]' node0/err
    py proxies address 127.0.0.9 "192.0.2.66, 127.0.0.1" 192.0.2.67
    wait_for grep -qE 'client registered id=claimant addr=127\.0\.0\.9[ :]' node0/err
    run grep -F 192.0.2.6 node0/err
    assert_failure 1
}

@test "nginx: the client's address is right in sigd's log, a forged one is not believed" {
    told_address nginx
}

@test "Caddy: the client's address is right in sigd's log, a forged one is not believed" {
    told_address caddy
}

@test "X-Forwarded-For from elsewhere than the proxy is not believed" {
    start_node --trusted-proxy 192.0.2.0/24
    export E2E_CA=$TLS/ca.pem
    py proxies direct "${UPSTREAMS[0]}" 198.51.100.7
    wait_for grep -qE 'client registered id=claimant addr=127\.0\.0\.1[ :]' node0/err
    run grep -F 198.51.100.7 node0/err
    assert_failure 1
}

@test "of a chain, the rightmost address that is not a trusted proxy counts" {
    start_node --trusted-proxy 127.0.0.1/32 --trusted-proxy 192.0.2.0/24
    export E2E_CA=$TLS/ca.pem
    py proxies direct "${UPSTREAMS[0]}" "203.0.113.9, 198.51.100.7, 192.0.2.5"
    wait_for grep -qE 'client registered id=claimant addr=198\.51\.100\.7[ :]' node0/err
    run grep -F 203.0.113.9 node0/err
    assert_failure 1
}
