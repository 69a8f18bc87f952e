#!/usr/bin/env python3
"""Everything that can be wrong is named, ends with the code that says what kind of wrong, and harms nothing."""
import os
import shutil
import sqlite3
import subprocess
import unittest

import program
from program import DAMAGED, IO, NOT_FOUND, OK, USAGE, ProgramTest, checkpoints


class Faults(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        done = program.run("train", cls.config, "--run", cls.directory / "good")
        if done.returncode != OK:
            raise AssertionError(f"train failed with {done.returncode}:\n{done.stderr}")

    def copy_of_run(self, name):
        shutil.copytree(self.directory / "good", self.directory / name)
        return self.directory / name

    def expect_config_error(self, change, *expected, code=USAGE):
        """Expects an exit code and the texts for the configuration with (old, new) replaced."""
        config = self.directory / "wrong.toml"
        text = self.config.read_text()
        self.assertIn(change[0], text)
        config.write_text(text.replace(*change))
        done = self.expect(code, "train", config, "--run", self.directory / "never")
        for part in expected:
            self.assertIn(part, done.stderr)
        self.assertFalse((self.directory / "never").exists(), "a refused run must leave nothing")

    def test_unknown_key(self):
        self.expect_config_error(("batch_size", "batch_sise"), "wrong.toml:3:", "batch_sise", "batch_size")

    def test_wrong_type(self):
        self.expect_config_error(("batch_size = 8", 'batch_size = "eight"'), "wrong.toml:3:", "batch_size")

    def test_out_of_range(self):
        self.expect_config_error(("batch_size = 8", "batch_size = 0"), "batch_size")

    def test_not_toml(self):
        self.expect_config_error(("[data]", "[data"), "wrong.toml:1:")

    def test_more_choices_than_experts(self):
        self.expect_config_error(("k = 2", "k = 5"), "5", "4")

    def test_unknown_plugin(self):
        self.expect_config_error(('"noisy_topk"', '"noisy_topc"'), "noisy_topc", "similar: 'noisy_topk'", code=NOT_FOUND)

    def test_unknown_setting_of_a_plugin(self):
        self.expect_config_error(("k = 2", "kk = 2"), "kk")

    def test_unknown_override(self):
        self.assertIn("stepz", self.train_refused("--set", "train.stepz=3").stderr)

    def train_refused(self, *more):
        return self.expect(USAGE, "train", self.config, "--run", self.directory / "never", *more)

    def test_unknown_command(self):
        self.expect(USAGE, "trian")

    def test_missing_configuration(self):
        self.expect(NOT_FOUND, "train", self.directory / "none.toml", "--run", self.directory / "never")

    def test_missing_run(self):
        for command in ("resume", "eval", "generate", "experts", "verify"):
            self.expect(NOT_FOUND, command, self.directory / "none")

    def test_missing_data(self):
        self.expect(NOT_FOUND, "train", self.config, "--run", self.directory / "never", "--set",
                    f'data.path="{self.directory}/none"')

    def test_missing_text(self):
        self.expect(NOT_FOUND, "prepare", self.directory / "none.txt", "--out", self.directory / "none-data")
        self.assertFalse((self.directory / "none-data").exists())

    def test_empty_text(self):
        (self.directory / "empty.txt").write_text("")
        done = self.expect(USAGE, "prepare", self.directory / "empty.txt", "--out", self.directory / "empty-data")
        self.assertIn("empty.txt", done.stderr)
        self.assertFalse((self.directory / "empty-data").exists())

    def test_text_that_is_not_utf8(self):
        (self.directory / "latin1.txt").write_bytes(b"caf\xe9 au lait\n" * 50)
        self.expect(USAGE, "prepare", self.directory / "latin1.txt", "--out", self.directory / "latin1-data")

    def test_truncated_checkpoint_is_found_and_an_older_one_taken(self):
        run = self.copy_of_run("truncated")
        newest = run / "checkpoints" / f"step-{checkpoints(run)[-1]}" / "model.safetensors"
        os.truncate(newest, newest.stat().st_size // 2)
        self.expect(DAMAGED, "verify", run)
        self.expect(OK, "resume", run)
        self.expect(OK, "eval", run, "--split", "valid", "--json")

    def test_flipped_byte_anywhere_is_found(self):
        for name in ("model.safetensors", "optimizer.safetensors", "manifest.json", "config.toml"):
            run = self.copy_of_run(f"flipped-{name}")
            file = run / "checkpoints" / f"step-{checkpoints(run)[-1]}" / name
            data = bytearray(file.read_bytes())
            data[len(data) * 2 // 3] ^= 0x10
            file.write_bytes(data)
            done = self.expect(DAMAGED, "verify", run)
            self.assertIn(f"step-{checkpoints(run)[-1]}", done.stdout + done.stderr)

    def test_no_whole_checkpoint_left(self):
        run = self.copy_of_run("all-damaged")
        for step in checkpoints(run):
            file = run / "checkpoints" / f"step-{step}" / "model.safetensors"
            os.truncate(file, file.stat().st_size - 1)
        self.expect(DAMAGED, "eval", run, "--split", "valid")

    def test_damaged_database(self):
        run = self.copy_of_run("damaged-db")
        with open(run / "run.db", "r+b") as file:
            file.write(b"no database at all" * 20)
        self.expect(DAMAGED, "verify", run)
        self.expect(DAMAGED, "experts", run)

    def test_flipped_byte_in_the_expert_statistics(self):
        run = self.copy_of_run("damaged-blob")
        with sqlite3.connect(run / "run.db") as database:
            database.execute("UPDATE expert_blob SET load = zeroblob(length(load)) WHERE step = "
                             "(SELECT max(step) FROM expert_blob)")
        database.close()
        self.expect(DAMAGED, "verify", run)

    def test_damaged_data_set(self):
        data = self.directory / "damaged-data"
        shutil.copytree(self.data, data)
        largest = max((path for path in data.rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)
        os.truncate(largest, largest.stat().st_size // 2)
        self.expect(DAMAGED, "train", self.config, "--run", self.directory / "never", "--set", f'data.path="{data}"')

    def test_other_data_than_before(self):
        program.write_text(self.directory / "other.txt", num_lines=4800)
        self.expect(OK, "prepare", self.directory / "other.txt", "--out", self.directory / "other-data")
        run = self.copy_of_run("other-data-run")
        self.expect(USAGE, "resume", run, "--set", f'data.path="{self.directory}/other-data"', "--set",
                    "train.steps=40")

    def test_two_processes_cannot_write_one_run(self):
        run = self.directory / "locked"
        with subprocess.Popen([program.SWITCHYARD, "train", self.config, "--run", run, "--set",
                               "train.steps=1000000"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                program.wait_for_steps(run)
                done = program.run("resume", run)
                self.assertNotEqual(done.returncode, OK)
                self.assertRegex(done.stderr, "in use by (another )?process")
            finally:
                process.kill()

    def test_missing_plugin_is_named(self):
        # A copied tree finds its own plugins, and only those.
        tree = self.directory / "tree"
        shutil.copytree(program.SWITCHYARD.parent, tree / "bin", ignore=shutil.ignore_patterns("*validate*"))
        shutil.copytree(program.SWITCHYARD.parent.parent / "lib/switchyard", tree / "lib/switchyard")
        copied = tree / "bin/switchyard"
        self.expect(OK, "train", self.config, "--run", self.directory / "copied", "--set", "train.steps=1", program=copied)
        (tree / "lib/switchyard/plugins/gate_noisy_topk.syplugin.so").unlink()
        done = program.run("train", self.config, "--run", self.directory / "never", program=copied)
        self.assertIn(done.returncode, (USAGE, NOT_FOUND), done.stderr)
        self.assertIn("noisy_topk", done.stderr)

    def test_read_only_directory(self):
        if os.geteuid() == 0:
            self.skipTest("root may write everywhere")
        locked = self.directory / "read-only"
        locked.mkdir()
        locked.chmod(0o555)
        self.expect(IO, "train", self.config, "--run", locked / "run")

    def test_full_disk(self):
        mount = self.directory / "full"
        mount.mkdir()
        # A mount namespace of its own: the small disk is gone when the command ends.
        script = ('mount -t tmpfs -o size=20m tmpfs "$0" && dd if=/dev/zero of="$0/filler" bs=1M count=18 status=none; '
                  'shift 0; exec "$@"')
        inside = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"]), "sh", "-c", script, str(mount)]
        if subprocess.run([*inside, "true"], capture_output=True, check=False).returncode != 0:
            self.skipTest("this machine does not let a test mount a small disk")
        done = subprocess.run([*inside, str(program.SWITCHYARD), "train", str(self.config), "--run", str(mount / "run")],
                              capture_output=True, text=True, check=False, timeout=60)
        self.assertEqual(done.returncode, IO, done.stderr)
        self.assertRegex(done.stderr.lower(), "space|full")


if __name__ == "__main__":
    program.main()
