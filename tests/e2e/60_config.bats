#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Options, environment, .env and the configuration file; listeners; the log's two forms.

# shellcheck disable=SC2034,SC2154 # used by lib.bash, set by bats
load lib

setup() {
    e2e_setup
    helper=
}

teardown() {
    if [[ -n $helper ]]; then
        kill "$helper" 2>/dev/null || true
        wait "$helper" 2>/dev/null || true
    fi
    e2e_teardown
}

# line NAME: what --print-config says of it.
line() {
    grep -E "^(; )?$1( |$)" <<<"$output"
}

# helper_start CASE ARG…: a helper that prints a line and lives until the test ends.
helper_start() {
    mkfifo hold
    "$PYTHON" "$E2E/config.py" "$@" <hold >said 3>&- &
    helper=$!
    exec 9>hold
    wait_for test -s said
}

@test "defaults are the original's" {
    run --separate-stderr timeout 20 "$SIGD" --print-config
    assert_success
    assert_equal "$(line port)" "port = 8081  ; default"
    assert_equal "$(line health)" "health = 127.0.0.1:8082  ; default"
    assert_equal "$(line max-clients)" "max-clients = 1000  ; default"
    assert_equal "$(line heartbeat-interval)" "heartbeat-interval = 30000  ; default"
    assert_equal "$(line log-level)" "log-level = info  ; default"
    assert_equal "$(line jwt-secret)" "; jwt-secret is not set"
}

@test "the five names of the original in .env" {
    printf '%s\n' '# comment' '' 'PORT=9001' 'JWT_SECRET="your secret # key"' \
        'export LOG_LEVEL=debug' "MAX_CLIENTS='77'" 'HEARTBEAT_INTERVAL=1500   # ms' \
        'UNRELATED=1' >.env
    run --separate-stderr timeout 20 "$SIGD" --print-config
    assert_success
    assert_equal "$(line port)" "port = 9001  ; .env:3"
    assert_equal "$(line jwt-secret)" "jwt-secret = ********  ; .env:4"
    assert_equal "$(line log-level)" "log-level = debug  ; .env:5"
    assert_equal "$(line max-clients)" "max-clients = 77  ; .env:6"
    assert_equal "$(line heartbeat-interval)" "heartbeat-interval = 1500  ; .env:7"
    refute_output --partial secret\ #
    run --separate-stderr timeout 20 "$SIGD" --no-env-file --print-config
    assert_equal "$(line port)" "port = 8081  ; default"
}

