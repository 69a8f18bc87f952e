#!/usr/bin/env python3
"""Writes a C program that prints the layout and the constants of the C headers as JSON.

    generate_layout.py INCLUDE_DIR > layout.c

Every `typedef struct`, every enumerator and every object-like macro of the headers is found by
reading them, so that nothing new is forgotten. abidiff does not see constants; this does.
"""
import pathlib
import re
import sys

COMMENT = re.compile(r"/\*.*?\*/", re.S)
STRUCT = re.compile(r"(?:typedef\s+)?struct\s+(sy_\w+)\s*\{(.*?)\n\}", re.S)
ENUM = re.compile(r"enum\s*\{(.*?)\}", re.S)
NUMBER = re.compile(r"^#define\s+(SY_\w+)\s+(\d+u?)\s*$", re.M)
TEXT = re.compile(r'^#define\s+(SY_\w+)\s+(".*")\s*$', re.M)
FUNCTION = re.compile(r"\(\*(\w+)\)")


def fields(body):
    """The names of a struct's fields, in order."""
    names = []
    for declaration in split(body):
        function = FUNCTION.search(declaration)
        if function:
            names.append(function.group(1))
            continue
        for part in declaration.split(","):
            names.append(re.search(r"(\w+)\s*(?:\[\w+\])*\s*$", part).group(1))
    return names


def split(body):
    """Declarations, cut at semicolons."""
    return [text for text in (part.strip() for part in body.split(";")) if text]


def read(include_dir):
    structs, constants, texts = {}, [], []
    for path in sorted(pathlib.Path(include_dir, "switchyard").rglob("*.h")):
        if path.parent.name == "draft":  # promises nothing
            continue
        text = COMMENT.sub(" ", path.read_text())
        for name, body in STRUCT.findall(text):
            structs[name] = fields(body)
        for body in ENUM.findall(text):
            constants += [e.split("=")[0].strip() for e in body.split(",") if e.strip()]
        constants += [name for name, _ in NUMBER.findall(text)]
        texts += [name for name, _ in TEXT.findall(text)]
    return structs, constants, texts


def program(structs, constants, texts):
    lines = []
    for name, members in sorted(structs.items()):
        lines.append((f"sizeof {name}", f"(long long)sizeof({name})"))
        for member in members:
            lines.append((f"offsetof {name}.{member}", f"(long long)offsetof({name}, {member})"))
    lines += [(name, f"(long long){name}") for name in sorted(constants)]
    out = ["#include <stdio.h>", "#include <switchyard/engine.h>", "#include <switchyard/switchyard.h>",
           "int main(void) {", '  puts("{");']
    for key, value in lines:
        out.append(f'  printf("  \\"{key}\\": %lld,\\n", {value});')
    for i, name in enumerate(sorted(texts)):
        comma = "," if i + 1 < len(texts) else ""
        out.append(f'  printf("  \\"{name}\\": \\"%s\\"{comma}\\n", {name});')
    return "\n".join(out + ['  puts("}");', "  return 0;", "}", ""])


def main():
    sys.stdout.write(program(*read(sys.argv[1])))


if __name__ == "__main__":
    main()
