"""Killed with SIGKILL at any stage and run again, the database ends as after an undisturbed run.

The stage is chosen from outside: the test holds a lock that the stage needs, waits until the
process waits for it, kills the process and lets the lock go. There is no hook in the code.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

from eduplan import ingest
from eduplan.settings import Settings

PROJECT = Path(__file__).resolve().parents[2]
CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: eduplan-pupils
name: 名册
version: 1.0.0
status: active
domain: pupils
description: {purpose: 测试}
team:
  name: 测试科
  members: [{username: pupils-steward, name: 管理员, role: steward}]
servers:
  - server: files
    type: local
    path: "名册/{period}/*.csv"
    format: csv
    customProperties:
      - {property: layout, value: table}
      - {property: encoding, value: GB18030}
schema:
  - name: pupils
    businessName: 名册
    logicalType: object
    physicalType: table
    properties:
      - name: code
        businessName: 编号
        logicalType: string
        required: true
        primaryKey: true
        primaryKeyPosition: 1
      - {name: age, businessName: 年龄, logicalType: integer, required: true}
    quality:
      - id: PUP-001
        name: age_below_20
        type: custom
        engine: greatExpectations
        description: 年龄应小于 20。
        dimension: conformity
        severity: warning
        implementation:
          predicate: CASE WHEN edu.is_integer(age) THEN edu.parse_number(age) < 20 END
        customProperties:
          - {property: sentenceEn, value: "age must be below 20."}
          - {property: fix, value: 请核对年龄。}
          - {property: columns, value: [age]}
slaProperties:
  - {property: deadline, value: 09-20, description: 每年报送}
customProperties:
  - {property: prefix, value: PUP}
  - {property: scope, value: period}
  - {property: period, value: {kind: school_year, first: 2024-2025, last: 2026-2027}}
  - {property: maxRejectRate, value: 0.6}
  - {property: dependsOn, value: []}
  - {property: pool, value: files}
"""
HEADER = "编号,年龄\n"
FIRST = HEADER + "a,7\nb,8\n"
SECOND = HEADER + "a,7\nb,老\nc,30\nd,9\nd,9\n"  # b, d, d critical; c a warning


def project(folder: Path, url: str, contract: str = CONTRACT) -> Settings:
    """Make a project of its own with one contract."""
    expectations = folder / "project" / "expectations" / "pupils"
    expectations.mkdir(parents=True)
    (expectations / "pupils.odcs.yaml").write_text(contract, encoding="utf-8")
    (folder / "project" / "dbt_project").symlink_to(PROJECT / "dbt_project")
    return Settings(
        project_dir=folder / "project",
        home=folder / "home",
        source_root=folder / "source",
        database_url=url,
    )


@pytest.fixture
def settings(tmp_path: Path, db_url: str) -> Settings:
    """Return a project whose first delivery is published and whose second lies ready."""
    made = project(tmp_path, db_url)
    deliver(made, FIRST)
    assert ingest.ingest(made, "pupils").ok
    deliver(made, SECOND)
    return made


@pytest.fixture(scope="module")
def undisturbed(
    tmp_path_factory: pytest.TempPathFactory, pg_server: str, pg_template: str
) -> Iterator[dict[str, list[str]]]:
    """State of a database in which the same two deliveries met no disturbance."""
    url = pg_server.rsplit("/", 1)[0] + "/undisturbed"
    with psycopg.connect(pg_server, autocommit=True) as conn:
        conn.execute(f"create database undisturbed template {pg_template}")
        made = project(tmp_path_factory.mktemp("undisturbed"), url)
        for text in (FIRST, SECOND):
            deliver(made, text)
            ingest.ingest(made, "pupils")
        yield state(url)
        conn.execute("drop database undisturbed with (force)")


def deliver(settings: Settings, text: str) -> None:
    folder = settings.source_root / "名册" / "2025-2026"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "名册.csv").write_bytes(text.encode("gb18030"))


_STATE = {
    "batches": "select content_hash, status, row_count, rejected_count, file_count,"
    " accepted_count, quarantined_count, warning_count, held_reason, error_code,"
    " superseded_by is not null from ops.batch",
    "files": "select b.content_hash, f.file_no, f.path, f.sheet, f.sha256, f.size_bytes, f.format,"
    " f.encoding, f.row_count, f.status from ops.batch_file f join ops.batch b using (batch_id)",
    "published": "select code, age, _file, _row from raw.pupils",
    "verdicts": "select b.content_hash, v.file_no, v.row_no, v.rules, v.severity"
    " from quality.row_verdict v join ops.batch b using (batch_id)",
    "quarantine": "select b.content_hash, q.dataset, q.period, q.file_no, q.row_no, q.payload,"
    " q.rules, q.reasons, q.status"
    " from quality.quarantined_row q join ops.batch b using (batch_id)",
    "checks": "select distinct b.content_hash, c.rule_id, c.level, c.severity, c.status,"
    " c.checked_count, c.failed_count, c.detail"
    " from quality.check_result c join ops.batch b using (batch_id)",
    "partitions": "select count(*) from pg_inherits where inhparent = 'raw.pupils'::regclass",
    "tables": "select count(*) from pg_class where relnamespace = 'raw'::regnamespace"
    " and relkind in ('r', 'p')",
    "leftovers": "select relname from pg_class where relnamespace = 'audit'::regnamespace",
}


