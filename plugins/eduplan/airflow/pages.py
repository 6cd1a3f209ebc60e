"""The plugin's pages: behind Airflow's login, for whom Airflow's auth manager lets in.

Airflow does not protect a plugin's application: the dependencies here do. Nothing is written.
"""

import base64
import hashlib
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import psycopg
from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.auth.managers.models.resource_details import (
    AccessView,
    DagAccessEntity,
    DagDetails,
)
from airflow.api_fastapi.core_api.security import (
    get_user,
    requires_access_dag,
    requires_access_view,
)
from fastapi import Depends, FastAPI, HTTPException, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse
from starlette.exceptions import HTTPException as StarletteHTTPException

from eduplan import served, warehouse
from eduplan.airflow.assets import datasets
from eduplan.errors import EduplanError, PlatformError
from eduplan.postgres import EmbeddedPostgres
from eduplan.quality import live
from eduplan.quality.clock import today_of
from eduplan.report import scorecard_path
from eduplan.settings import Settings, load_settings

log = logging.getLogger(__name__)

REVIEW_DAG = "review_batch"
INGEST = "ingest_"
_SECONDS = 20
"""A statement that takes longer is given up: a page is not worth a busy warehouse."""

# Pages run no script but this one, which opens Airflow's own pages in the window around the frame.
_SCRIPT_HASH = base64.b64encode(hashlib.sha256(live.SCRIPT.encode()).digest()).decode()
_STRICT = (
    "default-src 'none'; style-src 'unsafe-inline' 'self'; img-src data: 'self'; font-src data:;"
    f" script-src 'sha256-{_SCRIPT_HASH}'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'self'"
)
# dbt's page is one file that draws itself: its script may run, but not as a page of this server, so
# that it can call nobody with the reader's login.
_DBT = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:;"
    " script-src 'unsafe-inline'; form-action 'none'; base-uri 'none';"
    " frame-ancestors 'self'; sandbox allow-scripts"
)
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": _STRICT,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

app = FastAPI(
    title="eduplan",
    dependencies=[Depends(get_user)],
    docs_url=None,
    redoc_url=None,
    openapi_url=None,
    redirect_slashes=False,
)

User = Annotated[BaseUser, Depends(get_user)]
READER = Depends(requires_access_view(AccessView.WEBSITE))
"""Who may see Airflow at all: pages about the whole city."""
ASKED = Depends(requires_access_dag("GET", DagAccessEntity.HITL_DETAIL, param_dag_id=REVIEW_DAG))
"""Who may see what Airflow asks about held batches."""
OF_DAG = Depends(requires_access_dag("GET", DagAccessEntity.RUN))
"""Who may see the runs of the DAG that the path names (``dag_id``)."""


def of_dataset(request: Request, user: User) -> None:
    """Let in who may see the runs of the dataset that the path names (``dataset``)."""
    dag_id = f"{INGEST}{request.path_params['dataset']}"
    requires_access_dag("GET", DagAccessEntity.RUN, param_dag_id=dag_id)(request, user)


def _may(user: BaseUser, method: str, entity: DagAccessEntity, dag_id: str) -> bool:
    may: bool = get_auth_manager().is_authorized_dag(
        method=method, access_entity=entity, details=DagDetails(id=dag_id), user=user
    )
    return may


def _readable(settings: Settings, user: BaseUser) -> list[str]:
    """Return the datasets whose DAG the user may see."""
    names = {f"{INGEST}{name}" for name in datasets(settings.expectations_dir)}
    seen = get_auth_manager().filter_authorized_dag_ids(dag_ids=names, user=user, method="GET")
    return sorted(name.removeprefix(INGEST) for name in seen)


@contextmanager
def _reading(settings: Settings) -> Iterator[psycopg.Connection[Any]]:
    url = settings.database_url or EmbeddedPostgres(settings.home).url()
    with warehouse.reading(url, today_of(settings), _SECONDS) as conn:
        yield conn


def _html(text: str, status: int = 200) -> HTMLResponse:
    return HTMLResponse(text, status, headers=_HEADERS)


def _message(status: int, title: str, *lines: str, link: tuple[str, str] | None = None) -> Response:
    return _html(live.message(title, lines, link), status)


