# SPDX-License-Identifier: MIT
# Tokens that a server must take or refuse, made with nothing of ours: Python's own library and the
# openssl command. As a module: Keys(directory), cases(keys). As a program:
#   jwtcases.py DIR                 makes keys in DIR, prints {"name","ok","id","token"} a line
#   jwtcases.py DIR --check SIGCTL  gives every token to `SIGCTL token check`

import base64
import hashlib
import hmac
import json
import os
import subprocess
import sys
import time
from typing import NamedTuple

ISSUER = "https://id.example"
AUDIENCE = "sigd"
KIDS = {"rsa": "rsa-1", "ec": "ec-1", "ed": "ed-1"}
ALGS = {"secret": "HS256", "rsa": "RS256", "ec": "ES256", "ed": "EdDSA"}
ID = "drone-1"


class Case(NamedTuple):
    name: str
    token: str
    ok: bool
    id: str = ID  # what a token that is taken lets one register

    @property
    def printable(self):
        """Fit for a URL and a header: short, no blanks, no controls."""
        return len(self.token) <= 4096 and self.token.isascii() and all(
            33 <= ord(c) < 127 for c in self.token)


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def openssl(*args, data=None):
    return subprocess.run(["openssl", *args], input=data, check=True, timeout=60,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE).stdout


def private_file(path, data):
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as f:
        f.write(data)


def raw_of(der):
    """r and s of 32 bytes each from an ECDSA signature in DER (RFC 3279 2.2.3)."""
    at, out = 2, b""
    for _ in range(2):
        n = der[at + 1]
        out += der[at + 2:at + 2 + n].lstrip(b"\0").rjust(32, b"\0")
        at += 2 + n
    return out


class Keys:
    """Makes a pair of each kind for us (rsa, ec, ed) and for a stranger (other-rsa, ...)."""

    GENERATE = {
        "rsa": ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
        "ec": ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
        "ed": ["ED25519"],
    }

    def __init__(self, directory):
        self.dir = directory
        self.secret = b"correct horse battery staple, 32 or more"
        self.other = b"the secret of somebody else altogether"
        private_file(self.path("secret"), self.secret)
        for kind, how in self.GENERATE.items():
            for name in (kind, "other-" + kind):
                private_file(self.path(name + ".key"), openssl("genpkey", "-algorithm", *how))
                openssl("pkey", "-in", self.path(name + ".key"), "-pubout", "-out",
                        self.path(name + ".pem"))

    def path(self, name):
        return os.path.join(self.dir, name)

    def public(self, kind, form="PEM"):
        return openssl("pkey", "-pubin", "-in", self.path(kind + ".pem"), "-pubout",
                       "-outform", form)

    def options(self):
        """What sigd is started with for these cases."""
        keys = [word for kind, kid in KIDS.items()
                for word in ("--jwt-key", f"{kid}={self.path(kind + '.pem')}")]
        return ["--jwt-secret-file", self.path("secret"), *keys,
                "--jwt-issuer", ISSUER, "--jwt-audience", AUDIENCE]

    def sign(self, by, data):
        if isinstance(by, bytes):
            return hmac.new(by, data, hashlib.sha256).digest()
        kind = by.replace("other-", "")
        if kind == "secret":
            return self.sign(self.other if by != kind else self.secret, data)
        key = self.path(by + ".key")
        if kind == "ed":
            private_file(self.path("data"), data)
            return openssl("pkeyutl", "-sign", "-rawin", "-inkey", key, "-in", self.path("data"))
        signature = openssl("dgst", "-sha256", "-sign", key, data=data)
        return raw_of(signature) if kind == "ec" else signature


def header_of(kind, **more):
    head = {"alg": ALGS[kind], "typ": "JWT"}
    if kind in KIDS:
        head["kid"] = KIDS[kind]
    return {**head, **more}


class Maker:
    def __init__(self, keys, now):
        self.keys = keys
        self.now = now
        self.base = {"iss": ISSUER, "aud": AUDIENCE, "sub": ID, "iat": now, "exp": now + 3600}

    def claims(self, drop=(), **more):
        return {k: v for k, v in {**self.base, **more}.items() if k not in drop}

    def token(self, by="secret", header=None, claims=None, bend=None):
        """header and claims: a dict, or the text itself. bend changes the signature's bytes."""
        kind = by.replace("other-", "") if isinstance(by, str) else "secret"
        head = header_of(kind) if header is None else header
        body = self.base if claims is None else claims
        parts = [p.encode("latin-1") if isinstance(p, str) else json.dumps(p).encode()
                 for p in (head, body)]
        data = ".".join(map(b64, parts)).encode()
        signature = b"" if by is None or by == "" else self.keys.sign(by, data)
        return data.decode() + "." + b64(bend(signature) if bend else signature)

    def text(self, members):
        """The usual claims with members as they stand."""
        return json.dumps(self.base)[:-1] + "," + members + "}"


