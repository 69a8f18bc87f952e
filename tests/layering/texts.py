"""Collects what the tree says in words: documents, comments, and the texts of programs.

blocks(root) yields Blocks. A block is a run of text on neighbouring lines:

    prose     a document outside of its code
    code      a code block of a document
    comment   neighbouring lines of comment in a source, a script or a configuration
    message   a string literal of the engine, the SDK, storage or a plugin
"""
import dataclasses
import pathlib
import re

SOURCES = {".h", ".hpp", ".c", ".cpp", ".cu", ".cuh"}
SHIPPED = ("engine/", "sdk/", "storage/", "plugins/", "studio/")
LEFT_OUT = re.compile(r"^(?:build|runs|\.git|\.cache)(?:/|$)|(?:^|/)__pycache__/")
# These name files that do not exist on purpose.
SELF_TEST = re.compile(r"^tests/layering/\w+_test\.py$")
IN_C = re.compile(
    r'R"(?P<mark>[^()\s\\]{0,16})\((?P<raw>.*?)\)(?P=mark)"|(?P<line>//[^\n]*)|(?P<block>/\*.*?\*/)'
    r'|"(?P<text>(?:[^"\\\n]|\\.)*)"' r"|(?<![0-9a-fA-F])'(?:[^'\\\n]|\\.)+'", re.DOTALL)
DOCSTRING = re.compile(r'"""(.*?)"""', re.DOTALL)
SPAN = re.compile(r"(?<!`)`([^`\n]*(?:\n[^`\n]+)*)`(?!`)")


@dataclasses.dataclass(frozen=True)
class Block:
    path: str
    line: int  # of its first line
    kind: str
    text: str

    def line_of(self, offset):
        return self.line + self.text.count("\n", 0, offset)

    def spans(self):
        """(line, text) of everything between backticks; a span may be broken over two lines."""
        if self.kind == "code":
            return []
        mark = "--" if self.path.endswith(".sql") else r"//+|#|\*"
        broken = re.compile(rf"\s*\n(?:\s*(?:{mark}))?\s*" if self.kind == "comment" else r"\s*\n\s*")
        return [(self.line_of(found.start()), broken.sub(" ", found[1]))
                for found in SPAN.finditer(self.text)]

    def lines(self):
        """(line, text), with lines that end in a backslash joined to the next."""
        joined = re.sub(r"\\\n", "\0", self.text).split("\n")
        number = self.line
        for text in joined:
            yield number, text.replace("\0", " ")
            number += 1 + text.count("\0")


def files(root):
    """Every file of the tree, as a path from its root."""
    root = pathlib.Path(root)
    paths = (str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())
    return sorted(path for path in paths if not LEFT_OUT.search(path))


def in_document(path, text):
    """Cuts a Markdown file at its code blocks: fenced, or indented by four after an empty line."""
    kind, begin, lines, fenced, before = "prose", 1, [], False, ""
    for number, line in enumerate(text.splitlines() + [""], 1):
        is_fence = line.startswith("```")
        indented = line.startswith("    ") and (kind == "code" or not before.strip())
        now = "code" if fenced or is_fence or indented else "prose"
        if now != kind:
            yield Block(path, begin, kind, "\n".join(lines))
            kind, begin, lines = now, number, []
        fenced ^= is_fence
        lines.append("" if is_fence else line)
        before = line
    yield Block(path, begin, kind, "\n".join(lines))


def in_source(path, text):
    """Comments of a C or C++ file, neighbours joined, and its string literals where it ships."""
    comment, begin, end = [], 0, -1
    for found in IN_C.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        if text[text.rfind("\n", 0, found.start()) + 1:found.start()].lstrip().startswith("#include"):
            continue
        said = found["line"] or found["block"]
        if said is None:
            literal = found["text"] if found["text"] is not None else found["raw"]
            if literal and path.startswith(SHIPPED):
                yield Block(path, line, "message", literal.replace("\\n", " \v").replace('\\"', '"'))
            continue
        if line != end + 1 and comment:
            yield Block(path, begin, "comment", "\n".join(comment))
            comment = []
        begin = begin if comment else line
        comment.append(said)
        end = line + said.count("\n")
    if comment:
        yield Block(path, begin, "comment", "\n".join(comment))


def in_script(path, text, mark):
    """Lines of comment that begin with a mark, neighbours joined; and the docstrings of Python."""
    lines, begin = [], 0
    for number, line in enumerate(text.splitlines() + [""], 1):
        if line.lstrip().startswith(mark):
            begin = begin if lines else number
            lines.append(line.strip())
        elif lines:
            yield Block(path, begin, "comment", "\n".join(lines))
            lines = []
    if path.endswith(".py"):
        for found in DOCSTRING.finditer(text):
            yield Block(path, text.count("\n", 0, found.start()) + 1, "comment", found[1])


def blocks_of(path, text):
    name, suffix = pathlib.PurePosixPath(path).name, pathlib.PurePosixPath(path).suffix
    if suffix == ".md":
        return in_document(path, text)
    if suffix in SOURCES:
        return in_source(path, text)
    if suffix == ".sql":
        return in_script(path, text, "--")
    if suffix in (".py", ".sh", ".cmake", ".toml", ".in", ".map") or name == "CMakeLists.txt" or text.startswith("#!"):
        return in_script(path, text, "#")
    return []


def blocks(root):
    root = pathlib.Path(root)
    for path in files(root):
        if SELF_TEST.match(path):
            continue
        try:
            text = (root / path).read_text()
        except UnicodeDecodeError:
            continue
        if path == "CHANGELOG.md":  # what is released has become history
            text = "".join(re.split(r"(?m)^(?=## \[)", text)[:2])
        yield from blocks_of(path, text)
