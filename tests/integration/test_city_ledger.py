"""The small synthetic city through land, audit and publish: what is caught is what was planted."""

import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

from demo.platforms import Platforms
from eduplan import ingest
from eduplan.contract import Contract, load_contracts
from eduplan.settings import Settings
from tests import admissions_database
from tests.conftest import PROJECT
from tests.e2e.ledger import by_kind, compare

SCALE = "0.01"
BASES = {"TRAINING": "teacher/v1", "LITERACY": "literacy/v1", "LIFELONG": "lifelong/v1"}


def in_order(contracts: dict[str, Contract]) -> list[str]:
    """Return the datasets so that each comes after those it depends on."""
    ordered: list[str] = []
    while len(ordered) < len(contracts):
        ordered += [
            name
            for name, contract in contracts.items()
            if name not in ordered and set(contract.depends_on) <= set(ordered)
        ]
    return ordered


def test_everything_planted_is_found_and_nothing_else(
    db: psycopg.Connection,
    db_url: str,
    pg_server: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    city = tmp_path / "city"
    subprocess.run(
        [sys.executable, "-m", "demo.city", "--out", str(city), "--scale", SCALE, "--seed", "1"],
        check=True,
        cwd=PROJECT,
    )
    settings = Settings(home=tmp_path / "home", source_root=city, database_url=db_url)
    platforms = Platforms(city / "_platforms")
    with admissions_database.loaded(city, pg_server, tmp_path / "secret") as uri, platforms:
        monkeypatch.setenv("AIRFLOW_CONN_ADMISSIONS", uri)
        login = f"{platforms.client[0]}:{quote(platforms.client[1], safe='')}"
        for name, base in BASES.items():
            monkeypatch.setenv(
                f"AIRFLOW_CONN_PLATFORM_{name}", f"http://{login}@127.0.0.1:{platforms.port}/{base}"
            )
        for dataset in in_order(load_contracts(settings.expectations_dir)):
            ingest.ingest(settings, dataset)
    comparison = compare(db, city / "_ledger.csv")
    assert comparison.exact, str(comparison)
    kinds = by_kind(db, city / "_ledger.csv")
    caught = [kind for kind in kinds if kind.rules]
    assert len(caught) >= 80
    assert {(kind.recall, kind.precision) for kind in caught} == {(1.0, 1.0)}
    blind = [kind for kind in kinds if not kind.rules]
    assert blind and sum(kind.found for kind in blind) == 0
    db.rollback()

    before = db.execute("select count(*), max(batch_id) from ops.batch").fetchone()
    db.rollback()
    again = ingest.ingest(settings, "school_register")
    assert {result.outcome for result in again.landed} == {"unchanged"}
    assert db.execute("select count(*), max(batch_id) from ops.batch").fetchone() == before
