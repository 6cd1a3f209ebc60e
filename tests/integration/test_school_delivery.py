"""Workbooks that arrive school by school: only what is new is read, only its schools change."""

import random
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from eduplan import ingest
from eduplan.settings import Settings
from tests.integration.test_ingest_kill import CONTRACT, project

PERIOD = "2025-2026"
RULE = """
      - id: PUP-101
        type: sql
        description: 全市人数不能超过 8。
        dimension: consistency
        severity: warning
        query: >-
          SELECT '全市', count(*)::text FROM {after} a HAVING count(*) > 8
        mustBe: 0
        customProperties:
          - {property: sentenceEn, value: "No more than 8 pupils in the city."}
          - {property: fix, value: 请核对人数。}
slaProperties:"""
COLUMN = "      - {name: school, businessName: 学校, logicalType: string, required: true}\n"
SCHOOLS = (
    CONTRACT.replace("scope, value: period}", "scope, value: school}")
    .replace("slaProperties:", RULE.lstrip("\n"))
    .replace("      - {name: age,", COLUMN + "      - {name: age,")
    .replace(
        "  - {property: pool", "  - {property: scopeColumn, value: school}\n  - {property: pool"
    )
)
HEADER = "编号,学校,年龄\n"


@pytest.fixture
def settings(tmp_path: Path, db_url: str) -> Settings:
    return project(tmp_path, db_url, SCHOOLS)


def send(settings: Settings, school: str, *ages: object, period: str = PERIOD) -> Path:
    """Write the workbook of one school: its pupils are numbered from 1."""
    folder = settings.source_root / "名册" / period
    folder.mkdir(parents=True, exist_ok=True)
    rows = "".join(f"{school}-{n},{school},{age}\n" for n, age in enumerate(ages, 1))
    path = folder / f"{school}.csv"
    path.write_bytes((HEADER + rows).encode("gb18030"))
    return path


def shown(db: psycopg.Connection) -> list[tuple[str, str]]:
    found = db.execute("select code, age from raw.pupils").fetchall()
    db.commit()
    return sorted(found)


def outcomes(report: ingest.IngestReport) -> list[tuple[str, int]]:
    return [(result.outcome, result.files) for result in report.landed]


def test_only_new_and_changed_files_are_read(settings: Settings, db: psycopg.Connection) -> None:
    send(settings, "s1", 7, 8)
    send(settings, "s2", 9)
    send(settings, "s1", 6, period="2024-2025")
    assert outcomes(ingest.ingest(settings, "pupils")) == [("landed", 1), ("landed", 2)]
    assert outcomes(ingest.ingest(settings, "pupils")) == []
    send(settings, "s1", 10)
    assert outcomes(ingest.ingest(settings, "pupils")) == [("landed", 1)]
    assert shown(db) == [("s1-1", "10"), ("s1-1", "6"), ("s2-1", "9")]
    send(settings, "s3", 11)
    (settings.source_root / "名册" / PERIOD / "s2.csv").unlink()
    assert outcomes(ingest.ingest(settings, "pupils")) == [("landed", 1)]
    assert shown(db) == [("s1-1", "10"), ("s1-1", "6"), ("s2-1", "9"), ("s3-1", "11")]


def test_a_school_may_send_its_first_workbook_again(
    settings: Settings, db: psycopg.Connection
) -> None:
    for ages in [(7, 8), (9,), (7, 8), (9,)]:
        send(settings, "s1", *ages)
        assert outcomes(ingest.ingest(settings, "pupils")) == [("landed", 1)]
        assert [int(age) for _, age in shown(db)] == list(ages)
    # Named on purpose, the same bytes are known as long as they are what is published.
    path = send(settings, "s1", 9)
    assert outcomes(ingest.ingest(settings, "pupils", [path])) == [("unchanged", 1)]


def test_a_delivery_sent_again_after_a_part_was_replaced(
    settings: Settings, db: psycopg.Connection
) -> None:
    both = [send(settings, "s1", 7), send(settings, "s2", 8)]
    ingest.ingest(settings, "pupils")
    send(settings, "s1", 9)
    ingest.ingest(settings, "pupils")
    send(settings, "s1", 7)
    # The same two files as at first; the batch they made is still published, for s2 alone.
    assert outcomes(ingest.ingest(settings, "pupils", both, PERIOD)) == [("landed", 2)]
    assert shown(db) == [("s1-1", "7"), ("s2-1", "8")]


