"""The text that asks for a decision on a held batch, as Markdown: shown in Airflow and printed.

Values of personal columns are masked, whoever reads.
"""

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from eduplan.contract import Contract, Rule
from eduplan.quality.hold import overridable
from eduplan.quality.masking import mask, masked_columns
from eduplan.quality.preview import Move, stored
from eduplan.quality.review import DECISIONS, find

EXAMPLES = 3
"""Rows shown of each critical rule."""
MOVES = 12
"""Moves shown of each decision; all are in quality.review_move."""
_LONGEST = 40

_COUNTS = """
select u.rule_id, count(*) as row_count
from quality.row_verdict v cross join unnest(v.rules) as u (rule_id)
where v.batch_id = %s group by u.rule_id order by row_count desc, u.rule_id
"""

_EXAMPLES = """
select v.row_no, coalesce(f.path, '') as path, coalesce(f.sheet, '') as sheet, {columns}
from quality.row_verdict v
join {table} r on r._file = v.file_no and r._row = v.row_no
left join ops.batch_file f on f.batch_id = v.batch_id and f.file_no = v.file_no
where v.batch_id = %(batch)s and %(rule)s = any(v.rules)
order by v.file_no, v.row_no limit %(limit)s
"""

_NAMES = "select distinct indicator_code, indicator_name_zh from marts.ind_progress"
_LABELS = "select status, status_label_zh from ref.status_label"


def subject(conn: psycopg.Connection[Any], contract: Contract, review_id: int) -> str:
    """Return the headline of the request: what is held."""
    asked = find(conn, review_id=review_id)
    return f"{contract.title_zh} {asked.period}：第 {asked.batch_id} 批等待审核"


def body(
    conn: psycopg.Connection[Any],
    contract: Contract,
    review_id: int,
    *,
    previewed: bool | None = None,
) -> str:
    """Return why the batch is held, what is wrong with it and what each decision would move.

    ``previewed``: whether the moves were computed; None: not known, so that none are no statement.
    """
    return "\n".join(_lines(conn, contract, review_id, previewed)) + "\n"


def plain(text: object) -> str:
    """Return text that Markdown and HTML leave as it is, on one line: values come from files."""
    line = re.sub(r"\s+", " ", str(text)).strip()
    line = line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"
    return re.sub(r"([\\`*_\[\]<>()#!|~&])", r"\\\1", line)


def _lines(
    conn: psycopg.Connection[Any], contract: Contract, review_id: int, previewed: bool | None
) -> Iterator[str]:
    asked = find(conn, review_id=review_id)
    yield (
        f"**{contract.title_zh}**（{asked.dataset}）{asked.period}，第 {asked.batch_id} 批："
        f"共 {asked.row_count:,} 行，其中 {asked.critical_count:,} 行有严重问题"
        + (f"，另有 {asked.rejected_count:,} 行无法读取" if asked.rejected_count else "")
        + "。未作决定前不发布任何数据，原有数据继续有效。"
    )
    if asked.batch_status != "held":
        yield f"\n**本批现在是 {asked.batch_status}，不再等待决定。**"
    yield "\n### 为什么暂缓\n"
    yield from (f"- {reason}" for reason in asked.reasons)
    yield from _rules(conn, contract, asked.batch_id, asked.row_count)
    yield from _move_tables(conn, review_id, previewed)
    yield "\n### 可以选择\n"
    yield (
        f"- **{DECISIONS['release']}**：问题行也发布，结构性错误（必填、类型、代码、主键、重复）"
        "的行除外，仍进隔离区。"
    )
    yield f"- **{DECISIONS['release_clean']}**：只发布没有严重问题的行，其余进隔离区。"
    yield f"- **{DECISIONS['reject']}**：整批不发布，请报送单位更正后重新报送。"


def _rules(
    conn: psycopg.Connection[Any], contract: Contract, batch_id: int, rows: int
) -> Iterator[str]:
    with psycopg.Cursor(conn) as cur:
        counts = cur.execute(_COUNTS, (batch_id,)).fetchall()
    if not counts:
        return
    rules = {rule.id: rule for rule in contract.rules}
    may = set(overridable(contract))
    critical = [(i, n) for i, n in counts if i not in rules or rules[i].severity == "critical"]
    yield "\n### 各规则不通过的行\n"
    yield "| 规则 | 行数 | 占比 | 级别 | 可放行 | 说明 |"
    yield "|---|---:|---:|---|---|---|"
    others = [pair for pair in counts if pair not in critical]
    for rule_id, count in [*critical, *others]:
        is_critical = (rule_id, count) in critical
        yield (
            f"| {rule_id} | {count:,} | {count / rows if rows else 0:.2%}"
            f" | {'严重' if is_critical else '提示'}"
            f" | {('是' if rule_id in may else '否') if is_critical else '—'}"
            f" | {rules[rule_id].sentence_zh.replace('|', '／') if rule_id in rules else ''} |"
        )
    shown = [
        line
        for rule_id, _ in critical
        if rule_id in rules
        for line in _examples(conn, contract, rules[rule_id], batch_id)
    ]
    if shown:
        yield f"\n### 举例（每条规则至多 {EXAMPLES} 行，个人信息已遮盖）\n"
        yield "| 规则 | 文件 | 行 | 内容 |"
        yield "|---|---|---:|---|"
        yield from shown


