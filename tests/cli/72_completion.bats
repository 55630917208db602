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
    _sigctl
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
        compadd() { shift; print -rl -- "$@"; }
        source <(sigctl completion zsh); words=("$@"); CURRENT=$#; PREFIX=${@[-1]}; _sigctl' zsh "$@"
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
    HOME=$BATS_TEST_TMPDIR fish --no-config -c 'sigctl completion fish | source; complete -C $argv[1]' "$1" |
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
