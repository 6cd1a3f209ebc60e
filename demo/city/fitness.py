"""Results of the national physical fitness standard, a row a pupil."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from demo.city import people, rows, xlsx
from demo.city.ledger import Entry
from demo.city.studentfile import csv_bytes, to_gb18030
from demo.city.world import (
    REGION_CODES,
    REGION_NAMES,
    SPECIAL,
    XLSX_REGIONS,
    Schools,
    rng,
    school_year,
)

FITNESS_YEARS = (2024, 2025)
HEADER = (
    "学籍号",
    "学校代码",
    "年级编号",
    "班级名称",
    "民族代码",
    "性别",
    "出生日期",
    "身高",
    "体重",
    "肺活量",
    "50米跑",
    "坐位体前屈",
    "耐力跑",
    "免测",
    "总分",
    "等级",
)
GRADE_CODES = ("11", "12", "13", "14", "15", "16", "21", "22", "23", "31", "32", "33")
_SCHOOL_TYPES = (("小学", "1"), ("初中", "2"), ("高中", "3"))
# GB/T 3304 numbers of 汉族 and of the minorities in `people`
_ETHNICITY = {
    "汉族": "1",
    "壮族": "8",
    "瑶族": "13",
    "侗族": "12",
    "苗族": "6",
    "回族": "3",
    "仫佬族": "32",
    "毛南族": "36",
    "土家族": "15",
}
_RATED = pl.col("level").is_not_null()
KINDS = (
    rows.Kind(
        "fit-height-in-metres",
        "FIT-003",
        "height_cm",
        lambda r, n: {"height_cm": f"{float(r['height_cm'] or 0) / 100:.2f}"},
        _RATED,
    ),
    rows.Kind(
        "fit-level-not-score",
        "FIT-002",
        "level",
        lambda r, n: {"level": "不及格" if r["level"] != "不及格" else "良好"},
        _RATED,
    ),
    rows.Kind(
        "fit-school-unknown",
        "FIT-001",
        "school_code",
        lambda r, n: {"school_code": f"{(r['school_code'] or '')[:4]}99{n % 9000 + 1000}"},
    ),
    rows.Kind(
        "fit-exempt-with-level", "FIT-004", "is_exempt", lambda r, n: {"is_exempt": "是"}, _RATED
    ),
    rows.Kind("fit-time-mark", "FIT-005", "endurance", lambda r, n: {"endurance": "3.75"}, _RATED),
)


def _tenths(value: NDArray[np.float64]) -> pl.Series:
    """Return numbers as text with one decimal."""
    whole = np.round(value * 10).astype(np.int64)
    sign = pl.Series(np.where(whole < 0, "-", ""))
    size = np.abs(whole)
    return pl.select(
        pl.concat_str(
            sign,
            pl.Series(size // 10).cast(pl.String),
            pl.lit("."),
            pl.Series(size % 10).cast(pl.String),
        )
    ).to_series()


def write_fitness(
    out: Path, schools: Schools, pupils: people.RegionPupils, region: int, seed: int
) -> list[Entry]:
    """Write a region's results of the latest years: a CSV, or workbooks by kind of school."""
    entries: list[Entry] = []
    for year in FITNESS_YEARS:
        frame = _results(schools, pupils, region, year, seed)
        period = school_year(year)
        folder = f"体质健康/{period}/{REGION_CODES[region]}_{REGION_NAMES[region]}"
        (out / folder).parent.mkdir(parents=True, exist_ok=True)
        if region not in XLSX_REGIONS:
            file = f"{folder}_体质健康.csv"
            planted = _plant(frame, file, "", region, year, seed, 0)
            (out / file).write_bytes(to_gb18030(csv_bytes(planted.frame, HEADER)))
            entries += planted.entries
            continue
        for number, (name, digit) in enumerate(_SCHOOL_TYPES):
            part = frame.filter(pl.col("grade").str.starts_with(digit))
            if not part.height:
                continue
            file = f"{folder}_{name}_体质健康.xlsx"
            planted = _plant(part, file, name, region, year, seed, number)
            head = xlsx.rows_xml([[f"国家学生体质健康标准测试数据({name})"], list(HEADER)])
            body = head.encode() + xlsx.frame_xml(planted.frame, 3)
            xlsx.write_workbook(out / file, [xlsx.Sheet(name, body, ("A1:P1",))])
            entries += planted.entries
    return entries


