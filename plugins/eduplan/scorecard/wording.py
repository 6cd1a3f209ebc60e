"""Words, units and number formats of the scorecard in Chinese and English.

A status is a shape, a word and a colour, in that order of importance: without colour the page and
the terminal still say the same.
"""

import re
from collections.abc import Mapping, Sequence

from eduplan.scorecard import names
from eduplan.scorecard.query import Cell, Indicator, Part, Scorecard

GLYPHS: Mapping[str, str] = {
    "met": "★",
    "on_track": "●",
    "at_risk": "▲",
    "off_track": "■",
    "incomplete": "◌",
    "not_yet": "☆",
    "no_target": "◇",
    "suppressed": "▧",
    "no_data": "—",
}
WORDS: Mapping[str, Mapping[str, str]] = {
    "zh": {
        "met": "已达标",
        "on_track": "达轨",
        "at_risk": "偏慢",
        "off_track": "滞后",
        "incomplete": "缺报待定",
        "not_yet": "尚未达标",
        "no_target": "无目标",
        "suppressed": "已隐去",
        "no_data": "无数据",
    },
    "en": {
        "met": "Met",
        "on_track": "On track",
        "at_risk": "At risk",
        "off_track": "Off track",
        "incomplete": "Incomplete",
        "not_yet": "Not yet met",
        "no_target": "No target",
        "suppressed": "Suppressed",
        "no_data": "No data",
    },
}
TEXTS: Mapping[str, Mapping[str, str]] = {
    "zh": {
        "scorecard": "监测记分卡",
        "version": "规划版本",
        "period": "数据期",
        "as_of": "数据截至",
        "clock": "（北京时间）",
        "demonstration": "演示：合成数据或虚构目标，非真实统计",
        "good": "达轨或已达标",
        "of": "/ {n} 项",
        "count": "{n} 项",
        "actions": "六大行动与保障 × 指标",
        "actions_note": "色条＝基期到 2027 目标已走的进度，"
        "竖线＝按轨迹现在应到的位置；左端基期，右端目标。"
        "小字：修订版判定、2027 预计（95% 区间）、公布数、国际口径",
        "action": "行动{code}",
        "safeguard": "保障",
        "standard": "国家标准",
        "standard_met": "已达到",
        "standard_unmet": "未达到",
        "no_standard": "无全国统一标准",
        "coverage": "覆盖 {n}%",
        "details": "分项",
        "projected": "2027 预计 {value}（{low}～{high}）",
        "likely": "可达",
        "open": "未定",
        "unlikely": "难达",
        "benchmark": "{area}{stage} {value}（{year}）",
        "benchmark_city": "{area}{stage} {value}（{year}，本市 {city}）",
        "amended": "修订后",
        "original": "原方案",
        "aim": "目标 {n}",
        "no_line": "无基期，不画轨迹",
        "gpi": "女／男 {n}",
        "match": "与 {org} 一致",
        "match with caveat": "与 {org} 一致，有说明",
        "near match": "与 {org} 近似",
        "does not match": "与 {org} 不同",
        "band": "目标区间 {low}–{high}",
        "silent_action": "本行动 {n} 项指标尚无数据，原因见文末清单。",
        "rest_in_list": "另有 {n} 项无数据，见文末",
        "heat": "县（市、区）× 指标",
        "heat_note": "数字＝与应达值之差，以该指标整个计划步长为 100；"
        "负数为落后，超出 ±99 记作 ±99。按滞后项数排序",
        "heat_values": "没有县级目标的指标不作判定，各县数值只作对照",
        "deep": "（深色：差整个步长以上）",
        "heat_empty": "没有县级数据。",
        "region": "县（市、区）",
        "lagging": "滞后",
        "lagging_of": "滞后 {n} / {total}",
        "unjudged": "无可判定指标",
        "trends": "指标走势",
        "trends_note": "实线＝实际，虚线＝规划轨迹，右端数字＝2027 目标；"
        "纵轴各自缩放，只比形状不比高低",
        "trends_plain": "实线＝实际，点线＝国家标准；没有目标，不画轨迹。纵轴各自缩放",
        "missing_year": "{year} 缺报",
        "tiles": "各县分布",
        "tiles_note": "示意位置，不是地图；条长＝各状态指标数",
        "map_note": "边界由使用者提供",
        "tasks": "重点任务",
        "tasks_absent": "未接入",
        "tasks_note": "截至 {day}：到期 {due} 项，按期完成 {on_time} 项，逾期 {overdue} 项",
        "tasks_owner": "{tasks} 项，按期 {on_time}，逾期 {overdue}",
        "tasks_why": "重点任务分解表没有公开文本，也没有接入进度台账，"
        "因此这里不显示按期、逾期与牵头部门。"
        "接入任务台账数据源后，本栏自动出现。",
        "quality": "数据质量",
        "quality_note": "入库前逐条核查；隔离的行不进入任何指标",
        "dataset": "数据集",
        "latest": "最新一期",
        "all_periods": "不分期",
        "rows": "已入库行",
        "open_rows": "隔离待处理",
        "warnings": "警告",
        "files": "退回文件",
        "state": "状况",
        "state_ok": "正常",
        "state_held": "有 {n} 批待审",
        "state_failed": "{n} 次交付未能入库",
        "state_absent": "未接入",
        "reports": "报送情况",
        "not_reported": "谁没有报",
        "all_reported": "应报单位均已报送。",
        "missing_units": "{n} / {total} 个单位未报",
        "held": "待审批次",
        "no_held": "没有待审批次。",
        "batch": "第 {n} 批",
        "since": "自 {day}",
        "oldest": "最早隔离未处理",
        "oldest_text": "{title}：自 {day} 起；共 {n} 行待处理",
        "no_open": "没有未处理的隔离行。",
        "alert": "最早的未结告警",
        "alert_text": "{title}；自 {day} 起未结；共 {n} 条未结，其中严重 {critical} 条",
        "no_alert": "没有未结告警。",
        "pages": "目录",
        "language": "English",
        "rest": "其余登记指标",
        "rest_note": "登记在册、目前没有数值；不计入任何分母",
        "no_reason": "原因未记录",
        "footer": "状态同时以形状、文字和颜色表示。无目标、无数据的指标不作判定，不计入分母。"
        "本页是单个文件，不含脚本，可离线打开和打印（A3）。",
        "legend_better": "达轨",
        "distance": "差",
        "should": "应达",
        "target": "目标",
        "baseline": "基期",
        "value": "现值",
        "indicator": "指标",
        "status": "状态",
        "gap": "与轨迹之差",
    },
    "en": {
        "scorecard": "Scorecard",
        "version": "Plan version",
        "period": "Data period",
        "as_of": "As of",
        "clock": " (UTC+8)",
        "demonstration": "Demonstration: synthetic or made up",
        "good": "On track or met",
        "of": "of {n}",
        "count": "{n}",
        "actions": "Six actions and safeguards × indicators",
        "actions_note": "Bar: progress from baseline to the 2027 target; tick: where the trajectory"
        " should be now; baseline at the left end, target at the right. Small print:"
        " amendment, 2027 expectation (95 % interval), published figures, international match",
        "action": "Action {code}",
        "safeguard": "Safeguards",
        "standard": "Standard",
        "standard_met": "reached",
        "standard_unmet": "not reached",
        "no_standard": "No national standard",
        "coverage": "{n}% covered",
        "details": "Parts",
        "projected": "2027 expected {value} ({low} to {high})",
        "likely": "likely",
        "open": "open",
        "unlikely": "unlikely",
        "benchmark": "{area}{stage} {value} ({year})",
        "benchmark_city": "{area}{stage} {value} ({year}; here {city})",
        "amended": "As amended",
        "original": "Original plan",
        "aim": "target {n}",
        "no_line": "no baseline, no line",
        "gpi": "GPI {n}",
        "match": "As {org}",
        "match with caveat": "As {org}, with caveat",
        "near match": "Near {org}",
        "does not match": "Not {org}",
        "band": "Target band {low}–{high}",
        "silent_action": "The {n} indicators of this action have no data yet; reasons at the end.",
        "rest_in_list": "{n} more without data, see the end",
        "heat": "Counties × indicators",
        "heat_note": "Number: distance to the trajectory, the plan's whole step being 100; negative"
        " lags, beyond ±99 is written ±99. Most lagging first",
        "heat_values": "Without county targets nothing is judged; values for reference",
        "deep": "(dark: by a whole step or more)",
        "heat_empty": "No county data.",
        "region": "County",
        "lagging": "Off track",
        "lagging_of": "{n} of {total} off track",
        "unjudged": "nothing to judge",
        "trends": "Trends",
        "trends_note": "Solid: actual; dashed: trajectory; number at the right: 2027 target. Each"
        " chart has its own scale",
        "trends_plain": "Solid: actual; dotted: national standard. No targets, so no trajectory."
        " Each chart has its own scale",
        "missing_year": "{year} missing",
        "tiles": "Where",
        "tiles_note": "Schematic, no map; bar: indicators by status",
        "map_note": "Boundaries supplied by the user",
        "tasks": "Tasks",
        "tasks_absent": "Not connected",
        "tasks_note": "As of {day}: {due} due, {on_time} done on time, {overdue} overdue",
        "tasks_owner": "{tasks}: {on_time} on time, {overdue} overdue",
        "tasks_why": "The task breakdown table is not public and no progress ledger is connected,"
        " so nothing is shown on time, late or by department. This part appears once a ledger is.",
        "quality": "Data quality",
        "quality_note": "Checked row by row before publishing; quarantined rows reach no indicator",
        "dataset": "Dataset",
        "latest": "Latest",
        "all_periods": "ongoing",
        "rows": "Rows",
        "open_rows": "Quarantined",
        "warnings": "Warnings",
        "files": "Files refused",
        "state": "State",
        "state_ok": "fine",
        "state_held": "{n} held",
        "state_failed": "{n} failed",
        "state_absent": "not connected",
        "reports": "Reporting",
        "not_reported": "Not reported",
        "all_reported": "Everyone expected has reported.",
        "missing_units": "{n} of {total} units missing",
        "held": "Held batches",
        "no_held": "None.",
        "batch": "batch {n}",
        "since": "since {day}",
        "oldest": "Oldest quarantined",
        "oldest_text": "{title}: since {day}; {n} rows open in all",
        "no_open": "No quarantined row is open.",
        "alert": "Oldest open alert",
        "alert_text": "{title}; open since {day}; {n} open, {critical} of them critical",
        "no_alert": "No alert is open.",
        "pages": "Contents",
        "language": "中文",
        "rest": "Other registered indicators",
        "rest_note": "In the registry without a value; in no denominator",
        "no_reason": "No reason recorded",
        "footer": "Status is shape, word and colour. Indicators without target or data are not"
        " judged and in no denominator. One file, no script: open it offline, print it on A3.",
        "legend_better": "On track",
        "distance": "short by",
        "should": "due",
        "target": "Target",
        "baseline": "Baseline",
        "value": "Value",
        "indicator": "Indicator",
        "status": "Status",
        "gap": "To plan",
    },
}
_UNITS: Mapping[str, Mapping[str, str]] = {
    "zh": {
        "ratio": "",
        "count": "个",
        "places": "个",
        "persons": "人",
        "hours": "学时",
        "units": "台/百生",
        "yuan/pupil/year": "元/生·年",
        "yuan/student/year": "元/生·年",
    },
    "en": {
        "ratio": "",
        "count": "",
        "places": "places",
        "persons": "persons",
        "hours": "h",
        "units": "per 100",
        "人/百生": "per 100",
        "间/百生": "per 100",
        "㎡/生": "m²/pupil",
        "人/班": "per class",
        "元/生": "yuan/pupil",
        "yuan/pupil/year": "yuan/pupil",
        "yuan/student/year": "yuan/student",
    },
}
WHOLE = frozenset({"count", "places", "persons", "元/生", "yuan/pupil/year", "yuan/student/year"})
_ORDINALS = "〇一二三四五六七八九十"


