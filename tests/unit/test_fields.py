"""Names of unknown fields, by hand."""

from dataclasses import replace
from pathlib import Path

import pytest

from demo.admissions import TABLES
from eduplan.contract import load_contract, load_contracts
from eduplan.errors import ContractError
from eduplan.extract.fields import Fields, harmless, unknown_columns
from tests.landing_support import column, contract

PROJECT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("teacher.title", "teacher.title"),
        ("学年2025", "学年2025"),
        ("G450499201001011234x", "G#x"),
        ("a\x1b[31m\u202eb\u2028c", "a\ufffd[31m\ufffdb\ufffdc"),
        ("长" * 81, "长" * 79 + "…"),
        ("长" * 80, "长" * 80),
    ],
)
def test_harmless(name: str, shown: str) -> None:
    assert harmless(name) == shown


def test_one_record_against_a_contract() -> None:
    """A path below a read object is known; an object that became a text is new and lacks all."""
    columns = [
        column("whole", "整体", aliases=("whole",), required=False),
        column("no", "编号", aliases=("teacher.no",), required=False),
        column("city", "市", aliases=("school.town.city",), required=False),
    ]
    records = replace(contract(columns), tombstone=None)
    fields = Fields(records, [], ["city", "no", "whole"])
    fields.look({"whole": {"x": 1}, "teacher": "T1", "school": {"town": None, "x": {"y": 1}}},
                alive=True)  # fmt: skip
    assert list(fields.unknown) == ["teacher", "school.x"]
    assert fields.absent == {"no"}
    fields.look({"teacher": {"no": None}}, alive=False)
    assert fields.absent == {"no"}, "a deleted record tells nothing of it"
    fields.look({"teacher": {"no": None}}, alive=True)
    assert fields.absent == set()


def test_the_admissions_platform_has_no_unknown_columns() -> None:
    contracts = [
        c for c in load_contracts(PROJECT / "expectations").values() if c.source.kind == "database"
    ]
    assert len(contracts) == 5
    for one in contracts:
        table = TABLES[str(one.source.options["table"])]
        assert unknown_columns(one, table) == []
        assert unknown_columns(one, [*table, "new"]) == ["new"]


def test_unread_is_a_list(tmp_path: Path) -> None:
    text = (PROJECT / "expectations/admissions/adm_plans.odcs.yaml").read_text("utf-8")
    path = tmp_path / "adm_plans.odcs.yaml"
    path.write_text(text.replace("unread: [id]", "unread: id"), "utf-8")
    with pytest.raises(ContractError, match="option unread is not a list"):
        load_contract(path)
