"""Connections in the environment mean the same to the command line as to Airflow."""

import pytest

from eduplan.connections import from_environment


@pytest.mark.parametrize(
    ("path", "folder"),
    [("/in", "in"), ("//srv/in", "/srv/in"), ("/%2Fsrv/in", "/srv/in"), ("", "")],
)
def test_a_folder_is_absolute_where_the_uri_says_so(
    monkeypatch: pytest.MonkeyPatch, path: str, folder: str
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_COUNTY_FILES", f"sftp://clerk:p%40ss@host:2222{path}")
    found = from_environment("county_files")
    assert (found.schema, found.host, found.port) == (folder, "host", 2222)
    assert (found.login, found.password) == ("clerk", "p@ss")