def _plant(
    frame: pl.DataFrame, file: str, sheet: str, region: int, year: int, seed: int, part: int
) -> rows.Planted:
    return rows.plant_rows(
        rng(seed, 88, region, year, part),
        frame,
        KINDS,
        "fitness",
        school_year(year),
        file,
        sheet,
        3 if sheet else 2,
        turn=region + year + part,
        pairs=(("fit-same-pupil-twice", "FIT-KEY", ("student_no",), _RATED),),
    )


def _results(
    schools: Schools, pupils: people.RegionPupils, region: int, year: int, seed: int
) -> pl.DataFrame:
    g = rng(seed, 89, region, year)
    source = pupils.frames[year]
    general = np.array([schools.kind[i] != SPECIAL for i in range(len(schools))])
    grade = source["grade"].replace_strict(
        dict(zip(people.GRADES, range(15), strict=True)), return_dtype=pl.Int64
    )
    tested = (source["status"] == "在读").to_numpy() & (grade.to_numpy() < 12)
    tested &= general[pupils.school_of_row[year]] & (g.random(source.height) < 0.975)
    rows_ = np.flatnonzero(tested)
    source, level_ = source[rows_], grade.to_numpy()[rows_]
    n = len(rows_)
    male = (source["sex"] == "男").to_numpy()
    exempt = g.random(n) < 0.008
    # shared fitness of a pupil: all marks lean on it
    form = g.normal(0, 1, n)
    age = level_ + 6.5
    height = np.where(
        male | (age < 11.5), 86 + 6.1 * np.minimum(age, 14.5), 92 + 5.5 * np.minimum(age, 12.8)
    )
    height = height + 0.6 * np.maximum(age - 13, 0) * male + g.normal(0, 5.5, n)
    weight = (height / 100) ** 2 * np.clip(13.2 + 0.45 * age + g.normal(0, 2.2, n), 12.0, 36.0)
    vital = np.clip(300 + 210 * age + 350 * male * (age > 12) + 180 * form, 500, 6500)
    dash = np.clip(12.6 - 0.27 * age - 0.25 * male - 0.35 * form + g.normal(0, 0.25, n), 6.5, 16)
    reach = 7 + 3 * ~male + 3.5 * form + g.normal(0, 3, n)
    primary = level_ < 6
    seconds = np.where(primary, 112 - 2.0 * (age - 9) - 5 * form, 255 - 12 * male - 14 * form)
    seconds = np.clip(seconds + g.normal(0, 6, n), 70, 540).astype(np.int64)
    mean = np.select([primary, level_ < 9], [80.0, 77.6], 76.2)
    score = np.clip(mean + 0.9 * (year - 2024) + ~male * 0.8 + 9.2 * form, 32, 108)
    points = np.round(score * 10)
    level = np.searchsorted([600, 800, 900], points, side="right")
    minute = pl.Series(seconds // 60).cast(pl.String)
    rest = pl.Series(seconds % 60).cast(pl.String).str.zfill(2)
    marks = ("'", '"') if region % 2 == 0 else (".", "")
    done = pl.Series(~exempt)

    def tested_only(value: pl.Series) -> pl.Series:
        return pl.select(pl.when(done).then(value).otherwise(None)).to_series()

    return pl.DataFrame(
        {
            "student_no": source["student_no"],
            "school_code": source["school_code"],
            "grade": people.take(GRADE_CODES, level_),
            "class_name": source["class_name"],
            "ethnicity_code": source["ethnicity"].replace_strict(_ETHNICITY, default="97"),
            "sex": people.take(["2", "1"], male.astype(np.int64)),
            "birth_date": source["birth_date"],
            "height_cm": _tenths(np.clip(height, 95, 199)),
            "weight_kg": _tenths(weight),
            "vital_capacity_ml": tested_only(pl.Series(vital.astype(np.int64)).cast(pl.String)),
            "run_50m_s": tested_only(_tenths(dash)),
            "sit_reach_cm": tested_only(_tenths(reach)),
            "endurance": tested_only(
                pl.select(
                    pl.concat_str(minute, pl.lit(marks[0]), rest, pl.lit(marks[1]))
                ).to_series()
            ),
            "is_exempt": people.take(["否", "是"], exempt.astype(np.int64)),
            "score": tested_only(_tenths(points / 10)),
            "level": tested_only(people.take(["不及格", "及格", "良好", "优秀"], level)),
        }
    )
