"""Pages made when somebody opens them: what waits, who is late, what is wrong, what a run did.

Counts, names of offices and schools, and sentences; of a person nothing but the masked examples of
a held batch, and these only where the caller asks for them.
"""

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psycopg
from markdown_it import MarkdownIt
from markupsafe import Markup

from eduplan import served
from eduplan.contract import Contract
from eduplan.errors import EduplanError
from eduplan.ingest import contract_of
from eduplan.quality import request
from eduplan.quality.clock import CHINA
from eduplan.quality.defects import landing_sentence
from eduplan.quality.pages import SEVERITY, STATE, docs_pages, render, rows_of, share
from eduplan.quality.review import DECISIONS
from eduplan.settings import Settings

SCRIPT = (
    'document.addEventListener("click", event => {\n'
    '  const link = event.target.closest("a.shell");\n'
    "  if (!link || parent === window) return;\n"
    "  event.preventDefault();\n"
    '  const outside = parent.document.createElement("a");\n'
    "  outside.href = link.href;\n"
    "  parent.document.body.append(outside);\n"
    "  outside.click();\n"
    "});\n"
)
"""Airflow shows a page in a frame that may not leave itself: links to Airflow open around it."""

BATCH_STATUS = {
    "landed": "已接收",
    "audited": "已检查",
    "published": "已发布",
    "held": "待审",
    "rejected": "已退回",
    "superseded": "已被取代",
    "failed": "被拒收",
}
_LATE = {"late": "晚报", "missing": "未报"}
_REVIEW = {
    "waiting": "等待决定",
    "decided": "已决定",
    "expired": "请求已过期",
    "withdrawn": "已撤回",
}
_SCOPE = {"period": "期间", "full": "全量", "school": "学校", "key": "主键"}
_MOST_LATE = 300
_MOST_ALERTS = 200
_MOST_BATCHES = 30
_MOST_INDICATORS = 8


def _moment(when: dt.datetime | None) -> str:
    return when.astimezone(CHINA).strftime("%Y-%m-%d %H:%M") if when else ""


