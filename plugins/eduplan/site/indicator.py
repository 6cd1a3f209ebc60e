"""The page of one indicator: what it is, where it stands, where its value comes from."""

from collections.abc import Callable, Sequence
from decimal import Decimal

from eduplan.scorecard import wording as words
from eduplan.scorecard.html import day_text, moment_text
from eduplan.scorecard.query import FINAL_YEAR, JUDGED, Action, Indicator
from eduplan.site import charts
from eduplan.site.figures import (
    Number,
    bare,
    distance_text,
    due_text,
    full,
    past,
    rank_text,
    ranks,
    worst_first,
)
from eduplan.site.layout import Book, Cell, Fact, Page, Section, Table, address, relative
from eduplan.site.query import MOST_SCHOOLS, Row
from eduplan.site.wording import amount, area, label, signed, terms

_MOST_REVISIONS = 20
_MOST_BATCHES = 6


def indicator_page(book: Book, action: Action, indicator: Indicator) -> Page:
    """Build the page of ``indicator``; parts without rows say so in words."""
    t = book.t
    index = address(book.lang, "indicators")
    changed = revisions(book, code=indicator.code)
    return book.page(
        address(book.lang, "indicator", indicator.code),
        indicator.name,
        crumbs=(
            (t["scorecard"], address(book.lang, "index")),
            (t["indicators"], index),
            (words.action_name(action.code, action.name, book.lang), index),
        ),
        badge=indicator.code,
        facts=_facts(book, indicator),
        trend=_trend(book, indicator),
        definitions=_definitions(book, indicator),
        sections=tuple(
            section
            for section in (
                _sides(book, indicator),
                _plans(book, indicator),
                _counties(book, indicator),
                _parts(book, indicator),
                _breakdowns(book, indicator),
                _projection(book, indicator),
                _benchmarks(book, indicator),
                _international(book, indicator),
                _parity(book, indicator),
                _contributions(book, indicator),
                _schools(book, indicator),
                _batches(book, indicator),
                _exposure(book, indicator),
                changed if changed.tables or indicator.history else None,
            )
            if section is not None
        ),
    )


def _city_row(book: Book, indicator: Indicator) -> Row | None:
    cell = indicator.city
    rows = book.facts.values.get((indicator.code, cell.region_code), ())
    return next((r for r in rows if r["period"] == cell.period), None)


def _facts(book: Book, indicator: Indicator) -> tuple[Fact, ...]:
    t, cell, write = book.t, indicator.city, full(book, indicator)
    word = words.WORDS[book.lang]
    facts = [
        Fact(
            t["value"],
            word["suppressed"] if cell.status == "suppressed" else write(cell.value),
            " · ".join(filter(None, (cell.period, words.coverage_text(cell, book.lang)))),
        ),
        Fact(t["status"], word[cell.status], status=cell.status),
    ]
    if indicator.band is not None:
        low, high = (words.number(end, None) for end in indicator.band)
        facts.append(Fact(t["target"], f"{low}–{high}"))
    elif cell.final_target is not None:
        facts.append(Fact(t["target"], write(cell.final_target)))
    if cell.judged and indicator.band is None:
        facts.append(Fact(t["due"], write(cell.trajectory)))
        facts.append(Fact(t["distance"], distance_text(book, indicator, cell.distance)))
    if cell.value is None or cell.status == "incomplete":
        why, what = words.reason(indicator.no_data_reason, book.lang)
        facts.append(Fact(t["reason" if cell.value is None else "why_status"], why, what, "reason"))
    return tuple(facts)


