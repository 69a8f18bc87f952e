#!/usr/bin/env python3
"""Breaks a small tree's documents and messages and expects check_documents.py to name each breach."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent

PROGRAM = """\
#!/usr/bin/env python3
import sys
print({
    "completion": "    train) COMPREPLY=($(compgen -W '--run --set --json' -- x)) ;;",
    "config": '{"key": "train.steps"}\\n{"key": "model.moe.gate.plugin"}\\n{"key": "model.moe.experts[].plugin"}',
    "plugins": '{"kind": "gate", "id": "a"}\\n{"kind": "gate", "settings": [{"key": "k"}]}',
}[sys.argv[1]])
"""

GOOD = {
    "program": PROGRAM,
    "tests/layering/floors.txt": "# floor 0\nengine/core :\n# floor 1\nengine/daemon : engine/core\n",
    "tests/engine/core/error_test.cpp": "TEST(Error, NamesTheRule) {}\n",
    "engine/core/error.h": "// See error.cpp, and engine/core/README.md.\nvoid require();\n",
    "engine/core/error.cpp": 'const char* kText = "give --json to `switchyard train`";\n',
    "engine/core/error_2.h": "#pragma once\n", "engine/core/made.cpp": '#include "core/made/at_build_time.h"\n#include <fmt/format.h>\n',
    "engine/core/README.md": "# engine/core\n\nFloor 0.\n\n| file | holds |\n|---|---|\n| `error` | `require()` |\n",
    "README.md": "[core](engine/core) `engine/*/error.h` `engine/daemon` `ctest -R Names` `Error.NamesTheRule`\n"
                 "`train.steps = 5` `model.moe.gate.k` `model.moe` `fmt/format.h` `engine/<folder>/x.h` `std::string`\n"
                 "`engine/FOLDER/error.h` `error_N.h`\n\n"
                 "    bin/switchyard train FILE \\\n        --run DIR\n",
    "CHANGELOG.md": "# Changelog\n\n## [2]\n\n- `engine/service` is gone.\n\n## [1]\n\n- `engine/old.h`\n",
}


def check(changes, *options):
    """Runs check_documents.py on the good tree with some files changed; returns its exit code and output."""
    with tempfile.TemporaryDirectory() as root:
        for path, text in {**GOOD, **changes}.items():
            file = pathlib.Path(root) / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        (pathlib.Path(root) / "program").chmod(0o755)
        options = [option.replace("ROOT", root) for option in options]
        done = subprocess.run([sys.executable, HERE / "check_documents.py", root, *options],
                              capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr


class DocumentsCase(unittest.TestCase):
    options = ()

    def assert_found(self, changes, expected):
        code, output = check(changes, *self.options)
        self.assertEqual(code, 1, output)
        self.assertEqual(output.splitlines(), [expected])

    def test_accepts_the_good_tree(self):
        code, output = check({}, *self.options)
        self.assertEqual(code, 0, output)


class Names(DocumentsCase):
    def test_finds_a_path_that_is_gone(self):
        self.assert_found({"README.md": "x\ny `engine/core/gone.h`.\n"}, "README.md:2: there is no engine/core/gone.h")

    def test_finds_it_in_a_comment(self):
        self.assert_found({"engine/core/error.h": "int x;\n// one\n// storage/gone says\nvoid require();\n"},
                          "engine/core/error.h:3: there is no storage/gone")

    def test_finds_it_in_a_message(self):
        self.assert_found({"engine/core/error.cpp": '\nf("see packaging/gone");\n'},
                          "engine/core/error.cpp:2: there is no packaging/gone")

    def test_finds_a_folder_of_the_past_with_a_file_in_it(self):
        self.assert_found({"CHANGELOG.md": "## [1]\n`engine/service/x_y.h`\n"}, "CHANGELOG.md:2: there is no engine/service/x_y.h")

    def test_finds_a_file_name_that_is_gone(self):
        self.assert_found({"README.md": "see `gone.cpp`\n"}, "README.md:1: no file is named gone.cpp")

    def test_finds_a_link_that_leads_nowhere(self):
        self.assert_found({"README.md": "[a](gone/b.txt#c)\n"}, "README.md:1: the link leads nowhere: gone/b.txt")

    def test_finds_a_table_of_files_with_one_too_many(self):
        table = GOOD["engine/core/README.md"] + "| `gone` | |\n"
        self.assert_found({"engine/core/README.md": table}, "engine/core/README.md:8: engine/core has no file gone")

    def test_finds_a_test_that_is_gone(self):
        self.assert_found({"README.md": "`ctest -R Gone`\n"}, "README.md:1: ctest -R Gone finds no test")
        self.assert_found({"README.md": "`Error.IsGone`\n"}, "README.md:1: there is no test Error.IsGone")

    def test_finds_a_name_that_no_source_has(self):
        for name in ("gone()", "core::gone()", "Error::gone", "sy_gone", "SY_GONE"):
            self.assert_found({"README.md": f"`{name}`\n"}, f"README.md:1: no source has the name {name.split(':')[-1].strip('()')}")

    def test_finds_a_wrong_floor(self):
        self.assert_found({"engine/core/README.md": "# engine/core\n\nFloor 3.\n"},
                          "engine/core/README.md:3: floors.txt gives floor 0, not 3")


class Usage(DocumentsCase):
    options = ("--program", "ROOT/program")

    def test_finds_a_command_that_is_gone(self):
        self.assert_found({"README.md": "`switchyard run`\n"}, "README.md:1: switchyard has no command run")

    def test_finds_an_option_of_another_command(self):
        expected = "README.md:{}: switchyard train has no option --gone"
        self.assert_found({"README.md": "`switchyard train\n--gone`\n", "tool.py": "'--gone'"}, expected.format(1))
        self.assert_found({"README.md": "\n    switchyard train A \\\n      --gone\n", "tool.py": "'--gone'"}, expected.format(2))

    def test_finds_an_option_of_no_program(self):
        self.assert_found({"README.md": "`--gone`\n"}, "README.md:1: no program has the option --gone")
        self.assert_found({"engine/core/error.cpp": '\nf("use --gone");\n'},
                          "engine/core/error.cpp:2: no program has the option --gone")

    def test_finds_a_setting_that_is_gone(self):
        for key in ("train.gone", "model.moe.gate.gone", "model.moe.experts.k"):
            self.assert_found({"README.md": f"`{key} = 1`\n"}, f"README.md:1: there is no setting {key}")
        self.assert_found({"engine/core/error.cpp": '\nf("train.gone must be 1");\n'},
                          "engine/core/error.cpp:2: there is no setting train.gone")

    def test_leaves_names_alone_that_only_look_like_settings(self):
        code, output = check({"README.md": "`train.tokens` `model.py` `--bar: 1px`\n",
                              "engine/core/error.cpp": 'f("train.order"); g("model.h");\n'}, *self.options)
        self.assertEqual(code, 0, output)


del DocumentsCase  # its test runs in the classes above

if __name__ == "__main__":
    unittest.main()