# Each source in turn is taken away; the next one's value holds.
precedence() {
    local name=$1 original=$2 flag=$3 env=$4 plain=$5 dotenv=$6 file=$7 preset=$8
    local upper=SIGD_${name^^}
    upper=${upper//-/_}
    echo "$name = $file" >sigd.conf
    echo "$upper=$dotenv" >.env
    run --separate-stderr env "$upper=$env" ${original:+"$original=$plain"} \
        timeout 20 "$SIGD" -c sigd.conf "--$name=$flag" --print-config
    assert_success
    assert_equal "$(line "$name")" "$name = $flag  ; --$name"
    run --separate-stderr env ${original:+"$original=$plain"} "$upper=$env" \
        timeout 20 "$SIGD" -c sigd.conf --print-config
    assert_equal "$(line "$name")" "$name = $env  ; environment $upper"
    if [[ -n $original ]]; then
        run --separate-stderr env "$original=$plain" timeout 20 "$SIGD" -c sigd.conf --print-config
        assert_equal "$(line "$name")" "$name = $plain  ; environment $original"
    fi
    run --separate-stderr timeout 20 "$SIGD" -c sigd.conf --print-config
    assert_equal "$(line "$name")" "$name = $dotenv  ; .env:1"
    run --separate-stderr timeout 20 "$SIGD" -c sigd.conf --no-env-file --print-config
    assert_equal "$(line "$name")" "$name = $file  ; sigd.conf:1"
    run --separate-stderr timeout 20 "$SIGD" --no-env-file --print-config
    assert_equal "$(line "$name")" "${preset:-; $name is not set}"
}

@test "flag > environment > .env > file > default: a number" {
    precedence max-clients MAX_CLIENTS 1 2 3 4 5 "max-clients = 1000  ; default"
}

@test "flag > environment > .env > file > default: a duration" {
    precedence heartbeat-interval HEARTBEAT_INTERVAL 1s 250ms 3m 4000 5h \
        "heartbeat-interval = 30000  ; default"
}

@test "flag > environment > .env > file > default: a size" {
    precedence max-message "" 1024 2K 3K 4K 5K "max-message = 64K  ; default"
}

@test "flag > environment > .env > file > default: a word" {
    precedence log-level LOG_LEVEL error warn info debug warn "log-level = info  ; default"
}

@test "flag > environment > .env > file > default: a flag" {
    precedence allow-anonymous "" true no yes off on "allow-anonymous = false  ; default"
}

@test "flag > environment > .env > file > default: text" {
    precedence node "" a b c d e "node = sigd  ; default"
}

@test "flag > environment > .env > file > default: a list" {
    precedence listen "" 127.0.0.1:1 127.0.0.1:2 "" 127.0.0.1:4 127.0.0.1:5 ""
}

@test "a list takes all values of its strongest source" {
    echo "listen = 127.0.0.1:5" >sigd.conf
    echo "listen = 127.0.0.1:6" >>sigd.conf
    run --separate-stderr timeout 20 "$SIGD" -c sigd.conf -l 127.0.0.1:1 --listen=127.0.0.1:2 \
        --print-config
    assert_equal "$(line listen)" "$(printf '%s\n' 'listen = 127.0.0.1:1  ; --listen' \
        'listen = 127.0.0.1:2  ; --listen')"
    run --separate-stderr timeout 20 "$SIGD" -c sigd.conf --print-config
    assert_equal "$(grep -c '^listen = ' <<<"$output")" 2
}

@test "a list that is full says so, and where" {
    local many=() i
    for i in {1..15}; do
        many+=(-l "127.0.0.1:$i")
    done
    run --separate-stderr timeout 20 "$SIGD" "${many[@]}" --print-config
    assert_success
    assert_equal "$(grep -c '^listen = ' <<<"$output")" 15
    run timeout 20 "$SIGD" "${many[@]}" -l 127.0.0.1:16 --print-config
    assert_failure 2
    assert_line --index 0 "sigd: --listen: listen may be given 15 times"
    for i in {1..65}; do
        echo "rights = role$i send"
    done >sigd.conf
    run timeout 20 "$SIGD" -c sigd.conf --print-config
    assert_failure 9
    assert_output "sigd: sigd.conf:65: rights may be given 64 times"
    sed -i 65d sigd.conf
    run timeout 20 "$SIGD" -c sigd.conf --print-config
    assert_success
    assert_line "rights = role64 send  ; sigd.conf:64"
}

@test "every value of a list has its place" {
    printf '%s\n' 'trusted-proxy = 10.0.0.0/8' '# more' 'trusted-proxy = ::1' >sigd.conf
    run --separate-stderr timeout 20 "$SIGD" -c sigd.conf --print-config
    assert_equal "$(line trusted-proxy)" "$(printf '%s\n' \
        'trusted-proxy = 10.0.0.0/8  ; sigd.conf:1' 'trusted-proxy = ::1  ; sigd.conf:3')"
}

@test "limits of the new numbers" {
    local row name low high
    for row in message-rate:0:1M message-burst:1:1M byte-rate:0:1G byte-burst:64K:1G \
        address-rate:0:1M address-burst:1:1M auth-failures:0:1M unregistered-bytes:1K:1M \
        audit-queue:64:1048576 jwt-leeway:0:5m reconnect-window:0:1h; do
        IFS=: read -r name low high <<<"$row"
        run timeout 20 "$SIGD" "--$name=$low" --check-config
        assert_success
        run timeout 20 "$SIGD" "--$name=$high" --check-config
        assert_success
        run timeout 20 "$SIGD" "--$name=${high}x" --check-config
        assert_failure 2
        assert_line --index 0 --partial "sigd: --$name: $name: '${high}x' is not a"
    done
    for row in message-burst=0 message-rate=1000001 byte-burst=1023 address-burst=0 \
        unregistered-bytes=1023 unregistered-bytes=2M audit-queue=63 jwt-leeway=301s \
        reconnect-window=2h auth-failures=-1; do
        run timeout 20 "$SIGD" "--$row" --check-config
        assert_failure 2
        assert_line --index 0 --partial "is out of range, "
    done
    run timeout 20 "$SIGD" --client-cert sometimes --check-config
    assert_failure 2
    assert_line --index 0 \
        "sigd: --client-cert: client-cert: 'sometimes' is not one of none|optional|required"
}

@test "options that lack another, or contradict one" {
    local row
    for row in "--tls-cert=c:tls-cert needs tls-key" "--tls-key=k:tls-key needs tls-cert" \
        "--client-ca=a:client-ca needs tls-cert" "--crl=r:crl needs client-ca" \
        "--client-cert=required:client-cert needs client-ca" \
        "--audit-required:audit-required needs audit" \
        "--byte-burst=63K:byte-burst is less than max-message: the largest would not pass"; do
        run timeout 20 "$SIGD" "${row%%:*}" --print-config
        assert_failure 9
        assert_output --regexp "^sigd: --[a-z-]+: ${row#*:}\$"
    done
    run timeout 20 "$SIGD" --byte-burst=2K --byte-rate=0 --print-config
    assert_success
}

@test "an empty value is not taken for none" {
    local name
    for name in tls-cert client-ca crl jwt-issuer jwt-audience rights trusted-proxy allow-origin \
        health-host jwt-secret audit node; do
        echo "$name =" >sigd.conf
        run timeout 20 "$SIGD" -c sigd.conf --print-config
        assert_failure 9
        assert_output "sigd: sigd.conf:1: $name is empty"
        run timeout 20 "$SIGD" "--$name=" --print-config
        assert_failure 2
        assert_line --index 0 "sigd: --$name: $name is empty"
    done
}

@test "an indented line is a line of its own" {
    printf '%s\n' 'jwt-issuer = a' '    max-errors = 7' $'\t# comment' '  nonsense' >sigd.conf
    run timeout 20 "$SIGD" -c sigd.conf --print-config
    assert_failure 9
    assert_output "sigd: sigd.conf:4: expected 'name = value'"
    sed -i 4d sigd.conf
    run --separate-stderr timeout 20 "$SIGD" -c sigd.conf --print-config
    assert_success
    assert_equal "$(line jwt-issuer)" "jwt-issuer = a  ; sigd.conf:1"
    assert_equal "$(line max-errors)" "max-errors = 7  ; sigd.conf:2"
}

@test "a NUL byte or an endless file is no configuration" {
    printf 'node = a\0allow-anonymous = false\n' >sigd.conf
    run timeout 20 "$SIGD" -c sigd.conf --print-config
    assert_failure 9
    assert_output "sigd: sigd.conf: there is a NUL byte in it"
    printf 'LOG_LEVEL=error\0\n' >.env
    run timeout 20 "$SIGD" --print-config
    assert_failure 9
    assert_output "sigd: .env: there is a NUL byte in it"
    run timeout 20 "$SIGD" --no-env-file -c /dev/zero --print-config
    assert_failure 9
    assert_output "sigd: /dev/zero: larger than 262144 bytes"
}

@test "a configuration from a pipe" {
    run --separate-stderr timeout 20 "$SIGD" -c <(echo "node = piped") --print-config
    assert_success
    assert_line --partial "node = piped  ; /dev/fd/"
}

@test "secrets are masked wherever they come from" {
    echo "jwt-secret = hush-1" >sigd.conf
    run timeout 20 "$SIGD" -c sigd.conf --print-config
    refute_output --partial hush
    assert_equal "$(line jwt-secret)" "jwt-secret = ********  ; sigd.conf:1"
    run env JWT_SECRET=hush-2 timeout 20 "$SIGD" --print-config
    refute_output --partial hush
    run timeout 20 "$SIGD" --jwt-secret hush-3 --print-config
    refute_output --partial hush
    (umask 077 && echo hush-4 >secret)
    run --separate-stderr timeout 20 "$SIGD" --jwt-secret-file secret --print-config
    assert_success
    refute_output --partial hush
    assert_equal "$(line jwt-secret-file)" "jwt-secret-file = secret  ; --jwt-secret-file"
}

@test "--jwt-secret-file: nobody else may read or write it" {
    local mode
    echo hush >secret
    for mode in 600 400 700; do
        chmod "$mode" secret
        run timeout 20 "$SIGD" --jwt-secret-file secret --print-config
        assert_success
    done
    for mode in 640 604 620 602 644 660 666 4604; do
        chmod "$mode" secret
        run timeout 20 "$SIGD" --jwt-secret-file secret --print-config
        assert_failure 9
        printf -v mode %04d "$mode"
        assert_output \
            "sigd: secret: others may read or write it (mode $mode), use chmod 600"
    done
}

@test "--jwt-secret-file: a credential of root's that our group may read" {
    local as mode
    [[ $(id -u) -eq 0 ]] || skip "only root has a file of root's"
    as=(timeout 20 setpriv --reuid=65534 --regid=65534 --clear-groups)
    "${as[@]}" test -x "$SIGD" || skip "only root can run this build"
    echo hush >secret
    for mode in 440 640; do
        chgrp 65534 secret
        chmod "$mode" secret
        run "${as[@]}" "$SIGD" --jwt-secret-file secret --print-config
        assert_success
        run timeout 20 "$SIGD" --jwt-secret-file secret --print-config
        assert_failure 9
        assert_output "sigd: secret: others may read or write it (mode 0$mode), use chmod 600"
    done
    for mode in 660 644; do
        chmod "$mode" secret
        run "${as[@]}" "$SIGD" --jwt-secret-file secret --print-config
        assert_failure 9
        assert_output "sigd: secret: others may read or write it (mode 0$mode), use chmod 600"
    done
    chown 65534 secret
    chmod 440 secret
    run "${as[@]}" "$SIGD" --jwt-secret-file secret --print-config
    assert_failure 9
}

@test "--jwt-secret-file: missing, empty, too long, binary" {
    umask 077
    run timeout 20 "$SIGD" --jwt-secret-file secret --print-config
    assert_failure 9
    assert_output "sigd: secret: No such file or directory"
    local text
    for text in '' '\n' '\r\n'; do
        printf %b "$text" >secret
        run timeout 20 "$SIGD" --jwt-secret-file secret --print-config
        assert_failure 9
        assert_output "sigd: --jwt-secret-file: the secret in secret is empty"
    done
    printf '%4096s\r\n' x >secret
    run timeout 20 "$SIGD" --jwt-secret-file secret --print-config
    assert_success
    printf '%4097s' x >secret
    run timeout 20 "$SIGD" --jwt-secret-file secret --print-config
    assert_failure 9
    assert_output "sigd: --jwt-secret-file: the secret in secret is longer than 4096 bytes"
    printf 'a\0b' >secret
    run timeout 20 "$SIGD" --jwt-secret-file secret --print-config
    assert_failure 9
    assert_output "sigd: secret: there is a NUL byte in it"
    mkdir dir
    run timeout 20 "$SIGD" --jwt-secret-file dir --print-config
    assert_failure 9
    assert_output "sigd: dir: Is a directory"
}

# exposed WHERE: the warning of the start, or of a reload.
exposed() {
    grep -q " warn a secret stands in a file that others can read where=$1\$" err
}

@test "a secret in a file that others can read works, with a warning" {
    (umask 077 && printf '\njwt-secret = a secret that has more than 32 bytes\n' >sigd.conf)
    start_sigd -c sigd.conf
    run exposed sigd.conf:2
    assert_failure 1
    chmod 644 sigd.conf
    kill -HUP "$sigd_pid"
    wait_for exposed sigd.conf:2
    stop_sigd
    start_sigd -c sigd.conf
    exposed sigd.conf:2
}

@test "a secret is given once, or in one place" {
    umask 077
    echo hush >secret
    echo "jwt-secret-file = secret" >sigd.conf
    run env JWT_SECRET=hush timeout 20 "$SIGD" -c sigd.conf --print-config
    assert_failure 9
    assert_output "sigd: sigd.conf:1: jwt-secret-file: there is a jwt-secret too, from environment JWT_SECRET"
    run timeout 20 "$SIGD" --jwt-secret-file secret --jwt-secret hush --print-config
    assert_failure 9
    assert_output "sigd: --jwt-secret-file: jwt-secret-file: there is a jwt-secret too, from --jwt-secret"
    echo "jwt-secret = weaker" >sigd.conf
    run timeout 20 "$SIGD" -c sigd.conf --jwt-secret stronger --print-config
    assert_success
    assert_line "jwt-secret = ********  ; --jwt-secret"
}

@test "--check-config: 0, or 9 with file, line and what was meant" {
    printf '%s\n' '# sigd' 'port = 8081' 'max-clients = 10' >sigd.conf
    run --separate-stderr timeout 20 "$SIGD" -c sigd.conf --check-config
    assert_success
    assert_output ""
    assert_equal "$stderr" ""
    printf '%s\n' '# sigd' 'port = 8081' 'max-client = 10' >sigd.conf
    run timeout 20 "$SIGD" -c sigd.conf --check-config
    assert_failure 9
    assert_output "sigd: sigd.conf:3: unknown option 'max-client', did you mean 'max-clients'?"
    printf '%s\n' 'zzzzzzzzzzzz = 1' >sigd.conf
    run timeout 20 "$SIGD" -c sigd.conf --check-config
    assert_failure 9
    assert_output "sigd: sigd.conf:1: unknown option 'zzzzzzzzzzzz'"
    printf '%s\n' 'port = 1' '[section]' 'port = 2' >sigd.conf
    run timeout 20 "$SIGD" -c sigd.conf --check-config
    assert_failure 9
    assert_output --partial "sigd.conf:3: there are no sections"
    printf '%s\n' 'port = 1' 'what is this' >sigd.conf
    run timeout 20 "$SIGD" -c sigd.conf --check-config
    assert_failure 9
    assert_output --partial "sigd.conf:2:"
    run timeout 20 "$SIGD" -c missing.conf --check-config
    assert_failure 9
    assert_output "sigd: missing.conf: No such file or directory"
}

@test "a bad value names its line" {
    printf '%s\n' '# sigd' 'log-format = json' 'max-clients = many' >sigd.conf
    run timeout 20 "$SIGD" -c sigd.conf --check-config
    assert_failure 9
    assert_output "sigd: sigd.conf:3: max-clients: 'many' is not a number"
}

@test "bad values of each kind, from the environment 9, from a flag 2" {
    local word
    for word in PORT=70000 PORT=x PORT=-1 JWT_SECRET= MAX_CLIENTS=0 LOG_LEVEL=loud \
        HEARTBEAT_INTERVAL=soon SIGD_MAX_MESSAGE=1 SIGD_MAX_MESSAGE=9Q \
        SIGD_ALLOW_ANONYMOUS=maybe SIGD_MAX_CLIENT=1; do
        run env "$word" timeout 20 "$SIGD" --check-config
        assert_failure 9
        assert_output --partial "environment ${word%%=*}"
    done
    for word in --port=70000 --max-clients=ten --log-level=loud --heartbeat-interval=soon \
        --max-message=9Q --allow-anonymous=maybe; do
        run timeout 20 "$SIGD" "$word" --check-config
        assert_failure 2
        assert_output --partial "sigd: ${word%%=*}: "
    done
}

@test "names in the environment that are not ours, or the tools', are left alone" {
    run env SIGD_URL=ws://x SIGD_ID=me SIGD_TOKEN=t SIGD_TOKEN_FILE=f SIGD_TIMEOUT=1s OTHER=1 \
        timeout 20 "$SIGD" --check-config
    assert_success
}

@test "unknown options and stray words: 2" {
    run timeout 20 "$SIGD" --max-cleints 1
    assert_failure 2
    assert_line --index 0 --partial "unknown option 'max-cleints', did you mean 'max-clients'?"
    run timeout 20 "$SIGD" -Z
    assert_failure 2
    assert_line --index 0 "sigd: unknown option -Z"
    run timeout 20 "$SIGD" --port
    assert_failure 2
    assert_line --index 0 "sigd: --port needs a value"
    run timeout 20 "$SIGD" stray
    assert_failure 2
    assert_line --index 0 "sigd: sigd takes no argument 'stray'"
}

@test "a busy port: 3" {
    helper_start busy_port
    local port
    port=$(<said)
    run timeout 20 "$SIGD" --no-env-file -l "127.0.0.1:$port" --health none --port-file port
    assert_failure 3
    assert_output "sigd: cannot listen on 127.0.0.1:$port: Address already in use"
    run timeout 20 "$SIGD" --no-env-file -l 127.0.0.1:0 --health "127.0.0.1:$port" --port-file port
    assert_failure 3
    [ ! -e port ]
}

@test "an address that is not local needs --allow-anonymous" {
    run timeout 20 "$SIGD" --no-env-file -l 0.0.0.0:0 --health none
    assert_failure 9
    assert_output --partial "0.0.0.0:0 is open to everybody"
    run timeout 20 "$SIGD" --no-env-file -l '[::]:0' --health none
    assert_failure 9
    run timeout 20 "$SIGD" --no-env-file -l 127.0.0.1:0 -l 0.0.0.0:0 --health none
    assert_failure 9
}

@test "--check-config finds what would stop the start" {
    run timeout 20 "$SIGD" --no-env-file -l 0.0.0.0:0 --check-config
    assert_failure 9
    run timeout 20 "$SIGD" --no-env-file -l nonsense --check-config
    assert_failure
}

@test "listener addresses that are none" {
    local address
    for address in "" : 127.0.0.1 127.0.0.1: 127.0.0.1:99999 127.0.0.1:x example.org:1 '[::1:1' \
        unix: "unix:$(printf 'x%.0s' {1..200})" tcp:127.0.0.1:1; do
        run timeout 20 "$SIGD" --no-env-file -l "$address" --health none
        assert_failure
        [[ $status -eq 2 || $status -eq 9 ]]
        assert_output --partial "sigd: "
    done
}

@test "a unix socket serves, and is its own permission" {
    start_sigd -l "unix:$BATS_TEST_TMPDIR/s"
    assert_equal "$(stat -c %a s)" 700
    py config unix
    run head -n1 out
    assert_output "sigd: listening on ws+unix:$BATS_TEST_TMPDIR/s"
}

@test "a stale socket file is replaced, a live one is busy, another file is kept" {
    "$PYTHON" "$E2E/config.py" stale s
    start_sigd -l unix:s
    stop_sigd
    helper_start hold s
    run timeout 20 "$SIGD" --no-env-file -l unix:s --health none
    assert_failure 3
    [ -S s ]
    echo precious >file
    run timeout 20 "$SIGD" --no-env-file -l unix:file --health none
    assert_failure 3
    assert_equal "$(<file)" precious
}

@test "a live socket whose owner does not accept is busy too, and is not waited for" {
    helper_start busy s
    run timeout 20 "$SIGD" --no-env-file -l unix:s --health none
    assert_failure 3
    [ -S s ]
}

@test "[::1]:0" {
    start_sigd -l '[::1]:0'
    py config ipv6
    run head -n1 out
    assert_output "sigd: listening on ws://[::1]:$E2E_PORT"
}

@test "several listeners, one world" {
    start_sigd -l 127.0.0.1:0 -l '[::1]:0' -l "unix:$BATS_TEST_TMPDIR/s"
    py config several
    assert_equal "$(wc -l <out)" 4
    run tail -n1 out
    assert_output "sigd: health on http://127.0.0.1:$E2E_HEALTH/health"
}

@test "PORT=0 in the environment" {
    PORT=0 "$SIGD" --no-env-file --health none --port-file port >out 2>err 3>&- &
    sigd_pid=$!
    wait_for port_or_end
    assert_equal "$(<out)" "sigd: listening on ws://127.0.0.1:$(<port)"
}

@test "--ready-fd is written once clients are accepted" {
    mkfifo ready
    exec 8<>ready
    "$SIGD" --no-env-file -l 127.0.0.1:0 --health none --port-file port --ready-fd 8 \
        >out 2>err 3>&- &
    sigd_pid=$!
    read -r -t 20 -u 8 word
    assert_equal "$word" ready
    [ -s port ]
    exec 8>&-
    run timeout 20 "$SIGD" --no-env-file -l 127.0.0.1:0 --health none --ready-fd 77
    assert_failure 2
    assert_line --partial "cannot write to --ready-fd 77"
}

@test "a port file that cannot be written" {
    run timeout 20 "$SIGD" --no-env-file -l 127.0.0.1:0 --health none --port-file nowhere/port
    assert_failure 9
    assert_output "sigd: cannot write nowhere/port: No such file or directory"
}

@test "JSON log lines parse, hostile text is escaped" {
    start_sigd --log-format json --log-level debug
    py config noise
    stop_sigd
    py config check_log json
}

@test "text log lines keep their form, hostile text is escaped" {
    start_sigd --log-level debug
    py config noise
    stop_sigd
    py config check_log text
}

@test "log levels: error is silent about calls" {
    start_sigd --log-level error
    py config noise
    stop_sigd
    assert_equal "$(<err)" ""
}

@test "--help and --version" {
    run --separate-stderr timeout 20 "$SIGD" --help
    assert_success
    assert_line --index 0 "Usage: sigd [OPTIONS]"
    assert_equal "$stderr" ""
    run timeout 20 "$SIGD" --version
    assert_success
    assert_output --regexp '^sigd [0-9]+\.[0-9]+\.[0-9]+$'
}

@test "--help and --version ask no configuration" {
    echo "nonsense" >.env
    run --separate-stderr env SIGD_NONSENSE=1 timeout 20 "$SIGD" -c missing --help
    assert_success
    run env SIGD_NONSENSE=1 timeout 20 "$SIGD" -c missing --version
    assert_success
    run timeout 20 "$SIGD" --version --nonsense
    assert_failure 2
}

@test "a reader of the log that stands still stops nobody" {
    py config stalled_log "$SIGD"
}

@test "a line that is too long is refused: the tail of a comment is no option" {
    printf '# %s\n' "$(printf 'x%.0s' {1..197})allow-anonymous = true" >sigd.conf
    run --separate-stderr timeout 20 "$SIGD" --no-env-file -c sigd.conf --print-config
    assert_failure 9
    assert_equal "$stderr" "sigd: sigd.conf:1: a line has at most 198 bytes"
}

@test "a directory is not a configuration" {
    mkdir dir
    run timeout 20 "$SIGD" --no-env-file -c dir --check-config
    assert_failure 9
    assert_output "sigd: dir: Is a directory"
    mkdir .env
    run timeout 20 "$SIGD" --check-config
    assert_failure 9
    assert_output "sigd: .env: Is a directory"
}

@test "an empty variable is as good as none" {
    run timeout 20 env LOG_LEVEL= SIGD_MAX_CLIENTS= "$SIGD" --no-env-file --check-config
    assert_success
}

@test "a stdout that cannot be written is not success" {
    run timeout 20 bash -c '"$1" --help >/dev/full' - "$SIGD"
    assert_failure 9
}
