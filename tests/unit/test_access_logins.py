"""access.yaml: who may connect, mistakes in it, and where passwords are."""

import datetime as dt
import json
from pathlib import Path

import pytest

from eduplan.access.logins import AccessError, load_groups, load_logins, passwords
from eduplan.settings import Settings

COUNTIES = ["450401", "450403", "450405", "450406", "450421", "450422", "450423", "450481"]


def settings(home: Path, text: str | None = None, **more: object) -> Settings:
    """An installation with this access.yaml in its home."""
    if text is not None:
        (home / "access.yaml").write_text(text)
    return Settings(home=home, **more)


def test_a_group_for_each_kind_and_each_county(tmp_path: Path) -> None:
    """The city itself is no county: its rows are seen by all of them."""
    groups = load_groups(settings(tmp_path, role_prefix="wz"))
    assert [group.role for group in groups[:3]] == ["wz_steward", "wz_analyst", "wz_bi"]
    assert all(group.county_codes is None for group in groups[:3])
    assert [group.role for group in groups[3:]] == [f"wz_county_{code}" for code in COUNTIES]
    assert [group.county_codes for group in groups[3:]] == [(code, "450400") for code in COUNTIES]


def test_the_projects_own_file_has_two_readers(tmp_path: Path) -> None:
    """Nothing wider than the BI service is open by default."""
    logins = load_logins(settings(tmp_path))
    assert [(x.name, x.role, x.group.kind) for x in logins] == [
        ("bi_reader", "eduplan_bi_reader", "bi"),
        ("county_reader", "eduplan_county_reader", "county"),
    ]


def test_a_login_has_limits(tmp_path: Path) -> None:
    """Valid to the end of its last day in China."""
    (login,) = load_logins(
        settings(
            tmp_path,
            "logins:\n  li: {role: analyst, valid_until: 2026-12-31, connection_limit: 2,"
            " statement_timeout: 5min}\n",
        )
    )
    assert (login.connection_limit, login.statement_timeout) == (2, "5min")
    assert login.valid_until is not None
    assert login.valid_until.astimezone(dt.UTC) == dt.datetime(2026, 12, 31, 16, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("li: {role: owner}", "li: role is one of steward, analyst, bi, county"),
        ("li: {role: county}", "county goes with the role county"),
        ("li: {role: bi, county: '450403'}", "county goes with the role county"),
        ("li: {role: county, county: '450400'}", "county 450400 is none of the region seed"),
        ("li: {role: county, county: '110101'}", "county 110101 is none of the region seed"),
        ("Li: {role: bi}", "Li: a name is lower-case"),
        ("analyst: {role: bi}", "this is the name of a group role"),
        ("county_450403: {role: bi}", "this is the name of a group role"),
        ("li: {role: bi, superuser: true}", "unknown key superuser"),
        ("li: {role: bi, connection_limit: -1}", "connection_limit is 1 to 100"),
        ("li: {role: bi, connection_limit: true}", "connection_limit is 1 to 100"),
        ("li: {role: bi, valid_until: tomorrow}", "valid_until is a date"),
        ("li: {role: bi, statement_timeout: 0}", "statement_timeout is a number"),
        ("li: bi", "a mapping is expected"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, entry: str, said: str) -> None:
    with pytest.raises(AccessError, match="access.yaml: ") as caught:
        load_logins(settings(tmp_path, f"logins:\n  {entry}\n  other: {{role: bi}}\n"))
    assert said in str(caught.value)
    assert "other" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "logins: []\nroles: []\n", "- x\n"])
def test_another_shape_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(AccessError, match="its only key is logins"):
        load_logins(settings(tmp_path, text))


def test_no_yaml_and_no_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(AccessError, match="is no YAML"):
        load_logins(settings(tmp_path, "logins: {"))
    with pytest.raises(AccessError, match="does not exist"):
        load_logins(settings(tmp_path, access_file=tmp_path / "other.yaml"))


def test_passwords_are_made_once_and_kept_from_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of a variable is never written down; one of a login that is gone is forgotten."""
    two = settings(tmp_path, "logins:\n  li: {role: bi}\n  wu: {role: bi}\n")
    first = passwords(two, load_logins(two))
    assert set(first) == {"li", "wu"}
    assert min(map(len, first.values())) >= 32
    kept = tmp_path / "access.json"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert passwords(two, load_logins(two)) == first

    rotated = passwords(two, load_logins(two), anew=frozenset({"li"}))
    assert rotated["li"] != first["li"]
    assert rotated["wu"] == first["wu"]

    monkeypatch.setenv("EDUPLAN_ACCESS_PASSWORD_LI", "from the vault")
    assert passwords(two, load_logins(two))["li"] == "from the vault"
    assert json.loads(kept.read_text()) == {"wu": first["wu"]}

    one = settings(tmp_path, "logins:\n  li: {role: bi}\n")
    passwords(one, load_logins(one))
    assert json.loads(kept.read_text()) == {}
