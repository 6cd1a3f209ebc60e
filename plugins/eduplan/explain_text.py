"""An explanation as a terminal page, in Chinese."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from eduplan.explain import Explanation, Row

_CAUSES = {"data": "数据", "definition": "口径", "suppression": "小数保护", "withdrawn": "撤回"}


def show(found: Explanation, console: Console) -> None:
    """Print ``found``; long names fold instead of being cut."""
    head = found.head
    digits, unit = int(head["decimals"]), head["unit"]

    def number(value: Any, places: int = digits) -> str:
        return "—" if value is None else f"{Decimal(value):,.{places}f}"

    console.print(
        Text.assemble(
            (f"{head['indicator_code']} {head['indicator_name_zh']}", "bold"),
            f"  {head['region_name']} {head['period']}",
        )
    )
    if head["is_suppressed"]:
        console.print("数值已隐去：人数过少，公布会泄露个人情况。")
    elif head["value"] is None:
        console.print(f"没有数值:{head['no_data_reason']}")
    else:
        was = ""
        if head["value_before"] is not None:
            was = f"(上期 {head['period_before']}:{number(head['value_before'])})"
        console.print(f"数值 {number(head['value'])} {unit} {was}")
        console.print(f"  分子 {number(head['numerator'])}  {head['numerator_zh']}")
        if head["denominator"] is not None:
            console.print(f"  分母 {number(head['denominator'])}  {head['denominator_zh']}")
    if head["expected_units"]:
        console.print(
            f"填报 {head['reporting_units']}/{head['expected_units']} 个单位,"
            f"覆盖 {number(head['coverage_pct'], 1)}%"
        )
    for name, key in (("口径", "definition_zh"), ("计算", "note_zh"), ("依据", "source_document")):
        if head[key]:
            console.print(Text.assemble((f"{name} ", "dim"), str(head[key])))

    _verdicts(found.verdicts, number, console)
    _section(
        "影响最大的学校(去掉它，数值会少多少)",
        ("", "名称", "分子", "分母", "自身", "上期", "影响"),
        (
            (
                str(row["influence_rank"]),
                str(row["contributor_name"] or row["contributor_code"]),
                number(row["numerator"]),
                number(row["denominator"]),
                number(row["contributor_value"]),
                number(row["contributor_value_before"]),
                f"{row['influence']:+.{digits + 2}f}",
            )
            for row in found.contributors
        ),
        console,
        text_columns=(1,),
    )
    if found.exposure is not None:
        row = found.exposure
        bounds = "全部改正后数值会变动多少无法估计"
        if row["value_low"] is not None and row["value_high"] is not None:
            bounds = (
                f"全部改正后数值在 {number(row['value_low'])} 至 {number(row['value_high'])} 之间,"
                f"最多变动 {number(row['change_at_most'])}"
            )
        console.print()
        console.print(
            Text.assemble(
                ("隔离区 ", "bold"),
                f"{row['quarantined_rows']:,} 行待处理，"
                f"涉及 {row['schools_in_doubt']:,} 份学校报表；" + bounds,
            )
        )
    _section(
        "数据批次",
        ("批次", "数据集", "期间", "文件", "行数", "隔离"),
        (
            (
                str(row["batch_id"]),
                str(row["dataset"]),
                str(row["batch_period"]),
                f"{row['file_count']:,}",
                number(row["accepted_count"], 0),
                f"{row['quarantined_count']:,}",
            )
            for row in found.batches
        ),
        console,
        text_columns=(1, 2),
    )
    _section(
        "修订",
        ("", "时间", "原值", "现值", "变动", "原因", ""),
        (
            (
                str(row["revision_number"]),
                f"{row['revised_at']:%Y-%m-%d %H:%M}",
                number(row["value_before"]),
                number(row["value"]),
                number(row["value_change"]),
                _CAUSES[row["cause"]],
                str(row["cause_zh"]),
            )
            for row in found.revisions
        ),
        console,
        text_columns=(1, 5, 6),
    )
    if not found.revisions:
        console.print(Text("首次公布后没有修订", "dim"))


def _verdicts(rows: Sequence[Row], number: Any, console: Console) -> None:
    def target(row: Row) -> str:
        if row["band_low"] is not None:
            return f"{number(row['band_low'])}–{number(row['band_high'])}"
        return str(number(row["target_2027"]))

    _section(
        "对照方案",
        ("方案", "判定", "基期", "应达到", "距离", "2027 目标"),
        (
            (
                str(row["plan_name_zh"]),
                str(row["status_label_zh"]),
                number(row["baseline_value"]),
                number(row["trajectory_value"]),
                number(row["distance"]),
                target(row),
            )
            for row in rows
        ),
        console,
        text_columns=(0, 1),
    )


def _section(
    title: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    console: Console,
    text_columns: Sequence[int] = (),
) -> None:
    """Print a titled table; nothing when it has no rows."""
    table = Table(box=None, header_style="dim", pad_edge=False)
    for place, name in enumerate(columns):
        table.add_column(
            name, justify="left" if place in text_columns else "right", overflow="fold"
        )
    for row in rows:
        table.add_row(*row)
    if table.row_count:
        console.print()
        console.print(Text(title, "bold"))
        console.print(table)
