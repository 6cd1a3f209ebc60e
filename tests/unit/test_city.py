"""The synthetic city: complete, repeatable, and accused exactly where its ledger says."""

import hashlib
import json
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from city_rules import JUDGED, City
from python_calamine import CalamineWorkbook, PasswordError

from demo.city import CityReport, make_city, people, world, xlsx
from demo.city.forms import FORMS
from demo.city.ledger import Entry, read_ledger

INFO = {"STU-016", "STU-019", "STU-020", "TEA-015"}


@pytest.fixture(scope="session")
def city(tmp_path_factory: pytest.TempPathFactory) -> CityReport:
    """Make one small city for all tests of this module."""
    return make_city(tmp_path_factory.mktemp("source") / "city", scale=0.02, seed=7, processes=1)


@pytest.fixture(scope="session")
def ledger(city: CityReport) -> list[Entry]:
    """Read its ledger."""
    return read_ledger(city.out / "_ledger.csv")


def digest(root: Path) -> dict[str, str]:
    """Return the hash of every file below root."""
    return {
        str(p.relative_to(root)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(root.rglob("*"))
        if p.is_file()
    }


def test_same_seed_same_bytes(city: CityReport, tmp_path: Path) -> None:
    again = make_city(tmp_path / "again", scale=0.02, seed=7, processes=2)
    assert digest(again.out) == digest(city.out)


def test_other_seed_other_city(city: CityReport, tmp_path: Path) -> None:
    other = make_city(tmp_path / "other", scale=0.02, seed=8, processes=1)
    name = "人口/2025/分县分年龄人口.xlsx"
    assert (other.out / name).read_bytes() != (city.out / name).read_bytes()


def test_complete_city_is_reused_and_a_half_written_one_made_anew(tmp_path: Path) -> None:
    first = make_city(tmp_path / "c", scale=0.01, seed=3, processes=1)
    assert not first.reused
    second = make_city(tmp_path / "c", scale=0.01, seed=3, processes=1)
    assert second.reused
    assert second.students == first.students
    (tmp_path / "c" / "_city.json").unlink()
    (tmp_path / "c" / "left-over.txt").write_text("x")
    (tmp_path / ".c-partial").mkdir()
    (tmp_path / ".c-partial" / "half.csv").write_text("x")
    third = make_city(tmp_path / "c", scale=0.01, seed=3, processes=1)
    assert not (tmp_path / "c" / "half.csv").exists()
    assert not third.reused
    assert not (tmp_path / "c" / "left-over.txt").exists()
    assert [p.name for p in tmp_path.iterdir()] == ["c"]


def test_marker_names_what_the_city_is(city: CityReport) -> None:
    marker = json.loads((city.out / "_city.json").read_text(encoding="utf-8"))
    assert (marker["seed"], marker["scale"], marker["version"]) == (7, 0.02, world.VERSION)


def test_scale_outside_the_range_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="outside 0.01 to 18"):
        make_city(tmp_path / "x", scale=0.001)


def test_every_defect_is_accused_and_no_clean_row(city: CityReport, ledger: list[Entry]) -> None:
    """The rules, written once more without the product, accuse exactly the ledger's rows."""
    judge = City(city.out)
    accused = judge.accuse()
    planted: dict[tuple[str, str, str, int], set[str]] = {}
    info: set[tuple[str, str, str, int]] = set()
    for e in (e for e in ledger if e.dataset in JUDGED):
        if e.row is not None and e.rule_id in INFO:
            info.add((e.dataset, e.file, e.sheet, e.row))
        elif e.row is not None:
            planted.setdefault((e.dataset, e.file, e.sheet, e.row), set()).add(e.rule_id)
    assert set(accused) - set(planted) == set()
    assert set(planted) - set(accused) == set()
    assert {k: v for k, v in planted.items() if not v <= accused[k]} == {}
    assert set(judge.info) == info


