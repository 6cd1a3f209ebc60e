"""The form that a bureau hands upward: an Excel workbook in Chinese, laid out for A3 and A4 paper.

Numbers are numbers, and nothing is a formula. A state is a shape, a word and a colour; in the table
of counties the shape is part of the number's format. Two runs on one warehouse give the same bytes.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from eduplan.errors import EduplanError
from eduplan.export.folder import export_file
from eduplan.export.snapshot import Snapshot
from eduplan.quality.clock import CHINA
from eduplan.scorecard.wording import GLYPHS, WORDS

NOTHING, HIDDEN = "—", "×"
_DEMO = "演示：合成数据或虚构目标，非真实统计"
_COLOURS: Mapping[str, str] = {
    "met": "#0F5A4A", "on_track": "#1C7A58", "at_risk": "#8A5200", "off_track": "#B02A30",
}  # fmt: skip
_FILLS: Mapping[str, str] = {
    "met": "#D5E8E2", "on_track": "#E4F2EA", "at_risk": "#FBEFD9", "off_track": "#F8DFE0",
}  # fmt: skip
_TASK_GLYPHS: Mapping[str, str] = {
    "done_on_time": "★", "done_late": "☆", "done_no_deadline": "☆", "in_progress": "●",
    "ongoing": "●", "not_started": "○", "overdue": "■", "no_report": "—",
}  # fmt: skip
_TASK_LIKE: Mapping[str, str] = {
    "done_on_time": "met", "in_progress": "on_track", "ongoing": "on_track",
    "done_late": "at_risk", "overdue": "off_track",
}  # fmt: skip
_A3, _A4 = 8, 9


@dataclass(frozen=True)
class _Column:
    """A column of a table: head (a group above it where there is one) and width in characters."""

    head: str
    width: float
    group: str = ""


def export_workbook(
    snap: Snapshot, target: Path, plan: str, region: str | None = None, year: int | None = None
) -> int:
    """Write the form of one region to ``target``; return the number of indicators in it.

    ``region`` is a code, default the city: its form compares the counties. ``year``: the year that
    periods start in; default each indicator's latest.
    """
    import xlsxwriter

    cities = snap.column("select region_code from bi.region where region_level = 'city'")
    chosen = {
        "plan": plan, "region": region or cities[0], "city": cities[0], "year": year,
        "day": snap.day,
    }  # fmt: skip
    with export_file(target) as part:
        with closing(xlsxwriter.Workbook(str(part))) as book:
            book.set_properties(
                {
                    "title": "指标完成情况报表",
                    "comments": ", ".join(f"{k}={v}" for k, v in snap.facts(plan).items()),
                    "created": snap.built_at.replace(tzinfo=None),
                }
            )
            form = _Form(book, snap, chosen)
            if not form.own:
                raise EduplanError(
                    f"{form.plan['region_name']} has no indicator in periods that start in {year}",
                    hint="leave --period out for the latest",
                )
            form.cover()
            form.indicators()
            form.counties()
            form.tasks()
            form.quality()
            form.definitions()
            form.symbols()
        return len(form.own)


class _Form:
    """The sheets of one workbook, over the rows they share."""

    def __init__(self, book: Any, snap: Snapshot, chosen: Mapping[str, Any]) -> None:
        self.book, self.snap, self.chosen = book, snap, chosen
        self.progress = snap.rows("workbook_progress", chosen)
        self.own = [row for row in self.progress if row["region_code"] == chosen["region"]]
        self.plan = snap.rows("workbook_plan", chosen)[0]
        self.is_demo = snap.is_demonstration(chosen["plan"])
        self._formats: dict[tuple[tuple[str, Any], ...], Any] = {}
        self._widths: list[float] = []
        self._lines: dict[int, int] = {}

    # --- parts of a page ---

    def style(self, **wanted: Any) -> Any:
        """Return the format of a cell, made once."""
        given = {"font_name": "宋体", "font_size": 10, "valign": "vcenter", **wanted}
        key = tuple(sorted(given.items()))
        if key not in self._formats:
            self._formats[key] = self.book.add_format(given)
        return self._formats[key]

    def cell(self, **wanted: Any) -> Any:
        """Return the format of a cell of a table."""
        return self.style(border=1, border_color="#9AA5B1", **wanted)

    def page(
        self, name: str, title: str, columns: Sequence[_Column], paper: int, frozen: int = 0
    ) -> tuple[Any, int]:
        """Add a sheet with title and heads; return it and the first line of its rows."""
        sheet = self.book.add_worksheet(name)
        last = len(columns) - 1
        self._widths, self._lines = [column.width for column in columns], {}
        for at, column in enumerate(columns):
            sheet.set_column(at, at, column.width)
        sheet.set_row(0, 30)
        sheet.merge_range(
            0, 0, 0, last, title,
            self.style(font_name="黑体", font_size=16, align="center"),
        )  # fmt: skip
        sheet.set_row(1, 18)
        sheet.write_string(1, 0, self.plan["plan_name_zh"], self.style())
        if self.is_demo:
            badge = self.style(align="right", bold=True, font_color="#B02A30")
            sheet.write_string(1, last, _DEMO, badge)
        rows = 2 if any(column.group for column in columns) else 1
        head = self.cell(
            bold=True, bg_color="#E8EEF4", align="center", text_wrap=True, font_name="黑体"
        )
        for at, column in enumerate(columns):
            if rows == 1:
                sheet.write_string(2, at, column.head, head)
            elif not column.group:
                sheet.merge_range(2, at, 3, at, column.head, head)
            else:
                sheet.write_string(3, at, column.head, head)
        for group, parts in groupby(enumerate(columns), key=lambda pair: pair[1].group):
            places = [at for at, _ in parts]
            if group and len(places) > 1:
                sheet.merge_range(2, places[0], 2, places[-1], group, head)
            elif group:
                sheet.write_string(2, places[0], group, head)
        for line in range(2, 2 + rows):
            sheet.set_row(line, 24)
        first = 2 + rows
        sheet.freeze_panes(first, frozen)
        self.paper(sheet, paper)
        sheet.repeat_rows(2, first - 1)
        return sheet, first

    def paper(self, sheet: Any, paper: int, landscape: bool = True) -> None:
        """Set a sheet up for printing: one page wide, numbered."""
        if landscape:
            sheet.set_landscape()
        sheet.set_paper(paper)
        sheet.set_margins(left=0.5, right=0.5, top=0.6, bottom=0.6)
        sheet.center_horizontally()
        sheet.fit_to_pages(1, 0)
        sheet.hide_gridlines(2)
        badge = f"&L{_DEMO}" if self.is_demo else ""
        sheet.set_footer(f"{badge}&C第 &P 页，共 &N 页&R制表时间：{self.made()}")

    def made(self) -> str:
        """When the numbers were built, Beijing time."""
        return self.snap.built_at.astimezone(CHINA).strftime("%Y年%m月%d日 %H:%M")

    def number(
        self, sheet: Any, line: int, at: int, value: Any, places: int | None, **wanted: Any
    ) -> None:
        """Write a number with ``places`` decimals (None: its own), or that there is none."""
        if value is None:
            sheet.write_string(line, at, NOTHING, self.cell(align="center", **wanted))
            return
        shape = (
            "#,##0" + ("." + "0" * places if places else "") if places is not None else "General"
        )
        shape = wanted.pop("num_format", shape)
        sheet.write_number(line, at, value, self.cell(align="right", num_format=shape, **wanted))

    def text(self, sheet: Any, line: int, at: int, value: str | None, **wanted: Any) -> None:
        """Write a text; an absent one leaves the cell empty."""
        form = self.cell(text_wrap=True, **wanted)
        if not value:
            sheet.write_blank(line, at, None, form)
            return
        sheet.write_string(line, at, value, form)
        # Not every program makes a row as high as its text.
        lines = max(self._lines.get(line, 1), -(-_width(value) // int(self._widths[at] - 1)))
        self._lines[line] = lines
        sheet.set_row(line, 5 + 13 * lines)

    def band(self, sheet: Any, line: int, last: int, text: str) -> None:
        """Write the heading of a group of rows over the width of the table."""
        sheet.set_row(line, 20)
        form = self.cell(bold=True, bg_color="#F3F5F8", font_name="黑体")
        sheet.merge_range(line, 0, line, last, text, form)

    # --- the sheets ---

    def cover(self) -> None:
        """Who reports what, as of when, and the lines to sign on."""
        sheet = self.book.add_worksheet("封面")
        self.paper(sheet, _A4)
        sheet.set_column(0, 0, 8)
        sheet.set_column(1, 1, 24)
        sheet.set_column(2, 2, 70)
        sheet.set_column(3, 3, 8)
        sheet.set_row(1, 46)
        sheet.merge_range(
            1, 0, 1, 3, f"{self.plan['plan_name_zh']}",
            self.style(font_name="黑体", font_size=22, align="center", text_wrap=True),
        )  # fmt: skip
        sheet.set_row(2, 34)
        sheet.merge_range(
            2, 0, 2, 3, "指标完成情况报表",
            self.style(font_name="黑体", font_size=18, align="center"),
        )  # fmt: skip
        if self.is_demo:
            sheet.set_row(3, 28)
            sheet.merge_range(
                3, 1, 3, 2, _DEMO,
                self.style(font_size=14, bold=True, align="center", font_color="#B02A30",
                           border=2, border_color="#B02A30"),
            )  # fmt: skip
        periods = sorted({row["period"] for row in self.own if row["value"] is not None})
        lines = [
            ("填报地区", self.plan["region_name"]),
            ("填报单位（盖章）", ""),
            ("方案版本", f"{self.plan['plan_name_zh']}（{self.chosen['plan']}）"),
            ("数据期", "、".join(periods) or NOTHING),
            ("制表时间（数据截至）", f"{self.made()}（北京时间），构建编号 {self.snap.build_id}"),
            ("保密处理", self.threshold()),
            ("填表人（签字）", ""),
            ("审核人（签字）", ""),
            ("负责人（签字）", ""),
            ("报出日期", "　　　　年　　月　　日"),
        ]
        for line, (label, value) in enumerate(lines, start=5):
            sheet.set_row(line, 32)
            sheet.write_string(line, 1, label, self.style(font_size=14, align="right"))
            sheet.write_string(
                line, 2, value, self.style(font_size=14, bottom=1, indent=1, text_wrap=True)
            )

    def threshold(self) -> str:
        """Which counts are hidden, in words."""
        if self.snap.threshold is None:
            return "阈值不明：构建之后设置有变"
        if self.snap.threshold == 0:
            return "未隐去任何数"
        return f"人数低于 {self.snap.threshold} 的数及可推出它的数不公布，记作 {HIDDEN}"

    def indicators(self) -> None:
        """Every indicator of the region against its targets, action by action."""
        base = self.plan["baseline_year"]
        sheet, line = self.page(
            "指标完成情况",
            f"{self.plan['region_name']}指标完成情况表",
            [
                _Column("序号", 6), _Column("指标代码", 11), _Column("指标名称", 42),
                _Column("计量单位", 10), _Column("数据期", 11), _Column(f"基期值\n（{base}）", 11),
                _Column("2025", 10, "年度目标值"), _Column("2026", 10, "年度目标值"),
                _Column("2027", 14, "年度目标值"), _Column("本期值", 12, "完成情况"),
                _Column("应达值", 12, "完成情况"), _Column("差距", 12, "完成情况"),
                _Column("进度（%）", 10, "完成情况"), _Column("状态", 13),
                _Column("覆盖率（%）", 10), _Column("备注", 40),
            ],
            _A3,
            frozen=3,
        )  # fmt: skip
        number = 0
        for action, rows in groupby(self.own, key=lambda row: row["action_name_zh"]):
            self.band(sheet, line, 15, action)
            line += 1
            for row in rows:
                number += 1
                self.indicator(sheet, line, number, row)
                line += 1

    def indicator(self, sheet: Any, line: int, number: int, row: Mapping[str, Any]) -> None:
        """Write one line of the table of indicators."""
        places, status = row["decimals"], row["status_code"]
        sheet.write_number(line, 0, number, self.cell(align="center"))
        self.text(sheet, line, 1, row["indicator_code"])
        self.text(sheet, line, 2, row["indicator_name_zh"])
        self.text(sheet, line, 3, row["unit_label"], align="center")
        self.text(sheet, line, 4, row["period"], align="center")
        for at, name in enumerate(("baseline_value", "target_2025", "target_2026"), start=5):
            self.number(sheet, line, at, row[name], places)
        self.final(sheet, line, 8, row)
        if status == "suppressed":
            self.text(sheet, line, 9, HIDDEN, align="center")
        else:
            self.number(sheet, line, 9, row["value"], places, bold=True)
        self.number(sheet, line, 10, row["trajectory_value"], places)
        self.number(sheet, line, 11, row["distance"], places)
        self.number(sheet, line, 12, row["progress_pct"], 1)
        self.status(sheet, line, 13, status, WORDS["zh"].get(status, row["status_label"]))
        self.number(sheet, line, 14, row["coverage_pct"], 1)
        self.text(sheet, line, 15, row["no_data_reason"])

    def final(self, sheet: Any, line: int, at: int, row: Mapping[str, Any]) -> None:
        """Write the final target: a number, or the ends of a band."""
        places = row["decimals"]
        if row["band_low"] is None:
            self.number(sheet, line, at, row["target_2027"], places)
        else:
            low, high = (f"{row[name]:,.{places}f}" for name in ("band_low", "band_high"))
            self.text(sheet, line, at, f"{low}～{high}", align="right")

    def status(
        self, sheet: Any, line: int, at: int, status: str, word: str, glyph: str | None = None
    ) -> None:
        """Write a state: shape, word and colour."""
        colours = {}
        if status in _COLOURS:
            colours = {"font_color": _COLOURS[status], "bg_color": _FILLS[status]}
        shape = glyph or GLYPHS.get(status, "")
        text = word if shape == NOTHING else f"{shape} {word}"
        sheet.write_string(line, at, text, self.cell(align="center", **colours))

    def counties(self) -> None:
        """The values of the counties side by side, each with the shape of its state."""
        wanted = {self.chosen["city"], self.chosen["region"]}
        everywhere = self.chosen["region"] == self.chosen["city"]
        regions = {
            row["region_code"]: row["region_name"]
            for row in sorted(self.progress, key=lambda row: row["region_sort_order"])
            if everywhere or row["region_code"] in wanted
        }
        sheet, line = self.page(
            "县区对照",
            "县（市、区）对照表",
            [
                _Column("指标代码", 11), _Column("指标名称", 42), _Column("计量单位", 10),
                _Column("数据期", 11), _Column("2027 目标", 14),
                *(_Column(name, 13) for name in regions.values()),
            ],
            _A3,
            frozen=2,
        )  # fmt: skip
        found = {(row["indicator_code"], row["region_code"]): row for row in self.progress}
        for action, rows in groupby(self.own, key=lambda row: row["action_name_zh"]):
            self.band(sheet, line, 4 + len(regions), action)
            line += 1
            for own in rows:
                self.text(sheet, line, 0, own["indicator_code"])
                self.text(sheet, line, 1, own["indicator_name_zh"])
                self.text(sheet, line, 2, own["unit_label"], align="center")
                self.text(sheet, line, 3, own["period"], align="center")
                self.final(sheet, line, 4, own)
                for at, region in enumerate(regions, start=5):
                    row = found.get((own["indicator_code"], region))
                    self.county(sheet, line, at, row if row and row["period"] == own["period"] else
                                None)  # fmt: skip
                line += 1

    def county(self, sheet: Any, line: int, at: int, row: Mapping[str, Any] | None) -> None:
        """Write one value of the table of counties."""
        if row is None or (row["value"] is None and row["status_code"] != "suppressed"):
            self.text(sheet, line, at, NOTHING, align="center")
        elif row["status_code"] == "suppressed":
            self.text(sheet, line, at, HIDDEN, align="center")
        else:
            status, places = row["status_code"], row["decimals"]
            shape = "#,##0" + ("." + "0" * places if places else "")
            colours = {}
            if status in _COLOURS:
                colours = {"font_color": _COLOURS[status], "bg_color": _FILLS[status]}
            self.number(
                sheet, line, at, row["value"], places,
                num_format=f'"{GLYPHS.get(status, "")} "{shape}', **colours,
            )  # fmt: skip

    def tasks(self) -> None:
        """The tasks of the plan, action by action."""
        sheet, line = self.page(
            "重点任务进展",
            "重点任务进展表",
            [
                _Column("任务编号", 11), _Column("任务", 46), _Column("牵头单位", 18),
                _Column("协同单位", 28), _Column("完成时限", 16), _Column("进度（%）", 10),
                _Column("验收日期", 13), _Column("状态", 16), _Column("进展截至", 13),
            ],
            _A3,
            frozen=2,
        )  # fmt: skip
        rows = self.snap.rows("workbook_tasks", self.chosen)
        if not rows:
            self.band(sheet, line, 8, "没有任务进展：未接入任务台账，或本地区没有任务。")
        for action, tasks in groupby(rows, key=lambda row: row["action_name_zh"] or NOTHING):
            self.band(sheet, line, 8, action)
            line += 1
            for row in tasks:
                self.text(sheet, line, 0, row["task_code"])
                self.text(sheet, line, 1, row["task_name"])
                self.text(sheet, line, 2, row["owner_name"])
                self.text(sheet, line, 3, row["co_owner_names"])
                self.text(sheet, line, 4, row["deadline_text"])
                self.number(sheet, line, 5, row["progress_pct"], 0)
                self.date(sheet, line, 6, row["acceptance_date"])
                code = row["status_code"]
                self.status(
                    sheet, line, 7, _TASK_LIKE.get(code, ""), row["status_label"] or code,
                    _TASK_GLYPHS.get(code, ""),
                )  # fmt: skip
                self.date(sheet, line, 8, row["as_of_date"])
                line += 1

    def date(self, sheet: Any, line: int, at: int, value: Any) -> None:
        """Write a date as a date."""
        if value is None:
            self.text(sheet, line, at, NOTHING, align="center")
        else:
            form = self.cell(num_format="yyyy-mm-dd", align="center")
            sheet.write_datetime(line, at, value, form)

    def quality(self) -> None:
        """What was reported of what was due, and what the rules found in it."""
        sheet, line = self.page(
            "数据质量与报送",
            "数据质量与报送情况",
            [
                _Column("数据集", 34),
                *(_Column(head, width, "报送") for head, width in (
                    ("最近一期", 12), ("截止日期", 13), ("应报单位", 10), ("按时", 8), ("迟报", 8),
                    ("未报", 8), ("报送率（%）", 11),
                )),
                *(_Column(head, width, "质量检查") for head, width in (
                    ("检查规则", 10), ("有不合格的规则", 12), ("最低合格率（%）", 13),
                    ("隔离待处理行（全市）", 14),
                )),
            ],
            _A4,
            frozen=1,
        )  # fmt: skip
        for row in self.snap.rows("workbook_quality", self.chosen):
            self.text(sheet, line, 0, row["dataset_name"])
            self.text(sheet, line, 1, row["period"] or NOTHING, align="center")
            self.date(sheet, line, 2, row["due_on"])
            names = ("units_expected", "units_on_time", "units_late", "units_missing")
            for at, name in enumerate(names, start=3):
                self.number(sheet, line, at, row[name], 0)
            self.number(sheet, line, 7, row["units_pct"], 1)
            self.number(sheet, line, 8, row["rules"], 0)
            self.number(sheet, line, 9, row["rules_failed"], 0)
            self.number(sheet, line, 10, row["lowest_pass_pct"], 2)
            self.number(sheet, line, 11, row["open_rows"], 0)
            line += 1

    def definitions(self) -> None:
        """How each indicator is defined and computed, and where that is written."""
        sheet, line = self.page(
            "指标口径说明",
            "指标口径说明",
            [
                _Column("指标代码", 11), _Column("指标名称", 30), _Column("计量单位", 10),
                _Column("方向", 11), _Column("定义与算法", 50), _Column("口径说明", 46),
                _Column("数据来源", 24), _Column("依据文件", 44),
            ],
            _A3,
            frozen=2,
        )  # fmt: skip
        rows = self.snap.rows("workbook_definitions", self.chosen)
        for action, found in groupby(rows, key=lambda row: row["action_name_zh"]):
            self.band(sheet, line, 7, action)
            line += 1
            for row in found:
                names = (
                    "indicator_code", "indicator_name_zh", "unit_label", "direction_label",
                    "definition_zh", "note_zh", "source_system", "source_document",
                )  # fmt: skip
                for at, name in enumerate(names):
                    self.text(sheet, line, at, row[name])
                line += 1

    def symbols(self) -> None:
        """What the signs mean."""
        sheet, line = self.page(
            "符号说明", "符号说明", [_Column("符号", 18), _Column("含义", 100)], _A4
        )
        for sign, meaning in self._meanings():
            if sign in WORDS["zh"]:
                self.status(sheet, line, 0, sign, WORDS["zh"][sign])
            else:
                self.text(sheet, line, 0, sign, align="center")
            self.text(sheet, line, 1, meaning)
            line += 1

    def _meanings(self) -> Iterator[tuple[str, str]]:
        yield NOTHING, "没有数据、没有目标，或不适用；原因见备注"
        yield HIDDEN, f"因人数过少不公布：{self.threshold()}"
        yield "met", "已达到 2027 年目标"
        yield "on_track", "不低于按轨迹现在应达的值"
        yield (
            "at_risk",
            "低于应达值，差距不大：占整个计划步长（2027 目标减基期）的份额在规定界限"
            "（一般为十分之一）以内",
        )
        yield "off_track", "低于应达值，差距超过上述界限"
        yield "incomplete", "填报不全，缺报单位可能改变判定，因此不作判定"
        yield "not_yet", "目标没有基期，不画轨迹；尚未达到 2027 年目标"
        yield "no_target", "方案没有为本指标写明目标，不作判定"
        yield "应达值", "按基期到 2027 年目标的轨迹，本期应当达到的值；目标为区间的，取最近的界"
        yield "差距", "本期值与应达值之差，按指标方向取号：负数为落后；单位同指标，百分数为百分点"
        yield "进度（%）", "从基期到 2027 年目标已走过的份额；退步为负，超过目标大于 100"
        yield (
            "覆盖率（%）",
            "应当填报且两侧数据齐全的单位所占的份额；低于 100 时本期值只代表已报单位",
        )


def _width(text: str) -> int:
    """Return how many characters of Latin script ``text`` is wide."""
    return sum(2 if ord(character) > 0x2E7F else 1 for character in text)
