# SPDX-License-Identifier: MIT
# sigctl's prompt in a terminal of its own. SIGKIT_SIGCTL may name the directory of another sigctl.
load ../lib/common.bash
command -v tmux >/dev/null || skip "no tmux"
[[ ! ${SIGKIT_SIGCTL-} ]] || PATH=$SIGKIT_SIGCTL:$PATH
export XDG_STATE_HOME=$BATS_TEST_TMPDIR/state
HISTORY_FILE=$XDG_STATE_HOME/sigkit/history
mkdir -p "$XDG_STATE_HOME"
SOCKET=$BATS_TEST_TMPDIR/tmux

# terminal COLUMNS ROWS COMMAND...: runs it there, then says how it left.
terminal()
{
    echo 'set -g history-limit 50000' >"$BATS_TEST_TMPDIR/tmux.conf"
    # LeakSanitizer hangs in a process whose terminal has gone
    (cd "$BATS_TEST_TMPDIR" && exec tmux -S "$SOCKET" -f "$BATS_TEST_TMPDIR/tmux.conf" \
        new-session -d -x "$1" -y "$2" "export ASAN_OPTIONS=detect_leaks=0 SIGD_URL=$SIGD_URL \
        XDG_STATE_HOME=$XDG_STATE_HOME TERM=screen; ${*:3}; echo left with \$?; cat") 3>&-
}

# start_prompt [OPTION...]: sigctl with them, up to its prompt.
start_prompt()
{
    terminal "${COLUMNS_WANTED:-110}" 40 "$(command -v sigctl)" "$@"
    wait_for 5 shows '^sigctl>'
}

stop_prompt() { tmux -S "$SOCKET" kill-server 2>/dev/null || true; }

keys() { tmux -S "$SOCKET" send-keys "$@"; }
type_text() { tmux -S "$SOCKET" send-keys -l -- "$1"; }
screen() { tmux -S "$SOCKET" capture-pane -p; }
# All that was ever shown, with wrapped lines in one piece.
scrollback() { tmux -S "$SOCKET" capture-pane -p -J -S -; }
shows() { screen | grep -qE -- "$1"; }
showed() { scrollback | grep -qE -- "$1"; }
# resize COLUMNS ROWS: until the process in the terminal can see it; tmux takes its time.
resize()
{
    tmux -S "$SOCKET" resize-window -x "$1" -y "$2"
    wait_for 5 has_size "$2 $1"
}
has_size() { [[ $(stty -F "$(tmux -S "$SOCKET" display -p '#{pane_tty}')" size) == "$1" ]]; }
has_readline() { ldd "$(command -v sigctl)" | grep -q readline; }
needs_readline() { has_readline || skip "built without readline"; }
# The last line that is not blank.
last_line() { scrollback | sed 's/ *$//' | grep -v '^$' | tail -n 1; }
last_is() { [[ $(last_line) == "$1" ]]; }
