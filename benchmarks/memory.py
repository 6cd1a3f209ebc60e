"""Peak memory of landing files of three sizes, each in a process of its own.

Memory is the peak resident set (VmHWM) of the process that lands, less that of a bare Python
interpreter. The limit is 64 MB whatever the size; ``ratio`` is the limit over the largest peak.

    python -m benchmarks.memory [--rows N N N]
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import _landing_data
from benchmarks._common import database, write_measure

LIMIT_MB = 64.0
_PEAK = """
def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))
"""
_BARE = _PEAK + "print(peak())"
_LAND = (
    _PEAK
    + """
import json, sys
from pathlib import Path
from benchmarks import _landing_data
from eduplan import warehouse
from eduplan.extract.discover import discover
from eduplan.land import land
imported = peak()
contract = _landing_data.contract()
root, url = Path(sys.argv[1]), sys.argv[2]
(delivery,) = discover(contract, root)
with warehouse.connect(url) as conn:
    result = land(conn, contract, delivery, root / "archive")
print(json.dumps({"imported": imported, "peak": peak(), "outcome": result.outcome,
                  "rows": result.rows, "rejected": result.rejected_rows}))
"""
)


def run(code: str, *args: str) -> str:
    """Run Python code in a fresh process, return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", code, *args], check=True, text=True, capture_output=True
    )
    return done.stdout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 400_000, 1_600_000])
    args = parser.parse_args()
    bare = float(run(_BARE))
    runs = []
    with database() as url:
        for ragged in (False, True):
            for rows in args.rows:
                with tempfile.TemporaryDirectory() as folder:
                    file = _landing_data.deliver(Path(folder), rows, seed=rows + ragged)
                    if ragged:  # one ragged line at the end: the row-aware reader takes over
                        with file.open("ab") as out:
                            out.write(b"1,2,3\n")
                    seen = json.loads(run(_LAND, folder, url))
                    if (seen["outcome"], seen["rows"]) != ("landed", rows):
                        raise SystemExit(f"landing failed: {seen}")
                    runs.append(
                        {
                            "rows": rows,
                            "reader": "row-aware" if ragged else "bytes",
                            "file_mb": round(file.stat().st_size / 2**20, 1),
                            "imports_mb": round(seen["imported"] - bare, 1),
                            "peak_mb": round(seen["peak"] - bare, 1),
                        }
                    )
    worst = max(entry["peak_mb"] for entry in runs)
    write_measure(
        "memory",
        ratio=LIMIT_MB / worst,
        goal=1.0,
        what=f"peak memory of a landing is {worst:.0f} MB beyond the interpreter at any size,"
        f" limit {LIMIT_MB:.0f} MB",
        interpreter_mb=round(bare, 1),
        limit_mb=LIMIT_MB,
        runs=runs,
    )


if __name__ == "__main__":
    main()
