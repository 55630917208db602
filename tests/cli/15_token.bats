# SPDX-License-Identifier: MIT
# Tokens: made, shown, checked; ours by openssl and Node.js, theirs by us. No server is needed.
setup() {
    load ../lib/common.bash
    unset JWT_SECRET
    export SIGD_URL=ws://127.0.0.1:1
    cd "$BATS_TEST_TMPDIR" || return 1
    umask 077
    printf 'correct horse battery staple, 32 or more\n' >secret
}

# keys: rsa, ec and ed, a private .key and a public .pem each.
keys()
{
    openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.key
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ec.key
    openssl genpkey -algorithm ED25519 -out ed.key
    for kind in rsa ec ed; do
        openssl pkey -in "$kind.key" -pubout -out "$kind.pem"
    done
}

# part N TOKEN: the bytes of a segment.
part()
{
    node -e 'process.stdout.write(Buffer.from(process.argv[2].split(".")[process.argv[1] - 1],
        "base64url"))' "$1" "$2"
}

hex() { od -An -vtx1 | tr -d ' \n'; }

# refused TOKEN REASON [OPTION...]: check says 4 and why.
refused()
{
    run --separate-stderr sigctl token check "${@:3}" -- "$1"
    assert_failure 4
    assert_output ''
    assert_equal "$stderr" "sigctl: token refused: $2"
}

@test "a token is made and checked with a secret" {
    run --separate-stderr sigctl token make --secret-file secret --sub drone-1 --role drone \
        --ids 'cam-*' --ids 'd?' --issuer https://id.example --audience sigd --for 2h
    assert_success
    assert_equal "$stderr" ''
    assert_output --regexp '^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{43}$'
    token=$output
    run --separate-stderr sigctl token check "$token" --secret-file secret \
        --issuer https://id.example --audience sigd
    assert_success
    assert_equal "$stderr" ''
    assert_line --index 0 --regexp '^valid: id drone-1, role drone, expires in (2h|1h 59m)$'
    assert_line --index 1 'ids cam-*'
    assert_line --index 2 'ids d?'
    run --separate-stderr sigctl token check --json "$token" --secret-file secret
    assert_success
    assert_json '.ok and .verified and .type == "token" and .id == "drone-1" and .role == "drone" and
        .ids == ["cam-*", "d?"] and (.expires | endswith("Z")) and .expires_in_us > 7190000000 and
        .expires_in_us <= 7201000000'
}

@test "the secret of the environment is that of the file, and a file goes first" {
    token=$(sigctl token make --secret-file secret --sub a)
    JWT_SECRET=$(cat secret) run --separate-stderr sigctl token check "$token"
    assert_success
    token=$(JWT_SECRET=$(cat secret) sigctl token make --sub a)
    JWT_SECRET='something else altogether here' run --separate-stderr \
        sigctl token check --secret-file secret "$token"
    assert_success
    JWT_SECRET='something else altogether here' refused "$token" 'bad signature'
}

@test "who talks to no server reads no token file" {
    export SIGD_TOKEN_FILE=me.jwt
    for words in 'help' 'help offer' 'completion bash' 'list --help' 'token make --help'; do
        # shellcheck disable=SC2086
        run --separate-stderr sigctl $words
        assert_success
        assert_equal "$stderr" ''
    done
    # the shell makes the file before it is filled
    sigctl token make --secret-file secret --sub drone-1 >"$SIGD_TOKEN_FILE"
    run --separate-stderr sigctl token check --secret-file secret @me.jwt
    assert_success
    printf 'no token at all' >me.jwt
    token=$(sigctl token make --secret-file secret --sub drone-1)
    run --separate-stderr sigctl --token-file - token show - <<<"$token"
    assert_success
    rm me.jwt
    for words in list 'wait server'; do
        # shellcheck disable=SC2086
        run --separate-stderr sigctl $words
        assert_failure 9
        assert_equal "$stderr" \
            'sigctl: cannot read a token from me.jwt: No such file or directory'
    done
}

@test "no option takes a secret as its value" {
    run --separate-stderr sigctl token make --secret abc --sub a
    assert_failure 2
    assert_output ''
    [[ $stderr == 'sigctl: unknown option'* && $stderr != *abc* ]]
}

