"""Teachers of P1 in the two years before, so that one indicator has three yearly values."""

from tests.dbt.mini_city import P1, Y23, Y24, Row, Sheets, teacher

COLUMNS: dict[str, str] = {}


def teachers(certified: int) -> list[Row]:
    """A hundred primary teachers, ``certified`` of them with a certificate."""
    return [
        *teacher(certified, P1, "小学", "本科"),
        *teacher(100 - certified, P1, "小学", "本科", certificate_type="无", certificate_no=None),
    ]


def sheets() -> Sheets:
    """TCH-03: 80 % in 2023-2024, 84 % in 2024-2025."""
    return {("teachers", Y23): teachers(80), ("teachers", Y24): teachers(84)}
