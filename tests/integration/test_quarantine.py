"""What people do with quarantined rows: steps that are legal, history, and the Excel workbook."""

import stat
import zipfile
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
import xlsxwriter
from python_calamine import CalamineWorkbook

from eduplan.errors import EduplanError
from eduplan.quality import quarantine, workbook
from tests.integration import by_hand
from tests.integration.test_replay import deliver, records

COLUMNS = (
    by_hand.column("school_code", "学校标识码"),
    by_hand.column("name", "姓名", personal="direct"),
    by_hand.column("age", "年龄"),
)
CONTRACT = by_hand.contract(
    "pupils", COLUMNS, [by_hand.row_rule("T-001", "edu.is_integer(age)", columns=["age"])]
)
CONTRACTS = {"pupils": CONTRACT, "teachers": replace(CONTRACT, dataset="teachers")}
ROWS = [("s1", "甲乙丙", "x"), ("s1", "=1+1", "y"), ("s2", "丁", "7"), ("s2", "戊\r\n己", "z")]


@pytest.fixture
def ids(db: psycopg.Connection, db_url: str) -> list[int]:
    """Three rows in quarantine; their ids."""
    deliver(db, db_url, CONTRACT, ROWS)
    return [number for number, _, _ in records(db, "pupils").values()]


def step(db: psycopg.Connection, to: str, ids: list[int], why: str = "因为") -> None:
    with db.transaction():
        if to == "edited":
            for number in ids:
                quarantine.edit(db, CONTRACT, number, {"age": "5"}, "chen", why)
        elif to == "reopened":
            quarantine.reopen(db, CONTRACT, ids, "chen", why)
        else:
            quarantine.decide(db, CONTRACT, ids, to, "chen", why)


LEGAL = {
    "open": {"edited", "released", "waived", "rejected"},
    "released": {"reopened"},
    "waived": {"reopened"},
    "rejected": {"reopened"},
    "fixed": set(),
}


@pytest.mark.parametrize("state", LEGAL)
def test_only_legal_steps(db: psycopg.Connection, ids: list[int], state: str) -> None:
    for to in ("edited", "released", "waived", "rejected", "reopened"):
        db.execute("update quality.quarantined_row set status = 'open'")
        db.execute("update quality.quarantined_row set status = %s where quarantine_id = %s",
                   (state, ids[0]))  # fmt: skip
        db.commit()
        before = records(db, "pupils")
        if to in LEGAL[state]:
            step(db, to, ids[:1])
            continue
        others = ids[:1] if to in ("reopened", "edited") else ids
        with pytest.raises(EduplanError, match=r"1 of \d rows cannot be"):
            step(db, to, others)
        assert records(db, "pupils") == before  # of a bulk, nothing


def test_a_decision_needs_a_name_a_reason_and_a_row(db: psycopg.Connection, ids: list[int]) -> None:
    with pytest.raises(EduplanError, match="needs a name and a reason"):
        step(db, "waived", ids, why=" ")
    with pytest.raises(EduplanError, match="no quarantined row 999"):
        step(db, "waived", [*ids, 999])
    with pytest.raises(EduplanError, match="no column nme"), db.transaction():
        quarantine.edit(db, CONTRACT, ids[0], {"nme": "x"}, "chen", "x")


def test_history_is_append_only(db: psycopg.Connection, ids: list[int]) -> None:
    step(db, "waived", ids)
    for attempt in (
        "update quality.quarantine_event set actor = 'nobody'",
        "delete from quality.quarantine_event",
        "truncate quality.quarantine_event",
    ):
        with pytest.raises(psycopg.errors.RestrictViolation, match="append-only"):
            db.execute(attempt)
        db.rollback()
    assert (
        db.execute("select action, actor, reason from quality.quarantine_event").fetchall()
        == [("waived", "chen", "因为")] * 3
    )


def test_an_edit_taken_back_leaves_nothing(db: psycopg.Connection, ids: list[int]) -> None:
    with db.transaction():
        assert quarantine.edit(db, CONTRACT, ids[0], {"age": "5", "name": None}, "chen", "a")
        assert not quarantine.edit(db, CONTRACT, ids[0], {"age": "5"}, "chen", "b")
        assert quarantine.edit(db, CONTRACT, ids[0], {"age": "x", "name": "甲乙丙"}, "chen", "c")
    assert db.execute(
        "select edited, payload ->> 'age' from quality.quarantined_row where quarantine_id = %s",
        (ids[0],),
    ).fetchone() == (None, "x")


def written(db: psycopg.Connection, folder: Path, *, secure: bool = False) -> Path:
    path = folder / "out.xlsx"
    assert workbook.write(db, CONTRACT, path, secure=secure) == 3
    db.commit()
    return path


def grid(path: Path) -> tuple[str, list[list[object]]]:
    book = CalamineWorkbook.from_path(str(path))
    (name,) = book.sheet_names
    return name, list(book.get_sheet_by_name(name).to_python())


