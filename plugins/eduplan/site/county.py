"""The page of one county: its indicators against the plan, who has not reported, its tasks."""

from collections import Counter
from collections.abc import Sequence

from eduplan.scorecard import wording as words
from eduplan.scorecard.query import STATUSES, Indicator, Region
from eduplan.scorecard.query import Cell as Value
from eduplan.site import charts
from eduplan.site.figures import (
    bare,
    distance_text,
    due_text,
    full,
    past,
    rank_text,
    ranks,
    target_text,
)
from eduplan.site.indicator import exposure_cells, revisions
from eduplan.site.layout import Book, Cell, Fact, Page, Section, Table, address, relative
from eduplan.site.query import Row
from eduplan.site.wording import amount, label, school_type

_MOST_NAMES = 12
_MOST_RULES = 10
_MOST_DIFFERENCES = 15
_MOST_EXPOSED = 10


def county_page(book: Book, region: Region) -> Page:
    """Build the page of ``region``, a county or the schools that the city runs itself."""
    t, first = book.t, address(book.lang, "index")
    return book.page(
        address(book.lang, "county", region.code),
        region.name,
        own_title=True,
        crumbs=((t["scorecard"], first), (t["counties"], f"{first}#counties")),
        facts=_facts(book, region),
        sections=(
            _indicators(book, region),
            _not_reported(book, region),
            _reporting(book, region),
            _schools(book, region),
            _tasks(book, region),
            _rules(book, region),
            _differences(book, region),
            _exposed(book, region),
            revisions(book, region=region.code),
        ),
    )


def _facts(book: Book, region: Region) -> tuple[Fact, ...]:
    t, word = book.t, words.WORDS[book.lang]
    place = 1 + sum(r.lagging > region.lagging for r in book.card.regions)
    note = t["lagging_rank"].format(n=place, total=len(book.card.regions))
    tally = tuple(
        Fact(word[status], str(region.counts[status]), status=status)
        for status in STATUSES
        if region.counts.get(status)
    )
    return (Fact(t["judged"], str(region.judged), note), *tally)


def _cell(indicator: Indicator, region: Region) -> Value | None:
    return next((c for c in indicator.counties if c.region_code == region.code), None)


def _indicators(book: Book, region: Region) -> Section:
    t, path = book.t, address(book.lang, "county", region.code)
    rows: list[tuple[Cell, ...]] = []
    for action in book.card.actions:
        found = [(i, c) for i in action.indicators if (c := _cell(i, region)) is not None]
        if found:
            badge = words.action_badge(action.code, book.lang)
            name = words.action_name(action.code, action.name, book.lang)
            rows.append((Cell(f"{badge} {name}"),))
            rows.extend(_row(book, path, i, c) for i, c in found)
    heads = (
        t["indicator"],
        t["status"],
        "#" + t["value"],
        t["trend_short"],
        "#" + t["due"],
        "#" + t["target"],
        "#" + t["distance"],
        "#" + t["rank"],
        "#" + t["city"],
    )
    return Section(
        "indicators",
        t["plan_table"],
        t["plan_table_note"],
        (Table(heads, tuple(rows), css="plan-table"),),
        empty=t["none"],
    )


def _row(book: Book, path: str, indicator: Indicator, cell: Value) -> tuple[Cell, ...]:
    write, with_unit = bare(indicator), full(book, indicator)
    history = past(book.facts.values.get((indicator.code, cell.region_code), ()))
    hidden = cell.status == "suppressed"
    return (
        Cell(indicator.name, href=relative(path, address(book.lang, "indicator", indicator.code))),
        Cell(status=cell.status),
        Cell(
            "" if hidden else with_unit(cell.value),
            note=words.coverage_text(cell, book.lang),
            css="n",
        ),
        Cell(spark=charts.spark(history)),
        Cell(due_text(indicator, cell), css="n"),
        Cell(target_text(indicator, cell), css="n"),
        Cell(distance_text(book, indicator, cell.distance) if cell.judged else "", css="n"),
        Cell(rank_text(ranks(indicator).get(cell.region_code)), css="n"),
        Cell(write(indicator.city.value), css="n soft"),
    )


