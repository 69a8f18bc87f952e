#!/usr/bin/env python3
"""A run that is killed again and again ends with the very bytes of a run that was left alone.

KILLS (default 20) is how often it is killed, at moments that SEED chooses.
"""
import os
import random
import subprocess
import time
import unittest

import program
from program import OK, ProgramTest, checkpoints, files_of


class Kill(ProgramTest):
    def start(self, *arguments):
        return subprocess.Popen([str(program.SWITCHYARD), *map(str, arguments)], stdout=subprocess.DEVNULL,
                                stderr=subprocess.PIPE, text=True)

    def test_ends_with_the_same_bytes(self):
        self.check("full", int(os.environ.get("KILLS", "20")))

    def test_ends_with_the_same_bytes_with_a_sampled_softmax(self):
        self.check("sampled", 4, "--set", "model.softmax.sampled=8", "--set", "model.softmax.tied=true", "--set",
                   'model.softmax.sampler="unigram"', "--set", "model.embedding.sparse_gradient=true")

    def check(self, name, kills, *more):
        steps = 20 * max(kills, 20)
        options = ["--set", f"train.steps={steps}", "--set", "checkpoint.every_steps=5", "--set",
                   "train.log_every_steps=1", *more]
        begin = time.monotonic()
        whole = self.train(f"whole-{name}", *options)
        whole_seconds = time.monotonic() - begin

        choose = random.Random(int(os.environ.get("SEED", "1")))
        directory = self.directory / f"killed-{name}"
        killed = 0
        pace = 1.6 * whole_seconds / kills
        for _ in range(50 * kills):
            # Without a checkpoint there is nothing to continue from, and without a run
            # directory nothing to resume: the run starts again.
            started = checkpoints(directory) if (directory / "checkpoints").is_dir() else []
            if not started and directory.exists():
                subprocess.run(["rm", "-rf", str(directory)], check=True)
            arguments = ["resume", directory] if started else ["train", self.config, "--run", directory, *options]
            process = self.start(*arguments)
            # Later kills come sooner, so that all of them strike before the run is done.
            try:
                limit = choose.uniform(0.02, pace) if killed < kills else 120
                _, said = process.communicate(timeout=limit)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
                killed += 1
                continue
            self.assertEqual(process.returncode, OK, said)
            if killed >= min(kills, 3):
                break
            # Other processes slowed the uninterrupted run and not this one: try again, and kill sooner.
            subprocess.run(["rm", "-rf", str(directory)], check=True)
            killed = 0
            pace /= 2
        self.assertGreaterEqual(killed, min(kills, 3), "the run ended before it could be killed")
        self.expect(OK, "verify", directory)
        last = f"checkpoints/step-{steps}"
        self.assertEqual(files_of(directory / last), files_of(whole / last))
        print(f"killed {killed} times; an uninterrupted run took {whole_seconds:.1f} s")


if __name__ == "__main__":
    program.main()
