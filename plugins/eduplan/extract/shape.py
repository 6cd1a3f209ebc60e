"""What a reader must know of a contract: a small picklable value, so that workers start light."""

import difflib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from eduplan.errors import LandingError

if TYPE_CHECKING:
    from eduplan.contract import Contract

_NOISE = re.compile(r"[\s★☆*＊\ufeff\u200b\u200c\u200d\u2060\x00]+")
LIKELY = 0.6
"""A header that looks so much like a column's is taken for it when nothing speaks against it."""
_TOTAL_LABELS = ("合计", "小计", "总计")
_NOTE_PREFIXES = (
    "注：", "注:", "注1", "备注：", "备注:", "说明：", "说明:", "数据来源", "资料来源", "*", "※",
)  # fmt: skip


def clean_label(text: str) -> str:
    """Fold one header text: NFKC, no blanks of any kind, no ★ or *, case-insensitive."""
    return _NOISE.sub("", unicodedata.normalize("NFKC", text)).casefold()


@dataclass(frozen=True)
class Field:
    """One contract column as a reader sees it; ``labels`` are folded by :func:`clean_label`."""

    name: str
    label: str
    labels: frozenset[str]
    required: bool
    number: bool
    key: bool


@dataclass(frozen=True)
class Shape:
    """Layout of one dataset's files."""

    dataset: str
    layout: str
    fields: tuple[Field, ...]
    encoding: str | None
    period: str
    options: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, contract: "Contract", period: str) -> "Shape":
        """Take the reader's part of ``contract`` for a delivery of ``period``."""
        # The header of spooled records is ours; their aliases are names at the source.
        ours = contract.source.layout == "records"
        fields = tuple(
            Field(
                name=column.name,
                label=column.label,
                labels=frozenset(
                    clean_label(text)
                    for text in (column.name, *(() if ours else (column.label, *column.aliases)))
                ),
                required=column.required or column.key,
                number=column.logical_type in ("number", "integer"),
                key=column.key,
            )
            for column in contract.columns
        )
        source = contract.source
        return cls(
            contract.dataset, source.layout, fields, source.encoding, period, _plain(source.options)
        )

    def option(self, name: str, default: Any) -> Any:
        """Return one option of the contract's server, or ``default`` when it is absent or null."""
        value = self.options.get(name)
        return default if value is None else value

    def total_kind(self, cells: Sequence[str | None]) -> str | None:
        """Return the total label (合计 …) that the first filled cell ends with, or None."""
        for cell in cells:
            text = _NOISE.sub("", cell) if cell else ""
            if text:
                labels = self.option("total_labels", _TOTAL_LABELS)
                return next((label for label in labels if text.endswith(label)), None)
        return None

    def is_footnote(self, cells: Sequence[str | None]) -> bool:
        """Tell whether the first filled cell begins a note under the table."""
        for cell in cells:
            text = cell.strip() if cell else ""
            if text:
                return text.startswith(tuple(self.option("note_prefixes", _NOTE_PREFIXES)))
        return False

    def total_columns(self, header: "Header") -> dict[int, str]:
        """Return index and label of the file's columns that a total row adds up."""
        chosen = self.option("total_columns", None)
        return {
            index: known.label
            for index, known in enumerate(header.fields)
            if known is not None
            and (known.name in chosen if chosen is not None else known.number and not known.key)
        }


def _plain(value: Any) -> Any:
    """Copy nested read-only mappings and tuples to what can be pickled."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


@dataclass(frozen=True)
class Header:
    """A recognised header: for every column of the file the field it feeds (None: unknown)."""

    fields: tuple[Field | None, ...]
    labels: tuple[str, ...]

    @property
    def extras(self) -> tuple[tuple[int, str], ...]:
        """Index and label of the columns that the contract does not know."""
        return tuple(
            (index, label)
            for index, (known, label) in enumerate(zip(self.fields, self.labels, strict=True))
            if known is None and label
        )

    def absent(self, shape: Shape) -> tuple[str, ...]:
        """Names of the optional columns of ``shape`` that the file does not have."""
        here = {known.name for known in self.fields if known is not None}
        return tuple(f.name for f in shape.fields if not f.required and f.name not in here)


def similarity(label: str, known: Field) -> float:
    """Tell how much a header looks like those of a column, 0 to 1.

    A header that holds the other one whole (备注, 备注信息) counts as 0.75 at least.
    """
    text = clean_label(label)
    best = 0.0
    for other in known.labels:
        score = difflib.SequenceMatcher(None, text, other).ratio()
        if min(len(text), len(other)) >= 2 and (text in other or other in text):
            score = max(score, 0.75)
        best = max(best, score)
    return best


def match_header(shape: Shape, labels: Sequence[str]) -> Header | None:
    """Match file labels against the contract; None when fewer than half of the required match."""
    by_label = {label: f for f in shape.fields for label in f.labels}
    known = tuple(by_label.get(clean_label(label)) for label in labels)
    wanted = [f for f in shape.fields if f.required] or list(shape.fields)
    found = {f.name for f in known if f is not None}
    if not found or 2 * sum(f.name in found for f in wanted) < len(wanted):
        return None
    return Header(known, tuple(label.strip() for label in labels))


def check_header(shape: Shape, header: Header, where: str) -> None:
    """Raise LND-005 on a duplicate header, LND-004 on a required column that is missing.

    ``where`` is the file (and sheet and row) for the message.
    """
    seen: dict[str, int] = {}
    for index, (known, label) in enumerate(zip(header.fields, header.labels, strict=True), 1):
        name = known.name if known else clean_label(label)
        if not name:
            continue
        if name in seen:
            raise LandingError(
                "LND-005",
                f"{where}：表头重复，第 {seen[name]} 列与第 {index} 列都是「{label}」。"
                f" Duplicate header: columns {seen[name]} and {index}.",
                hint="请删去其中一列后重新报送 / remove one of the two columns and send again",
            )
        seen[name] = index
    lacking = [f for f in shape.fields if f.required and f.name not in seen]
    missing = [f.label for f in lacking]
    if missing:
        likely = [
            f"「{label}」像是「{f.label}」"
            for f in lacking
            for _, label in header.extras
            if similarity(label, f) >= LIKELY
        ]
        advice = (
            f"；文件中的{'、'.join(likely)}：若是同一列，请在契约的 aliases 中加上它"
            " / or add the header as an alias in the contract"
            if likely
            else ""
        )
        raise LandingError(
            "LND-004",
            f"{where}：缺少必需的列：{'、'.join(missing)}。"
            f" Required column missing: {', '.join(missing)}.",
            hint="请按模板补齐这些列后重新报送 / add these columns as in the template" + advice,
        )


def unknown_header(shape: Shape, where: str, seen: Sequence[str]) -> LandingError:
    """Build LND-003: no row looks like the header of this dataset; ``seen`` is what was there."""
    wanted = "、".join(f.label for f in shape.fields if f.required)
    # Only short texts are shown: a data row in the place of the header may hold personal data.
    shown = "、".join(text.strip()[:12] for text in seen[:8] if text and not _looks_personal(text))
    return LandingError(
        "LND-003",
        f"{where}：没有找到本表的表头。读到：{shown or '（无可识别的列名）'}；应有：{wanted}。"
        f" Header not recognised.",
        hint="请确认报送的是本表，且没有改动列名 / send the right form, headers unchanged",
    )


def _looks_personal(text: str) -> bool:
    return any(ch.isdigit() for ch in text)
