"""What the end-to-end tests share: the programs under test, a tiny text, a tiny model."""
import itertools
import json
import lzma
import os
import pathlib
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

# Set by CMake: the program under test, and the plugins beside it.
SWITCHYARD = pathlib.Path(os.environ.get("SWITCHYARD", "build/dev/bin/switchyard")).resolve()

# Real text, where it is there: one sentence per line.
GCIDE = pathlib.Path(os.environ.get("SWITCHYARD_SHARED_DATA", "../shared/data")) / "debian-extract/gcide.sentences.txt.xz"

OK, RUN_FAILED, USAGE, NOT_FOUND, DAMAGED, IO, CHECKPOINTED = 0, 1, 2, 3, 65, 74, 75
SKIPPED = 77

CONFIG = """\
[data]
path = "{data}"
batch_size = 8
sequence_length = 10

[model]
d_model = 16
dropout = 0.1
layers = ["lstm", "moe", "lstm"]

[model.moe.gate]
plugin = "noisy_topk"
k = 2

[[model.moe.experts]]
plugin = "ffn"
count = 4
hidden = [16]

[optimizer]
plugin = "adam"

[schedule]
learning_rate = 1e-2
warmup_steps = 10

[train]
steps = 30
seed = 7
log_every_steps = 5
expert_stats_every_steps = 5

[checkpoint]
every_steps = 10
"""


def write_text(path, num_lines=4400):
    """Sentences of a small grammar, the same ones each time: 22 blocks of 200 lines."""
    choose = random.Random(1).choice
    nouns = ["switch", "yard", "train", "signal", "driver", "engine", "wagon", "track", "bridge", "tower"]
    verbs = ["sees", "passes", "follows", "leaves", "reaches", "stops", "moves", "calls"]
    adjectives = ["red", "old", "long", "quiet", "empty", "heavy"]
    with open(path, "w", encoding="utf-8") as file:
        for _ in range(num_lines):
            file.write(f"the {choose(adjectives)} {choose(nouns)} {choose(verbs)} "
                       f"the {choose(adjectives)} {choose(nouns)} .\n")


class DirectoryTest(unittest.TestCase):
    """Gives each class a temporary directory."""

    @classmethod
    def setUpClass(cls):
        cls.directory = pathlib.Path(tempfile.mkdtemp(prefix="switchyard-e2e-"))
        cls.addClassCleanup(shutil.rmtree, cls.directory, ignore_errors=True)

    @classmethod
    def prepare(cls, *options):
        """Makes cls.data of text.txt."""
        cls.data = cls.directory / "data"
        done = run("prepare", cls.directory / "text.txt", "--out", cls.data, *options)
        if done.returncode != OK:
            raise AssertionError(f"prepare failed with {done.returncode}:\n{done.stderr}")

    def expect(self, code, *arguments, **options):
        """Runs the program, expects an exit code, and returns what it said."""
        done = run(*arguments, **options)
        said = f"switchyard {' '.join(map(str, arguments))}\n{done.stdout}\n{done.stderr}"
        self.assertEqual(done.returncode, code, said)
        if code != OK:
            self.assertNotEqual(done.stderr.strip(), "", "a failure must say why")
            self.assertNotIn("terminate called", done.stderr)
        return done


class TextTest(DirectoryTest):
    """Gives each class real text, prepared: its first `lines` sentences and `vocabulary` words. Skipped without it."""

    lines = 0
    vocabulary = 0

    @classmethod
    def setUpClass(cls):
        if not GCIDE.exists():
            raise unittest.SkipTest(f"{GCIDE} is not there: set SWITCHYARD_SHARED_DATA to the folder of real text")
        super().setUpClass()
        with lzma.open(GCIDE, "rt", encoding="utf-8") as text:
            (cls.directory / "text.txt").write_text("".join(itertools.islice(text, cls.lines)), encoding="utf-8")
        cls.prepare("--vocabulary", cls.vocabulary)


class ProgramTest(DirectoryTest):
    """Gives each class a temporary directory with a prepared data set and a configuration."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        write_text(cls.directory / "text.txt")
        cls.prepare()
        cls.config = cls.directory / "tiny.toml"
        cls.config.write_text(CONFIG.format(data=cls.data))

    def train(self, name, *more, code=OK, **options):
        """Trains the tiny model into a run directory of that name and returns the directory."""
        self.expect(code, "train", self.config, "--run", self.directory / name, *more, **options)
        return self.directory / name


def run(*arguments, program=None, timeout=120, **options):
    environment = {**os.environ, "NO_COLOR": "1", **options.pop("env", {})}
    return subprocess.run([str(program or SWITCHYARD), *map(str, arguments)], capture_output=True, text=True,
                          timeout=timeout, check=False, env=environment, **options)


def json_lines(text):
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def checkpoints(run_directory):
    """The steps of a run's checkpoints, sorted."""
    return sorted(int(path.name[5:]) for path in (run_directory / "checkpoints").glob("step-*"))


def files_of(directory):
    """{relative path: bytes} of a whole directory."""
    return {str(path.relative_to(directory)): path.read_bytes()
            for path in sorted(directory.rglob("*")) if path.is_file()}


def wait_for_steps(directory, seconds=60):
    """Until the run's database has a metric."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            with sqlite3.connect(f"file:{directory}/run.db?mode=ro", uri=True) as database:
                if database.execute("SELECT count(*) FROM metric").fetchone()[0]:
                    return
        except sqlite3.Error:
            pass  # not there yet
        time.sleep(0.05)
    raise AssertionError("the run did not begin")


def main():
    """Runs a module's tests; ctest counts a module in which every test was skipped as skipped."""
    program = unittest.main(exit=False, verbosity=2)
    result = program.result
    if not result.wasSuccessful():
        sys.exit(1)
    # A class that is skipped as a whole is in `skipped`, its tests are not in `testsRun`.
    tests_skipped = sum(isinstance(test, unittest.TestCase) for test, _ in result.skipped)
    sys.exit(SKIPPED if result.skipped and result.testsRun == tests_skipped else 0)
