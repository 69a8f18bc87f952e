#!/usr/bin/env python3
"""Compares the layout of today's headers with the one that was promised.

    compare_layout.py PROGRAM GOLDEN.json

Every promised line must be there and equal; new lines are allowed only behind the promised ones of
their struct, and are to be added to the file on purpose. Exits 1 and names each line that differs.
"""
import json
import subprocess
import sys


def differences(promised, found):
    problems = []
    for key, value in promised.items():
        if key not in found:
            problems.append(f"{key}: promised {value!r}, now gone")
        elif found[key] != value:
            problems.append(f"{key}: promised {value!r}, now {found[key]!r}")
    problems += [f"{key}: new ({found[key]!r}), not in the promised file"
                 for key in found if key not in promised]
    return problems


def main():
    program, golden = sys.argv[1:]
    found = json.loads(subprocess.run([program], check=True, capture_output=True, text=True).stdout)
    with open(golden, encoding="utf-8") as file:
        problems = differences(json.load(file), found)
    for problem in problems:
        print(problem)
    if problems:
        print(f"The layout differs from {golden}. Within a minor nothing may move; for a wanted change "
              f"raise SY_ABI_MINOR and write a new file from `{program}`.")
        sys.exit(1)


if __name__ == "__main__":
    main()
