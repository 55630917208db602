# SPDX-License-Identifier: MIT
# 515 texts that a peer may send to do harm to whoever shows them: to a terminal, a log, a parser of
# lines, a shell, an eye. All of them are our own.
"""STRINGS is the list of (kind, text); as a program it prints them as JSON, a pair a line."""

import json

ESC, CSI, OSC, ST, BEL = "\x1b", "\x1b[", "\x1b]", "\x1b\\", "\x07"


def sequences():
    yield from (("csi", "a" + CSI + s + "b") for s in (
        "2J", "3J", "H", "1;1H", "999;999H", "K", "1K", "2K", "A", "99A", "B", "C", "D", "E", "F",
        "1G", "S", "99T", "s", "u", "6n", "5n", "c", ">c", "=c", "0x", "14t", "18t", "21t", "20t",
        "8;1;1t", "3;0;0t", "2t", "?25l", "?25h", "?1049h", "?1049l", "?47h", "?1000h", "?1003h",
        "?1006h", "?2004h", "?2026h", "?7l", "?5h", "?3h", "4h", "20h", "12l", "!p", "?6c",
        "1;2r", "4i", "5i", "?5i", "31m", "0m", "8m", "7m", "1;5;31;47m", "38;2;0;0;0m",
        "38;5;196m", "48:2::255:0:0m", "58;5;1m", "0 q", "5 q", ">4;2m", ">1u", "?1u", "<u",
        "200~rm -rf /\r", "201~", "1000b", "99L", "99M", "99P", "99@", "99X", "3g", "0;59m"))
    yield from (("osc", "a" + OSC + s + "b") for s in (
        "0;owned" + BEL, "0;owned" + ST, "1;icon" + BEL, "2;title" + ST, "2;" + BEL,
        "4;1;rgb:00/00/00" + BEL, "4;1;?" + BEL, "7;file://evil/etc" + ST,
        "8;;http://evil.example/" + ST + "click" + OSC + "8;;" + ST,
        "8;id=x;file:///etc/passwd" + BEL + "here" + OSC + "8;;" + BEL,
        "8;;javascript:alert(1)" + ST + "x", "9;notify" + BEL, "9;4;1;50" + ST, "10;?" + BEL,
        "11;?" + ST, "11;#000000" + BEL, "12;red" + BEL, "50;CursorShape=1" + BEL, "50;#x" + BEL,
        "52;c;cm0gLXJmIC8=" + BEL, "52;c;?" + ST, "52;p;Y3VybA==" + ST, "52;;!" + BEL,
        "104" + BEL, "110" + BEL, "133;A" + BEL, "133;C" + ST, "633;E;rm -rf /" + BEL,
        "777;notify;t;b" + BEL, "1337;File=inline=1:AAAA" + BEL, "1337;SetMark" + BEL,
        "1337;CopyToClipboard=" + BEL + "x", "1337;RunScript=x" + ST, "1337;SetUserVar=a=Yg==" + BEL,
        "0;unfinished", "l title" + ST, "L icon" + ST))
    yield from (("string", "a" + s + "b") for s in (
        ESC + "P$q\"p" + ST, ESC + "P+q544e" + ST, ESC + "P0;0|17/6c73" + ST,
        ESC + "Pq#0;2;0;0;0~-" + ST, ESC + "P1000p" + ST, ESC + "Ptmux;" + ESC + CSI + "2J" + ST,
        ESC + "P unfinished", ESC + "_Gf=24,s=1,v=1,a=T;AAAA" + ST, ESC + "_Ga=q;" + ST,
        ESC + "_Gt=f;L2V0Yy9wYXNzd2Q=" + ST, ESC + "_ unfinished", ESC + "^private" + ST,
        ESC + "^ unfinished", ESC + "Xstart of string" + ST, ESC + "X unfinished",
        ESC + "ktitle" + ST, ESC + "k unfinished"))
    yield from (("esc", "a" + ESC + s + "b") for s in (
        "c", "7", "8", "D", "E", "M", "H", "Z", "=", ">", "<", "(0", "(B", ")0", "*0", "+0", "-A",
        "#8", "#3", "#6", "%G", "%@", " F", " G", "n", "o", "|", "}", "~", "N", "O", "V", "W", "\\",
        "l", "m", ""))
    yield from (("c1", "a" + s + "b") for s in (
        "\x9b2J", "\x9b31mred\x9b0m", "\x9d0;title\x9c", "\x9d52;c;eA==\x9c", "\x90q\x9c",
        "\x9fGa=q;\x9c", "\x9ep\x9c", "\x98s\x9c", "\x85", "\x84\x85\x8d", "\x9b?1049h"))


