# SPDX-License-Identifier: MIT
# listen: what is printed, when it ends, what is wrong with its options.
setup() {
    load ../lib/common.bash
    cd "$BATS_TEST_TMPDIR" || return
    start_sigd
}
teardown() { stop_all; }

# listen OPTION...: cam-1 listens; sets LISTENER.
listen()
{
    start listen sigctl -i cam-1 listen "$@"
    LISTENER=$PID
    sigctl wait peer cam-1
}

# told: what it printed, once it has ended with 0.
told()
{
    finish "$LISTENER"
    assert_equal "$status" 0
    assert_equal "$(<listen.err)" ''
    run cat listen.out
}

@test "--json: messages as they came, with the time of arrival" {
    listen -C 4 --json
    printf '%s\n' 'register d1' 'offer cam-1' 'ice cam-1' 'ice cam-1 --candidate null' 'bye cam-1' | sigctl -q
    told
    assert_schema message
    run jq -rc '[.type, .from, .ts_us > 0] | join(" ")' listen.out
    assert_output $'offer d1 true\nice d1 true\nice d1 true\nbye d1 true'
}

@test "people see a line each, no SDP in it" {
    listen -C 2
    printf '%s\n' 'register d1' "offer cam-1 --sdp 'v=0 secret'" 'bye cam-1 --reason rejected' | sigctl -q
    told
    assert_line --index 0 --regexp '^[0-2][0-9]:[0-5][0-9]:[0-5][0-9]\.[0-9]{3}  offer from d1 .*session-'
    refute_output --partial secret
    assert_line --index 1 --partial 'bye from d1 rejected'
}

@test "--plain, -F and --pretty" {
    listen -C 1 -F '%{type}|%-4{from}|%{nothing}|%{sdp}'
    sigctl -q -i d1 offer cam-1 --sdp v=0
    told
    assert_output 'offer|d1  ||v=0'
    listen -C 1 --plain
    sigctl -q -i d1 offer cam-1 --sdp v=0
    told
    assert_output --regexp $'^20[^\t]+Z\t[0-9]+\toffer\td1\t'
    listen -C 1 --pretty
    sigctl -q -i d1 offer cam-1 --sdp v=0
    told
    assert_equal "$(jq -r .sdp <<<"$output")" v=0
    ((${#output} > 0 && $(wc -l <listen.out) > 5))
}

@test "-C, --until, --type and --from choose and end" {
    listen --type ice --from 'd*' --until 'summary=end' -F '%{from} %{type}'
    printf '%s\n' 'register x1' 'ice cam-1' 'ice cam-1 --candidate null' | sigctl -q
    printf '%s\n' 'register d1' 'offer cam-1' 'ice cam-1' 'ice cam-1 --candidate null' | sigctl -q
    told
    assert_output $'d1 ice\nd1 ice'
    listen -C none --until type=bye -F '%{type}'
    printf '%s\n' 'register d1' 'offer cam-1' 'bye cam-1' | sigctl -q
    told
    assert_output $'offer\nbye'
}

@test "a count of 0 is a usage error, not no end" {
    for count in 0 -1 many 1.5; do
        run --separate-stderr sigctl -u ws://127.0.0.1:1 -i cam-1 listen -C "$count"
        assert_failure 2
        assert_output ''
        assert_equal "$stderr" "sigctl: --stop-after '$count': must be a count from 1 on such as 500 or 10k, or none for no end"
    done
}

@test "an expression that is wrong is shown with a caret, before anything is sent" {
    run --separate-stderr sigctl -u ws://127.0.0.1:1 -i cam-1 listen --until 'type=bye and form=d1'
    assert_failure 2
    assert_output ''
    [[ $stderr == "sigctl: --until: "*"did you mean 'from'?"* ]]
    [[ $stderr == *$'\n  type=bye and form=d1\n               ^' ]]
    run --separate-stderr sigctl -u ws://127.0.0.1:1 -i cam-1 listen --until 'size>' --json
    assert_failure 2
    assert_schema failure
    run --separate-stderr sigctl -i cam-1 listen --until ''
    assert_failure 2
}

@test "a time-out is 5 and says how far it came" {
    listen -C 3 --type offer -W 1500ms --json
    sigctl -q -i d1 offer cam-1
    finish "$LISTENER"
    assert_equal "$status" 5
    assert_equal "$(<listen.err)" \
        'sigctl: timed out: 1 of 3 messages came; -W none waits on, --type and --from choose'
    output=$(<listen.out)
    assert_schema message+failure
    run --separate-stderr sigctl -i cam-1 listen -W 50ms
    assert_failure 5
    assert_equal "$stderr" 'sigctl: timed out; without -W listen has no end'
    run --separate-stderr sigctl -i cam-1 listen --until type=bye -W 50ms
    assert_failure 5
    assert_equal "$stderr" 'sigctl: timed out: no message matched --until; -W none waits on'
}

@test "a signal ends it with 128 + N, a kick with 8" {
    listen
    stop "$LISTENER"
    assert_equal "$status" 143
    assert_equal "$(<listen.err)" ''
    listen --json
    sigctl -q kick cam-1
    finish "$LISTENER"
    assert_equal "$status" 8
    output=$(<listen.out)
    assert_schema failure
    assert_json '.exit == 8 and .code == "lost"'
}

@test "in a script it begins with what came before" {
    printf '%s\n' 'register cam-1' 'wait message --type bye -W 20s' 'listen -C 2 -W 20s' >words
    start script sigctl -q -j <words
    script=$PID
    sigctl wait peer cam-1
    printf '%s\n' 'register d1' 'offer cam-1' 'ice cam-1' 'bye cam-1' | sigctl -q
    finish "$script"
    assert_equal "$status" 0
    run jq -rc 'select(.from) | .type' script.out
    # the bye answers the wait
    assert_output $'bye\noffer\nice'
}
