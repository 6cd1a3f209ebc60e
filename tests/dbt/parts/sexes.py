"""Girls and boys: 2018-2019 by school, 2019-2020 as county sums.

Expected values stand in `test_mini_sexes.py`.
"""

from tests.dbt.mini_city import C1, K1, N1, P1, A, B, Row, Sheets, pupils, register

COLUMNS: dict[str, str] = {}
C = "450422"


def residents(groups: dict[str, dict[int, tuple[int, int]]]) -> list[Row]:
    """Girls and boys by county name and the first age of a group; other ages are empty."""
    return [
        {"age": str(age), "region_name": name, "sex": sex, "population": str(count)}
        for name, at in groups.items()
        for age in range(19)
        for girls, boys in [at.get(age, (0, 0))]
        for sex, count in (("合计", girls + boys), ("女", girls), ("男", boys))
    ]


def students() -> list[Row]:
    """P1 and N1 in primary school (two boys of N1 are thirteen), C1 in senior school."""
    young = {"birth_date": "20120501", "entry_month": "201809"}
    return [
        *pupils(40, P1, "小学一年级", sex="女", **young),
        *pupils(50, P1, "小学一年级", sex="男", **young),
        *pupils(3, P1, "小学一年级", sex="男", status="转出", **young),
        *pupils(30, N1, "小学一年级", sex="女", **young),
        *pupils(20, N1, "小学一年级", sex="男", **young),
        *pupils(2, N1, "小学六年级", sex="男", birth_date="20050101"),
        *pupils(30, C1, "高中一年级", sex="女", birth_date="20030101"),
        *pupils(25, C1, "高中一年级", sex="男", birth_date="20030101"),
    ]


def sheets() -> Sheets:
    """All sheets of this part."""
    return {
        ("school_register", "2018-2019"): [
            row for row in register() if row["school_code"] in {P1, N1, C1, K1}
        ],
        ("students", "2018-2019"): students(),
        ("jj2105", "2018-2019"): [
            {"reporter_code": K1, "sheet_type": "幼儿园", "row_name": row, "classes": "1",
             "children": children, "children_female": girls}
            for row, children, girls in (
                ("托班", "9", "4"), ("小班", "30", "12"), ("大班", "30", "15"),
            )
        ],
        ("population", "2018"): residents({
            "万秀区": {3: (30, 40), 6: (50, 50), 15: (40, 40)},
            "苍梧县": {3: (10, 10), 6: (40, 40), 15: (10, 10)},
        }),
        # C names no girls: it is part of the whole and of neither half.
        ("jj3115", "2019-2020"): [
            {"reporter_code": county, "sheet_type": "汇总", "row_name": "总计",
             "enrolment": enrolment, "enrolment_female": girls}
            for county, enrolment, girls in ((A, "400", "180"), (B, "200", "102"), (C, "100", None))
        ],
        ("population", "2019"): residents({
            "万秀区": {12: (200, 220)}, "苍梧县": {12: (100, 110)}, "藤县": {12: (60, 60)},
        }),
    }  # fmt: skip
