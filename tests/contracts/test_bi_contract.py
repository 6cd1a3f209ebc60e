"""The views of schema bi are documented as they are, and keep what the last release promised."""

import copy
from pathlib import Path

import pytest
import yaml

from eduplan import docs_bi
from eduplan.settings import Settings

SETTINGS = Settings(project_dir=Path(__file__).resolve().parents[2])
BEFORE = {
    "late": {"period": "text", "days": "integer"},
    "迟报": {"期间": "text", "天数": "integer"},
}


def test_contract_and_reference_are_current() -> None:
    for path, text in (
        (docs_bi.CONTRACT, docs_bi.render_contract(SETTINGS)),
        (docs_bi.REFERENCE, docs_bi.render_reference(SETTINGS)),
    ):
        written = (SETTINGS.project_dir / path).read_text(encoding="utf-8")
        assert written == text, "run `eduplan docs`"


def test_nothing_of_the_last_release_is_broken() -> None:
    released, before = docs_bi.last_release(SETTINGS)
    now = docs_bi.release_of(SETTINGS)
    assert docs_bi.find_breaks(released, before, docs_bi.VERSION, now) == []


def test_the_contract_names_every_view_its_twin_and_every_unit() -> None:
    contract = yaml.safe_load((SETTINGS.project_dir / docs_bi.CONTRACT).read_text("utf-8"))
    assert (contract["apiVersion"], contract["version"]) == ("v3.1.0", docs_bi.VERSION)
    views = {view["name"]: view for view in contract["schema"]}
    assert len(views) == 19
    assert views["late_register"]["businessName"] == "报送登记"
    columns = {column["name"]: column for column in views["indicator_progress"]["properties"]}
    assert columns["period_end_date"]["logicalType"] == "date"
    assert columns["coverage_pct"]["physicalType"] == "numeric(28, 10)"
    notes = {c["property"]: c["value"] for c in columns["coverage_pct"]["customProperties"]}
    assert notes["unit"] == "%"
    for view in views.values():
        for column in view["properties"]:
            assert column["businessName"] and column["description"], column["name"]


@pytest.mark.parametrize(
    ("version", "view", "column", "kind", "said"),
    [
        ("1.0.0", "late", "days", "integer", []),
        ("1.0.0", "late", "days", "bigint", ["bi.late.days of 1.0.0 was integer and is bigint"]),
        ("2.0.0", "late", "days", "bigint", ["bi.late.days of 1.0.0 was integer and is bigint"]),
        ("1.1.0", "late", "days", None, ["bi.late.days of 1.0.0 is gone"]),
        ("1.0.0", "late", "owner", "text", ["bi.late.owner were not in 1.0.0: raise the minor"]),
        ("1.1.0", "late", "owner", "text", []),
        ("1.0.0", "late_v2", "days", "bigint", ["bi.late_v2.days were not in 1.0.0"]),
        ("1.1.0", "late_v2", "days", "bigint", []),
    ],
)
def test_breaks_are_found(
    version: str, view: str, column: str, kind: str | None, said: list[str]
) -> None:
    """What a change of one column means at each version."""
    now = copy.deepcopy(BEFORE)
    if kind is None:
        del now[view][column]
    else:
        now.setdefault(view, {})[column] = kind
    found = docs_bi.find_breaks("1.0.0", BEFORE, version, now)
    assert len(found) == len(said)
    assert all(text.startswith(start) for text, start in zip(found, said, strict=True))


def test_a_break_is_told_with_the_way_out() -> None:
    now = {**BEFORE, "late": {"period": "date", "days": "integer"}}
    (text,) = docs_bi.find_breaks("1.0.0", BEFORE, "1.1.0", now)
    assert "late_v2" in text and "major version" in text


def test_a_view_goes_with_a_major_version_only() -> None:
    now = {"late": BEFORE["late"]}
    assert docs_bi.find_breaks("1.0.0", BEFORE, "2.0.0", now) == []
    (text,) = docs_bi.find_breaks("1.0.0", BEFORE, "1.1.0", now)
    assert text == "bi.迟报 of 1.0.0 is gone: raise the major version for that"


def test_a_release_is_written_once(tmp_path: Path) -> None:
    (tmp_path / "dbt_project").symlink_to(SETTINGS.dbt_dir)
    settings = Settings(project_dir=tmp_path)
    path = docs_bi.freeze(settings)
    assert docs_bi.last_release(settings) == (docs_bi.VERSION, docs_bi.release_of(settings))
    with pytest.raises(FileExistsError):
        docs_bi.freeze(settings)
    assert path.name == f"bi-{docs_bi.VERSION}.yaml"
