"""Teachers of P1 in the two years before, so that one indicator has three yearly values; and the
registered population beside the residents.
"""

from tests.dbt.mini_city import P1, Y23, Y24, Row, Sheets, teacher

COLUMNS = {"population_hukou": "region_name age registered_count"}


def teachers(certified: int) -> list[Row]:
    """A hundred primary teachers, ``certified`` of them with a certificate."""
    return [
        *teacher(certified, P1, "小学", "本科"),
        *teacher(100 - certified, P1, "小学", "本科", certificate_type="无", certificate_no=None),
    ]


def registered() -> list[Row]:
    """A: 90 aged 3 to 5 (120 live there); B: 90 of 100; ages 6 to 11 are not delivered."""
    counts = {"万秀区": ("30", "30", "30"), "苍梧县": ("90", "0", "0")}
    return [
        {"region_name": name, "age": str(3 + n), "registered_count": count}
        for name, group in counts.items()
        for n, count in enumerate(group)
    ]


def sheets() -> Sheets:
    """TCH-03: 80 % in 2023-2024, 84 % in 2024-2025."""
    return {
        ("teachers", Y23): teachers(80),
        ("teachers", Y24): teachers(84),
        ("population_hukou", "2025"): registered(),
    }
