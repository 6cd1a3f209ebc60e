"""The preschool information system: kindergartens and their children.

It knows no classes attached to schools; the statistics do. That difference is real and stays.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from demo.city import people, rows, xlsx
from demo.city.ledger import Entry
from demo.city.studentfile import csv_bytes, to_gb18030
from demo.city.world import (
    COUNTIES,
    KG,
    REGION_CODES,
    REGION_NAMES,
    TOWNS,
    YEARS,
    Schools,
    rng,
    school_year,
)

LATEST = YEARS[-1]
NATURE = {"821": "教育部门办", "831": "教育部门办", "894": "集体办", "999": "民办"}
HEADER: list[xlsx.Cell] = [
    "园所代码",
    "园所名称",
    "所在乡镇(街道)代码",
    "办园性质",
    "是否普惠",
    "普惠认定开始日期",
    "普惠认定截止日期",
    "是否乡镇公办中心园",
    "园长数",
    "持证园长数",
    "是否开设托班",
    "状态",
]
Line = list[xlsx.Cell]


def division_code(county: int, town: str) -> str:
    """Return a 12-digit code: 镇 from 100, 乡 from 200 (the rule of 统计用区划代码)."""
    names = TOWNS[county]
    if town not in names:
        return f"{REGION_CODES[county]}001000"
    base = 200 if town.endswith("乡") else 100
    same = [name for name in names if name.endswith(town[-1])]
    return f"{REGION_CODES[county]}{base + same.index(town):03d}000"


def _centres(schools: Schools, seed: int) -> set[int]:
    """Choose the public centre kindergarten of most towns: the oldest public one stays it."""
    g = rng(seed, 84)
    found: dict[tuple[int, str], int] = {}
    for i in np.flatnonzero((schools.kind == KG) & (schools.region < COUNTIES)):
        place = (int(schools.location[i]), schools.town[i])
        if schools.organiser[i] != "999" and schools.urban[i] != "111":
            found.setdefault(place, int(i))
    return {i for i in found.values() if g.random() < 0.93}


def write_kindergartens(out: Path, schools: Schools, seed: int) -> list[Entry]:
    """Write the list of kindergartens, one workbook a year, one sheet a county.

    Children are checked against this list, so the victims of critical rules are kindergartens of
    paper (closed, or never registered) that no child attends.
    """
    entries: list[Entry] = []
    centres = _centres(schools, seed)
    draw = rng(seed, 85).random((len(schools), 4))
    for year in YEARS:
        period, y = school_year(year), year - YEARS[0]
        file = f"学前教育/{period}/梧州市_园所信息.xlsx"
        g = rng(seed, 86, year)
        listed = schools.listed(year)
        total = int((listed & (schools.kind == KG)).sum())
        each = 1 if total < 300 else 2
        sheets = [xlsx.Sheet("填报说明", xlsx.rows_xml([["状态为停办的园仍须列出。"]]))]
        for region in range(COUNTIES + 1):
            lines: list[Line] = []
            private: list[int] = []
            for i in np.flatnonzero((schools.kind == KG) & (schools.region == region)):
                closed = schools.close_year[i] in (year, year - 1)
                if not listed[i] and not closed:
                    continue
                nature = NATURE[schools.organiser[i]]
                inclusive = bool(schools.inclusive[i])
                heads = 1 + int(draw[i, 0] < 0.25) + int(draw[i, 1] < 0.1)
                certified = heads - int(draw[i, 2] < (0.14, 0.10, 0.06)[y])
                in_town = not (region in (0, 1, 7) and schools.urban[i] == "111")
                county = int(schools.location[i])
                if not closed and nature == "民办":
                    private.append(len(lines))
                lines.append(
                    [
                        schools.code_y[i][y],
                        schools.name_y[i][y],
                        division_code(county, schools.town[i] if in_town else ""),
                        nature,
                        "是" if inclusive or nature != "民办" else "否",
                        "20220901" if inclusive else None,
                        "20270831" if inclusive else None,
                        "是" if int(i) in centres else "否",
                        heads,
                        certified,
                        "是" if draw[i, 3] < 0.3 else "否",
                        "停办" if closed else "在办",
                    ]
                )
            notes: list[tuple[int, str, str, str]] = []
            gone = [k for k, line in enumerate(lines) if line[11] == "停办"]
            for k in gone[:1]:
                lines[k][11] = "在办"
                notes.append((k, "status", "kgn-closed-still-open", "KGN-002"))
            if (region + y) % 3 == 0 or each > 1:
                at = [int(k) for k in g.permutation(np.array(private, dtype=int))]
                if at:
                    k = at.pop()
                    lines[k][4:7] = ["是", None, None]
                    notes.append((k, "inclusive_from", "kgn-inclusive-by-name", "KGN-004"))
                if at:
                    k = at.pop()
                    lines[k][7] = "是"
                    notes.append((k, "is_township_centre", "kgn-private-centre", "KGN-006"))
            spoils = (
                (8, "两人", "principals", "kgn-principals-as-text", "KGN-TYP-principals", "停办"),
                (9, 3, "principals_certified", "kgn-certified-above", "KGN-005", "停办"),
                (0, None, "kindergarten_code", "kgn-not-registered", "KGN-002", "在办"),
            )
            for n, (column, value, name, slug, rule, status) in enumerate(spoils):
                # one list in a small city, by turns; every county but the city-run in a large one
                if region == COUNTIES or (each == 1 and (n != y or region != y)):
                    continue
                paper: Line = [
                    f"1145{960_000 + 100 * y + 10 * region + n:06d}",
                    f"{REGION_NAMES[region]}筹建第{n + 1}幼儿园",
                    division_code(region, TOWNS[region][0]),
                    "教育部门办",
                    "是",
                    None,
                    None,
                    "否",
                    2,
                    2,
                    "否",
                    status,
                ]
                if column:
                    paper[column] = value
                notes.append((len(lines), name, slug, rule))
                lines.append(paper)
            sheet = REGION_NAMES[region]
            entries += [
                Entry("kindergartens", period, file, sheet, at_ + 3, column_, slug, rule)
                for at_, column_, slug, rule in notes
            ]
            title = f"{sheet}{period}学年园所信息(学前教育管理信息系统)"
            note = "说明:普惠认定以教育行政部门文件为准。"
            body = xlsx.rows_xml([[title], HEADER, *lines, [note]])
            sheets.append(xlsx.Sheet(sheet, body, ("A1:L1",)))
        xlsx.write_workbook(out / file, sheets)
    return entries


CLASS_TYPES = ("托班", "小班", "中班", "大班", "混合班")
CHILD_HEADER = (
    "身份证件号",
    "幼儿姓名",
    "性别",
    "出生日期",
    "园所代码",
    "班级名称",
    "班型",
    "入园日期",
    "监护人电话",
)
_BIRTH = rows.STUDENT_KINDS[2].change
CHILD_KINDS = (
    rows.Kind(
        "pch-id-scientific", "PCH-001", "id_number", lambda r, n: {"id_number": "4.50499E+17"}
    ),
    rows.Kind("pch-birth-not-id", "PCH-003", "birth_date", _BIRTH),
    rows.Kind(
        "pch-kindergarten-unknown",
        "PCH-004",
        "kindergarten_code",
        lambda r, n: {"school_code": f"{(r['school_code'] or '')[:4]}99{n % 9000 + 1000}"},
    ),
    rows.Kind(
        "pch-toddler-in-ordinary-class",
        "PCH-007",
        "class_type",
        lambda r, n: {"grade": "小班"},
        pl.col("grade") == "托班",
    ),
    rows.Kind(
        "pch-entry-before-birth", "PCH-006", "entry_date", lambda r, n: {"entry_date": "20150901"}
    ),
)


def write_children(
    out: Path,
    schools: Schools,
    ids: NDArray[np.int64],
    table: NDArray[np.float64],
    region: int,
    scale: float,
    seed: int,
) -> list[Entry]:
    """Write the children of a region's kindergartens in the latest year.

    Args:
        out: folder of the source files.
        schools: the schools of the city.
        ids: positions of the region's schools.
        table: form 2105 of the latest year, (schools, rows 总计 托 小 中 大 混, 8 columns).
        region: the region.
        scale: scale of the city.
        seed: seed of the city.
    """
    g = rng(seed, 87, region)
    period, y = school_year(LATEST), LATEST - YEARS[0]
    heads = table[:, 1:, 6].astype(np.int64) * (schools.kind[ids] == KG)[:, None]
    n = int(heads.sum())
    flat = np.repeat(np.arange(heads.size), heads.ravel())
    local, kind = flat // 5, flat % 5
    rank = np.arange(n) - np.r_[0, np.cumsum(heads.ravel())[:-1]][flat]
    # age in whole years on 1 September; mixed classes hold three ages, nursery children are two
    age = np.where(kind == 4, 3 + rank % 3, 2 + kind)
    day = g.integers(0, 150 if n else 1, n) + 30
    day = np.where(kind == 0, day % 120 + 15, day)
    born = np.datetime64(f"{LATEST}-09-01") - (age * 366 + day - 30 * (kind == 0)).astype(
        "timedelta64[D]"
    )
    text = pl.Series(born.astype("datetime64[ms]")).dt.strftime("%Y%m%d")
    male = g.random(n) < 0.525
    number = people.assign_identities(
        g, text.cast(pl.Int64).to_numpy(), male, scale, region / 8, (region + 1) / 8
    )
    codes = [schools.code_y[i][y] for i in ids]
    entry = np.where(kind == 4, LATEST - rank % 3, LATEST - np.maximum(kind - 1, 0))
    class_no = pl.Series(rank // 30 + 1).cast(pl.String)
    label = people.take(CLASS_TYPES, kind)
    frame = pl.DataFrame(
        {
            "id_number": number,
            "name": people.names(g, n),
            "sex": people.take(["女", "男"], male.astype(np.int64)),
            "birth_date": text,
            "school_code": people.take(codes, local),
            "class_name": pl.select(pl.concat_str(label, class_no, pl.lit("班"))).to_series(),
            "grade": label,
            "entry_date": pl.select(
                pl.concat_str(pl.Series(entry).cast(pl.String), pl.lit("0901"))
            ).to_series(),
            "guardian_phone": people.phones(g, n),
        }
    )
    file = f"学前教育/{period}/{REGION_CODES[region]}_{REGION_NAMES[region]}_在园幼儿.csv"
    planted = rows.plant_rows(
        g,
        frame,
        CHILD_KINDS,
        "preschool_children",
        period,
        file,
        "",
        2,
        turn=region,
        pairs=(
            (
                "pch-same-child-twice",
                "PCH-KEY",
                ("name", "sex", "birth_date", "id_number"),
                pl.col("grade").is_in(["小班", "中班", "大班"]),
            ),
        ),
    )
    path = out / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(to_gb18030(csv_bytes(planted.frame, CHILD_HEADER)))
    return planted.entries
