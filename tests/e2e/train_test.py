#!/usr/bin/env python3
"""A text becomes a trained model, and the run directory answers every question about it."""
import math
import shutil
import signal
import sqlite3
import subprocess
import unittest

import program
from program import CHECKPOINTED, OK, ProgramTest, checkpoints, files_of, json_lines


class Train(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        done = program.run("train", cls.config, "--run", cls.directory / "whole")
        if done.returncode != OK:
            raise AssertionError(f"train failed with {done.returncode}:\n{done.stderr}")
        cls.whole = cls.directory / "whole"

    def evaluate(self, run_directory, split="test"):
        """The result of eval, but for how long it took."""
        result = json_lines(self.expect(OK, "eval", run_directory, "--split", split, "--json").stdout)[-1]
        return {key: value for key, value in result.items() if key != "seconds"}

    def test_leaves_a_whole_run_directory(self):
        for name in ("config.toml", "run.db", "log.jsonl"):
            self.assertTrue((self.whole / name).is_file(), name)
        self.assertEqual(checkpoints(self.whole)[-1], 30)
        self.expect(OK, "verify", self.whole)

    def test_learns_the_grammar(self):
        result = self.evaluate(self.whole)
        self.assertEqual(result["step"], 30)
        self.assertGreater(result["words"], 1000)
        self.assertAlmostEqual(result["perplexity"], math.exp(result["nll_per_word"]), delta=1e-3)
        self.assertLess(result["perplexity"], 20.0)  # 27 words and </s>: guessing evenly has 28

    def test_evaluates_the_same_twice(self):
        self.assertEqual(self.evaluate(self.whole, "valid"), self.evaluate(self.whole, "valid"))

    def test_metrics_are_in_the_database(self):
        with sqlite3.connect(f"file:{self.whole}/run.db?mode=ro", uri=True) as database:
            losses = [row[0] for row in database.execute(
                "SELECT value FROM metric JOIN metric_name ON id = name_id WHERE name = 'task_loss' ORDER BY step")]
            names = database.execute("SELECT count(*) FROM expert_summary").fetchone()[0]
        self.assertGreaterEqual(len(losses), 6)
        self.assertLess(losses[-1], losses[0])
        self.assertGreater(names, 0)

    def test_resume_equals_an_uninterrupted_run(self):
        half = self.train("half", "--set", "train.steps=10")
        self.assertEqual(checkpoints(half)[-1], 10)
        self.expect(OK, "resume", half, "--set", "train.steps=30")
        for name in ("model.safetensors", "optimizer.safetensors", "state.safetensors"):
            self.assertEqual((half / "checkpoints/step-30" / name).read_bytes(),
                             (self.whole / "checkpoints/step-30" / name).read_bytes(), name)

    def test_the_same_seed_gives_the_same_bytes(self):
        again = self.train("again")
        self.assertEqual(files_of(again / "checkpoints/step-30"), files_of(self.whole / "checkpoints/step-30"))

    def test_another_seed_gives_other_weights(self):
        other = self.train("other-seed", "--set", "train.seed=8")
        self.assertNotEqual((other / "checkpoints/step-30/model.safetensors").read_bytes(),
                            (self.whole / "checkpoints/step-30/model.safetensors").read_bytes())

    def test_a_copied_run_directory_is_a_run(self):
        shutil.copytree(self.whole, self.directory / "copy")
        self.assertEqual(self.evaluate(self.directory / "copy"), self.evaluate(self.whole))

    def test_generates_words_of_the_text(self):
        said = self.expect(OK, "generate", self.whole, "--prompt", "the red", "--seed", "3").stdout
        self.assertTrue(said.strip())
        again = self.expect(OK, "generate", self.whole, "--prompt", "the red", "--seed", "3").stdout
        self.assertEqual(said, again)

    def test_tells_the_balance_of_the_experts(self):
        text = self.expect(OK, "experts", self.whole).stdout
        line = json_lines(self.expect(OK, "experts", self.whole, "--json").stdout)[-1]
        for name in ("importance", "load"):
            values = line[name]
            self.assertEqual(len(values), line["num_experts"])
            mean = sum(values) / len(values)
            cv = math.sqrt(sum((value - mean) ** 2 for value in values) / len(values)) / mean
            self.assertGreater(mean, 0.0)
            self.assertAlmostEqual(line["cv_" + name], cv, delta=1e-5)
            self.assertRegex(text, rf"CV\({name}\) +{line['cv_' + name]:.3f}\n")
        self.assertGreaterEqual(line["max_over_mean_load"], 1.0)
        self.assertEqual(line["starved_experts"], [expert for expert, load in enumerate(line["load"])
                                                   if load < 0.01 * sum(line["load"]) / line["num_experts"]])

    def test_lists_its_plugins(self):
        plugins = json_lines(self.expect(OK, "plugins", "--json").stdout)
        plugins = plugins[0] if len(plugins) == 1 and isinstance(plugins[0], list) else plugins
        for key in ("id", "kind", "version", "abi", "path"):
            self.assertTrue(all(key in plugin for plugin in plugins), plugins)
        self.assertLessEqual({"gate", "expert", "optimizer"}, {plugin["kind"] for plugin in plugins})

    def test_describes_without_running(self):
        line = json_lines(self.expect(OK, "describe", self.config, "--json").stdout)[-1]
        for key in ("parameters", "parameters_excluding_embedding_softmax", "ops_per_timestep", "peak_bytes"):
            self.assertGreater(line[key], 0, key)

    def test_saves_step_0_if_asked(self):
        start = self.train("at-start", "--set", "checkpoint.at_start=true", "--set", "train.steps=1")
        self.assertIn(0, checkpoints(start))

    def test_refuses_to_overwrite_a_run(self):
        before = files_of(self.whole / "checkpoints")
        self.expect(program.USAGE, "train", self.config, "--run", self.whole)
        self.assertEqual(files_of(self.whole / "checkpoints"), before)

    def test_ctrl_c_leaves_a_checkpoint_and_the_command_that_goes_on(self):
        directory = self.directory / "interrupted"
        with subprocess.Popen([program.SWITCHYARD, "train", self.config, "--run", directory, "--set",
                               "train.steps=1000000", "--set", "checkpoint.every_steps=0"],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            program.wait_for_steps(directory)
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=60)
        self.assertEqual(process.returncode, CHECKPOINTED, said)
        self.assertIn("resume", said)
        self.assertEqual(len(checkpoints(directory)), 1)
        self.expect(OK, "resume", directory, "--set", f"train.steps={checkpoints(directory)[0] + 3}")


if __name__ == "__main__":
    program.main()