def unit_label(unit: str, lang: str) -> str:
    """Unit as it stands after a number; empty for a pure ratio."""
    return _UNITS[lang].get(unit, unit)


def decimals(unit: str, numbers: Sequence[float]) -> int:
    """Digits after the point that an indicator's numbers need, the same for all of them."""
    largest = max((abs(n) for n in numbers), default=0.0)
    if unit in WHOLE:
        return 0
    if unit == "%":
        return 2 if 0 < largest < 1 else 1
    if unit == "ratio":
        return 3 if largest < 1 else 2 if largest < 10 else 1
    return 2 if largest < 100 else 1 if largest < 1000 else 0


def digits(indicator: Indicator) -> int:
    """Decimals of ``indicator``; one more when they would hide a gap to the trajectory."""
    places = decimals(indicator.unit, indicator.numbers())
    gap = -(indicator.city.distance or 0.0)
    hidden = 0 < gap < 0.5 * 10**-places
    return places + 1 if hidden and places < 3 and indicator.unit not in WHOLE else places


def number(value: float | None, places: int | None) -> str:
    """``value`` with thousands separators, a real minus sign and no negative zero; ``—`` if none.

    Without ``places`` it is written as short as it is exact (a standard's own number).
    """
    if value is None:
        return "—"
    text = f"{value:,.{places}f}" if places is not None else f"{value:,.10g}"
    if float(text.replace(",", "")) == 0:
        text = text.lstrip("-")
    return text.replace("-", "−")


