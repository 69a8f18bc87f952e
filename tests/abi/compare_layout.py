#!/usr/bin/env python3
"""Compares the layout of the C headers with what was promised.

    compare_layout.py PROGRAM GOLDEN.json
    compare_layout.py --growth PROGRAM DIRECTORY

PROGRAM prints the layout of the headers as they are. The first form wants exactly what GOLDEN.json says.

--growth reads every abi_MAJOR_MINOR.json of the directory with the headers' own major: the file of their own minor
must be equal, and every older file a prefix. In a prefix each struct begins with the older struct, frozen structs
have not grown, and every constant has kept its value.

Exits 1 and names each difference.
"""
import json
import pathlib
import re
import subprocess
import sys

# Structs that stand in plain arrays or in files, so that their size is promised too.
FROZEN = {"sy_dtype", "sy_ew_ins", "sy_stamp", "sy_tensor"}

# 0.1 declared these and no host ever offered them. 0.2 withdrew them; switchyard/draft/ has what may come back.
WITHDRAWN = {"sy_cuda", "SY_SVC_CUDA", "SY_F_CAPTURING", "SY_SAVE_SELECTIVE"}

MINOR = "SY_ABI_MINOR"


def differences(promised, found):
    """What an exact comparison objects to."""
    problems = []
    for key, value in promised.items():
        if key not in found:
            problems.append(f"{key}: promised {value!r}, now gone")
        elif found[key] != value:
            problems.append(f"{key}: promised {value!r}, now {found[key]!r}")
    return problems + [f"{key}: new ({found[key]!r}), not in the promised file" for key in found if key not in promised]


def fields(layout):
    """{struct: {field: offset}}, in the order of the layout."""
    structs = {}
    for key, value in layout.items():
        if key.startswith("sizeof "):
            structs.setdefault(key[len("sizeof "):], {})
        elif key.startswith("offsetof "):
            struct, field = key[len("offsetof "):].split(".")
            structs.setdefault(struct, {})[field] = value
    return structs


def struct_problems(name, old, new, old_size, new_size):
    """Why `new` does not begin with `old`. A reserved field may have got a name."""
    problems = []
    at = {offset: field for field, offset in new.items()}
    for field, offset in old.items():
        key = f"{name}.{field}"
        if key in WITHDRAWN or new.get(field) == offset:
            continue
        if field == "reserved" and field not in new and offset in at:
            continue
        problems.append(f"{key}: was at {offset}, now {'at ' + str(new[field]) if field in new else 'gone'}")
    end = max(old.values(), default=-1)
    problems += [f"{name}.{field}: new at {offset}, not behind the older fields" for field, offset in new.items()
                 if field not in old and offset <= end and offset not in old.values()]
    if new_size < old_size or (name in FROZEN and new_size != old_size):
        problems.append(f"{name}: had {old_size} bytes, now {new_size}")
    return problems


def growth_problems(old, new):
    """What makes `old` no prefix of `new`."""
    problems = []
    new_fields = fields(new)
    for name, members in fields(old).items():
        if name in WITHDRAWN:
            continue
        if name not in new_fields:
            problems.append(f"{name}: gone")
            continue
        problems += struct_problems(name, members, new_fields[name], old[f"sizeof {name}"], new[f"sizeof {name}"])
    for key, value in old.items():
        if " " in key or key == MINOR or key in WITHDRAWN:
            continue
        if new.get(key) != value:
            problems.append(f"{key}: was {value!r}, now {new.get(key, 'gone')!r}")
    if new[MINOR] <= old[MINOR]:
        problems.append(f"{MINOR}: was {old[MINOR]}, must be more, is {new[MINOR]}")
    return problems


def promised_files(directory, major):
    """[(minor, path)] of that major, rising."""
    found = []
    for path in pathlib.Path(directory).glob("abi_*_*.json"):
        match = re.fullmatch(r"abi_(\d+)_(\d+)\.json", path.name)
        if match and int(match.group(1)) == major:
            found.append((int(match.group(2)), path))
    return sorted(found)


def all_problems(found, directory):
    major, minor = found["SY_ABI_MAJOR"], found[MINOR]
    files = promised_files(directory, major)
    problems = [] if minor in dict(files) else [f"{directory} has no abi_{major}_{minor}.json"]
    for of_minor, path in files:
        layout = json.loads(path.read_text())
        if of_minor == minor:
            new = differences(layout, found)
        elif of_minor < minor:
            new = growth_problems(layout, found)
        else:
            new = [f"is of a newer minor than the headers, {major}.{minor}"]
        problems += [f"{path.name}: {problem}" for problem in new]
    return problems


def main():
    arguments = sys.argv[1:]
    growth = arguments[:1] == ["--growth"]
    program, golden = arguments[1:] if growth else arguments
    found = json.loads(subprocess.run([program], check=True, capture_output=True, text=True).stdout)
    if growth:
        problems = all_problems(found, golden)
    else:
        problems = differences(json.loads(pathlib.Path(golden).read_text()), found)
    for problem in problems:
        print(problem)
    if problems:
        print(f"The layout differs from {golden}. Within a minor nothing may move; for a wanted change raise "
              f"{MINOR} and write a new file from `{program}`.")
        sys.exit(1)


if __name__ == "__main__":
    main()