# --- pages made when they are asked for ----------------------------------------------------------


@app.get("/review", dependencies=[ASKED])
def review_queue(user: User) -> Response:
    """Held batches; masked examples for those who may answer the request."""
    settings = load_settings()
    decides = _may(user, "PUT", DagAccessEntity.HITL_DETAIL, REVIEW_DAG)
    with _reading(settings) as conn:
        return _html(
            live.review_page(
                conn, settings, today_of(settings), _readable(settings, user), examples=decides
            )
        )


@app.get("/late", dependencies=[READER])
def late_register(
    county: Annotated[str, Query(max_length=40)] = "",
    dataset: Annotated[str, Query(max_length=60)] = "",
    status: Annotated[str, Query(pattern="^(|late|missing)$")] = "",
) -> Response:
    """Who has not reported what, or reported late."""
    settings = load_settings()
    with _reading(settings) as conn:
        return _html(live.late_page(conn, today_of(settings), county, dataset, status))


@app.get("/alerts", dependencies=[READER])
def alerts(severity: Annotated[str, Query(pattern="^(|critical|warning|info)$")] = "") -> Response:
    """Open alerts, what to do about them and who does."""
    settings = load_settings()
    with _reading(settings) as conn:
        return _html(live.alerts_page(conn, today_of(settings), severity))


@app.get("/dataset/{dataset}", dependencies=[Depends(of_dataset)])
def dataset_page(dataset: str) -> Response:
    """Contract, batches and quarantine of one dataset."""
    return _dataset(dataset, "../")


def _dataset(dataset: str, root: str) -> Response:
    settings = load_settings()
    if dataset not in datasets(settings.expectations_dir):
        raise HTTPException(404)
    with _reading(settings) as conn:
        return _html(live.dataset_page(conn, settings, today_of(settings), dataset, root))


@app.get("/dag/{dag_id}", dependencies=[OF_DAG])
def dag_page(dag_id: str) -> Response:
    """What a DAG's tab shows: its dataset."""
    if dag_id.startswith(INGEST):
        return _dataset(dag_id.removeprefix(INGEST), "../")
    return _message(200, "不是接收数据的 DAG", "只有 ingest_… 有数据集。This DAG takes no dataset.")


@app.get("/dag/{dag_id}/run", dependencies=[OF_DAG])
def run_page(
    dag_id: str, user: User, run_id: Annotated[str, Query(min_length=1, max_length=300)]
) -> Response:
    """What one run took in and published; of a run that asks, what it asks about."""
    settings = load_settings()
    with _reading(settings) as conn:
        if dag_id == REVIEW_DAG:
            if not _may(user, "GET", DagAccessEntity.HITL_DETAIL, REVIEW_DAG):
                raise HTTPException(403)
            decides = _may(user, "PUT", DagAccessEntity.HITL_DETAIL, REVIEW_DAG)
            names = _readable(settings, user)
            return _html(
                live.review_page(
                    conn, settings, today_of(settings), names, examples=decides,
                    run_id=run_id, root="../../",
                )
            )  # fmt: skip
        return _html(live.run_page(conn, settings, today_of(settings), dag_id, run_id, "../../"))


# --- files that other parts of eduplan have written ----------------------------------------------


def _file(folder: Path, path: str, missing: str, csp: str = _STRICT) -> Response:
    found = served.find(folder, path)
    if found is None:
        return _message(404, "没有这一页 Not found", missing)
    return FileResponse(
        found,
        media_type=served.TYPES[found.suffix.lower()],
        headers={**_HEADERS, "Content-Security-Policy": csp},
    )


@app.get("/scorecard", dependencies=[READER])
def scorecard() -> Response:
    """The scorecard: the start of the static site where there is one."""
    settings = load_settings()
    if served.find(settings.site_dir, "") is not None:
        return RedirectResponse("site/", headers=_HEADERS)
    path = scorecard_path(settings)
    return _file(
        path.parent, path.name, "还没有记分卡：请先运行 build_warehouse。Run build_warehouse first."
    )


