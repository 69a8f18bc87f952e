#!/usr/bin/env python3
"""Checks that words name things that exist: check_documents.py ROOT [--program SWITCHYARD].

It reads documents, comments, help texts and messages (texts.py finds them). Without a program:

* a path of ours, `engine/...` or `x.h`, is a file or a folder; a link leads to one;
* the first column of a table headed "file" or "files" names files of that folder;
* ctest -R finds a test, and a name like Suite.Test in backticks is one;
* Type::member, function(), sy_name and SY_NAME in backticks occur in the sources;
* a README tells the floor that floors.txt gives its folder.

With a program, these instead:

* `switchyard COMMAND --option` is a command with that option, `--option` alone an option of any;
* `section.key` is a setting of a run or of a plugin, or a table of them.

Prints one line per finding, "path:line: what is wrong", and ends with 1 if there is any.
"""
import argparse
import json
import pathlib
import re
import subprocess
import sys

import texts

TOP = r"(?:\.ci|engine|packaging|plugins|sdk|storage|studio|tests)"
PATH = re.compile(rf"(?<![\w./<>*-])(?<!> )({TOP}/[\w.*<>{{}},/-]*)")
FILE = re.compile(r"(?<![\w./<>*{}@\\-])(?<!> )([\w*<>][\w*<>/-]*(?:\.[\w*<>-]+)*\.(?:h|hpp|c|cpp|cu|cuh|py|cmake|sql|md|toml))\b(?![\w(])")
LINK = re.compile(r"\]\(([^)\s]+)\)")
FLOOR = re.compile(r"(?m)(?:^#.*\(|^|\. )[Ff]loor (\d+)")
MEMBER = re.compile(r"^[\w:]*\b(\w+)::(\w+)(?:\(.*\))?$")
CALL = re.compile(r"^(?:[\w:.]*[.:])?(\w+)\(\)$")
IN_C = re.compile(r"^(?:struct )?(sy_\w+|SY_\w+)\b(?!\*)")
TEST = re.compile(r"^([A-Z]\w+)\.([A-Z]\w+)$")
# Written by programs into runs, sweeps and data sets; or standing for any name of their kind.
NOT_OURS = re.compile(
    r"^(?:config\.toml|(?:DIR/)?report\.md|recipe\.py|my_\w+\.\w+)$|(?:^|/)x(?:_cpu|_cuda|_test)?\.\w+$|^points/")
# <x>, or a word in capitals: FAMILY/OP_cpu.cpp, abi_0_N.json.
PLACEHOLDER = re.compile(r"<[^>/]*>|(?<![A-Za-z])(?!README|LICENSE|CHANGELOG|FORMAT|CMake)[A-Z]+(?![A-Za-z])")
# Folders of the past that a changelog or a decision may still name.
GONE = {"engine/service"}
HISTORY = ("CHANGELOG.md", "packaging/docs/decisions/")
# Options of programs that are not ours.
FOREIGN = {"--preset", "--test-dir", "--build", "--workflow", "--target", "--help", "--version", "--prefix", "--install"}
OPTION = re.compile(r"(?<![\w-])(?<!var\()(--[a-z][a-z-]*[a-z])\b(?!:)")  # not a variable of a style sheet
COMMAND = re.compile(r"(?:^|[\s`/\"])switchyard ([a-z]+)\b([^`|;&\v]*)")


def globs(path):
    """The patterns that a written path stands for: {a,b} both, <x>, NAME and N anything."""
    path = PLACEHOLDER.sub("*", path)
    braces = re.search(r"\{([^{}]*)\}", path)
    if not braces:
        return [path]
    return [found for choice in braces[1].split(",") for found in globs(path.replace(braces[0], choice, 1))]


def as_regex(pattern):
    return "".join("[^/]*" if part == "*" else re.escape(part) for part in re.split(r"(\*)", pattern))


