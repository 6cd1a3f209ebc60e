"""When each file of the city was saved by its sender: mostly in its submission window.

The times are those of the files themselves. Who is planted to be late stands in ``_late.csv``:
file, the day it was due, the day it was saved.
"""

from __future__ import annotations

import csv
import datetime as dt
import os
import zlib
from pathlib import Path

from demo.city.planting import LATEST
from demo.city.world import REGION_CODES, REGION_NAMES, rng, school_year

AS_OF = dt.date(2026, 8, 31)
"""The day the city is seen on: all of 2025-2026 is due, nothing of 2026-2027."""
LATE = "_late.csv"
_BEIJING = dt.timezone(dt.timedelta(hours=8))

# Folder (or folder/file) -> first and last day it is saved on, and by how many calendar years
# these lie after the year of the folder's period.
_SAVED = {
    "学校名录": ("09-02", "09-09", 0),
    "学籍": ("09-05", "09-19", 0),
    "学籍异动": ("09-02", "09-09", 0),
    "教基": ("09-04", "09-19", 0),
    "教基历年": ("09-04", "09-19", 0),
    "教师": ("09-10", "09-28", 0),
    "学前教育": ("09-20", "10-13", 0),
    "体质健康": ("11-10", "12-28", 0),
    "视力监测": ("11-20", "12-18", 0),
    "课后服务": ("01-08", "01-19", 1),
    "学校工作台账": ("11-05", "11-28", 0),
    "交流轮岗": ("09-25", "10-29", 0),
    "中职专业备案": ("09-25", "10-29", 0),
    "中职办学条件": ("09-25", "10-29", 0),
    "中职教师": ("09-25", "10-29", 0),
    "残联": ("10-10", "11-13", 0),
    "人口": ("10-08", "10-29", 0),
    "户籍人口": ("10-08", "10-29", 0),
    "经费": ("03-10", "04-28", 1),
    "经费/教育专项资金执行情况.xlsx": ("01-05", "01-19", 1),
    "学位项目": ("01-10", "01-29", 1),
    "任务台账/2025年第一季度进展台账.xlsx": ("04-05", "04-14", 0),
    "任务台账/2025年第二季度进展台账.xlsx": ("07-05", "07-14", 0),
    "任务台账/2025年第三季度进展台账.xlsx": ("10-09", "10-14", 0),
    "任务台账/2025年第四季度进展台账.xlsx": ("01-05", "01-14", 1),
    "任务台账/重点任务分解表.xlsx": ("03-10", "03-28", 1),
    "平台建设": ("01-05", "01-14", 1),
    "名册": ("09-01", "09-14", 0),
    "产业目录": ("12-01", "12-28", 0),
}


def _region(code: str) -> str:
    return f"{code}_{REGION_NAMES[REGION_CODES.index(code)]}"


# File -> the day it was due and by how many days it was late.
_LATE = {
    f"学籍/{school_year(LATEST)}/{_region('450422')}_学生.csv": ("2025-09-20", 6),
    f"教师/{school_year(LATEST - 1)}/{_region('450481')}_教师.xlsx": ("2024-09-30", 12),
    f"学前教育/{school_year(LATEST)}/{_region('450405')}_在园幼儿.csv": ("2025-10-15", 5),
    f"视力监测/{school_year(LATEST)}/{_region('450421')}_视力监测.xlsx": ("2025-12-20", 15),
    f"经费/{LATEST}/学校经费_教财基.xlsx": ("2026-04-30", 8),
}
_FORMS = f"教基/{school_year(LATEST)}"
_FORMS_DUE = dt.date(LATEST, 9, 20)
# Of the schools' workbooks one in so many is late, by up to so many days.
_ONE_LATE_IN = 25
_DAYS_LATE = 30


def save_times(out: Path, seed: int) -> None:
    """Give every source file of the finished city below ``out`` its time, and write the list of
    those that are late."""
    late = dict(_late_schools(out, seed))
    late |= {
        name: (due, due + dt.timedelta(days=days))
        for name, (text, days) in _LATE.items()
        for due in (dt.date.fromisoformat(text),)
    }
    listed = []
    for path in sorted(p for p in out.rglob("*") if p.is_file()):
        name = path.relative_to(out).as_posix()
        if name.startswith("_"):
            continue
        # Each file by itself, so that another file beside it changes nothing.
        g = rng(seed, 60, zlib.crc32(name.encode()))
        if name in late:
            due, day = late[name]
            listed.append((name, due, day))
        else:
            first, last = _window(name)
            day = first + dt.timedelta(days=int(g.integers(0, (last - first).days + 1)))
        day = min(day, AS_OF - dt.timedelta(days=1))
        minute = int(g.integers(8 * 60 + 30, 17 * 60 + 30))
        moment = dt.datetime.combine(day, dt.time(minute // 60, minute % 60), _BEIJING).timestamp()
        os.utime(path, (moment, moment))
    with (out / LATE).open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(("file", "due_on", "saved_on"))
        writer.writerows(listed)


def _late_schools(out: Path, seed: int) -> list[tuple[str, tuple[dt.date, dt.date]]]:
    """Choose the schools whose workbook is late; the planted extra files (…99…) are not schools."""
    g = rng(seed, 61)
    found = []
    names = sorted(p.name for p in (out / _FORMS).glob("*.xlsx"))
    codes = [name.split("_")[0] for name in names]
    for code, name in zip(codes, names, strict=True):
        one, days = int(g.integers(0, _ONE_LATE_IN)), int(g.integers(1, _DAYS_LATE + 1))
        is_school = len(code) == 10 and code[4:6] != "99" and codes.count(code) == 1
        if is_school and one == 0:
            saved = _FORMS_DUE + dt.timedelta(days=days)
            found.append((f"{_FORMS}/{name}", (_FORMS_DUE, saved)))
    return found


def _window(name: str) -> tuple[dt.date, dt.date]:
    folder, *middle, file = name.split("/")
    first, last, after = _SAVED.get(f"{folder}/{file}") or _SAVED[folder]
    year = (int(middle[0][:4]) if middle else LATEST) + after
    return dt.date.fromisoformat(f"{year}-{first}"), dt.date.fromisoformat(f"{year}-{last}")