def with_unit(value: float | None, places: int | None, unit: str, lang: str) -> str:
    """Number and unit, e.g. ``53.1%`` or ``2,012 元/生``."""
    label = unit_label(unit, lang)
    text = number(value, places)
    if value is None or not label:
        return text
    return text + label if label == "%" else f"{text} {label}"


def gap_text(distance: float, places: int, unit: str, lang: str) -> str:
    """Size of a distance in words: percentage points, never a bare percent of a percent."""
    if unit == "%":
        return number(abs(distance), places) + (" 个百分点" if lang == "zh" else " points")
    return with_unit(abs(distance), places, unit, lang)


def short_name(indicator: Indicator | Part, lang: str) -> str:
    """Name for narrow places: the listed one, else the full name without its brackets."""
    return (
        names.short(indicator.code, lang)
        or re.sub(r"[（(].*?[)）]", "", indicator.name)
        or indicator.name
    )


def action_badge(code: str, lang: str) -> str:
    """The one sign an action is known by: 一…六 or 1…6, 保 or S for the safeguards."""
    if code.isdigit():
        zh = int(code) < len(_ORDINALS) and lang == "zh"
        return _ORDINALS[int(code)] if zh else code
    return "保" if lang == "zh" else "S"


def action_name(code: str, name: str, lang: str) -> str:
    """Heading of an action; without a name in the language its number says which it is."""
    if lang == "zh":
        return name or TEXTS[lang]["action"].format(code=code)
    label = TEXTS[lang]["action"].format(code=code) if code.isdigit() else TEXTS[lang]["safeguard"]
    return name if name and not names.has_han(name) else label


