# SPDX-License-Identifier: MIT
# The option and command tables, as help prints them, against the man pages and the completions.
setup() {
    load ../lib/common.bash
    export SIGD_URL=ws://127.0.0.1:1
    man=$BATS_TEST_DIRNAME/../../man
}

# options: "letter name" of each row of a help text.
options() { sed -nE 's/^  (-(.), |    )--([a-z-]+).*/\2 \3/p' | sort -u; }

# items PAGE MACRO SECTION: the same of a section (Sh) or command (Ss) of a page.
items()
{
    awk -v want=".$2 $3" '/^\.S[hs] / { on = $0 == want } on && /^\.It Fl / { print }' "$man/$1" |
        sed -nE 's/^\.It (Fl (.) , )?Fl -([a-z-]+).*/\2 \3/p' | sort -u
}

# One a line, but for neighbours of one kind: "  a, b, c    what they do".
command_names()
{
    sigctl --help | sed -n '/^commands:/,/^$/s/^  //p' | sed 's/, /,/g; s/ .*//' | tr , '\n'
}

@test "options of every command are those of sigctl.1" {
    expected=$(sigctl help options | options)
    [[ $expected ]]
    assert_equal "$(items sigctl.1 Sh OPTIONS)" "$expected"
}

@test "each command has a section with its options, and no section is without a command" {
    assert_equal "$(sed -n 's/^\.Ss //p' "$man/sigctl.1" | sort)" "$(command_names | sort)"
    for name in $(command_names); do
        assert_equal "$name: $(items sigctl.1 Ss "$name")" \
            "$name: $(sigctl help "$name" | options)"
    done
}

mon_command_names() { sigmon --help | sed -n '/^commands:/,/^$/s/^  \([a-z]*\).*/\1/p'; }

# part TITLE: the options behind that line of a help text, up to the next blank line.
part() { sed -n "/^$1:\$/,/^\$/p" | options; }

@test "options of sigmon's connection and of events are those of sigmon.1" {
    expected=$(sigmon help options | part 'options of every command, connection and output')
    [[ $expected ]]
    assert_equal "$(items sigmon.1 Sh OPTIONS)" "$expected"
    expected=$(sigmon help options | part 'options of commands that want events')
    [[ $expected ]]
    assert_equal "$(items sigmon.1 Sh 'WHICH EVENTS')" "$expected"
}

@test "each command of sigmon has a section with its options, and no section is without a command" {
    names=$(mon_command_names)
    [[ $names ]]
    assert_equal "$(sed -n 's/^\.Ss //p' "$man/sigmon.1" | sort)" "$(sort <<<"$names")"
    for name in $names; do
        assert_equal "$name: $(items sigmon.1 Ss "$name")" \
            "$name: $(sigmon help "$name" | part options)"
    done
}

@test "exit codes of both pages are those of the table" {
    expected=$(sed -nE 's/^EXIT_ROW\([A-Z_]+, ([0-9]),.*/\1/p' \
        "$BATS_TEST_DIRNAME/../../cli/common/tbl/exits.h")
    for page in sigctl.1 sigmon.1; do
        run sed -nE '/^\.Sh EXIT/,/^\.Sh ENV/s/^\.It ([0-9])$/\1/p' "$man/$page"
        assert_output "$expected"
    done
}

# assert_completed TOOL COMMAND...: each of them, and each of its options, is in the scripts.
assert_completed()
{
    local tool=$1 shell script name option
    shift
    for shell in bash zsh fish; do
        script=$("$tool" completion "$shell")
        for name in "$@"; do
            grep -qw -- "$name" <<<"$script" || fail "$tool, $shell: $name"
            for option in $("$tool" help "$name" | options | sed 's/.* //'); do
                grep -q -- "$option" <<<"$script" || fail "$tool, $shell: $name --$option"
            done
        done
        ! grep -qE "_NAME|-c NAME" <<<"$script" || fail "$tool, $shell: a stand-in for the name is left"
    done
    bash -n <("$tool" completion bash)
}

@test "the completions know every command and option" {
    mapfile -t names < <(command_names)
    assert_completed sigctl "${names[@]}"
    mapfile -t names < <(mon_command_names)
    assert_completed sigmon "${names[@]}"
}

@test "completion in bash offers commands, options and nothing for an unknown shell" {
    source <(sigctl completion bash)
    COMP_WORDS=(sigctl off) COMP_CWORD=1
    _sigctl
    assert_equal "${COMPREPLY[*]}" offer
    COMP_WORDS=(sigctl offer --med) COMP_CWORD=2
    _sigctl
    assert_equal "${COMPREPLY[*]}" --media
    for tool in sigctl sigmon; do
        run --separate-stderr "$tool" completion tcsh
        assert_failure 2
        assert_output ''
        assert_equal "$stderr" "$tool: completion for bash, zsh or fish"
    done
    run --separate-stderr sigmon completion
    assert_failure 2
    assert_output ''
}

@test "options of sigbench are those of sigbench.1, and every scenario is there" {
    expected=$(sigbench --help | options)
    [[ $expected ]]
    assert_equal "$(sed -nE 's/^\.It (Fl (.) , )?Fl -([a-z-]+).*/\2 \3/p' "$man/sigbench.1" | sort -u)" \
        "$expected"
    for name in $(sigbench --help | sed -n '/^Scenarios:/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
        grep -q "^\.It Cm $name\$" "$man/sigbench.1" || fail "no $name in the man page"
    done
}
