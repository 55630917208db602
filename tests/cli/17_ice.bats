# SPDX-License-Identifier: MIT
# ice-servers, and what register says of them: for people, machines and templates, and when there
# are none.
setup() {
    load ../lib/common.bash
    cd "$BATS_TEST_TMPDIR" || return
    umask 077
    echo 'a secret that TURN servers share' >secret
}
teardown() { stop_all; }

# with_turn [OPTION...]: a server that tells of three URLs.
with_turn()
{
    start_sigd --ice-server stun:s.example --ice-server 'turn:t.example?transport=udp' \
        --ice-server turns:t.example:5349 --turn-secret-file secret "$@"
}

# is_signed: each credential of $output, a line "username credential", is the secret's.
is_signed()
{
    local user word
    while read -r user word; do
        [[ $user == - ]] || assert_equal "$word" \
            "$(printf %s "$user" | openssl dgst -sha1 -hmac "$(<secret)" -binary | base64)"
    done <<<"$output"
}

@test "a line for each URL" {
    with_turn
    run --separate-stderr sigctl -i drone-1 ice-servers
    assert_success
    assert_equal "$stderr" ''
    assert_equal "${#lines[@]}" 3
    assert_line --index 0 stun:s.example
    assert_line --index 1 --regexp \
        '^turn:t\.example\?transport=udp  [0-9]{10}:drone-1  [A-Za-z0-9+/]{27}=  for 3600 s$'
    assert_line --index 2 --regexp '^turns:t\.example:5349  [0-9]{10}:drone-1  '
}

@test "an object for machines, rows for templates and --plain" {
    with_turn --turn-ttl 90s
    run --separate-stderr sigctl -i drone-1 ice-servers --json
    assert_success
    assert_schema ice_servers
    assert_json '.ttl_us == 90000000 and (.ice_servers | length) == 2 and
        .ice_servers[0] == {"urls": ["stun:s.example"]} and
        .ice_servers[1].urls == ["turn:t.example?transport=udp", "turns:t.example:5349"]'
    run --separate-stderr sigctl -i drone-1 ice-servers --pretty
    assert_line --partial '"urls"'
    run --separate-stderr sigctl -i drone-1 ice-servers -F '%{username} %{credential}'
    assert_success
    assert_equal "${#lines[@]}" 3
    assert_line --index 0 '- -'
    is_signed
    run --separate-stderr sigctl -i drone-1 ice-servers --plain
    assert_line --index 0 --regexp $'^stun:s\\.example\t-\t-\t-\t20.*Z\t[0-9]+$'
    assert_line --index 1 --regexp $'^turn:t.*udp\t[0-9]+:drone-1\t[^\t]+\t90000000\t20'
}

@test "register says nothing new but with --json" {
    with_turn
    run --separate-stderr sigctl register drone-1
    assert_output 'registered drone-1'
    assert_equal "$stderr" ''
    run --separate-stderr sigctl register drone-1 --plain
    assert_output --regexp $'^true\tregistered\tdrone-1\t[^\t]*\t[0-9]*$'
    run --separate-stderr sigctl register drone-1 --json
    assert_schema registered
    assert_json '.ice_servers[1].username | endswith(":drone-1")'
}

@test "a trace shows no credential" {
    with_turn
    run --separate-stderr sigctl -i drone-1 --trace ice-servers -F '%{credential}'
    assert_success
    assert_line --index 1 --regexp '^[A-Za-z0-9+/]{27}=$'
    word=${lines[1]}
    output=$stderr
    assert_output --partial '"iceServers":"***"'
    refute_output --partial "$word"
}

@test "none are said to be none" {
    start_sigd
    run --separate-stderr sigctl -i drone-1 ice-servers
    assert_success
    assert_output ''
    assert_equal "$stderr" 'sigctl: the server names no STUN or TURN servers'
    run --separate-stderr sigctl -i drone-1 ice-servers --json
    assert_schema ice_servers
    assert_json '.ice_servers == [] and (has("ttl_us") | not)'
    run --separate-stderr sigctl -q -i drone-1 ice-servers
    assert_equal "$stderr" ''
    run --separate-stderr sigctl register drone-1 --json
    assert_json 'has("ice_servers") | not'
}

@test "in a script, and with a server that is not there" {
    with_turn
    run --separate-stderr sigctl <<<$'register a\nice-servers\n'
    assert_success
    assert_line --partial ':a  '
    run --separate-stderr sigctl -u ws://127.0.0.1:1 ice-servers
    assert_failure 3
    run --separate-stderr sigctl ice-servers x
    assert_failure 2
}
