"""A year of the older statistics series, where of-which rows begin with 其中:."""

from tests.dbt.mini_city import A, Row, Sheets

COLUMNS: dict[str, str] = {}


def sheets() -> Sheets:
    """County A in September 2015, as landed from the older form."""
    rows: list[Row] = [
        {"reporter_code": A, "sheet_type": "小学学生情况汇总", "row_name": name, "enrolment": count}
        for name, count in (("总计", "380"), ("其中:女", "180"), ("其中：寄宿生", "55"))
    ]
    return {("jj3112", "2015-2016"): rows}
