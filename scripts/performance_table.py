"""Write the table of ``docs/performance.md`` from ``benchmarks/results/*.json``.

python scripts/performance_table.py            rewrite the table
python scripts/performance_table.py --check    exit 1 when the page is not up to date
"""

import json
import sys
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]
PAGE = PROJECT / "docs" / "performance.md"
RESULTS = PROJECT / "benchmarks" / "results"
BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"


def read_results(folder: Path) -> list[dict[str, Any]]:
    """Return every result file of ``folder``, by name."""
    return [json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.json"))]


def table(results: list[dict[str, Any]]) -> str:
    """Return a Markdown table: both sides' medians, the ratio, its goal, and by how much missed.

    ``ratio`` is our speed over the limit's (1.00: as fast; higher is better).
    """
    if not results:
        return "No result yet: run `make bench`."
    lines = [
        "| what | ours | limit | ratio | goal | |",
        "|---|---:|---:|---:|---:|---|",
    ]
    for result in results:
        ratio, goal = result.get("ratio"), result.get("goal")
        lines.append(
            "| "
            + " | ".join(
                (
                    str(result.get("what") or result.get("name", "")),
                    _seconds(result.get("ours_median_s")),
                    _seconds(result.get("limit_median_s")),
                    "—" if ratio is None else f"{ratio:.2f}",
                    "—" if goal is None else f"{goal:.2f}",
                    _verdict(ratio, goal),
                )
            )
            + " |"
        )
    machines = {_machine(r["machine"]) for r in results if isinstance(r.get("machine"), dict)}
    if machines:
        lines += ["", "Measured on: " + "; ".join(sorted(machines)) + "."]
    return "\n".join(lines)


def _seconds(value: float | None) -> str:
    return "—" if value is None else f"{value:,.2f} s"


def _verdict(ratio: float | None, goal: float | None) -> str:
    if ratio is None or goal is None:
        return ""
    return "met" if ratio >= goal else f"missed by {100 * (1 - ratio / goal):.0f} %"


def _machine(facts: dict[str, Any]) -> str:
    known = [f"{facts['cpus']} CPUs" if "cpus" in facts else ""]
    known.append(f"Python {facts['python']}" if "python" in facts else "")
    return ", ".join(filter(None, known))


def filled(page: str, body: str) -> str:
    """Return ``page`` with ``body`` between the two marks."""
    head, _, rest = page.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n{body}\n{END}{tail}"


def main() -> int:
    """Rewrite the page, or with ``--check`` only compare."""
    page = PAGE.read_text("utf-8")
    wanted = filled(page, table(read_results(RESULTS)))
    if "--check" in sys.argv[1:]:
        if wanted != page:
            print(f"{PAGE.name} is not up to date: run python scripts/performance_table.py")
            return 1
        return 0
    PAGE.write_text(wanted, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
