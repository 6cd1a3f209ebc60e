"""The dataset reference says what the contracts say."""

from pathlib import Path

from eduplan.contract import load_contracts
from eduplan.docs_reference import TARGET, dataset_section, describe, render_reference

PROJECT = Path(__file__).resolve().parents[2]
CONTRACTS = load_contracts(PROJECT / "expectations")


def test_reference_is_up_to_date() -> None:
    written = (PROJECT / TARGET).read_text(encoding="utf-8")
    assert written == render_reference(CONTRACTS), "run python -m eduplan.docs_reference"


def test_section_shows_columns_rules_owner_and_deadline() -> None:
    text = "\n".join(dataset_section(CONTRACTS["students"]))
    assert "身份证件号" in text and "STU-002" in text
    assert "市教育局基础教育科" in text and "09-20" in text
    assert "| `id_number` | 身份证件号 | string | 必填 | 直接 direct |" in text


def test_plain_text_for_the_terminal() -> None:
    text = describe(CONTRACTS["finance_county"])
    assert text.startswith("finance_county  教育经费决算(分县)")
    assert "FNC-004" in text and "单位 unit: 万元" in text