def _trend(book: Book, indicator: Indicator) -> charts.Trend | None:
    points = [(float(p.year), p.value) for p in indicator.history]
    if not points:
        return None
    t, cell, write = book.t, indicator.city, bare(indicator)
    path: list[tuple[float, float]] = []
    standard = None
    if indicator.band is not None:
        low, high = (words.number(end, None) for end in indicator.band)
        middle = sum(indicator.band) / 2
        standard = (middle, words.TEXTS[book.lang]["band"].format(low=low, high=high))
    elif indicator.targets:
        if indicator.baseline_year is not None and cell.baseline is not None:
            path.append((float(indicator.baseline_year), cell.baseline))
        path.extend((float(year), value) for year, value in indicator.targets)
    elif indicator.threshold is not None:
        text, _ = words.standard(indicator, book.lang)
        standard = (indicator.threshold, text)
    expected = None
    if (found := indicator.context.projection) is not None:
        ends = {name: write(getattr(found, name)) for name in ("value", "low", "high")}
        expected = (found.value, found.low, found.high, t["expected"].format(**ends))
    published = [
        (float(r["period_year"]), float(r["value"]), area(r["area"], book.lang))
        for r in book.facts.benchmarks.get(indicator.code, ())
        if r["stage"] == "all" and points[0][0] - 1 <= r["period_year"] <= FINAL_YEAR
    ]
    return charts.trend(
        points,
        path,
        cell.status,
        {value: write(value) for _, value in (*points, *path)},
        standard=standard,
        expected=expected,
        published=published,
        described=f"{indicator.name} {indicator.history[-1].year}: {write(points[-1][1])}",
    )


def _definitions(book: Book, indicator: Indicator) -> tuple[tuple[str, str, bool], ...]:
    """Label, text and whether the text has no translation."""
    t, lang = book.t, book.lang
    row = book.facts.registry.get(indicator.code)
    if row is None:
        return ()
    names = book.facts.measures
    formula = label(row["kind"], lang)
    if row["numerator_terms"]:
        formula = terms(row["numerator_terms"], names, lang)
        if row["denominator_terms"]:
            formula = f"（{formula}） ÷ （{terms(row['denominator_terms'], names, lang)}）"
            if lang == "en":
                formula = formula.replace("（", "(").replace("）", ")")
    if row["base_indicators"]:
        formula += f" [{row['base_indicators'].replace('|', ' ')}]"
    if row["scale"] != 1:
        formula += f" × {amount(row['scale'])}"
    standards = "; ".join(
        f"{found[f'stage_name_{lang}'] + ' ' if found['stage'] != 'all' else ''}"
        f"{'≥' if found['threshold_op'] == '>=' else '≤'} "
        f"{words.number(float(found['threshold_value']), None)}"
        f"{'%' if indicator.unit == '%' else ''}"
        for found in book.facts.thresholds.get(indicator.code, ())
    )
    unit = words.unit_label(indicator.unit, lang) or t["unit_none"]
    items = (
        (t["definition_zh"], row["definition_zh"], True),
        (t["numerator"], row["numerator_zh"], True),
        (t["denominator"], row["denominator_zh"], True),
        (t["formula"], formula, False),
        (t["note"], row["note_zh"], True),
        (t["unit"], unit, False),
        (t["direction"], label(row["direction"], lang), False),
        (t["standards"], standards, False),
        (t["source_document"], row["source_document"], True),
        (t["source_system"], row["source_system"], True),
        (t["confidence"], label(row["confidence"], lang), False),
    )
    return tuple((name, str(text), own) for name, text, own in items if text)


def _sides(book: Book, indicator: Indicator) -> Section | None:
    row = _city_row(book, indicator)
    if row is None or row["value"] is None or row["numerator"] is None:
        return None
    t, registry = book.t, book.facts.registry.get(indicator.code)
    sides = [
        (t["numerator"], row["numerator"], registry and registry["numerator_zh"]),
        (t["denominator"], row["denominator"], registry and registry["denominator_zh"]),
    ]
    rows = [
        (Cell(name), Cell(amount(side), css="n"), Cell(meaning or "", css="soft", own=True))
        for name, side, meaning in sides
        if side is not None
    ]
    if row["expected_units"]:
        reported = t["units_of"].format(n=row["reporting_units"], total=row["expected_units"])
        share = f"{words.number(float(row['coverage_pct']), 1)}%"
        rows.append((Cell(t["coverage"]), Cell(share, css="n"), Cell(reported, css="soft")))
    note = ""
    if registry is not None and row["denominator"] is not None and registry["kind"] == "ratio":
        note = t["sides_note"].format(scale=amount(registry["scale"]))
    table = Table(("", "#" + t["value"], ""), tuple(rows), css="narrow")
    return Section("sides", t["sides"], note, (table,))


