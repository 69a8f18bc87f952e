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


# Steps that are large beside the rounding of the weights, or the change cannot be read from two of them.
SETTINGS = ('schedule.kind="constant"', "schedule.learning_rate=1.0", "schedule.warmup_steps=0", "data.shuffle=false",
            "train.steps=3", "checkpoint.at_start=true", "checkpoint.every_steps=1", "checkpoint.keep_last=10",
            "train.log_every_steps=1")


class Torch(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        text = cls.config.read_text()
        text = text.replace('plugin = "noisy_topk"', 'plugin = "noisy_topk"\nnoise = 0.0').replace('"adam"', '"sgd"')
        cls.config.write_text(re.sub(r"dropout = \S+", "dropout = 0.0", text))

    def compare(self, name, *settings):
        run = self.train(name, *(part for setting in SETTINGS + settings for part in ("--set", setting)))
        done = subprocess.run([sys.executable, ORACLE, run, "--steps", "3"], capture_output=True, text=True, check=False)
        if done.returncode == program.SKIPPED:
            self.skipTest(done.stderr.strip())
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_steps_equal_autograd(self):
        self.compare("run")

    # Plain gradient descent moves no row without a gradient, so keeping gradients by row changes nothing.
    def test_gradients_by_row_equal_autograd(self):
        self.compare("by-row", "model.embedding.sparse_gradient=true")

    def test_tied_weights_equal_autograd(self):
        self.compare("tied", "model.softmax.tied=true")

    def test_projected_lstms_without_residuals_on_running_text_equal_autograd(self):
        self.compare("projected", "model.lstm.units=24", "model.lstm.projection=16", "model.lstm.forget_bias=0",
                     "model.residual=false", "model.lstm.init_range=0.3", "model.init_range=0.5",
                     "data.reset_state=false", "train.clip_norm=0.25", "schedule.learning_rate=8.0")


if __name__ == "__main__":
    program.main()
