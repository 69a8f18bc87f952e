#!/usr/bin/env python3
"""Checks the tree against its own rules: check.py ROOT.

* a folder includes only what floors.txt allows; floors.txt has no cycle, and no arrow on one floor or up;
* generated protobuf headers are included only behind the doors that floors.txt names;
* a plugin includes the sdk and itself, nothing else of ours;
* no include climbs with "..";
* a source file has at most 500 lines, a function at most 60, and a header says #pragma once (C headers: a guard or that);
* library code neither ends the process nor prints;
* the engine has no #if that asks for CUDA: a backend is a set of files;
* every folder of floors.txt and every plugin has a README.md;
* a test lies where its subject does: tests/engine/ops/moe tests engine/ops/moe.

Prints one line per finding, "path:line: what is wrong", and ends with 1 if there is any.
"""
import pathlib
import re
import sys

MAX_LINES = 500
MAX_FUNCTION_LINES = 60
SOURCES = {".h", ".hpp", ".c", ".cpp", ".cu", ".cuh"}
TREES = ("engine", "plugins", "sdk", "storage", "studio", "tests")
# Where the text inside an include's quotes starts.
INCLUDE_ROOTS = ("engine/", "sdk/include/", "sdk/cpp/", "storage/include/")
# Folders that are one idea inside another folder, and what holds their public headers.
INNER = {f"{place}/{name}": f"storage/{name}"
         for name in ("checksum", "figures") for place in ("storage", "storage/include")}
# Code that a host program links or loads. Programs (command line, validator, examples) may print.
LIBRARY = ("engine/", "storage/", "sdk/include/", "sdk/cpp/", "plugins/")
PROGRAMS = ("engine/cli/", "engine/daemon/", "engine/process/", "engine/run/", "engine/sweep/")
ENDS_OR_PRINTS = re.compile(
    r"(?<![\w.>])(?:(?:std)?::)?\b(?:exit|_exit|_Exit|quick_exit|abort|terminate|printf|vprintf|fprintf|"
    r"vfprintf|puts|fputs|putchar|perror)\s*\(|std::(?:cout|cerr|clog)\b")
ASKS_FOR_CUDA = re.compile(r"^\s*#\s*(?:if|ifdef|ifndef|elif)\b.*CUDA", re.IGNORECASE)
INCLUDE = re.compile(r'^\s*#\s*include\s*["<]([^">]+)[">]')
NOT_CODE = re.compile(
    r'R"(?P<mark>[^()\s\\]{0,16})\(.*?\)(?P=mark)"|//[^\n]*|/\*.*?\*/|"(?:[^"\\\n]|\\.)*"'
    r"|(?<![0-9a-fA-F])'(?:[^'\\\n]|\\.)+'", re.DOTALL)


def read_floors(path):
    """Returns {folder: set of folders it may include}, the doors of protobuf headers, and what is wrong."""
    allowed, floors, doors, findings, floor = {}, {}, (), [], None
    for number, line in enumerate(path.read_text().splitlines(), 1):
        begins = re.match(r"# (?:floor (\d+)|Beside the floors)", line)
        if begins:
            floor = int(begins[1]) if begins[1] else None
        folder, _, uses = (part.strip() for part in line.split("#")[0].partition(":"))
        if not folder:
            continue
        if folder == "protobuf":
            doors = tuple(door + "/" for door in uses.split())
            continue
        for used in uses.split():
            if used not in allowed:
                findings.append(f"{path.name}:{number}: {folder} uses {used} before it stands")
            elif floor is not None and floors[used] >= floor and not used.startswith(folder + "/"):
                findings.append(f"{path.name}:{number}: {folder} uses {used}, which is not on a lower floor")
        allowed[folder], floors[folder] = set(uses.split()) | {folder}, -1 if floor is None else floor
    return allowed, doors, findings


def folder_of(path):
    """engine/ops/moe -> engine/ops; plugins/gate_softmax -> itself; storage/migrations -> storage."""
    parts = path.split("/")
    for length in (2, 3):
        if "/".join(parts[:length]) in INNER:
            return INNER["/".join(parts[:length])]
    return "/".join(parts[:2]) if parts[0] in ("engine", "plugins") else parts[0]


def blank(match):
    """Keeps the lines of a comment or a literal, and nothing else."""
    return "\n" * match.group(0).count("\n") or " "


PREPROCESSOR = re.compile(r"(?m)^[ \t]*#(?:[^\n]*\\\n)*[^\n]*")
NO_FUNCTION = re.compile(r"(?:template\s*<[^{]*>\s*)?(?:namespace|class|struct|enum|union|extern|using)\b")