def _plans(book: Book, indicator: Indicator) -> Section:
    t, write = book.t, bare(indicator)
    rows = []
    for r in book.facts.verdicts.get(indicator.code, ()):
        name = r["plan_name_en"] if book.lang == "en" else r["plan_name_zh"]
        band = r["band_low"] is not None
        targets = [r["target_2025"], r["target_2026"], r["target_2027"]]
        final = write(targets[2])
        if band:
            low, high = (words.number(float(r[end]), None) for end in ("band_low", "band_high"))
            final = f"{low}–{high}"
        rows.append(
            (
                Cell(name, note=t["made_up"] if r["is_demonstration"] else ""),
                Cell(status=r["status"]),
                Cell(write(r["baseline_value"]), css="n"),
                *(Cell(write(target), css="n") for target in targets[:2]),
                Cell(final, css="n"),
                Cell("—" if band else write(r["trajectory_value"]), css="n"),
                Cell(r["source_document"] or "", css="soft", own=True),
            )
        )
    heads = (
        t["plan"],
        t["status"],
        "#" + t["baseline"],
        "#2025",
        "#2026",
        "#" + t["target"],
        "#" + t["due"],
        t["source_document"],
    )
    tables = (Table(heads, tuple(rows)),) if rows else ()
    return Section("plans", t["plans"], t["plans_note"], tables, empty=t["none"])


def _counties(book: Book, indicator: Indicator) -> Section:
    t, write = book.t, bare(indicator)
    path = address(book.lang, "indicator", indicator.code)
    if not indicator.counties:
        return Section("counties", t["by_county"], empty=t["no_counties"])
    cells = worst_first(indicator.counties)
    bars = charts.bars(
        [(c.value, c.trajectory if c.status in JUDGED else None, c.status) for c in cells]
    )
    places = ranks(indicator)
    rows = []
    for cell, bar in zip(cells, bars, strict=True):
        own = book.facts.values.get((indicator.code, cell.region_code), ())
        now = next((r for r in own if r["period"] == cell.period), None)
        hidden = cell.status == "suppressed"
        rows.append(
            (
                Cell(
                    cell.region_name,
                    href=relative(path, address(book.lang, "county", cell.region_code)),
                    own=True,
                ),
                Cell(status=cell.status),
                Cell(
                    "" if hidden else write(cell.value),
                    note=words.coverage_text(cell, book.lang),
                    css="n",
                    bar=bar,
                ),
                Cell(due_text(indicator, cell) or "—", css="n"),
                Cell(
                    distance_text(book, indicator, cell.distance) if cell.judged else "—", css="n"
                ),
                Cell(rank_text(places.get(cell.region_code)), css="n"),
                Cell(amount(now["numerator"]) if now else "—", css="n"),
                Cell(amount(now["denominator"]) if now else "—", css="n"),
                Cell(spark=charts.spark(past(own))),
            )
        )
    unit = words.unit_label(indicator.unit, book.lang)
    heads = (
        t["county"],
        t["status"],
        "#" + t["value"] + (f" {unit}" if unit else ""),
        "#" + t["due"],
        "#" + t["distance"],
        "#" + t["rank"],
        "#" + t["numerator"],
        "#" + t["denominator"],
        t["trend_short"],
    )
    return Section(
        "counties", t["by_county"], t["by_county_note"], (Table(heads, tuple(rows), css="bars"),)
    )


def _parts(book: Book, indicator: Indicator) -> Section | None:
    """What the indicator is made of, for the city and its counties in the same period."""
    t, cell = book.t, indicator.city
    places = [cell.region_code, *(r.code for r in book.card.regions)]
    rows = []
    for part in book.facts.parts_of(indicator.code):
        found: list[Row | None] = [
            next(
                (
                    r
                    for r in book.facts.values.get((part["indicator_code"], place), ())
                    if r["period"] == cell.period
                ),
                None,
            )
            for place in places
        ]
        numbers = [float(r["value"]) for r in found if r and r["value"] is not None]
        digits = words.decimals(part["unit"], numbers)
        name = part["indicator_name_en" if book.lang == "en" else "indicator_name_zh"]
        unit = words.unit_label(part["unit"], book.lang)
        rows.append((Cell(name, note=unit), *(_value_cell(book, r, digits) for r in found)))
    if not rows:
        return None
    heads = (t["part"], "#" + t["city"], *("#" + r.name for r in book.card.regions))
    return Section("parts", t["parts"], tables=(Table(heads, tuple(rows), css="dense"),))


