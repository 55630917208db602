# SPDX-License-Identifier: MIT
# The shipped nginx and Caddy configurations in front of real nodes: rendered into the test's own
# directory (ports, paths, certificate) and run as unprivileged processes of the test.

CONTRIB=$BATS_TEST_DIRNAME/../../contrib
PATH=$PATH:/usr/sbin:/sbin

# make_certificate DIR: an authority, and a certificate of 127.0.0.1 that it signs.
make_certificate() {
    mkdir "$1"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=ca" \
        -keyout "$1/ca.key" -out "$1/ca.pem" 2>"$1/log"
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=proxy" \
        -keyout "$1/key.pem" -out "$1/csr.pem" 2>>"$1/log"
    openssl x509 -req -in "$1/csr.pem" -CA "$1/ca.pem" -CAkey "$1/ca.key" -days 2 \
        -extfile <(echo "subjectAltName=IP:127.0.0.1,DNS:localhost") -out "$1/cert.pem" 2>>"$1/log"
}

proxies_setup() {
    e2e_setup
    TLS=$BATS_FILE_TMPDIR/tls
    UPSTREAMS=() NODE_PIDS=() HEALTH_ADDRESSES=()
    proxy_pid=
}

# start_node OPTIONS…: one more sigd, in a directory node0, node1… and on an address 127.0.0.1,
# 127.0.0.2… of its own, since Caddy wants the health port of all nodes to be the same.
start_node() {
    local i=${#UPSTREAMS[@]} health=${HEALTH_ADDRESSES[0]:-0}
    local address=127.0.0.$((i + 1))
    mkdir "$BATS_TEST_TMPDIR/node$i"
    cd "$BATS_TEST_TMPDIR/node$i" || return 1
    start_sigd -l "$address:0" --health "$address:${health#*:}" --node "node$i" "$@"
    cd "$BATS_TEST_TMPDIR" || return 1
    UPSTREAMS[i]=$address:$E2E_PORT NODE_PIDS[i]=$sigd_pid HEALTH_ADDRESSES[i]=$address:$E2E_HEALTH
    sigd_pid=
    export E2E_NODES="${HEALTH_ADDRESSES[*]}"
}

# kill_node I: it dies without a word.
kill_node() {
    kill -KILL "${NODE_PIDS[$1]}"
    wait "${NODE_PIDS[$1]}" || true
    NODE_PIDS[$1]=
}

free_port() {
    "$PYTHON" -c 'import socket
s = socket.create_server(("127.0.0.1", 0))
print(s.getsockname()[1])'
}

# nothing_left FILE WORDS: the rendered file says nothing of the real machine any more.
nothing_left() {
    run grep -vE '^[[:space:]]*#' "$1"
    refute_output --regexp "$2"
}

# render_nginx PORT: nginx.conf around the shipped file; NGINX_SED changes more of it.
render_nginx() {
    local dir=$BATS_TEST_TMPDIR node nodes=
    for node in "${UPSTREAMS[@]}"; do
        nodes+="    server $node max_fails=0;\\n"
    done
    sed -e "s|listen 443 ssl;|listen 127.0.0.1:$1 ssl;|; /listen \[::\]:443 ssl;/d" \
        -e "s|/etc/nginx/tls/fullchain.pem|$TLS/cert.pem|; s|/etc/nginx/tls/|$TLS/|" \
        -e "s|/var/log/nginx/|$dir/|; s|signal.example.com|localhost|" \
        -e "s|^    server 127.0.0.1:8081 max_fails=0;|$nodes|" \
        -e "${NGINX_SED:-}" "$CONTRIB/nginx/sigd.conf" >sigd.nginx
    nothing_left sigd.nginx '/etc/|/var/log|:8081[ ;]|[ :]443 '
    {
        [[ $(id -u) -ne 0 ]] || echo "user root;"
        echo "daemon off; pid $dir/nginx.pid; error_log $dir/nginx.log info; worker_processes 1;"
        echo "events { worker_connections 1000; }"
        echo "http {"
        for node in client_body proxy fastcgi uwsgi scgi; do
            echo "${node}_temp_path $dir/nginx.tmp;"
        done
        echo "include $dir/sigd.nginx; }"
    } >nginx.conf
}

# render_caddy PORT: the shipped file with the test's own certificate; CADDY_SED changes more of it.
render_caddy() {
    local dir=$BATS_TEST_TMPDIR
    sed -e 's|^{$|{\n\tadmin off\n\tauto_https off|' \
        -e "s|^signal.example.com {|https://127.0.0.1:$1 {\n\tbind 127.0.0.1|" \
        -e "s|#tls /etc/caddy/tls/fullchain.pem .*|tls $TLS/cert.pem $TLS/key.pem|" \
        -e "s|/var/log/caddy/|$dir/|" \
        -e "s|reverse_proxy 127.0.0.1:8081|reverse_proxy ${UPSTREAMS[*]}|" \
        -e "s|health_port 8082|health_port ${HEALTH_ADDRESSES[0]#*:}|" \
        -e "${CADDY_SED:-}" "$CONTRIB/caddy/Caddyfile" >Caddyfile
    nothing_left Caddyfile '/etc/|/var/log|:8081 |port 8082|example'
}

run_nginx() {
    exec nginx -e "$BATS_TEST_TMPDIR/nginx.log" -c "$BATS_TEST_TMPDIR/nginx.conf"
}

run_caddy() {
    export HOME=$BATS_TEST_TMPDIR XDG_DATA_HOME=$BATS_TEST_TMPDIR XDG_CONFIG_HOME=$BATS_TEST_TMPDIR
    exec caddy run --config Caddyfile --adapter caddyfile
}

proxy_answers() {
    : 2>/dev/null <>"/dev/tcp/127.0.0.1/$PROXY_PORT"
}

proxy_up_or_ended() {
    proxy_answers || ! kill -0 "$proxy_pid" 2>/dev/null
}

# launch NAME: runs what has been rendered; sets proxy_pid. Fails when it ends.
launch() {
    "run_$1" >>proxy.out 2>>proxy.err 3>&- &
    proxy_pid=$!
    wait_for proxy_up_or_ended
    kill -0 "$proxy_pid" 2>/dev/null
}

# start_proxy nginx|caddy: before all nodes. Neither program can listen on port 0, so a port that
# somebody else takes meanwhile is given up for another.
start_proxy() {
    local try
    for try in 1 2 3 4 5; do
        PROXY_PORT=$(free_port)
        "render_$1" "$PROXY_PORT"
        if launch "$1"; then
            export E2E_PORT=$PROXY_PORT E2E_CA=$TLS/ca.pem
            return
        fi
        grep -q 'ddress already in use' proxy.err nginx.log 2>/dev/null || break
    done
    cat proxy.err nginx.log >&2 2>/dev/null
    return 1
}

stop_proxy() {
    kill -TERM "$proxy_pid"
    wait "$proxy_pid" || true
    proxy_pid=
}

proxies_teardown() {
    local i status=0
    [[ ! $proxy_pid ]] || stop_proxy
    for i in "${!UPSTREAMS[@]}"; do
        sigd_pid=${NODE_PIDS[i]}
        cd "$BATS_TEST_TMPDIR/node$i" || return 1
        e2e_teardown || status=1
    done
    return "$status"
}

# background CASE [ARG…]: a case of proxies.py beside the test; it tells how far it is in files.
background() {
    "$PYTHON" "$E2E/proxies.py" "$@" >"$1.out" 2>&1 3>&- &
    case_pid=$!
}

case_ended() {
    ! kill -0 "$case_pid" 2>/dev/null
}

# finish: the case in the background ends well.
finish() {
    local status=0
    wait_for case_ended || kill "$case_pid"
    wait "$case_pid" || status=$?
    [[ $status -eq 0 ]] || cat ./*.out >&2
    return "$status"
}
