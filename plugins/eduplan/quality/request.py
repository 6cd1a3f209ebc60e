"""What a person must know to decide on a held batch: as data, and as Markdown.

The text is shown in Airflow and printed; the plugin's page shows the same data. Values of personal
columns are masked, whoever reads.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True)
class FailedRule:
    """A rule and how many rows of the batch fail it.

    ``may_release``: whether a release lets such rows in; None where they are not kept out.
    """

    rule_id: str
    rows: int
    share: float
    is_critical: bool
    may_release: bool | None
    sentence: str


@dataclass(frozen=True)
class Example:
    """A row that fails a critical rule: where it stands, and (label, masked value) it fails by."""

    rule_id: str
    file: str
    row: int
    values: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class MovedFigure:
    """One published figure that would move, in words."""

    code: str
    name: str
    region: str
    period: str
    before: str
    after: str
    status: str


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


def failed_rules(
    conn: psycopg.Connection[Any], contract: Contract, batch_id: int, rows: int
) -> list[FailedRule]:
    """Return the rules that rows of the batch fail, critical ones first, the most rows first.

    ``rows``: how many the batch has.
    """
    with psycopg.Cursor(conn) as cur:
        counts = cur.execute(_COUNTS, (batch_id,)).fetchall()
    rules = {rule.id: rule for rule in contract.rules}
    may = set(overridable(contract))
    found = []
    for rule_id, count in counts:
        known = rules.get(rule_id)
        critical = known is None or known.severity == "critical"
        found.append(
            FailedRule(
                rule_id,
                count,
                count / rows if rows else 0,
                critical,
                rule_id in may if critical else None,
                known.sentence_zh if known else "",
            )
        )
    return sorted(found, key=lambda rule: not rule.is_critical)


def examples(
    conn: psycopg.Connection[Any],
    contract: Contract,
    failed: Sequence[FailedRule],
    batch_id: int,
) -> list[Example]:
    """Return up to ``EXAMPLES`` rows of each critical rule, personal data masked."""
    rules = {rule.id: rule for rule in contract.rules}
    return [
        example
        for rule in failed
        if rule.is_critical and rule.rule_id in rules
        for example in _examples(conn, contract, rules[rule.rule_id], batch_id)
    ]


def _rules(
    conn: psycopg.Connection[Any], contract: Contract, batch_id: int, rows: int
) -> Iterator[str]:
    failed = failed_rules(conn, contract, batch_id, rows)
    if not failed:
        return
    yield "\n### 各规则不通过的行\n"
    yield "| 规则 | 行数 | 占比 | 级别 | 可放行 | 说明 |"
    yield "|---|---:|---:|---|---|---|"
    for rule in failed:
        released = "—" if rule.may_release is None else "是" if rule.may_release else "否"
        yield (
            f"| {rule.rule_id} | {rule.rows:,} | {rule.share:.2%}"
            f" | {'严重' if rule.is_critical else '提示'} | {released}"
            f" | {rule.sentence.replace('|', '／')} |"
        )
    shown = examples(conn, contract, failed, batch_id)
    if shown:
        yield f"\n### 举例（每条规则至多 {EXAMPLES} 行，个人信息已遮盖）\n"
        yield "| 规则 | 文件 | 行 | 内容 |"
        yield "|---|---|---:|---|"
    for example in shown:
        values = "；".join(
            f"{plain(label)}：{plain(value) if value else '（空）'}"
            for label, value in example.values
        )
        yield f"| {example.rule_id} | {plain(example.file)} | {example.row} | {values or '—'} |"


def _examples(
    conn: psycopg.Connection[Any], contract: Contract, rule: Rule, batch_id: int
) -> Iterator[Example]:
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
        values = tuple(
            (labels[name], (mask(value) if name in secret else value) or "")
            for name, value in zip(names, row["found"], strict=True)
        )
        place = f"{row['path']} {row['sheet']}".strip().rpartition("/")[2]
        yield Example(rule.id, place, row["row_no"], values)


def moved_figures(
    conn: psycopg.Connection[Any], review_id: int
) -> dict[str, list[MovedFigure]] | None:
    """Return the figures each way of publishing would move, the most important first.

    The keys say which way, in words; one key where both move the same. None: nothing is stored.
    """
    moves = stored(conn, review_id)
    if not moves:
        return None
    names = _pairs(conn, "marts.ind_progress", _NAMES)
    labels = _pairs(conn, "ref.status_label", _LABELS)
    groups = {d: [m for m in moves if m.decision == d] for d in ("release_clean", "release")}
    if _figures(groups["release"]) == _figures(groups["release_clean"]):
        titles = {"release_clean": "无论怎样发布"}
    else:
        titles = {decision: DECISIONS[decision] for decision in groups}
    return {
        title: [
            MovedFigure(
                move.indicator_code,
                # a part of an indicator (#2) has its name
                names.get(move.indicator_code)
                or names.get(move.indicator_code.partition("#")[0], ""),
                move.region_name,
                move.period,
                _figure(move.value_before),
                _figure(move.value_after),
                _status(move, labels),
            )
            for move in groups[decision]
        ]
        for decision, title in titles.items()
    }


def _move_tables(
    conn: psycopg.Connection[Any], review_id: int, previewed: bool | None
) -> Iterator[str]:
    yield "\n### 会变动的已发布指标\n"
    moved = moved_figures(conn, review_id)
    if moved is None:
        if previewed is False:
            yield "预览没有算成，原因见任务 preview 的日志；不影响作出决定。"
        else:
            yield "没有已发布的指标会变动。" if previewed else "尚无预览，或没有指标会变动。"
        return
    for title, found in moved.items():
        yield f"\n**{title}**：{len(found)} 项\n"
        if not found:
            continue
        yield "| 指标 | 地区 | 期间 | 现在 | 发布后 | 状态 |"
        yield "|---|---|---|---:|---:|---|"
        for move in found[:MOVES]:
            yield (
                f"| {move.code} {plain(move.name)} | {plain(move.region)} | {move.period}"
                f" | {move.before} | {move.after} | {move.status} |"
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