def _value_cell(book: Book, row: Row | None, digits: int) -> Cell:
    if row is not None and row["is_suppressed"]:
        return Cell(status="suppressed")
    value = None if row is None or row["value"] is None else float(row["value"])
    return Cell(words.number(value, digits), css="n")


def _breakdowns(book: Book, indicator: Indicator) -> Section | None:
    t, write, rows = book.t, bare(indicator), []
    for r in book.facts.breakdowns.get(indicator.code, ()):
        hidden = r["is_suppressed"]
        rows.append(
            (
                Cell(label(r["breakdown"], book.lang)),
                Cell(label(r["breakdown_value"], book.lang)),
                Cell(status="suppressed") if hidden else Cell(write(r["value"]), css="n"),
                Cell("—" if hidden else amount(r["numerator"]), css="n"),
                Cell("—" if hidden else amount(r["denominator"]), css="n"),
                Cell(
                    "—"
                    if r["coverage_pct"] is None
                    else f"{words.number(float(r['coverage_pct']), 1)}%",
                    css="n",
                ),
            )
        )
    if not rows:
        return None
    heads = (
        t["breakdown"],
        t["group"],
        "#" + t["value"],
        "#" + t["numerator"],
        "#" + t["denominator"],
        "#" + t["coverage"],
    )
    return Section("breakdowns", t["breakdowns"], tables=(Table(heads, tuple(rows)),))


def _projection(book: Book, indicator: Indicator) -> Section | None:
    t, row = book.t, book.facts.projections.get(indicator.code)
    if row is None:
        return None
    if row["projected_value"] is None:
        text = label(row["no_projection_reason"], book.lang)
        return Section("projection", t["projection"], texts=(text,)) if text else None
    write = full(book, indicator)
    outlook = label(row["outlook"], book.lang) if row["outlook"] else ""
    text = t["projection_text"].format(
        first=row["first_year"],
        last=row["last_year"],
        n=row["point_count"],
        value=write(row["projected_value"]),
        low=write(row["interval_low"]),
        high=write(row["interval_high"]),
        outlook=outlook,
    )
    return Section("projection", t["projection"], texts=(text,))


def _benchmarks(book: Book, indicator: Indicator) -> Section | None:
    t, write, rows = book.t, bare(indicator), []
    for r in book.facts.benchmarks.get(indicator.code, ()):
        stage = "" if r["stage"] == "all" else r[f"stage_name_{book.lang}"]
        rows.append(
            (
                Cell(area(r["area"], book.lang), note=stage, own=True),
                Cell(str(r["period_year"]), css="n"),
                Cell(words.number(float(r["value"]), None), css="n"),
                Cell(write(r["city_value"]), css="n"),
                Cell("—" if r["difference"] is None else signed(write(r["difference"])), css="n"),
                Cell(r["source_document"] or "", css="soft", own=True),
            )
        )
    if not rows:
        return None
    heads = (
        t["area"],
        "#" + t["year"],
        "#" + t["published"],
        "#" + t["city_value"],
        "#" + t["difference"],
        t["source_document"],
    )
    return Section(
        "benchmarks", t["benchmarks"], t["benchmarks_note"], (Table(heads, tuple(rows)),)
    )


def _international(book: Book, indicator: Indicator) -> Section | None:
    t = book.t
    rows = tuple(
        (
            Cell(r["international_indicator"]),
            Cell(label(r["match_status"], book.lang)),
            Cell(r["note"] or "", css="soft", own=True),
        )
        for r in book.facts.international.get(indicator.code, ())
    )
    if not rows:
        return None
    table = Table((t["international_indicator"], t["match"], t["note"]), rows)
    return Section("international", t["international"], tables=(table,))


