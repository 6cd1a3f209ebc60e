"""Conditions that somebody must know of, read from the tables of the pipeline and the marts.

One SQL file a kind (``sql/alerts/kinds``) returns the facts, aggregated so that a city has tens of
conditions and not thousands; the sentences stand here. No fact is a value of a row.
"""

import datetime as dt
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

import psycopg
from psycopg.rows import dict_row

from eduplan.contract import Contract

log = logging.getLogger(__name__)

RUNBOOK = "docs/runbook"
OPERATIONS = "eduplan"
"""Who has to act where no dataset has an owner: whoever runs the installation."""


@dataclass(frozen=True)
class Kind:
    """One kind of condition: its words, and when it counts as worse.

    ``title`` and ``what_to_do`` are filled with the columns its SQL returns, ``name`` (the Chinese
    name of the dataset) and ``n`` (the magnitude). ``steps``: magnitudes that are each told once;
    without them a condition worsens by doubling, and by at least ``least_growth``. ``needs`` are
    the tables without which the kind is silent: the warehouse may not have been built yet.
    """

    title: str
    what_to_do: str
    unit: str
    steps: tuple[float, ...] = ()
    least_growth: float = 1
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Condition:
    """Something that is wrong now. ``key`` tells it from others of its ``kind``."""

    kind: str
    key: str
    severity: str
    title: str
    detail: str
    what_to_do: str
    owner: str
    dataset: str | None = None
    period: str | None = None
    region: str | None = None
    indicators: tuple[str, ...] = ()
    magnitude: float = 1

    @property
    def dedupe_key(self) -> str:
        """Return what is the same as long as the condition is."""
        return f"{self.kind}:{self.key}"

    @property
    def runbook(self) -> str:
        """Return the page that explains the kind, relative to the project."""
        return f"{RUNBOOK}/{self.kind}.md"


@dataclass(frozen=True)
class Collected:
    """All conditions of the kinds that could be judged; ``failures``: why others could not."""

    conditions: tuple[Condition, ...]
    judged: frozenset[str]
    failures: Mapping[str, str] = field(default_factory=dict)


_DAYS = (3, 7, 14, 30, 60)
_HOURS = (24, 72, 168)

KINDS: Mapping[str, Kind] = {
    "delivery_refused": Kind(
        "{name} {period}：{n} 份交付被拒收（{codes}）",
        "用 `eduplan batches --dataset {dataset}` 看原因，请报送单位改好文件后重新报送。",
        "份",
    ),
    "batch_held": Kind(
        "{name} {period}：第 {batch} 批等待审核，已 {n} 天",
        "{expired}用 `eduplan review show {batch}` 或 Airflow 的 Required Actions 查看并作出决定："
        "放行、剔除问题行后放行或退回。不决定就不会发布。",
        "天",
        steps=_DAYS,
    ),
    "rows_quarantined": Kind(
        "{name}：{n} 行在隔离区",
        "缺陷报告会发给报送单位；用 `eduplan quarantine list --dataset {dataset}` 查看。改正后重新报送，"
        "或导出改好再导入（quarantine export / import），确实无误的放行或免改。",
        "行",
        least_growth=10,
    ),
}


def statement(name: str) -> bytes:
    """Return the text of ``sql/alerts/<name>.sql``."""
    return (resources.files("eduplan") / "sql" / "alerts" / f"{name}.sql").read_bytes()


def collect(
    conn: psycopg.Connection[Any],
    contracts: Mapping[str, Contract],
    plan_version: str,
    today: dt.date,
    now: dt.datetime,
) -> Collected:
    """Judge every kind. Deadlines are counted to ``today``, waiting to ``now``.

    A kind whose tables do not exist yet is not judged; one whose statement fails is not either
    and is reported in ``failures``, without the values of any row.
    """
    touched = _touched(conn)
    values = {"today": today, "now": now, "plan": plan_version}
    conditions: list[Condition] = []
    judged, failures = set(), {}
    for name, kind in KINDS.items():
        if not _exist(conn, kind.needs):
            continue
        try:
            with conn.transaction(), conn.cursor(row_factory=dict_row) as cur:
                facts = cur.execute(statement(f"kinds/{name}"), values).fetchall()
        except psycopg.OperationalError:
            raise
        except psycopg.Error as error:
            failures[name] = f"{type(error).__name__}: {error.diag.message_primary}"
            log.error("alerts of kind %s could not be judged: %s", name, failures[name])
            continue
        judged.add(name)
        conditions += [_condition(name, kind, row, contracts, touched) for row in facts]
    return Collected(tuple(conditions), frozenset(judged), failures)


def _exist(conn: psycopg.Connection[Any], tables: tuple[str, ...]) -> bool:
    with psycopg.Cursor(conn) as cur:
        query = "select bool_and(to_regclass(t) is not null) from unnest(%s::text[]) t"
        row = cur.execute(query, (list(tables),)).fetchone()
    return not tables or row == (True,)


def _touched(conn: psycopg.Connection[Any]) -> dict[tuple[str, str], tuple[str, ...]]:
    """Return {('dataset' | 'reconciliation', name): indicators}; empty before the first build."""
    needs = ("intermediate.int_indicator__inputs", "intermediate.int_indicator__terms")
    if not _exist(conn, (*needs, "ref.reconciliation")):
        return {}
    with psycopg.Cursor(conn) as cur:
        rows = cur.execute(statement("touched")).fetchall()
    return {(of, name): tuple(codes) for of, name, codes in rows}


def _condition(
    name: str,
    kind: Kind,
    row: Mapping[str, Any],
    contracts: Mapping[str, Contract],
    touched: Mapping[tuple[str, str], tuple[str, ...]],
) -> Condition:
    dataset = row.get("dataset")
    contract = contracts.get(dataset) if dataset else None
    magnitude = float(row["magnitude"])
    words = {
        **row,
        "dataset": dataset or "",
        "name": contract.title_zh if contract else dataset or "",
        "period": row.get("period") or "",
        "n": f"{magnitude:,.0f}" if magnitude == int(magnitude) else f"{magnitude:,.1f}",
    }
    source = ("reconciliation", row["code"]) if "code" in row else ("dataset", dataset or "")
    return Condition(
        kind=name,
        key=row["key"],
        severity=row["severity"],
        title=" ".join(kind.title.format_map(words).split()),
        detail=_detail(row, contract),
        what_to_do=kind.what_to_do.format_map(words),
        owner=row.get("owner") or (contract.owner if contract else OPERATIONS),
        dataset=dataset,
        period=row.get("period"),
        region=row.get("region"),
        indicators=tuple(row.get("indicators") or touched.get(source, ())),
        magnitude=magnitude,
    )


def _detail(row: Mapping[str, Any], contract: Contract | None) -> str:
    """Return the facts as lines: ``lines`` as they are, ``rules`` with their sentences."""
    lines = [row["detail"]] if row.get("detail") else []
    lines += row.get("lines") or ()
    sentences = (
        {rule.id: rule.sentence_zh.rstrip("。") for rule in contract.rules} if contract else {}
    )
    for rule, count in zip(row.get("rules") or (), row.get("counts") or (), strict=True):
        words = " ".join(x for x in (rule, sentences.get(rule, "")) if x)
        lines.append(f"{words}：{count:,}")
    if row.get("more"):
        lines.append(f"另有 {row['more']:,} 项")
    return "\n".join(lines)