def sentence(card: Scorecard) -> tuple[tuple[str, bool], ...]:
    """Say in one sentence how the plan stands and name the two furthest behind.

    Returns pieces of text with a flag for emphasis; joined they are the plain sentence.
    """
    zh = card.lang == "zh"
    counts = card.counts
    if not card.judged:
        with_value = sum(1 for i in card.indicators if i.city.value is not None)
        if zh:
            return (
                ("本规划版本没有可判定的指标", True),
                (
                    f"：已有数值的 {with_value} 项都没有目标，只列数值，不作判定。",
                    False,
                ),
            )
        return (
            ("Nothing can be judged in this plan version", True),
            (
                f": the {with_value} indicators with a value have no target and are only shown.",
                False,
            ),
        )
    good = counts["on_track"] + counts["met"]
    slow, late = counts["at_risk"], counts["off_track"]
    worst = card.worst()
    if zh:
        pieces = [
            (f"{card.judged} 项可判定指标中，{good} 项达轨或已达标，{slow} 项偏慢，", False),
            (f"{late} 项滞后", True),
            ("。", False),
        ]
        lead, glue, end = "按计划步长折算，落后轨迹最多的是", "和", "。"
        if not worst:
            return (*pieces, ("没有指标落后于轨迹。", False))
    else:
        pieces = [
            (f"Of {card.judged} indicators that can be judged, ", False),
            (f"{good} on track or met, {slow} at risk, ", False),
            (f"{late} off track", True),
            (". ", False),
        ]
        lead, glue, end = "Furthest behind, as a share of the plan's step: ", " and ", "."
        if not worst:
            return (*pieces, ("None is behind its trajectory.", False))
    pieces.append((lead, False))
    for place, indicator in enumerate(worst):
        if place:
            pieces.append((glue, False))
        pieces.append((short_name(indicator, card.lang), True))
        pieces.append((_shortfall(indicator, card.lang), False))
    pieces.append((end, False))
    return tuple(pieces)


