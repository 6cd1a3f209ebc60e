"""Writes the plan scorecard of an installation to its report folder."""

from pathlib import Path

from eduplan import warehouse
from eduplan.postgres import ensure_database
from eduplan.settings import Settings


def scorecard_path(settings: Settings, lang: str = "zh") -> Path:
    """Return where the scorecard page of the configured plan version is written."""
    suffix = "" if lang == "zh" else f".{lang}"
    return settings.report_dir / f"scorecard{suffix}.html"


def write_scorecard(settings: Settings, lang: str = "zh", out: Path | None = None) -> Path:
    """Render the scorecard page and write it in one step; return its path."""
    from eduplan.scorecard import load_scorecard, render_html

    with warehouse.connect(ensure_database(settings)) as conn:
        html = render_html(load_scorecard(conn, settings.plan_version, lang))
    path = out or scorecard_path(settings, lang)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(html, encoding="utf-8")
    temporary.replace(path)
    return path
