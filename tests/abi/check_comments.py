#!/usr/bin/env python3
"""Says which structs, fields and functions of the C headers lack a comment.

    check_comments.py INCLUDE_DIR

A struct and a function have a comment on the line above. A field, which may be a function pointer,
stands on its own line, with a comment on the same line or on the line above.
"""
import pathlib
import re
import sys

COMMENT = re.compile(r"/\*.*?\*/", re.S)
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.M)
STRUCT = re.compile(r"(?:typedef\s+)?struct\s+(sy_\w+)\s*\{")
OPAQUE = re.compile(r"(typedef\s+struct\s+(sy_\w+)\s+\2\s*;)\s*$")
LINKAGE = re.compile(r'extern\s+"C"\s*\{')
NOT_FUNCTIONS = ("typedef struct", "struct", "enum", "SY_STATIC_ASSERT")


def blanked(match):
    return re.sub(r"[^\n]", " ", match.group())


class Header:
    def __init__(self, name, text):
        self.name = name
        self.comments = [(found.start(), found.end()) for found in COMMENT.finditer(text)]
        self.code = DIRECTIVE.sub(blanked, COMMENT.sub(blanked, text))
        self.found = []

    def line_of(self, offset):
        return self.code.count("\n", 0, offset) + 1

    def is_first_on_its_line(self, offset):
        return not self.code[self.code.rfind("\n", 0, offset) + 1:offset].strip()

    def has_comment_above(self, begin):
        line = self.line_of(begin)
        return any(self.line_of(last - 1) == line - 1 and self.is_first_on_its_line(first)
                   for first, last in self.comments)

    def has_comment_behind(self, end):
        line = self.line_of(end)
        return any(first > end and self.line_of(first) == line for first, _ in self.comments)

    def report(self, offset, problem):
        self.found.append(f"{self.name}:{self.line_of(offset)}: {problem}")

    def closing_brace(self, opening):
        depth = 0
        for at in range(opening, len(self.code)):
            depth += {"{": 1, "}": -1}.get(self.code[at], 0)
            if depth == 0:
                return at
        raise ValueError(f"{self.name}:{self.line_of(opening)}: a brace is not closed")

    def declarations(self, begin, end):
        """(begin, end) of each declaration between two offsets; end is the semicolon's."""
        for found in re.finditer(r"[^;]*;", self.code[begin:end]):
            text = found.group()
            yield begin + found.start() + len(text) - len(text.lstrip()), begin + found.end() - 1

    def check_fields(self, struct, begin, end):
        for first, last in self.declarations(begin, end):
            text = " ".join(self.code[first:last].split())
            if not self.is_first_on_its_line(first):
                self.report(first, f"{struct}: '{text}' needs a line of its own")
            elif "," in re.sub(r"\(.*\)", "", text):
                self.report(first, f"{struct}: '{text}' declares more than one field")
            elif not self.has_comment_above(first) and not self.has_comment_behind(last):
                self.report(first, f"{struct}: '{text}' needs a comment")

    def check_structs(self):
        for found in STRUCT.finditer(self.code):
            opaque = OPAQUE.search(self.code, 0, found.start())
            begin = opaque.start(1) if opaque and opaque.group(2) == found.group(1) else found.start()
            if not self.has_comment_above(begin):
                self.report(begin, f"{found.group(1)} needs a comment")
            self.check_fields(found.group(1), found.end(), self.closing_brace(found.end() - 1))

    def check_functions(self):
        outside = LINKAGE.sub(blanked, self.code)
        for found in STRUCT.finditer(self.code):
            begin, end = found.end(), self.closing_brace(found.end() - 1)
            inside = re.sub(r"[^\n]", " ", outside[begin:end])
            outside = outside[:begin] + inside + outside[end:]
        for found in re.finditer(r"[^;]*;", outside):
            text = found.group().lstrip("} \n")
            begin = found.end() - len(text)
            if "(" in text and not text.startswith(NOT_FUNCTIONS) and not self.has_comment_above(begin):
                name = re.search(r"\(?\*?(\w+)\)?\s*\(", text).group(1)
                self.report(begin, f"{name}() needs a comment")

    def problems(self):
        self.check_structs()
        self.check_functions()
        return self.found


def problems(include_dir):
    headers = sorted(pathlib.Path(include_dir).rglob("*.h"))
    found = [] if headers else [f"{include_dir}: there are no headers"]
    for path in headers:
        found += Header(str(path), path.read_text()).problems()
    return found


def main(include_dir):
    found = problems(include_dir)
    for problem in found:
        print(problem)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
