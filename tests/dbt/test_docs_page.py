"""dbt's documentation: everything is described, and the page names no machine and no user."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from eduplan import dbt_docs, transform
from eduplan.contract import load_contracts
from eduplan.settings import Settings
from tests.dbt.test_project import manifest  # noqa: F401

pytestmark = pytest.mark.timeout(600)

PROJECT = Path(__file__).resolve().parents[2]


def test_everything_is_described(manifest: dict[str, Any]) -> None:  # noqa: F811
    """Models, seeds, snapshots, sources, exposures, macros and their arguments, metrics."""
    dbt_docs.describe_sources(manifest, load_contracts(PROJECT / "expectations"))
    nodes = [
        node
        for kind in ("nodes", "sources", "exposures", "metrics", "semantic_models")
        for node in manifest[kind].values()
        if node["resource_type"] not in ("test", "operation")
    ]
    assert len(nodes) > 250
    assert [node["unique_id"] for node in nodes if not node["description"]] == []
    for node in nodes:
        for column in node.get("columns", {}).values():
            assert column["description"], f"{node['unique_id']}.{column['name']}"
    for model in manifest["semantic_models"].values():
        for part in (*model["dimensions"], *model["measures"]):
            assert part["description"], f"{model['name']}.{part['name']}"
    ours = [m for m in manifest["macros"].values() if m["package_name"] == "eduplan"]
    for macro in ours:
        assert macro["description"], macro["name"]
        if not macro["name"].startswith(("test_", "materialization_")):
            assert [a["name"] for a in macro["arguments"] if not a["description"]] == []


def test_every_column_of_marts_and_bi_stands_in_its_model(manifest: dict[str, Any]) -> None:  # noqa: F811
    readable = [
        n for n in manifest["nodes"].values()
        if n["resource_type"] == "model" and n["schema"] in ("marts", "bi")
    ]  # fmt: skip
    assert len(readable) > 40
    # A contract is enforced: a column that is not listed stops the build.
    assert [n["name"] for n in readable if not n["contract"]["enforced"]] == []
    assert [n["name"] for n in readable if not n["columns"]] == []


@pytest.fixture(scope="module")
def page(built: transform.BuildResult, dbt_settings: Settings) -> str:
    path = transform.write_docs(dbt_settings)
    assert path == dbt_settings.home / "dbt_docs" / "index.html"
    return path.read_text("utf-8")


def test_the_page_stands_alone(page: str) -> None:
    assert not re.search(r"<(script|link|img)[^>]*(src|href)\s*=\s*[\"']?(https?:)?//", page)
    assert "INLINE DATA" not in page


def test_the_page_names_no_machine_no_user_and_no_person(page: str, dbt_settings: Settings) -> None:
    assert dbt_settings.database_url
    address = dbt_settings.database_url.split("@")[1].split("/")[0].split("?")[0]
    for secret in (
        str(dbt_settings.home),
        str(PROJECT),
        address,
        "user_id",
        "invocation_id",
        "张某",
    ):
        assert secret not in page
    user = dbt_settings.database_url.split("://")[1].split(":")[0]
    assert user and f'"owner": "{user}"' not in page
    assert not re.search(r'"/(?:home|root|tmp|work|Users)/', page)


def test_sources_are_described_in_the_words_of_their_contracts(page: str) -> None:
    assert "全国学籍号" in page
    assert '"name": "birth_date", "description": "出生日期' in page
    assert '"column": "birth_date"' not in page


def test_catalogue_has_the_columns_of_the_warehouse(page: str) -> None:
    found = re.search(
        r'"model\.eduplan\.bi_indicator_progress": \{"metadata": \{"type": "VIEW"', page
    )
    assert found, "the catalogue was not read from the warehouse"


def test_a_description_cannot_end_the_script() -> None:
    empty = {"metadata": {}, "nodes": {}, "sources": {}}
    manifest = {**empty, "docs": {"x": "</script><script>alert(1)"}}  # noqa: F811
    template = 'n = "MANIFEST.JSON INLINE DATA", c = "CATALOG.JSON INLINE DATA"'
    made = dbt_docs.render(
        template, json.loads(json.dumps(manifest)), json.loads(json.dumps(empty))
    )
    assert "</script>" not in made
    with pytest.raises(ValueError, match="no place|has no"):
        dbt_docs.render("nothing", {**empty}, {**empty})
