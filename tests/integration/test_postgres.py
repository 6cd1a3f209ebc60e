"""The embedded server itself."""

import os
import stat
from pathlib import Path

import psycopg
import pytest

from eduplan.postgres import EmbeddedPostgres


def test_start_is_repeatable_and_data_survives_a_restart(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / "home", durable=False)
    try:
        url = server.start()
        with psycopg.connect(url, autocommit=True) as conn:
            conn.execute("create table kept as select 42 as n")
        assert server.start() == url
        assert server.stop() is True
        assert server.running() is False
        assert server.stop() is False
        with psycopg.connect(server.start()) as conn:
            assert conn.execute("select n from kept").fetchone() == (42,)
    finally:
        server.remove()
    assert not (tmp_path / "home" / "postgres.json").exists()


def test_only_the_password_opens_it_and_it_is_private(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / "home", durable=False)
    try:
        url = server.start()
        password = url.split(":")[2].split("@")[0]
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(url.replace(password, "wrong"))
        state = tmp_path / "home" / "postgres.json"
        assert stat.S_IMODE(os.stat(state).st_mode) == 0o600
        with psycopg.connect(url) as conn:
            addresses = conn.execute("show listen_addresses").fetchone()
        assert addresses == ("127.0.0.1",)
        with pytest.raises(psycopg.OperationalError, match="permission denied"):
            psycopg.connect(server.url("airflow").rsplit("/", 1)[0] + "/warehouse")
    finally:
        server.remove()
    assert not (tmp_path / "home" / "postgres.json").exists()


def test_a_service_gets_a_database_of_its_own(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / "home", durable=False)
    try:
        server.start()
        url = server.own("superset")
        assert server.own("superset") == url
        with psycopg.connect(url) as conn:
            conn.execute("create table mine as select 1 as n")
            assert conn.execute("select current_user, current_database()").fetchone() == (
                "superset", "superset",
            )  # fmt: skip
        for other in ("warehouse", "airflow"):
            with pytest.raises(psycopg.OperationalError, match="permission denied"):
                psycopg.connect(url.rsplit("/", 1)[0] + f"/{other}")
    finally:
        server.remove()
