"""Run every deterministic benchmark on the shipped data, one after the other: `python -m benchmarks`.

Out: tables on standard output and the files under `out/`. Benchmarks that need a control plane or measure time are run
by name: `python -m benchmarks.scale`.
"""

import subprocess
import sys
from pathlib import Path

OUT = Path("out")
DATA = Path("benchmarks/data")
RUNS = (
    ("memory", "--cases", str(DATA / "vllm_memory_cases.csv"), "--out", str(OUT / "memory.csv")),
    ("throughput", "--cases", str(DATA / "throughput_cases.csv"), "--out", str(OUT / "throughput.csv")),
    ("mix", "--out", str(OUT / "mix.json")),
)


def main() -> int:
    """Return the first exit status that is not 0, after all have run."""
    OUT.mkdir(exist_ok=True)
    worst = 0
    for name, *arguments in RUNS:
        print(f"\n== benchmarks.{name} {' '.join(arguments)}", flush=True)
        command = [sys.executable, "-m", f"benchmarks.{name}", *arguments]
        worst = worst or subprocess.run(command, check=False).returncode
    return worst


if __name__ == "__main__":
    sys.exit(main())
