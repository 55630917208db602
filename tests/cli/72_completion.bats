# SPDX-License-Identifier: MIT
# The completion scripts in the shells they are for.
setup() {
    load ../lib/common.bash
    start_sigd
    start hold sigctl register cam-1 --hold
    sigctl wait peer cam-1
    cd "$BATS_TEST_TMPDIR" || exit
    touch 'my offer.sdp' myself
}
teardown() { stop_all; }

# bash_offers WORD...: what bash would offer for the last one, as its line editor splits them.
bash_offers()
{
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
    "_$1"
    printf '%s\n' "${COMPREPLY[@]}"
}

@test "bash: commands, words, options, values, ids, files" {
    source <(sigctl completion bash)
    assert_equal "$(bash_offers sigctl off)" offer
    assert_equal "$(bash_offers sigctl wait me)" message
    assert_equal "$(bash_offers sigctl offer --med)" --media
    assert_equal "$(bash_offers sigctl offer x --wait '')" $'answer\nnone'
    assert_equal "$(bash_offers sigctl offer x --wait = an)" answer
    assert_equal "$(bash_offers sigctl --color a offer x)" ''
    assert_equal "$(bash_offers sigctl --color al)" always
    assert_equal "$(bash_offers sigctl -i a wait peer '')" cam-1
    assert_equal "$(bash_offers sigctl offer c)" cam-1
    assert_equal "$(bash_offers sigctl -u ws : //127.0.0.1 : 1 offer c)" ''
    assert_equal "$(bash_offers sigctl offer c --sdp @ my | sort)" $'@my\\ offer.sdp\n@myself'
    assert_equal "$(bash_offers sigctl --token-file my | sort)" $'my\\ offer.sdp\nmyself'
    assert_equal "$(bash_offers sigctl completion z)" zsh
    assert_equal "$(bash_offers sigctl help relo)" reload
}

@test "bash: what a server calls ids is never run" {
    source <(sigctl completion bash)
    mkdir bin
    printf '#!/bin/sh\nprintf "%%s\\n" "\\$(touch pwned)" "a;b" good-1\n' >bin/sigctl
    chmod +x bin/sigctl
    PATH=$PWD/bin:$PATH
    assert_equal "$(bash_offers sigctl offer '')" good-1
    [[ ! -e pwned ]]
}

# zsh_offers WORD...: what the function hands to the shell.
zsh_offers()
{
    zsh -f -c 'compdef() { :; }; compset() { return 1; }; _files() { echo files; }
        compadd() { while [[ $1 != -- ]]; do shift; done; shift; print -rl -- "$@"; }
        source <($1 completion zsh); words=("$@"); CURRENT=$#; PREFIX=${@[-1]}; _$1' zsh "$@"
}

@test "zsh: commands, words, options, values, ids, files" {
    command -v zsh >/dev/null || skip "no zsh"
    zsh -n <(sigctl completion zsh)
    zsh_offers sigctl off | grep -qx offer
    assert_equal "$(zsh_offers sigctl wait me)" $'peer\npeers\nmessage\nserver'
    zsh_offers sigctl offer --med | grep -qx -- --media
    assert_equal "$(zsh_offers sigctl offer x --wait '')" $'answer\nnone'
    assert_equal "$(zsh_offers sigctl offer c)" cam-1
    assert_equal "$(zsh_offers sigctl wait peer c)" cam-1
    assert_equal "$(zsh_offers sigctl --token-file m)" files
    assert_equal "$(zsh_offers sigctl offer x --sdp @m)" files
}

# fish_offers LINE: without the descriptions.
fish_offers()
{
    HOME=$BATS_TEST_TMPDIR fish --no-config -c "${1%% *} completion fish | source; "'complete -C $argv[1]' "$1" |
        cut -f 1
}

@test "fish: commands, words, options, values, ids, files" {
    command -v fish >/dev/null || skip "no fish"
    assert_equal "$(fish_offers 'sigctl off')" offer
    assert_equal "$(fish_offers 'sigctl wait me')" message
    assert_equal "$(fish_offers 'sigctl offer --med')" --media
    assert_equal "$(fish_offers 'sigctl offer x --wait ')" $'answer\nnone'
    assert_equal "$(fish_offers 'sigctl offer c')" cam-1
    fish_offers 'sigctl offer x --sdp @my' | grep -q '@my'
    fish_offers 'sigctl --token-file my' | grep -q 'myself'
}

