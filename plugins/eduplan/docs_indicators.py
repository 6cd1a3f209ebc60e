"""The indicator reference, generated from the seeds of the dbt project.

``docs/reference/indicators.md`` is never edited by hand: ``python -m eduplan.docs_indicators``
makes it, and a test compares it with the seeds.
"""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from eduplan.settings import Settings

Row = Mapping[str, str]

_KINDS = {
    "ratio": "scale × Σ numerator ÷ Σ denominator",
    "count": "Σ measure",
    "amount": "Σ measure",
    "growth": "change on the year before, per cent",
    "cohort": "a cohort over itself some periods before",
    "attainment": "share of units that meet a set of thresholds",
    "dispersion": "pupil-weighted coefficient of variation between schools",
}
_DIRECTIONS = {
    "higher_better": "higher is better",
    "lower_better": "lower is better",
    "target_band": "inside a band",
}
_SEED_NAMES = (
    "indicator",
    "action",
    "measure",
    "threshold",
    "stage",
    "plan_version",
    "target",
    "intl_match",
    "benchmark",
)


def reference_path(settings: Settings) -> Path:
    """Return where the generated page is kept."""
    return settings.project_dir / "docs" / "reference" / "indicators.md"


def write_reference(settings: Settings) -> Path:
    """Write the page from the seeds; return its path."""
    path = reference_path(settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render_reference(settings.dbt_dir / "seeds"), encoding="utf-8")
    return path


def render_reference(seeds_dir: Path) -> str:
    """Return the page as Markdown: overview, one section per indicator, measures, plan versions."""
    seeds = {name: _read(seeds_dir / f"{name}.csv") for name in _SEED_NAMES}
    indicators = sorted(seeds["indicator"], key=lambda row: int(row["sort_order"]))
    top = [row for row in indicators if not row["parent_code"]]
    computed = [row for row in top if row["is_computed"] == "true"]
    measures = {row["measure_code"]: row for row in seeds["measure"]}
    stages = {row["stage"]: row["stage_name_zh"] for row in seeds["stage"]}
    lines = [
        "<!-- Generated from dbt_project/seeds by eduplan.docs_indicators; do not edit. -->",
        "# Indicators",
        "",
        f"{len(top)} indicators are in the registry; {len(computed)} are computed from the sources"
        " connected so far. The others stand on the scorecard as `no_data`, with the source they"
        " wait for.",
        "",
        "A value always comes with its numerator, denominator and coverage (reporting units ÷"
        " expected units × 100). A zero denominator gives no value. Units with one side missing are"
        " out of both sums, so a missing report lowers the coverage and not the value. National"
        " thresholds are a set of their own and are never used as targets; benchmarks are published"
        " figures of the same definition, for comparison only.",
        "",
    ]
    for action in sorted(seeds["action"], key=lambda row: int(row["sort_order"])):
        members = [row for row in top if row["action_code"] == action["action_code"]]
        lines += [f"## {action['action_name_zh']}", ""]
        lines += _table(
            ("Code", "Indicator", "Unit", "Kind", "Computed"),
            [
                (
                    row["indicator_code"],
                    row["indicator_name_zh"],
                    row["unit"],
                    row["kind"],
                    "yes" if row["is_computed"] == "true" else "no",
                )
                for row in members
            ],
        )
        for row in members:
            items = [item for item in indicators if item["parent_code"] == row["indicator_code"]]
            lines += _section(row, items, seeds, measures, stages)
    lines += ["## Measures", ""]
    lines += [
        "Rows of `marts.fct_school_measure`; the stage stands beside the measure. Small counts of a"
        " disclosive measure are not published (ADR 13).",
        "",
    ]
    lines += _table(
        ("Measure", "Name", "Unit", "Period", "Disclosive", "Datasets", "Note"),
        [
            (
                f"`{row['measure_code']}`",
                row["measure_name_zh"],
                row["unit"],
                row["period_kind"],
                "yes" if row["is_disclosive"] == "true" else "",
                row["datasets"].replace(",", ", "),
                row["description_zh"],
            )
            for row in seeds["measure"]
        ],
    )
    lines += ["## Plan versions", ""]
    lines += _table(
        ("Version", "Name", "Demonstration", "Amends", "Own rows with targets", "Note"),
        [
            (
                row["plan_version"],
                row["plan_name_zh"],
                "yes" if row["is_demonstration"] == "true" else "no",
                f"{row['amends']} ({row['adopted_on']})" if row["amends"] else "",
                str(_targets(seeds["target"], row["plan_version"])),
                row["note_zh"],
            )
            for row in seeds["plan_version"]
        ],
    )
    return "\n".join(lines).rstrip() + "\n"


