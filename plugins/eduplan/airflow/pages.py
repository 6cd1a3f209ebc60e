"""Pages of the plugin. Airflow does not protect a plugin's application: the dependency does."""

from airflow.api_fastapi.core_api.security import get_user
from fastapi import Depends, FastAPI
from fastapi.responses import HTMLResponse

from eduplan.report import scorecard_path
from eduplan.settings import load_settings

app = FastAPI(
    title="eduplan",
    dependencies=[Depends(get_user)],
    docs_url=None,
    redoc_url=None,
    openapi_url=None,
)

_NOTHING_YET = (
    "<!doctype html><meta charset='utf-8'><title>eduplan</title><p>还没有记分卡："
    "请先运行 build_warehouse。No scorecard yet: run the DAG build_warehouse.</p>"
)


@app.get("/scorecard", response_class=HTMLResponse)
def scorecard() -> HTMLResponse:
    """Return the last scorecard page that was written; 404 with a sentence before the first."""
    path = scorecard_path(load_settings())
    if not path.exists():
        return HTMLResponse(_NOTHING_YET, status_code=404)
    return HTMLResponse(path.read_text(encoding="utf-8"))