@test "a short secret is remarked, a very short one is an error, a public key is none" {
    printf 'twelve bytes' >short
    run --separate-stderr sigctl token make --secret-file short --sub a
    assert_success
    assert_equal "$stderr" 'sigctl: the secret has 12 bytes, 32 or more are advisable'
    run --separate-stderr sigctl token make -q --secret-file short --sub a
    assert_success
    assert_equal "$stderr" ''
    printf 'eleven byte' >short
    run --separate-stderr sigctl token make --secret-file short --sub a
    assert_failure 9
    assert_output ''
    [[ $stderr == 'sigctl: the secret has 11 bytes'* ]]
    keys
    run --separate-stderr sigctl token make --secret-file rsa.pem --sub a
    assert_failure 9
    [[ $stderr == *'text of a key'* ]]
}

@test "show says what is in a token and that nobody has verified it" {
    token=$(sigctl token make --secret-file secret --sub drone-1 --ids 'cam-*' --for 90s)
    run --separate-stderr sigctl token show "$token"
    assert_success
    assert_equal "$stderr" ''
    assert_line --index 0 --regexp '^not verified: '
    assert_line '  alg     HS256'
    assert_line '  sub     drone-1'
    assert_line '  ids     ["cam-*"]'
    assert_line --regexp '^  exp +[0-9]+  20..-..-..T..:..:..\.000Z, in 1m'
    assert_line --regexp '^expires in 1m( [0-9]+s)?$'
    run --separate-stderr sigctl token show --json "$token"
    assert_success
    assert_json '.ok and .verified == false and .header.alg == "HS256" and .claims.sub == "drone-1" and
        .expires_in_us > 0 and .claims.exp == (.expires | sub("\\.000Z"; "Z") | fromdate)'
}

@test "show reads a word, a file and standard input" {
    sigctl token make --secret-file secret --sub drone-1 >t.jwt
    expected=$(sigctl token show --json "$(cat t.jwt)" | jq -c .claims)
    for how in @t.jwt - @-; do
        run --separate-stderr sigctl token show --json "$how" <t.jwt
        assert_equal "$(jq -c .claims <<<"$output")" "$expected"
    done
    run --separate-stderr sigctl token show --json <t.jwt
    assert_equal "$(jq -c .claims <<<"$output")" "$expected"
    run --separate-stderr sigctl token show @nowhere
    assert_failure 9
    [[ $stderr == *'cannot read nowhere'* ]]
}

@test "show tells an expired token, and keeps what is hostile from the terminal" {
    # {"alg":"none"}.{"sub":"\u001b[2Jx","exp":1}.
    run --separate-stderr sigctl token show eyJhbGciOiJub25lIn0.eyJzdWIiOiJcdTAwMWJbMkp4IiwiZXhwIjoxfQ.
    assert_success
    assert_line '  sub     \x1b[2Jx'
    assert_line --regexp '^expired [0-9]+d( [0-9]+h)? ago$'
    run --separate-stderr sigctl token show e30.e30.
    assert_success
    assert_line 'without an expiry: no server takes it'
}

@test "what is no token is bad data for show" {
    for token in '' a a.b 'e30.e30.e30=' 'e30.W10.e30' 'W10.e30.e30' 'e30.e30.e30 '; do
        run --separate-stderr sigctl token show -- "$token"
        assert_failure 9
        assert_output ''
        [[ $stderr == 'sigctl: not a token: '* ]]
    done
}

@test "a refused token is 4 with the reason on both streams" {
    token=$(sigctl token make --secret-file secret --sub a --audience x --issuer y)
    refused "$token=" 'not base64url' --secret-file secret
    refused "${token%.*}.AAAA" 'bad signature' --secret-file secret
    refused "$token" 'wrong aud' --secret-file secret --audience sigd
    refused "$token" 'wrong iss' --secret-file secret --issuer sigd
    refused "$token " 'not base64url' --secret-file secret
    run --separate-stderr sigctl token check --json --secret-file secret --audience z "$token"
    assert_failure 4
    assert_json '.ok == false and .exit == 4 and .code == "unauthorized" and
        .message == "token refused: wrong aud"'
}

