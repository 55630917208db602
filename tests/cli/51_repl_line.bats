# SPDX-License-Identifier: MIT
# The line being typed at sigctl's prompt, whatever else happens to the terminal.
setup() {
    load prompt.bash
    start_sigd
}
teardown() {
    stop_prompt
    stop_all
}

# send_many COUNT INTERVAL: candidates from d1 to op-1; sets PID.
send_many()
{
    start sender sigctl -i d1 send op-1 --type offer '{"sdp":"v=0"}' --repeat "$1" --interval "$2"
}
arrived() { scrollback | grep -c '  offer from d1 ' || true; }
# lines_but REGEX: all that was ever shown and does not match.
lines_but() { scrollback | sed 's/ *$//' | grep -vE -- "^$|$1"; }
has_line() { lines_but '^$' | grep -qxF -- "$1"; }
all_arrived() { [[ $(arrived) -eq $1 ]]; }

@test "200 characters typed while 50 messages a second arrive: nothing is lost" {
    COLUMNS_WANTED=60 start_prompt -i op-1
    send_many 200 20ms
    text='#'
    type_text "$text"
    for ((i = 100; i < 160; i++)); do
        type_text " $i"
        text+=" $i"
    done
    finish "$PID"
    assert_equal "$status" 0
    wait_for 5 all_arrived 200
    wait_for 5 last_is "sigctl> $text"
    # nothing else was left behind by redrawing
    run lines_but '  (offer|bye) from d1 '
    assert_output "sigctl> $text"
}

@test "a message keeps the cursor in the middle of a line that wraps" {
    needs_readline
    COLUMNS_WANTED=40 start_prompt -i op-1
    type_text "# $(printf '%s' {a..z}{a..z} | cut -c 1-90)"
    keys C-a Right Right
    send_many 3 10ms
    finish "$PID"
    wait_for 5 all_arrived 3
    type_text 'HERE'
    wait_for 5 last_is "sigctl> # HERE$(printf '%s' {a..z}{a..z} | cut -c 1-90)"
}

@test "a message during a search backwards" {
    needs_readline
    start_prompt -i op-1
    keys 'list --count' Enter
    wait_for 5 shows '^1$'
    keys C-r 'cou'
    wait_for 5 shows "reverse-i-search.*cou.: list --count"
    send_many 3 10ms
    finish "$PID"
    wait_for 5 all_arrived 3
    last_line | grep -q "reverse-i-search.*cou.: list --count"
    keys Enter
    wait_for 5 last_is 'sigctl>'
    assert_equal "$(scrollback | grep -c '^2 *$')" 1 || assert_equal "$(scrollback | grep -c '^1 *$')" 2
}

@test "a message longer than the screen and one behind a list of offers" {
    needs_readline
    COLUMNS_WANTED=50 start_prompt -i op-1 --json
    keys 're' Tab Tab
    wait_for 5 shows 'register +reload'
    start sender sigctl -i d1 send op-1 --type offer "{\"sdp\":\"v=0 $(printf '%.0sx' {1..4000})\"}"
    finish "$PID"
    wait_for 5 showed '"type":"offer".*x{4000}'
    wait_for 5 last_is 'sigctl> re'
    keys 'load' Enter
    wait_for 5 shows '"type":"reload"'
}

@test "resizing keeps the line and what stands above" {
    start_prompt -i op-1
    # tmux makes room above, and the line must not be what goes
    send_many 30 1ms
    finish "$PID"
    wait_for 5 all_arrived 30
    text="# $(printf '%s' {a..z}{0..4})"
    type_text "$text"
    wait_for 5 last_is "sigctl> $text"
    for size in '60 20' '100 30' '45 10' '110 40'; do
        resize "${size% *}" "${size#* }"
        for key in '!' '?'; do # the signal is served with the first one at the latest
            type_text "$key"
            text+=$key
            wait_for 5 last_is "sigctl> $text"
        done
    done
    keys BSpace BSpace
    wait_for 5 last_is "sigctl> ${text%??}"
    assert_equal "$(arrived)" 30
    assert_equal "$(scrollback | grep -c '^sigctl>')" 1
}

