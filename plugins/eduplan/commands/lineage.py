"""``eduplan lineage``: from an indicator to its source columns, or from a column to indicators."""

import json
import sys
from typing import Annotated

import typer
from rich.tree import Tree

from eduplan.console import Format, FormatOption, out, settings_of, show
from eduplan.errors import EduplanError


def lineage(
    code: Annotated[str | None, typer.Argument(help="An indicator, e.g. CMP-01P.")] = None,
    column: Annotated[
        str | None, typer.Option(help="A source column, e.g. students.birth_date.")
    ] = None,
    form: FormatOption = Format.table,
) -> None:
    """Which source columns an indicator comes from, or which indicators a column touches."""
    from eduplan.docs_lineage import as_data
    from eduplan.lineage.chain import derive

    if (code is None) == (column is None):
        raise typer.BadParameter("name an indicator, or a column with --column")
    found = derive(settings_of())
    if column is not None:
        rows = [
            {"indicator": hit, "name": found.indicators[hit].name_zh, "measure": key, "part": part}
            for hit, key, part in found.touched_by(column)
        ]
        show(rows, form, f"No indicator comes from {column}.")
        return
    if code not in found.indicators:
        raise EduplanError(f"no indicator {code!r}", hint="`eduplan indicators` lists them")
    terms = list(found.terms(code))
    if form is Format.json:
        measures = as_data(found)["measures"]
        body = [
            {"indicator": owner, "side": term.side, "periods_back": term.back,
             "measure": term.key, **measures[term.key]}
            for owner, term in terms
        ]  # fmt: skip
        sys.stdout.write(json.dumps(body, ensure_ascii=False, indent=2) + "\n")
        return
    if form is Format.csv:
        rows = [
            {"indicator": owner, "side": term.side, "measure": term.key, "part": c.role,
             "column": c.name, "header": c.label, "system": c.system, "rows": " or ".join(c.where)}
            for owner, term in terms
            for c in found.measured[term.key].columns
        ]  # fmt: skip
        show(rows, form, "")
        return
    tree = Tree(f"{code} {found.indicators[code].name_zh}")
    for owner, term in terms:
        measured = found.measured[term.key]
        when = f" {term.back} periods before" if term.back else ""
        of = f"{owner} " if owner != code else ""
        branch = tree.add(f"{of}{term.side}: {term.key}{when}  ({', '.join(measured.models)})")
        for c in measured.columns:
            where = f"  where {' or '.join(c.where)}" if c.where else ""
            through = f"  {', '.join(c.staging)}" if c.staging else ""
            branch.add(f"{c.role:6} {c.name} {c.label}  [{c.system}]{through}{where}")
    out.print(tree, markup=False, highlight=False, soft_wrap=True)