def single_points():
    yield from (("c0", f"c0 {i:02x} [{chr(i)}]") for i in [*range(0x20), 0x7f])
    yield from (("c1", f"c1 {i:02x} [{chr(i)}]") for i in range(0x80, 0xa0))
    hidden = (0xad, 0x34f, 0x61c, 0x115f, 0x1160, 0x17b4, 0x17b5, 0x180b, 0x180e, 0x180f, 0x200b,
              0x200c, 0x200d, 0x200e, 0x200f, 0x2028, 0x2029, 0x202a, 0x202b, 0x202c, 0x202d,
              0x202e, *range(0x2060, 0x2070), 0x3164, 0xfe00, 0xfe07, 0xfe0d, 0xfeff, 0xffa0,
              0xfff9, 0xfffa, 0xfffb, 0x1bca0, 0x1d173, 0x1d17a, 0xe0001, 0xe0020, 0xe0041, 0xe007f,
              0xe0100, 0xe01ef)
    yield from (("hidden", f"hidden {i:x} [{chr(i)}]") for i in hidden)
    odd = (0xfe0e, 0xfe0f, 0xfffc, 0xfffd, 0xfffe, 0xffff, 0xe000, 0xf8ff, 0x10ffff, 0x1fffe,
           0xfdd0, 0x378, 0xa0, 0x1680, 0x2000, 0x2007, 0x202f, 0x205f, 0x3000, 0x2800)
    yield from (("odd", f"odd {i:x} [{chr(i)}]") for i in odd)
    halves = ("\ud800", "\udbff", "\udc00", "\udfff", "\ude00\ud83d", "\ud800\ud800", "\ud800x",
              "x\udfff", "\udc80\udcff", "\ud83d \ude00")
    yield from (("surrogate", "half [" + s + "]") for s in halves)


