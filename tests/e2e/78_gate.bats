#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Before anybody is known: origins, forwarded addresses, how often and how much.

load lib

SECRET="an e2e secret that has more than 32 bytes"

setup() {
    e2e_setup
}

teardown() {
    e2e_teardown
}

start_strict() {
    JWT_SECRET=$SECRET start_sigd "$@"
}

@test "without --allow-origin every page may connect" {
    start_sigd
    py gate origins "- null https://a.example http://localhost:3000 x" ""
}

@test "origins: exact, and none is no browser" {
    start_sigd --allow-origin https://ok.example
    py gate origins "- https://ok.example" \
        "null https://ok.example:443 http://ok.example https://ok.example.evil.example \
        https://ok.exampl https://xok.example https://ok.example/ x https://OK.example"
    py gate origin_refusal
}

@test "origins: patterns, several, null" {
    start_sigd --allow-origin 'https://*.example.com' --allow-origin 'http://localhost:*' \
        --allow-origin null
    py gate origins "- null https://a.example.com https://a.b.example.com http://localhost:3000" \
        "https://example.com https://a.example.com.evil.org http://a.example.com http://localhost \
        https://aexample.com nulll"
}

@test "a page on this machine is not trusted like the machine" {
    start_sigd
    py gate browser_is_not_local
}

@test "what a proxy says of others is not local" {
    start_sigd
    py gate proxied_is_not_local
}

@test "X-Forwarded-For of a trusted proxy: the last address that is no proxy's" {
    start_sigd --trusted-proxy 127.0.0.1/32 --trusted-proxy 10.0.0.0/8 --trusted-proxy fd00::/8
    py gate forwarded
}

@test "X-Forwarded-For that cannot be read" {
    start_sigd --trusted-proxy 127.0.0.1
    py gate garbled
}

@test "X-Forwarded-For of anybody else is not believed" {
    start_sigd
    py gate not_believed
}

@test "X-Forwarded-For over the unix socket" {
    start_sigd -l 127.0.0.1:0 -l "unix:$PWD/s" --trusted-proxy unix
    py gate unix_proxy "$PWD/s"
}

@test "connections a second from an address: 429 with Retry-After" {
    start_sigd --trusted-proxy 127.0.0.1 --address-rate 1 --address-burst 5
    py gate address_rate
}

@test "thousands of addresses" {
    ASAN_OPTIONS+=:quarantine_size_mb=1 # or memory that was freed would count
    start_sigd --trusted-proxy 127.0.0.1 --address-rate 1 --address-burst 5
    py gate many_addresses
}

@test "who has not said who he is gets few bytes" {
    start_strict --unregistered-bytes 2K
    py gate early_bytes
}

@test "messages a second: retryAfter, then 4429" {
    start_strict --message-rate 5 --message-burst 10 --role-limit 'camera message-rate=0'
    py gate message_rate
}

@test "bytes a second: retryAfter, then 4429" {
    start_strict --message-rate 0 --byte-rate 10K --byte-burst 64K
    py gate byte_rate
}

@test "limits of a role" {
    start_strict --role-limit 'drone max-sessions=2'
    py gate role_limit
}