def save(path: Path, name: str, rows: list[list[object]]) -> Path:
    with xlsxwriter.Workbook(path, {"strings_to_formulas": False}) as book:
        sheet = book.add_worksheet(name)
        for line, cells in enumerate(rows):
            for at, value in enumerate(cells):
                sheet.write(line, at, value)
    return path


def change(path: Path, **cells: object) -> Path:
    """Set cells (K2=…) as a steward would in Excel."""
    name, rows = grid(path)
    for cell, value in cells.items():
        rows[int(cell[1:]) - 1][ord(cell[0]) - 65] = value
    return save(path, name, rows)


def imported(db: psycopg.Connection, path: Path) -> workbook.Imported:
    with db.transaction():
        return workbook.apply(db, CONTRACTS, path, "chen", "学校更正")


def test_a_workbook_masks_and_carries_text_only(
    db: psycopg.Connection, ids: list[int], tmp_path: Path
) -> None:
    path = written(db, tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    name, rows = grid(path)
    assert name == "pupils"
    assert rows[0][8:] == ["学校标识码（school_code）", "姓名（name）", "年龄（age）"]
    assert [row[9:] for row in rows[1:]] == [["甲＊＊＊", "x"], ["=＊＊＊", "y"], ["戊＊＊＊", "z"]]
    assert rows[1][0] == str(ids[0])
    assert rows[1][4:6] == ["2", "T-001"]
    path = written(db, tmp_path, secure=True)
    assert grid(path)[1][2][9] == "=1+1"
    with zipfile.ZipFile(path) as archive:
        assert b"<f>" not in archive.read("xl/worksheets/sheet1.xml")


@pytest.mark.parametrize("secure", [False, True])
def test_an_untouched_workbook_changes_nothing(
    db: psycopg.Connection, ids: list[int], tmp_path: Path, secure: bool
) -> None:
    done = imported(db, written(db, tmp_path, secure=secure))
    assert (done.edited, done.unchanged) == ((), 3)
    assert db.execute("select count(*) from quality.quarantine_event").fetchone() == (0,)


def test_corrections_come_back(db: psycopg.Connection, ids: list[int], tmp_path: Path) -> None:
    path = change(written(db, tmp_path), K2=6, J3="李四", K3="7", K4=None)
    done = imported(db, path)
    assert (done.edited, done.unchanged) == (tuple(ids), 0)
    assert db.execute(
        "select edited from quality.quarantined_row order by quarantine_id"
    ).fetchall() == [({"age": "6"},), ({"name": "李四", "age": "7"},), ({"age": None},)]
    # What was read once is not read twice: the records have changed since.
    with pytest.raises(EduplanError, match=f"B2：编号 {ids[0]} 在导出之后已有变动"):
        imported(db, path)


HOSTILE = {
    "unknown id": ({"A2": "999"}, "A2：pupils 没有编号为 999"),
    "twice": ({"A3": "1"}, "A3：编号 1 出现两次"),
    "no number": ({"A2": "1 or 1=1"}, "A2：编号不是数字"),
    "stale": ({"B3": "0123456789abcdef"}, "B3：编号 2 在导出之后已有变动"),
    "header": ({"K1": "年纪"}, "K1：表头应为「年龄（age）」"),
    "long number": ({"J2": 450499201501011234}, "J2：长数字"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_workbook_changes_nothing(
    db: psycopg.Connection, ids: list[int], tmp_path: Path, name: str
) -> None:
    cells, message = HOSTILE[name]
    path = change(written(db, tmp_path), K2="6", K4="7", **cells)  # type: ignore[arg-type]
    with pytest.raises(EduplanError, match=message) as caught:
        imported(db, path)
    assert "甲" not in str(caught.value)
    assert db.execute("select count(*) from quality.quarantine_event").fetchone() == (0,)


def test_files_that_are_no_workbook_of_ours(
    db: psycopg.Connection, ids: list[int], tmp_path: Path
) -> None:
    foreign = tmp_path / "teachers.xlsx"
    workbook.write(db, CONTRACTS["teachers"], foreign, secure=False)
    name, rows = grid(foreign)
    save(foreign, name, [*rows, [str(ids[0]), "x", "", "", "2", "", "", "", "s1", "甲", "5"]])
    with pytest.raises(EduplanError, match="teachers 没有编号为"):
        imported(db, foreign)
    renamed = tmp_path / "other.xlsx"
    save(renamed, "Sheet1", [["编号"]])
    with pytest.raises(EduplanError, match="以数据集命名的表"):
        imported(db, renamed)
    text = tmp_path / "text.xlsx"
    text.write_text("a,b", encoding="utf-8")
    with pytest.raises(EduplanError, match="no readable"):
        imported(db, text)
    bomb = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * (201 << 20))
    with pytest.raises(EduplanError, match="too large"):
        imported(db, bomb)
