"""Writes the plan scorecard of an installation to its report folder."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from eduplan import warehouse
from eduplan.errors import ContractError
from eduplan.postgres import ensure_database
from eduplan.settings import Settings

if TYPE_CHECKING:
    from eduplan.scorecard import Scorecard

LEDGER = "_ledger.csv"


def scorecard_path(settings: Settings, lang: str = "zh") -> Path:
    """Return where the scorecard page of the configured plan version is written."""
    suffix = "" if lang == "zh" else f".{lang}"
    return settings.report_dir / f"scorecard{suffix}.html"


def read_scorecard(
    conn: psycopg.Connection[Any], settings: Settings, lang: str = "zh"
) -> "Scorecard":
    """Load the scorecard of this installation: datasets by the titles of their contracts.

    The synthetic city leaves its ledger of planted defects in the source folder: where that lies,
    the page is marked as a demonstration whatever the plan version.
    """
    from eduplan.contract import load_contracts
    from eduplan.scorecard import load_scorecard

    try:
        contracts = load_contracts(settings.expectations_dir)
    except ContractError:
        contracts = {}  # a broken contract must not hide the numbers already published
    return load_scorecard(
        conn,
        settings.plan_version,
        lang,
        {
            name: (contract.title_en if lang == "en" else "") or contract.title_zh
            for name, contract in contracts.items()
        },
        synthetic_data=(settings.source_root / LEDGER).exists(),
    )


def write_scorecard(settings: Settings, lang: str = "zh", out: Path | None = None) -> Path:
    """Render the scorecard page and write it in one step; return its path."""
    from eduplan.scorecard import render_html

    with warehouse.connect(ensure_database(settings)) as conn:
        html = render_html(read_scorecard(conn, settings, lang), settings.borders)
    path = out or scorecard_path(settings, lang)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(html, encoding="utf-8")
    temporary.replace(path)
    return path
