#!/usr/bin/python3
"""Times a case of `switchyard bench` and a peer by turns on a quiet machine, and prints the ratio.

  compare.py [--case lm|lstm|moe|head] [--switchyard build/release/bin/switchyard] [--rounds 5] [--setting SETTING] [-- sizes]

The sizes (--experts, --k, --d, --hidden, --vocab, --batch, --steps, --dropout, --dtype, --threads, --iterations) go to both.
Without --setting the peer looks for its best one first. Before each run it waits until other processes use less than
6 % of a core; a run during which they used more than a tenth is repeated. The ratio is that of the median
steps; above 1, Switchyard is faster. Ends with 77 where the peer is missing.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
TREE = HERE.parents[2]
QUIET = 0.06
DISTURBED = 0.10


def busy_seconds():
    """CPU seconds that all processes have used so far."""
    fields = [int(v) for v in pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")


def wait_until_quiet(limit):
    """True when the machine was quiet for two seconds, False when `limit` seconds did not bring that."""
    deadline = time.monotonic() + limit
    while True:
        before = busy_seconds()
        time.sleep(2)
        if busy_seconds() - before < 2 * QUIET:
            return True
        if time.monotonic() > deadline:
            return False


def timed(command, args):
    """The JSON of a run and the share of a core that other processes took from it."""
    for attempt in range(args.attempts):
        quiet = wait_until_quiet(args.quiet)
        before, began = busy_seconds(), time.monotonic()
        used = resource_seconds()
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
        if done.returncode != 0:
            sys.exit(done.returncode)
        wall = time.monotonic() - began
        foreign = max(0.0, busy_seconds() - before - (resource_seconds() - used)) / wall
        if quiet and foreign < DISTURBED:
            break
        print(f"  disturbed ({100 * foreign:.0f} % of a core): attempt {attempt + 1}", file=sys.stderr)
    return json.loads(done.stdout.splitlines()[-1]), foreign


def resource_seconds():
    """CPU seconds of the children that have ended."""
    times = os.times()
    return times.children_user + times.children_system


def find_switchyard():
    for build in ("release", "dev"):
        program = TREE / "build" / build / "bin" / "switchyard"
        if program.exists():
            return str(program)
    return "switchyard"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--switchyard", default=os.environ.get("SWITCHYARD") or find_switchyard())
    parser.add_argument("--python", default="/usr/bin/python3", help="the one that has torch")
    parser.add_argument("--case", default="lm", choices=("lm", "lstm", "moe", "head"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--attempts", type=int, default=3, help="per run, while others disturb it")
    parser.add_argument("--quiet", type=float, default=120.0, help="seconds to wait for a quiet machine")
    parser.add_argument("--setting", help="of the peer; without it the best is looked for")
    parser.add_argument("sizes", nargs="*")
    args = parser.parse_args()

    peer = [args.python, str(HERE / "torch_peer.py"), "--case", args.case, *args.sizes]
    if args.setting is None:
        wait_until_quiet(args.quiet)
        done = subprocess.run([*peer, "--sweep"], stdout=subprocess.PIPE, text=True)
        if done.returncode != 0:
            return done.returncode
        args.setting = json.loads(done.stdout)["setting"]
    ours = [args.switchyard, "bench", args.case, "--json", *args.sizes]
    peer += ["--setting", args.setting]

    rows = {"switchyard": [], "torch": []}
    worst = 0.0
    for number in range(args.rounds):
        for name, command in (("switchyard", ours), ("torch", peer)):
            row, foreign = timed(command, args)
            worst = max(worst, foreign)
            rows[name].append(row)
            print(f"round {number + 1} {name:10s} {row['step_ms']:8.1f} ms  {row['tokens_per_second']:8.0f} tokens/s  "
                  f"others {100 * foreign:.0f} %", file=sys.stderr)
    step_ms = {name: statistics.median(row["step_ms"] for row in list_) for name, list_ in rows.items()}
    print(json.dumps({
        "case": args.case, "sizes": args.sizes, "rounds": args.rounds, "ratio": step_ms["torch"] / step_ms["switchyard"],
        "switchyard_step_ms": step_ms["switchyard"], "torch_step_ms": step_ms["torch"],
        "switchyard_tokens_per_second": statistics.median(r["tokens_per_second"] for r in rows["switchyard"]),
        "torch_tokens_per_second": statistics.median(r["tokens_per_second"] for r in rows["torch"]),
        "switchyard_peak_rss_bytes": max(r["peak_rss_bytes"] for r in rows["switchyard"]),
        "torch_peak_rss_bytes": max(r["peak_rss_bytes"] for r in rows["torch"]),
        "torch_setting": args.setting, "others_share_of_a_core": worst}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
