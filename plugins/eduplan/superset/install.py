"""One call that starts Superset and brings it to what the repository says."""

import csv
import os
from collections.abc import Callable
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from eduplan import warehouse
from eduplan.access.logins import load_logins, passwords
from eduplan.access.roles import apply_at_start
from eduplan.errors import PlatformError
from eduplan.postgres import ensure_database, write_private
from eduplan.settings import Settings
from eduplan.superset import check
from eduplan.superset.assets import (
    COUNTY_COLUMN,
    DATABASE_FILE,
    AssetError,
    bundle,
    digest,
    load_assets,
    load_models,
)
from eduplan.superset.provision import load_access, provision
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
    uri, password = _split_password(reader_url(settings, say))
    server = SupersetServer(settings)
    started = server.start(say)
    say(f"Superset is up at {server.url}" if started else f"Superset runs already at {server.url}")

    access = load_access(settings.project_dir / "bi" / "access.yaml")
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


def reader_url(settings: Settings, say: Say) -> str:
    """Return the libpq URL that Superset reads the warehouse with: the BI service's, read only.

    It is the first login of role ``bi`` in access.yaml; EDUPLAN_SUPERSET_WAREHOUSE_URL overrides
    it, for instance where Superset reaches the server under another name.
    """
    configured = os.environ.get("EDUPLAN_SUPERSET_WAREHOUSE_URL")
    if configured:
        return configured
    owner = ensure_database(settings)
    say(apply_at_start(owner, settings))
    logins = load_logins(settings)
    login = next((login for login in logins if login.group.kind == "bi"), None)
    if login is None:
        raise PlatformError(
            "access.yaml has no login of role bi: Superset reads the warehouse with it",
            hint="docs/access.md; or set EDUPLAN_SUPERSET_WAREHOUSE_URL",
        )
    parts = urlsplit(owner)
    secret = quote(passwords(settings, logins)[login.name], safe="")
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{login.role}:{secret}@{host}"))


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
