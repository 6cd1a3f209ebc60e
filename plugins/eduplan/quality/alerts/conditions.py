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
from psycopg.types.json import Jsonb

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
    source: str = ""
    """Statement under ``sql/alerts/kinds``, where it is not named like the kind."""


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
        "缺陷报告会发给报送单位；用 `eduplan quarantine list --dataset {dataset}` 查看。"
        "改正后重新报送，或导出改好再导入（quarantine export / import），确实无误的放行或免改。",
        "行",
        least_growth=10,
    ),
    "check_failed": Kind(
        "{name}：{rule_count} 条检查不通过，共 {n} 处",
        "这些数据已经发布。按规则核对，属实的请报送单位改正重报；规则本身不合适的，改契约。",
        "处",
        least_growth=10,
    ),
    "rule_error": Kind(
        "{name}：{n} 条规则没有执行或出错",
        "出错：看任务 audit 的日志，改正规则。没有执行：先接收它要对照的数据集，再重新审核。",
        "条",
    ),
    "delivery_late": Kind(
        "{name} {period}：{n} 个单位逾期未报，最长 {days} 天（{due_on} 截止）",
        "用 `eduplan late list --dataset {dataset} --status missing` 看名单，催报。",
        "个单位",
        least_growth=5,
        needs=("marts.qa_late_register",),
    ),
    "volume_anomaly": Kind(
        "{name} {period}：{n} 项数量或分布与往年相差很大",
        "先问报送单位是否漏报、重报或口径变了；确属实际变化的，写明原因后关闭告警。",
        "项",
    ),
    "schema_drift": Kind(
        "{name}：{n} 处列或代码与契约不同",
        "用 `eduplan drift list --dataset {dataset}` 看建议；认可的写进契约，否则请报送单位改正。",
        "处",
    ),
    "reconciliation_breach": Kind(
        "{name_zh} {period}：{n} 处两个来源对不上",
        "{action_zh}。用 `eduplan reconcile --code {code}` 查看。",
        "处",
        least_growth=3,
        needs=("marts.qa_reconciliation",),
    ),
    "indicator_off_track": Kind(
        "{key} {indicator_name_zh} {period}：偏离目标轨迹",
        "用 `eduplan explain {key}` 看数值从哪里来：先排除数据问题，再与牵头单位商量措施。",
        "%",
        needs=("marts.ind_progress", "ref.indicator"),
    ),
    "warehouse_stale": Kind(
        "{what}",
        "已发布而未入库：在 Airflow 触发 build_warehouse 并看它的日志。来源没有新数据：看上次读取"
        "（`eduplan batches --dataset {dataset}`），与来源系统联系。",
        "小时",
        steps=_HOURS,
    ),
    "build_failed": Kind(
        "指标仓库构建失败（第 {build} 次）",
        "读者看到的仍是上次成功的结果。任务 build 的日志写明哪个模型或测试、为什么；改好后重跑。",
        "小时",
        steps=_HOURS,
    ),
    "run_unfinished": Kind(
        "{name}：接收流程中断，已 {n} 小时",
        "重新触发 ingest_{dataset}：它从中断处继续，不会重复。再次中断就看任务日志。",
        "小时",
        steps=_HOURS,
    ),
    "dag_failed": Kind(
        "{title}",
        "在 Airflow 打开失败的任务看日志，改正后清除（clear）重跑；成功后告警自动收回。",
        "次",
        source="signal",
    ),
    "dead_channel": Kind(
        "{title}",
        "核对 alerts.yaml 中这个渠道的地址和密钥是否还有效，网络是否通；恢复后积压的消息会补发。",
        "次",
        source="signal",
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
    hashes = {name: contract.sha256 for name, contract in contracts.items()}
    values = {"now": now, "plan": plan_version, "hashes": Jsonb(hashes)}
    conditions: list[Condition] = []
    judged, failures = set(), {}
    for name, kind in KINDS.items():
        if not _exist(conn, kind.needs):
            continue
        try:
            with conn.transaction(), conn.cursor(row_factory=dict_row) as cur:
                cur.execute("select set_config('eduplan.today', %s, true)", (str(today),))
                query = statement(f"kinds/{kind.source or name}")
                facts = cur.execute(query, values | {"kind": name}).fetchall()
                if name == "warehouse_stale":
                    facts += _silent(conn, contracts, today)
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


def _silent(
    conn: psycopg.Connection[Any], contracts: Mapping[str, Contract], today: dt.date
) -> list[dict[str, Any]]:
    """Return the source systems that should have brought something by ``today``, one row each."""
    from eduplan.quality.silence import expected_silence

    silent: dict[str, list[Contract]] = {}
    for name, contract in sorted(contracts.items()):
        if contract.source.kind != "file" and expected_silence(conn, name, today) is None:
            silent.setdefault(contract.system, []).append(contract)
    rows = []
    for system, found in silent.items():
        more = f"等 {len(found)} 个数据集" if len(found) > 1 else ""
        rows.append(
            {"key": f"source:{system}", "dataset": found[0].dataset, "severity": "warning",
             "magnitude": len(found), "what": f"{found[0].title_zh}{more}到期仍没有新数据",
             "lines": [contract.title_zh for contract in found]}
        )  # fmt: skip
    return rows


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
