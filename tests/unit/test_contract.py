"""Contracts: what is read from a file, and every mistake that `contracts check` explains."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from psycopg import sql

from eduplan import contract as c
from eduplan import rules_sql
from eduplan.errors import ContractError

EXPECTATIONS = Path(__file__).resolve().parents[2] / "expectations"
CONTRACTS = c.load_contracts(EXPECTATIONS)

MINIMAL = """\
apiVersion: v3.1.0
kind: DataContract
id: pupils
name: 学生
version: 1.0.0
domain: demo
description: {purpose: 测试}
team: {name: 教育科, members: [{username: a, name: 统计员, role: steward}]}
servers:
  - server: files
    type: local
    path: "x/{period}/*.csv"
    format: csv
    customProperties:
      - {property: layout, value: table}
schema:
  - name: pupils
    businessName: 学生
    properties:
      - {name: code, businessName: 编号, logicalType: string, primaryKey: true, required: true}
      - name: sex
        businessName: 性别
        logicalType: string
        customProperties:
          - {property: codes, value: {男: 男性, 女: 女性}}
      - {name: born, businessName: 出生日期, logicalType: date}
    quality:
      - id: PUP-001
        type: custom
        engine: greatExpectations
        severity: critical
        dimension: conformity
        description: 编号应为 4 位。
        implementation: {predicate: octet_length(code) = 4}
        customProperties:
          - {property: sentenceEn, value: code has 4 characters.}
          - {property: fix, value: 请改正编号。}
          - {property: columns, value: [code]}
slaProperties:
  - {property: deadline, value: 09-20, schedule: 0 6 21 9 *}
customProperties:
  - {property: prefix, value: PUP}
  - {property: scope, value: period}
  - {property: period, value: {kind: school_year, first: 2023-2024, last: 2025-2026}}
  - {property: maxRejectRate, value: 0.05}
  - {property: pool, value: src_demo}
