"""The school register of each year and its defects."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from demo.city import people, world, xlsx
from demo.city.ledger import Entry
from demo.city.planting import LATEST
from demo.city.world import (
    KG,
    REGION_CODES,
    REGION_NAMES,
    YEARS,
    Schools,
    rng,
    school_year,
)

REGISTER_HEADER = (
    "★学校(机构)标识码",
    "★学校(机构)名称",
    "★驻地地域码",
    "属地管理教育行政部门码",
    "★办学类型码",
    "办学类型",
    "举办者码",
    "举办者",
    "所在地城乡类型码",
    "是否普惠性民办园",
    "普惠认定起始日期",
    "普惠认定截止日期",
    "设立年月",
    "撤销年月",
    "原标识码",
    "规划建设年份",
    "经度",
    "纬度",
    "地址",
)
ORGANISER = {"821": "地级教育部门", "831": "县级教育部门", "894": "集体", "999": "民办"}


def _register_rows(schools: Schools, year: int) -> tuple[list[list[str | None]], list[int]]:
    rows: list[list[str | None]] = []
    ids: list[int] = []
    y = year - 2023
    for i in np.flatnonzero(schools.listed(year)):
        region, location = int(schools.region[i]), int(schools.location[i])
        inclusive = bool(schools.inclusive[i])
        kg = schools.kind[i] == KG
        private = schools.organiser[i] == "999"
        road = people.ROADS[int(i) % len(people.ROADS)]
        rows.append(
            [
                schools.code_y[i][y],
                schools.name_y[i][y],
                f"{REGION_CODES[location]}{100 + i % 9:03d}000",
                f"{REGION_CODES[region]}000000",
                schools.type_y[i][y],
                world.TYPE_NAME[schools.type_y[i][y]],
                schools.organiser[i],
                ORGANISER[schools.organiser[i]],
                schools.urban[i],
                ("是" if inclusive else "否") if kg and private else None,
                "20220901" if inclusive else None,
                "20270831" if inclusive else None,
                schools.founded[i],
                None,
                schools.predecessor_y[i][y] or None,
                schools.planned[i],
                f"{schools.lon[i]:.6f}",
                f"{schools.lat[i]:.6f}",
                f"广西梧州市{REGION_NAMES[location]}{schools.town[i]}{road}路{int(i) % 300 + 1}号",
            ]
        )
        ids.append(int(i))
    return rows, ids


def write_register(out: Path, schools: Schools, seed: int) -> list[Entry]:
    """Write the school register of each year; critical defects sit on schools of paper only.

    A rejected register row would accuse the pupils of its school, so the victims of critical
    rules are extra kindergartens (筹建) that no other file mentions.
    """
    entries: list[Entry] = []
    for year in YEARS:
        period = school_year(year)
        file = f"学校名录/{period}/学校(机构)名录.xlsx"
        rows, ids = _register_rows(schools, year)
        g = rng(seed, 40, year)
        each = 1 if len(rows) < 400 else 3
        notes: list[tuple[int, str, str, str]] = []  # row position, column, kind, rule
        # warnings on ordinary schools: kindergartens, each once
        kg = [k for k, i in enumerate(ids) if schools.kind[i] == KG]
        pool = [int(k) for k in g.permutation(np.array(kg))]
        for _ in range(each):
            if len(pool) < 6:
                break
            a, b = pool.pop(), pool.pop()
            rows[b][16], rows[b][17] = rows[a][16], rows[a][17]
            notes += [
                (a, "longitude", "reg-same-coordinates", "REG-006"),
                (b, "longitude", "reg-same-coordinates", "REG-006"),
            ]
            a = pool.pop()
            rows[a][18] = "梧州市"
            notes.append((a, "address", "reg-short-address", "REG-007"))
            if year > 2023:
                a = pool.pop()
                rows[a][14] = f"1145{970000 + a % 1000:06d}"
                notes.append((a, "predecessor_code", "reg-predecessor-unknown", "REG-008"))
            a = pool.pop()
            rows[a][9], rows[a][10], rows[a][11] = "是", None, None
            notes.append((a, "inclusive_from", "reg-inclusive-without-dates", "REG-009"))
        # paper schools
        sample = rows[kg[0]]
        serial = 980_000 + 100 * (year - 2023)
        made = 0

        def paper(
            made: int, serial: int = serial, sample: list[str | None] = sample, year: int = year
        ) -> list[str | None]:
            row = list(sample)
            row[0] = f"1145{serial + made:06d}"
            row[1] = f"万秀区筹建第{made + 1}幼儿园"
            row[9:15] = [None, None, None, f"{year}06", None, None]
            row[15] = str(year - 1)
            row[16], row[17] = f"{111.7 + made * 0.001:.6f}", f"{24.3 + made * 0.001:.6f}"
            row[18] = f"广西梧州市万秀区城东镇筹建路{made + 1}号"
            row[6], row[7] = "831", "县级教育部门"
            return row

        spoils = (
            (0, lambda r: r[0][:9], "school_code", "reg-code-format", "REG-001"),
            (
                2,
                lambda r: "450404" + r[2][6:],
                "location_code",
                "reg-abolished-district",
                "REG-002",
            ),
            (0, lambda r: "31" + r[0][2:], "school_code", "reg-category-not-type", "REG-003"),
            (4, lambda r: "113", "school_type_code", "reg-old-type-code", "REG-004"),
            (1, lambda r: None, "school_name", "reg-name-missing", "REG-REQ-school_name"),
            (9, lambda r: "普惠", "is_inclusive", "reg-inclusive-code", "REG-COD-is_inclusive"),
        )
        for n, (column, change, name, slug, rule) in enumerate(spoils):
            if each == 1 and n % 3 != year - 2023:
                continue
            for _ in range(each):
                row = paper(made)
                made += 1
                row[column] = change(row)  # type: ignore[no-untyped-call]
                notes.append((len(rows), name, slug, rule))
                rows.append(row)
        closed = paper(made)
        made += 1
        closed[13] = f"{year - 1}07"
        notes.append((len(rows), "closed_month", "reg-closed-still-listed", "REG-005"))
        rows.append(closed)
        if year == LATEST:
            twin = paper(made)
            second = list(twin)
            second[1] = f"{second[1]}(新)"
            second[16], second[17] = f"{111.69:.6f}", f"{24.29:.6f}"
            for row in (twin, second):
                notes.append((len(rows), "school_code", "reg-code-twice", "REG-KEY"))
                rows.append(row)
        entries += [
            Entry("school_register", period, file, "学校名录", k + 3, column, slug, rule)
            for k, column, slug, rule in notes
        ]
        body = xlsx.rows_xml([["梧州市学校(机构)名录"], list(REGISTER_HEADER), *rows])
        xlsx.write_workbook(out / file, [xlsx.Sheet("学校名录", body, ("A1:S1",))])
    return entries