def valid(m):
    for kind in ("secret", "rsa", "ec", "ed"):
        yield f"valid {ALGS[kind]}", m.token(kind)
    hs = {"alg": "HS256"}
    yield "valid without typ", m.token(header=hs)
    yield "valid typ in small letters", m.token(header={**hs, "typ": "jwt"})
    yield "valid typ application/jwt", m.token(header={**hs, "typ": "application/jwt"})
    yield "valid unknown header member", m.token(header={**hs, "x": [1]})
    yield "valid aud list", m.token(claims=m.claims(aud=["a", AUDIENCE]))
    yield "valid userId", m.token(claims=m.claims(drop=["sub"], userId=ID))
    yield "valid sub and userId", m.token(claims=m.claims(userId=ID))
    yield "valid ids", m.token(claims=m.claims(drop=["sub"], ids=["cam-*", "drone-?"]))
    yield "valid ids a string", m.token(claims=m.claims(drop=["sub"], ids="drone-*"))
    yield "valid fraction", m.token(claims=m.claims(exp=m.now + 3600.5, nbf=m.now - 0.25))
    yield "valid exponent", m.token(claims=m.text(f'"nbf":{m.now // 10}e1'))
    yield "valid role", m.token(claims=m.claims(role="drone"))
    yield "valid unknown claims", m.token(claims=m.claims(jti="1", scope=None, realm={"r": [1]}))
    yield "valid escapes", m.token(claims=m.text('"userId":"\\u0064rone-1"'))


def no_signature(m):
    for alg in ("none", "NONE", "nOnE", "", "HS256", "hs256"):
        yield f"unsigned alg '{alg}'", m.token("", header={"alg": alg})
    for kind in KIDS:
        yield f"unsigned {kind}", m.token("", header=header_of(kind))
        yield f"none with kid of {kind}", m.token("", header=header_of(kind, alg="none"))
    yield "none, signed", m.token(header={"alg": "none"})
    yield "alg missing", m.token(header={"typ": "JWT"})
    yield "alg a list", m.token(header={"alg": ["HS256"]})
    yield "alg null", m.token(header={"alg": None})
    yield "alg HS512", m.token(header={"alg": "HS512"})
    yield "alg with U+0000", m.token(header={"alg": "HS256\0"})
    yield "alg PS256", m.token("rsa", header=header_of("rsa", alg="PS256"))


def confused(m):
    for kind, kid in KIDS.items():
        for form in ("PEM", "DER"):
            public = m.keys.public(kind, form)
            yield f"{kind} {form} as secret", m.token(public, header={"alg": "HS256"})
            yield f"{kind} {form} as secret, kid", m.token(public, {"alg": "HS256", "kid": kid})
        yield f"{kind} of a stranger", m.token("other-" + kind)
        yield f"{kind} without kid", m.token(kind, header={"alg": ALGS[kind]})
        for said in KIDS:
            if said != kind:
                yield f"{kind} signed, {said} said", m.token(kind, header=header_of(said))
                yield f"{kind} signed, kid of {said}", m.token(
                    kind, header=header_of(kind, kid=KIDS[said]))
    yield "secret of a stranger", m.token("other-secret")
    yield "one byte as secret", m.token(b"\0")