def _shortfall(indicator: Indicator, lang: str) -> str:
    cell, places = indicator.city, digits(indicator)
    value = with_unit(cell.value, places, indicator.unit, lang)
    due = with_unit(cell.trajectory, places, indicator.unit, lang)
    gap = gap_text(cell.distance or 0.0, places, indicator.unit, lang)
    covered = coverage_text(cell, lang)
    if covered:
        value += f"，{covered}" if lang == "zh" else f", {covered}"
    if lang == "zh":
        return f"（{value}，应达 {due}，差 {gap}）"
    return f" ({value}, due {due}, short by {gap})"


def coverage_text(cell: Cell, lang: str) -> str:
    """Coverage when it is below 100 %, else nothing; never rounded up to 100."""
    if cell.coverage_pct is None or cell.coverage_pct >= 100 or cell.value is None:
        return ""
    shown = min(round(cell.coverage_pct, 1), 99.9)
    return TEXTS[lang]["coverage"].format(n=f"{shown:g}")


def standard(indicator: Indicator, lang: str) -> tuple[str, str]:
    """The national standard and, in plain words without colour, whether it is reached."""
    t = TEXTS[lang]
    if indicator.threshold is None:
        return t["no_standard"], ""
    sign = {">=": "≥", "<=": "≤"}.get(indicator.threshold_op or "", indicator.threshold_op or "")
    limit = number(indicator.threshold, None) + ("%" if indicator.unit == "%" else "")
    text = f"{t['standard']} {sign} {limit}"
    if indicator.threshold_met is None:
        return text, ""
    return text, t["standard_met"] if indicator.threshold_met else t["standard_unmet"]


_REASONS: Mapping[str, str] = {
    "填报不全,缺报单位可能改变判定": "Reporting is incomplete and could change the verdict",
    "分母为零": "The denominator is zero",
    "人数过少,为保护个人信息不予公布": "So few persons that it is hidden to protect them",
    "本期没有两侧数据齐全的填报单位": "No unit reported both sides in this period",
    "数据来源尚未接入": "Source not connected",
    "缺少已发布数据": "Nothing published of",
    "未报送": "Not reported",
}


_DATASET = re.compile(r"\(([a-z][a-z0-9_]*)\)")