def test_ledger_has_at_least_forty_kinds_and_few_rows(
    city: CityReport, ledger: list[Entry]
) -> None:
    kinds = Counter(e.kind for e in ledger)
    assert len(kinds) >= 100
    students = sum(e.dataset == "students" and e.row is not None for e in ledger)
    assert students / sum(city.students) < 0.02
    for e in ledger:
        assert source_of(city.out, e).exists(), e


def test_what_no_rule_can_find_stands_in_a_list_of_its_own(
    city: CityReport, ledger: list[Entry]
) -> None:
    blind = read_ledger(city.out / "_blind.csv")
    assert len({e.kind for e in blind}) >= 8
    assert {e.rule_id for e in blind} == {""}
    assert all(e.kind.startswith("blind-") for e in blind)
    assert not [e for e in ledger if not e.rule_id]
    # Their rows carry no other defect: the rules written once more accuse none of them (above).
    spoilt = {(e.dataset, e.file, e.sheet, e.row) for e in ledger}
    assert not spoilt & {(e.dataset, e.file, e.sheet, e.row) for e in blind}
    for e in blind:
        assert source_of(city.out, e).exists(), e


def source_of(out: Path, entry: Entry) -> Path:
    """What the city wrote: records of a platform or a database become a file when they are read."""
    if entry.file == f"{entry.dataset}/records.csv":
        return out / "_platforms" / f"{entry.dataset}.jsonl"
    if entry.dataset.startswith("adm_"):
        return out / "_admissions" / f"{entry.dataset.removesuffix('s')}.csv"
    return out / entry.file


def test_rows_of_a_platform_are_those_of_its_records_in_order_of_their_keys(
    city: CityReport, ledger: list[Entry]
) -> None:
    spoilt = {"trr-negative": ("hours", -8.0), "lit-score-of-thousand": ("score", 810.0)}
    found = 0
    for dataset in ("training_records", "literacy_assessments"):
        text = (city.out / "_platforms" / f"{dataset}.jsonl").read_text("utf-8")
        records = [json.loads(line) for line in text.splitlines()]
        keys = [record["id"] for record in records]
        assert keys == sorted(set(keys))
        for entry in ledger:
            if entry.dataset == dataset and entry.kind in spoilt:
                column, value = spoilt[entry.kind]
                assert records[(entry.row or 0) - 2][column] == value
                found += 1
    assert found >= 10


def test_files_of_the_ledger_are_what_they_claim(city: CityReport, ledger: list[Entry]) -> None:
    by_kind = {e.kind: city.out / e.file for e in ledger}
    with pytest.raises(PasswordError):
        CalamineWorkbook.from_path(str(by_kind["xlsx-password"]))
    assert not zipfile.is_zipfile(by_kind["xlsx-truncated"])
    assert by_kind["xlsx-html"].read_bytes().startswith(b"<html>")
    assert by_kind["csv-empty"].stat().st_size == 0
    assert by_kind["csv-utf16"].read_bytes()[:2] in (b"\xff\xfe", b"\xfe\xff")
    assert b"\0" in by_kind["csv-nul"].read_bytes()
    assert by_kind["csv-utf8-bom"].read_bytes().startswith(b"\xef\xbb\xbf")
    assert "残疾类型" in by_kind["csv-extra-column"].read_bytes()[:2000].decode("gb18030")
    again = by_kind["jj-last-year-again"]
    last = city.out / "教基/2024-2025" / again.name
    assert again.read_bytes() == last.read_bytes()


def test_pupils_move_up_and_agree_with_the_forms() -> None:
    """Counted by hand from the rows: grade g of a year is grade g + 1 of the next, less leavers."""
    schools = world.make_schools(0.02, 7)
    pupils = people.make_pupils(schools, 4, 0.02, 7)
    now, later = pupils.frames[2024], pupils.frames[2025]
    fifth = now.filter((pl.col("grade") == "小学五年级") & pl.col("status").is_in(["在读", "休学"]))
    sixth = later.filter(pl.col("grade") == "小学六年级")
    normal = set(fifth["id_number"])
    assert set(sixth["id_number"]) == normal
    counted = later.filter(
        pl.col("status").is_in(["在读", "休学"]) & pl.col("grade").str.starts_with("小学")
    ).height
    assert pupils.counts[2025].enrolment[:, :6, 0, 0].sum() == counted
    for (school, grade), sizes in pupils.counts[2025].class_sizes.items():
        code = schools.code_y[school][2]
        rows = later.filter(
            (pl.col("school_code") == code)
            & (pl.col("grade") == people.GRADES[grade - 1])
            & pl.col("status").is_in(["在读", "休学"])
        )
        if grade <= 9:
            assert sorted(rows.group_by("class_name").len()["len"]) == sorted(sizes)


