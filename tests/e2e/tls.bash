# SPDX-License-Identifier: MIT
# Certificates of the TLS tests: good ones from scripts/gen-certs, bad ones by hand.

GEN_CERTS="$BATS_TEST_DIRNAME/../../scripts/gen-certs"

# make_certs: certs/ with ca, server, client-drone-1 and client-gone, which is revoked.
make_certs() {
    "$GEN_CERTS" certs --client drone-1 --client gone --revoke gone >gen.log
}

# bad_key NAME [ARG…]: a key, P-256 unless the arguments of openssl genpkey say otherwise.
bad_key() {
    local kind=("${@:2}")
    [[ $# -gt 1 ]] || kind=(-algorithm EC -pkeyopt ec_paramgen_curve:P-256)
    openssl genpkey "${kind[@]}" -out "certs/client-$1.key" 2>>gen.log
}

# bad_cert NAME CA FROM TO EXTENSIONS [ARG…]: client-NAME.pem for client-NAME.key, with the subject
# CN=NAME, valid between those two times.
bad_cert() {
    local ca=$2
    printf '[ca]\ndefault_ca=c\n[c]\ndatabase=bad.txt\nrand_serial=yes\npolicy=p\ndefault_md=sha256\n%s\n' \
        $'[p]\ncommonName=supplied\n[e]\nbasicConstraints=CA:FALSE' >bad.cnf
    printf '%b\n' "$5" >>bad.cnf
    : >bad.txt
    openssl req -new -key "certs/client-$1.key" -subj "/CN=$1" -out bad.csr
    openssl ca -batch -config bad.cnf -in bad.csr -cert "$ca.pem" -keyfile "$ca.key" \
        -out "certs/client-$1.pem" -outdir . -notext -extensions e \
        -startdate "$3" -enddate "$4" "${@:6}" 2>>gen.log
}

# make_bad_certs: client certificates that nobody must accept. Each has one fault.
make_bad_certs() {
    local old=20200101000000Z now=20240101000000Z far=20991231000000Z san bad
    san='subjectAltName=URI:urn:sigkit:drone-1\nkeyUsage=digitalSignature'
    san+='\nextendedKeyUsage=clientAuth'
    "$GEN_CERTS" other --client drone-1 >>gen.log
    cp other/client-drone-1.pem certs/client-stranger.pem
    cp other/client-drone-1.key certs/client-stranger.key
    cp certs/ca.pem certs/client-authority.pem
    cp certs/ca.key certs/client-authority.key
    for bad in early late server usage sha1 nameless tampered selfsigned; do
        bad_key "$bad"
    done
    bad_key short -algorithm RSA -pkeyopt rsa_keygen_bits:1024
    bad_cert early certs/ca 20980101000000Z "$far" "$san"
    bad_cert late certs/ca "$old" 20210101000000Z "$san"
    bad_cert server certs/ca "$now" "$far" "${san/clientAuth/serverAuth}"
    bad_cert usage certs/ca "$now" "$far" "${san/digitalSignature/dataEncipherment}"
    bad_cert sha1 certs/ca "$now" "$far" "$san" -md sha1
    bad_cert short certs/ca "$now" "$far" "$san"
    bad_cert nameless certs/ca "$now" "$far" "${san/drone-1/not an id}"
    bad_cert tampered certs/ca "$now" "$far" "$san"
    openssl x509 -in certs/client-tampered.pem -outform DER |
        sed 's/urn:sigkit:drone-1/urn:sigkit:drone-9/' |
        openssl x509 -inform DER -out certs/tampered.tmp
    mv certs/tampered.tmp certs/client-tampered.pem
    openssl req -x509 -new -key certs/client-selfsigned.key -subj /CN=drone-1 -days 30 \
        -addext basicConstraints=critical,CA:FALSE -addext "subjectAltName=URI:urn:sigkit:drone-1" \
        -out certs/client-selfsigned.pem
}

# start_tls OPTION…: sigd on a plain and a TLS port. The exported E2E_TLS has the latter.
start_tls() {
    start_sigd -l 127.0.0.1:0 -l tls:127.0.0.1:0 --tls-cert certs/server.pem \
        --tls-key certs/server.key "$@"
    export E2E_TLS=${E2E_PORTS_LIST[1]} E2E_CERTS=$BATS_TEST_TMPDIR/certs
}

# start_mtls MODE OPTION…: the same, with client certificates.
start_mtls() {
    start_tls --client-cert "$1" --client-ca certs/ca.pem --crl certs/crl.pem --auth-failures 0 \
        "${@:2}"
}

# log_has TEXT: there is a line with it in sigd's log.
log_has() {
    grep -qF -- "$1" err
}
