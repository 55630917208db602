# SPDX-License-Identifier: MIT
# Where options come from: command line, environment, --env-file, the user's configuration.
setup() {
    load ../lib/common.bash
    CONFIG=$XDG_CONFIG_HOME/sigkit/config
    mkdir -p "${CONFIG%/*}"
    cd "$BATS_TEST_TMPDIR" || return
}
teardown() { stop_all; }

# config LINE...: the user's configuration.
config() { printf '%s\n' "$@" >"$CONFIG"; }

# assert_url TOOL URL [OPTION...]: which server the tool looks for.
assert_url()
{
    local url=$2
    set -- "$1" "${@:3}"
    case $1 in
    sigctl) set -- "$@" list ;;
    sigbench) set -- "$@" -c 2 -d 10ms --warmup 0s -W 1s ;;
    esac
    run --separate-stderr "$@"
    assert_failure 3
    [[ $stderr == *"$url"[!0-9]* ]] || fail "$1 did not look for $url: $stderr"
}

# assert_bad TOOL MESSAGE [OPTION...]: exit 9, with the message and nothing else.
assert_bad()
{
    run --separate-stderr "$1" "${@:3}"
    assert_failure 9
    assert_output ''
    assert_equal "$stderr" "$1: $2"
}

@test "every tool takes the stronger source" {
    for tool in sigctl sigmon sigbench; do
        config 'url = ws://127.0.0.1:2'
        echo 'SIGD_URL=ws://127.0.0.1:3' >vars
        assert_url "$tool" ws://127.0.0.1:2
        assert_url "$tool" ws://127.0.0.1:3 --env-file vars
        SIGD_URL=ws://127.0.0.1:4 assert_url "$tool" ws://127.0.0.1:4 --env-file vars
        SIGD_URL=ws://127.0.0.1:4 assert_url "$tool" ws://127.0.0.1:5 --env-file vars \
            -u ws://127.0.0.1:5
    done
}

@test "without XDG_CONFIG_HOME it is ~/.config, and a file that is not there is none" {
    mkdir -p home/.config
    mv "$XDG_CONFIG_HOME/sigkit" home/.config/
    unset XDG_CONFIG_HOME
    echo 'url = ws://127.0.0.1:2' >home/.config/sigkit/config
    HOME=$PWD/home assert_url sigctl ws://127.0.0.1:2
    HOME=$PWD/nobody assert_url sigctl ws://127.0.0.1:3 -u ws://127.0.0.1:3
    XDG_CONFIG_HOME=relative HOME=$PWD/home assert_url sigctl ws://127.0.0.1:2
}

@test "a .env of the working directory is not read" {
    echo 'SIGD_URL=ws://127.0.0.1:2' >.env
    config 'url = ws://127.0.0.1:3'
    assert_url sigctl ws://127.0.0.1:3
    assert_url sigctl ws://127.0.0.1:2 --env-file .env
}

@test "an unknown name is told with file, line and a guess" {
    config '# mine' '' 'colour = never'
    for tool in sigctl sigmon sigbench; do
        assert_bad "$tool" "$CONFIG:3: unknown option 'colour', did you mean 'color'?"
    done
    config 'sdp = auto'
    assert_bad sigctl "$CONFIG:1: unknown option 'sdp'" offer x
    for name in help version env-file token; do
        config "$name = true"
        run --separate-stderr sigctl list
        assert_failure 9
        [[ $stderr == "sigctl: $CONFIG:1: unknown option '$name'"* ]]
    done
}

@test "a wrong value, a section, a line without a value and a long line are told" {
    config 'id = d1' '  timeout = 5x'
    assert_bad sigctl "$CONFIG:2: timeout '5x': must be a duration such as 250ms or 5s, longer than 0, or none" list
    config 'color = red'
    assert_bad sigbench "$CONFIG:1: color 'red': must be auto|always|never"
    config 'json = perhaps'
    assert_bad sigmon "$CONFIG:1: json 'perhaps': must be true or false"
    config '[client]' 'id = d1'
    assert_bad sigmon "$CONFIG:2: there are no sections, remove [client]"
    config 'id'
    assert_bad sigmon "$CONFIG:1: expected 'name = value'"
    config 'id ='
    assert_bad sigmon "$CONFIG:1: id needs a value"
    config "$(printf 'url = ws://127.0.0.1:1/%0500d' 0)"
    run --separate-stderr sigmon
    assert_failure 9
    [[ $stderr == "sigmon: $CONFIG:1: the line is longer than "*" bytes" ]]
}

