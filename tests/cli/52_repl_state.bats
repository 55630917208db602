# SPDX-License-Identifier: MIT
# What sigctl's prompt keeps and reads: offers of Tab, --init, save, the history.
setup() {
    load prompt.bash
    start_sigd
}
teardown() {
    stop_prompt
    stop_all
}

@test "Tab offers an id that joined just now, and not one that left" {
    needs_readline
    start_prompt
    start hold sigctl register camera-1 --hold
    sigctl wait peer camera-1
    keys 'offer cam' Tab
    wait_for 5 last_is 'sigctl> offer camera-1 [SPEC]'
    keys C-u
    stop "$PID"
    start other sigctl register camera-2 --hold
    sigctl wait peer camera-2
    sigctl wait peer camera-1 --gone
    keys 'offer cam' Tab
    wait_for 5 last_is 'sigctl> offer camera-2 [SPEC]'
}

@test "Tab offers words, values, options and files with blanks" {
    needs_readline
    touch "$BATS_TEST_TMPDIR/my offer.sdp"
    start_prompt --color never
    for pair in 'wait ser|wait server' 'offer x --wait ans|offer x --wait answer' \
        'offer x --wait=no|offer x --wait=none' 'offer x --med|offer x --media' \
        'help reg|help register' 'offer x --sdp @my|offer x --sdp @my\ offer.sdp' \
        'list --color=alw|list --color=always' "offer x --sdp '@my|offer x --sdp '@my offer.sdp'" \
        'save my|save my\ offer.sdp'; do
        type_text "${pair%|*}"
        keys Tab
        wait_for 5 last_is "sigctl> ${pair#*|}"
        keys C-a C-k
        wait_for 5 last_is 'sigctl>'
    done
    # nor does it offer what no line may have
    keys 'list --ur' Tab 'x'
    wait_for 5 last_is 'sigctl> list --urx'
}

@test "--init runs its lines, tells file and line of the one that fails, and the session stays" {
    printf 'register op-1\n\n# comment\nlist --count\nfrobnicate\nlist --detail\n' \
        >"$BATS_TEST_TMPDIR/start"
    start_prompt --init start
    wait_for 5 shows '^registered op-1'
    wait_for 5 shows '^1$'
    wait_for 5 shows "^sigctl: start:5: unknown command 'frobnicate'"
    run ! showed 'since'
    keys 'frob' Enter
    wait_for 5 shows "^sigctl: unknown command 'frob'"
    keys C-d
    wait_for 5 shows '^left with 0'
    [[ ! -s $HISTORY_FILE ]] || ! grep frobnicate "$HISTORY_FILE"
}

@test "--init with a file that cannot be read is 9" {
    terminal 110 40 "$(command -v sigctl)" --init nowhere
    wait_for 5 shows '^left with 9'
    shows 'nowhere: No such file'
}

@test "a server that is not there is 3, with --wait-server it is waited for" {
    terminal 110 40 "$(command -v sigctl) -u ws://127.0.0.1:1; echo first \$?; \
        $(command -v sigctl) -i op-1 --wait-server 30s"
    wait_for 5 shows '^first 3'
    wait_for 5 shows '^sigctl>'
}

@test "save writes what succeeded, and sigctl runs it" {
    start_prompt -i op-1
    keys 'list --count' Enter
    wait_for 5 shows '^1$'
    keys 'offer ghost' Enter
    wait_for 5 shows 'ghost is not registered'
    keys 'token show @nothing' Enter
    keys 'wait peers >=1' Enter
    keys 'save s.sig' Enter
    wait_for 5 shows '^saved 3 lines'
    run cat "$BATS_TEST_TMPDIR/s.sig"
    assert_output $'register op-1\nlist --count\nwait peers >=1'
    assert_equal "$(stat -c %a "$BATS_TEST_TMPDIR/s.sig")" 600
    keys 'save s.sig' Enter
    wait_for 5 shows 's.sig: File exists. Try: another name, or --force'
    keys 'save s.sig --force --json' Enter
    wait_for 5 shows '"type":"saved","file":"s.sig","lines":3'
    keys 'exit' Enter
    wait_for 5 shows '^left with 0'
    run --separate-stderr sigctl <"$BATS_TEST_TMPDIR/s.sig"
    assert_success
    assert_line --index 1 1
}

@test "options of a line end with it" {
    start_prompt -i op-1
    keys 'list --count --json' Enter
    wait_for 5 shows '^{.*"count":1'
    start sender sigctl -i d1 offer op-1
    wait_for 5 shows '  offer from d1 '
    keys 'list -u ws://127.0.0.1:1' Enter
    wait_for 5 shows '^sigctl: --url is for the whole run'
    keys 'list -i op-2' Enter
    wait_for 5 shows '^sigctl: --id is for the whole run'
}

@test "no token gets into the history, two sessions share it" {
    mkdir -p "$XDG_STATE_HOME/sigkit"
    echo 'list --old' >"$HISTORY_FILE"
    chmod 644 "$HISTORY_FILE"
    start_prompt
    one=$SOCKET
    SOCKET=$SOCKET.2
    start_prompt
    keys 'list --count' Enter
    wait_for 5 shows '^0$'
    keys 'token show abc' Enter 'list --token-file x' Enter
    keys 'send x {"sdp":"eyJhbGciOiJIUzI1NiJ9.e30.c2ln"}' Enter
    keys '# ws://h/?token=abc' Enter ' list --plain' Enter '# last' Enter
    wait_for 5 grep -qx '# last' "$HISTORY_FILE"
    stop_prompt
    SOCKET=$one
    keys '# of the first' Enter C-d
    wait_for 5 shows '^left with 0'
    run cat "$HISTORY_FILE"
    assert_output $'list --old\nlist --count\n# last\n# of the first'
    assert_equal "$(stat -c %a "$HISTORY_FILE")" 600
}

@test "the history stays short" {
    mkdir -p "$XDG_STATE_HOME/sigkit"
    seq 2500 >"$HISTORY_FILE"
    start_prompt
    assert_equal "$(head -n 1 "$HISTORY_FILE") $(wc -l <"$HISTORY_FILE")" '1501 1000'
    if has_readline; then
        keys Up
        wait_for 5 last_is 'sigctl> 2500'
    fi
}
