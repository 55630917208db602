# SPDX-License-Identifier: MIT
# What needs no server: version, help, usage errors, a server that is down.
setup() { load ../lib/common.bash; export SIGD_URL=ws://127.0.0.1:1; }

@test "no time at all to wait is no timeout" {
    for tool in sigctl sigmon sigbench; do
        run --separate-stderr "$tool" -W 0
        assert_failure 2
        [[ $stderr == *'must be a duration such as 250ms or 5s, longer than 0, or none'* ]]
    done
}

@test "both tools tell their version" {
    run --separate-stderr sigctl --version
    assert_success
    assert_output --regexp '^sigctl [0-9]+\.[0-9]+\.[0-9]+$'
    run --separate-stderr sigmon -V
    assert_success
    assert_output --regexp '^sigmon [0-9]+\.[0-9]+\.[0-9]+$'
}

@test "help starts with examples and fits a screen" {
    run --separate-stderr sigctl --help
    assert_success
    assert_line --index 0 --regexp '^  sigctl '
    ((${#lines[@]} <= 24)) || fail "${#lines[@]} lines"
}

@test "help of a command shows an example and its options" {
    run --separate-stderr sigctl help offer
    assert_success
    assert_line --index 0 --partial 'sigctl -i drone-1 offer cam-2'
    assert_output --partial '--media'
    expected=$output
    run --separate-stderr sigctl offer --help
    assert_success
    assert_output "$expected"
}

@test "an unknown command is a usage error with a guess" {
    run --separate-stderr sigctl ofer cam-2 --sdp auto
    assert_failure 2
    assert_output ''
    assert_equal "$stderr" "sigctl: unknown command 'ofer', did you mean 'offer'?"
}

@test "an unknown option is a usage error with a guess" {
    run --separate-stderr sigctl list --mach x
    assert_failure 2
    assert_output ''
    [[ $stderr == *"--mach"*"'--match'"* ]]
}

@test "a bad duration is a usage error that says what is wanted" {
    run --separate-stderr sigctl ping -W 5x
    assert_failure 2
    [[ $stderr == *"a duration such as"* ]]
}

@test "too few arguments show the usage" {
    run --separate-stderr sigctl offer
    assert_failure 2
    assert_equal "$stderr" 'sigctl: usage: offer TO [SPEC]'
}

@test "options stand before and after the command" {
    run --separate-stderr sigctl -i d1 -W 1s list --json
    assert_failure 3
    first=$output
    run --separate-stderr sigctl list --json --timeout=1s --id=d1
    assert_failure 3
    assert_output "$first"
}

@test "a server that is down gives 3 on both streams" {
    run --separate-stderr sigctl list --json
    assert_failure 3
    [[ $stderr == "sigctl: cannot connect to ws://127.0.0.1:1: "* ]]
    assert_json '.ok == false and .exit == 3 and .code == "connect"'
    run --separate-stderr sigmon
    assert_failure 3
    assert_output ''
}

@test "a malformed URL is a usage error" {
    run --separate-stderr sigctl -u http://nowhere list
    assert_failure 2
}

@test "sigmon points at what is wrong in a filter" {
    run --separate-stderr sigmon 'type=offer and form=x'
    assert_failure 2
    [[ $stderr == *"did you mean 'from'?"* ]]
    [[ $stderr == *$'\n                 ^' ]]
    run --separate-stderr sigmon --until 'size>many'
    assert_failure 2
}

@test "a bad template is a usage error" {
    run --separate-stderr sigmon -F '%{from'
    assert_failure 2
    run --separate-stderr sigctl -F '%x' list
    assert_failure 2
}

@test "closed streams do not become sockets" {
    run timeout 10 bash -c 'sigctl <&-'
    assert_success
    run timeout 10 bash -c 'sigctl completion bash >&-'
    assert_failure 9
    run timeout 10 bash -c 'sigctl -u ws://127.0.0.1:1 list <&- >&- 2>&-'
    assert_failure 3
}

@test "a directory is not a script" {
    run sigctl <"$BATS_TEST_TMPDIR"
    assert_failure 9
    assert_output "sigctl: line 1: cannot read standard input: Is a directory"
}

@test "options that exclude each other on one line are a usage error that names both" {
    run --separate-stderr sigctl list --json --plain
    assert_failure 2
    [[ $stderr == *"--json and --plain exclude each other" ]]
    run --separate-stderr sigctl -F '%{id}' list --pretty
    assert_failure 2
    [[ $stderr == *"--format and --pretty exclude each other" ]]
    run --separate-stderr sigmon --plain --pretty --json
    assert_failure 2
    [[ $stderr == *"--plain and --pretty exclude each other" ]]
}

@test "a line of a script cannot have options of the whole run" {
    for option in '-u ws://127.0.0.1:2' --token-file=x -k '--retry 3' '--wait-server 1s' --trace -V; do
        run --separate-stderr sigctl <<<"token show $option"
        assert_failure 2
        [[ $stderr == "sigctl: line 1: --"*" is for the whole run: it stands behind sigctl" ]]
    done
}

@test "--init is for the prompt alone" {
    run --separate-stderr sigctl --init x list
    assert_failure 2
    assert_equal "$stderr" 'sigctl: --init is for the prompt, not for a command'
    run --separate-stderr sigctl --init x <<<list
    assert_failure 2
    assert_equal "$stderr" 'sigctl: --init is for the prompt, and standard input is no terminal'
    run --separate-stderr sigctl save x
    assert_failure 2
    assert_equal "$stderr" 'sigctl: save is for the prompt: it writes what was typed'
}