def reason(text: str, lang: str) -> tuple[str, str]:
    """Split why there is no value into the reason and what it is about.

    The warehouse writes ``reason:what`` in Chinese; a reason without an English form is kept.
    """
    why, _, what = text.replace("：", ":").partition(":")
    if lang == "en":
        why = _REASONS.get(why.replace("，", ","), why)
        what = re.sub(r"^覆盖 ?", "covered ", what)
        # Measures are Chinese, the datasets in brackets behind them are codes.
        what = ", ".join(dict.fromkeys(_DATASET.findall(what))) or what
    return why or TEXTS[lang]["no_reason"], what


_RULE_ID = re.compile(r"\b[A-Z]{3}-[A-Z0-9]+\b")


def held_reason(text: str, lang: str) -> str:
    """Why a batch is held; in English the rules that held it (their sentences are Chinese)."""
    if lang == "zh" or not names.has_han(text):
        return text
    return ", ".join(dict.fromkeys(_RULE_ID.findall(text)))


AREAS = {"全国": "China", "广西": "Guangxi"}
_MOST_BENCHMARKS = 3


def beside(indicator: Indicator, lang: str) -> tuple[tuple[str, str], ...]:
    """Say what stands beside a value: pieces of text, each with the status that marks it."""
    t, context, places = TEXTS[lang], indicator.context, digits(indicator)
    pieces: list[tuple[str, str]] = []
    if context.verdict is not None:
        verdict = context.verdict
        text = (
            f"{t['original' if verdict.is_original else 'amended']} {WORDS[lang][verdict.status]}"
        )
        if verdict.target is not None:
            aim = t["aim"].format(n=number(verdict.target, None))
            text += f"（{aim}）" if lang == "zh" else f" ({aim})"
        pieces.append((text, verdict.status))
    if context.projection is not None:
        ends = {
            name: number(value, places)
            for name, value in (
                ("value", context.projection.value),
                ("low", context.projection.low),
                ("high", context.projection.high),
            )
        }
        outlook = t[context.projection.outlook] if context.projection.outlook else ""
        pieces.append((f"{t['projected'].format(**ends)} {outlook}".strip(), ""))
    for found in context.benchmarks[:_MOST_BENCHMARKS]:
        area = found.area if lang == "zh" else AREAS.get(found.area, found.area)
        stage = found.stage if lang == "zh" or not found.stage else f" {found.stage}"
        whole = not found.stage or found.city_value is None
        pieces.append(
            (
                t["benchmark" if whole else "benchmark_city"].format(
                    area=area,
                    stage=stage,
                    value=number(found.value, None),
                    year=found.year,
                    city=number(found.city_value, places),
                ),
                "",
            )
        )
    if context.gpi is not None:
        pieces.append((t["gpi"].format(n=number(context.gpi, 2)), ""))
    if context.international is not None and context.international[1] in t:
        org = "OECD" if context.international[0].startswith("OECD") else "UIS"
        pieces.append((t[context.international[1]].format(org=org), ""))
    return tuple(pieces)


_ALERTS: Mapping[str, str] = {
    "batch_held": "batch held",
    "build_failed": "build failed",
    "check_failed": "check failed",
    "dag_failed": "run failed",
    "dead_channel": "alert channel dead",
    "delivery_late": "delivery late",
    "delivery_refused": "delivery refused",
    "indicator_off_track": "indicator off track",
    "reconciliation_breach": "two sources disagree",
    "rows_quarantined": "rows quarantined",
    "rule_error": "rule not run",
    "run_unfinished": "run unfinished",
    "schema_drift": "columns changed",
    "volume_anomaly": "unusual volume",
    "warehouse_stale": "data stale",
}


def alert_text(kind: str, title: str, subject: str, lang: str) -> str:
    """Title of an alert; in English its kind and what it is about (titles are Chinese)."""
    if lang == "zh":
        return title
    return " · ".join(filter(None, (_ALERTS.get(kind, kind.replace("_", " ")), subject)))
