#!/usr/bin/env python3
"""Three training steps of the tiny model equal PyTorch's, computed from the files of the run alone."""
import pathlib
import re
import subprocess
import sys
import unittest

import program
from program import ProgramTest

ORACLE = pathlib.Path(__file__).resolve().parents[1] / "golden/torch_one_step.py"


class Torch(ProgramTest):
    def test_steps_equal_autograd(self):
        text = self.config.read_text()
        text = text.replace('plugin = "noisy_topk"', 'plugin = "noisy_topk"\nnoise = 0.0').replace('"adam"', '"sgd"')
        self.config.write_text(re.sub(r"dropout = \S+", "dropout = 0.0", text))
        # Steps that are large beside the rounding of the weights, or the change cannot be read from two of them.
        run = self.train("run", "--set", 'schedule.kind="constant"', "--set", "schedule.learning_rate=1.0", "--set",
                         "schedule.warmup_steps=0", "--set", "data.shuffle=false", "--set", "train.steps=3", "--set",
                         "checkpoint.at_start=true", "--set", "checkpoint.every_steps=1", "--set",
                         "checkpoint.keep_last=10", "--set", "train.log_every_steps=1")
        done = subprocess.run([sys.executable, ORACLE, run, "--steps", "3"], capture_output=True, text=True, check=False)
        if done.returncode == program.SKIPPED:
            self.skipTest(done.stderr.strip())
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    program.main()
