"""The plan's task table, its quarterly progress, the platforms and the new school places.

Only the twenty measure groups are public; every task is made up and says so (演示任务).
"""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path

import numpy as np

from demo.city import world, xlsx
from demo.city.ledger import Entry
from demo.city.world import COUNTIES, REGION_NAMES, rng

SEEDS = Path(__file__).resolve().parents[2] / "dbt_project" / "seeds"
YEAR = 2025
QUARTERS = ("第一季度", "第二季度", "第三季度", "第四季度")
WORK = (
    "制定实施方案",
    "完成项目建设",
    "开展专项行动",
    "建立工作机制",
    "组织督导评估",
    "总结推广经验",
)
# The same office under the names that different clerks write.
OWNERS = ("市教育局", "市教育局", "教育局", "梧州市教育局")
HELPERS = (
    "市财政局",
    "财政局",
    "市人社局",
    "市人力资源社会保障局",
    "市发改委",
    "市委编办",
    "市住建局",
)
DEADLINES = (
    "2025年6月底前", "2025年9月底前", "2025年12月底前", "2025年12月底前", "2026年6月底前",
    "2026年12月底前", "2027年6月底前", "2027年", "每年", "长期坚持",
)  # fmt: skip
TASK_HEADER = [
    "任务编号", "行动", "举措编号", "主要举措", "任务内容", "牵头单位", "配合单位", "完成时限",
    "成果形式", "备注",
]  # fmt: skip
TASK_FILE = "任务台账/重点任务分解表.xlsx"
STAGES = ("学前教育", "小学", "初中", "普通高中")


def _seed(name: str) -> list[dict[str, str]]:
    with (SEEDS / name).open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def _day(value: dt.date) -> str:
    return f"{value:%Y%m%d}"


def _tasks(out: Path, seed: int) -> tuple[list[list[xlsx.Cell]], list[Entry]]:
    """Write the task table; return its good rows and the ledger."""
    g = rng(seed, 80)
    actions = {row["action_code"]: row["action_name_zh"] for row in _seed("action.csv")}
    rows: list[list[xlsx.Cell]] = []
    merges = ["A1:J1"]
    first = 3

    def merge(column: str, start: int) -> None:
        """Merge the rows from `start` to the last one and blank all but the first."""
        end = first + len(rows) - 1
        if end > start:
            merges.append(f"{column}{start}:{column}{end}")

    action, action_start = "", first
    for group in _seed("measure_group.csv"):
        if group["action_code"] != action:
            merge("B", action_start)
            action, action_start = group["action_code"], first + len(rows)
        start = first + len(rows)
        owner = OWNERS[int(g.integers(len(OWNERS)))]
        if group["group_code"] in ("4.3", "2.1"):
            owner = f"{REGION_NAMES[3 + int(g.integers(4))]}教育局"
        for n in range(int(g.integers(4, 7))):
            helpers = [HELPERS[int(i)] for i in g.choice(len(HELPERS), 2, replace=False)]
            rows.append(
                [
                    f"{group['group_code']}-{n + 1:02d}",
                    actions[action],
                    group["group_code"],
                    group["group_name_zh"],
                    f"演示任务：{group['group_name_zh']}——{WORK[n]}",
                    owner,
                    "、".join(helpers) if n % 3 else None,
                    DEADLINES[int(g.integers(len(DEADLINES)))],
                    "工作总结" if n % 2 else None,
                    None,
                ]
            )
        for column in "CDF":
            merge(column, start)
    merge("B", action_start)
    entries = []

    def plant(at: int, slug: str, rule: str, column: str, **cells: str) -> None:
        for name, text in cells.items():
            rows[at][TASK_HEADER.index(name)] = text
        entries.append(
            Entry("key_tasks", "all", TASK_FILE, "任务分解表", first + at, column, slug, rule)
        )

    plant(2, "ktk-deadline-unreadable", "KTK-002", "deadline", 完成时限="按上级部署推进")
    plant(9, "ktk-deadline-outside-plan", "KTK-003", "deadline", 完成时限="2028年6月底前")
    twice = f"市财政局、{rows[13][5]}"
    plant(13, "ktk-owner-helps-itself", "KTK-005", "co_owners", 配合单位=twice)
    good = [list(row) for row in rows]
    stray = ["7.1-01", "七、其他", "7.1", "其他", "演示任务：其他事项", "市教育局、市财政局", None]
    rows.append([*stray, "2026年6月底前", None, None])
    plant(len(rows) - 1, "ktk-group-unknown", "KTK-001", "group_code")
    plant(len(rows) - 1, "ktk-two-owners", "KTK-004", "owner")
    shown = [list(row) for row in rows]
    for area in merges[1:]:
        start, end = (int(cell[1:]) for cell in area.split(":"))
        for number in range(start + 1, end + 1):
            shown[number - first]["ABCDEFGHIJ".index(area[0])] = None
    lines = [["重点任务分解表（演示任务）"], list(TASK_HEADER), *shown]
    lines.append(["注：方案公开的只有二十个举措组，本表任务均为虚构的演示任务。"])
    xlsx.write_workbook(
        out / TASK_FILE, [xlsx.Sheet("任务分解表", xlsx.rows_xml(lines), tuple(merges))]
    )
    return good, entries


