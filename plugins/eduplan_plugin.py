"""The one file Airflow's plugin loader reads: pages of eduplan in the navigation and on runs.

Every process of Airflow imports it, so it imports nothing: the pages themselves are loaded by the
first request for one of them.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import quote

from airflow.plugins_manager import AirflowPlugin

PREFIX = "/eduplan"
CATEGORY = "eduplan 教育方案"

_RUN = "dag/{DAG_ID}/run?run_id={RUN_ID}"

_ICONS = {
    "scorecard": "M3 20h18M6 20v-7h3v7M11 20V5h3v15M16 20v-11h3v11",
    "review": "M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18M12 7v5l3 3",
    "late": "M4 6h16v14H4zM4 10h16M8 3v4M16 3v4M9 15h6",
    "alerts": "M6 17V11a6 6 0 0 1 12 0v6l2 2H4zM10 21h4",
    "quality": "M12 3l8 3v6c0 5-4 8-8 9c-4-1-8-4-8-9V6zM8.5 12l2.5 2.5l4.5-5",
    "checks": "M5 3h10l4 4v14H5zM8 12l2 2l4-4M8 18h8",
    "models": "M4 5h6v5H4zM14 14h6v5h-6zM7 10v6.5h7",
    "batches": "M4 7l8-4l8 4l-8 4zM4 12l8 4l8-4M4 17l8 4l8-4",
}


def _icon(name: str, colour: str) -> str:
    """Return a line drawing as a URL: no request, no file."""
    drawing = (
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24' fill='none'"
        f" stroke='{colour}' stroke-width='1.8' stroke-linecap='round' stroke-linejoin='round'>"
        f"<path d='{_ICONS[name]}'/></svg>"
    )
    return f"data:image/svg+xml,{quote(drawing)}"


def _view(name: str, icon: str, route: str, path: str, destination: str = "nav") -> dict[str, Any]:
    return {
        "name": name,
        "href": f"{PREFIX}/{path}",
        "url_route": route,
        "destination": destination,
        "icon": _icon(icon, "#6b7a90"),
        "icon_dark_mode": _icon(icon, "#d4d4d8"),
    }


def _grouped(*args: str) -> dict[str, Any]:
    return {**_view(*args), "category": CATEGORY}


async def pages(
    scope: MutableMapping[str, Any],
    receive: Callable[[], Awaitable[Any]],
    send: Callable[[Any], Awaitable[None]],
) -> None:
    """Hand a request to the pages; importing them takes seconds where no API server runs."""
    from eduplan.airflow.pages import app

    await app(scope, receive, send)


class EduplanPlugin(AirflowPlugin):
    """Pages behind Airflow's own login and roles."""

    name = "eduplan"
    fastapi_apps = [{"app": pages, "url_prefix": PREFIX, "name": "eduplan"}]
    external_views = [
        {
            **_view("记分卡", "scorecard", "scorecard", "scorecard"),
            "nav_top_level": True,
        },
        _grouped("待审批次 Review queue", "review", "review", "review"),
        _grouped("报送登记 Late register", "late", "late", "late"),
        _grouped("告警 Alerts", "alerts", "alerts", "alerts"),
        _grouped("数据质量 Data quality", "quality", "quality", "report/quality.html"),
        _grouped("检查结果 Data Docs", "checks", "data-docs", "data_docs/index.html"),
        _grouped("数据模型 dbt docs", "models", "dbt-docs", "dbt_docs/index.html"),
        _view("数据集 Dataset", "batches", "dataset", "dag/{DAG_ID}", "dag"),
        _view("数据集 Dataset", "batches", "task-dataset", "dag/{DAG_ID}", "task"),
        _view("批次 Batches", "batches", "batches", _RUN, "dag_run"),
        _view("批次 Batches", "batches", "task-batches", _RUN, "task_instance"),
    ]
