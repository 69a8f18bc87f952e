#!/usr/bin/env python3
"""The configurations that ship are whole, and the dense one costs what the mixture costs."""
import pathlib
import unittest

import program
from program import OK, ProgramTest, json_lines

CONFIGS = pathlib.Path(__file__).resolve().parents[2] / "packaging/configs"


class Configs(ProgramTest):
    def describe(self, name):
        done = self.expect(OK, "describe", CONFIGS / name, "--vocabulary", "10000", "--json")
        return json_lines(done.stdout)[-1]

    def test_all_of_them_are_whole(self):
        names = sorted(path.name for path in CONFIGS.glob("*.toml"))
        self.assertIn("demo.toml", names)
        for name in names:
            with self.subTest(name):
                self.assertGreater(self.describe(name)["parameters"], 0)

    def test_the_baseline_costs_the_same_and_holds_less(self):
        mixture, dense = self.describe("gcide.toml"), self.describe("gcide-dense.toml")
        ratio = mixture["ops_per_timestep"] / dense["ops_per_timestep"]
        self.assertAlmostEqual(ratio, 1.0, delta=0.01)  # the gate is the difference
        self.assertGreater(mixture["parameters"], 2 * dense["parameters"])


if __name__ == "__main__":
    program.main()