class Tree:
    """What exists: files, folders, identifiers, tests, floors."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.files = texts.files(root)
        folders = {str(parent) for path in self.files for parent in pathlib.PurePosixPath(path).parents}
        self.paths = "\n" + "\n".join([*self.files, *sorted(folders)]) + "\n"
        table = self.root / "tests/layering/floors.txt"
        self.floor_text = table.read_text() if table.is_file() else ""
        self.floors = self.read_floors()
        self.words, self.included, self.tests = set(), set(), set()
        for path in self.files:
            self.read(path)

    def read_floors(self):
        floors, floor = {}, None
        for line in self.floor_text.splitlines():
            begins = re.match(r"# (?:floor (\d+)|Beside)", line)
            floor = begins[1] if begins else floor
            folder = line.split("#")[0].partition(":")[0].strip()
            if folder and floor:
                floors[folder] = floor
        return floors

    def read(self, path):
        name, suffix = pathlib.PurePosixPath(path).name, pathlib.PurePosixPath(path).suffix
        if suffix not in texts.SOURCES | {".py", ".cmake", ".sql", ".map", ".in"} and name != "CMakeLists.txt":
            return
        text = (self.root / path).read_text(errors="replace")
        self.words.update(re.findall(r"\w+", text))
        self.included.update(re.findall(r"#\s*include\s*<([^>]+)>", text))
        if path.startswith("tests/"):
            self.tests.update(".".join(found) for found in re.findall(r"TEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\)", text))
            self.tests.update(re.findall(r"(?:add_test\(\s*NAME|tree_check\() *([\w.]+)", text))
            self.tests.update("e2e." + found for found in re.findall(r"_e2e_test\((\w+)", text))
            for suite in re.split(r"(?m)^class ", text)[1:] if suffix == ".py" else []:
                named = re.match(r"\w+", suite)[0]
                self.tests.update(f"{named}.{test}" for test in re.findall(r"def (test_\w+)", suite))

    def has(self, written, anywhere=False):
        """Whether a path, perhaps with *, is there; anywhere = as the end of a longer path."""
        begin = r"\n(?:[^\n]*/)?" if anywhere else r"\n"
        return all(re.search(begin + as_regex(one.rstrip("/")) + r"\n", self.paths) for one in globs(written))

    def has_beside(self, document, written):
        """Whether a path is there, from the root or from a folder above the document."""
        above = [str(parent) for parent in pathlib.PurePosixPath(document).parents]
        return any(self.has(written if folder == "." else f"{folder}/{written}") for folder in above)


class Checker:
    def __init__(self, root):
        self.tree = Tree(root)
        self.blocks = list(texts.blocks(root))
        self.findings = []

    def find(self, path, line, text):
        finding = f"{path}:{line}: {text}"
        if finding not in self.findings:
            self.findings.append(finding)

    def check(self):
        for block in self.blocks:
            self.check_block(block)
        return self.findings


class Names(Checker):
    """The rules that need the tree alone."""

    def check_block(self, block):
        self.check_paths(block)
        self.check_files(block)
        self.check_tests(block)
        if block.path.endswith(".md") and block.kind == "prose":
            self.check_links(block)
            self.check_tables(block)
            self.check_identifiers(block)
        if block.path.endswith("/README.md"):
            self.check_floor(block)

    def check_paths(self, block):
        for found in PATH.finditer(block.text):
            written = found[1].rstrip(".,-")
            if written in GONE and block.path.startswith(HISTORY) or written.rstrip("/") in self.tree.floor_text.split():
                continue
            written = re.sub(r"/x(?:_cpu|_cuda|_test)?\.\w+$", "", written)
            if not self.tree.has_beside(block.path, written) and not self.tree.has(written + ".*"):
                self.find(block.path, block.line_of(found.start()), f"there is no {written}")

    def check_files(self, block):
        for found in FILE.finditer(block.text):
            written = found[1].lstrip("<") if ">" not in found[1] else found[1]
            if NOT_OURS.search(written) or written in self.tree.included or re.match(TOP + "/", written):
                continue
            if written.endswith(".toml") and block.kind != "prose":  # in examples the reader's own files
                continue
            if not self.tree.has(written, anywhere=True):
                self.find(block.path, block.line_of(found.start()), f"no file is named {written}")

    def check_links(self, block):
        for found in LINK.finditer(block.text):
            target = found[1].partition("#")[0]
            if target and ":" not in target and not (self.tree.root / block.path).parent.joinpath(target).exists():
                self.find(block.path, block.line_of(found.start()), f"the link leads nowhere: {target}")

    def check_tables(self, block):
        folder, in_table = block.path.rpartition("/")[0], False
        for line, text in block.lines():
            cells = [cell.strip() for cell in text.strip().strip("|").split("|")]
            in_table = text.startswith("|") and (in_table or cells[0] in ("file", "files"))
            for name in re.findall(r"`([\w*]+(?:\.(?:h|cpp|py|map|json|\*))?)`", cells[0]) if in_table else []:
                stem = name if "." in name else name + ".*"
                there = self.tree.has(f"{folder}/*{stem}" if name.startswith("_") else f"{folder}/{stem}")
                if not there and not name.endswith("manifest.json"):
                    self.find(block.path, line, f"{folder} has no file {name}")

    def check_tests(self, block):
        said = list(block.lines()) if block.kind == "code" else block.spans()
        for line, text in said:
            for pattern in re.findall(r"\bctest\b.* -R ([\w.]+)", text):
                if not any(re.search(pattern, test) for test in self.tree.tests):
                    self.find(block.path, line, f"ctest -R {pattern} finds no test")
            if TEST.match(text) and text not in self.tree.tests:
                self.find(block.path, line, f"there is no test {text}")

    def check_identifiers(self, block):
        for line, text in block.spans():
            member, call, in_c = MEMBER.match(text), CALL.match(text), IN_C.match(text)
            named = (list(member.groups()) if member and member[1] != "std" else []) + ([call[1]] if call else [])
            named += [in_c[1]] if in_c else []
            for name in named:
                if name not in self.tree.words:
                    self.find(block.path, line, f"no source has the name {name}")

    def check_floor(self, block):
        floor = self.tree.floors.get(block.path.rpartition("/")[0])
        said = FLOOR.search(block.text)
        if said and floor and said[1] != floor:
            self.find(block.path, block.line_of(said.start(1)), f"floors.txt gives floor {floor}, not {said[1]}")


class Program:
    """Commands with their options, and settings, as the program itself tells them."""

    def __init__(self, program):
        self.program = program
        script = self.ask("completion", "bash")
        self.options = {name: set(words.split()) for name, words in
                        re.findall(r"(?m)^\s*([a-z]+)\) COMPREPLY=\(\$\(compgen -W '([^']*)'", script)}
        self.keys = {json.loads(line)["key"].replace("[]", "") for line in self.ask("config", "schema", "--json").splitlines()}
        self.settings = {}  # of each kind of component
        for line in self.ask("plugins", "--settings", "--json").splitlines():
            row = json.loads(line)
            keys = {setting["key"] for setting in row.get("settings", [])}
            self.settings.setdefault(row["kind"], set()).update(keys)

    def ask(self, *words):
        return subprocess.run([self.program, *words], check=True, capture_output=True, text=True).stdout

    def sections(self):
        return sorted({key.split(".")[0] for key in self.keys})

    def has_key(self, written):
        if any(key == written or key.startswith(written + ".") for key in self.keys):
            return True
        table, _, name = written.rpartition(".")
        return table + ".plugin" in self.keys and any(
            name in names for kind, names in self.settings.items() if kind in table)


class Usage(Checker):
    """The rules that need the program."""

    def __init__(self, root, program):
        super().__init__(root)
        self.program = Program(program)
        self.known = FOREIGN.union(*self.program.options.values(), self.options_of_scripts())
        self.key = re.compile(rf"(?<![\w./-])((?:{'|'.join(self.program.sections())})(?:\.[a-z_]+)+)(?![\w(/.-]*[(/\w])")

    def options_of_scripts(self):
        found = set()
        for path in self.tree.files:
            if path.endswith((".py", ".cmake")) or path.startswith(("packaging/", ".ci/")) and "." not in path.split("/")[-1]:
                found.update(OPTION.findall((self.tree.root / path).read_text(errors="replace")))
        return found

    def check_block(self, block):
        if block.kind == "comment" and block.path.startswith("tests/"):
            return
        if block.kind in ("code", "message"):
            said = list(block.lines())
        else:
            said = block.spans()
        for line, text in said:
            self.check_commands(block, line, text)
            if block.kind != "code":
                self.check_options(block, line, text)
        if not self.key.fullmatch(block.text):  # a literal that is a name: the code says whose
            for line, text in said:
                self.check_keys(block, line, text)

    def check_commands(self, block, line, text):
        first = text.split()[0] if text.split() else ""
        if first in self.program.options and " --" in text and block.kind != "code":
            text = "switchyard " + text
        for command, rest in COMMAND.findall(text):
            if command not in self.program.options:
                if command not in ("plugin", "plugins"):
                    self.find(block.path, line, f"switchyard has no command {command}")
                continue
            for option in OPTION.findall(rest):
                if option not in self.program.options[command]:
                    self.find(block.path, line, f"switchyard {command} has no option {option}")

    def check_options(self, block, line, text):
        for option in OPTION.findall(text):
            if option not in self.known:
                self.find(block.path, line, f"no program has the option {option}")

    def check_keys(self, block, line, text):
        for found in self.key.finditer(text):
            if not re.search(r"\.(?:db|lock|json|toml|h|hpp|cpp|c|py|md|so|safetensors|tokens|index)$", found[1]) and \
                    not self.program.has_key(found[1]):
                self.find(block.path, line, f"there is no setting {found[1]}")


def main():
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("root")
    asked.add_argument("--program", help="the built switchyard, to check commands, options and settings")
    given = asked.parse_args()
    checker = Usage(given.root, given.program) if given.program else Names(given.root)
    findings = checker.check()
    print("\n".join(findings) if findings else f"documents ok: {len(checker.blocks)} texts")
    sys.exit(bool(findings))


if __name__ == "__main__":
    main()
