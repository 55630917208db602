# SPDX-License-Identifier: MIT
# sigmon audit verify: chains that sha256sum made, and what can be done to them.
setup()
{
    load ../lib/common.bash
    cd "$BATS_TEST_TMPDIR" || return
    SEQ=1
    PREV=$(printf '0%.0s' {1..64})
}

hash_of() { printf '%s' "$1" | sha256sum | cut -d ' ' -f 1; }

# put FILE EVENT [FIELDS]: the next record of the chain.
put()
{
    local line
    line='{"seq":'$SEQ',"ts":"2026-11-23T10:00:00.000Z","event":"'$2'"'${3:-}',"prev":"'$PREV'"}'
    printf '%s\n' "$line" >>"$1"
    SEQ=$((SEQ + 1))
    PREV=$(hash_of "$line")
}

# chain FILE N: the next N records.
chain()
{
    local i
    for ((i = 0; i < $2; i++)); do
        put "$1" relay ',"from":"drone-1","to":"cam-2","size":'$((100 + i))
    done
}

# tear FILE: the next record, of which only the beginning was written.
tear()
{
    printf '{"seq":%d,"ts":"2026-11-2' "$SEQ" >>"$1"
    PREV=$(hash_of "$(tail -n 1 "$1")")
}

verify() { run --separate-stderr sigmon audit verify "$@"; }

# assert_broken TEXT: exit 1, and that message.
assert_broken()
{
    assert_failure 1
    assert_equal "$stderr" "sigmon: $1"
}

@test "an intact chain" {
    chain a 5
    verify a
    assert_success
    assert_output "a: 5 records, seq 1..5, chain intact, head $PREV"
    assert_equal "$stderr" ''
}

@test "several files are one chain, and standard input may be the first" {
    chain a 3
    chain b 2
    head=$PREV
    chain c 4
    verify a b c
    assert_success
    assert_line --index 1 "b: 2 records, seq 4..5, chain intact, head $head"
    assert_line --index 2 "c: 4 records, seq 6..9, chain intact, head $PREV"
    gzip a
    run --separate-stderr bash -c 'zcat a.gz | sigmon audit verify - b c'
    assert_success
    assert_line --index 0 --partial '-: 3 records, seq 1..3, chain intact'
    verify b c
    assert_success
}

@test "files in another order, or without one between" {
    chain a 3
    chain b 2
    chain c 4
    verify b a c
    assert_broken 'a:1: another chain begins here: record 1 after record 5'
    verify a c
    assert_broken 'c:1: records 4 to 5 are missing before this one'
    verify c b
    assert_broken 'b:1: out of order: record 4 after record 9'
}

@test "drops and torn lines are told" {
    chain a 2
    put a dropped ',"count":17'
    tear a
    echo >>a
    put a recovered ',"bytes":25'
    put a dropped ',"count":3'
    verify a
    assert_success
    assert_output "a: 5 records, seq 1..5, chain intact, 20 events dropped, \
1 torn lines recovered, head $PREV"
}

@test "a torn line at the end needs the next file to tell so" {
    chain a 2
    tear a
    verify a
    assert_broken 'a:3: not a record (cut off), and none after it that tells so'
    put b recovered ',"bytes":25'
    verify a b
    assert_success
    assert_line --index 0 --partial 'a: 2 records, seq 1..2, chain intact, last line torn, head '
    assert_line --index 1 --partial 'b: 1 records, seq 3..3, chain intact, 1 torn lines recovered'
}

@test "JSON, values and templates" {
    chain a 2
    put a dropped ',"count":17'
    verify --json a
    assert_success
    assert_json '. == {ok: true, file: "a", records: 3, first: 1, last: 3, dropped: 17,
        recovered: 0, torn: false, head: "'"$PREV"'"}'
    verify -F '%{file} %{dropped}' a
    assert_output 'a 17'
    sed -i 2d a
    verify --json a
    assert_failure 1
    assert_json '.exit == 1 and .message == "a:2: record 2 is missing before this one"'
}

@test "a changed number, time, field, hash or newline" {
    chain a 5
    declare -A changes=(
        ['3s/"seq":3/"seq":8/']='a:3: records 3 to 7 are missing before this one'
        ['3s/"seq":3/"seq":2/']='a:3: out of order: record 2 after record 2'
        ['3s/10:00:00/10:00:01/']='a:4: prev of record 4 is not the hash of record 3: one of the two was changed'
        ['3s/cam-2/cam-3/']='a:4: prev of record 4 is not the hash of record 3: one of the two was changed'
        ['3s/"prev":"./"prev":"x/']='a:3: not a record (no hash in prev), and none after it that tells so'
        ['3s/..$/0"}/']='a:3: not a record (no hash in prev), and none after it that tells so'
        ['3s/}$/} /']='a:3: not a record (no seq at its beginning), and none after it that tells so'
        ['3s/"ts":"2/"ts":"x/']='a:3: not a record (no time in ts), and none after it that tells so'
    )
    for change in "${!changes[@]}"; do
        sed "$change" a >b
        ! cmp -s a b || fail "$change changed nothing"
        verify b
        assert_broken "b${changes[$change]#a}"
    done
    sed '3{N;s/\n/ /}' a >b
    verify b
    assert_failure 1
    [[ $stderr == 'sigmon: b:3: not a record ('* ]]
}

