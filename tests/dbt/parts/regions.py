"""County sums from before 2013, when 蝶山区 (450404) still reported beside 万秀区."""

from tests.dbt.mini_city import A, Sheets

COLUMNS: dict[str, str] = {}


def sheets() -> Sheets:
    """Primary entrants of 2012-2013 by the counties of that time."""
    rows = [("450404", "50"), (A, "100"), ("450411", "7")]
    return {
        ("jj3112", "2012-2013"): [
            {"reporter_code": code, "sheet_type": "小学", "row_name": "总计", "entrants": entrants}
            for code, entrants in rows
        ]
    }
