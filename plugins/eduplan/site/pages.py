"""The pages of the site beside its scorecard, in the language of the scorecard."""

from collections.abc import Iterator

from eduplan.scorecard import Scorecard
from eduplan.scorecard import wording as words
from eduplan.scorecard.html import Links
from eduplan.site.county import county_page
from eduplan.site.figures import target_text
from eduplan.site.indicator import indicator_page
from eduplan.site.layout import (
    LANGUAGES,
    STYLESHEET,
    Book,
    Cell,
    Page,
    Section,
    Table,
    address,
    contents,
    relative,
    twin,
)
from eduplan.site.query import Facts
from eduplan.site.wording import MEANINGS, READING

__all__ = ["LANGUAGES", "STYLESHEET", "first_page", "pages_of"]


def first_page(card: Scorecard) -> tuple[str, Links]:
    """Path of the scorecard in the site and the addresses that it links to."""
    path = address(card.lang, "index")
    return path, Links(
        stylesheet=relative(path, STYLESHEET),
        other_language=relative(path, twin(path)),
        contents=contents(card.lang, path)[1:],
        indicators={
            i.code: relative(path, address(card.lang, "indicator", i.code)) for i in card.indicators
        },
        counties={
            r.code: relative(path, address(card.lang, "county", r.code)) for r in card.regions
        },
    )


def pages_of(card: Scorecard, facts: Facts) -> Iterator[Page]:
    """Every page but the first."""
    book = Book(card, facts, {s.dataset: s.title for s in card.quality.sources})
    yield _indicators(book)
    yield _methods(book)
    for region in card.regions:
        yield county_page(book, region)
    for action in card.actions:
        for indicator in action.indicators:
            yield indicator_page(book, action, indicator)


def _indicators(book: Book) -> Page:
    t, path = book.t, address(book.lang, "indicators")
    rows: list[tuple[Cell, ...]] = []
    for action in book.card.actions:
        badge = words.action_badge(action.code, book.lang)
        name = words.action_name(action.code, action.name, book.lang)
        rows.append((Cell(f"{badge} {name}"),))
        for i in action.indicators:
            cell, places = i.city, words.digits(i)
            why = ""
            if cell.value is None:
                why = ": ".join(filter(None, words.reason(i.no_data_reason, book.lang)))
            rows.append(
                (
                    Cell(i.code, css="code"),
                    Cell(i.name, href=relative(path, address(book.lang, "indicator", i.code))),
                    Cell(status=cell.status),
                    Cell(words.with_unit(cell.value, places, i.unit, book.lang), css="n"),
                    Cell(target_text(i, cell), css="n"),
                    Cell(words.coverage_text(cell, book.lang), css="soft")
                    if cell.value is not None
                    else Cell(why, css="soft", own=True),
                )
            )
    heads = (
        t["code"],
        t["indicator"],
        t["status"],
        "#" + t["value"],
        "#" + t["target"],
        t["remark"],
    )
    return book.page(
        path,
        t["indicators"],
        crumbs=((t["scorecard"], address(book.lang, "index")),),
        sections=(Section("all", "", tables=(Table(heads, tuple(rows)),)),),
    )


def _methods(book: Book) -> Page:
    t = book.t
    return book.page(
        address(book.lang, "methods"),
        t["methods_title"],
        crumbs=((t["scorecard"], address(book.lang, "index")),),
        sections=(
            Section(
                "statuses",
                t["statuses"],
                tables=(
                    Table(
                        (t["status"], t["meaning"]),
                        tuple(
                            (Cell(status=status), Cell(text))
                            for status, text in MEANINGS[book.lang]
                        ),
                    ),
                ),
            ),
            Section(
                "reading",
                t["reading"],
                tables=(
                    Table(
                        ("", ""),
                        tuple((Cell(name), Cell(text)) for name, text in READING[book.lang]),
                        css="bare",
                    ),
                ),
            ),
        ),
    )
