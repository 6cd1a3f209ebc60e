"""Names in both languages, and how a text of one language stands on a page of the other."""

import csv
import re
from collections.abc import Mapping
from functools import cache
from importlib import resources

from markupsafe import Markup, escape

_HAN = "[\u3400-\u9fff]"
_HAS_HAN = re.compile(_HAN)
_BRACKETS = re.compile(r"\(([^()]*)\)")
_MARKS = {",": "，", ":": "：", ";": "；", "?": "？", "!": "！"}
_MARK_BY_HAN = re.compile(f"(?<={_HAN})[,:;?!]|[,:;?!](?={_HAN})|(?<=[）」》%])[,;:](?={_HAN})")


@cache
def _listed(name: str) -> Mapping[str, tuple[str, ...]]:
    text = (resources.files(__package__) / name).read_text("utf-8")
    head, *rows = csv.reader(text.splitlines())
    return {row[0]: tuple(row[1:]) for row in rows if len(row) == len(head)}


def short(code: str, lang: str) -> str:
    """Name of an indicator for narrow places; empty when none is listed."""
    listed = _listed("short_names.csv").get(code, ("", ""))
    return listed[1] if lang == "en" else listed[0]


def region(code: str, name: str | None, lang: str) -> str:
    """Name of a region; in English the listed one, else its own."""
    if lang == "en" and code in (listed := _listed("region_names.csv")):
        return listed[code][0]
    return name or code


def has_han(text: str) -> bool:
    """Whether ``text`` has a Chinese character."""
    return _HAS_HAN.search(text) is not None


def full_width(value: object) -> object:
    """Chinese text with full-width brackets and marks; anything else as it is.

    The registry is typed with half-width ones; a bracket is widened when Chinese stands in it or
    just before or after it.
    """
    if not isinstance(value, str) or isinstance(value, Markup) or value.isascii():
        return value
    if not has_han(value):
        return value

    def widen(found: re.Match[str]) -> str:
        around = value_now[max(0, found.start() - 1) : found.end() + 1]
        inner = found[1]
        return f"（{inner}）" if has_han(around) else f"\0{inner}\1"

    value_now = str(value)
    while "(" in value_now and (changed := _BRACKETS.sub(widen, value_now)) != value_now:
        value_now = changed
    value_now = value_now.replace("\0", "(").replace("\1", ")")
    return _MARK_BY_HAN.sub(lambda found: _MARKS[found[0]], value_now)


def own_language(text: str, lang: str) -> str | Markup:
    """Text without a translation: on an English page marked as Chinese, never mixed silently."""
    if lang == "zh" or not has_han(text):
        return text
    return Markup('<span lang="zh">{}</span>').format(escape(text))
