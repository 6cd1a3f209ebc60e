"""Small extra files beside the good ones: each must be rejected alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from demo.city import forms, people, staff, xlsx
from demo.city.forms import FORMS
from demo.city.ledger import Entry
from demo.city.planting import JJ, LATEST
from demo.city.world import (
    rng,
    school_year,
)


def write_extra_files(out: Path, seed: int) -> list[Entry]:
    """Add small files that must be rejected alone, beside the good files of their delivery."""
    entries: list[Entry] = []
    period = school_year(LATEST)
    g = rng(seed, 41)
    folder = out / "学籍" / period
    labels = list(people.STUDENT_HEADER)
    plain = [label.lstrip("★") for label in labels]

    def lines(n: int = 6) -> list[list[str]]:
        rows = []
        number = people.identity_numbers(
            np.full(n, 450499), np.full(n, 20140105), 900 + np.arange(n)
        )
        for i, name in enumerate(people.names(g, n)):
            male = (900 + i) % 2 == 1
            rows.append(
                [
                    "2145000001",
                    "补报小学",
                    name,
                    "男" if male else "女",
                    "20140105",
                    "居民身份证",
                    number[i],
                    f"G{number[i]}",
                    "汉族",
                    "农业户口",
                    "450403000000",
                    "小学五年级",
                    "1班",
                    "202109",
                    "就近入学",
                    "走读",
                    "正常入学",
                    "否",
                    "否",
                    "否",
                    "在读",
                    "",
                    "10000000000",
                    "广西梧州市万秀区补报路1号",
                    name,
                    "10000000000",
                ]
            )
        return rows

    def text(header: list[str], rows: list[list[str]]) -> str:
        return "\n".join(",".join(r) for r in [header, *rows]) + "\n"

    good = lines()
    no_id = labels.index("★身份证件号")
    files: tuple[tuple[str, bytes, str, str], ...] = (
        ("补报01", b"", "csv-empty", "LND-001"),
        ("补报02", text(labels, []).encode("gb18030"), "csv-header-only", "LND-002"),
        (
            "补报03",
            text([f"F{i}" for i in range(len(labels))], good).encode("gb18030"),
            "csv-header-unknown",
            "LND-003",
        ),
        (
            "补报04",
            text(
                labels[:no_id] + labels[no_id + 1 :], [r[:no_id] + r[no_id + 1 :] for r in good]
            ).encode("gb18030"),
            "csv-column-missing",
            "LND-004",
        ),
        (
            "补报05",
            text([*labels, "姓名"], [[*r, r[2]] for r in good]).encode("gb18030"),
            "csv-header-twice",
            "LND-005",
        ),
        ("补报06", text(plain, good).encode("utf-16"), "csv-utf16", "LND-009"),
        (
            "补报07",
            text(labels, good)
            .encode("gb18030")
            .replace("补报小学".encode("gb18030"), b"\0\0\0\0", 2),
            "csv-nul",
            "LND-010",
        ),
        (
            "补报08",
            text(
                labels, [*good[:2], [*good[2][:23], '"' + good[2][23], *good[2][24:]], *good[3:]]
            ).encode("gb18030"),
            "csv-quote-open",
            "LND-012",
        ),
    )
    for name, data, slug, rule in files:
        file = f"学籍/{period}/450403_万秀区_{name}_学生.csv"
        (folder / Path(file).name).write_bytes(data)
        entries.append(Entry("students", period, file, "", None, "", slug, rule))
    # the small county's list a second time, byte for byte
    first = folder / "450423_蒙山县_学生.xlsx"
    again = folder / "450423_蒙山县_重复_学生.xlsx"
    again.write_bytes(first.read_bytes())
    entries.append(
        Entry(
            "students", period, f"学籍/{period}/{again.name}", "", None, "", "file-twice", "LND-019"
        )
    )
    # a workbook of the older series among this year's forms
    rows = xlsx.rows_xml(
        [
            ["中职基111 学校基本情况"],
            ["指标名称", "代码", "数量"],
            ["甲", "乙", 1],
            ["占地面积", "01", 12345],
        ]
    )
    file = f"教基/{period}/3645990001_旧表学校.xlsx"
    xlsx.write_workbook(out / file, [xlsx.Sheet("中职基111", rows, ("A1:C1",))])
    entries += [Entry(d, period, file, "", None, "", "xlsx-other-form", "LND-017") for d in JJ]
    # a workbook without any content
    file = f"教基/{period}/3645990002_空表学校.xlsx"
    (out / file).write_bytes(b"")
    entries += [Entry(d, period, file, "", None, "", "xlsx-empty", "LND-001") for d in JJ]
    entries += _unregistered(out)
    # a teacher list saved as HTML
    file = f"教师/{period}/450403_万秀区_补报_教师.xlsx"
    (out / file).write_bytes(
        "<html><body><table><tr><td>教师编号</td></tr></table></body></html>".encode()
    )
    entries.append(Entry("teachers", period, file, "", None, "", "xlsx-html", "LND-015"))
    file = f"教师/{period}/450405_长洲区_补报_教师.xlsx"
    body = xlsx.rows_xml([["序号", "工号", "备注"], ["1", "A1", "无"]])
    xlsx.write_workbook(out / file, [xlsx.Sheet("Sheet1", body)])
    entries.append(Entry("teachers", period, file, "", None, "", "xlsx-header-unknown", "LND-003"))
    return entries


def _unregistered(out: Path) -> list[Entry]:
    """Write workbooks of schools that are not in the register: every row is accused."""
    period = school_year(LATEST)
    plan: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
        ("1145999901", "万秀区未登记幼儿园", "幼儿园", ("2105",)),
        ("3145999902", "岑溪市未登记初级中学", "初级中学", ("2107",)),
        ("2145999903", "藤县未登记小学", "小学", ("3112", "2106")),
        ("3145999904", "藤县未登记初级中学", "初级中学", ("3115", "4149", "4155_初中")),
        ("1145999905", "藤县未登记幼儿园", "幼儿园", ("5170", "5176")),
    )
    entries = []
    for code, name, kind, keys in plan:
        file = f"教基/{period}/{code}_{name}.xlsx"
        sheets = []
        for key in keys:
            form_code, _, stage = key.partition("_")
            form = FORMS[form_code]
            zero = np.zeros((len(form.rows), len(form.top)))
            corner = forms.school_corner(code, name, period, form.unit)
            sheet = forms.form_sheet(form_code, kind, stage, corner, zero, first_rows=2)
            sheets.append(sheet)
            entries += [
                Entry(
                    f"jj{form_code}",
                    period,
                    file,
                    sheet.name,
                    form.first_data_row + r,
                    "reporter_code",
                    "jj-school-unknown",
                    f"J{form_code}-008",
                )
                for r in range(2)
            ]
        xlsx.write_workbook(out / file, sheets)
    return entries


def write_hold(out: Path, frame: pl.DataFrame) -> list[Entry]:
    """Write a delivery of its own that must be held: next year's teachers, of one county only.

    `frame` is the clean list of the small county; nothing else refers to that school year.
    """
    period = school_year(LATEST + 1)
    file = f"教师/{period}/450423_蒙山县_教师.xlsx"
    valid = pl.when(pl.col("backbone_until").is_null()).then(None).otherwise(pl.lit("20300831"))
    frame = frame.with_columns(valid.alias("backbone_until"))
    head = xlsx.rows_xml([["全国教师管理信息系统 教师基本信息采集表"], list(staff.TEACHER_HEADER)])
    body = head.encode() + xlsx.frame_xml(frame, 3)
    xlsx.write_workbook(out / file, [xlsx.Sheet("教师信息", body, ("A1:X1",))])
    return [
        Entry("teachers", period, "", "", None, "", "tea-delivery-shrank", "TEA-101", "only --hold")
    ]