@test "a configuration that cannot be read is told, help stays there" {
    mkdir "$CONFIG"
    assert_bad sigmon "$CONFIG: Is a directory"
    for tool in sigctl sigmon sigbench; do
        run --separate-stderr "$tool" --help
        assert_success
        assert_output --partial "$tool"
    done
}

@test "a wrong command line is 2, whatever the configuration" {
    config 'nonsense = 1'
    run --separate-stderr sigctl list --nonsense
    assert_failure 2
}

@test "of options that exclude each other the stronger source counts" {
    start_sigd
    start peer sigctl -q register d1 --hold
    sigctl wait peer d1
    config 'json = true' 'quiet = true'
    run --separate-stderr sigctl list --match d1
    assert_success
    assert_json '.type == "clients"'
    run --separate-stderr sigctl list --match d1 --plain
    assert_success
    assert_output d1
    run --separate-stderr sigctl <<<'list --match d1 --plain'
    assert_success
    assert_output d1
    config 'json = false'
    run --separate-stderr sigctl list --match d1
    assert_success
    assert_output d1
}

@test "sigbench takes its report's form from the stronger source, and no id" {
    start_sigd
    config 'json = true' 'id = d1'
    run --separate-stderr sigbench -c 2 -n 10 --warmup 0s
    assert_success
    assert_json '.valid'
    start watch sigmon -C 1 -F '%{id}' event=register --ready-file ready
    wait_for 5 test -e ready
    run --separate-stderr sigbench -c 2 -n 10 --warmup 0s -o text
    assert_success
    [[ $output != '{'* ]]
    finish "$PID"
    run cat watch.out
    assert_output --regexp '^bench-'
    config 'json = false'
    run --separate-stderr sigbench -c 2 -n 10 --warmup 0s
    assert_success
    [[ $output != '{'* ]]
}

@test "of an env file only our variables count" {
    start_sigd
    port=$SIGD_PORT
    unset SIGD_URL
    printf '%s\n' '# comment' '' 'PATH=/nowhere' 'SIGD_PORT=1' 'SIGD_TIMEOUT=' \
        "  export SIGD_URL='ws://127.0.0.1:$port'" $'SIGD_ID=d7 # me\r' >vars
    run --separate-stderr sigctl --env-file vars register
    assert_success
    assert_output --partial d7
    run --separate-stderr sigctl --env-file vars -i d8 register
    assert_success
    assert_output --partial d8
}

@test "an env file that is missing or wrong is 9 with its name" {
    for tool in sigctl sigmon sigbench; do
        assert_bad "$tool" 'none: No such file or directory' --env-file none
    done
    assert_bad sigmon '.: Is a directory' --env-file .
    printf 'A=1\nSIGD_TIMEOUT=5x\n' >vars
    assert_bad sigctl "vars:2: SIGD_TIMEOUT '5x': must be a duration such as 250ms or 5s, longer than 0, or none" \
        --env-file=vars list
    echo 'SIGD_URL' >vars
    assert_bad sigctl 'vars:1: expected NAME=value' list --env-file vars
    run --separate-stderr sigctl --json --env-file none list
    assert_failure 9
    assert_json '.exit == 9 and (.message | startswith("none: "))'
}

@test "a token of the environment beats a token file of the configuration" {
    config 'token-file = /nowhere/token' 'url = ws://127.0.0.1:1'
    run --separate-stderr sigctl list
    assert_failure 9
    SIGD_TOKEN=abc assert_url sigctl ws://127.0.0.1:1
    echo 'SIGD_TOKEN=abc' >vars
    assert_url sigctl ws://127.0.0.1:1 --env-file vars
    SIGD_TOKEN_FILE=/nowhere/other run --separate-stderr sigctl --env-file vars list
    assert_failure 9
    [[ $stderr == *"/nowhere/other"* ]]
}
