# SPDX-License-Identifier: MIT
"""check.py FILE NAME[+NAME...]: each line of stdin is one object of one of the definitions NAME of
a schema, and each NAME occurs. check.py FILE --objects prints the definitions of whole objects."""

import json
import sys

from jsonschema import Draft202012Validator as Validator


def objects(schema):
    """Definitions of what is a line by itself, not a part of one."""
    return [name for name, d in schema["$defs"].items() if "ts_us" in d.get("properties", {}) or
            "exit" in d.get("properties", {})]


def wrong(line, checks):
    """The names that fit a line, or why none does."""
    try:
        value = json.loads(line)
    except ValueError as e:
        return [], f"not JSON: {e}"
    fits, why = [], []
    for name, validator in checks.items():
        errors = [e.message for e in validator.iter_errors(value)]
        fits += [] if errors else [name]
        why += [f"{name}: {e}" for e in errors]
    return fits, "; ".join(why)


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        schema = json.load(f)
    Validator.check_schema(schema)
    if sys.argv[2] == "--objects":
        print("\n".join(objects(schema)))
        return 0
    names = sys.argv[2].split("+")
    checks = {name: Validator({"$ref": f"#/$defs/{name}", "$defs": schema["$defs"]}) for name in names}
    lines = [line for line in sys.stdin.read().split("\n") if line]
    seen, bad = set(), not lines
    for line in lines:
        fits, why = wrong(line, checks)
        seen.update(fits)
        if not fits:
            print(f"{line:.2000}\n  {why}")
            bad = True
    if not bad and set(names) - seen:
        print(f"no line is: {', '.join(sorted(set(names) - seen))}")
        bad = True
    return 1 if bad else 0


sys.exit(main())
