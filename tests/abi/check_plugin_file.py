#!/usr/bin/env python3
"""Checks plugin files as a stranger's loader would, with nm and readelf.

    check_plugin_file.py FILE...

One exported symbol, no GNU_UNIQUE symbol, a stamp section, no run path, no executable stack, and
nothing needed but the C and C++ runtime.
"""
import pathlib
import re
import subprocess
import sys

ALLOWED = {"libc.so.6", "libm.so.6", "libstdc++.so.6", "libgcc_s.so.1", "ld-linux-x86-64.so.2",
           "ld-linux-aarch64.so.1"}


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def problems(path):
    exported = [line.split()[-1] for line in run("nm", "-D", "--defined-only", path).splitlines()]
    if exported != ["sy_plugin_entry_v1"]:
        yield f"exports {exported}, must export sy_plugin_entry_v1 alone"
    if "UNIQUE" in run("readelf", "-sW", path):
        yield "has GNU_UNIQUE symbols: compile with -fno-gnu-unique"
    dynamic = run("readelf", "-dW", path)
    needed = set(re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic))
    if needed - ALLOWED:
        yield f"needs {sorted(needed - ALLOWED)}, may need the C and C++ runtime only"
    if "PATH)" in dynamic:
        yield "has a run path"
    if not re.search(r"FLAGS.*NOW", dynamic):
        yield "is not linked with -z now"
    if not re.search(r"\bsy_stamp\s+PROGBITS", run("readelf", "-SW", path)):
        yield "has no section sy_stamp"
    if re.search(r"GNU_STACK.*RWE", run("readelf", "-lW", path)):
        yield "has an executable stack"


def main():
    failed = False
    for path in sys.argv[1:]:
        for problem in problems(path):
            failed = True
            print(f"{pathlib.Path(path).name}: {problem}")
    sys.exit(1 if failed or len(sys.argv) < 2 else 0)


if __name__ == "__main__":
    main()