@test "an expired token has its own code, one from the future its own reason" {
    token=$(sigctl token make --secret-file secret --sub a --for 1ms)
    run --separate-stderr sigctl token check --json --secret-file secret "$token"
    assert_failure 4
    assert_json '.code == "token_expired" and .message == "token refused: expired"'
    token=$(sigctl token make --secret-file secret --sub a --not-before 1h --for 1s)
    refused "$token" 'not valid yet' --secret-file secret
    run sigctl token show --json "$token"
    assert_json '.claims.exp - .claims.nbf == 1 and .claims.nbf - .claims.iat >= 3600'
}

@test "what no server would take is not made" {
    for options in '--role drone' "--sub 'a b'" '--sub a --role -x' "--ids ''" '--sub a --for 0' \
        '--sub a --for none' '--sub a --for 1x' '--sub a --not-before none' '--sub a --kid k' \
        '--sub a --for 9999999d' '--sub a --sign-key k'; do
        eval "run --separate-stderr sigctl token make --secret-file secret $options"
        assert_failure 2
        assert_output ''
    done
    run --separate-stderr sigctl token make --secret-file secret --sub '*'
    assert_equal "$stderr" 'sigctl: no server would take it: bad sub'
    run --separate-stderr sigctl token make --secret-file secret --sub a \
        --audience "$(printf '%04000d' 0)"
    assert_failure 2
    assert_equal "$stderr" 'sigctl: no server would take it: too long'
}

@test "usage errors are 2, unreadable files 9" {
    for words in '' 'make x' 'show a b' 'check a b' forge; do
        # shellcheck disable=SC2086
        run --separate-stderr sigctl token $words
        assert_failure 2
        assert_output ''
    done
    run --separate-stderr sigctl token make --sub a
    assert_failure 2
    assert_equal "$stderr" 'sigctl: no key: want --sign-key, --secret-file or JWT_SECRET'
    run --separate-stderr sigctl token check a.b.c
    assert_failure 2
    run --separate-stderr sigctl token check a.b.c --jwt-key key.pem
    assert_failure 2
    for option in '--jwt-key k=nowhere.pem' '--jwt-key k=secret' '--secret-file nowhere'; do
        # shellcheck disable=SC2086
        run --separate-stderr sigctl token check a.b.c $option
        assert_failure 9
        assert_output ''
    done
    run --separate-stderr sigctl token make --sub a --sign-key nowhere.key
    assert_failure 9
    [[ $stderr == *'nowhere.key: No such file or directory'* ]]
}

@test "keys and secrets that others could read are refused by their mode" {
    keys
    chmod 644 ec.key secret
    run --separate-stderr sigctl token make --sub a --sign-key ec.key
    assert_failure 9
    [[ $stderr == 'sigctl: ec.key has mode 0644: others could read it'* ]]
    chmod 640 secret
    run --separate-stderr sigctl token make --sub a --secret-file secret
    assert_failure 9
    [[ $stderr == *'mode 0640'* ]]
    run --separate-stderr sigctl token check a.b.c --jwt-key k=rsa.key
    assert_failure 9
    [[ $stderr == *'holds a private key'* ]]
    openssl pkey -in rsa.key -aes128 -passout pass:x -out locked.key
    run --separate-stderr sigctl token make --sub a --sign-key locked.key </dev/null
    assert_failure 9
    [[ $stderr == *'not a private key in PEM without a password'* ]]
}

@test "each kind of key signs, and the header names algorithm and kid" {
    keys
    for kind in rsa:RS256 ec:ES256 ed:EdDSA; do
        name=${kind%:*}
        token=$(sigctl token make --sub a --sign-key "$name.key" --kid "$name-1")
        run sigctl token show --json "$token"
        assert_json ".header == {alg: \"${kind#*:}\", typ: \"JWT\", kid: \"$name-1\"}"
        run --separate-stderr sigctl token check "$token" --jwt-key rsa-1=rsa.pem \
            --jwt-key ec-1=ec.pem --jwt-key ed-1=ed.pem --secret-file secret
        assert_success
        refused "$token" 'unknown kid' --jwt-key "$name=$name.pem"
        token=$(sigctl token make --sub a --sign-key "$name.key")
        run --separate-stderr sigctl token check "$token" --jwt-key "k=$name.pem"
        assert_success
        refused "$token" 'no kid' --jwt-key "k=$name.pem" --jwt-key l=rsa.pem
        refused "$token" 'wrong alg' --jwt-key "k=$name.pem" --secret-file secret
    done
}

