# SPDX-License-Identifier: MIT
# Session descriptions: made, shown, checked; aiortc takes ours and we take its. No server is needed.
setup() {
    load ../lib/common.bash
    export SIGD_URL=ws://127.0.0.1:1
    cd "$BATS_TEST_TMPDIR" || return 1
    ok=$BATS_TEST_DIRNAME/../vectors/sdp/ok
    bad=$BATS_TEST_DIRNAME/../vectors/sdp/bad
}

@test "what gen writes is valid, with CRLF at each end" {
    for media in video audio data video,audio,data; do
        for ice in 0 3; do
            sigctl sdp gen --media $media --ice $ice >o.sdp
            run --separate-stderr sigctl sdp check --offer --strict @o.sdp
            assert_success
            assert_output ''
            assert_equal "$stderr" ''
            assert_equal "$(grep -c $'\r$' o.sdp)" "$(wc -l <o.sdp)"
            assert_equal "$(grep -c '^a=candidate' o.sdp)" $ice
            sigctl sdp gen --answer-to @o.sdp >a.sdp
            run --separate-stderr sigctl sdp check --against o.sdp --strict @a.sdp
            assert_success
            assert_output ''
        done
    done
    grep -q '^a=setup:active' a.sdp
    sigctl sdp gen --setup passive >p.sdp
    grep -q '^a=setup:passive' p.sdp
    run --separate-stderr sigctl sdp gen --media data --json
    assert_success
    assert_json '.ok and .type == "sdp" and (.sdp | startswith("v=0\r\n"))'
}

@test "no two descriptions have the same keys" {
    sigctl sdp gen >first
    sigctl sdp gen >second
    for line in o= a=ice-ufrag a=ice-pwd a=fingerprint; do
        [[ $(grep "^$line" first) != "$(grep "^$line" second)" ]] || fail "$line"
    done
}

@test "gen answers what browsers and libraries offer" {
    for offer in "$ok"/offer.*; do
        sigctl sdp gen --answer-to "@$offer" --ice 1 >a.sdp
        run --separate-stderr sigctl sdp check --against "$offer" @a.sdp
        assert_success
        assert_equal "$stderr" ''
        refute_output --partial error
    done
    run --separate-stderr sigctl sdp gen --answer-to "@$bad/offer.setup-offer.sdp"
    assert_failure 9
    assert_output ''
    assert_equal "$stderr" 'sigctl: the offer has errors. See: sigctl sdp check --offer'
}

@test "each finding has its line, severity and RFC" {
    run --separate-stderr sigctl sdp check "@$bad/any.fingerprint-length.sdp"
    assert_failure 1
    assert_equal "$stderr" ''
    assert_output --regexp '^11: error: the hash has another length: AB:CD:[0-9A-F:]+ \(RFC 8122 5\)$'
    run --separate-stderr sigctl sdp check --json "@$bad/any.fingerprint-length.sdp"
    assert_failure 1
    assert_json '.ok == false and .type == "sdp_check" and .errors == 1 and .warnings == 0 and
        (.findings[0] | .line == 11 and .severity == "error" and .rule == "fingerprint-length" and
        .rfc == "RFC 8122 5" and (.what | startswith("AB:")) and (.message | length) > 9)'
}

@test "warnings fail with --strict alone" {
    run --separate-stderr sigctl sdp check "@$bad/any.line-lf.sdp"
    assert_success
    assert_output '1: warning: lines end with LF, without CR (RFC 8866 5)'
    run --separate-stderr sigctl sdp check --strict "@$bad/any.line-lf.sdp"
    assert_failure 1
    run --separate-stderr sigctl sdp check --strict --json "@$bad/any.line-lf.sdp"
    assert_failure 1
    assert_json '.ok == false and .errors == 0 and .warnings == 1'
}

@test "an offer, an answer, and an answer to its offer are not judged alike" {
    offer=$ok/offer.minimal.sdp
    run sigctl sdp check --offer "@$offer"
    assert_success
    run --separate-stderr sigctl sdp check --answer "@$offer"
    assert_failure 1
    assert_output '12: error: an answer says active or passive: actpass (RFC 8842 5.3)'
    sigctl sdp gen --media data >other.sdp
    run --separate-stderr sigctl sdp check --against "@$offer" @other.sdp
    assert_failure 1
    assert_line --regexp '^[0-9]+: error: not as many sections as the offer has \(RFC 3264 6\)$'
    run --separate-stderr sigctl sdp check --offer --answer "@$offer"
    assert_failure 2
    run --separate-stderr sigctl sdp check --against none.sdp "@$offer"
    assert_failure 9
    assert_equal "$stderr" 'sigctl: cannot read none.sdp: No such file or directory'
}

