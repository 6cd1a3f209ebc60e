"""Run the benchmarks in turn and print one table: ``make bench`` (``ARGS="landing memory"``)."""

import subprocess
import sys
from pathlib import Path

from rich.console import Console

from benchmarks._common import result_table


def main() -> None:
    """Run the benchmarks named on the command line, or all; each in a process of its own."""
    folder = Path(__file__).parent
    known = sorted(path.stem for path in folder.glob("[a-z]*.py"))
    chosen = sys.argv[1:] or known
    unknown = set(chosen) - set(known)
    if unknown:
        raise SystemExit(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    failed = []
    for name in chosen:
        done = subprocess.run(
            [sys.executable, "-m", f"benchmarks.{name}"], cwd=folder.parent, check=False
        )
        if done.returncode:
            failed.append(name)
    Console().print(result_table())
    if failed:
        raise SystemExit(f"these benchmarks could not run: {', '.join(failed)}")


if __name__ == "__main__":
    main()
