"""What a page is made of: sections of tables of cells, and the addresses between pages."""

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from eduplan.scorecard import Scorecard, names
from eduplan.scorecard import wording as words
from eduplan.scorecard.html import moment_text
from eduplan.site.charts import Bar, Spark, Trend
from eduplan.site.query import Facts
from eduplan.site.wording import TEXTS

LANGUAGES = ("zh", "en")
STYLESHEET = "assets/site.css"


@dataclass(frozen=True)
class Cell:
    """One cell: a text with what may stand beside it.

    ``own`` marks a text that has no translation; ``status`` puts the sign and word of a status
    before the text; ``css`` is ``n`` for a number.
    """

    text: str = ""
    note: str = ""
    css: str = ""
    href: str = ""
    status: str = ""
    own: bool = False
    spark: Spark | None = None
    bar: Bar | None = None


@dataclass(frozen=True)
class Table:
    """Heads and rows; a head that starts with ``#`` is of a column of numbers.

    A row of a single cell is a heading over the rows that follow.
    """

    heads: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    title: str = ""
    css: str = ""


@dataclass(frozen=True)
class Section:
    """A heading with tables and sentences; ``empty`` is said when there is neither."""

    anchor: str
    title: str
    note: str = ""
    tables: tuple[Table, ...] = ()
    texts: tuple[str, ...] = ()
    empty: str = ""
    beside: bool = False
    """Tables stand beside each other."""


@dataclass(frozen=True)
class Fact:
    """A figure at the head of a page."""

    label: str
    text: str
    note: str = ""
    status: str = ""


@dataclass(frozen=True)
class Page:
    """A page: its path in the site and what its template gets."""

    path: str
    context: Mapping[str, Any]


@dataclass(frozen=True)
class Book:
    """The scorecard and the rows behind it in one language, with addresses and names."""

    card: Scorecard
    facts: Facts
    datasets: Mapping[str, str] = field(default_factory=dict)

    @property
    def lang(self) -> str:
        """Language of the pages."""
        return self.card.lang

    @property
    def t(self) -> Mapping[str, str]:
        """Texts of the pages."""
        return TEXTS[self.lang]

    @cached_property
    def indicator_codes(self) -> frozenset[str]:
        """Indicators that have a page."""
        return frozenset(i.code for i in self.card.indicators)

    def region(self, code: str | None, name: str | None = None) -> str:
        """Name of a region in the language of the page."""
        if not code:
            return name or "—"
        known = next((r.name for r in self.card.regions if r.code == code), name)
        return names.region(code, known, self.lang)

    def dataset(self, code: str) -> str:
        """Title of a dataset."""
        return self.datasets.get(code, code)

    def page(
        self,
        path: str,
        title: str,
        *,
        crumbs: tuple[tuple[str, str], ...] = (),
        badge: str = "",
        own_title: bool = False,
        facts: tuple[Fact, ...] = (),
        trend: Trend | None = None,
        definitions: tuple[tuple[str, str, bool], ...] = (),
        sections: tuple[Section, ...] = (),
    ) -> Page:
        """Put a page together; ``crumbs`` are label and path, from the scorecard on."""
        card = self.card
        return Page(
            path,
            {
                "lang": self.lang,
                "t": self.t,
                "words": words.WORDS[self.lang],
                "title": title,
                "own_title": own_title,
                "badge": badge,
                "crumbs": tuple((label, relative(path, to)) for label, to in crumbs),
                "contents": contents(self.lang, path),
                "other": relative(path, twin(path)),
                "stylesheet": relative(path, STYLESHEET),
                "demonstration": card.is_demonstration,
                "plan": card.plan_name,
                "version": card.plan_version,
                "as_of": self.t["as_of"].format(moment=moment_text(card.as_of)),
                "facts": facts,
                "trend": trend,
                "definitions": definitions,
                "sections": sections,
            },
        )


def address(lang: str, kind: str, code: str = "") -> str:
    """Path of a page in the site; ASCII whatever the code is."""
    name = f"{kind}/{re.sub(r'[^A-Za-z0-9._-]', '-', code)}" if code else kind
    return f"{name}.html" if lang == "zh" else f"{lang}/{name}.html"


def twin(path: str) -> str:
    """Path of the same page in the other language."""
    return path.removeprefix("en/") if path.startswith("en/") else f"en/{path}"


def relative(page: str, to: str) -> str:
    """Address of ``to`` as ``page`` writes it; an anchor stays."""
    return posixpath.relpath(to, posixpath.dirname(page) or ".")


def contents(lang: str, page: str) -> tuple[tuple[str, str], ...]:
    """The pages that every page leads to."""
    t = TEXTS[lang]
    return tuple(
        (t[key], relative(page, address(lang, kind)))
        for key, kind in (
            ("scorecard", "index"),
            ("indicators", "indicators"),
            ("methods", "methods"),
        )
    )
