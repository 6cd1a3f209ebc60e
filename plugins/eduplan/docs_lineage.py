"""The lineage reference: ``docs/reference/lineage.md`` for people, ``lineage.json`` for programs.

Both are derived from the SQL of the dbt project and the contracts, never written by hand;
``make docs`` renews them, and a test compares them.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eduplan.lineage.chain import Indicator, Lineage, Measured, Term, derive
from eduplan.lineage.trace import ALL
from eduplan.settings import Settings

PAGE, DATA = Path("docs/reference/lineage.md"), Path("docs/reference/lineage.json")
_INTRO = """\
From each indicator back to the columns of the data contracts: terms of the registry, the model that
measures them, the column of staging, the column as it is delivered (its Chinese header), the source
system. Read off the SQL, so it is what is computed, not what somebody remembers. How to read and
ask it: [lineage](../lineage.md). What the columns are: [datasets](datasets.md).

A column plays one of four parts, the strongest is named: **value** (it is in the number),
**filter** (it decides whether a row counts), **key** (it says whose row it is), **split** (only the
girls' and boys' values ask for it). `dataset.*` means that rows are counted. *Rows* are the
conditions under which a row is taken, in the words of the models. Attributes of schools and
regions that only sort a value into its breakdowns (place, ownership, county) are not repeated.
"""


def write_reference(settings: Settings) -> tuple[Path, Path]:
    """Write the page and the data; return their paths."""
    lineage = derive(settings)
    page, data = settings.project_dir / PAGE, settings.project_dir / DATA
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(render_page(lineage), encoding="utf-8")
    data.write_text(render_data(lineage), encoding="utf-8")
    return page, data


def render_page(lineage: Lineage) -> str:
    """Return the page as Markdown: an index, the indicators, what is measured."""
    unresolved = lineage.unresolved()
    heads = [found for found in lineage.indicators.values() if not found.parent]
    lines = [
        "<!-- Generated from models and contracts by eduplan.docs_lineage; do not edit. -->",
        "# Lineage of the indicators",
        "",
        *_INTRO.splitlines(),
        "",
        f"{len(heads)} indicators and {len(lineage.indicators) - len(heads)} items rest on"
        f" {len(lineage.measured)} measures of a stage; unresolved: {len(unresolved)}.",
        "",
        "## Indicators",
        "",
    ]
    for indicator in lineage.indicators.values():
        lines += _indicator(indicator, lineage)
    lines += ["## Measures", ""]
    for measured in lineage.measured.values():
        lines += _measured(measured)
    return "\n".join(lines).rstrip() + "\n"


def _anchor(key: str) -> str:
    """Return the fragment of a heading ``### measure@stage`` as GitHub makes it."""
    return key.replace("@", "")


def _indicator(indicator: Indicator, lineage: Lineage) -> list[str]:
    lines = [f"### {indicator.code} {indicator.name_zh}", ""]
    if indicator.parent:
        lines += [f"Item of {indicator.parent}.", ""]
    if not indicator.is_computed:
        return [*lines, "Not computed: its source is not connected.", ""]
    lines += [_term(term, lineage.measured[term.key]) for term in indicator.terms]
    if indicator.bases:
        lines.append(f"- built on: {', '.join(indicator.bases)}")
    return [*lines, ""]


def _term(term: Term, measured: Measured) -> str:
    when = f", {term.back} periods before" if term.back else ""
    counted = _names(measured, "value")
    chosen = _names(measured, "filter")
    parts = [counted, f"rows by {chosen}" if chosen else ""] if counted else [chosen]
    shown = "; ".join(filter(None, parts)) or "**unresolved**"
    return f"- {term.side}: [`{term.key}`](#{_anchor(term.key)}){when} ← {shown}"


def _names(measured: Measured, role: str) -> str:
    return ", ".join(f"`{c.name}` {c.label}".rstrip() for c in measured.columns if c.role == role)


def _measured(measured: Measured) -> list[str]:
    lines = [f"### {measured.key}", ""]
    lines += [f"Measured by {', '.join(f'`{model}`' for model in measured.models)}.", ""]
    if not measured.resolved:
        return [*lines, "**unresolved**", ""]
    rows = [
        (
            column.role,
            f"`{column.name}`",
            "(rows)" if column.column == ALL else column.label,
            ", ".join(f"`{place}`" for place in column.staging),
            " or ".join(f"`{where}`" for where in column.where),
            column.system,
        )
        for column in measured.columns
    ]
    return [
        *lines,
        *_table(("Part", "Source column", "Header", "Staging", "Rows", "System"), rows),
    ]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    body = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head), *body, ""]


def as_data(lineage: Lineage) -> dict[str, Any]:
    """Return everything as plain lists and mappings."""
    return {
        "indicators": {
            code: {
                "name_zh": found.name_zh,
                "parent": found.parent or None,
                "kind": found.kind,
                "terms": [
                    {"side": t.side, "measure": t.key, "periods_back": t.back} for t in found.terms
                ],
                "built_on": list(found.bases),
            }
            for code, found in lineage.indicators.items()
        },
        "measures": {
            key: {
                "models": list(measured.models),
                "columns": [
                    {
                        "dataset": c.dataset,
                        "column": c.column,
                        "header": c.label or None,
                        "system": c.system,
                        "part": c.role,
                        "staging": list(c.staging),
                        "rows": list(c.where),
                    }
                    for c in measured.columns
                ],
            }
            for key, measured in lineage.measured.items()
        },
    }


def render_data(lineage: Lineage) -> str:
    """Return the data as JSON, a line an indicator and a line a column: changes are readable."""
    data = as_data(lineage)
    one = [f"  {_json(code)}: {_json(found)}" for code, found in data["indicators"].items()]
    two = [
        f'  {_json(key)}: {{"models": {_json(found["models"])}, "columns": [\n'
        + ",\n".join(f"    {_json(column)}" for column in found["columns"])
        + "\n  ]}"
        for key, found in data["measures"].items()
    ]
    return (
        '{"indicators": {\n'
        + ",\n".join(one)
        + '\n},\n"measures": {\n'
        + ",\n".join(two)
        + "\n}}\n"
    )


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
