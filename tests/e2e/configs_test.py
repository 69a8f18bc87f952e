#!/usr/bin/env python3
"""The configurations that ship are whole, and the dense one costs what the mixture costs."""
import pathlib
import tomllib
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

    def test_billions_of_weights_fit_a_small_machine_in_bf16(self):
        model = self.describe("moe-4096-h-on-24-gib.toml")
        self.assertEqual(model["expert_parameters"], 4096 * 2 * 512 * 1024)
        self.assertLess(model["peak_bytes"], 20 * 2**30)
        self.assertAlmostEqual(model["checkpoint_bytes"] / (2 * model["expert_parameters"]), 1.0, delta=0.05)

    def plan(self, name):
        """{point: its description} of a sweep, on the tiny text, which has no words to sample from."""
        done = self.expect(OK, "sweep", CONFIGS / "sweeps" / name, "--out", self.directory / "never", "--dry-run",
                           "--json", "--set", f"data.path={self.data}", "--set", "model.softmax.sampled=0")
        return {line["name"]: line for line in json_lines(done.stdout)}

    def test_all_sweeps_are_whole(self):
        names = sorted(path.name for path in (CONFIGS / "sweeps").glob("*.toml"))
        self.assertIn("ablation.toml", names)
        for name in names:
            with (CONFIGS / "sweeps" / name).open("rb") as file:
                is_for_speed_alone = not tomllib.load(file).get("evaluate", True)
            least = 0 if is_for_speed_alone else 5_000_000
            with self.subTest(name):
                for point, run in self.plan(name).items():
                    self.assertGreaterEqual(run["steps"] * run["words_per_step"], least, point)

    def test_the_ablation_has_the_settings_of_table_6(self):
        points = self.plan("ablation.toml").values()
        self.assertEqual(len(points), 6)
        self.assertEqual({run["experts"] for run in points}, {64})
        self.assertEqual(len({run["ops_per_timestep"] for run in points}), 1)

    def test_the_points_of_the_capacity_sweep_cost_about_the_same(self):
        points = self.plan("capacity.toml").values()
        ops = [run["ops_per_timestep"] for run in points]
        self.assertLess(max(ops), 1.15 * min(ops))
        sizes = {run["parameters_excluding_embedding_softmax"] for run in points}
        self.assertGreater(max(sizes), 20 * min(sizes))

    def test_the_points_of_the_throughput_sweep_cost_the_same_and_fit_a_small_machine(self):
        points = self.plan("throughput.toml").values()
        self.assertEqual({run["experts"] for run in points}, {32, 256, 1024, 4096})
        ops = [run["ops_per_timestep"] for run in points]
        self.assertLess(max(ops), 1.1 * min(ops))  # the gates of many experts cost a little
        self.assertGreaterEqual(min(run["words_per_step"] for run in points), 32_768)
        self.assertLess(max(run["peak_bytes"] for run in points), 20 * 2**30)


if __name__ == "__main__":
    program.main()