def _parity(book: Book, indicator: Indicator) -> Section | None:
    t, write = book.t, bare(indicator)
    rows = tuple(
        (
            Cell(r["period"]),
            Cell(write(r["female_value"]), css="n"),
            Cell(write(r["male_value"]), css="n"),
            Cell(words.number(float(r["gpi"]), 3), css="n"),
        )
        for r in book.facts.parity.get(indicator.code, ())
    )
    if not rows:
        return None
    heads = (t["period"], "#" + t["female"], "#" + t["male"], "#GPI")
    return Section("parity", t["parity"], tables=(Table(heads, rows, css="narrow"),))


def _contributions(book: Book, indicator: Indicator) -> Section | None:
    found = book.facts.contributions.get(indicator.code, ())
    if not found:
        return None
    t, write, digits = book.t, bare(indicator), words.digits(indicator)
    rows = tuple(
        (
            Cell(
                book.region(r["contributor_code"], r["contributor_name"])
                if r["contributor_level"] == "county"
                else r["contributor_name"] or r["contributor_code"],
                own=True,
            ),
            Cell(amount(r["numerator"]), css="n"),
            Cell(amount(r["denominator"]), css="n"),
            Cell(write(r["contributor_value"]), css="n"),
            Cell(write(r["contributor_value_before"]), css="n"),
            Cell(signed(words.number(float(r["influence"]), digits + 2)), css="n"),
        )
        for r in found
    )
    level = "school" if found[0]["contributor_level"] == "school" else "county"
    heads = (
        t[level],
        "#" + t["numerator"],
        "#" + t["denominator"],
        "#" + t["own_value"],
        "#" + t["before"],
        "#" + t["influence"],
    )
    return Section(
        "contributions", t["contributions"], t["contributions_note"], (Table(heads, rows),)
    )


def _schools(book: Book, indicator: Indicator) -> Section:
    t, write = book.t, bare(indicator)
    hidden = book.facts.hidden_schools.get(indicator.code, 0)
    texts = (t["schools_hidden"].format(n=hidden),) if hidden else ()
    found = book.facts.schools.get(indicator.code, ())
    if not found:
        text = t["schools_all_hidden"].format(n=hidden) if hidden else t["schools_none"]
        return Section("schools", t["schools"], texts=(text,))
    total = found[0]["school_count"]

    def table(rows: Sequence[Row], title: str) -> Table:
        heads = ("#" + t["place"], t["school"], t["county"], "#" + t["value"])
        return Table(
            heads,
            tuple(
                (
                    Cell(str(r["place"]), css="n soft"),
                    Cell(r["school_name"] or r["school_code"], own=True),
                    Cell(book.region(r["county_code"]), css="soft", own=True),
                    Cell(
                        write(r["value"]),
                        note=f"{amount(r['numerator'])} / {amount(r['denominator'])}"
                        if r["denominator"] is not None
                        else "",
                        css="n",
                    ),
                )
                for r in rows
            ),
            title,
        )

    ranked = indicator.direction != "target_band"
    if total <= 2 * MOST_SCHOOLS:
        half = (len(found) + 1) // 2
        tables = tuple(table(part, "") for part in (found[:half], found[half:]) if part)
        note = t["schools_all"].format(n=total)
    else:
        tables = (
            table(found[:MOST_SCHOOLS], t["best"] if ranked else ""),
            table(found[-MOST_SCHOOLS:], t["worst"] if ranked else ""),
        )
        note = t["schools_note"].format(n=total, most=MOST_SCHOOLS)
        texts = (t["between"].format(n=total - 2 * MOST_SCHOOLS), *texts)
    return Section("schools", t["schools"], note, tables, texts, beside=True)


def _batches(book: Book, indicator: Indicator) -> Section | None:
    t, rows = book.t, []
    for r in book.facts.batches.get(indicator.code, ()):
        ids = " ".join(map(str, r["batch_ids"][:_MOST_BATCHES]))
        more = len(r["batch_ids"]) - _MOST_BATCHES
        rows.append(
            (
                Cell(book.dataset(r["dataset"]), own=True),
                Cell(words.TEXTS[book.lang]["all_periods"] if r["batch_period"] == "all"
                     else r["batch_period"]),
                Cell(ids + (f" +{more}" if more > 0 else ""), css="n"),
                Cell(day_text(r["published_at"]), css="n"),
                Cell(amount(r["file_count"]), css="n"),
                Cell(amount(r["accepted_count"]), css="n"),
                Cell(amount(r["quarantined_count"]), css="n"),
            )
        )  # fmt: skip
    if not rows:
        return None
    heads = (
        t["dataset"],
        t["period"],
        "#" + t["batch"],
        "#" + t["published_at"],
        "#" + t["files"],
        "#" + t["rows"],
        "#" + t["quarantined"],
    )
    return Section("batches", t["batches"], t["batches_note"], (Table(heads, tuple(rows)),))


