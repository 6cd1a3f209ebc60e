"""Make the synthetic city: ``python -m demo.city --out DIR [--scale 1.0] [--seed 2025]``."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from demo.city.build import make_city


def main() -> None:
    """Parse the arguments, make the city and say what it consists of."""
    parser = argparse.ArgumentParser(prog="demo.city", description="Make the synthetic city.")
    parser.add_argument("--out", type=Path, required=True, help="folder for the source files")
    parser.add_argument("--scale", type=float, default=1.0, help="0.01 to 18, 1.0 is the city")
    parser.add_argument("--seed", type=int, default=2025)
    parser.add_argument("--hold", action="store_true", help="add a delivery that must be held")
    parser.add_argument("--processes", type=int, default=None)
    args = parser.parse_args()
    began = time.perf_counter()
    report = make_city(args.out, args.scale, args.seed, hold=args.hold, processes=args.processes)
    print(
        f"{'reused' if report.reused else 'made'} {report.files} files, "
        f"{report.bytes / 1e6:.0f} MB in {time.perf_counter() - began:.1f} s: "
        f"{report.schools} schools, {report.students[-1]} pupils and {report.children} children, "
        f"{report.teachers[-1]} staff; {report.defects} planted defects of "
        f"{report.defect_kinds} kinds"
    )


if __name__ == "__main__":
    main()