def _examples(
    conn: psycopg.Connection[Any], contract: Contract, rule: Rule, batch_id: int
) -> Iterator[str]:
    labels = {column.name: column.label for column in contract.columns}
    names = [name for name in rule.columns if name in labels]
    statement = sql.SQL(_EXAMPLES).format(
        table=sql.Identifier("raw", f"{contract.dataset}__b{batch_id}"),
        columns=sql.SQL("array[{}]::text[] as found").format(
            sql.SQL(", ").join(sql.Identifier("r", name) for name in names)
        ),
    )
    wanted = {"batch": batch_id, "rule": rule.id, "limit": EXAMPLES}
    with conn.cursor(row_factory=dict_row) as cur:
        rows = cur.execute(statement, wanted).fetchall()
    secret = masked_columns(contract)
    for row in rows:
        place = f"{row['path']} {row['sheet']}".strip().rpartition("/")[2]
        values = [
            f"{plain(labels[name])}：{plain(text) if text else '（空）'}"
            for name, value in zip(names, row["found"], strict=True)
            for text in [mask(value) if name in secret else value]
        ]
        yield f"| {rule.id} | {plain(place)} | {row['row_no']} | {'；'.join(values) or '—'} |"


def _move_tables(
    conn: psycopg.Connection[Any], review_id: int, previewed: bool | None
) -> Iterator[str]:
    yield "\n### 会变动的已发布指标\n"
    moves = stored(conn, review_id)
    if previewed is False and not moves:
        yield "预览没有算成，原因见任务 preview 的日志；不影响作出决定。"
        return
    if not moves:
        yield "没有已发布的指标会变动。" if previewed else "尚无预览，或没有指标会变动。"
        return
    names = _pairs(conn, "marts.ind_progress", _NAMES)
    labels = _pairs(conn, "ref.status_label", _LABELS)
    groups = {d: [m for m in moves if m.decision == d] for d in ("release_clean", "release")}
    if _figures(groups["release"]) == _figures(groups["release_clean"]):
        titles = {"release_clean": "无论怎样发布"}
    else:
        titles = {decision: DECISIONS[decision] for decision in groups}
    for decision, title in titles.items():
        found = groups[decision]
        yield f"\n**{title}**：{len(found)} 项\n"
        if not found:
            continue
        yield "| 指标 | 地区 | 期间 | 现在 | 发布后 | 状态 |"
        yield "|---|---|---|---:|---:|---|"
        for move in found[:MOVES]:
            code = move.indicator_code  # a part of an indicator (#2) has its name
            name = names.get(code) or names.get(code.partition("#")[0], "")
            yield (
                f"| {code} {plain(name)} | {plain(move.region_name)} | {move.period}"
                f" | {_figure(move.value_before)} | {_figure(move.value_after)}"
                f" | {_status(move, labels)} |"
            )
        if len(found) > MOVES:
            yield f"\n另有 {len(found) - MOVES} 项较小的变动，见表 quality.review_move。"


def _pairs(conn: psycopg.Connection[Any], table: str, statement: str) -> dict[str, str]:
    with psycopg.Cursor(conn) as cur:
        if cur.execute("select to_regclass(%s) is null", (table,)).fetchone() == (True,):
            return {}
        return dict(cur.execute(statement.encode()).fetchall())


def _figures(moves: Sequence[Move]) -> set[tuple[object, ...]]:
    return {
        (m.indicator_code, m.region_code, m.period, m.value_after, m.status_after) for m in moves
    }


def _figure(value: Decimal | None) -> str:
    """Two decimals, like the scorecard; none where nothing is published."""
    return "无" if value is None else f"{value:,.2f}"


def _status(move: Move, labels: dict[str, str]) -> str:
    if move.status_before is None and move.status_after is None:
        return "—"
    before, after = (
        labels.get(status, status) if status else "无"
        for status in (move.status_before, move.status_after)
    )
    return before if before == after else f"{before} → {after}"