@test "bash, at a prompt: files behind @ with all that stands before them" {
    load prompt
    printf 'PS1="$ "\nsource <(sigctl completion bash)\n' >rc
    terminal 110 40 "cd $PWD; bash --rcfile rc --noprofile -i"
    wait_for 5 shows '^\$'
    for word in '--sdp @mys' '--sdp=@mys' '@mys'; do
        type_text "sigctl offer cam-1 $word"
        keys Tab
        wait_for 5 shows "^\\$ sigctl offer cam-1 ${word}elf ?$"
        keys C-c
        wait_for 5 last_is '$'
    done
    type_text 'sigctl offer cam-1 @my\ '
    keys Tab
    wait_for 5 shows '^\$ sigctl offer cam-1 @my\\ offer\.sdp *$'
    stop_prompt
}

# a_session: opens one and sets session to its id.
a_session()
{
    session=$(sigctl -q -i drone-1 offer cam-1 --sdp auto -F '%{session}')
    [[ $session ]]
}

@test "sigmon in bash: commands, filters, options, values, sessions, files" {
    a_session
    source <(sigmon completion bash)
    assert_equal "$(bash_offers sigmon fl)" flow
    assert_equal "$(bash_offers sigmon help expl)" explain
    assert_equal "$(bash_offers sigmon completion f)" fish
    assert_equal "$(bash_offers sigmon audit ver)" verify
    assert_equal "$(bash_offers sigmon --merm)" ''
    assert_equal "$(bash_offers sigmon flow --merm)" --mermaid
    assert_equal "$(bash_offers sigmon --gr)" --grep
    assert_equal "$(bash_offers sigmon audit --gr)" ''
    assert_equal "$(bash_offers sigmon type = offer --unt)" --until
    assert_equal "$(bash_offers sigmon --time d)" delta
    assert_equal "$(bash_offers sigmon --time = d)" delta
    assert_equal "$(bash_offers sigmon flow "${session:0:3}")" "$session"
    assert_equal "$(bash_offers sigmon explain '')" "$session"
    assert_equal "$(bash_offers sigmon -u ws : //127.0.0.1 : 1 explain '')" ''
    assert_equal "$(bash_offers sigmon flow "$session" '')" ''
    assert_equal "$(bash_offers sigmon -f my | sort)" $'my\\ offer.sdp\nmyself'
    assert_equal "$(bash_offers sigmon record mys)" myself
    assert_equal "$(bash_offers sigmon audit verify myself mys)" myself
    assert_equal "$(bash_offers sigmon @mys)" ''
}

@test "sigmon in bash: filters as words, as values, where no command is named" {
    source <(sigmon completion bash)
    assert_equal "$(bash_offers sigmon ty)" type=
    assert_equal "$(bash_offers sigmon type = off)" offer
    assert_equal "$(bash_offers sigmon type = offer fr)" from=
    assert_equal "$(bash_offers sigmon type = offer fl)" ''
    assert_equal "$(bash_offers sigmon event = session_e)" session_end
    assert_equal "$(bash_offers sigmon tail session_e)" session_end
    assert_equal "$(bash_offers sigmon -n 5 record myself a=1 session_e)" session_end
    assert_equal "$(bash_offers sigmon flow --until kind = an)" answer
    assert_equal "$(bash_offers sigmon flow --until = kind = an)" answer
    assert_equal "$(bash_offers sigmon -e ev)" event=
    for word in event type; do
        for value in $(bash_offers sigmon "$word" = ''); do
            sigmon -q -d 1ms "$word=$value"
        done
    done
    for word in $(bash_offers sigmon tail ''); do
        sigmon -q -d 1ms "${word/%=/=1}" || sigmon -q -d 1ms "${word/%=/=offer}" ||
            sigmon -q -d 1ms "${word/%=/=relay}" || fail "$word"
    done
}

@test "sigmon: sessions of a recording that is named" {
    a_session
    sigmon record calls.gz --since 0 -d 50ms -q
    sigctl -q -i drone-2 offer cam-1 --sdp auto
    source <(sigmon completion bash)
    export past=--json SIGD_URL=ws://127.0.0.1:1
    assert_equal "$(bash_offers sigmon explain '')" ''
    assert_equal "$(bash_offers sigmon explain -f calls.gz '')" "$session"
    assert_equal "$(bash_offers sigmon --file = calls.gz flow '')" "$session"
    assert_equal "$(bash_offers sigmon -f none explain '')" ''
    ! command -v zsh >/dev/null ||
        assert_equal "$(zsh_offers sigmon explain -f calls.gz '')" "$session"
    ! command -v fish >/dev/null ||
        assert_equal "$(fish_offers 'sigmon explain -f calls.gz ')" "$session"
}

