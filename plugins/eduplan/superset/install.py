"""One call that starts Superset and brings it to what the repository says."""

import csv
import os
from collections.abc import Callable
from urllib.parse import unquote, urlsplit, urlunsplit

from eduplan import warehouse
from eduplan.errors import PlatformError
from eduplan.postgres import ensure_database, write_private
from eduplan.settings import Settings
from eduplan.superset import check
from eduplan.superset.assets import (
    DATABASE_FILE,
    AssetError,
    bundle,
    digest,
    load_assets,
    load_models,
)
from eduplan.superset.provision import COUNTY_COLUMN, load_access, provision
from eduplan.superset.rest import SupersetApi
from eduplan.superset.server import SupersetServer

Say = Callable[[str], None]


def bring_up(settings: Settings, say: Say, *, again: bool = False) -> SupersetServer:
    """Start PostgreSQL (unless EDUPLAN_DATABASE_URL is set) and Superset, and provision it.

    What is as it should be already is left alone; ``again`` imports nevertheless.
    """
    assets = load_assets(settings.project_dir / "bi" / "assets")
    models = load_models(settings.dbt_dir)
    found = check.mistakes(assets, models)
    if found:
        raise AssetError("the assets do not fit together:\n  " + "\n  ".join(found))
    ensure_database(settings)
    server = SupersetServer(settings)
    started = server.start(say)
    say(f"Superset is up at {server.url}" if started else f"Superset runs already at {server.url}")

    access = load_access(settings.project_dir / "bi" / "access.yaml")
    uri, password = _split_password(reader_url(settings))
    made = bundle(assets, models, uri)
    wanted = digest(made, password)
    imported = server.home / "imported"
    regions = _regions(settings)
    api = SupersetApi(server.login())
    try:
        there = {d["uuid"] for d in api.items("dashboard", "uuid")}
        same = imported.exists() and imported.read_text() == wanted
        if again or not same or not set(assets.by_uuid("dashboards")) <= there:
            say("importing databases, datasets, charts and dashboards")
            api.import_assets(made, {DATABASE_FILE: password})
            write_private(imported, wanted)
        provision(
            api, assets, access,
            counties={code: name for code, (level, name) in regions.items() if level != "city"},
            city=next(code for code, (level, _) in regions.items() if level == "city"),
            county_datasets={m.name for m in models.values() if COUNTY_COLUMN in m.columns},
            passwords=server.passwords([user.username for user in access.users]),
        )  # fmt: skip
    finally:
        api.close()
    return server


def reader_url(settings: Settings) -> str:
    """Return the libpq URL that Superset reads the warehouse with: the BI service's, read only."""
    configured = os.environ.get("EDUPLAN_SUPERSET_WAREHOUSE_URL")
    if configured:
        return configured
    raise NotImplementedError


def _split_password(url: str) -> tuple[str, str]:
    """Return the SQLAlchemy URL with a mask for the password, and the password."""
    parts = urlsplit(url)
    if parts.password is None or parts.username is None:
        raise PlatformError(
            "the URL that Superset reads the warehouse with has no user and password",
            hint="set EDUPLAN_SUPERSET_WAREHOUSE_URL to postgresql://user:password@host/database",
        )
    host = parts.netloc.rpartition("@")[2]
    masked = urlunsplit(parts._replace(netloc=f"{parts.username}:XXXXXXXXXX@{host}"))
    return warehouse.sqlalchemy_url(masked, "psycopg2"), unquote(parts.password)


def _regions(settings: Settings) -> dict[str, tuple[str, str]]:
    """Return {region code: (level, name)} of the seed."""
    with (settings.dbt_dir / "seeds" / "region.csv").open(encoding="utf-8", newline="") as handle:
        return {
            row["region_code"]: (row["region_level"], row["region_name"])
            for row in csv.DictReader(handle)
        }
