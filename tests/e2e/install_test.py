#!/usr/bin/env python3
"""The installed tree runs from wherever it lies, and the example plugin is built against it and trained with."""
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import unittest

import program
from program import OK, ProgramTest

EXAMPLE = pathlib.Path(__file__).resolve().parents[2] / "sdk/examples/hash_gate"


def block_with(page, text):
    """The indented block of a Markdown page that holds the text, without its indentation."""
    blocks = re.findall(r"(?:^    .*\n|^\n(?=    ))+", page, re.M)
    found = [block for block in blocks if text in block]
    assert len(found) == 1, f"{len(found)} blocks of the page hold {text!r}"
    return re.sub(r"^    ", "", found[0], flags=re.M).strip() + "\n"


class Install(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        prefix = cls.directory / "prefix"
        subprocess.run(["cmake", "--install", os.environ["SWITCHYARD_BUILD"], "--prefix", prefix],
                       capture_output=True, text=True, check=True)
        cls.moved = cls.directory / "moved"
        prefix.rename(cls.moved)
        cls.installed = cls.moved / "bin/switchyard"

    def test_a_moved_installation_trains(self):
        self.expect(OK, "plugins", "--json", program=self.installed)
        run = self.directory / "run"
        self.expect(OK, "train", self.config, "--run", run, "--set", "train.steps=2", program=self.installed)
        self.expect(OK, "eval", run, "--split", "valid", "--json", program=self.installed)

    def test_a_third_partys_gate_is_built_and_trained_with_as_its_page_says(self):
        source = self.directory / "hash_gate"
        shutil.copytree(EXAMPLE, source)
        page = (source / "README.md").read_text()
        for command in block_with(page, "cmake -S").splitlines():
            command = command.replace("<where Switchyard is installed>", str(self.moved))
            done = subprocess.run(shlex.split(command), cwd=source, capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, command + "\n" + done.stdout + done.stderr)
        self.assertTrue((self.moved / "lib/switchyard/plugins/gate_hash.syplugin.so").exists())
        settings = block_with(page, "[model.moe.gate]")
        gate, plugins = settings.split("[plugins]")
        plugins = plugins.replace("/absolute/path/to/build", str(source / "build"))
        config = self.directory / "hash.toml"
        text, count = re.subn(r"\[model\.moe\.gate\][^\[]*", gate, self.config.read_text())
        self.assertEqual(count, 1)
        config.write_text(text + "\n[plugins]" + plugins)
        run = self.directory / "hash_run"
        self.expect(OK, "train", config, "--run", run, program=self.installed)
        experts = program.json_lines(self.expect(OK, "experts", run, "--json", program=self.installed).stdout)
        self.assertTrue(experts, "the run holds no expert statistics")


if __name__ == "__main__":
    program.main()
