"""The build id covers every header that engine and CUDA module share.

Usage: build_id_test.py SOURCE_DIRECTORY LIST, where LIST has a header a line, as CMake found them.
"""

import pathlib
import re
import sys

ROOTS = ("ops/kernels.h", "tensor/cuda_module.h")
# Types that the module's table passes by value or by reference: whatever finds the headers must find these.
KNOWN = ("core/rng.h", "core/thread_pool.h", "ops/moe/kernels.h", "tensor/dtype.h", "tensor/memory.h",
         "tensor/shape.h", "tensor/tensor.h")


def included(engine: pathlib.Path, header: str) -> set[str]:
    text = (engine / header).read_text(encoding="utf-8")
    return {name for name in re.findall(r'^\s*#\s*include\s*"([^"]+)"', text, re.MULTILINE)
            if (engine / name).exists()}


def closure(engine: pathlib.Path) -> set[str]:
    found: set[str] = set()
    pending = set(ROOTS)
    while pending:
        header = pending.pop()
        found.add(header)
        pending |= included(engine, header) - found
    return found


def main() -> int:
    engine = pathlib.Path(sys.argv[1]) / "engine"
    hashed = pathlib.Path(sys.argv[2]).read_text(encoding="utf-8").split()
    expected = closure(engine)
    faults = [f"{name} is shared, but the build id does not cover it" for name in sorted(expected - set(hashed))]
    faults += [f"{name} is in the build id, but not shared" for name in sorted(set(hashed) - expected)]
    faults += [f"{name} must be among the shared headers" for name in KNOWN if name not in hashed]
    for fault in faults:
        print(fault, file=sys.stderr)
    print(f"build id: {len(hashed)} headers, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