def _exposure(book: Book, indicator: Indicator) -> Section | None:
    """Bounds of the values that are shown; a hidden value has none."""
    if indicator.city.value is None:
        return None
    t, write, rows = book.t, bare(indicator), []
    for cell in (indicator.city, *indicator.counties):
        r = book.facts.exposure.get((indicator.code, cell.region_code))
        if r is None or cell.value is None:
            continue
        name = t["city"] if cell is indicator.city else cell.region_name
        rows.append((Cell(name, own=True), *exposure_cells(r, cell.value, write)))
    heads = (
        t["region"],
        "#" + t["quarantined"],
        "#" + t["in_doubt"],
        "#" + t["value"],
        "#" + t["range"],
        "#" + t["change_at_most"],
    )
    tables = (Table(heads, tuple(rows)),) if rows else ()
    return Section("exposure", t["exposure"], t["exposure_note"], tables, empty=t["exposure_none"])


def exposure_cells(row: Row, value: float, write: Callable[[Number], str]) -> tuple[Cell, ...]:
    """Rows in quarantine, schools in doubt, value, range and largest change."""
    low, high = row["value_low"], row["value_high"]
    between = "—" if low is None or high is None else f"{write(low)} – {write(high)}"
    return (
        Cell(amount(row["quarantined_rows"]), css="n"),
        Cell(amount(row["schools_in_doubt"]), css="n"),
        Cell(write(value), css="n"),
        Cell(between, css="n"),
        Cell(write(row["change_at_most"]), css="n"),
    )


def revisions(book: Book, *, code: str = "", region: str = "") -> Section:
    """Changes of published values of one indicator or of one region, newest first."""
    t, rows = book.t, []
    by_code = {i.code: i for i in book.card.indicators}
    shown = [
        r
        for r in book.facts.revisions
        if (r["indicator_code"] in by_code)
        and (not code or r["indicator_code"] == code)
        and (not region or r["region_code"] == region)
    ]
    path = address(book.lang, "county", region)
    for r in shown[:_MOST_REVISIONS]:
        indicator = by_code[r["indicator_code"]]
        write = bare(indicator)
        ids = [f"+{n}" for n in r["added_batch_ids"] or ()]
        ids += [f"−{n}" for n in r["removed_batch_ids"] or ()]
        more = f" … ({len(ids)})" if len(ids) > _MOST_BATCHES else ""
        batches = " ".join(ids[:_MOST_BATCHES]) + more
        change: Decimal | None = r["value_change"]
        about = (
            Cell(book.region(r["region_code"]), own=True)
            if code
            else Cell(
                words.short_name(indicator, book.lang),
                href=relative(path, address(book.lang, "indicator", indicator.code)),
            )
        )
        rows.append(
            (
                about,
                Cell(r["period"]),
                Cell(moment_text(r["revised_at"])),
                Cell(write(r["value_before"]), css="n"),
                Cell(write(r["value"]), css="n"),
                Cell("—" if change is None else signed(write(change)), css="n"),
                Cell(
                    label(r["cause"], book.lang),
                    note=f"{t['batch']} {batches}" if batches else "",
                ),
            )
        )
    heads = (
        t["region"] if code else t["indicator"],
        t["period"],
        t["revised_at"],
        "#" + t["old"],
        "#" + t["new"],
        "#" + t["change"],
        t["cause"],
    )
    left = len(shown) - len(rows)
    return Section(
        "revisions",
        t["revisions"],
        t["revisions_note"] if rows else "",
        (Table(heads, tuple(rows)),) if rows else (),
        (t["more"].format(n=left),) if left else (),
        empty=t["revisions_none"],
    )