def _not_reported(book: Book, region: Region) -> Section:
    """Who is missing and who was late, a row for each dataset."""
    t = book.t
    groups: dict[tuple[str, str], list[Row]] = {}
    for r in book.facts.late.get(region.code, ()):
        groups.setdefault((r["status"], r["dataset"]), []).append(r)
    rows = []
    for (status, dataset), found in groups.items():
        names = [_unit_name(book, r) for r in found[:_MOST_NAMES]]
        listed = ("、" if book.lang == "zh" else "; ").join(names)
        notes = []
        if len(found) > _MOST_NAMES:
            notes.append(t["and_more"].format(n=len(found) - _MOST_NAMES))
        if refused := sum(1 for r in found if status == "missing" and r["refused_on"]):
            notes.append(t["refused"].format(n=refused))
        rows.append(
            (
                Cell(book.dataset(dataset), own=True),
                Cell(found[0]["period"], css="whole"),
                Cell(str(found[0]["due_on"]), css="whole"),
                Cell(t[status], css="whole bad" if status == "missing" else "whole"),
                Cell(str(len(found)), css="n"),
                Cell(str(max(r["days_late"] for r in found)), css="n"),
                Cell(listed, note=" · ".join(notes), own=True),
            )
        )
    heads = (
        t["dataset"],
        t["period"],
        t["due_on"],
        t["status"],
        "#" + t["how_many"],
        "#" + t["days"],
        t["who"],
    )
    return Section(
        "missing",
        t["not_reported"],
        t["not_reported_note"],
        (Table(heads, tuple(rows), css="late"),) if rows else (),
        empty=t["all_reported"],
    )


def _unit_name(book: Book, row: Row) -> str:
    name = row["unit_name"] or row["unit_code"]
    return book.region(row["unit_code"], name) if row["unit_level"] == "county" else str(name)


def _reporting(book: Book, region: Region) -> Section:
    t = book.t
    rows = tuple(
        (
            Cell(book.dataset(r["dataset"]), own=True),
            Cell(r["period"], css="whole"),
            Cell(str(r["due_on"]), css="whole"),
            Cell(
                f"{r['units_on_time'] + r['units_late']} / {r['units_expected']}"
                if r["units_expected"]
                else "—",
                css="n",
            ),
            Cell(str(r["units_late"] or "—"), css="n"),
            Cell(str(r["units_missing"] or "—"), css="n bad" if r["units_missing"] else "n"),
            Cell(
                f"{r['schools_reported']} / {r['schools_expected']}"
                if r["schools_expected"]
                else "—",
                css="n",
            ),
        )
        for r in book.facts.coverage.get(region.code, ())
    )
    heads = (
        t["dataset"],
        t["period"],
        t["due_on"],
        "#" + t["units"],
        "#" + t["late"],
        "#" + t["missing"],
        "#" + t["schools_reported"],
    )
    return Section(
        "reporting",
        t["reporting"],
        t["reporting_note"],
        (Table(heads, rows, css="dense"),) if rows else (),
        empty=t["none"],
    )


def _schools(book: Book, region: Region) -> Section:
    t = book.t
    gaps: dict[str, list[str]] = {}
    for r in book.facts.late.get(region.code, ()):
        if r["status"] == "missing" and r["unit_level"] == "school":
            gaps.setdefault(r["unit_code"], []).append(book.dataset(r["dataset"]))
    found = book.facts.county_schools.get(region.code, ())
    ordered = sorted(found, key=lambda r: (r["school_code"] not in gaps, r["school_type_code"]))
    rows = tuple(
        (
            Cell(r["school_name"] or r["school_code"], own=True),
            Cell(school_type(r["school_type_code"], book.lang)),
            Cell(label(r["ownership"], book.lang)),
            Cell(label(r["urban_rural"], book.lang)),
            Cell("、".join(gaps[r["school_code"]]), css="bad", own=True)
            if book.lang == "zh" and r["school_code"] in gaps
            else Cell("; ".join(gaps[r["school_code"]]), css="bad", own=True)
            if r["school_code"] in gaps
            else Cell(t["complete"], css="soft"),
        )
        for r in ordered
    )
    missing = sum(1 for r in found if r["school_code"] in gaps)
    heads = (t["school"], t["kind"], t["ownership"], t["area_kind"], t["reports"])
    return Section(
        "schools",
        t["school_list"],
        t["school_list_note"].format(n=len(found), gaps=missing),
        (Table(heads, rows, css="dense"),) if rows else (),
        empty=t["none"],
    )


