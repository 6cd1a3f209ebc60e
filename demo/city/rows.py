"""Defects in the rows of the student and teacher lists.

Every kind takes its own victims from the clean rows of a file, so that a row carries one defect
only (a rule may of course see the same defect from two sides).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from demo.city.ledger import Entry
from demo.city.people import identity_numbers

Row = dict[str, str | None]


@dataclass
class Planted:
    """A frame with its defects, the ledger lines, and rows to spoil as bytes after writing."""

    frame: pl.DataFrame
    entries: list[Entry]
    bytes_edits: dict[int, str] = field(default_factory=dict)  # frame row -> ragged | undecodable


@dataclass(frozen=True)
class Kind:
    """A defect kind: what it does to a row, the rule that sees it, and who may be a victim."""

    slug: str
    rule: str
    column: str
    change: Callable[[Row, int], Row]
    where: pl.Expr | None = None
    note: str = ""


_FULL = str.maketrans("0123456789X", "".join(chr(ord(c) + 0xFEE0) for c in "0123456789X"))
READING = pl.col("status") == "在读"


def _id(ymd: int, serial: int) -> str:
    one = identity_numbers(np.array([450499]), np.array([ymd]), np.array([serial % 1000]))
    return str(one[0])


def _wrong_check(number: str | None) -> str:
    text = number or ""
    return text[:-1] + ("0" if text[-1] != "0" else "1")


def _new_person(row: Row, ymd: int, n: int) -> Row:
    # n counts the victims of the whole year: 500 serial numbers a day and sex, then the next day
    ymd += n // 500 % 28
    serial = (n * 2 + (row["sex"] == "男")) % 1000
    number = _id(ymd, serial)
    out: Row = {"birth_date": str(ymd), "id_number": number}
    if "student_no" in row:
        out["student_no"] = f"G{number}"
    return out


def _other_birth(row: Row) -> str:
    day = int((row["birth_date"] or "20100101")[6:])
    return (row["birth_date"] or "")[:6] + f"{day % 28 + 1:02d}"


def _notation(row: Row, n: int) -> str:
    b = row["birth_date"] or ""
    return (
        f"{b[:4]}/{b[4:6]}/{b[6:]}",
        f"{b[:4]}.{b[4:6]}.{b[6:]}",
        f"{b[:4]}—{b[4:6]}—{b[6:]}",
        f"{b[:4]}年{b[4:6]}月{b[6:]}日",
    )[n % 4]


def _blank(row: Row, n: int) -> Row:
    if n % 2:
        return {"sex": " " + (row["sex"] or "")}
    name = row["name"] or ""
    return {"name": name[0] + "\u3000" + name[1:]}


_PRIMARY_PUPIL = pl.col("grade").str.starts_with("小学") & READING
STUDENT_KINDS: tuple[Kind, ...] = (
    Kind(
        "stu-id-scientific",
        "STU-001",
        "id_number",
        lambda r, n: {"id_number": "4.50499E+17"},
        READING,
    ),
    Kind(
        "stu-check-digit",
        "STU-002",
        "id_number",
        lambda r, n: {
            "id_number": _wrong_check(r["id_number"]),
            "student_no": "G" + _wrong_check(r["id_number"]),
        },
        READING,
    ),
    Kind(
        "stu-birth-not-id",
        "STU-003",
        "birth_date",
        lambda r, n: {"birth_date": _other_birth(r)},
        READING,
    ),
    Kind(
        "stu-sex-not-id",
        "STU-004",
        "sex",
        lambda r, n: {"sex": "女" if r["sex"] == "男" else "男"},
        READING,
    ),
    Kind(
        "stu-school-code-format",
        "STU-005",
        "school_code",
        lambda r, n: {
            "school_code": (r["school_code"] or "")[:9]
            if n % 2
            else "9945" + (r["school_code"] or "")[4:]
        },
        READING,
    ),
    Kind(
        "stu-school-unknown",
        "STU-006",
        "school_code",
        lambda r, n: {"school_code": (r["school_code"] or "")[:4] + f"{999100 + n % 900:06d}"},
        READING,
    ),
    Kind(
        "stu-number-without-g",
        "STU-007",
        "student_no",
        lambda r, n: {"student_no": r["id_number"]},
        READING,
    ),
    Kind(
        "stu-age-implausible",
        "STU-009",
        "birth_date",
        lambda r, n: _new_person(r, 19900301, n),
        _PRIMARY_PUPIL,
    ),
    Kind(
        "stu-entry-month",
        "STU-011",
        "entry_month",
        lambda r, n: {"entry_month": "209909" if n % 2 else "2o2309"},
        READING,
    ),
    Kind(
        "stu-name-lost-character",
        "STU-012",
        "name",
        lambda r, n: {"name": (r["name"] or "")[:1] + ("?" if n % 2 else "\ufffd")},
        READING,
    ),
    Kind(
        "stu-name-digit",
        "STU-013",
        "name",
        lambda r, n: {"name": (r["name"] or "") + str(n % 9 + 1)},
        READING,
    ),
    Kind(
        "stu-hukou-short",
        "STU-014",
        "hukou_region",
        lambda r, n: {"hukou_region": (r["hukou_region"] or "")[:6]},
        READING,
    ),
    Kind(
        "stu-id-full-width",
        "STU-015",
        "id_number",
        lambda r, n: {"id_number": (r["id_number"] or "").translate(_FULL)},
        READING,
    ),
    Kind(
        "stu-id-lower-x",
        "STU-016",
        "id_number",
        lambda r, n: {
            "id_number": (r["id_number"] or "").lower(),
            "student_no": "G" + (r["id_number"] or "").lower(),
        },
        READING & pl.col("id_number").str.ends_with("X"),
    ),
    Kind(
        "stu-left-without-date",
        "STU-017",
        "status_date",
        lambda r, n: {"status_date": None},
        pl.col("status") == "转出",
    ),
    Kind(
        "stu-entry-year",
        "STU-018",
        "entry_month",
        lambda r, n: {"entry_month": f"{int((r['entry_month'] or '')[:4]) - 4}09"},
        READING,
    ),
    Kind(
        "stu-blank-inside",
        "STU-019",
        "name",
        _blank,
        READING & (pl.col("name").str.len_chars() >= 2),
    ),
    Kind(
        "stu-date-notation",
        "STU-020",
        "birth_date",
        lambda r, n: {"birth_date": _notation(r, n)},
        READING,
    ),
    Kind("stu-name-missing", "STU-REQ-name", "name", lambda r, n: {"name": None}, READING),
    Kind(
        "stu-boarding-missing",
        "STU-REQ-boarding",
        "boarding",
        lambda r, n: {"boarding": None},
        READING,
    ),
    Kind(
        "stu-sex-unknown",
        "STU-COD-sex",
        "sex",
        lambda r, n: {"sex": "M" if n % 2 else "不详"},
        READING,
    ),
    Kind(
        "stu-grade-unknown",
        "STU-COD-grade",
        "grade",
        lambda r, n: {"grade": "小学七年级"},
        _PRIMARY_PUPIL,
    ),
    Kind(
        "stu-status-unknown", "STU-COD-status", "status", lambda r, n: {"status": "在校"}, READING
    ),
    Kind(
        "stu-birth-impossible",
        "STU-TYP-birth_date",
        "birth_date",
        lambda r, n: {"birth_date": (r["birth_date"] or "")[:4] + "0231"},
        READING,
    ),
)
# Wrong, and no rule can know: every one of these rows could be true.
STUDENT_KINDS += (
    Kind(
        "blind-stu-name",
        "",
        "name",
        lambda r, n: {"name": (r["name"] or "")[0] + (r["name"] or "")[:0:-1]},
        READING
        & (pl.col("name").str.len_chars() == 3)
        & (pl.col("name").str.slice(1, 1) != pl.col("name").str.slice(2, 1)),
    ),
    Kind(
        "blind-stu-boarding",
        "",
        "boarding",
        lambda r, n: {"boarding": "住校" if r["boarding"] == "走读" else "走读"},
        READING,
    ),
    Kind(
        "blind-stu-ethnicity",
        "",
        "ethnicity",
        lambda r, n: {"ethnicity": "壮族" if r["ethnicity"] == "汉族" else "汉族"},
        READING,
    ),
    Kind(
        "blind-stu-left-behind",
        "",
        "is_left_behind",
        lambda r, n: {"is_left_behind": "是"},
        READING & (pl.col("is_left_behind") == "否"),
    ),
    Kind(
        "blind-stu-left-still-listed",
        "",
        "status",
        lambda r, n: {"status": "在读", "status_date": None},
        pl.col("status") == "转出",
    ),
)
WORKING = (pl.col("post_status") == "在职") & (pl.col("staff_type") == "专任教师")
TEACHER_KINDS: tuple[Kind, ...] = (
    Kind(
        "tea-id-scientific",
        "TEA-001",
        "id_number",
        lambda r, n: {"id_number": "4.50499E+17"},
        WORKING,
    ),
    Kind(
        "tea-check-digit",
        "TEA-002",
        "id_number",
        lambda r, n: {"id_number": _wrong_check(r["id_number"])},
        WORKING,
    ),
    Kind(
        "tea-birth-not-id",
        "TEA-003",
        "birth_date",
        lambda r, n: {"birth_date": _other_birth(r)},
        WORKING,
    ),
    Kind(
        "tea-sex-not-id",
        "TEA-004",
        "sex",
        lambda r, n: {"sex": "女" if r["sex"] == "男" else "男"},
        WORKING,
    ),
    Kind(
        "tea-school-code-format",
        "TEA-005",
        "school_code",
        lambda r, n: {"school_code": (r["school_code"] or "")[:9]},
        WORKING,
    ),
    Kind(
        "tea-school-unknown",
        "TEA-006",
        "school_code",
        lambda r, n: {"school_code": (r["school_code"] or "")[:4] + f"{998100 + n % 900:06d}"},
        WORKING,
    ),
    Kind(
        "tea-title-legacy",
        "TEA-008",
        "title",
        lambda r, n: {"title": ("小学高级教师", "中学一级教师", "小学一级教师")[n % 3]},
        WORKING,
    ),
    Kind(
        "tea-hours-unreadable",
        "TEA-011",
        "training_hours",
        lambda r, n: {"training_hours": "三百六十学时" if n % 2 else "已完成"},
        WORKING,
    ),
    Kind(
        "tea-certificate-number",
        "TEA-012",
        "certificate_no",
        lambda r, n: {"certificate_no": None},
        WORKING & pl.col("certificate_type").is_not_null(),
    ),
    Kind("tea-age", "TEA-013", "birth_date", lambda r, n: _new_person(r, 20120301, n), WORKING),
    Kind(
        "tea-first-degree-higher",
        "TEA-014",
        "first_degree",
        lambda r, n: {"highest_degree": "专科", "first_degree": "本科"},
        WORKING,
    ),
    Kind(
        "tea-backbone-expired",
        "TEA-015",
        "backbone_until",
        lambda r, n: {"backbone_until": "20210831"},
        WORKING & (pl.col("backbone_level") != "无"),
    ),
    Kind(
        "tea-degree-missing",
        "TEA-REQ-highest_degree",
        "highest_degree",
        lambda r, n: {"highest_degree": None},
        WORKING,
    ),
    Kind(
        "tea-degree-unknown",
        "TEA-COD-highest_degree",
        "highest_degree",
        lambda r, n: {"highest_degree": "研究生班"},
        WORKING,
    ),
    Kind(
        "tea-post-unknown",
        "TEA-COD-post_status",
        "post_status",
        lambda r, n: {"post_status": "停薪留职"},
        WORKING,
    ),
    Kind(
        "tea-birth-impossible",
        "TEA-TYP-birth_date",
        "birth_date",
        lambda r, n: {"birth_date": (r["birth_date"] or "")[:4] + "1331"},
        WORKING,
    ),
)
TEACHER_KINDS += (
    Kind(
        "blind-tea-title",
        "",
        "title",
        lambda r, n: {"title": "二级教师"},
        WORKING & (pl.col("title") == "一级教师"),
    ),
    Kind(
        "blind-tea-degree",
        "",
        "highest_degree",
        lambda r, n: {"highest_degree": "硕士研究生"},
        WORKING & (pl.col("highest_degree") == "本科"),
    ),
    Kind(
        "blind-tea-subject",
        "",
        "subject",
        lambda r, n: {"subject": "音乐" if r["subject"] != "音乐" else "科学"},
        WORKING & (pl.col("teaching_stage") == "小学"),
    ),
    Kind(
        "blind-tea-hours",
        "",
        "training_hours",
        lambda r, n: {"training_hours": f"{401 + n % 90}学时"},
        WORKING & pl.col("training_hours").str.ends_with("学时"),
    ),
)


def victims_per_kind(rows: int, rate: float = 1.1e-4) -> int:
    """Return how many rows of a file a kind may spoil."""
    return max(1, round(rows * rate))


def plant_rows(
    g: np.random.Generator,
    frame: pl.DataFrame,
    kinds: tuple[Kind, ...],
    dataset: str,
    period: str,
    file: str,
    sheet: str,
    first_row: int,
    turn: int,
    pairs: tuple[tuple[str, str, tuple[str, ...], pl.Expr], ...] = (),
    byte_kinds: bool = False,
    other_school: Callable[[Row, int], str | None] | None = None,
) -> Planted:
    """Spoil some rows of a file; small files take only every fourth kind, by turns.

    `pairs` are (slug, rule, copied columns, victims): a second row takes over the identity of a
    first one in another school, and both are accused.
    """
    n = frame.height
    each = victims_per_kind(n)
    step = 1 if n >= 4000 else 2 if n >= 2000 else 4 if n >= 400 else 8
    used = np.zeros(n, dtype=bool)
    edits: dict[str, dict[int, str | None]] = {}
    entries: list[Entry] = []

    def choose(where: pl.Expr | None, count: int) -> list[int]:
        mask = ~used if where is None else frame.select(where).to_series().to_numpy() & ~used
        options = np.flatnonzero(mask)
        if not len(options):
            return []
        picked = g.choice(options, size=min(count, len(options)), replace=False)
        used[picked] = True
        return sorted(int(i) for i in picked)

    def note(i: int, column: str, slug: str, rule: str, text: str = "") -> None:
        entries.append(Entry(dataset, period, file, sheet, i + first_row, column, slug, rule, text))

    position = 0
    for slug, rule, columns, where in pairs:
        position += 1
        if (position + turn) % step:
            continue
        for _ in range(each):
            one = choose(where, 1)
            if not one:
                continue
            row = frame.row(one[0], named=True)
            stage = "grade" if "grade" in row else "teaching_stage"
            two = choose(
                where
                & (pl.col("school_code") != row["school_code"])
                & (pl.col(stage) == row[stage]),
                1,
            )
            if not two:
                continue
            for column in columns:
                edits.setdefault(column, {})[two[0]] = row[column]
            note(one[0], columns[-1], slug, rule, "twin")
            note(two[0], columns[-1], slug, rule, "twin")
    for number, kind in enumerate(kinds):
        if (number + turn) % step:
            continue
        for k, i in enumerate(choose(kind.where, each)):
            row = frame.row(i, named=True)
            for column, value in kind.change(row, turn * 1000 + k).items():
                edits.setdefault(column, {})[i] = value
            note(i, kind.column, kind.slug, kind.rule, kind.note)
    if other_school is not None and turn % step == 0:
        for k, i in enumerate(choose(_PRIMARY_PUPIL, each)):
            code = other_school(frame.row(i, named=True), k)
            if code:
                edits.setdefault("school_code", {})[i] = code
                note(i, "grade", "stu-grade-not-school-type", "STU-010")
    planted: dict[int, str] = {}
    if byte_kinds:
        for number, (slug, rule) in enumerate(
            (("csv-ragged", "LND-011"), ("csv-undecodable", "LND-008"))
        ):
            if (number + turn) % step and n < 2000:
                continue
            for i in choose(READING, min(each, 5)):
                planted[i] = slug
                note(i, "", slug, rule)
    columns = []
    for name in frame.columns:
        series = frame[name]
        if name in edits:
            index = sorted(edits[name])
            series = series.clone().scatter(index, [edits[name][i] for i in index])
        columns.append(series.alias(name))
    return Planted(pl.DataFrame(columns), entries, planted)