@test "a hash in prev that is another's" {
    chain a 5
    last=$(sed -nE '3s/.*"prev":"(.*)"}/\1/p' a)
    sed "4s/\"prev\":\".*\"/\"prev\":\"$last\"/" a >b
    verify b
    assert_broken \
        'b:4: prev of record 4 is not the hash of record 3: one of the two was changed'
}

@test "lines taken out, doubled or moved" {
    chain a 5
    sed 2,3d a >b
    verify b
    assert_broken 'b:2: records 2 to 3 are missing before this one'
    sed 3p a >b
    verify b
    assert_broken 'b:4: out of order: record 3 after record 3'
    sed '2{h;d};3G' a >b
    verify b
    assert_broken 'b:2: record 2 is missing before this one'
}

@test "a piece cut out of the middle" {
    chain a 5
    size=$(stat -c %s a)
    { head -c $((size / 2)) a && tail -c $((size / 4)) a; } >b
    verify b
    assert_failure 1
    [[ $stderr == 'sigmon: b:3: not a record ('* ]]
}

@test "an end cut off shows with --expect-head alone" {
    chain a 3
    kept=$PREV
    chain a 2
    verify --expect-head "$PREV" a
    assert_success
    assert_equal "$stderr" 'sigmon: the expected head is record 5; 0 follow it'
    verify --expect-head "${kept^^}" -q a
    assert_success
    assert_equal "$stderr" ''
    head -n 4 a >b
    verify b
    assert_success
    verify --expect-head "$PREV" b
    assert_broken \
        'no record has the expected head: the end was cut off, or all was written anew'
}

@test "a chain written anew shows with --expect-head alone" {
    chain a 3
    kept=$PREV
    setup
    put a2 relay ',"from":"nobody"'
    chain a2 2
    verify a2
    assert_success
    verify --expect-head "$kept" a2
    assert_failure 1
}

@test "a beginning that cannot be one" {
    SEQ=7
    chain a 1
    verify a
    assert_broken 'a:1: record 7 has no record before it'
    SEQ=1
    chain b 1
    verify b
    assert_broken 'b:1: record 1 begins a chain, but prev is not zero'
}

@test "what is unreadable or no audit log gives 9" {
    verify nothing
    assert_failure 9
    assert_equal "$stderr" 'sigmon: nothing: No such file or directory'
    verify .
    assert_failure 9
    echo hello >text
    verify text
    assert_failure 9
    assert_equal "$stderr" 'sigmon: text: not an audit log'
    : >empty
    verify empty
    assert_failure 9
    assert_equal "$stderr" 'sigmon: empty: empty, not an audit log'
    head -c 3000000 /dev/zero >zeros
    verify zeros
    assert_failure 9
}

@test "lines longer than any record are not read whole" {
    chain a 2
    cp a b
    head -c 3000000 /dev/zero | tr '\0' x >>a
    verify a
    assert_broken 'a:3: longer than any record'
    { head -c 100000 /dev/zero | tr '\0' x && echo; } >>b
    verify b
    assert_broken 'b:3: longer than any record'
}

@test "usage" {
    chain a 1
    for words in 'audit' 'audit verify' 'audit check a' '--expect-head 12 audit verify a' \
        'audit verify -F %{file a' 'audit verify --until event=relay a'; do
        # shellcheck disable=SC2086  # words
        run --separate-stderr sigmon $words
        assert_failure 2
        assert_equal "$output" ''
        [[ $stderr == sigmon:* ]]
    done
    run --separate-stderr sigmon --expect-head 00 event=relay
    assert_failure 2
    [[ $stderr == *"unknown option '--expect-head'"* ]]
}

@test "help of a command" {
    run --separate-stderr sigmon --help
    assert_success
    assert_line --regexp '^  audit verify FILE\.\.\. +check'
    all=$output
    run --separate-stderr sigmon help
    assert_output "$all"
    run --separate-stderr sigmon help audit
    assert_success
    mine=$output
    run --separate-stderr sigmon audit --help
    assert_output "$mine"
    run --separate-stderr sigmon help nothing
    assert_failure 2
}
