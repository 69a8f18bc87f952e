#!/usr/bin/env python3
"""A file of experiments becomes runs and a report; killed at any time, the same command continues."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import time
import unittest
import xml.etree.ElementTree

import program
from program import CHECKPOINTED, NOT_FOUND, OK, RUN_FAILED, USAGE, ProgramTest, checkpoints, files_of, json_lines

SWEEP = """\
title = "A tiny sweep"
base = "tiny.toml"

[set]
"train.steps" = {steps}
"train.evaluate_every_steps" = 10
"checkpoint.every_steps" = 5

[[point]]
name = "two"
label = "two of four"

[[point]]
name = "one"
set = {{ "model.moe.gate.k" = 1 }}

[[table]]
kind = "balance"

[[plot]]
kind = "perplexity_vs_ops"
title = "Perplexity & work"
points = ["t*", "one"]

[[plot]]
kind = "perplexity_vs_words"
"""


class Sweep(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.file = cls.directory / "sweep.toml"
        cls.file.write_text(SWEEP.format(steps=20))
        cls.whole = cls.directory / "whole"
        done = program.run("sweep", cls.file, "--out", cls.whole, "--json")
        if done.returncode != OK:
            raise AssertionError(f"sweep failed with {done.returncode}:\n{done.stderr}")
        cls.lines = {line["name"]: line for line in json_lines(done.stdout)}

    def write(self, name, text):
        (self.directory / name).write_text(text)
        return self.directory / name

    def test_dry_run_lists_what_describe_says(self):
        done = self.expect(OK, "sweep", self.file, "--out", self.directory / "never", "--dry-run", "--json")
        runs = {line["name"]: line for line in json_lines(done.stdout)}
        self.assertEqual(list(runs), ["two", "one"])
        for name, k in (("two", 2), ("one", 1)):
            described = json_lines(self.expect(OK, "describe", self.config, "--json", "--set",
                                               f"model.moe.gate.k={k}").stdout)[-1]
            for key in ("parameters", "parameters_excluding_embedding_softmax", "ops_per_timestep"):
                self.assertEqual(runs[name][key], described[key], f"{name} {key}")
            self.assertEqual(runs[name]["steps"], 20)
        self.assertFalse((self.directory / "never").exists())
        self.assertIn("two", self.expect(OK, "sweep", self.file, "--out", "x", "--dry-run").stdout)

    def test_every_point_is_a_normal_run(self):
        for name in ("two", "one"):
            run = self.whole / "runs" / name
            self.expect(OK, "verify", run)
            self.assertEqual(checkpoints(run)[-1], 20)
            for split in ("valid", "test"):
                found = json_lines(self.expect(OK, "eval", run, "--split", split, "--json").stdout)[-1]
                self.assertAlmostEqual(self.lines[name][f"{split}_perplexity"], found["perplexity"], places=9)

    def test_a_point_is_what_train_makes_of_the_same_settings(self):
        run = self.train("by-hand", "--set", "train.steps=20", "--set", "train.evaluate_every_steps=10", "--set",
                         "checkpoint.every_steps=5", "--set", "model.moe.gate.k=1")
        last = "checkpoints/step-20"
        self.assertEqual(files_of(run / last), files_of(self.whole / "runs/one" / last))

    def test_the_report_holds_tables_and_pictures(self):
        report = (self.whole / "report.md").read_text()
        for part in ("# A tiny sweep", "2 of 2 runs are done", "| two of four |", "w_importance",
                     "(perplexity_vs_ops.svg)", "(perplexity_vs_words.svg)",
                     f"{self.lines['one']['test_perplexity']:.2f}"):
            self.assertIn(part, report)
        for name in ("perplexity_vs_ops.svg", "perplexity_vs_words.svg"):
            root = xml.etree.ElementTree.parse(self.whole / name).getroot()
            self.assertTrue(root.tag.endswith("svg"))
        self.assertIn("two of four", (self.whole / "perplexity_vs_ops.svg").read_text())

    def test_what_is_done_is_not_run_again(self):
        before = {path: path.stat().st_mtime_ns for path in self.whole.rglob("runs/*/log.jsonl")}
        self.assertEqual(len(before), 2)
        done = self.expect(OK, "sweep", self.file, "--out", self.whole)
        self.assertEqual(done.stderr.count("is done already"), 2)
        self.assertEqual({path: path.stat().st_mtime_ns for path in before}, before)
        (self.whole / "report.md").unlink()
        self.expect(OK, "sweep", self.file, "--out", self.whole, "--report")
        self.assertTrue((self.whole / "report.md").is_file())

    def test_a_sweep_for_speed_alone_evaluates_nothing(self):
        file = self.write("speed.toml", "evaluate = false\n" + SWEEP.format(steps=4))
        done = self.expect(OK, "sweep", file, "--out", self.directory / "speed", "--json")
        for line in json_lines(done.stdout):
            self.assertIsNone(line["valid_perplexity"])
            self.assertGreater(line["words_per_second"], 0)
        self.assertIn("2 of 2 runs are done", (self.directory / "speed/report.md").read_text())
        again = self.expect(OK, "sweep", file, "--out", self.directory / "speed")
        self.assertEqual(again.stderr.count("is done already"), 2)

    def test_other_settings_under_the_same_name_are_refused(self):
        done = self.expect(USAGE, "sweep", self.file, "--out", self.whole, "--set", "model.dropout=0.3")
        self.assertIn("model.dropout: 0.1 -> 0.3", done.stderr)

    def test_goes_on_after_kill_9(self):
        steps = 60
        file = self.write("long.toml", SWEEP.format(steps=steps))
        straight, killed = self.directory / "straight", self.directory / "killed"
        self.expect(OK, "sweep", file, "--out", straight)
        process = subprocess.Popen([program.SWITCHYARD, "sweep", file, "--out", killed],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.wait_for_checkpoint(killed / "runs/one", process)
        first_log = (killed / "runs/two/log.jsonl").read_bytes()
        process.kill()
        process.wait()
        done = self.expect(OK, "sweep", file, "--out", killed, "--json")
        self.assertIn("two: is done already", done.stderr)
        self.assertIn("one: continues from its checkpoint", done.stderr)
        self.assertEqual((killed / "runs/two/log.jsonl").read_bytes(), first_log)
        last = f"checkpoints/step-{steps}"
        for name in ("two", "one"):
            self.assertEqual(files_of(killed / "runs" / name / last), files_of(straight / "runs" / name / last), name)
        self.assertEqual(self.evaluations(killed), self.evaluations(straight))

    def evaluations(self, directory):
        return json.loads((directory / "sweep.json").read_text())["runs"]

    def wait_for_checkpoint(self, run, process):
        until = time.monotonic() + 100
        while time.monotonic() < until:
            if (run / "checkpoints").is_dir() and checkpoints(run):
                return
            self.assertIsNone(process.poll(), "the sweep ended too early")
            time.sleep(0.02)
        self.fail(f"{run} has no checkpoint yet")

    def test_stops_with_a_checkpoint_when_asked(self):
        file = self.write("stopped.toml", SWEEP.format(steps=100000))
        out = self.directory / "stopped"
        process = subprocess.Popen([program.SWITCHYARD, "sweep", file, "--out", out], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, text=True)
        self.wait_for_checkpoint(out / "runs/two", process)
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
        self.assertEqual(process.returncode, CHECKPOINTED, said)
        self.assertIn("the same command continues", said)
        self.assertIn("- two: unfinished at step", (out / "report.md").read_text())
        self.assertFalse((out / "runs/one").exists())

    def test_a_crash_of_one_point_does_not_end_the_sweep(self):
        out = self.directory / "crashed"
        (out / "runs/two/checkpoints/step-5").mkdir(parents=True)  # the rest of a run that was lost
        done = self.expect(RUN_FAILED, "sweep", self.file, "--out", out)
        self.assertIn("two: failed: exit code 3", done.stderr)
        self.assertIn("one: is done", done.stderr)
        report = (out / "report.md").read_text()
        self.assertIn("- two: failed: exit code 3", report)
        self.assertIn("1 of 2 runs are done", report)
        shutil.rmtree(out / "runs/two")
        done = self.expect(OK, "sweep", self.file, "--out", out, "--jobs", "2")
        self.assertIn("one: is done already", done.stderr)
        self.assertEqual(self.evaluations(out), self.evaluations(self.whole))

    def test_a_killed_process_is_named(self):
        file = self.write("slow.toml", SWEEP.format(steps=100000).split("[[point]]\nname = \"one\"")[0])
        out = self.directory / "slow"
        process = subprocess.Popen([program.SWITCHYARD, "sweep", file, "--out", out], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, text=True)
        self.wait_for_checkpoint(out / "runs/two", process)
        children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        self.assertEqual(len(children), 1)
        os.kill(int(children[0]), signal.SIGKILL)
        _, said = process.communicate(timeout=60)
        self.assertEqual(process.returncode, RUN_FAILED, said)
        self.assertIn("two: failed: its process was ended by signal 9", said)

    def test_the_best_of_a_search_stands_for_its_point(self):
        file = self.write("search.toml", 'base = "tiny.toml"\n[set]\n"train.steps" = 10\n[search]\n'
                                         '"schedule.learning_rate" = [1e-5, 1e-2]\n')
        out = self.directory / "search"
        self.expect(OK, "sweep", file, "--out", out)
        report = (out / "report.md").read_text()
        chosen = [line for line in report.splitlines() if "| chosen |" in line]
        self.assertEqual(len(chosen), 1, report)
        self.assertIn("learning_rate 0.01", chosen[0])

    def test_mistakes_are_named_with_their_place(self):
        for change, *parts in (
                (('title = "A tiny sweep"', 'titel = "A tiny sweep"'), "wrong.toml:1:1", "titel", "'title'"),
                (('"model.moe.gate.k" = 1', '"model.droput" = 1'), "wrong.toml:15:", "'one'", "droput", "'model.dropout'"),
                (('"model.moe.gate.k" = 1', '"model.moe.gate.k" = 5'), "'one'", "model.moe.gate", "5"),
                (('points = ["t*", "one"]', 'points = ["t*", "onne"]'), "wrong.toml:23:", "onne", "'one'"),
                (('"perplexity_vs_ops"', '"perplexity_vs_op"'), "wrong.toml:21:", "perplexity_vs_op")):
            with self.subTest(change[1]):
                text = SWEEP.format(steps=20)
                self.assertIn(change[0], text)
                file = self.write("wrong.toml", text.replace(*change))
                done = self.expect(USAGE, "sweep", file, "--out", self.directory / "never")
                for part in parts:
                    self.assertIn(part, done.stderr)
                self.assertFalse((self.directory / "never").exists())

    def test_a_missing_file_or_base_is_not_found(self):
        self.expect(NOT_FOUND, "sweep", self.directory / "none.toml", "--out", self.directory / "never")
        file = self.write("based.toml", 'base = "nothing.toml"\n[[point]]\nname = "a"\n')
        self.expect(NOT_FOUND, "sweep", file, "--out", self.directory / "never")
        self.expect(NOT_FOUND, "sweep", self.file, "--out", self.directory / "never", "--report")

    def test_two_sweeps_do_not_share_a_directory(self):
        copy = self.directory / "shared"
        shutil.copytree(self.whole, copy)
        file = self.write("again.toml", SWEEP.format(steps=20) + '[[point]]\nname = "more"\n'
                                        'set = { "train.steps" = 100000 }\n')
        process = subprocess.Popen([program.SWITCHYARD, "sweep", file, "--out", copy], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        try:
            self.wait_for_checkpoint(copy / "runs/more", process)
            done = program.run("sweep", file, "--out", copy)
            self.assertEqual(done.returncode, 78, done.stderr)
        finally:
            process.kill()
            process.wait()


if __name__ == "__main__":
    program.main()