@test "ids and sessions are those of the server that the line names" {
    a_session
    url=$SIGD_URL
    export SIGD_URL=ws://127.0.0.1:1
    source <(sigctl completion bash)
    source <(sigmon completion bash)
    assert_equal "$(bash_offers sigctl --url "$url" offer c)" cam-1
    assert_equal "$(bash_offers sigmon -W 1s -u "$url" explain '')" "$session"
    if command -v zsh >/dev/null; then
        assert_equal "$(zsh_offers sigctl "--url=$url" offer c)" cam-1
        assert_equal "$(zsh_offers sigmon -k --url "$url" explain '')" "$session"
    fi
    if command -v fish >/dev/null; then
        assert_equal "$(fish_offers "sigctl offer c")" ''
        assert_equal "$(fish_offers "sigctl -i x -u $url offer c")" cam-1
        assert_equal "$(fish_offers "sigctl --url=$url offer c")" cam-1
        assert_equal "$(fish_offers "sigmon -k --url $url explain ")" "$session"
    fi
}

@test "both in one shell; what a server calls sessions is never run" {
    source <(sigctl completion bash)
    source <(sigmon completion bash)
    assert_equal "$(bash_offers sigctl off)" offer
    assert_equal "$(bash_offers sigmon off)" ''
    assert_equal "$(bash_offers sigctl kick c)" cam-1
    mkdir bin
    printf '#!/bin/sh\nprintf "%%s\\n" "\\$(touch pwned)" "a;b" -x good-1\n' >bin/sigmon
    chmod +x bin/sigmon
    PATH=$PWD/bin:$PATH
    assert_equal "$(bash_offers sigmon flow '')" good-1
    [[ ! -e pwned ]]
}

@test "sigmon in zsh: commands, filters, options, values, sessions, files" {
    command -v zsh >/dev/null || skip "no zsh"
    zsh -n <(sigmon completion zsh)
    a_session
    zsh_offers sigmon fl | grep -qx flow
    zsh_offers sigmon ty | grep -qx type=
    zsh_offers sigmon type=offer fr | grep -qx from=
    zsh_offers sigmon type=of | grep -qx type=offer
    zsh_offers sigmon flow --until event=session_e | grep -qx event=session_end
    zsh_offers sigmon flow --merm | grep -qx -- --mermaid
    assert_equal "$(zsh_offers sigmon --time '')" $'abs\nrel\ndelta\nepoch\nnone'
    assert_equal "$(zsh_offers sigmon explain '')" "$session"
    assert_equal "$(zsh_offers sigmon -f m)" files
    assert_equal "$(zsh_offers sigmon audit verify m m)" files
}

@test "sigmon in fish: commands, filters, options, values, sessions, files" {
    command -v fish >/dev/null || skip "no fish"
    a_session
    assert_equal "$(fish_offers 'sigmon fl')" flow
    assert_equal "$(fish_offers 'sigmon ty')" type=
    assert_equal "$(fish_offers 'sigmon type=off')" type=offer
    assert_equal "$(fish_offers 'sigmon type=offer fr')" from=
    assert_equal "$(fish_offers 'sigmon --unt')" --until
    assert_equal "$(fish_offers 'sigmon -e event=session_e')" event=session_end
    assert_equal "$(fish_offers 'sigmon --expr=event=session_e')" --expr=event=session_end
    assert_equal "$(fish_offers 'sigmon flow --merm')" --mermaid
    assert_equal "$(fish_offers 'sigmon --merm')" ''
    assert_equal "$(fish_offers 'sigmon --time d')" delta
    assert_equal "$(fish_offers 'sigmon explain ')" "$session"
    fish_offers 'sigmon -f mys' | grep -qx myself
    fish_offers 'sigmon record mys' | grep -qx myself
}

@test "sigmon in bash, at a prompt: no space behind the field of a filter" {
    load prompt
    printf 'PS1="$ "\nsource <(sigmon completion bash)\n' >rc
    terminal 110 40 "cd $PWD; bash --rcfile rc --noprofile -i"
    wait_for 5 shows '^\$'
    type_text 'sigmon ty'
    keys Tab
    wait_for 5 shows '^\$ sigmon type=$'
    type_text 'off'
    keys Tab
    wait_for 5 shows '^\$ sigmon type=offer *$'
    type_text 'fro'
    keys Tab
    wait_for 5 shows '^\$ sigmon type=offer from=$'
    stop_prompt
}
