# SPDX-License-Identifier: MIT
# Runs a program under what sigd.service allows it: the system calls and address families of the
# unit as a seccomp filter that kills, so that whatever the unit forgets is seen. No systemd runs.
"""units.py UNIT PROGRAM [ARG…]"""

import ctypes
import os
import platform
import re
import struct
import subprocess
import sys

AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
LOAD, JEQ, RET = 0x20, 0x15, 0x06  # of classic BPF
KILL, ALLOW = 0x80000000, 0x7FFF0000
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2


def values(unit, key):
    """The values of a key, in order."""
    with open(unit, encoding="utf-8") as f:
        return [m[1].strip() for m in re.finditer(rf"^{key}=(.*)$", f.read(), re.M)]


def expand(name):
    """The system calls of a name or group of systemd's."""
    if not name.startswith("@"):
        return {name}
    text = subprocess.run(["systemd-analyze", "syscall-filter", name], check=True,
                          capture_output=True, text=True).stdout
    names = [word.strip() for word in text.split("\n")[1:] if not word.strip().startswith("#")]
    return set().union(*(expand(word) for word in names if word))


def allowed_calls(unit):
    """An allow list, from which the lines with ~ take away; @default is always in it."""
    calls = expand("@default")
    for line in values(unit, "SystemCallFilter"):
        group = set().union(*(expand(word) for word in line.lstrip("~").split()))
        calls = calls - (group - expand("@default")) if line[0] == "~" else calls | group
    return calls


def numbers():
    """Names and numbers of this machine's system calls, from the C library's headers."""
    text = subprocess.run(["cc", "-E", "-dM", "-include", "sys/syscall.h", "-xc", "/dev/null"],
                          check=True, capture_output=True, text=True).stdout
    return {m[1]: int(m[2]) for m in re.finditer(r"^#define __NR_(\w+) (\d+)$", text, re.M)}


def families(unit):
    import socket
    return [getattr(socket, name) for name in values(unit, "RestrictAddressFamilies")[0].split()]


def program(unit):
    """Instructions (code, if true, if false, value): architecture, call, family of a socket."""
    number = numbers()
    calls = sorted(number[name] for name in allowed_calls(unit) if name in number)
    code = [(LOAD, 0, 0, 4), (JEQ, 1, 0, AUDIT_ARCH[platform.machine()]), (RET, 0, 0, KILL),
            (LOAD, 0, 0, 0)]
    allowed = families(unit)
    code += [(JEQ, 0, 2 * len(allowed) + 2, number["socket"]), (LOAD, 0, 0, 16)]
    for family in allowed:
        code += [(JEQ, 0, 1, int(family)), (RET, 0, 0, ALLOW)]
    code += [(RET, 0, 0, KILL)]
    for call in calls:
        code += [(JEQ, 0, 1, call), (RET, 0, 0, ALLOW)]
    return code + [(RET, 0, 0, KILL)]


def confine(code):
    text = b"".join(struct.pack("=HBBI", *line) for line in code)
    buffer = ctypes.create_string_buffer(text, len(text))
    fprog = struct.pack("@HP", len(code), ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or \
            libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, fprog, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


confine(program(sys.argv[1]))
os.execv(sys.argv[2], sys.argv[2:])
