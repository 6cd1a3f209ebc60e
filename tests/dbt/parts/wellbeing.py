"""Health, after-school service, governance of schools and the preschool system.

Expected values stand in `test_mini_wellbeing.py`. Only the schools named here reported.
"""

from tests.dbt.mini_city import C1, K1, K2, K3, N1, P1, P2, T1, Y24, Y25, Row, Sheets

COLUMNS = {
    "kindergartens": "kindergarten_code kindergarten_name division_code ownership_type is_inclusive"
    " inclusive_from inclusive_to is_township_centre principals principals_certified has_nursery"
    " status",
    "preschool_children": "id_number name sex birth_date kindergarten_code class_name class_type"
    " entry_date guardian_phone",
    "fitness": "student_no school_code grade_code class_name ethnicity_code sex birth_date"
    " height_cm weight_kg vital_capacity_ml run_50m_s sit_reach_cm endurance is_exempt score level",
    "eyesight": "semester school_code school_name grade screened myopia myopia_mild"
    " myopia_moderate myopia_high",
    "after_school": "semester school_code school_name stage pupils participants weeks",
    "school_governance": "county_name school_code school_name has_party_conditions is_party_led"
    " counsellors_full_time counsellors_part_time",
}


def _rows(columns: str, *lines: tuple[str | None, ...]) -> list[Row]:
    return [dict(zip(columns.split(), line, strict=True)) for line in lines]


def kindergartens() -> list[Row]:
    """K1 is the centre of 450403101; a second one of the same town is closed."""
    return _rows(
        "kindergarten_code division_code ownership_type is_township_centre principals"
        " principals_certified status",
        (K1, "450403101000", "教育部门办", "是", "2", "1", "在办"),
        ("1145000091", "450403102000", "教育部门办", "是", "1", "1", "停办"),
        # B: a private one is no public centre; one in a subdistrict is none of a township
        (K2, "450421100000", "民办", "是", "1", "1", "在办"),
        (K3, "450421001000", "集体办", "是", "1", "-", "在办"),
    )


def children(school: str, class_type: str, count: int) -> list[Row]:
    """`count` children of one kind of class."""
    return [{"kindergarten_code": school, "class_type": class_type, "name": "某某"}] * count


def pupils(
    count: int, school: str, grade: str, level: str | None, sex: str = "1", exempt: str = "否"
) -> list[Row]:
    """`count` equal fitness results."""
    return [
        {
            "student_no": "G4504990000",
            "school_code": school,
            "grade_code": grade,
            "sex": sex,
            "is_exempt": exempt,
            "level": level,
        }
    ] * count


def fitness() -> list[Row]:
    """P1, N1 (both stages), C1 (junior and senior); the others sent nothing."""
    return [
        *pupils(2, P1, "11", "优秀"),
        *pupils(3, P1, "16", "良好", sex="2"),
        *pupils(4, P1, "14", " 及格"),  # a blank before the level
        *pupils(1, P1, "14", "不及格"),
        *pupils(2, P1, "14", None, exempt="是"),
        *pupils(1, P1, "14", "优秀", exempt="是"),  # exempt and rated: not counted
        *pupils(1, P1, "14", None),
        *pupils(4, N1, "16", "良好", sex="2"),
        *pupils(4, N1, "16", "及格"),
        *pupils(2, N1, "21", "优秀"),
        *pupils(8, N1, "21", "不及格", sex="2"),
        *pupils(5, C1, "23", "良好"),
        *pupils(5, C1, "23", "及格", sex="2"),
        *pupils(3, C1, "31", "优秀", sex="2"),
        *pupils(7, C1, "33", "及格"),
    ]


def eyesight() -> list[Row]:
    """P1 reported both semesters, the others one of them."""
    return _rows(
        "semester school_code grade screened myopia",
        ("秋季学期", P1, "小学一年级", "100", "20"),
        ("秋季学期", P1, "小学六年级", "100", "50"),
        ("春季学期", P1, "小学一年级", "96", "24"),
        ("春季学期", P1, "小学六年级", "104", "52"),
        ("秋季学期", N1, "小学六年级", "120", "48"),
        ("秋季学期", N1, "初中一年级", "100", "60"),
        ("春季学期", C1, "初中二年级", "220", "143"),
        ("秋季学期", C1, "高中一年级", "100", "80"),
    )


def after_school() -> list[Row]:
    """N1's junior part reported in autumn only; T1 has a school, J1 did not report."""
    return _rows(
        "semester school_code stage pupils participants weeks",
        ("秋季学期", P1, "小学", "200", "150", "18"),
        ("春季学期", P1, "小学", "198", "180", "18周"),
        ("秋季学期", P2, "小学", "100", "60", "17"),
        ("秋季学期", T1, "小学", "30", "30", "18"),
        ("秋季学期", N1, "小学", "120", "90", "18"),
        ("春季学期", N1, "小学", "120", "96", "18"),
        ("秋季学期", N1, "初中", "100", "40", "18"),
        ("春季学期", C1, "初中", "220", "110", "18"),
    )


def governance() -> list[Row]:
    """T1 has no row (教学点), P3 and J1 sent none."""
    return _rows(
        "school_code has_party_conditions is_party_led counsellors_full_time counsellors_part_time",
        (P1, "是", "是", "1", "0"),
        # private: not due, whatever it says
        (P2, "是", "是", "0", "1"),
        (N1, "是", "否", "", "-"),
        # led without the conditions: not counted
        (C1, "否", "是", "0", "2"),
    )


def sheets() -> Sheets:
    """Everything, by dataset and period."""
    return {
        ("kindergartens", Y25): kindergartens(),
        ("preschool_children", Y25): [
            *children(K1, "托班", 9),
            *children(K1, "小班", 24),
            *children(K1, "大班", 60),
            *children(K2, "混合班", 50),
        ],
        ("fitness", Y25): fitness(),
        # a year before: only to see that years stay apart
        ("fitness", Y24): pupils(10, P1, "11", "不及格"),
        ("eyesight", Y25): eyesight(),
        ("after_school", Y25): after_school(),
        ("school_governance", Y25): governance(),
    }
