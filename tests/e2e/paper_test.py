#!/usr/bin/env python3
"""The paper's models have the parameters and operations that its tables 7 and 8 print."""
import pathlib
import resource
import unittest

import program
from program import OK, ProgramTest, json_lines

PAPER = pathlib.Path(__file__).resolve().parents[2] / "packaging/configs/paper"
LM1B, NEWS = 793471, 100000

# file: (width, vocabulary, parameters, operations), the last two in millions and without embedding and softmax;
# computed from the sizes that Shazeer et al. 2017 state, and equal to what the tables print.
MODELS = {
    "moe-4": (512, LM1B, 8.393, 8.393),
    "moe-32": (512, LM1B, 37.782, 8.421),
    "moe-256": (512, LM1B, 272.892, 8.651),
    "moe-256-h": (512, LM1B, 272.908, 8.438),
    "moe-1024-h": (512, LM1B, 1079.001, 8.536),
    "moe-4096-h": (512, LM1B, 4303.372, 8.929),
    "4xlstm-512": (512, LM1B, 8.389, 8.389),
    "moe-1-wide": (512, LM1B, 8.389, 8.389),
    "moe-1-deep": (512, LM1B, 8.389, 8.389),
    "lstm-512-512": (512, LM1B, 2.359, 2.359),
    "lstm-1024-512": (512, LM1B, 4.719, 4.719),
    "lstm-2048-512": (512, LM1B, 9.437, 9.437),
    "2xlstm-8192-1024": (1024, LM1B, 150.995, 150.995),
    "moe-34m": (1024, LM1B, 4313.907, 33.751),
    "moe-143m": (1024, LM1B, 4371.055, 142.705),
    "news-moe-32": (512, NEWS, 37.782, 8.421),
    "news-moe-256-h": (512, NEWS, 272.925, 8.438),
    "news-moe-1024-h": (512, NEWS, 1079.017, 8.487),
    "news-moe-4096-h": (512, NEWS, 4303.421, 8.585),
    "news-moe-16384-h": (512, NEWS, 17200.972, 8.782),
    "news-moe-65536-h": (512, NEWS, 68791.042, 9.175),
    "news-moe-131072-h": (512, NEWS, 137577.628, 9.699),
}


class Paper(ProgramTest):
    def describe(self, name, *settings):
        more = [part for setting in settings for part in ("--set", setting)]
        done = self.expect(OK, "describe", PAPER / f"{name}.toml", "--parts", "--json", *more)
        return json_lines(done.stdout)[-1]

    def test_every_file_is_in_the_table(self):
        self.assertEqual(sorted(MODELS), sorted(path.stem for path in PAPER.glob("*.toml")))

    def test_counts_equal_the_paper(self):
        for name, (width, words, parameters, operations) in MODELS.items():
            with self.subTest(name):
                model = self.describe(name)
                inner = model["parameters_excluding_embedding_softmax"]
                self.assertEqual(f"{inner / 1e6:.3f}", f"{parameters:.3f}")
                self.assertEqual(f"{model['ops_per_timestep'] / 1e6:.3f}", f"{operations:.3f}")
                biases = sum(part["count"] for part in model["parts"] if part["name"].endswith(".bias"))
                self.assertEqual(model["parameters"], inner + 2 * words * width + biases)

    # Embedding and softmax have 793,471 rows of 512, of which a step of 1280 words touches 1280 and 9472.
    def test_gradients_by_row_are_predicted(self):
        by_row = self.describe("lstm-512-512", "data.batch_size=64")
        dense = self.describe("lstm-512-512", "data.batch_size=64", "model.softmax.sampled=0",
                              "model.embedding.sparse_gradient=false")
        self.assertEqual(by_row["parameters"], dense["parameters"])
        self.assertGreater(dense["peak_bytes"] - by_row["peak_bytes"], 2 * LM1B * 512 * 4 * 0.98)

    # 137 billion weights, described in less than 1 GiB.
    def test_describing_takes_no_memory_for_the_model(self):
        model = self.describe("news-moe-131072-h")
        self.assertGreater(model["peak_bytes"], 4 * 137.5e9)
        largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
        self.assertLess(largest, 1 << 30)


if __name__ == "__main__":
    program.main()
