"""Many small 教基 workbooks: how many a minute land.

The limit keeps a durable copy of every workbook under its hash and reads the one sheet that the
dataset needs with python-calamine, one after the other; no layout, no database. Our side lands
them: discovery with hashes, the archive, reader processes, the form's layout, the batch table.

    python -m benchmarks.workbooks [--files N] [--reps N]
"""

import argparse
import hashlib
import io
import os
import shutil
import statistics
import tempfile
from pathlib import Path

import xlsxwriter
from psycopg import sql
from python_calamine import load_workbook

from benchmarks._common import database, interleave, write_result
from eduplan import warehouse
from eduplan.contract import load_contract
from eduplan.extract.discover import discover
from eduplan.land import land

EXPECTATIONS = Path(__file__).parents[1] / "expectations"
PERIOD = "2025-2026"
ROWS = ("总计", "#女", "#少数民族", "#复式班", "#寄宿生", "#随迁子女", "#外省迁入", "#农村留守儿童")
OTHER_FORMS = ("教基2106_小学", "教基4149_小学", "教基4155_小学", "教基5170_小学", "教基5176_小学")


def workbook(code: str, labels: list[str]) -> bytes:
    """Make one school's workbook: the form 3112 and five others."""
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    for sheet in ("教基3112_小学", *OTHER_FORMS):
        page = book.add_worksheet(sheet)
        page.write(0, 0, "小学学生数")
        page.write(1, 0, f"学校(机构)标识码:{code} 学校(机构)名称:某某小学  学年:{PERIOD}  单位:人")
        page.write_row(2, 0, labels)
        page.write_row(3, 0, ["甲", "乙", *map(str, range(1, len(labels) - 1))])
        for number, name in enumerate(ROWS, 1):
            page.write_row(3 + number, 0, [name, f"{number:02d}", *range(60, 58 + len(labels))])
    book.close()
    return buffer.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=600)
    parser.add_argument("--reps", type=int, default=5)
    args = parser.parse_args()
    contract = load_contract(next(EXPECTATIONS.rglob("jj3112.odcs.yaml")))
    depth = {"reporter_code", "reporter_name", "sheet_type", "form_year"}
    labels = [c.label for c in contract.columns if c.name not in depth]
    with tempfile.TemporaryDirectory() as folder, database() as url:
        root, archive = Path(folder) / "source", Path(folder) / "archive"
        place = root / "教基" / PERIOD
        place.mkdir(parents=True)
        for number in range(args.files):
            code = f"21450{number:05d}"
            (place / f"{code}_某某小学.xlsx").write_bytes(workbook(code, labels))
        conn = warehouse.connect(url)

        def ours() -> None:
            (delivery,) = discover(contract, root)
            result = land(conn, contract, delivery, archive)
            if (result.outcome, result.rows) != ("landed", len(ROWS) * args.files):
                raise SystemExit(f"landing failed: {result}")

        def limit() -> None:
            copies = Path(folder) / "archive"
            copies.mkdir()
            for path in sorted(place.iterdir()):
                content = path.read_bytes()
                copy = copies / hashlib.sha256(content).hexdigest()
                with copy.open("wb") as out:
                    out.write(content)
                    out.flush()
                    os.fdatasync(out.fileno())
                with load_workbook(copy) as book:
                    book.get_sheet_by_name("教基3112_小学").to_python(skip_empty_area=False)

        def before() -> None:
            shutil.rmtree(archive, ignore_errors=True)
            for (name,) in conn.execute(
                "select table_name from information_schema.tables where table_schema = 'raw'"
                " and table_name like 'jj3112\\_\\_b%'"
            ).fetchall():
                conn.execute(sql.SQL("drop table {}").format(sql.Identifier("raw", name)))
            conn.execute("truncate ops.batch cascade")
            conn.commit()

        times = interleave({"limit": limit, "ours": ours}, reps=args.reps, before=before)
        conn.close()
        rate = 60 * args.files / statistics.median(times["ours"])
        write_result(
            "workbooks",
            ours=times["ours"],
            limit=times["limit"],
            goal=None,
            what=f"land {args.files} small workbooks ({rate:,.0f} a minute), against"
            " copying and reading them one by one",
            files=args.files,
            workbooks_per_minute=round(rate),
        )


if __name__ == "__main__":
    main()
