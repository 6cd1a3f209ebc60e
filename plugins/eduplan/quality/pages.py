"""The quality page and the index of the Data Docs: static HTML, counts only, no script."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import psycopg
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from psycopg.rows import dict_row

from eduplan import warehouse
from eduplan.contract import Contract, load_contracts
from eduplan.postgres import ensure_database
from eduplan.quality.clock import CHINA
from eduplan.settings import Settings

PAGE = "quality.html"
INDEX = "index.html"

CAUGHT = {
    "critical_rows": "严重行",
    "warning_rows": "警告行",
    "info_rows": "提示行",
    "refused_lines": "拒收行",
    "refused_files": "拒收文件",
    "table_rules": "整表规则",
    "drift_events": "结构变化",
    "held_batches": "待审批次",
}
SEVERITY = {"critical": "严重", "warning": "警告", "info": "提示"}
STATE = {"open": "未处理", "acknowledged": "已有人处理", "snoozed": "暂缓"}
_DIMENSIONS = ("", "规范性", "完整性", "准确性", "一致性", "时效性")
_FINDINGS = {
    "changed": "规则改过，已入库的数据还没有按它重判（eduplan quarantine replay）",
    "new": "新规则，已入库的数据还没有按它检查",
    "removed": "上次入库后取消的规则",
    "no_rule": "没有任何规则检查的列",
    "never_run": "从未执行的规则（没有可比的数据）",
    "never_failed": "从未查出问题的规则",
}
_MOST_ALERTS = 25
_WIDTH, _LEFT, _TOP, _BOTTOM = 540.0, 10.0, 18.0, 125.0


def write(settings: Settings, today: dt.date) -> Path:
    """Write ``<home>/report/quality.html`` and ``<home>/data_docs/index.html``; return the former.

    ``today`` is the day the page says it is seen on. What has no table yet (no build) is told so.
    """
    contracts = load_contracts(settings.expectations_dir)
    with warehouse.connect(ensure_database(settings)) as conn:
        conn.read_only = True
        # The late register is a view that counts to the reader's day.
        conn.execute("select set_config('eduplan.today', %s, false)", (today.isoformat(),))
        page = _page(conn, contracts, settings.docs_dir, today)
        index = _index(conn, contracts, settings.docs_dir)
    _put(settings.docs_dir / INDEX, index)
    return _put(settings.report_dir / PAGE, page)


def _put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
    return path


def render(template: str, **values: Any) -> str:
    """Fill one of the templates of this package; values are escaped, the style is written in."""
    env = Environment(
        loader=PackageLoader("eduplan.quality"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters["commands"] = _commands
    files = (
        resources.files("eduplan.scorecard") / "templates" / "scorecard.css",
        resources.files("eduplan.quality") / "templates" / "quality.css",
    )
    css = Markup("\n".join(file.read_text("utf-8") for file in files))  # noqa: S704  our own files
    return env.get_template(template).render(css=css, **values)


def _commands(text: str) -> Markup:
    """Set what stands between back quotes as a command."""
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if place % 2 else part
        for place, part in enumerate(text.split("`"))
    )


def rows_of(
    conn: psycopg.Connection[Any], name: str, needs: str | None = None, **values: Any
) -> list[dict[str, Any]]:
    """Run ``sql/<name>.sql`` with ``values``; nothing when the relation it ``needs`` is missing."""
    if needs is not None:
        found = conn.execute("select to_regclass(%s) is not null", (needs,)).fetchone()
        if found != (True,):
            return []
    statement = (resources.files("eduplan") / "sql" / f"{name}.sql").read_bytes()
    with conn.cursor(row_factory=dict_row) as cur:
        return cur.execute(statement, values or None).fetchall()


# --- the quality page ----------------------------------------------------------------------------


def _page(
    conn: psycopg.Connection[Any],
    contracts: Mapping[str, Contract],
    docs: Path,
    today: dt.date,
) -> str:
    caught = rows_of(conn, "listing/caught")
    totals = {name: sum(row[name] for row in caught) for name in CAUGHT}
    alerts = rows_of(conn, "listing/open_alerts")
    rates = rows_of(conn, "quality/rates", "marts.qa_pass_rate")
    late = rows_of(conn, "quality/late", "marts.qa_late_register")
    found = conn.execute(
        "select count(*) from quality.quarantined_row where status = 'open'"
    ).fetchone()
    open_rows = int(found[0]) if found else 0
    whole = next((r for r in rates if r["region_level"] == "city" and not r["dimension"]), None)
    pages = docs_pages(conn, docs, "../data_docs/", latest=1)
    return render(
        "quality.html.j2",
        today=today.isoformat(),
        sentence=_sentence(totals, open_rows, late, alerts),
        number=lambda value: f"{value:,}",
        day=lambda moment: moment.astimezone(CHINA).strftime("%m-%d"),
        open_rows=open_rows,
        overall=share(whole["checked"], whole["failed"]) if whole else "",
        alerts=alerts,
        most=_MOST_ALERTS,
        severities=SEVERITY,
        states=STATE,
        caught=_caught(caught, contracts, pages),
        caught_titles=CAUGHT,
        totals=totals,
        dimensions=_DIMENSIONS,
        rates=_matrix(rates),
        burn=_burn(rows_of(conn, "quality/burndown", "marts.qa_quarantine_burndown")),
        late=late,
        coverage=_coverage(rows_of(conn, "quality/coverage", "marts.qa_rule_coverage")),
    )


def _sentence(
    totals: Mapping[str, int],
    open_rows: int,
    late: Sequence[Mapping[str, Any]],
    alerts: Sequence[Mapping[str, Any]],
) -> str:
    missing = sum(row["missing"] for row in late)
    urgent = sum(1 for alert in alerts if alert["severity"] == "critical")
    parts = [
        f"查出严重错误 {totals['critical_rows']:,} 行、警告 {totals['warning_rows']:,} 行；"
        f"{open_rows:,} 行还在隔离区等人处理。"
    ]
    if totals["held_batches"]:
        parts.append(f"{totals['held_batches']:,} 个批次等人审定，未经同意不会入库。")
    if missing:
        parts.append(f"到期未报 {missing:,} 项。")
    if urgent:
        parts.append(f"严重告警 {urgent:,} 条。")
    return "".join(parts)


def _caught(
    caught: Sequence[Mapping[str, Any]],
    contracts: Mapping[str, Contract],
    pages: Mapping[str, list[dict[str, str]]],
) -> list[dict[str, Any]]:
    rows = []
    for row in caught:
        contract = contracts.get(row["dataset"])
        rows.append(
            {
                **row,
                "title": contract.title_zh if contract else row["dataset"],
                "system": contract.system if contract else "",
                "pages": pages.get(row["dataset"], []),
            }
        )
    return sorted(rows, key=lambda row: (row["system"], -row["critical_rows"], row["title"]))


@dataclass(frozen=True)
class _Cell:
    text: str
    style: str
    title: str


@dataclass(frozen=True)
class _Region:
    name: str
    cells: tuple[_Cell, ...]


def _matrix(rates: Sequence[Mapping[str, Any]]) -> list[_Region]:
    """Return the regions, the city first, each with a cell per dimension."""
    regions: dict[str, tuple[str, dict[str, Mapping[str, Any]]]] = {}
    for row in rates:
        regions.setdefault(row["region_code"], (row["region_name"], {}))[1][row["dimension"]] = row
    return [
        _Region(name, tuple(_cell(by_dimension.get(d)) for d in _DIMENSIONS))
        for name, by_dimension in regions.values()
    ]


def _cell(rate: Mapping[str, Any] | None) -> _Cell:
    if rate is None or not rate["checked"]:
        return _Cell("—", "hatch", "没有可计的检查")
    checked, failed = rate["checked"], rate["failed"]
    failing = failed / checked
    style = "off_track d1" if failing > 0.01 else "at_risk d1" if failing > 0.001 else "on_track d1"
    if not failed:
        style = "met d1"
    return _Cell(share(checked, failed), style, f"检查 {checked:,} 次，未通过 {failed:,} 次")


def share(checked: int, failed: int) -> str:
    """Return the share passed in percent with two decimals, rounded down: 100 means all."""
    if not checked:
        return ""
    hundredths = (checked - failed) * 10_000 // checked
    return f"{hundredths // 100}.{hundredths % 100:02d}"


def _burn(days: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return the chart: a bar for what came each day, a line for what was open at its end."""
    if not days:
        return None
    first: dt.date = days[0]["day"]
    last: dt.date = days[-1]["day"]
    span = max(1, (last - first).days)
    most: int = max(1, *(max(d["open"], d["opened"]) for d in days))
    width = min(14.0, _WIDTH / (span + 1) * 0.7)

    def x(day: dt.date) -> float:
        return round(_LEFT + width / 2 + (_WIDTH - width) * (day - first).days / span, 1)

    def y(value: int) -> float:
        return round(_BOTTOM - (_BOTTOM - _TOP) * value / most, 1)

    points: list[tuple[float, float]] = []
    for d in days:
        if points:  # open rows stay what they were until the day they change
            points.append((x(d["day"]), points[-1][1]))
        points.append((x(d["day"]), y(d["open"])))
    names = ("opened", "fixed", "released", "waived", "rejected")
    return {
        "bars": [
            {
                "x": round(x(d["day"]) - width / 2, 1),
                "y": y(d["opened"]),
                "width": round(width, 1),
                "height": round(_BOTTOM - y(d["opened"]), 1),
            }
            for d in days
            if d["opened"]
        ],
        "line": " ".join(f"{px},{py}" for px, py in points),
        "end": points[-1],
        "first": first.isoformat(),
        "last": last.isoformat() if last != first else "",
        "sums": {name: sum(d[name] for d in days) for name in names},
    }


