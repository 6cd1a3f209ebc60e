"""V1, transfers between C1 and V1, teacher rotation, children with disabilities."""

from tests.dbt.mini_city import C1, N1, P1, P2, V1, Y23, Y24, Y25, Row, Sheets

COLUMNS = {
    "voc_programmes": "school_code school_name programme_code programme_name opened_year enrolment"
    " status",
    "industry_directory": "chain programme_code programme_name note",
    "voc_teachers": "teacher_no name school_code school_name is_special dual_level recognised_on"
    " valid_to",
    "voc_conditions": "school_code school_name item value standard is_met",
    "transfers": "student_no name from_school_code from_school_name to_school_code to_school_name"
    " direction applied_on completed_on status",
    "teacher_rotation": "school_code school_name eligible rotated rotated_backbone",
    "disability": "region_name children enrolled in_special_schools in_special_classes"
    " in_regular_classes taught_at_home",
}


def programmes() -> list[Row]:
    """Three in operation; one is no longer open to entrants and one withdrawn."""
    return [
        {"school_code": V1, "programme_code": code, "enrolment": enrolment, "status": status}
        for code, enrolment, status in (
            ("990101", "100", "在办"),
            ("990102", "80", "在办"),
            ("990103", "60", "在办"),
            ("990104", "20", "停招"),
            ("990105", "-", "撤销"),
        )
    ]


def directory() -> list[Row]:
    """990102 serves two chains; 990104 is listed but takes no entrants any more."""
    pairs = (("链甲", "990101"), ("链甲", "990102"), ("链乙", "990102"), ("链乙", "990104"))
    return [{"chain": chain, "programme_code": code} for chain, code in pairs]


def teachers() -> list[Row]:
    """Ten teachers of a profession and two of general subjects, on 1 September 2025."""
    lines = (
        (4, "是", "初级", "20231201", "20281130"),
        (1, "是", "中级", "2025年9月1日", None),  # from that very day
        (1, "是", "初级", "20200901", "20250901"),  # to that very day
        (1, "是", "高级", "20250902", None),  # a day late
        (1, "是", "高级", "20200901", "20250831"),  # lapsed the day before
        (1, "是", "初级", "", "20281130"),  # no date of recognition
        (1, "是", "无", None, None),
        (2, "否", "中级", "20231201", "20281130"),
    )
    return [
        {
            "school_code": V1,
            "is_special": special,
            "dual_level": level,
            "recognised_on": since,
            "valid_to": until,
        }
        for count, special, level, since, until in lines
        for _ in range(count)
    ]


def conditions() -> dict[str, list[Row]]:
    """Three items; the sheet's own judgement counts only where no numbers can be read."""

    def items(*lines: tuple[str, str, str, str]) -> list[Row]:
        return [
            {"school_code": V1, "item": item, "value": value, "standard": standard, "is_met": met}
            for item, value, standard, met in lines
        ]

    return {
        Y25: items(
            ("甲", "22.5", "≥20", "是"), ("乙", "17", "≤18", "是"), ("丙", "-", "按规划", "是")
        ),
        # 乙 is marked 是 and is not: 19 of at most 18
        Y24: items(
            ("甲", "20", "20", "是"), ("乙", "19", "不超过 18", "是"), ("丙", "-", "", "是")
        ),
        # 乙 can be judged by nobody
        Y23: items(("甲", "20", "≥20", "是"), ("乙", "-", "≤18", "")),
    }


def transfers() -> dict[str, list[Row]]:
    """学籍异动 of two years; only moves completed inside the school year count."""

    def moves(count: int, source: str, target: str, status: str, done: str | None) -> list[Row]:
        return [
            {
                "from_school_code": source,
                "to_school_code": target,
                "direction": "普高转中职" if target == V1 else "中职转普高",
                "completed_on": done,
                "status": status,
            }
        ] * count

    return {
        Y25: [
            *moves(12, C1, V1, "已完成", "20251120"),
            *moves(3, C1, V1, "已完成", "2026-08-31"),  # the last day
            *moves(1, C1, V1, "已完成", "20260901"),
            *moves(1, C1, V1, "已完成", "20250831"),
            *moves(1, C1, V1, "已完成", None),
            *moves(1, C1, V1, "已撤回", "20251120"),
            *moves(1, C1, V1, "审核中", None),
            *moves(11, V1, C1, "已完成", "20260115"),
        ],
        Y24: moves(1, C1, V1, "审核中", None),
    }


def rotation() -> list[Row]:
    """Four of seven schools report; P2 rotated nobody, C1 does not say how many were backbone."""
    return [
        {"school_code": code, "eligible": eligible, "rotated": rotated, "rotated_backbone": bone}
        for code, eligible, rotated, bone in (
            (P1, "80", "20", "10"),
            (P2, "20", "0", ""),
            (N1, "100", "30", "0"),
            (C1, "100", "10", "-"),
        )
    ]


def disability() -> list[Row]:
    """Two counties of seven."""
    return [
        {"region_name": "万秀区", "children": "400", "enrolled": "380"},
        {"region_name": "苍梧县", "children": "200", "enrolled": "170"},
    ]


def sheets() -> Sheets:
    """All sheets of this part."""
    out: Sheets = {
        ("voc_programmes", Y25): programmes(),
        ("industry_directory", "all"): directory(),
        ("voc_teachers", Y25): teachers(),
        ("teacher_rotation", Y25): rotation(),
        ("disability", Y25): disability(),
    }
    out |= {("voc_conditions", period): rows for period, rows in conditions().items()}
    out |= {("transfers", period): rows for period, rows in transfers().items()}
    return out
