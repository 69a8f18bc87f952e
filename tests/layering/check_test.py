#!/usr/bin/env python3
"""Breaks a small copy of the rules in a temporary tree and expects check.py to name each breach."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent

FLOORS = """\
# floor 0
sdk           :
engine/core   :
# floor 1
engine/tensor : engine/core
# floor 2
engine/cli    : engine/core engine/tensor
# Beside the floors.
plugins       : sdk
protobuf      : engine/cli/rpc
"""

GOOD = {
    "tests/layering/floors.txt": FLOORS,
    "engine/README.md": "x", "engine/core/README.md": "x", "engine/tensor/README.md": "x", "sdk/README.md": "x",
    "tests/README.md": "x", "plugins/README.md": "x", "plugins/gate_a/README.md": "x", "engine/cli/README.md": "x",
    "engine/core/error.h": "#pragma once\n// calls abort() never; says printf(1)\n",
    "engine/tensor/tensor.h": '#pragma once\n#include <vector>\n#include "core/error.h"\n',
    "engine/tensor/tensor.cpp": 'const char* kText = "exit(1)";\nconst char* kRaw = R"(puts("a"))";\n',
    "engine/cli/main.cpp": '#include "tensor/tensor.h"\nint main() { std::cout << 1; }\n',
    "sdk/include/switchyard/abi.h": "#pragma once\n",
    "plugins/gate_a/gate.c": '#include <switchyard/abi.h>\n#include "local.h"\n',
    "plugins/gate_a/local.h": "#pragma once\n",
    "tests/engine/core/error_test.cpp": "", "tests/golden/layout_test.cpp": "",
}


def check(changes):
    """Runs check.py on the good tree with some files changed; returns its exit code and its output."""
    with tempfile.TemporaryDirectory() as root:
        for path, text in {**GOOD, **changes}.items():
            if text is not None:
                file = pathlib.Path(root) / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text)
        done = subprocess.run([sys.executable, HERE / "check.py", root], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout


class Layering(unittest.TestCase):
    def assert_found(self, changes, expected):
        code, output = check(changes)
        self.assertEqual(code, 1, output)
        self.assertIn(expected, output)
        self.assertEqual(len(output.splitlines()), 1, output)

    def test_accepts_the_good_tree(self):
        code, output = check({})
        self.assertEqual(code, 0, output)

    def test_finds_an_include_of_a_higher_floor(self):
        self.assert_found({"engine/core/error.h": '#pragma once\n#include "tensor/tensor.h"\n'},
                          "engine/core/error.h:2: engine/core may not include engine/tensor (tensor/tensor.h)")

    def test_finds_a_plugin_that_includes_the_engine(self):
        self.assert_found({"plugins/gate_a/gate.c": '#include "core/error.h"\n'},
                          "plugins/gate_a/gate.c:1: plugins/gate_a may not include engine/core")

    def test_finds_a_plugin_that_climbs(self):
        self.assert_found({"plugins/gate_a/gate.c": '#include "../gate_b/local.h"\n'}, "gate.c:1: write the include")

    def test_finds_a_cycle_in_the_table(self):
        self.assert_found({"tests/layering/floors.txt": FLOORS.replace("engine/core   :", "engine/core : engine/tensor")},
                          "floors.txt:3: engine/core uses engine/tensor before it stands")

    def test_finds_an_arrow_on_one_floor(self):
        self.assert_found({"tests/layering/floors.txt": FLOORS.replace("engine/core   :", "engine/core : sdk")},
                          "floors.txt:3: engine/core uses sdk, which is not on a lower floor")

    def test_finds_a_protobuf_header_outside_of_its_doors(self):
        include = '#include "v1/daemon.pb.h"\n'
        self.assert_found({"engine/cli/main.cpp": include},
                          "engine/cli/main.cpp:1: generated protobuf headers stay behind engine/cli/rpc/")
        code, output = check({"engine/cli/rpc/server.cpp": include})
        self.assertEqual(code, 0, output)

    def test_finds_a_long_file(self):
        self.assert_found({"engine/tensor/tensor.cpp": "\n" * 501}, "tensor.cpp:501: 501 lines")

    def test_finds_a_long_function(self):
        lines = "  f();\n" * 59
        text = f"#if defined(A)\n#endif\nstruct A {{\n  int b() const {{\n{{ }}\n{lines}  }}\n}};\n"
        self.assert_found({"engine/tensor/tensor.cpp": text}, "tensor.cpp:4: 62 lines in one function")
        for text in (f"namespace a {{\nint f(int b);\n{lines}}}\n", f"int a[] = {{\n{lines}}};\n", f"#define F(x) {{\n{lines}\n"):
            self.assertEqual(check({"engine/tensor/tensor.cpp": text})[0], 0)

    def test_finds_a_library_that_prints_or_ends(self):
        for text in ("printf (\"x\");", "std::cerr << 1;", "std::abort();", "::exit(1);", "fputs(x, y);"):
            self.assert_found({"engine/tensor/tensor.cpp": f"void f() {{ {text} }}\n"}, "neither ends the process nor")

    def test_leaves_methods_and_snprintf_alone(self):
        code, output = check({"engine/tensor/tensor.cpp": "void f() { x.abort(); y->exit(); snprintf(a, b); }\n"})
        self.assertEqual(code, 0, output)

    def test_finds_an_if_about_cuda(self):
        self.assert_found({"engine/tensor/tensor.cpp": "#ifdef SWITCHYARD_CUDA\n#endif\n"}, "tensor.cpp:1: no #if about CUDA")

    def test_finds_a_header_without_a_guard(self):
        self.assert_found({"engine/core/log.h": "int x;\n"}, "engine/core/log.h:1: a header needs #pragma once")

    def test_finds_a_folder_without_a_readme(self):
        self.assert_found({"plugins/gate_a/README.md": None}, "plugins/gate_a:1: needs a README.md")

    def test_finds_a_test_away_from_its_subject(self):
        self.assert_found({"tests/engine/rooms/error_test.cpp": ""},
                          "tests/engine/rooms/error_test.cpp:1: tests mirror the tree, and there is no folder engine/rooms")


if __name__ == "__main__":
    unittest.main()
