# SPDX-License-Identifier: MIT
# sigmon top on a terminal: its size and its changes, keys, the filter, how it leaves.
setup() {
    load prompt.bash
    start_sigd
}
teardown() {
    stop_prompt
    stop_all
}

is_listed() { sigctl list | grep -qxF "$1"; }
has_session() { [[ $(sigctl sessions --count) -eq $1 ]]; }
# hides REGEX: nothing on the screen is of it.
hides() { if shows "$1"; then fail "$(screen)"; fi; }
line_is() { [[ $(screen | sed -n "$1p") =~ $2 ]]; }
row_of() { [[ $(screen | grep -n "^$1 " | cut -d: -f1) == "$2" ]]; }

# The one before may not have left its socket yet.
next_terminal()
{
    stop_prompt
    SOCKET+=x
}

# start_top COLUMNS ROWS [OPTION...]: up to its first frame.
start_top()
{
    terminal "$1" "$2" "echo before; ${TOP_ENV-} $(command -v sigmon)" top "${@:3}"
    wait_for 5 shows '^sigmon top'
}

# peers ID...: they register and stay.
peers()
{
    local id
    for id in "$@"; do
        start "$id" sigctl register "$id" --hold
        wait_for 5 is_listed "$id"
    done
}

# fits COLUMNS ROWS: the head is on top, the status at the bottom, nothing is wider.
fits()
{
    line_is 1 '^sigmon top' && line_is "$2" ' of [0-9]+ by ' &&
        [[ $(screen | wc -L) -le $1 && $(screen | grep -c '^sigmon top') -eq 1 ]]
}

@test "80x24: head, titles, rows, status; q gives the screen back" {
    peers cam-1 drone-1
    start_top 80 24
    wait_for 5 fits 80 24
    shows '^2 clients, 0 sessions, 0 msgs/s, 0 errors/s, 0 missed'
    shows '^id +role +since +out/s +in/s +bytes/s errors waiting sessions$'
    shows '^cam-1 +[0-9]+s +0 +0 +0 +0 +0 +0$'
    hides '^before'
    keys q
    wait_for 5 shows '^left with 0$'
    shows '^before$'
    hides 'sigmon top'
}

@test "resized while it runs: 200x50, 40x10 and back" {
    peers cam-1 drone-1
    start_top 80 24
    resize 200 50
    wait_for 5 fits 200 50
    wait_for 5 shows ' sessions +out +in +bytes$'
    resize 40 10
    wait_for 5 fits 40 10
    shows '^id +role +since +out/s$'
    resize 80 24
    wait_for 5 fits 80 24
    keys q
    wait_for 5 shows '^left with 0$'
}

@test "begun at 200x50 and at 40x10" {
    peers cam-1
    start_top 200 50
    wait_for 5 fits 200 50
    keys q
    wait_for 5 shows '^left with 0$'
    next_terminal
    start_top 40 10 --by sessions
    wait_for 5 fits 40 10
    keys q
    wait_for 5 shows '^left with 0$'
}

@test "rates change by themselves, newcomers come and leave" {
    peers cam-1
    start_top 80 24 --interval 100ms
    start sender sigctl -i drone-1 send cam-1 --type offer '{"sdp":"v=0"}' --repeat 400 --interval 10ms
    wait_for 5 shows '^drone-1 +[0-9]+s +[1-9][0-9.]* +0 '
    wait_for 5 shows '^cam-1 +[0-9]+s +0 +[1-9]'
    wait_for 5 shows '^2 clients, 1 sessions, [1-9]'
    keys s
    wait_for 5 shows '^[A-Za-z0-9_-]{8} drone-1 → cam-1 +waiting +[0-9]+s '
    finish "$PID"
    wait_for 5 shows '→ cam-1 +ended '
    wait_for 5 shows '^1 clients, 0 sessions'
    keys q
    wait_for 5 shows '^left with 0$'
}

@test "keys: views, columns, reverse, help, pause" {
    peers a1 b1
    start_top 80 24 --interval 100ms --sort id
    wait_for 5 shows 'of 2 by id up'
    wait_for 5 row_of a1 4
    keys r
    wait_for 5 shows 'by id down'
    wait_for 5 row_of b1 4
    keys '>'
    wait_for 5 shows 'by role up'
    keys '<' '<'
    wait_for 5 shows 'by bytes down'
    keys Tab
    wait_for 5 shows '^session +parties'
    shows '0-0 of 0 by age up'
    keys p
    wait_for 5 shows '^id +role'
    keys '?'
    wait_for 5 shows '^Tab p s'
    shows '^waiting +its offers without an answer'
    keys Escape
    wait_for 5 shows '^id +role'
    keys Space
    wait_for 5 shows '^paused  1-2 of 2'
    peers c1
    keys '<'
    wait_for 5 shows '^paused  1-2 of 2 by in down'
    hides '^c1 '
    keys Space
    wait_for 5 shows '^c1 '
    hides paused
    keys C-c
    wait_for 5 shows '^left with 0$'
}