def _number(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _page(template: str, *, root: str = "", **values: Any) -> str:
    """Fill ``template``; ``root`` leads from the page's address back to the plugin's."""
    return render(
        f"{template}.html.j2",
        root=root,
        script=Markup(SCRIPT),  # noqa: S704  our own
        moment=_moment,
        number=_number,
        **values,
    )


def message(title: str, lines: Sequence[str], link: tuple[str, str] | None = None) -> str:
    """Return a page that says something in a few sentences; ``link``: address and words."""
    return _page("message", title=title, lines=lines, link=link)


# --- review queue --------------------------------------------------------------------------------


def review_page(
    conn: psycopg.Connection[Any],
    settings: Settings,
    today: dt.date,
    datasets: Sequence[str],
    *,
    examples: bool,
    run_id: str | None = None,
    root: str = "",
) -> str:
    """Return the held batches of ``datasets``: reasons, counts by rule, figures that would move.

    ``examples``: with masked rows. ``run_id``: only what this run of Airflow asks about.
    """
    found = rows_of(conn, "pages/held", datasets=list(datasets), run_id=run_id)
    return _page(
        "review",
        root=root,
        today=today.isoformat(),
        held=[_held(conn, settings, row, examples) for row in found],
        single=run_id is not None,
        examples=examples,
        most=request.MOVES,
        decisions=DECISIONS,
        review_status=_REVIEW,
        batch_status=BATCH_STATUS,
    )


def _held(
    conn: psycopg.Connection[Any], settings: Settings, row: Mapping[str, Any], examples: bool
) -> dict[str, Any]:
    contract = _contract(settings, row["dataset"])
    # Once decided, the table of the batch is part of the dataset, or gone.
    waits = row["batch_status"] == "held"
    rules = (
        request.failed_rules(conn, contract, row["batch_id"], row["row_count"]) if contract else []
    )
    shown = (
        request.examples(conn, contract, rules, row["batch_id"])
        if contract and examples and waits
        else []
    )
    return {
        **row,
        "title": contract.title_zh if contract else row["dataset"],
        "owner": contract.owner if contract else "",
        "steward": contract.steward if contract else "",
        "waits": waits,
        "rules": rules,
        "examples": shown,
        "moves": request.moved_figures(conn, row["review_id"]),
    }


def _contract(settings: Settings, dataset: str) -> Contract | None:
    """Return the contract; None where it is gone or broken: what was counted is shown then too."""
    try:
        return contract_of(settings, dataset)
    except EduplanError:
        return None


# --- late register and alerts --------------------------------------------------------------------


def late_page(
    conn: psycopg.Connection[Any], today: dt.date, county: str, dataset: str, status: str
) -> str:
    """Return who has not reported, or late; the arguments choose, an empty one chooses all."""
    chosen = {"county": county or None, "dataset": dataset or None, "period": None}
    rows = rows_of(
        conn, "listing/late", **chosen, unit=None, status=status or None, limit=_MOST_LATE
    )
    coverage = rows_of(conn, "listing/coverage", county=None, dataset=None, period=None)
    return _page(
        "late",
        today=today.isoformat(),
        rows=rows,
        total=rows[0]["total"] if rows else 0,
        coverage=coverage,
        counties=rows_of(conn, "pages/counties"),
        datasets=sorted({(row["dataset"], row["name"]) for row in coverage}),
        chosen={"county": county, "dataset": dataset, "status": status},
        labels=_LATE,
    )


def alerts_page(conn: psycopg.Connection[Any], today: dt.date, severity: str) -> str:
    """Return the open alerts of a ``severity``, or all: what to do, who does, what they touch."""
    alerts = rows_of(conn, "listing/open_alerts")
    counts = {s: sum(a["severity"] == s for a in alerts) for s in SEVERITY}
    shown = [a for a in alerts if severity in ("", a["severity"])]
    names = {
        row["indicator_code"]: row["indicator_name_zh"]
        for row in rows_of(conn, "pages/indicator_names", "ref.indicator")
    }
    return _page(
        "alerts",
        today=today.isoformat(),
        alerts=[
            {**a, "indicators": _indicators(a["indicator_codes"], names)}
            for a in shown[:_MOST_ALERTS]
        ],
        more=max(0, len(shown) - _MOST_ALERTS),
        counts=counts,
        severity=severity,
        severities=SEVERITY,
        states=STATE,
    )


def _indicators(codes: Sequence[str], names: Mapping[str, str]) -> dict[str, Any]:
    """Return the codes to show with their names (a part, #2, has that of the whole)."""
    whole = list(dict.fromkeys(code.partition("#")[0] for code in codes))
    return {
        "shown": [(code, names.get(code, "")) for code in whole[:_MOST_INDICATORS]],
        "count": len(whole),
    }


# --- one dataset, one run ------------------------------------------------------------------------


def dataset_page(
    conn: psycopg.Connection[Any], settings: Settings, today: dt.date, dataset: str, root: str
) -> str:
    """Return what a dataset is, its last batches, and what of it is in quarantine."""
    contract = contract_of(settings, dataset)
    batches = rows_of(
        conn, "pages/batches", dataset=dataset, dag_id=None, run_id=None, limit=_MOST_BATCHES
    )
    alerts = [a for a in rows_of(conn, "listing/open_alerts") if a["dataset"] == dataset]
    due = rows_of(
        conn, "listing/coverage", "marts.qa_report_coverage",
        dataset=dataset, county=None, period=None,
    )  # fmt: skip
    return _page(
        "dataset",
        root=root,
        today=today.isoformat(),
        contract=contract,
        scope=_SCOPE.get(contract.scope, contract.scope),
        batches=_with_docs(conn, settings, batches, root),
        total=batches[0]["total"] if batches else 0,
        quarantined=_rules(
            rows_of(conn, "pages/quarantined", dataset=dataset, batches=None), contract
        ),
        alerts=alerts,
        severities=SEVERITY,
        due=due[:12],
        batch_status=BATCH_STATUS,
        share=share,
    )


def run_page(
    conn: psycopg.Connection[Any],
    settings: Settings,
    today: dt.date,
    dag_id: str,
    run_id: str,
    root: str,
) -> str:
    """Return the batches that a run handled: counts, what is held, what is in quarantine."""
    dataset = dag_id.removeprefix("ingest_")
    batches = rows_of(
        conn, "pages/batches", dataset=dataset, dag_id=dag_id, run_id=run_id, limit=_MOST_LATE
    )
    contract = _contract(settings, dataset) if dag_id.startswith("ingest_") else None
    ids = [batch["batch_id"] for batch in batches]
    return _page(
        "run",
        root=root,
        today=today.isoformat(),
        contract=contract,
        run_id=run_id,
        batches=_with_docs(conn, settings, batches, root),
        total=len(batches),
        quarantined=_rules(
            rows_of(conn, "pages/quarantined", dataset=dataset, batches=ids), contract
        ),
        batch_status=BATCH_STATUS,
    )


def _with_docs(
    conn: psycopg.Connection[Any],
    settings: Settings,
    batches: Sequence[Mapping[str, Any]],
    root: str,
) -> list[dict[str, Any]]:
    """Add to each batch the address of its Data Docs page, where it is still kept."""
    kept = {
        page["href"] for pages in docs_pages(conn, settings.docs_dir, "").values() for page in pages
    }
    return [
        {**batch, "docs": f"{root}data_docs/{href}" if href in kept else None}
        for batch in batches
        for href in [f"{batch['dataset']}/b{batch['batch_id']}.html"]
    ]


def _rules(rows: Sequence[Mapping[str, Any]], contract: Contract | None) -> list[dict[str, Any]]:
    sentences = {rule.id: rule.sentence_zh for rule in contract.rules} if contract else {}
    return [
        {**row, "sentence": sentences.get(row["rule_id"]) or landing_sentence(row["rule_id"])}
        for row in rows
    ]


# --- the project's documentation -----------------------------------------------------------------


def document(folder: Path, path: str) -> str | None:
    """Return a Markdown page of ``folder`` as HTML; None when there is no such page."""
    file = served.find(folder, path, {".md": "text/markdown"})
    if file is None:
        return None
    text = file.read_text(encoding="utf-8")
    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
    # Drawings stay behind: only pages are served.
    body = re.sub(r"<img [^>]*>", "", body)
    return _page(
        "document",
        root="../" * (path.count("/") + 1),
        title=text.partition("\n")[0].lstrip("# ").replace("`", ""),
        body=Markup(body),  # noqa: S704  rendered without HTML of its own
    )