def _read(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def _targets(rows: Sequence[Row], plan_version: str) -> int:
    return sum(
        1
        for row in rows
        if row["plan_version"] == plan_version and (row["target_2027"] or row["band_low"])
    )


def _section(
    row: Row,
    items: Sequence[Row],
    seeds: Mapping[str, Sequence[Row]],
    measures: Mapping[str, Row],
    stages: Mapping[str, str],
) -> list[str]:
    def own(name: str) -> list[Row]:
        return [found for found in seeds[name] if found["indicator_code"] == row["indicator_code"]]

    lines = [f"### {row['indicator_code']} {row['indicator_name_zh']}", ""]
    facts = [
        ("English", row["indicator_name_en"]),
        ("Definition", row["definition_zh"]),
        ("Unit", f"{row['unit']}; {_DIRECTIONS[row['direction']]}"),
    ]
    if row["is_computed"] == "true":
        facts.append(("Kind", f"{row['kind']}: {_KINDS[row['kind']]}"))
        facts.append(("Numerator", _terms(row["numerator_terms"], measures, stages)))
        facts.append(("Denominator", _terms(row["denominator_terms"], measures, stages)))
        facts.append(("Built on", row["base_indicators"].replace("|", ", ")))
        facts.append(("Breakdowns", row["breakdowns"].replace("|", ", ")))
        facts.append(("How it is computed here", row["note_zh"]))
    else:
        facts.append(("Waits for", row["source_system"]))
    facts.append(("National threshold", _thresholds(own("threshold"), stages)))
    facts.append(("Threshold as published", row["standard_threshold"]))
    facts.append(("Source", f"{row['source_document']} (confidence: {row['confidence']})"))
    facts.append(("Benchmark", _benchmarks(own("benchmark"), stages)))
    for match in own("intl_match"):
        name = "International" if match["statistic"] == "value" else "International, by sex"
        facts.append(
            (name, f"{match['international_indicator']}: {match['match_status']}. {match['note']}")
        )
    lines += [f"- **{name}**: {text}" for name, text in facts if text]
    if items:
        lines.append(
            "- **Items**: " + "; ".join(_item(item, seeds["intl_match"]) for item in items)
        )
    return [*lines, ""]


def _item(row: Row, matches: Sequence[Row]) -> str:
    found = [m for m in matches if m["indicator_code"] == row["indicator_code"]]
    beside = "".join(f" ({m['international_indicator']}: {m['match_status']})" for m in found)
    return f"`{row['indicator_code']}` {row['indicator_name_zh']}{beside}"


def _terms(terms: str, measures: Mapping[str, Row], stages: Mapping[str, str]) -> str:
    out = []
    for term in filter(None, terms.split(" + ")):
        code, _, rest = term.partition("@")
        stage, _, back = rest.partition("[-")
        name = measures[code]["measure_name_zh"]
        when = f", {back.rstrip(']')} periods before" if back else ""
        out.append(f"{name} `{code}` ({stages[stage]}{when})")
    return " + ".join(out)


def _thresholds(rows: Sequence[Row], stages: Mapping[str, str]) -> str:
    return "; ".join(
        f"{row['threshold_op']} {row['threshold_value']}"
        + ("" if row["stage"] == "all" else f" ({stages[row['stage']]})")
        for row in rows
    )


def _benchmarks(rows: Sequence[Row], stages: Mapping[str, str]) -> str:
    return "; ".join(
        f"{row['area']} {row['period_year']}"
        + ("" if row["stage"] == "all" else f" ({stages[row['stage']]})")
        + f" {float(row['value']):g}{'%' if row['unit'] == '%' else ''} [{row['source_document']}]"
        for row in rows
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    body = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head), *body, ""]


if __name__ == "__main__":
    from eduplan.settings import load_settings

    write_reference(load_settings())
