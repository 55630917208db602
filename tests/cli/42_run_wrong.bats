# SPDX-License-Identifier: MIT
# Scenarios that are wrong: told with file, line and place before anything is sent.
setup()
{
    load ../lib/common.bash
    # nobody listens: a scenario that began to run would end with 3
    export SIGD_URL=ws://127.0.0.1:1
    cd "$BATS_TEST_TMPDIR" || return
}

# wrong STATUS LINE MESSAGE: the scenario on stdin is refused so.
wrong()
{
    cat >scene.sig
    run --separate-stderr sigctl run --tap scene.sig
    assert_equal "$status" "$1"
    assert_output ''
    [[ $stderr == "sigctl: scene.sig:$2: $3"* ]] || fail "want line $2: $3, got: $stderr"
}

# lines: a table of "MESSAGE|LINE OF THE SCENARIO", each behind two identities.
lines()
{
    local row
    while IFS='|' read -r message row; do
        printf 'as a register a1\nas b register b1\n%s\n' "$row" | wrong 2 3 "$message"
    done
}

@test "words, identities and their places" {
    lines <<'END'
unknown word 'parallle', did you mean 'parallel'?|parallle
unknown word 'ofer', did you mean 'offer'?|a ofer b
unknown identity 'c' (try: as c register ID)|c offer a
unknown word 'target_not_foud', did you mean 'target_not_found'?|fails target_not_foud a offer b
usage: NAME COMMAND|a
usage: fails [STATUS|fails 6
usage: as NAME register ID|as c
usage: as NAME register ID|as c offer a
'list' cannot be the name|as list register x
'9x' cannot be the name|as 9x register x
usage: NAME expect TYPE|expect offer
usage: assert LEFT OP RIGHT|a assert x == y
usage: assert LEFT OP RIGHT|assert x ==
usage: NAME drop|a drop now
a quote is not closed|a offer "b
a scenario runs no scenario|run x
'drop' cannot be what fails|fails a drop
'echo' cannot be what fails|fails echo x
usage: test "NAME"|test one two
END
}

@test "commands and their options" {
    lines <<'END'
unknown option '--sdpp', did you mean '--sdp'?|a offer b --sdpp auto
--wait 'x': must be answer|a offer b --wait x
unknown option '--nosuch'|a offer b --nosuch $id.a
usage: offer TO|a offer
usage: bye TO|a bye b c
--timeout '5x': must be a duration|a ping -W 5x
--id stands in the line of as|a offer b --id x
--token-file stands in the line of as|a offer b --token-file x
unknown option '--rolle', did you mean '--role'?|as c register c1 --rolle x
END
}

@test "expressions, patterns, durations, counts, variables" {
    lines <<'END'
expect what?|a expect from b
unknown type 'ofer', did you mean 'offer'?|a expect ofer
presence is waited for by|a expect presence
unknown field 'form', did you mean 'from'?|a expect offer where form=x
usage: expect TYPE|a expect offer from
usage: expect TYPE|a expect offer from b c
unexpected 'answer'|a expect offer answer
'5x': must be a duration|a expect offer within 5x
the pattern: |assert $msg.sdp ~ 'a(b'
'=': must be ==|assert $msg.sdp = x
'soon': must be a duration|pause soon
'soon': must be a duration|timeout soon
'many': must be a count|repeat many
'2000000': must be a count|repeat 2000000
END
}

@test "a variable that nothing sets, an identity that comes later, an absent variable" {
    printf 'set session = 1\nassert $sesion == 1\n' |
        wrong 2 2 "nothing sets \$sesion, did you mean '\$session'?"
    printf 'echo $id.a\nas a register a1\n' | wrong 2 1 "no identity 'a' before this line"
    printf 'echo ${env.SIGKIT_NO_SUCH}\n' | wrong 2 1 'SIGKIT_NO_SUCH is not in the environment'
    printf 'set msg = 1\n' | wrong 2 1 'this cannot be the name of a variable'
    printf 'set x 1 2\n' | wrong 2 1 'usage: set NAME = VALUE'
}

@test "the caret stands under the word, behind what is more than a byte" {
    run --separate-stderr sigctl run - <<<$'as a register a1\n  a expect offer from ü within soon # ...'
    assert_failure 2
    assert_equal "$stderr" "sigctl: stdin:2: 'soon': must be a duration such as 250ms or 5s
  a expect offer from ü within soon # ...
                               ^"
}

@test "blocks" {
    printf 'as a register a1\nrepeat 2\na list\n' | wrong 2 2 'the block has no end'
    printf 'end\n' | wrong 2 1 'there is no block to end'
    printf 'repeat 1\ntest x\nend\n' | wrong 2 2 'a test within a block'
    printf 'parallel\nrepeat 2\nparallel\nend\nend\nend\n' | wrong 2 3 'parallel within parallel'
    printf 'repeat 2000\nrepeat 2000\nend\nend\n' | wrong 2 2 'more than 1000000 rounds in all'
    printf 'repeat 1\n%.0s' {1..9} | wrong 2 9 'more than 8 blocks in each other'
    printf 'as a register a\nas b register b\nparallel\nrepeat 2\na list\nb list\nend\nend\n' |
        wrong 2 6 'a repeat within parallel has the lines of one identity'
}

@test "hostile files are 9, with the line" {
    printf 'echo x\na\0b\n' | wrong 9 2 'a NUL byte'
    printf 'echo x\n\necho \xff\n' | wrong 9 3 'not UTF-8'
    printf 'echo \xc0\xaf\n' | wrong 9 1 'not UTF-8'
    printf 'echo \033[2J\n' | wrong 9 1 'a control character'
    { echo 'echo x'; head -c 70000 /dev/zero | tr '\0' a; } | wrong 9 2 'the line is longer than 64 KiB'
    yes 'echo x' | head -c 1100000 | wrong 9 149797 'the scenario is larger than 1 MiB'
    run --separate-stderr timeout 20 sigctl run /dev/zero
    assert_failure 9
    for file in . nosuch; do
        run --separate-stderr sigctl run "$file"
        assert_failure 9
        [[ $stderr == "sigctl: cannot read $file: "* ]]
    done
    run --separate-stderr sigctl run - <<<$'echo x\r'
    assert_success
    assert_line --index 0 x
}

@test "too many words are refused, and a long line is not repeated" {
    { printf 'echo'; printf ' x%.0s' {1..300}; } >long.sig
    run --separate-stderr sigctl run long.sig
    assert_failure 2
    assert_equal "$stderr" 'sigctl: long.sig:1: too many words'
}

@test "an empty scenario proves nothing; options that exclude each other are told" {
    run --separate-stderr sigctl run - <<<'# nothing'
    assert_failure 9
    assert_equal "$stderr" 'sigctl: stdin:2: the scenario has no line'
    run --separate-stderr sigctl run --tap --json - <<<'list'
    assert_failure 2
    run --separate-stderr sigctl run - --var 1x=2 <<<'list'
    assert_failure 2
    run --separate-stderr sigctl <<<'run x'
    assert_failure 2
}
