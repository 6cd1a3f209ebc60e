"""Lineage of indicators: what is derived from the SQL against source columns written by hand.

The expectations are read off the definitions of the plan and the forms, not off the output.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from eduplan import docs_lineage
from eduplan.cli import app
from eduplan.contract import Contract, load_contracts
from eduplan.lineage.chain import Lineage, derive
from eduplan.lineage.project import Project
from eduplan.lineage.trace import Origin, Tracer
from eduplan.settings import Settings

PROJECT = Path(__file__).resolve().parents[2]


CONTRACTS: dict[str, Contract] = load_contracts(PROJECT / "expectations")


@pytest.fixture(scope="module")
def lineage() -> Lineage:
    return derive(Settings())


def columns(lineage: Lineage, code: str, side: str, role: str) -> set[str]:
    return {
        column.name
        for _, term in lineage.terms(code)
        if term.side == side
        for column in lineage.measured[term.key].columns
        if column.role == role
    }


# indicator, side, columns whose content is in the number, columns that decide which rows count
BY_HAND = [
    # 体育 音乐 美术 艺术 of form 4155, sheet of the stage, row 总计 with a 合计
    ("CMP-03P", "numerator", "jj4155.c_pe jj4155.c_music jj4155.c_fine_art jj4155.c_art",
     "jj4155.row_name jj4155.sheet_type jj4155.total"),
    ("CMP-03P", "denominator", "jj3112.enrolment", "jj3112.row_name"),
    ("CMP-01P", "numerator", "jj4155.total", "jj4155.row_name jj4155.sheet_type"),
    # pupils on roll by their age on 1 September, over residents of that age
    ("CMP-15", "numerator", "students.*", "students.birth_date students.grade students.status"),
    ("CMP-15", "denominator", "population.population", "population.age region.region_level"),
    # public or recognised kindergartens: who runs them and how long the recognition holds
    ("PRE-02", "numerator", "jj2105.children",
     "jj2105.row_name school_register.organiser_code school_register.is_inclusive"
     " school_register.inclusive_from school_register.inclusive_to"),
    ("PRE-02", "denominator", "jj2105.children", "jj2105.row_name"),
    # large classes: the bands from 56 on, of classes counted in the row 总计
    ("CMP-11", "numerator",
     "jj2106.c_56_60 jj2106.c_61_65 jj2106.c_ge66 jj2107.c_56_60 jj2107.c_61_65 jj2107.c_ge66",
     "jj2106.row_name jj2106.classes jj2107.row_name jj2107.classes"),
    ("CMP-13", "numerator", "jj3115.grade_9", "jj3115.row_name"),
    ("CMP-13", "denominator", "jj3112.entrants", "jj3112.row_name"),
    ("FIN-03", "numerator", "finance_county.edu_fund_total", "region.region_level"),
    ("FIN-03", "denominator", "finance_county.general_budget", "region.region_level"),
    ("MOR-04", "numerator", "eyesight.myopia", "eyesight.semester eyesight.grade"),
    ("TCH-06", "numerator", "teacher_rotation.rotated", ""),
    ("TCH-08", "denominator", "county_economy.teacher_count county_economy.civil_mean_pay",
     "region.region_level"),
    # dual-qualified: a special-subject teacher whose recognition holds on 1 September
    ("VOC-04", "numerator", "voc_teachers.*",
     "voc_teachers.is_special voc_teachers.dual_level voc_teachers.recognised_on"
     " voc_teachers.valid_to"),
    ("VOC-04", "denominator", "voc_teachers.*", "voc_teachers.is_special"),
    # recognised by the ministry: a list of counties
    ("CMP-22", "numerator", "recognitions.*",
     "recognitions.kind recognitions.county recognitions.recognised_date recognitions.valid_to"
     " region.region_level region.region_name region.finance_name"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "side", "value", "chosen"), BY_HAND)
def test_columns_of_an_indicator(
    lineage: Lineage, code: str, side: str, value: str, chosen: str
) -> None:
    assert columns(lineage, code, side, "value") == set(value.split())
    assert columns(lineage, code, side, "filter") == set(chosen.split())


def of(lineage: Lineage, key: str, name: str) -> Any:
    return next(column for column in lineage.measured[key].columns if column.name == name)


def test_the_cell_of_a_form_is_named_by_sheet_and_row(lineage: Lineage) -> None:
    cell = of(lineage, "teachers_pe_art@junior", "jj4155.c_music")
    assert cell.where == ("row_name = '总计' and sheet_type LIKE '初中%'",)
    assert cell.staging == ("stg_census__jj4155.c_music",)
    assert (cell.label, cell.system) == ("音乐", "education_statistics")
    books = of(lineage, "multimedia_classrooms@primary", "jj5176.owned")
    assert books.where == ("row_name LIKE '网络多媒体教室%'",)
    # Resources of a school of several stages are divided by its pupils: 教基 and, for senior, 学籍.
    assert of(lineage, "multimedia_classrooms@primary", "jj3112.enrolment").role == "value"


def test_ages_are_told_by_the_stage_they_belong_to(lineage: Lineage) -> None:
    assert "age_years BETWEEN 12 AND 14" in of(
        lineage, "population@junior", "population.population"
    ).where[0]  # fmt: skip
    assert "age_years BETWEEN 3 AND 5" in of(
        lineage, "population@preschool", "population.population"
    ).where[0]  # fmt: skip


def test_girls_and_boys_are_asked_for_their_own_values_only(lineage: Lineage) -> None:
    assert of(lineage, "pupils@primary", "jj3112.enrolment_female").role == "split"
    assert of(lineage, "roll@senior", "students.sex").role == "split"


def test_an_indicator_built_on_others_has_their_columns(lineage: Lineage) -> None:
    whole = lineage.columns("CMP-09")
    for base in ("CMP-01P", "CMP-07J"):
        assert set(lineage.columns(base)) <= set(whole)
    assert lineage.columns("CMP-08P#3") == lineage.columns("CMP-03P")


def test_nothing_is_unresolved(lineage: Lineage) -> None:
    assert lineage.unresolved() == []
    assert len([found for found in lineage.indicators.values() if not found.parent]) == 87
    for code, indicator in lineage.indicators.items():
        assert indicator.is_computed, code
        sources = [name for name, role in lineage.columns(code).items() if role != "key"]
        assert sources, code


def test_datasets_are_those_that_the_registry_of_measures_names(lineage: Lineage) -> None:
    """seeds/measure.csv states by hand which datasets a measure rests on."""
    project = Project(PROJECT / "dbt_project", CONTRACTS)
    stated = {
        row["measure_code"]: set(row["datasets"].split(",")) for row in project.seed("measure")
    }
    for key, measured in lineage.measured.items():
        code = key.split("@")[0]
        counted = {c.dataset.split(".")[0] for c in measured.columns if c.role == "value"}
        found = {c.dataset.split(".")[0] for c in measured.columns}
        # Which schools there are says the register; what is shared out, the pupils of the stages.
        known = stated[code] | {"region", "school_register"} | (PUPILS if code in SHARED else set())
        assert counted <= known, key
        if not stated[code] & PER_STAGE:  # of these every stage has a form of its own
            assert stated[code] <= found, key


SHARED = {
    "teaching_area", "sports_area", "equipment_value_yuan", "multimedia_classrooms", "terminals",
    "books", "public_appropriation_yuan", "public_expenditure_yuan", "training_expenditure_yuan",
}  # fmt: skip
PUPILS = {"jj3112", "jj3115", "students"}
PER_STAGE = {"jj3112", "jj3115", "jj2105", "jj2106", "jj2107"}


def test_from_a_column_to_the_indicators_it_touches(lineage: Lineage) -> None:
    assert lineage.touched_by("students.birth_date") == [
        ("CMP-15", "roll_age_6_11@primary", "filter")
    ]
    assert lineage.touched_by("students.id_number") == []
    assert {code for code, _, _ in lineage.touched_by("finance_county.general_budget")} == {
        "FIN-03"
    }


def test_direct_identifiers_are_behind_no_number(lineage: Lineage) -> None:
    """Names, numbers and phones may link rows of two lists; they are in no value and no filter."""
    direct = {
        f"{name}.{column.name}"
        for name, contract in CONTRACTS.items()
        for column in contract.columns
        if column.personal == "direct"
    }
    used = {
        (key, column.name): column.role
        for key, measured in lineage.measured.items()
        for column in measured.columns
        if column.name in direct
    }
    assert not [name for (_, name), role in used.items() if role == "value"]
    # That there is a certificate, or an accepted offer, counts; the number stops in staging.
    assert {name for (_, name), role in used.items() if role == "filter"} == {
        "teachers.certificate_no", "adm_offers.exam_no",
    }  # fmt: skip


def test_reference_is_up_to_date(lineage: Lineage) -> None:
    for path, text in (
        (docs_lineage.PAGE, docs_lineage.render_page(lineage)),
        (docs_lineage.DATA, docs_lineage.render_data(lineage)),
    ):
        assert (PROJECT / path).read_text("utf-8") == text, "run `make docs`"
    data = json.loads((PROJECT / docs_lineage.DATA).read_text("utf-8"))
    assert len(data["indicators"]) == len(lineage.indicators)


def test_every_link_of_the_page_leads_to_a_measure(lineage: Lineage) -> None:
    page = docs_lineage.render_page(lineage)
    for key in lineage.measured:
        assert f"\n### {key}\n" in page
        assert f"(#{key.replace('@', '')})" in page


def test_command_line(lineage: Lineage, monkeypatch: pytest.MonkeyPatch) -> None:
    runner = CliRunner()
    shown = runner.invoke(app, ["lineage", "CMP-03P"])
    assert shown.exit_code == 0
    assert "jj4155.c_pe 体育与健康" in shown.stdout
    assert "row_name = '总计' and sheet_type LIKE '小学%'" in shown.stdout
    # Derived once for real; the same again is seconds.
    monkeypatch.setattr("eduplan.lineage.chain.derive", lambda _settings: lineage)
    reverse = runner.invoke(app, ["lineage", "--column", "students.birth_date", "--format", "json"])
    assert [row["indicator"] for row in json.loads(reverse.stdout)] == ["CMP-15"]
    body = json.loads(runner.invoke(app, ["lineage", "CMP-13", "--format", "json"]).stdout)
    assert [(term["measure"], term["periods_back"]) for term in body] == [
        ("final_grade_pupils@junior", 0), ("entrants@primary", 8),
    ]  # fmt: skip
    rows = runner.invoke(app, ["lineage", "CMP-13", "--format", "csv"]).stdout.splitlines()
    assert rows[0] == "indicator,side,measure,part,column,header,system,rows"
    assert any("jj3115.grade_9" in row for row in rows)
    assert runner.invoke(app, ["lineage"]).exit_code == 2
    assert "no indicator" in str(runner.invoke(app, ["lineage", "XXX-1"]).exception)


def project_of(tmp_path: Path, sql: str) -> Tracer:
    """A project of one model over the contract of the school register."""
    for folder in ("models", "seeds", "macros"):
        (tmp_path / folder).mkdir()
    (tmp_path / "dbt_project.yml").write_text("vars: {}\n")
    (tmp_path / "models" / "stg_one.sql").write_text(sql)
    return Tracer(Project(tmp_path, CONTRACTS))


def test_kinds_of_rows_are_kept_apart_by_their_literals(tmp_path: Path) -> None:
    tracer = project_of(
        tmp_path,
        "with s as (select school_code, planned_year, founded_month from"
        " raw.school_register where school_type_code = '111'),"
        " long as (select s.school_code, m.code, m.value from s cross join lateral (values"
        " ('planned', s.planned_year), ('founded', s.founded_month)) as m (code, value))"
        " select school_code, value from long where code = 'founded'",
    )
    (kind,) = tracer.relation("stg_one")
    assert {(o.column, o.where) for o in kind.columns["value"].origins} == {
        ("founded_month", frozenset({"school_type_code = '111'"}))
    }
    assert {o.column for o in kind.origins} == {"school_type_code"}


def test_a_case_takes_only_the_branches_that_can_be(tmp_path: Path) -> None:
    tracer = project_of(
        tmp_path,
        "select k.kind, case k.kind when 'a' then school_name when 'b' then address end as text"
        " from raw.school_register cross join (values ('a'), ('b')) as k (kind)",
    )
    found = {
        next(iter(kind.columns["kind"].known or ())): {
            o.column for o in kind.columns["text"].origins
        }
        for kind in tracer.relation("stg_one")
    }
    assert found == {"a": {"school_name"}, "b": {"address"}}


def test_a_count_counts_the_rows_and_its_filter_decides(tmp_path: Path) -> None:
    tracer = project_of(
        tmp_path,
        "select admin_code, count(*) filter (where is_inclusive = '是') as n,"
        " exists (select 1 from raw.students where students.school_code = admin_code) as any_pupil"
        " from raw.school_register group by 1",
    )
    (kind,) = tracer.relation("stg_one")
    assert kind.columns["n"].origins == {
        Origin("school_register", "*", "stg_one.n", "value", frozenset({"is_inclusive = '是'"})),
        Origin("school_register", "is_inclusive", "stg_one.n", "filter"),
    }
    assert ("students", "*") in {(o.dataset, o.column) for o in kind.columns["any_pupil"].origins}