@test "the text comes from stdin, a file or the arguments" {
    sigctl sdp gen >o.sdp
    run --separate-stderr sigctl sdp check --offer <o.sdp
    assert_success
    run --separate-stderr sigctl sdp check @- <o.sdp
    assert_success
    run --separate-stderr sigctl sdp check "v=0"$'\r\n'
    assert_failure 1
    assert_line '1: error: no o= line (RFC 8866 5.2)'
}

@test "what is no description at all is exit 9" {
    for text in '' 'hello' '{"type":"offer","sdp":"v=0"}'; do
        run --separate-stderr sigctl sdp check "$text"
        assert_failure 9
        assert_output ''
        assert_regex "$stderr" '^sigctl: not a session description'
        run --separate-stderr sigctl sdp show "$text"
        assert_failure 9
    done
    { echo v=0; head -c 1100000 /dev/zero | tr '\0' a; } >large
    run --separate-stderr sigctl sdp check @large
    assert_failure 9
    assert_equal "$stderr" 'sigctl: more than 1 MiB is not a session description'
    printf 'v=0\n\xff\n' >latin
    run --separate-stderr sigctl sdp check --json @latin
    assert_failure 9
    assert_json '.ok == false and .exit == 9'
    for words in '' what 'gen x'; do
        # shellcheck disable=SC2086  # words
        run --separate-stderr sigctl sdp $words
        assert_failure 2
        assert_output ''
    done
    run --separate-stderr sigctl sdp gen --media film
    assert_failure 2
    run --separate-stderr sigctl sdp gen --ice 65
    assert_failure 2
}

@test "show tells codecs, candidates and DTLS, and no password" {
    run --separate-stderr sigctl sdp show "@$ok/offer.safari.sdp"
    assert_success
    assert_equal "$stderr" ''
    assert_line '2 sections, bundled: audio video'
    assert_line 'audio mid audio, sendrecv, UDP/TLS/RTP/SAVPF'
    assert_line '  codec     111 opus/48000/2  minptime=10;useinbandfec=1'
    assert_line '  ice       ufrag Zk3+, password of 24 characters, trickle renomination, 4 candidates, 2 host, 1 srflx, 1 relay, 2 mDNS, 1 tcp'
    refute_output --partial q4x9T0vJ2mC7bN5hR8sW1eYu
    run --separate-stderr sigctl sdp show --json "@$ok/offer.firefox.sdp"
    assert_success
    assert_json '.ok and .type == "sdp_show" and .errors == 0 and (.media | length) == 3 and
        .media[0].mid == "0" and .media[0].bundled and .media[1].bundle_only and
        .media[1].codecs[1] == {"payload":124,"name":"rtx","clock":90000,"channels":null,
            "fmtp":"apt=120"} and .media[1].ssrcs == 2 and .media[0].dtls.hash == "sha-256" and
        .media[0].ice.pwd_length == 32 and .media[2].sctp_port == 5000'
    refute_output --partial 7f5f4c2b1a0d9e8c7b6a5f4e3d2c1b0a
}

@test "nothing in a description reaches the terminal unescaped" {
    printf 'v=0\r\no=\033[31m 1 1 IN IP4 127.0.0.1\r\ns=\033]0;x\a\r\nt=0 0\r\n\033[2J\r\n' >evil
    for verb in check show; do
        run sigctl sdp $verb @evil
        refute_output --partial $'\033'
        refute_output --partial $'\a'
    done
    run --separate-stderr sigctl sdp show --json @evil
    assert_success
    assert_json '.errors == 1'
}

@test "aiortc answers our offer, and its answer is right" {
    sigctl sdp gen --media video,audio,data --ice 1 >offer.sdp
    timeout 50 "${SIGKIT_PYTHON:-/usr/bin/python3}" - <<'END'
import asyncio
import aiortc

async def main():
    pc = aiortc.RTCPeerConnection()
    text = open("offer.sdp", newline="").read()
    await pc.setRemoteDescription(aiortc.RTCSessionDescription(text, "offer"))
    answer = await pc.createAnswer()
    open("answer.sdp", "w", newline="").write(answer.sdp)
    await pc.close()

asyncio.run(main())
END
    run --separate-stderr sigctl sdp check --against offer.sdp @answer.sdp
    assert_success
    refute_output --partial ' error: '
}

@test "aiortc takes our answer to its offer" {
    timeout 50 "${SIGKIT_PYTHON:-/usr/bin/python3}" - <<'END'
import asyncio
import subprocess
import aiortc

async def main():
    pc = aiortc.RTCPeerConnection()
    pc.addTransceiver("audio")
    pc.addTransceiver("video")
    pc.createDataChannel("x")
    offer = await pc.createOffer()
    answer = subprocess.run(["sigctl", "sdp", "gen", "--answer-to", "@-"], check=True, text=True,
                            input=offer.sdp, stdout=subprocess.PIPE).stdout
    await pc.setLocalDescription(offer)
    await pc.setRemoteDescription(aiortc.RTCSessionDescription(answer, "answer"))
    assert pc.signalingState == "stable"
    await pc.close()

asyncio.run(main())
END
}