def test_identity_numbers_have_the_check_character_of_the_standard() -> None:
    """The standard's own examples: 11010519491231002X and 440524188001010014."""
    made = people.identity_numbers(
        np.array([110105, 440524]), np.array([19491231, 18800101]), np.array([2, 1])
    )
    assert made.to_list() == ["11010519491231002X", "440524188001010014"]


def test_identities_are_unique_and_of_no_real_area(city: CityReport) -> None:
    numbers: list[str] = []
    schools = world.make_schools(0.02, 7)
    for region in range(8):
        frame = people.make_pupils(schools, region, 0.02, 7).frames[2025]
        numbers += frame["id_number"].to_list()
    assert len(set(numbers)) == len(numbers)
    assert {n[:6] for n in numbers} == {"450499"}


def test_calibration_at_full_size_without_writing() -> None:
    """Levels against the published figures, on one county drawn at full size."""
    schools = world.make_schools(1.0, 2025)
    listed = schools.listed(2025)
    kinds = Counter(world.KIND_NAMES[k] for k in schools.kind[listed])
    assert 650 <= kinds["kindergarten"] <= 770
    assert 500 <= kinds["primary"] <= 700
    assert 300 <= kinds["teaching point"] <= 600
    assert kinds["special"] == 8
    everyone = sum(people.cohort_size(c, r, 1.0) for c in range(2020, 2026) for r in range(8))
    assert 250_000 <= everyone <= 280_000  # primary pupils


def test_code_change_links_to_the_school_of_the_year_before(city: CityReport) -> None:
    schools = world.make_schools(0.02, 7)
    changed = [(c, p) for c, p in zip(schools.code_y, schools.predecessor_y, strict=True) if any(p)]
    assert changed
    for codes, before in changed:
        year = next(y for y in range(3) if before[y])
        assert before[year] == codes[year - 1]
        assert before[year][:2] == "21"
        assert codes[year][:2] == "31"


def test_form_header_joins_to_the_labels_of_the_form() -> None:
    assert FORMS["3112"].leaves[:3] == ("毕业生数", "招生数/计", "招生数/未接受过学前教育")
    assert FORMS["3112"].leaves[8] == "在校生数/一年级"
    assert FORMS["4149"].leaves[-2:] == ("校外教师", "银龄教师")


def test_workbook_reads_back_with_merges_and_numbers(tmp_path: Path) -> None:
    body = xlsx.rows_xml([["甲<&>", None, 1.5], [None, "007", -2]])
    xlsx.write_workbook(tmp_path / "a.xlsx", [xlsx.Sheet("表", body, ("A1:B1",))])
    book = CalamineWorkbook.from_path(str(tmp_path / "a.xlsx"))
    sheet = book.get_sheet_by_name("表")
    assert sheet.to_python() == [["甲<&>", "", 1.5], ["", "007", -2.0]]
    assert sheet.merged_cell_ranges == [((0, 0), (0, 1))]


@pytest.mark.parametrize(("index", "letters"), [(0, "A"), (25, "Z"), (26, "AA"), (51, "AZ")])
def test_column_letters(index: int, letters: str) -> None:
    assert xlsx.column_letter(index) == letters


def test_readme_lists_every_kind(ledger: list[Entry]) -> None:
    text = (Path(__file__).parents[2] / "demo" / "README.md").read_text(encoding="utf-8")
    assert {e.kind for e in ledger if f"| {e.kind} |" not in text} == set()