def test_a_refused_file_is_read_again_when_it_or_the_contract_changed(
    settings: Settings, db: psycopg.Connection
) -> None:
    send(settings, "s1", 7)
    broken = settings.source_root / "名册" / PERIOD / "s2.csv"
    broken.write_bytes(b"PK not a workbook")
    report = ingest.ingest(settings, "pupils")
    assert [(r.outcome, r.files, r.rejected_files) for r in report.landed] == [("landed", 2, 1)]
    assert outcomes(ingest.ingest(settings, "pupils")) == []
    contract = settings.expectations_dir / "pupils" / "pupils.odcs.yaml"
    contract.write_text(SCHOOLS.replace("{purpose: 测试}", "{purpose: 新}"), encoding="utf-8")
    assert outcomes(ingest.ingest(settings, "pupils")) == [("failed", 1)]
    send(settings, "s2", 8)
    assert outcomes(ingest.ingest(settings, "pupils")) == [("landed", 1)]
    assert shown(db) == [("s1-1", "7"), ("s2-1", "8")]


def test_what_a_killed_run_left_is_resumed_beside_new_files(
    settings: Settings, db: psycopg.Connection
) -> None:
    send(settings, "s1", 7)
    ingest.land_all(settings, "pupils")
    send(settings, "s2", 8)
    (landed,) = [r for r in ingest.land_all(settings, "pupils") if r.outcome == "landed"]
    ingest.audit_all(settings, "pupils", [landed.batch_id or 0])
    send(settings, "s3", 9)
    report = ingest.ingest(settings, "pupils")
    assert sorted(outcomes(report)) == [("landed", 1), ("resumed", 1), ("resumed", 1)]
    assert shown(db) == [("s1-1", "7"), ("s2-1", "8"), ("s3-1", "9")]


def test_a_held_school_holds_no_other(settings: Settings, db: psycopg.Connection) -> None:
    send(settings, "s1", "老", "老", 7)  # two of three rows bad: more than 60 %
    assert [r.outcome for r in ingest.ingest(settings, "pupils").published] == ["held"]
    send(settings, "s2", 8)
    report = ingest.ingest(settings, "pupils")
    assert [r.outcome for r in report.published] == ["held", "published"]
    assert shown(db) == [("s2-1", "8")]
    send(settings, "s1", 9)
    assert sorted(r.outcome for r in ingest.ingest(settings, "pupils").published) == [
        "held", "published",
    ]  # fmt: skip
    # Replaced as a whole by the corrected workbook, the held batch is let go.
    assert [r.outcome for r in ingest.ingest(settings, "pupils").published] == ["unchanged"]
    assert ingest.ingest(settings, "pupils").landed == ()
    assert shown(db) == [("s1-1", "9"), ("s2-1", "8")]


def test_a_rule_over_the_city_sees_the_state_after_the_delivery(
    settings: Settings, db: psycopg.Connection
) -> None:
    verdicts = []
    for school, count in [("s1", 5), ("s2", 4), ("s2", 3)]:
        send(settings, school, *range(5, 5 + count))
        ingest.ingest(settings, "pupils")
        verdicts.append(
            db.execute(
                "select status, detail from quality.check_result where rule_id = 'PUP-101'"
                " order by result_id desc limit 1"
            ).fetchone()
        )
        db.commit()
    assert verdicts == [("passed", None), ("failed", "全市：9"), ("passed", None)]


@pytest.mark.parametrize("seed", [1, 2])
def test_runs_cut_short_anywhere_end_as_undisturbed_ones(
    settings: Settings, db: psycopg.Connection, seed: int
) -> None:
    chance = random.Random(seed)
    steps: list[Callable[[], object]] = [
        lambda: ingest.land_all(settings, "pupils"),
        lambda: ingest.audit_all(
            settings, "pupils",
            [r.batch_id or 0 for r in ingest.land_all(settings, "pupils")],
        ),
        lambda: ingest.ingest(settings, "pupils"),
    ]  # fmt: skip
    model: dict[str, list[int]] = {}
    for _ in range(8):
        for school in chance.sample(["s1", "s2", "s3"], chance.randint(1, 3)):
            model[school] = [chance.randint(6, 9) for _ in range(chance.randint(1, 3))]
            send(settings, school, *model[school])
        chance.choice(steps)()
    ingest.ingest(settings, "pupils")
    expected = [(f"{s}-{n}", str(a)) for s, ages in model.items() for n, a in enumerate(ages, 1)]
    assert shown(db) == sorted(expected)
