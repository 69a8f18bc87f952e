#!/usr/bin/env python3
"""`describe` predicts the memory that training takes at its peak, within 15 %."""
import os
import subprocess

import program
from program import OK, SWITCHYARD, json_lines

CONFIG = """\
[data]
path = "{data}"
batch_size = {streams}
sequence_length = 20

[model]
d_model = 256
layers = ["lstm", "moe", "lstm"]

{model}

[optimizer]
plugin = "adam"

{optimizer}

[train]
steps = 2
evaluate_max_words = 100

[checkpoint]
every_steps = 0
"""

GATE = '[model.moe.gate]\nplugin = "{gate}"\nk = {k}\n'
EXPERTS = '[[model.moe.experts]]\nplugin = "{plugin}"\ncount = {count}\nhidden = {hidden}\n'
FACTORED = '[[optimizer.groups]]\nroles = ["expert"]\nplugin = "factored_adam"\n'


def mixture(count, hidden, gate="noisy_topk", k=4, plugin="ffn"):
    return GATE.format(gate=gate, k=k) + EXPERTS.format(plugin=plugin, count=count, hidden=hidden)


class Memory(program.ProgramTest):
    def expect_prediction(self, model, streams=16, optimizer=""):
        config = self.directory / f"{self.id()}.toml"
        config.write_text(CONFIG.format(data=self.data, streams=streams, model=model, optimizer=optimizer))
        predicted = json_lines(self.expect(OK, "describe", config, "--json").stdout)[-1]["peak_bytes"]
        train = subprocess.Popen([SWITCHYARD, "train", config, "--run", self.directory / self.id()],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(train.pid, 0)
        train.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(train.returncode, OK)
        held = usage.ru_maxrss * 1024
        said = f"predicted {predicted / 2**20:.0f} MiB, held {held / 2**20:.0f} MiB"
        print(said)
        self.assertGreater(held, 150 * 2**20, "a model of this size shows little but the program")
        self.assertAlmostEqual(predicted / held, 1.0, delta=0.15, msg=said)

    def test_weights_with_adam(self):
        self.expect_prediction(mixture(48, [512]))

    def test_activations_of_many_streams(self):
        self.expect_prediction(mixture(4, [256], k=2), streams=192)

    def test_one_dense_layer_of_projected_lstms(self):
        self.expect_prediction("[model.lstm]\nunits = 1536\nprojection = 256\n" + EXPERTS.format(
            plugin="ffn", count=1, hidden=[1024]))

    def test_two_levels_of_gates(self):
        self.expect_prediction("[model.moe]\ngroups = 16\n" + mixture(256, [64], k=2) +
                               '[model.moe.balance]\nby = "tokens"\n', streams=32)

    def test_gated_units_under_a_gate_of_many_experts(self):
        self.expect_prediction(mixture(512, 32, gate="sigmoid", plugin="glu"), streams=32)

    def test_weights_that_rest_in_bf16(self):
        self.expect_prediction(
            '[model.moe]\nweights = "bf16"\nupdate_in_backward = true\nexperts_at_once = 16\n' +
            mixture(256, [512]), streams=32, optimizer=FACTORED)


if __name__ == "__main__":
    program.main()
