#!/usr/bin/env python3
"""The installed tree runs from wherever it lies, and a stranger's plugin is built against it and trained with."""
import os
import pathlib
import shutil
import subprocess
import unittest

import program
from program import OK, ProgramTest

EXAMPLE = pathlib.Path(__file__).resolve().parents[2] / "sdk/examples/hash_gate"


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

    def test_a_strangers_gate_in_c_is_built_against_it_and_trains(self):
        source, build = self.directory / "hash_gate", self.directory / "hash_gate_build"
        shutil.copytree(EXAMPLE, source)
        for command in (["cmake", "-G", "Ninja", "-S", source, "-B", build, f"-DCMAKE_PREFIX_PATH={self.moved}"],
                        ["cmake", "--build", build],
                        ["ctest", "--test-dir", build, "--output-on-failure", "--no-tests=error"]):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        plugin = next(build.rglob("gate_hash.syplugin.so"))
        config = self.directory / "hash.toml"
        config.write_text(self.config.read_text().replace('plugin = "noisy_topk"', 'plugin = "org.example.gate.hash"')
                          + f'\n[plugins]\ndirectories = ["{plugin.parent}"]\n')
        run = self.directory / "hash_run"
        self.expect(OK, "train", config, "--run", run, program=self.installed)
        experts = program.json_lines(self.expect(OK, "experts", run, "--json", program=self.installed).stdout)
        self.assertTrue(experts, "the run holds no expert statistics")


if __name__ == "__main__":
    program.main()
