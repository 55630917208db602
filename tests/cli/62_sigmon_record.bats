# SPDX-License-Identifier: MIT
# sigmon record, and what reads recordings: plain, compressed, in parts, cut off.
setup() {
    load ../lib/common.bash
    cd "$BATS_TEST_TMPDIR" || return
    start_sigd
}
teardown() { stop_all; }

# peers ID...: each registers and leaves.
peers()
{
    for id in "$@"; do
        sigctl -q register "$id"
    done
}

@test "what is recorded is what tail prints, and --file prints it again" {
    peers d1 d2 d3
    for file in plain packed.gz; do
        run --separate-stderr sigmon record "$file" --since 0 -C 3 event=register -W 5s
        assert_success
        assert_output ''
        assert_equal "$stderr" "sigmon: 3 events recorded in $file, none missed"
        assert_equal "$(stat -c %a "$file")" 600
    done
    sigmon --since 0 -C 3 event=register --json >tailed
    gzip -t packed.gz
    for file in plain packed.gz; do
        assert_equal "$(zcat -f "$file" | head -n 1 | jq -c '[.type, .version, .filter]')" \
            '["recording",1,"event=register"]'
        assert_equal "$(zcat -f "$file" | tail -n +2)" "$(<tailed)"
        assert_equal "$(sigmon -f "$file" --json)" "$(<tailed)"
        assert_equal "$(sigmon -f - --json <"$file")" "$(<tailed)"
        assert_equal "$(sigmon -f "$file" -F '%{id}' -x id=d2)" $'d1\nd3'
        assert_equal "$(sigmon -f "$file" -F '%{id}' --until id=d2)" $'d1\nd2'
        assert_equal "$(sigmon -f "$file" -F '%{id}' -C 1)" d1
        assert_equal "$(sigmon -f "$file" -F '%{id}' --since "$(jq .seq tailed | tail -n 1)")" d3
    done
    sigmon -w both --since 0 -C 3 event=register --json >shown
    cmp shown <(tail -n +2 both)
}

@test "parts of a size, so many old ones, nothing lost between them" {
    peers d{1..40}
    run --separate-stderr sigmon record part --rotate 2K:3 --since 0 -C 40 event=register -W 5s
    assert_success
    assert_equal "$(ls part*)" $'part\npart.1\npart.2\npart.3'
    for file in part part.1 part.2 part.3; do
        (($(stat -c %s "$file") <= 2048)) || fail "$file"
    done
    seqs=$(cat part.3 part.2 part.1 part | jq 'select(.seq).seq')
    assert_equal "$(tail -n 1 <<<"$seqs")" "$(sigmon --since 0 -C 40 event=register -F '%{seq}' | tail -n 1)"
    assert_equal "$seqs" "$(sort -n <<<"$seqs")"
    for bad in 2K 2K:x 0:2 2K:1:1 :; do
        run --separate-stderr sigmon record x --rotate "$bad" -d 10ms
        assert_failure 2
    done
    run --separate-stderr sigmon --rotate 2K:3 -d 10ms
    assert_failure 2
}

@test "what came is in the file at once" {
    start rec sigmon record live --ready-file ready event=register
    rec=$PID
    wait_for 5 test -e ready
    peers d1
    wait_for 5 grep -q '"d1"' live
    kill -KILL "$rec"
}

@test "a file whose end is cut off is read as far as it goes" {
    peers d{1..50}
    sigmon -q record whole --since 0 -C 50 event=register -W 5s
    head -c 5000 whole >torn
    run --separate-stderr sigmon -f torn -F '%{id}'
    assert_success
    assert_equal "$stderr" 'sigmon: torn: the end is cut off'
    assert_line --index 0 d1
    gzip -k whole
    head -c 600 whole.gz >torn.gz
    run --separate-stderr sigmon -f torn.gz -F '%{id}'
    assert_success
    assert_equal "$stderr" 'sigmon: torn.gz: the end is cut off'
    assert_line --index 0 d1
}

@test "what is no recording is 9 with its line" {
    run --separate-stderr sigmon -f missing
    assert_failure 9
    assert_equal "$stderr" 'sigmon: missing: No such file or directory'
    printf '{"event":"register","ts":"2026-11-28T12:00:00.000Z","id":"a"}\njunk\n' >junk
    run --separate-stderr sigmon -f junk -F '%{id}'
    assert_failure 9
    assert_output a
    assert_equal "$stderr" 'sigmon: junk:2: not a JSON object'
    echo '{"event":"register","ts":5}' >ts
    run --separate-stderr sigmon -f ts
    assert_failure 9
    head -c 3000000 /dev/zero | tr '\0' x >long
    run --separate-stderr sigmon -f long
    assert_failure 9
    run --separate-stderr sigmon -f .
    assert_failure 9
    printf '\x1f\x8b\x08\x00garbagegarbagegarbage' >bad.gz
    run --separate-stderr sigmon -f bad.gz
    assert_failure 9
}

@test "options that only a server understands are refused for a file" {
    for words in '-n 5' '--sample 5%' --content '--ready-file x' '--since 5m'; do
        # shellcheck disable=SC2086  # words
        run --separate-stderr sigmon -f x $words
        assert_failure 2
    done
}

@test "a disk that is full, a directory that is not there: 9" {
    peers d1
    run --separate-stderr sigmon record no/where
    assert_failure 9
    assert_equal "$stderr" 'sigmon: cannot make no/where: No such file or directory'
    run --separate-stderr sigmon record /dev/full --since 0 -d 5s event=register
    assert_failure 9
    [[ $stderr == *'cannot write /dev/full: No space left on device'* ]] || fail "$stderr"
    run --separate-stderr sigmon record
    assert_failure 2
}