@test "openssl verifies what we sign" {
    keys
    for name in rsa ec ed; do
        token=$(sigctl token make --sub a --sign-key "$name.key")
        printf %s "${token%.*}" >data
        part 3 "$token" >signature
        case $name in
        rsa) run openssl dgst -sha256 -verify rsa.pem -signature signature data ;;
        ed) run openssl pkeyutl -verify -pubin -inkey ed.pem -rawin -in data -sigfile signature ;;
        ec)
            # openssl wants r and s as DER
            printf 'asn1=SEQUENCE:s\n[s]\nr=INTEGER:0x%s\ns=INTEGER:0x%s\n' \
                "$(head -c 32 signature | hex)" "$(tail -c 32 signature | hex)" >pair
            openssl asn1parse -genconf pair -noout -out der
            run openssl dgst -sha256 -verify ec.pem -signature der data
            ;;
        esac
        assert_success
    done
    token=$(sigctl token make --sub a --secret-file secret)
    printf %s "${token%.*}" >data
    run openssl dgst -sha256 -hmac "$(cat secret)" -r data
    assert_output "$(part 3 "$token" | hex) *data"
}

@test "Node.js verifies what we sign, and we what Node.js signs" {
    keys
    cat >jwt.cjs <<'END'
const crypto = require("crypto"), fs = require("fs")
const [what, name, token] = process.argv.slice(2)
const hmac = (data) => crypto.createHmac("sha256", fs.readFileSync("secret", "utf8").trim())
    .update(data).digest()
const key = (ending) => ({ key: fs.readFileSync(name + ending), dsaEncoding: "ieee-p1363" })
const digest = name === "ed" ? null : "sha256"
if (what === "verify") {
    const at = token.lastIndexOf("."), data = Buffer.from(token.slice(0, at))
    const signature = Buffer.from(token.slice(at + 1), "base64url")
    const ok = name === "secret" ? hmac(data).equals(signature)
        : crypto.verify(digest, data, key(".pem"), signature)
    process.exit(ok ? 0 : 1)
}
const alg = { secret: "HS256", rsa: "RS256", ec: "ES256", ed: "EdDSA" }[name]
const b64 = (o) => Buffer.from(JSON.stringify(o)).toString("base64url")
const data = b64({ typ: "JWT", alg }) + "." + b64({ sub: "node-1", exp: Date.now() / 1000 + 60 })
const signature = name === "secret" ? hmac(data)
    : crypto.sign(digest, Buffer.from(data), key(".key"))
console.log(data + "." + signature.toString("base64url"))
END
    for name in secret rsa ec ed; do
        key=(--sign-key "$name.key")
        public=(--jwt-key "k=$name.pem")
        [[ $name != secret ]] || key=(--secret-file secret) public=(--secret-file secret)
        run node jwt.cjs verify "$name" "$(sigctl token make --sub a "${key[@]}")"
        assert_success
        run --separate-stderr sigctl token check "${public[@]}" "$(node jwt.cjs sign "$name")"
        assert_success
        assert_output --partial 'id node-1'
    done
}

@test "every forgery of the list is refused, every good token taken" {
    run "${SIGKIT_PYTHON:-/usr/bin/python3}" "$BATS_TEST_DIRNAME/../e2e/jwtcases.py" . --check \
        "$SIGKIT_BUILD/cli/sigctl/sigctl"
    assert_success
    assert_output --regexp '^[3-9][0-9][0-9] tokens, 0 wrong$'
}

@test "in a script: made and checked, but not read from where the commands come from" {
    run --separate-stderr sigctl <<<'token make --secret-file secret --sub a'
    assert_success
    token=$output
    run --separate-stderr sigctl <<<"token check --secret-file secret $token"
    assert_success
    assert_output --partial 'valid: id a'
    run --separate-stderr sigctl <<<'token show'
    assert_failure 2
    [[ $stderr == 'sigctl: line 1: @-: stdin is where the commands come from' ]]
}

@test "make as JSON and through a template" {
    run --separate-stderr sigctl token make --json --secret-file secret --sub a
    assert_success
    assert_json '.ok and .type == "token" and .alg == "HS256" and (.token | split(".") | length) == 3 and
        .expires_in_us > 3590000000'
    run --separate-stderr sigctl token make -F '%{alg} %{token}' --secret-file secret --sub a
    assert_output --regexp '^HS256 ey'
}