@app.get("/site/{path:path}", dependencies=[READER])
def site(path: str) -> Response:
    """Scorecard, counties and indicators as the static site."""
    return _file(load_settings().site_dir, path, "请运行 eduplan site。Run eduplan site.")


@app.get("/report/{path:path}", dependencies=[READER])
def report(path: str) -> Response:
    """The quality page and the scorecard's files."""
    return _file(
        load_settings().report_dir, path, "quality_watch 运行后才有。Run quality_watch first."
    )


@app.get("/data_docs/index.html", dependencies=[READER])
def data_docs_index() -> Response:
    """The index of the Data Docs."""
    return _file(
        load_settings().docs_dir, "index.html", "quality_watch 运行后才有。Run quality_watch first."
    )


@app.get("/data_docs/{dataset}/{page}", dependencies=[Depends(of_dataset)])
def data_docs(dataset: str, page: str) -> Response:
    """The Data Docs page of one batch."""
    return _file(
        load_settings().docs_dir, f"{dataset}/{page}",
        "只保留每个数据集最近几批的检查结果。Only the latest batches are kept.",
    )  # fmt: skip


@app.get("/dbt_docs/{path:path}", dependencies=[READER])
def dbt_docs(path: str) -> Response:
    """The documentation of the models."""
    return _file(
        load_settings().dbt_docs_dir, path, "请运行 eduplan dbt-docs。Run eduplan dbt-docs.",
        _DBT,
    )  # fmt: skip


@app.get("/docs/{path:path}", dependencies=[READER])
def docs(path: str) -> Response:
    """The project's own documentation: the runbook that alerts name."""
    text = live.document(load_settings().project_dir / "docs", path)
    if text is None:
        return _message(404, "没有这一页 Not found", f"docs/{path}")
    return _html(text)


# --- what goes wrong -----------------------------------------------------------------------------

_SAYS: Mapping[int, tuple[str, str]] = {
    401: ("请先登录 Airflow", "Log in to Airflow first."),
    403: ("没有权限", "您的角色看不到这一页。Your role does not include this page."),
    404: ("没有这一页", "Not found."),
    405: ("不支持的请求", "Pages are only read."),
    422: ("网址有误", "The address is not well formed."),
}


@app.exception_handler(StarletteHTTPException)
def refused(request: Request, error: StarletteHTTPException) -> Response:
    """Say in a sentence why there is no page."""
    title, line = _SAYS.get(error.status_code, ("出错了", "Something went wrong."))
    link = None
    if error.status_code == 401:
        link = (get_auth_manager().get_url_login(next_url=str(request.url)), "登录 Log in")
    return _message(error.status_code, title, line, link=link)


@app.exception_handler(RequestValidationError)
def malformed(_request: Request, _error: RequestValidationError) -> Response:
    """Answer a wrong parameter without repeating it."""
    return _message(422, *_SAYS[422])


@app.exception_handler(psycopg.Error)
@app.exception_handler(EduplanError)
def no_warehouse(_request: Request, error: Exception) -> Response:
    """Say what to do when the warehouse does not answer or was never built; log why."""
    log.warning("a page could not be made: %s: %s", type(error).__name__, error)
    if isinstance(error, psycopg.errors.UndefinedTable | psycopg.errors.InvalidSchemaName):
        return _message(
            503, "仓库还没有建立", "请先运行 build_warehouse。Run the DAG build_warehouse first."
        )
    if isinstance(error, psycopg.errors.QueryCanceled):
        return _message(
            503, "数据仓库正忙", f"{_SECONDS} 秒内没有答复，请稍后再试。The warehouse is busy."
        )
    if isinstance(error, psycopg.OperationalError | PlatformError):
        return _message(
            503, "连不上数据仓库", "请稍后再试；管理员：用 eduplan status 查看，eduplan up 启动。",
            "The warehouse does not answer: try again later, or have a look at eduplan status.",
        )  # fmt: skip
    return _broken()


@app.exception_handler(Exception)
def failed(_request: Request, _error: Exception) -> Response:
    """Show no traceback; the server logs it."""
    return _broken()


def _broken() -> Response:
    return _message(500, "这一页没有做成", "原因见 api-server 的日志。See the api-server's log.")