def functions(code):
    """(first line, lines) of every function in code without comments and literals.

    A body in braces is a function's if a parenthesis stands before it, and no function is around it."""
    around, line, begin, statement = [], 1, 0, ""
    for character in PREPROCESSOR.sub(blank, code):
        line += character == "\n"
        if character == "{":
            said = statement.strip()
            is_function = "(" in said and not said.endswith("=") and not NO_FUNCTION.match(said)
            around.append(begin or line if is_function and not any(around) else 0)
        elif character == "}" and around:
            first = around.pop()
            if first:
                yield first, line - first + 1
        if character in "{};":
            begin, statement = 0, ""
        else:
            begin = begin or (0 if character.isspace() else line)
            statement += character


class Tree:
    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.findings = []
        self.allowed, self.doors, wrong = read_floors(self.root / "tests/layering/floors.txt")
        self.findings += wrong
        self.files = sorted(
            str(path.relative_to(self.root)) for tree in TREES if (self.root / tree).is_dir()
            for path in (self.root / tree).rglob("*") if path.suffix in SOURCES)
        self.owner = {}
        for path in self.files:
            for cut in INCLUDE_ROOTS:
                if path.startswith(cut):
                    self.owner[path[len(cut):]] = path

    def find(self, path, number, text):
        self.findings.append(f"{path}:{number}: {text}")

    def may_include(self, here, used):
        if here.startswith("plugins/"):
            return used in self.allowed["plugins"] or used == here
        return here not in self.allowed or used in self.allowed[here]

    def included_file(self, path, written):
        """The file of ours that an include means, or None: beside the file first, then by its root."""
        beside = str(pathlib.PurePosixPath(path).parent / written)
        return beside if (self.root / beside).is_file() else self.owner.get(written)

    def check_includes(self, path, lines):
        here = folder_of(path)
        for number, line in enumerate(lines, 1):
            found = INCLUDE.match(line)
            if not found:
                continue
            if ".." in found[1].split("/"):
                self.find(path, number, f'write the include from its root, not with "..": {found[1]}')
                continue
            if found[1].endswith(".pb.h") and not path.startswith(self.doors):
                self.find(path, number, f"generated protobuf headers stay behind {' and '.join(self.doors)}: {found[1]}")
            target = self.included_file(path, found[1])
            if target and not self.may_include(here, folder_of(target)):
                self.find(path, number, f"{here} may not include {folder_of(target)} ({found[1]})")

    def check_text(self, path, text):
        lines = text.splitlines()
        if len(lines) > MAX_LINES:
            self.find(path, len(lines), f"{len(lines)} lines; at most {MAX_LINES} are allowed, split it by idea")
        if path.endswith((".h", ".hpp", ".cuh")) and "#pragma once" not in text and "#ifndef" not in text:
            self.find(path, 1, "a header needs #pragma once")
        code = NOT_CODE.sub(blank, text)
        for first, length in functions(code):
            if length > MAX_FUNCTION_LINES:
                self.find(path, first, f"{length} lines in one function; at most {MAX_FUNCTION_LINES} are allowed")
        for number, line in enumerate(code.splitlines(), 1):
            if path.startswith(LIBRARY) and not path.startswith(PROGRAMS) and ENDS_OR_PRINTS.search(line):
                self.find(path, number, "library code neither ends the process nor prints: throw, or log")
            if path.startswith("engine/") and ASKS_FOR_CUDA.match(line):
                self.find(path, number, "no #if about CUDA: put the code into a *_cuda.cu file")

    def check_readmes(self):
        folders = {folder_of(path) for path in self.files if not path.startswith("tests/")}
        folders = {folder for folder in folders if (self.root / folder).is_dir()}
        for folder in sorted(folders | {"engine", "plugins", "tests", "packaging"}):
            if (self.root / folder).is_dir() and not (self.root / folder / "README.md").is_file():
                self.find(folder, 1, "needs a README.md: what lives here, what does not, who may include it")

    def check_mirror(self, path):
        subject = path.removeprefix("tests/").rpartition("/")[0]
        if path.endswith("_test.cpp") and subject.split("/")[0] in TREES and not (self.root / subject).is_dir():
            self.find(path, 1, f"tests mirror the tree, and there is no folder {subject}")

    def check(self):
        for path in self.files:
            text = (self.root / path).read_text(errors="replace")
            if path.startswith("tests/"):
                self.check_mirror(path)
            else:
                self.check_includes(path, text.splitlines())
            self.check_text(path, text)
        self.check_readmes()
        return self.findings


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: check.py ROOT")
    tree = Tree(sys.argv[1])
    findings = tree.check()
    print("\n".join(findings) if findings else f"layering ok: {len(tree.files)} files, {len(tree.allowed)} folders")
    sys.exit(bool(findings))


if __name__ == "__main__":
    main()