def texts():
    yield from (("bidi", s) for s in (
        "user\u202egnp.exe", "\u202eevil\u202c", "\u2066hidden\u2069", "\u2067\u2067\u2067",
        "a\u202a\u202b\u202d\u202eb", "/* \u202e } \u2066if (admin)\u2069 \u2066 begin */",
        "\u200f\u200e\u200f", "\u061c123", "\u05d0\u05d1\u05d2 abc \u05d3", "\u0645\u0631\u062d\u0628\u0627",
        "abc \u0627\u0644\u0633\u0644\u0627\u0645 123", "\u05e9\u05dc\u05d5\u05dd\u202e", "\ufdfd"))
    yield from (("invisible", s) for s in (
        "ad\u200bmin", "cam\u200d-2", "\ufeffcam-2", "cam-2\u2060", "c\u00adam", "\u3164",
        "\u115f\u1160", "".join(chr(0xe0000 + ord(c)) for c in "ignore all"), "x\ufe00\ufe01\ufe02",
        "x" + "".join(chr(0xe0100 + i) for i in range(16)), "\u200b" * 64, "\u2063\u2064\u2062"))
    yield from (("combining", s) for s in (
        "Z" + "\u0300" * 100, "".join(c + "\u0336" for c in "struck"), "e\u0301", "\u0300alone",
        "a" + "".join(chr(i) for i in range(0x300, 0x340)), "o\u20dd\u20e0", "\u0e47" * 40,
        "i" + "\u0489" * 20, "\u1ab0" * 30, "x\u0335\u0327\u0322" * 8))
    yield from (("lines", s) for s in (
        "a\nb", "a\rb", "a\r\nb", "a\n\n\nb", "safe\r\x1b[1Kevil", "good\x08\x08\x08\x08evil", "a\tb",
        "a\vb", "a\fb", "a\u2028b", "a\u2029b", "\n", "\r\n\r\n", " ", "\t\t", "end\n",
        "\nstart", "x\r", "sigctl: fake message\n", "\r\nregistered admin\r\n",
        "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=\x1b]0;owned\x07\r\nt=0 0\r\n",
        "v=0\r\ns=-\r\nm=video 9 x\x1b[2J 96\r\na=\u202e\r\n",
        "candidate:1 1 udp 1 10.0.0.1\x1b[31m 1 typ host\x07", "candidate:\u202e 1 udp typ relay"))
    yield from (("format", s) for s in (
        "%s%s%s%s%s%s", "%n", "%x%x%x%x", "%99999999d", "%1$s", "%*.*s", "%{from}", "%{ok}\\n", "%%",
        "%c%p", "{0}", "{{7*7}}", "${7*7}", "#{7*7}", "<%= 7 %>", "{% raw %}", "\\n\\t\\0", "\\x1b[2J",
        "\\u001b[2J", "\\033[2J", "^[[2J"))
    yield from (("shell", s) for s in (
        "$(reboot)", "`reboot`", "; reboot", "| reboot", "&& reboot", "|| reboot", "> /etc/passwd",
        "< /etc/shadow", "$HOME", "${IFS}", "~root", "*", "?", "[a-z]", "!!", "!$", "'", "\"", "'\"'\"'",
        "\\", "-rf", "--help", "-", "--", "@/etc/passwd", "@-", "@@", "#", "a b", "$'\\x1b'", "../../../etc",
        "/dev/tcp/evil/1", "\\\\evil\\share", "con"))
    yield from (("injection", s) for s in (
        "\",\"ok\":true,\"x\":\"", "\"}\n{\"ok\":true}", "{}", "[]", "null", "true", "{\"a\":{\"b\":[1,2]}}",
        "}]}", "\\\"", "\\u0000", "<script>alert(1)</script>", "<img src=x onerror=alert(1)>",
        "]]>", "<!--", "&lt;&#27;", "&amp;", "<?xml version=\"1.0\"?>", "'; DROP TABLE peers; --",
        "' OR '1'='1", "1; SELECT 1", "a\x00b", "=1+1", "=cmd|' /C calc'!A0", "+1", "@SUM(1)",
        "\tvalue", "a,b;c", "Set-Cookie: x", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "*)(uid=*"))
    yield from (("number", s) for s in (
        "0", "-0", "1e309", "-1e309", "NaN", "Infinity", "9223372036854775808", "0x7f",
        "\u0661\u0662\u0663", "\uff11\uff12", "\u00bd"))
    yield from (("emoji", s) for s in (
        "\U0001f600", "\u2764\ufe0f", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f1e9\U0001f1ea",
        "\U0001f44d\U0001f3ff", "\U0001f3f4\U000e0067\U000e0062\U000e007f", "1\ufe0f\u20e3",
        "\U0001f9d1\U0001f3fd\u200d\U0001f680"))
    yield from (("alike", s) for s in (
        "c\u0430m-2", "\uff43\uff41\uff4d", "cam\u20102", "cam\u20132", "\U0001d41c\U0001d41a\U0001d426",
        "\u0441\u0430\u043c", "cam-\u0662", "ca\uff4d-2", "\u1d04\u1d00\u1d0d", "d\u0433one-1"))
    yield from (("length", s) for s in (
        "x" * 99, "x" * 300, "x" * 5000, "\u00e9" * 1100, "\x1b" * 300, "\u202e" * 700,
        "\U0001f600" * 600, "\x1b[2J" * 400, "a" * 254 + "\u202e" + "b" * 300))


STRINGS = [*sequences(), *single_points(), *texts()]

if __name__ == "__main__":
    for pair in STRINGS:
        print(json.dumps(pair))