def headers(m):
    def hs(**more):
        return m.token(header={"alg": "HS256", **more})

    for kid in ("", "../../../../dev/null", "/dev/null", "x' UNION SELECT 'k", "x|id", "a\n", "\0",
                "nobody", 1, None, ["rsa-1"], {"a": 1}, True):
        yield f"kid {kid!r}", hs(kid=kid)
    yield "kid too long", m.token("rsa", header=header_of("rsa", kid="rsa-1" + "x" * 200))
    yield "kid with U+0000 behind", m.token("rsa", header=header_of("rsa", kid="rsa-1\0"))
    jwk = {"kty": "oct", "k": b64(m.keys.other)}
    for name, value in {"crit": ["exp"], "jwk": jwk, "jku": "https://evil.example/keys",
                        "x5u": "https://evil.example/c", "x5c": ["MIIB"], "x5t": "a",
                        "x5t#S256": "a", "b64": False, "zip": "DEF", "enc": "A128GCM"}.items():
        yield f"{name}", hs(**{name: value})
        yield f"{name} of a stranger", m.token(
            "other-rsa", header={"alg": "RS256", name: value})
    yield "crit escaped", m.token(header='{"alg":"HS256","cr\\u0069t":[]}')
    for typ in ("JWE", "secevent+jwt", "", 1, None):
        yield f"typ {typ!r}", hs(typ=typ)
    for text in ('{"alg":"HS256","alg":"HS256"}', '{"alg":"none","\\u0061lg":"HS256"}',
                 '[{"alg":"HS256"}]', '"HS256"', "{alg:'HS256'}", '{"alg":"HS256"}{}', "null",
                 '{"alg":"HS256","a":"\xff"}', "\xef\xbb\xbf" + '{"alg":"HS256"}', "",
                 '{"alg":"HS256","a":' + "[" * 40 + "]" * 40 + "}"):
        yield f"header {text[:40]!r}", m.token(header=text)