"""


def write(folder: Path, text: str = MINIMAL, dataset: str = "pupils") -> Path:
    file = folder / f"{dataset}.odcs.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def mistakes(folder: Path, text: str) -> str:
    write(folder, text)
    with pytest.raises(ContractError) as caught:
        c.load_contracts(folder)
    return str(caught.value)


def changed(change: Callable[[dict[str, Any]], None]) -> str:
    document = yaml.safe_load(MINIMAL)
    change(document)
    return yaml.safe_dump(document, allow_unicode=True, sort_keys=False)


def custom(document: dict[str, Any], name: str) -> dict[str, Any]:
    return next(p for p in document["customProperties"] if p["property"] == name)


def test_minimal_contract_is_read(tmp_path: Path) -> None:
    pupils = c.load_contract(write(tmp_path))
    assert (pupils.dataset, pupils.prefix, pupils.owner) == ("pupils", "PUP", "教育科")
    assert (pupils.steward, pupils.schedule) == ("统计员", "0 6 21 9 *")
    assert pupils.sla == {"deadline": "09-20"}
    assert pupils.source.path == "x/{period}/*.csv" and pupils.source.layout == "table"
    assert pupils.period_range == ("2023-2024", "2025-2026")
    assert [r.id for r in pupils.rules] == [
        "PUP-REQ-code",
        "PUP-COD-sex",
        "PUP-TYP-born",
        "PUP-KEY",
        "PUP-001",
    ]
    assert pupils.column("sex").codes == {"男": "男性", "女": "女性"}
    rule = pupils.rule("PUP-001")
    assert (rule.level, rule.severity, rule.dimension) == ("row", "critical", "validity")
    assert pupils.rule("PUP-KEY").unique_columns == ("code",)
    assert pupils.rule("PUP-REQ-code").sentence_zh == "「编号」必填\uff0c不能为空。"


def without(name: str) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        document["customProperties"].remove(custom(document, name))

    return change


def setting(name: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        custom(document, name)["value"] = value

    return change


def quality(**changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda document: document["schema"][0]["quality"][0].update(changes)


def column(index: int, **changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda document: document["schema"][0]["properties"][index].update(changes)


def server(**changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda document: document["servers"][0].update(changes)


def options(layout: str, **values: Any) -> Callable[[dict[str, Any]], None]:
    properties = [
        {"property": "layout", "value": layout},
        {"property": "options", "value": values},
    ]
    return server(customProperties=properties)


def rule_property(name: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        rule = document["schema"][0]["quality"][0]
        next(p for p in rule["customProperties"] if p["property"] == name)["value"] = value

    return change


def twice(document: dict[str, Any]) -> None:
    rules = document["schema"][0]["quality"]
    rules.append(dict(rules[0]))


MISTAKES: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "missing prefix": (without("prefix"), "prefix '' is missing"),
    "prefix in lower case": (setting("prefix", "pup"), "prefix 'pup'"),
    "missing scope": (without("scope"), "scope '' is missing"),
    "scope does not fit period": (setting("scope", "full"), "does not go with period kind"),
    "missing period": (without("period"), "period None is missing"),
    "period range runs backwards": (
        setting("period", {"kind": "school_year", "first": "2025-2026", "last": "2023-2024"}),
        "'2025-2026' to '2023-2024' is no range of kind school_year",
    ),
    "school year of three years": (
        setting("period", {"kind": "school_year", "first": "2023-2025", "last": "2025-2026"}),
        "is no range",
    ),
    "reject rate above one": (setting("maxRejectRate", 5), "maxRejectRate 5 is not"),
    "missing pool": (without("pool"), "pool '' is missing"),
    "duplicated rule id": (twice, "rule id PUP-001 is used twice"),
    "rule id of another prefix": (quality(id="STU-001"), "'STU-001' is no rule id"),
    "unknown column in a rule": (
        rule_property("columns", ["kode"]),
        "PUP-001 names the unknown column 'kode'",
    ),
    "rule without a sentence": (quality(description=None), "PUP-001 has no description"),
    "rule without a fix": (rule_property("fix", ""), "PUP-001 has no fix"),
    "unknown severity": (quality(severity="error"), "'error' is unknown"),
    "unknown dimension": (quality(dimension="validity"), "'validity' is unknown"),
    "rule of another engine": (quality(engine="soda"), "neither a row rule nor a table rule"),
    "rule without SQL": (quality(implementation={}), "needs either predicate or uniqueColumns"),
    "misspelt placeholder": (
        quality(implementation={"predicate": "code IN (SELECT 1 FROM {publisht:pupils})"}),
        "unknown placeholder {publisht:pupils}",
    ),
    "placeholder of an unknown dataset": (
        quality(implementation={"predicate": "code IN (SELECT p.code FROM {previous:nobody} p)"}),
        "no contract 'nobody'",
    ),
    "table rule without mustBe": (
        quality(type="sql", engine=None, implementation=None, query="SELECT 1, 2"),
        "needs query and mustBe: 0",
    ),
    "unknown dependency": (
        lambda d: d["customProperties"].append({"property": "dependsOn", "value": ["nobody"]}),
        "dependsOn: no contract 'nobody'",
    ),
    "dataset depends on itself": (
        lambda d: d["customProperties"].append({"property": "dependsOn", "value": ["pupils"]}),
        "runs in a circle through pupils",
    ),
    "published dataset not in dependsOn": (
        quality(implementation={"predicate": "code IN (SELECT p.code FROM {published:pupils} p)"}),
        "which dependsOn does not list",
    ),
    "misspelt key": (column(0, requird=True), "unknown key 'requird'"),
    "unknown logical type": (column(2, logicalType="timestamp"), "'timestamp' is not"),
    "column without header": (column(2, businessName=None), "column born has no businessName"),
    "column described twice": (column(2, name="sex"), "column sex is described twice"),
    "header of two columns": (
        column(2, businessName="性别"),
        "header 「性别」 belongs to sex and born",
    ),
    "column name in Chinese": (column(2, name="出生"), "'出生' cannot name a column"),
    "unknown classification": (column(2, classification="secret"), "'secret' is unknown"),
    "unknown code list": (
        column(1, customProperties=[{"property": "codes", "value": "sexes"}]),
        "code list 'sexes' is not in code_lists.yaml",
    ),
    "path without period": (server(path="x/*.csv"), "path and the period kind do not fit"),
    "two servers": (lambda d: d["servers"].append(d["servers"][0]), "2 servers"),
    "server of another type": (server(type="kafka"), "'kafka' is not supported"),
    "unknown layout": (options("pivot"), "layout 'pivot' is missing or unknown"),
    "option of another layout": (options("table", corner=["x"]), "option 'corner' is unknown"),
    "option missing": (options("form", family="x", sheet="y", corner=[]), "needs the option 'ord"),
    "broken regular expression": (options("table", sheet="("), "option sheet:"),
    "crosstab fills no column": (
        options(
            "crosstab",
            row_label={"column": "code"},
            column_pattern=r"(?P<year>\d+)",
            value="born",
        ),
        "the crosstab fills 'year'",
    ),
    "vague deadline": (
        lambda d: d["slaProperties"][0].update(value="9月20日"),
        "deadline '9月20日' is no day of a year",
    ),
    "no deadline": (lambda d: d["slaProperties"][0].update(property="x"), "no deadline"),
    "schedule is not cron": (
        lambda d: d["slaProperties"][0].update(schedule="daily"),
        "'daily' is not cron",
    ),
    "no steward": (lambda d: d["team"].update(members=[]), "role: steward is missing"),
    "another version of the standard": (lambda d: d.update(apiVersion="v3.0.2"), "is 'v3.0.2'"),
    "no columns": (lambda d: d["schema"][0].update(properties=[]), "no columns"),
    "dataset not called like its file": (
        lambda d: d["schema"][0].update(name="children"),
        "dataset 'children' stands in pupils.odcs.yaml",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistake_is_explained(tmp_path: Path, name: str) -> None:
    change, expected = MISTAKES[name]
    text = mistakes(tmp_path, changed(change))
    assert expected in text
    assert "Fix: " in text and "pupils.odcs.yaml:" in text


def test_all_mistakes_of_all_files_at_once_with_their_lines(tmp_path: Path) -> None:
    write(tmp_path, MINIMAL.replace("severity: critical", "severity: fatal"))
    other = MINIMAL.replace("name: pupils", "name: others").replace("PUP", "OTH")
    write(tmp_path, other.replace("value: 0.05", "value: many"), "others")
    write(tmp_path, "name: [", "broken")
    with pytest.raises(ContractError) as caught:
        c.load_contracts(tmp_path)
    text = str(caught.value)
    assert text.startswith("3 mistakes")
    line = MINIMAL.splitlines().index("        severity: critical") + 1
    assert f"pupils.odcs.yaml:{line} schema[0].quality[0].severity" in text
    assert "maxRejectRate 'many'" in text and "broken.odcs.yaml:1" in text


def test_unreadable_file_is_one_line_where_it_broke(tmp_path: Path) -> None:
    for text in (MINIMAL + "\tbad: 1\n", MINIMAL + "x: [1\n", MINIMAL + "customProperties: }\n"):
        found = mistakes(tmp_path, text).splitlines()
        assert len(found) == 2, found
        line = int(found[1].split("pupils.odcs.yaml:")[1].split()[0])
        assert abs(line - len(MINIMAL.splitlines())) <= 2, found
    file = write(tmp_path)
    file.write_bytes(MINIMAL.encode("gb18030"))
    with pytest.raises(ContractError, match=r"pupils.odcs.yaml:4 \(file\): not UTF-8"):
        c.load_contracts(tmp_path)
    file.unlink()
    file.mkdir()
    with pytest.raises(ContractError, match="cannot be read"):
        c.load_contracts(tmp_path)


def test_a_broken_contract_is_not_called_missing(tmp_path: Path) -> None:
    write(tmp_path, "name: [")
    other = MINIMAL.replace("name: pupils", "name: others").replace("PUP", "OTH")
    write(tmp_path, other + "  - {property: dependsOn, value: [pupils]}\n", "others")
    with pytest.raises(ContractError, match="^1 mistake "):
        c.load_contracts(tmp_path)


@pytest.mark.parametrize("text", ["sex: [", "- sex", "", "sex: 男"])
def test_broken_code_lists_are_explained(tmp_path: Path, text: str) -> None:
    write(tmp_path)
    (tmp_path / "code_lists.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(
        ContractError, match=r"1 mistake [^\n]*\n[^\n]*code_lists.yaml:1 [^\n]*Fix: "
    ):
        c.load_contracts(tmp_path)


def test_shared_prefix_and_dataset(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "b").mkdir()
    write(tmp_path / "b")
    with pytest.raises(ContractError, match=r"(?s)pupils is also in.*prefix PUP is also in"):
        c.load_contracts(tmp_path)


def test_folder_without_contracts(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="no contract"):
        c.load_contracts(tmp_path)


def test_hash_follows_the_contract_and_its_code_lists(tmp_path: Path) -> None:
    first = c.load_contract(write(tmp_path)).sha256
    assert c.load_contract(write(tmp_path)).sha256 == first
    (tmp_path / "code_lists.yaml").write_text("yes_no: {是: '1'}\n", encoding="utf-8")
    second = c.load_contract(write(tmp_path)).sha256
    third = c.load_contract(write(tmp_path, MINIMAL + "# comment\n")).sha256
    assert len({first, second, third}) == 3


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("school_year", "2025-2026", "2025-2027"),
        ("school_year", "1999-2000", "2025"),
        ("fiscal_year", "2025", "2025-2026"),
        ("year", "2025", "25"),
        ("none", "all", "2025"),
    ],
)
def test_periods(kind: str, good: str, bad: str) -> None:
    assert c.is_period(kind, good) and not c.is_period(kind, bad)


def test_period_start_and_range() -> None:
    assert c.period_start("school_year", "2025-2026") == date(2025, 9, 1)
    assert c.period_start("fiscal_year", "2025") == date(2025, 1, 1)
    assert c.period_of_year("school_year", 2024) == "2024-2025"
    students = CONTRACTS["students"]
    assert students.accepts_period("2025-2026")
    assert not students.accepts_period("2031-2032") and not students.accepts_period("2025")
    assert CONTRACTS["nbs_enrolment"].accepts_period("all")


def test_rendered_rule() -> None:
    text = "{batch} x {period} {period_start} {reference:county} {published:jj3112}"
    rendered = rules_sql.render(
        text,
        CONTRACTS["students"],
        sql.Identifier("raw", "students__b7"),
        "2025-2026",
        {"published:jj3112": rules_sql.Lookup("jj3112", 3)},
    )
    assert rendered.as_string(None) == (
        '"raw"."students__b7" x \'2025-2026\' DATE \'2025-09-01\' "ref_data"."county"'
        ' "raw"."jj3112__b3"'
    )


def test_the_seventeen_datasets() -> None:
    assert sorted(CONTRACTS) == list(CONTRACTS)
    assert set(CONTRACTS) >= {
        "finance_county",
        "finance_school",
        "jj2105",
        "jj2106",
        "jj2107",
        "jj3112",
        "jj3115",
        "jj4149",
        "jj4155",
        "jj5170",
        "jj5176",
        "nbs_education_funding",
        "nbs_enrolment",
        "population",
        "school_register",
        "students",
        "teachers",
    }


@pytest.mark.parametrize("dataset", sorted(CONTRACTS))
def test_contract_says_what_people_need(dataset: str) -> None:
    contract = CONTRACTS[dataset]
    assert contract.title_zh and contract.title_en and contract.description and contract.steward
    assert contract.schedule and contract.sla["deadline"]
    assert len({rule.id for rule in contract.rules}) == len(contract.rules)
    for rule in contract.rules:
        assert rule.sentence_zh.endswith("。") and rule.fix_zh.endswith("。"), rule.id
        assert "%" not in rule.sql, f"{rule.id}: % in SQL needs care with parameters"
        sides = [rule.predicate, rule.query, rule.unique_columns or None]
        assert sum(side is not None for side in sides) == 1, rule.id
        assert rule.level == ("table" if rule.query else "row"), rule.id


def test_names_ids_and_phones_are_marked_personal() -> None:
    marked = {
        (contract.dataset, column.name)
        for contract in CONTRACTS.values()
        for column in contract.columns
        if column.personal == "direct"
    }
    expected = {"name", "id_number", "student_no", "phone", "address", "guardian_name"}
    assert {name for dataset, name in marked if dataset == "students"} == {
        *expected,
        "guardian_phone",
    }
    assert ("teachers", "id_number") in marked and ("teachers", "certificate_no") in marked
