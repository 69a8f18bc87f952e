#!/usr/bin/env python3
"""The installed tree runs from wherever it lies: SWITCHYARD_BUILD is installed into a prefix, which is moved."""
import os
import subprocess
import unittest

import program
from program import OK, ProgramTest


class Install(ProgramTest):
    def test_a_moved_installation_trains(self):
        prefix = self.directory / "prefix"
        done = subprocess.run(["cmake", "--install", os.environ["SWITCHYARD_BUILD"], "--prefix", prefix],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        moved = self.directory / "moved"
        prefix.rename(moved)
        installed = moved / "bin/switchyard"
        self.expect(OK, "plugins", "--json", program=installed)
        run = self.directory / "run"
        self.expect(OK, "train", self.config, "--run", run, "--set", "train.steps=2", program=installed)
        self.expect(OK, "eval", run, "--split", "valid", "--json", program=installed)


if __name__ == "__main__":
    program.main()