def shapes(m):
    good = m.token()
    head, body, sig = good.split(".")
    texts = {
        "nothing": "", "a dot": ".", "two dots": "..", "one segment": head,
        "two segments": f"{head}.{body}", "four segments": good + ".e30",
        "five segments": good + ".e30.e30", "a dot behind": good + ".",
        "no header": f".{body}.{sig}", "no claims": f"{head}..{sig}", "no signature":
        f"{head}.{body}.", "padding": good + "=", "padding of the header": f"{head}=.{body}.{sig}",
        "blank behind": good + " ", "line end behind": good + "\n", "tab before": "\t" + good,
        "blank inside": good[:9] + " " + good[9:], "Bearer before": "Bearer " + good,
        "quoted": f'"{good}"', "percent": good.replace(".", "%2E"), "comma": good + "," + good,
        "64 KiB": f"{head}.{'A' * 65536}.{sig}", "4097 bytes": good + "A" * (4097 - len(good)),
        "above ASCII": good[:5] + "é" + good[6:], "in capitals": good.upper(),
    }
    for name, text in texts.items():
        yield name, text
    table = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for kind in ("secret", "rsa", "ec"):
        token = m.token(kind)
        spare = table[table.index(token[-1]) + 1]
        yield f"spare bits of {kind}", token[:-1] + spare
    odd = m.token(claims=m.text('"x":"~~~~>>>>a?b?c?d?e?"'))
    yield "alphabet of base64", odd.replace("-", "+").replace("_", "/")
    for kind in ("secret", "rsa", "ec", "ed"):
        h, b, s = m.token(kind).split(".")
        for i, part in enumerate((h, b, s)):
            data = bytearray(unb64(part))
            data[len(data) // 2] ^= 1
            parts = [h, b, s]
            parts[i] = b64(bytes(data))
            yield f"{kind}: a bit of segment {i + 1}", ".".join(parts)
        other = m.token(kind, claims=m.claims(sub="admin")).split(".")[1]
        yield f"{kind}: claims of another token", f"{h}.{other}.{s}"
    yield "signature of another kind", f"{head}.{body}.{m.token('ed').split('.')[2]}"


def signatures(m):
    bends = {
        "empty": lambda s: b"", "a byte short": lambda s: s[:-1], "a byte long": lambda s: s + b"\0",
        "zero before": lambda s: b"\0" + s, "zero": lambda s: bytes(len(s)),
        "ones": lambda s: b"\xff" * len(s), "half": lambda s: s[:len(s) // 2],
        "twice": lambda s: s + s, "first half zero": lambda s: bytes(len(s) // 2) + s[len(s) // 2:],
        "second half zero": lambda s: s[:len(s) // 2] + bytes(len(s) // 2),
    }
    for kind in ("secret", "rsa", "ec", "ed"):
        for name, bend in bends.items():
            yield f"{ALGS[kind]} signature {name}", m.token(kind, bend=bend)

    def der(s):
        numbers = b"".join(b"\x02" + bytes([len(n)]) + n for n in
                           ((b"\0" + h if h[0] & 0x80 else h) for h in (s[:32], s[32:])))
        return b"\x30" + bytes([len(numbers)]) + numbers

    yield "ES256 in DER", m.token("ec", bend=der)


def bad_claims(m):
    for text in ("[]", '"drone-1"', "null", "1", "", "{", '{"sub":"drone-1"', "{}x", "{'a':1}"):
        yield f"claims {text!r}", m.token(claims=text)
    yield "claims with something behind", m.token(claims=json.dumps(m.base) + "{}")
    yield "sub twice", m.token(claims=m.text('"sub":"admin"'))
    yield "sub twice, once escaped", m.token(claims=m.text('"\\u0073ub":"admin"'))
    yield "exp twice", m.token(claims=m.text(f'"exp":{m.now + 9999}'))
    yield "not UTF-8", m.token(claims=m.text('"x":"\xc0\xaf"'))
    yield "exp missing", m.token(claims=m.claims(drop=["exp"]))
    for value in (str(m.now + 3600), None, True, [m.now + 3600], {}, -1, 0, m.now - 1, m.now - 0.5,
                  (m.now + 3600) * 1000, 2 ** 63, 2 ** 64 + m.now + 3600):
        yield f"exp {value!r}", m.token(claims=m.claims(exp=value))
    for raw in ("NaN", "Infinity", "1e400", "1e99999999999999999999", "-0", "0x7fffffff", "01",
                "1e-400", "+1", ".5", "5."):
        plain = json.dumps(m.claims(drop=["exp"]))[:-1]
        yield f"exp raw {raw}", m.token(claims=f'{plain},"exp":{raw}}}')
    for name in ("nbf", "iat"):
        for value in (m.now + 600, m.now + 600.5, str(m.now), None, [], -1, 2 ** 70):
            yield f"{name} {value!r}", m.token(claims=m.claims(**{name: value}))
    for value in (None, 1, "", [], [ISSUER], ISSUER + "/", ISSUER[:-1], ISSUER.upper(),
                  ISSUER + "\0", "https://evil.example"):
        yield f"iss {value!r}", m.token(claims=m.claims(iss=value))
    for value in (None, 1, "", "*", "turn", [], ["turn", "x"], [[AUDIENCE]], [AUDIENCE, 1],
                  {AUDIENCE: 1}, AUDIENCE.upper(), AUDIENCE + " "):
        yield f"aud {value!r}", m.token(claims=m.claims(aud=value))
    for name in ("iss", "aud", "sub"):
        yield f"{name} missing", m.token(claims=m.claims(drop=[name]))


def bad_identity(m):
    for value in ("", None, 1, True, ["drone-1"], {}, "*", "drone 1", "drone-1\n", "drone-1\0",
                  "-a", "a/b", "<x>", "é", "a" * 129):
        yield f"sub {value!r}"[:60], m.token(claims=m.claims(sub=value))
        yield f"userId {value!r}"[:60], m.token(claims=m.claims(userId=value))
    yield "sub and userId differ", m.token(claims=m.claims(userId="drone-2"))
    yield "sub and userId differ in case", m.token(claims=m.claims(userId="Drone-1"))
    for value in (1, None, {}, [1], [["*"]], [""], "", ["a b"], ["[a-z]*"], ["a" * 129],
                  ["*"] * 17, ["*", None]):
        yield f"ids {value!r}"[:60], m.token(claims=m.claims(ids=value))
    yield "nobody", m.token(claims=m.claims(drop=["sub"], ids=[]))
    for value in ("", None, 1, ["admin"], "admin ", "a" * 33, "admin\0", "*"):
        yield f"role {value!r}"[:60], m.token(claims=m.claims(role=value))


FORGERIES = (no_signature, confused, headers, shapes, signatures, bad_claims, bad_identity)


def cases(keys, now=None):
    """Every case for a server started with keys.options()."""
    m = Maker(keys, int(time.time()) if now is None else now)
    for name, token in valid(m):
        yield Case(name, token, True)
    for group in FORGERIES:
        for name, token in group(m):
            yield Case(f"{group.__name__}: {name}", token, False)


def check(sigctl, keys, case):
    """What `sigctl token check` says: None when it is what is expected."""
    options = ["--secret-file" if o == "--jwt-secret-file" else o.replace(
        "--jwt-issuer", "--issuer").replace("--jwt-audience", "--audience")
        for o in keys.options()]
    done = subprocess.run([sigctl, "token", "check", *options, "--", case.token], timeout=60,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    want = 0 if case.ok else 4
    return None if done.returncode == want else f"exit {done.returncode}: {done.stderr.decode()}"


def main(directory, *args):
    keys = Keys(directory)
    wrong = count = 0
    for case in cases(keys):
        count += 1
        if not args:
            print(json.dumps({**case._asdict(), "printable": case.printable}))
            continue
        why = check(args[1], keys, case)
        if why is not None:
            wrong += 1
            print(f"{case.name}: {why}")
    if args:
        print(f"{count} tokens, {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