@test "resizing while a command waits" {
    start_prompt -i op-1
    keys 'wait peer cam-1 -W none' Enter
    resize 50 20
    keys C-c
    wait_for 5 shows 'cancelled'
    type_text "# $(printf '%s' {a..z}{0..4})"
    wait_for 5 last_is "sigctl> # $(printf '%s' {a..z}{0..4})"
}

@test "Ctrl-C drops a line that wraps" {
    COLUMNS_WANTED=40 start_prompt -i op-1
    type_text "frobnicate $(printf '%s' {a..z}{0..4})"
    keys C-c
    wait_for 5 last_is 'sigctl>'
    keys 'list --count' Enter
    wait_for 5 shows '^1$'
    run ! showed 'unknown command'
}

@test "keys typed while a command waits are there afterwards, messages are shown meanwhile" {
    start_prompt -i op-1
    keys 'wait peer cam-1 -W none' Enter
    wait_for 5 shows 'wait peer cam-1'
    type_text 'list --co'
    send_many 2 1ms
    finish "$PID"
    wait_for 5 all_arrived 2
    start cam sigctl register cam-1 --hold
    wait_for 5 last_is 'sigctl> list --co'
    keys 'unt' Enter
    wait_for 5 shows '^2$'
}

stopped_twice() { [[ $(screen | grep -c Stopped) -eq 2 ]]; }

@test "Ctrl-Z and fg, at the prompt and in a wait" {
    terminal 110 40 'PS1="shell# " bash --norc --noprofile -i'
    wait_for 5 shows '^shell'
    keys "$(command -v sigctl) -i op-1" Enter
    wait_for 5 shows '^sigctl>'
    keys 'list --co'
    wait_for 5 last_is 'sigctl> list --co'
    keys C-z
    wait_for 5 shows 'Stopped'
    keys 'stty -a | grep -c " -icanon"; echo cooked' Enter
    wait_for 5 shows '^0$'
    keys 'fg' Enter
    wait_for 5 last_is 'sigctl> list --co'
    keys 'unt' Enter
    wait_for 5 shows '^1$'
    keys 'wait peer cam-1 -W none' Enter
    wait_for 5 shows 'wait peer cam-1'
    keys C-z
    wait_for 5 stopped_twice
    keys 'fg' Enter
    start cam sigctl register cam-1 --hold
    wait_for 5 last_is 'sigctl>'
    keys C-d
    wait_for 5 last_is 'shell#'
}

@test "a hint shows what is to type, and nothing of it stays" {
    needs_readline
    start_prompt -i op-1
    keys 'kick'
    wait_for 5 last_is 'sigctl> kick ID'
    keys ' '
    keys 'nobody'
    wait_for 5 last_is 'sigctl> kick nobody'
    keys C-a
    keys C-e C-u 'offer ghost --wait'
    wait_for 5 last_is 'sigctl> offer ghost --wait answer|none'
    keys ' none' Enter
    wait_for 5 shows 'ghost is not registered'
    keys 'wait' Enter
    wait_for 5 shows 'usage: wait '
    wait_for 5 has_line 'sigctl> wait'
    # a message in between
    keys 'kick '
    send_many 1 1ms
    finish "$PID"
    wait_for 5 all_arrived 1
    wait_for 5 last_is 'sigctl> kick ID'
    keys C-c
    wait_for 5 has_line 'sigctl> kick ^C'
    run cat "$HISTORY_FILE"
    assert_output $'offer ghost --wait none\nwait'
}

@test "without colour there are no hints" {
    NO_COLOR=1 start_prompt --color never -i op-1
    keys 'kick '
    wait_for 5 last_is 'sigctl> kick'
    keys 'x' Enter
    wait_for 5 shows 'not registered|no such'
    run ! showed 'kick ID'
}