def _accepted(g: np.random.Generator, deadline: str) -> dt.date | None:
    """Draw when a task is accepted: most in time, some late, some never."""
    luck, days = g.random(), int(g.integers(0, 26))
    if deadline in ("长期坚持", "按上级部署推进") or luck > 0.92:
        return None
    year = YEAR if deadline == "每年" else int(deadline[:4])
    month = int(deadline[5:].split("月")[0]) if "月" in deadline else 12
    due = (dt.date(year, month, 28) + dt.timedelta(days=4)).replace(day=1) - dt.timedelta(days=1)
    return due - dt.timedelta(days=days) if luck < 0.8 else due + dt.timedelta(days=10 + days)


def _progress(out: Path, tasks: list[list[xlsx.Cell]], seed: int) -> list[Entry]:
    g = rng(seed, 81)
    header = ["任务编号", "季度", "进展", "佐证材料", "启动日期", "验收日期", "备注"]
    sheets: list[list[list[xlsx.Cell]]] = [[] for _ in QUARTERS]
    done: list[tuple[int, int]] = []  # quarter, position of the rows that report completion
    going: list[int] = []  # positions of the tasks that report a share in every quarter
    for position, task in enumerate(tasks):
        deadline = str(task[7])
        accepted = _accepted(g, deadline)
        start = dt.date(YEAR, 1, 5) + dt.timedelta(days=int(g.integers(0, 60)))
        if accepted is not None and accepted <= start:
            accepted = start + dt.timedelta(days=30)
        style = int(g.integers(3))
        share = float(g.uniform(0.1, 0.2))
        for q, quarter in enumerate(QUARTERS):
            last = dt.date(YEAR + q // 3, (3 * q + 3) % 12 + 1, 1) - dt.timedelta(days=1)
            finished = accepted is not None and accepted <= last
            percent = round(100 * share * (q + 1))
            shown: xlsx.Cell = (f"{percent}%", percent / 100, "推进中")[style]
            if style == 2 and q == 0:
                shown = "未启动"
            if style == 2 and q == 3:
                shown = "基本完成"
            if finished:
                shown = ("100%", 1, "已完成")[style]
                done.append((q, position))
            if deadline == "长期坚持":
                shown = "推进中"
            elif style == 0 and accepted is None and q == 0:
                going.append(position)
            sheets[q].append(
                [
                    task[0],
                    quarter,
                    shown,
                    f"演示材料{position + 1}" if finished else None,
                    None if shown == "未启动" else _day(start),
                    _day(accepted) if finished and accepted is not None else None,
                    None,
                ]
            )
    entries: list[Entry] = []

    def plant(q: int, at: int, column: int, value: xlsx.Cell, slug: str, rule: str) -> None:
        sheets[q][at][column] = value
        names = ("task_no", "quarter", "progress", "evidence", "start_date", "acceptance_date")
        entries.append(
            Entry(
                "task_progress", str(YEAR), f"任务台账/{YEAR}/{YEAR}年{QUARTERS[q]}进展台账.xlsx",
                "进展", 3 + at, names[column], slug, rule,
            )
        )  # fmt: skip

    # One victim a kind, all of them complete in the last quarter or steadily on their way.
    last = [at for q, at in done if q == 3]
    plant(3, last[0], 5, "20250102", "tpr-accepted-before-start", "TPR-003")
    plant(3, last[1], 2, "基本完成", "tpr-accepted-not-complete", "TPR-005")
    plant(3, last[2], 3, None, "tpr-no-evidence", "TPR-006")
    plant(3, last[3], 2, "120%", "tpr-above-100", "TPR-002")
    free = [at for at in range(len(tasks)) if at not in last[:4] and at not in going[:2]]
    plant(1, free[0], 2, "差不多了", "tpr-progress-unreadable", "TPR-001")
    plant(2, going[0], 2, "5%", "tpr-progress-fell", "TPR-007")
    sheets[0].append(["9.9-01", QUARTERS[0], "30%", None, "20250301", None, None])
    plant(0, len(sheets[0]) - 1, 0, "9.9-01", "tpr-task-unknown", "TPR-004")
    # The last task of the newest quarter was not reported.
    sheets[3].pop()
    entries.append(
        Entry("task_progress", str(YEAR), "", "", None, "", "tpr-task-not-reported", "TPR-101")
    )
    for q, quarter in enumerate(QUARTERS):
        lines = [[f"{YEAR}年{quarter}重点任务进展台账（演示任务）"], list(header), *sheets[q]]
        xlsx.write_workbook(
            out / f"任务台账/{YEAR}/{YEAR}年{quarter}进展台账.xlsx",
            [xlsx.Sheet("进展", xlsx.rows_xml(lines), ("A1:G1",))],
        )
    return entries


def _platforms(out: Path) -> list[Entry]:
    file = "平台建设/平台建设台账.xlsx"
    header = ["平台名称", "立项日期", "验收日期", "上线日期", "状态", "填报日期", "备注"]
    told = f"{YEAR}1231"
    rows: list[list[xlsx.Cell]] = [
        ["教师全生命周期精准培养平台", "20250305", "20251120", "20251201", "已上线", told, None],
        ["学生信息素养提升平台", "20250318", None, "20250901", "试运行", told, None],
        ["继续教育和终身教育课程数字资源平台", "20250620", None, None, "建设中", told, None],
        ["高中阶段学校招生录取平台", "20250210", "20250610", "20250601", "已上线", told, None],
        ["校园管理平台", "20250801", None, None, "规划中", told, "不在方案内"],
    ]
    lines = [["平台建设台账（演示）"], list(header), *rows]
    xlsx.write_workbook(out / file, [xlsx.Sheet("平台", xlsx.rows_xml(lines), ("A1:G1",))])
    return [
        Entry("platform_projects", "all", file, "平台", row, column, slug, rule)
        for row, column, slug, rule in (
            (6, "live_date", "plp-live-before-accepted", "PLP-003"),
            (7, "platform_name", "plp-not-planned", "PLP-COD-platform_name"),
        )
    ]


def _new_places(out: Path, scale: float, seed: int) -> list[Entry]:
    entries: list[Entry] = []
    header = [
        "项目编号", "项目名称", "县(市、区)", "建设地点", "学段", "新增学位数(个)", "计划竣工日期",
        "实际竣工日期", "是否投用", "备注",
    ]  # fmt: skip
    for year in (2022, *world.YEARS):
        g = rng(seed, 82, year)
        file = f"学位项目/{year}/新增学位项目台账.xlsx"
        count = max(8, round(26 * scale))
        # 40,817 places in the three years before the plan (published for the whole city).
        sizes = g.dirichlet(np.full(count, 4.0)) * 40_817 / 3 * scale
        rows: list[list[xlsx.Cell]] = []
        for n in range(count):
            county = n % COUNTIES
            stage = STAGES[int(g.integers(4))]
            town = world.TOWNS[county][int(g.integers(len(world.TOWNS[county])))]
            finished = g.random() < 0.9
            month, day = int(g.integers(3, 13)), int(g.integers(1, 29))
            rows.append(
                [
                    f"XW-{year}-{n + 1:03d}", f"{town}{stage}第{n + 1}演示项目",
                    REGION_NAMES[county], town, stage,
                    min(4500, max(20, int(sizes[n]) // 5 * 5)),
                    f"{year}1231" if finished else f"{year + 1}0831",
                    f"{year}{month:02d}{day:02d}" if finished else None,
                    "是" if finished else "否", None,
                ]
            )  # fmt: skip

        def plant(
            at: int,
            cells: dict[int, xlsx.Cell],
            column: str,
            slug: str,
            rule: str,
            rows: list[list[xlsx.Cell]] = rows,
            file: str = file,
            year: int = year,
        ) -> None:
            for index, text in cells.items():
                rows[at][index] = text
            entries.append(Entry("new_places", str(year), file, "项目", 3 + at, column, slug, rule))

        if year == 2023:
            plant(0, {2: "蝶山区"}, "county", "npl-abolished-district", "NPL-001")
        if year == 2024:
            plant(1, {5: 108_000}, "new_places", "npl-places-out-of-range", "NPL-003")
            late = {6: f"{year}0831", 7: None, 8: "否"}
            plant(2, late, "completed_date", "npl-overdue", "NPL-006")
        if year == 2025:
            plant(3, {7: None, 8: "是"}, "completed_date", "npl-in-use-without-date", "NPL-002")
            rows[3][6] = f"{year + 1}0831"
            old = {7: f"{year - 1}1220", 8: "是"}
            plant(4, old, "completed_date", "npl-completed-before", "NPL-004")
        lines = [[f"{year}年新增学位项目台账（演示项目）"], list(header), *rows]
        xlsx.write_workbook(out / file, [xlsx.Sheet("项目", xlsx.rows_xml(lines), ("A1:J1",))])
    return entries


def write_tasks(out: Path, scale: float, seed: int) -> list[Entry]:
    """Write the task table, its progress, the platforms and the projects; return the ledger."""
    tasks, entries = _tasks(out, seed)
    return [
        *entries,
        *_progress(out, tasks, seed),
        *_platforms(out),
        *_new_places(out, scale, seed),
    ]
