"""Admissions to C1 (senior, city-run) and V1 (vocational) in 2025; plans of 2024 and 2025."""

from tests.dbt.mini_city import C1, J1, N1, P1, V1, Row, Sheets

COLUMNS = {
    "adm_plans": "admission_year school_code batch plan_places is_quality quota_places"
    " rural_quota_places unified_from unified_until",
    "adm_offers": "admission_year exam_no school_code batch offered_at status",
    "adm_registrations": "admission_year exam_no school_code student_no registered_on status",
}


def plans() -> list[Row]:
    """C1 in both years; J1's line makes county A one of its own; an unknown code counts nowhere.

    A quality school that leaves its quota blank: beside another one (A) and alone (B).
    """
    lines: tuple[tuple[str, str, str, str, str | None], ...] = (
        ("2024", C1, "100", "true", "45"),
        ("2025", C1, "120", "true", "66"),
        ("2025", J1, "80", "true", "20"),
        ("2025", V1, "50", "false", "10"),
        ("2025", "3445999999", "100", "true", "100"),
        ("2025", P1, "40", "true", None),
        ("2025", N1, "90", "true", None),
    )
    return [
        {
            "admission_year": year,
            "school_code": code,
            "plan_places": places,
            "is_quality": quality,
            "quota_places": quota,
        }
        for year, code, places, quality, quota in lines
    ]


def _people() -> list[tuple[int, list[tuple[str, str]], list[tuple[str, str, str]]]]:
    """How many, their offers (school, status), their registrations (school, date, status)."""
    yes, no = "已确认", "已放弃"
    return [
        (90, [(C1, yes)], [(C1, "2025-09-01", "有效")]),
        (27, [(C1, no), (V1, yes)], [(V1, "2025-09-02", "有效")]),
        (3, [], [(C1, "2025-09-01", "有效")]),  # not through the platform
        (2, [(V1, yes), (C1, no)], [(C1, "2025-09-01", "有效")]),  # came to another school
        (1, [(C1, yes), (V1, yes)], [(V1, "2025-08-28", "有效"), (C1, "2025-09-01", "有效")]),
        (1, [(C1, yes), (V1, yes)], [(C1, "2025-09-01", "有效"), (V1, "2025年9月5日", "有效")]),
        (1, [(C1, yes)], [(C1, "2025-09-01", "注销")]),
        (4, [(C1, yes)], []),  # accepted and never came
    ]


def sheets() -> Sheets:
    """All lists are sent whole, for all years."""
    offers: list[Row] = []
    registrations: list[Row] = []
    number = 0
    for count, offered, registered in _people():
        for _ in range(count):
            number += 1
            person = {"admission_year": "2025", "exam_no": f"25450401{number:06d}"}
            offers += [{**person, "school_code": c, "status": s} for c, s in offered]
            registrations += [
                {**person, "school_code": c, "registered_on": d, "status": s}
                for c, d, s in registered
            ]
    return {
        ("adm_plans", "all"): plans(),
        ("adm_offers", "all"): offers,
        ("adm_registrations", "all"): registrations,
    }