def _coverage(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return one line per finding; rules that follow from a column count but are not named."""
    lines = []
    for finding, title in _FINDINGS.items():
        own = [row for row in rows if row["finding"] == finding]
        if not own:
            continue
        named = [
            f"{row['dataset_name']}：{'、'.join(row['items'])}"
            + ("等" if row["written"] > len(row["items"]) else "")
            for row in own
            if row["items"]
        ]
        derived = sum(row["total"] - row["written"] for row in own)
        shown = named[:8] + ([f"另 {len(named) - 8} 个数据集"] if len(named) > 8 else [])
        if derived:
            shown.append(f"其中由列的说明得出的规则 {derived:,} 条")
        lines.append(
            {
                "title": title,
                "count": sum(row["total"] for row in own),
                "text": "；".join(shown),
            }
        )
    return lines


# --- the index of the Data Docs ------------------------------------------------------------------


def docs_pages(
    conn: psycopg.Connection[Any], docs: Path, prefix: str, latest: int | None = None
) -> dict[str, list[dict[str, str]]]:
    """Return per dataset its Data Docs pages, the newest batch first: ``href`` and ``label``."""
    found = {int(path.stem[1:]): path.parent.name for path in docs.glob("*/b*.html")}
    pages: dict[str, list[dict[str, str]]] = {}
    for batch_id, period, status in conn.execute(
        "select batch_id, period, status from ops.batch where batch_id = any(%s)"
        " order by batch_id desc",
        (list(found),),
    ).fetchall():
        label = f"{'全部' if period == 'all' else period} b{batch_id}" + (
            "（待审）" if status == "held" else ""
        )
        own = pages.setdefault(found[batch_id], [])
        if latest is None or len(own) < latest:
            own.append({"href": f"{prefix}{found[batch_id]}/b{batch_id}.html", "label": label})
    return pages


def _index(conn: psycopg.Connection[Any], contracts: Mapping[str, Contract], docs: Path) -> str:
    lines = []
    for dataset, pages in docs_pages(conn, docs, "").items():
        contract = contracts.get(dataset)
        lines.append(
            {
                "title": contract.title_zh if contract else dataset,
                "system": contract.system if contract else "",
                "owner": contract.owner if contract else "",
                "pages": pages,
            }
        )
    return render(
        "data_docs.html.j2", lines=sorted(lines, key=lambda line: (line["system"], line["title"]))
    )
