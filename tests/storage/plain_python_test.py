"""Runs the recipe printed in storage/README.md, with only sqlite3, struct and zlib."""
import pathlib
import re
import subprocess
import sys
import tempfile

try:
    import sqlite3
except ImportError:
    print("skipped: this python3 has no sqlite3")
    sys.exit(77)

program, readme = sys.argv[1:]
recipe = re.search(r"```python\n(.*?)```", pathlib.Path(readme).read_text(), re.S).group(1)
with tempfile.TemporaryDirectory() as directory:
    subprocess.run([program, directory], check=True)
    output = subprocess.run(
        [sys.executable, "-c", recipe, directory + "/run.db"], check=True, capture_output=True, text=True
    ).stdout
    names = {}
    exec(recipe.split("db = ")[0], names)  # the recipe's function alone
    db = sqlite3.connect(directory + "/run.db")
    rows = db.execute("SELECT l.name, b.step, b.n, b.enc, b.importance, b.load"
                      " FROM expert_blob b JOIN layer l ON l.id = b.layer").fetchall()
assert len(rows) == 6, rows
for layer, step, n, enc, importance, load in rows:
    assert n == (16 if layer == "small" else 5000)
    assert list(names["floats"](importance, n, enc)) == [i * 0.25 for i in range(n)], (layer, step)
    assert list(names["floats"](load, n, enc)) == [i + 1000.0 * step for i in range(n)], (layer, step)
lines = output.split("\n")
assert lines[0].startswith("small 1 expert 15 "), lines
assert lines[5].startswith("large 3 expert 4999 "), lines
print("python", sys.version.split()[0], "sqlite", sqlite3.sqlite_version, "read", len(rows), "blobs")