def _tasks(book: Book, region: Region) -> Section:
    t = book.t
    found = book.facts.tasks.get(region.code, ())
    tally = Counter(r["status"] for r in found)
    rows = tuple(
        (
            Cell(r["task_code"], css="code"),
            Cell(r["task_name"] or "—", own=True),
            Cell(r["owner_name"] or "—", own=True),
            Cell(r["due_date"].isoformat() if r["due_date"] else r["deadline_text"] or "—",
                 own=True),
            Cell("—" if r["progress_pct"] is None else f"{r['progress_pct']:.0f}%", css="n"),
            Cell(label(r["status"], book.lang), css="bad" if r["status"] == "overdue" else ""),
        )
        for r in found
    )  # fmt: skip
    note = " · ".join(f"{label(status, book.lang)} {n}" for status, n in sorted(tally.items()))
    heads = (
        t["code"],
        t["task"],
        t["owner"],
        t["deadline"],
        "#" + t["progress"],
        t["status"],
    )
    return Section(
        "tasks",
        t["tasks"],
        " · ".join(filter(None, (t["tasks_note"], note))),
        (Table(heads, rows, css="dense"),) if rows else (),
        empty=t["tasks_none"],
    )


def _rules(book: Book, region: Region) -> Section:
    t = book.t
    found = book.facts.rules.get(region.code, ())
    rows = tuple(
        (
            Cell(r["rule_id"], css="code"),
            Cell(r["rule_zh"] or "", own=True),
            Cell(book.dataset(r["dataset"]), own=True),
            Cell(label(r["severity"], book.lang)),
            Cell(amount(r["failed_count"]), css="n"),
            Cell(amount(r["checked_count"]), css="n"),
        )
        for r in found[:_MOST_RULES]
    )
    heads = (t["code"], t["rule"], t["dataset"], "", "#" + t["failed"], "#" + t["checked"])
    return _limited(book, "quality", "quality", heads, rows, len(found), t["rules_none"])


def _differences(book: Book, region: Region) -> Section:
    t = book.t
    found = book.facts.differences.get(region.code, ())
    rows = tuple(
        (
            Cell(r["name_zh"], own=True),
            Cell(_unit_name(book, {**r, "unit_level": r["level"]}), own=True),
            Cell(r["period"]),
            Cell(amount(r["left_value"]), css="n"),
            Cell(amount(r["right_value"]), css="n"),
            Cell(amount(r["difference"]), css="n"),
        )
        for r in found[:_MOST_DIFFERENCES]
    )
    heads = (
        t["check"],
        t["who"],
        t["period"],
        "#" + t["left"],
        "#" + t["right"],
        "#" + t["difference_plain"],
    )
    return _limited(
        book, "differences", "differences", heads, rows, len(found), t["differences_none"]
    )


def _exposed(book: Book, region: Region) -> Section:
    """Indicators of the county that quarantined rows could move, those with most rows first."""
    t, path = book.t, address(book.lang, "county", region.code)
    found: list[tuple[int, Indicator, Value, Row]] = []
    for indicator in book.card.indicators:
        cell = _cell(indicator, region)
        row = book.facts.exposure.get((indicator.code, region.code))
        if cell is not None and cell.value is not None and row is not None:
            found.append((row["quarantined_rows"], indicator, cell, row))
    found.sort(key=lambda item: (-item[0], item[1].code))
    rows = tuple(
        (
            Cell(
                indicator.name,
                href=relative(path, address(book.lang, "indicator", indicator.code)),
            ),
            *exposure_cells(row, cell.value or 0.0, bare(indicator)),
        )
        for _, indicator, cell, row in found[:_MOST_EXPOSED]
    )
    heads = (
        t["indicator"],
        "#" + t["quarantined"],
        "#" + t["in_doubt"],
        "#" + t["value"],
        "#" + t["range"],
        "#" + t["change_at_most"],
    )
    return _limited(book, "exposure", "exposure", heads, rows, len(found), t["exposure_none"])


def _limited(
    book: Book,
    anchor: str,
    key: str,
    heads: tuple[str, ...],
    rows: Sequence[tuple[Cell, ...]],
    total: int,
    empty: str,
) -> Section:
    """A section of the first rows that says how many more there are."""
    t, more = book.t, total - len(rows)
    return Section(
        anchor,
        t[key],
        t[f"{key}_note"],
        (Table(heads, tuple(rows)),) if rows else (),
        (t["more"].format(n=more),) if more else (),
        empty=empty,
    )