def state(url: str) -> dict[str, list[str]]:
    """Return everything that must not depend on the disturbance; batch ids may."""
    with psycopg.connect(url) as conn:
        return {
            name: sorted(str(row) for row in conn.execute(query)) for name, query in _STATE.items()
        }


def batch_id(url: str) -> int:
    with psycopg.connect(url) as conn:
        row = conn.execute("select max(batch_id) from ops.batch").fetchone()
    assert row is not None
    return int(row[0])


STEP = {
    "land": "ingest.land_all(s, 'pupils')",
    "audit": "ingest.audit_all(s, 'pupils', [{batch}])",
    "publish": "ingest.publish_all(s, 'pupils', [{batch}])",
}

# step, statement that takes what the stage needs next
STAGES = {
    "land: before the batch": ("land", "lock table ops.batch in exclusive mode"),
    "land: after the rows": ("land", "lock table ops.batch_file in exclusive mode"),
    "audit: making the view": ("audit", "lock table raw.pupils__b{batch} in access exclusive mode"),
    "audit: while GX judges": ("audit", None),
    "audit: writing verdicts": ("audit", "lock table quality.row_verdict in exclusive mode"),
    "audit: writing results": ("audit", "lock table quality.check_result in exclusive mode"),
    "publish: at the start": (
        "publish",
        "select from ops.batch where batch_id = {batch} for update",
    ),
    "publish: copying bad rows": (
        "publish",
        "lock table quality.quarantined_row in exclusive mode",
    ),
    "publish: removing bad rows": ("publish", "lock table raw.pupils__b{batch} in share mode"),
    "publish: superseding": (
        "publish",
        "select from ops.batch where batch_id <> {batch} for update",
    ),
    "publish: exchanging partitions": ("publish", "lock table raw.pupils in access share mode"),
}


def prepare(settings: Settings, step: str) -> int:
    """Run the steps before ``step``; return the batch they made."""
    if step == "land":
        return 0
    ingest.land_all(settings, "pupils")
    made = batch_id(str(settings.database_url))
    if step == "publish":
        ingest.audit_all(settings, "pupils", [made])
    return made


def start(settings: Settings, code: str) -> "subprocess.Popen[bytes]":
    program = (
        "from eduplan import ingest\n"
        "from eduplan.settings import load_settings\n"
        f"s = load_settings()\n{code}"
    )
    return subprocess.Popen(
        [sys.executable, "-c", program],
        env={
            **os.environ,
            "EDUPLAN_PROJECT_DIR": str(settings.project_dir),
            "EDUPLAN_HOME": str(settings.home),
            "EDUPLAN_SOURCE_ROOT": str(settings.source_root),
            "EDUPLAN_DATABASE_URL": str(settings.database_url),
        },
        start_new_session=True,
    )


def wait_for(
    condition: Callable[[], Any], process: "subprocess.Popen[bytes]", seconds: float = 90
) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, f"the process ended by itself ({process.returncode})"
        assert time.monotonic() < end, "the process never came to this stage"
        time.sleep(0.02)


@pytest.mark.parametrize("stage", STAGES)
def test_killed_and_run_again(
    settings: Settings, undisturbed: dict[str, list[str]], stage: str
) -> None:
    url = str(settings.database_url)
    step, lock = STAGES[stage]
    made = prepare(settings, step)
    with psycopg.connect(url) as holder, psycopg.connect(url, autocommit=True) as watcher:
        if lock is not None:
            holder.execute(lock.format(batch=made))

        def arrived() -> bool:
            query = (
                "select 1 from pg_stat_activity where datname = current_database()"
                " and wait_event_type = 'Lock'"
                if lock is not None
                else f"select 1 from pg_class where relname = 'b{made}' and relkind = 'v'"
            )
            return watcher.execute(query).fetchone() is not None

        process = start(settings, STEP[step].format(batch=made))
        try:
            wait_for(arrived, process)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        # By the holder: the dead process's backend still queues for the lock, readers behind it.
        seen = [row[0] for row in holder.execute("select code from raw.pupils order by 1")]
        assert seen == ["a", "b"], "a reader saw half of the new batch"
        holder.rollback()
    report = ingest.ingest(settings, "pupils")
    assert report.ok
    disturbed = state(url)
    assert disturbed["published"] == ["('a', '7', 1, 2)", "('c', '30', 1, 4)"]  # by hand
    assert disturbed["leftovers"] == []
    assert disturbed == undisturbed


def test_one_failed_delivery_does_not_stop_the_others(settings: Settings) -> None:
    bad = settings.source_root / "名册" / "2024-2025"
    bad.mkdir()
    (bad / "名册.csv").write_bytes(b"")
    report = ingest.ingest(settings, "pupils")
    assert [(r.period, r.outcome) for r in report.landed] == [
        ("2024-2025", "failed"),
        ("2025-2026", "landed"),
    ]
    assert [r.outcome for r in report.published] == ["published"]
    assert not report.ok
    assert [r.error_code for r in report.failed] == ["LND-001"]