@test "scrolling: arrows, pages, the ends" {
    start agents sigctl agent --count 40 --id 'p-%02i' --duration 60s
    wait_for 5 is_listed p-40
    start_top 80 14 --sort id
    wait_for 5 shows '^1-10 of 40 by id'
    keys Down Down Down
    wait_for 5 shows '^4-13 of 40'
    row_of p-04 4
    keys Up
    wait_for 5 shows '^3-12 of 40'
    keys NPage
    wait_for 5 shows '^13-22 of 40'
    keys End
    wait_for 5 shows '^31-40 of 40'
    keys NPage Down
    wait_for 5 shows '^31-40 of 40'
    keys PPage
    wait_for 5 shows '^21-30 of 40'
    keys Home
    wait_for 5 shows '^1-10 of 40'
    resize 80 54
    wait_for 5 shows '^1-40 of 40'
    keys q
    wait_for 5 shows '^left with 0$'
}

@test "the filter: typed, wrong, mended, left as it was" {
    peers cam-1 cam-2 drone-1
    start_top 80 24
    wait_for 5 shows 'of 3 by'
    keys /
    type_text 'idd=cam-*'
    wait_for 5 shows '^/idd=cam-\*_'
    keys Enter
    wait_for 5 shows "^/idd=cam-\*_  unknown field 'idd', did you mean 'id'"
    keys C-u
    type_text 'id=cam-**'
    keys BSpace Enter
    wait_for 5 shows '^1-2 of 2 by .*  /id=cam-\*'
    hides '^drone-1'
    keys /
    type_text 'xyz'
    wait_for 5 shows '^/id=cam-\*xyz_'
    keys Escape
    wait_for 5 shows '^1-2 of 2 by .*  /id=cam-\*  '
    keys / C-u Enter
    wait_for 5 shows '^1-3 of 3'
    keys q
    wait_for 5 shows '^left with 0$'
}

# pid_of_top: the process on the terminal.
pid_of_top() { pgrep -t "$(tmux -S "$SOCKET" display -p '#{pane_tty}' | sed 's,^/dev/,,')" -x sigmon; }

@test "signals, a lost connection and the end of the server leave the screen as it was" {
    for signal in INT TERM HUP; do
        start_top 80 24
        kill -s "$signal" "$(pid_of_top)"
        wait_for 5 shows '^left with 1[0-9]*$'
        shows '^before$'
        hides 'sigmon top'
        next_terminal
    done
    start_top 80 24 --retry 0
    stop "$SIGD_PID" KILL
    wait_for 5 shows '^left with 8$'
    shows '^before$'
    shows '^sigmon: .*connection'
}

@test "a server that comes back: the screen tells it and goes on" {
    peers cam-1
    start_top 80 24 --interval 100ms
    stop "$SIGD_PID" KILL
    wait_for 5 line_is 24 'connection'
    start_sigd -l "127.0.0.1:$SIGD_PORT"
    start cam2 sigctl register cam-2 --hold
    wait_for 10 shows '^cam-2 '
    keys q
    wait_for 5 shows '^left with 0$'
}

@test "colour is not needed: NO_COLOR and --color never" {
    peers cam-1
    for env in NO_COLOR=1 NO_COLOR=; do
        TOP_ENV=$env start_top 80 24 ${env:+$([[ $env == NO_COLOR=1 ]] || echo --color never)}
        wait_for 5 fits 80 24
        run tmux -S "$SOCKET" capture-pane -p -e
        [[ $output != *$'\e['* ]] || fail "$output"
        keys q
        wait_for 5 shows '^left with 0$'
        next_terminal
    done
    start_top 80 24
    wait_for 5 fits 80 24
    run tmux -S "$SOCKET" capture-pane -p -e
    [[ $output == *$'\e['* ]] || fail "$output"
}

@test "Ctrl-Z gives the screen back; fg takes it again" {
    terminal 80 24 "PS1=sh: bash --norc -i"
    wait_for 5 shows '^sh:'
    type_text "$(command -v sigmon) top -u $SIGD_URL"
    keys Enter
    wait_for 5 fits 80 24
    keys C-z
    wait_for 5 shows 'Stopped'
    hides '^sigmon top'
    type_text 'fg'
    keys Enter
    wait_for 5 fits 80 24
    keys q
    wait_for 5 shows '^sh:'
}

@test "-b on a terminal scrolls" {
    terminal 80 24 "$(command -v sigmon)" top -b -C 2 --interval 50ms
    wait_for 5 shows '^left with 0$'
    assert_equal "$(screen | grep -c '^sigmon top')" 2
}
