"""Reading a REST API: the demo's real HTTP server, a real database, every fault it can have."""

import csv
import json
import logging
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from demo.platforms import Platforms
from eduplan.audit import audit
from eduplan.connections import Connection
from eduplan.contract import Contract, load_contract
from eduplan.errors import SourceError
from eduplan.extract import api
from eduplan.extract.discover import Delivery
from eduplan.land import land
from eduplan.publish import publish
from eduplan.quality import drift

PROJECT = Path(__file__).resolve().parents[2]
SECRET = "s3cret-of-the-client"  # noqa: S105  of a throw-away server
Record = dict[str, Any]


def profile(number: int, **changes: Any) -> Record:
    return {
        "id": f"P{number:04d}",
        "teacher": {"no": f"T{number:04d}", "name": f"教师{number}", "mobile": None},
        "school": {"code": "2145000001"},
        "status": "有效",
        "registeredOn": "2024-03-01",
        "isTest": False,
        "updated_at": f"2025-03-{1 + number % 28:02d}T08:00:00.{number:06d}+08:00",
        "is_deleted": False,
        **changes,
    }


def assessment(number: int, **changes: Any) -> Record:
    return {
        "id": f"A{number:04d}",
        "student": {"no": f"G{number:04d}"},
        "school": {"code": "2145000001"},
        "schoolYear": "2024-2025",
        "grade": "小学五年级",
        "attempt": 1,
        "status": "已测",
        "score": 80.5,
        "level": "良好",
        "testedOn": "2025-03-01",
        "isTest": False,
        "updated_at": f"2025-03-{1 + number % 28:02d}T08:00:00.{number:06d}+08:00",
        "is_deleted": False,
        **changes,
    }


def contract_of(system: str, dataset: str, **options: Any) -> Contract:
    contract = load_contract(PROJECT / "expectations" / system / f"{dataset}.odcs.yaml")
    source = replace(contract.source, options={**contract.source.options, **options})
    return replace(contract, source=source)


class Desk:
    """One platform, one database, one spool: read, land, audit, publish, and look."""

    def __init__(self, folder: Path, url: str, served: Platforms, contract: Contract) -> None:
        self.folder, self.url, self.served, self.contract = folder, url, served, contract
        self.conn = psycopg.connect(url)
        base = {"training_teachers": "teacher/v1", "literacy_assessments": "literacy/v1"}
        self.connection = Connection(
            "platform_test", "http", "127.0.0.1", served.port, served.client[0], served.client[1],
            base[contract.dataset],
        )  # fmt: skip

    def pull(self) -> list[Delivery]:
        return api.pull(self.conn, self.contract, self.connection, self.folder / "spool")

    def run(self) -> str:
        """The whole way; ``unchanged``, or the outcome of publishing."""
        deliveries = self.pull()
        if not deliveries:
            return "unchanged"
        landed = land(self.conn, self.contract, deliveries[0], self.folder / "archive")
        assert landed.error is None
        if landed.outcome == "unchanged":
            return "unchanged"
        assert landed.batch_id is not None
        audit(self.url, self.contract, landed.batch_id, None)
        return publish(self.conn, self.contract, landed.batch_id).outcome

    def one(self, query: str) -> Any:
        row = self.conn.execute(query.encode()).fetchone()
        self.conn.commit()
        return None if row is None else row[0] if len(row) == 1 else row

    def last(self, columns: str) -> Any:
        return self.one(f"select {columns} from ops.pull order by pull_id desc limit 1")

    def published(self, column: str = "registered_on") -> dict[str, str]:
        key = next(c.name for c in self.contract.columns if c.key)
        rows = self.conn.execute(
            f"select {key}, {column} from raw.{self.contract.dataset}".encode()
        ).fetchall()
        self.conn.commit()
        return dict(rows)

    def lines(self, delivery: Delivery) -> list[dict[str, str]]:
        with delivery.files[0].open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "BACKOFF_SECONDS", 0.01)
    monkeypatch.setattr(api, "_LOCK_SECONDS", 0.5)


@pytest.fixture
def by_cursor(tmp_path: Path, db_url: str) -> Iterator[Desk]:
    """Twenty-five teacher profiles, read by cursor, ten a page."""
    records = [profile(n) for n in range(1, 26)]
    with Platforms({"training_teachers": records}, client=("eduplan", SECRET)) as served:
        contract = contract_of("platform_training", "training_teachers", page_size=10)
        desk = Desk(tmp_path, db_url, served, contract)
        yield desk
        desk.conn.close()


@pytest.fixture
def by_page(tmp_path: Path, db_url: str) -> Iterator[Desk]:
    """Twenty-five assessments, read by page, ten a page."""
    records = [assessment(n) for n in range(1, 26)]
    with Platforms({"literacy_assessments": records}, client=("eduplan", SECRET)) as served:
        contract = contract_of("platform_literacy", "literacy_assessments", page_size=10)
        desk = Desk(tmp_path, db_url, served, contract)
        yield desk
        desk.conn.close()


@pytest.fixture(params=["by_cursor", "by_page"])
def desk(request: pytest.FixtureRequest) -> Desk:
    found: Desk = request.getfixturevalue(request.param)
    return found


def record(desk: Desk, number: int, **changes: Any) -> Record:
    make = profile if desk.contract.dataset == "training_teachers" else assessment
    return make(number, **changes)


def key(desk: Desk, number: int) -> str:
    return str(record(desk, number)["id"])


def listed(desk: Desk) -> list[str]:
    """Requests of whole pages."""
    return [r for r in desk.served.requests if "limit=10" in r or "per_page=10" in r]


# --- what a reading gives ----------------------------------------------------------------------


def test_first_reading_is_full_and_lands_every_record(desk: Desk) -> None:
    [delivery] = desk.pull()
    lines = desk.lines(delivery)
    assert [line[desk.contract.columns[0].name] for line in lines] == [
        key(desk, n) for n in range(1, 26)
    ]
    first = lines[0]
    assert first["school_code"] == "2145000001"  # nested in the record
    assert (first["is_test"], first["is_deleted"]) == ("false", "false")
    if desk.contract.dataset == "training_teachers":
        assert (first["teacher_no"], first["name"], first["phone"]) == ("T0001", "教师1", "")
    else:
        assert (first["attempt"], first["score"], first["level"]) == ("1", "80.5", "良好")
    assert delivery.period == "all"
    assert delivery.files[0].relative_to(delivery.root or Path()) == Path(
        desk.contract.dataset, "records.csv"
    )
    assert stat.S_IMODE(delivery.files[0].stat().st_mode) == 0o600
    assert desk.last("status, is_full, window_from, record_count, announced_count, live_count") == (
        "complete", True, None, 25, 25, 25,
    )  # fmt: skip
    assert desk.run() == "published"
    assert len(desk.published("updated_at")) == 25
    assert desk.last("status") == "landed"
    assert desk.one("select path, encoding from ops.batch_file") == (
        f"{desk.contract.dataset}/records.csv", "utf-8",
    )  # fmt: skip


def test_nothing_new_is_unchanged_and_moves_the_window(desk: Desk) -> None:
    assert desk.run() == "published"
    first = desk.last("window_until")
    assert desk.run() == "unchanged"
    status, since, until = desk.last("status, window_from, window_until")
    assert (status, since) == ("unchanged", first)
    assert until > first
    assert desk.one("select count(*) from ops.batch") == 1


def test_only_changes_are_read_and_deletions_remove(desk: Desk) -> None:
    assert desk.run() == "published"
    changed = record(desk, 3, school={"code": "2145000077"})
    desk.served.change(desk.contract.dataset, [changed, record(desk, 26)], [key(desk, 5)])
    desk.served.requests.clear()
    assert desk.run() == "published"
    assert desk.last("is_full, record_count") == (False, 3)
    schools = desk.published("school_code")
    assert len(schools) == 25  # 25 + 1 new - 1 deleted
    assert key(desk, 5) not in schools
    assert schools[key(desk, 3)] == "2145000077"
    assert schools[key(desk, 4)] == "2145000001"
    since = {p for r in listed(desk) for p in r.split("&") if "since" in p or "from" in p}
    until = {p for r in listed(desk) for p in r.split("&") if "until" in p or "_to" in p}
    assert len(since) == len(until) == 1  # the same window for every page


def test_window_reaches_back_so_that_late_records_are_not_lost(desk: Desk) -> None:
    assert desk.run() == "published"
    # Committed after our reading, stamped a minute before it: within the lag of 300 s.
    moment = desk.last("window_until - interval '1 minute'")
    desk.served.change(desk.contract.dataset, [record(desk, 30)], at=moment.isoformat())
    assert desk.run() == "published"
    assert desk.last("is_full") is False
    assert key(desk, 30) in desk.published("updated_at")


def test_window_is_not_moved_by_a_batch_that_was_not_published(desk: Desk) -> None:
    [delivery] = desk.pull()
    landed = land(desk.conn, desk.contract, delivery, desk.folder / "archive")
    desk.conn.execute("update ops.batch set status = 'rejected' where batch_id = %s", (
        landed.batch_id,
    ))  # fmt: skip
    desk.conn.commit()
    assert desk.pull()
    assert desk.last("is_full, window_from") == (True, None)


def test_complete_reading_that_was_not_landed_comes_again_without_reading(desk: Desk) -> None:
    [first] = desk.pull()
    desk.served.requests.clear()
    assert desk.pull() == [first]
    assert desk.served.requests == []


def test_reading_a_dataset_twice_at_once_is_refused(desk: Desk) -> None:
    with psycopg.connect(desk.url) as other:
        other.execute(
            "select pg_advisory_lock(hashtextextended(%s, 0))",
            (f"eduplan.pull:{desk.contract.dataset}",),
        )
        with pytest.raises(SourceError, match="Another process"):
            desk.pull()
    assert desk.pull()


def test_record_without_key_is_left_to_the_audit(by_cursor: Desk) -> None:
    by_cursor.served.change("training_teachers", [profile(40)], at="2025-04-01T08:00:00+08:00")
    table = by_cursor.served.tables["training_teachers"]
    changed, gone, line = table.rows["P0040"]
    table.rows["P0040"] = (changed, gone, line.replace('"P0040"', "null"))
    assert by_cursor.run() == "published"
    assert by_cursor.one("select count(*) from raw.training_teachers") == 25
    assert by_cursor.one("select rules[1] from quality.quarantined_row") == "TRT-REQ-profile_id"
    # It is known in quarantine: nothing new, and no full reading for its sake.
    assert by_cursor.run() == "unchanged"


def test_quarantined_record_is_known_and_a_later_version_is_published(by_cursor: Desk) -> None:
    day = "2025-04-01T08:00:00+08:00"
    by_cursor.served.change("training_teachers", [profile(7, status="不明")], at=day)
    assert by_cursor.run() == "published"
    assert "P0007" not in by_cursor.published()
    by_cursor.served.change("training_teachers", [profile(8)])
    assert by_cursor.run() == "published"
    assert by_cursor.last("is_full") is False
    by_cursor.served.change("training_teachers", [profile(7)])
    assert by_cursor.run() == "published"
    assert len(by_cursor.published()) == 25


def test_a_refused_record_that_the_source_deleted_is_not_counted(by_cursor: Desk) -> None:
    day = "2025-04-01T08:00:00+08:00"
    by_cursor.served.change("training_teachers", [profile(7, status="不明")], at=day)
    assert by_cursor.run() == "published"
    by_cursor.conn.execute("update quality.quarantined_row set status = 'rejected'")
    by_cursor.conn.commit()
    assert by_cursor.run() == "unchanged"  # refused by us, still alive there
    by_cursor.served.change("training_teachers", [], ["P0007"])
    assert by_cursor.run() == "published"
    assert by_cursor.last("is_full") is False
    by_cursor.served.change("training_teachers", [profile(8)])
    assert by_cursor.run() == "published"
    assert by_cursor.last("is_full") is False


def test_text_that_breaks_lines_or_characters_stays_one_value(by_cursor: Desk) -> None:
    table = by_cursor.served.tables["training_teachers"]
    changed, gone, line = table.rows["P0003"]
    # A bare carriage return, half of a character as systems leave it that cut texts, a long text.
    text = "甲\\r乙\\ud83d" + "长" * 200_000
    table.rows["P0003"] = (changed, gone, line.replace("教师3", text))
    [delivery] = by_cursor.pull()
    landed = land(by_cursor.conn, by_cursor.contract, delivery, by_cursor.folder / "archive")
    assert (landed.outcome, landed.rows) == ("landed", 25)
    name = by_cursor.one(
        f"select name from raw.training_teachers__b{landed.batch_id} where profile_id = 'P0003'"
    )
    assert name == "甲\r乙\ufffd" + "长" * 200_000


# --- changes while reading -----------------------------------------------------------------------


def test_change_while_paging_by_page_starts_over_and_misses_nothing(by_page: Desk) -> None:
    seen = []

    def change_once(dataset: str, number: int) -> None:
        seen.append(number)
        if seen == [1, 2]:
            # A record of page 1 moves out of the window: page 2 slips by one.
            by_page.served.change(dataset, [assessment(28)])
            by_page.served.change(dataset, [assessment(1)])

    by_page.served.before_page = change_once
    assert by_page.run() == "published"
    assert seen[:4] == [1, 2, 3, 4] and seen.count(1) == 2
    assert len(by_page.published("score")) == 26


def test_record_seen_twice_keeps_the_version_received_last(by_cursor: Desk) -> None:
    # No upper bound of the window: what changes moves to the end of the list and comes again.
    contract = contract_of(
        "platform_training", "training_teachers", page_size=10, until_param=None,
        count_resource=None,
    )  # fmt: skip
    by_cursor.contract = contract
    pages = []

    def change_once(dataset: str, number: int) -> None:
        pages.append(number)
        if len(pages) == 3:
            by_cursor.served.change(dataset, [profile(1, status="注销")])

    by_cursor.served.before_page = change_once
    [delivery] = by_cursor.pull()
    lines = {line["profile_id"]: line["status"] for line in by_cursor.lines(delivery)}
    assert len(lines) == 25
    assert lines["P0001"] == "注销"
    assert by_cursor.last("record_count") == 26


def test_platform_that_never_stands_still_is_an_error_with_the_counts(by_page: Desk) -> None:
    number = iter(range(100, 200))
    late = "2025-03-15T00:00:00+08:00"
    by_page.served.before_page = lambda dataset, page: by_page.served.change(
        dataset, [assessment(next(number))] if page == 2 else (), at=late
    )
    with pytest.raises(SourceError, match=r"announced 27, then 28, received 28"):
        by_page.pull()
    assert by_page.last("status, batch_id") == ("failed", None)
    assert "announced 27" in by_page.last("error")


def test_wrong_announced_total_is_an_error(desk: Desk) -> None:
    desk.served.faults.total_off = 2
    with pytest.raises(SourceError, match="announced 27, then 27, received 25"):
        desk.pull()
    assert desk.one("select count(*) from ops.batch") == 0


def test_live_count_that_differs_makes_the_reading_full_and_heals(desk: Desk) -> None:
    assert desk.run() == "published"
    # Gone without a tombstone, and a record stamped long before the window.
    desk.served.forget(desk.contract.dataset, key(desk, 2))
    desk.served.forget(desk.contract.dataset, key(desk, 9))
    desk.served.change(desk.contract.dataset, [record(desk, 50)], at="2024-01-01T00:00:00+08:00")
    assert desk.run() == "published"
    assert desk.last("is_full, window_from, live_count, record_count") == (True, None, 24, 24)
    found = desk.published("updated_at")
    assert len(found) == 24
    assert key(desk, 2) not in found and key(desk, 9) not in found and key(desk, 50) in found
    assert desk.run() == "unchanged"


def test_live_count_that_no_list_bears_out_is_an_error(desk: Desk) -> None:
    desk.served.faults.live_off = 3
    with pytest.raises(SourceError, match="28 alive, we would have 25"):
        desk.pull()


def test_clock_that_went_back_makes_the_reading_full(desk: Desk) -> None:
    desk.served.faults.clock_off = 86400
    assert desk.run() == "published"
    desk.served.faults.clock_off = 0
    desk.served.change(desk.contract.dataset, [record(desk, 3, isTest=True)])
    assert desk.run() == "published"
    assert desk.last("is_full") is True
    assert desk.published("is_test")[key(desk, 3)] == "true"


def test_clock_of_the_source_counts_not_ours(desk: Desk) -> None:
    desk.served.faults.clock_off = -7200
    assert desk.run() == "published"
    assert desk.last("window_until < clock_timestamp() - interval '1 hour'") is True
    desk.served.change(desk.contract.dataset, [record(desk, 3, isTest=True)])
    assert desk.run() == "published"
    assert desk.last("is_full, record_count") == (False, 1)


# --- a platform with faults ----------------------------------------------------------------------


def test_rate_limit_waits_as_long_as_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.served.faults.too_many = 2
    desk.served.faults.retry_after = "1"
    started = time.monotonic()
    assert desk.run() == "published"
    assert time.monotonic() - started >= 2  # back-off alone would be 0.03 s


@pytest.mark.parametrize("fault", ["server_error", "drop_body"])
def test_passing_faults_are_repeated(desk: Desk, fault: str) -> None:
    setattr(desk.served.faults, fault, 3)
    assert desk.run() == "published"
    assert getattr(desk.served.faults, fault) == 0
    assert len(desk.published("updated_at")) == 25


def test_fault_that_does_not_pass_fails_and_the_next_reading_succeeds(desk: Desk) -> None:
    desk.served.faults.server_error = 10_000
    with pytest.raises(SourceError, match="HTTP 503") as caught:
        desk.pull()
    assert caught.value.transient  # Airflow tries again by itself
    assert desk.last("status, window_until") == ("failed", None)
    desk.served.faults.server_error = 0
    assert desk.run() == "published"


def test_platform_that_is_down_is_told_without_its_address(desk: Desk) -> None:
    desk.connection = replace(desk.connection, port=1)
    with pytest.raises(SourceError, match="No usable connection") as caught:
        desk.pull()
    assert "127.0.0.1" not in str(caught.value)
    assert caught.value.transient


def test_token_that_ends_in_the_middle_is_renewed(desk: Desk) -> None:
    desk.served.faults.revoke_token = 6
    assert desk.run() == "published"
    assert len(desk.published("updated_at")) == 25
    assert len(listed(desk)) == (4 if desk.contract.dataset == "training_teachers" else 5)


def test_token_that_expires_by_its_time_is_renewed(desk: Desk) -> None:
    desk.served.token_seconds = 1
    desk.served.before_page = lambda dataset, number: time.sleep(0.6)
    assert desk.run() == "published"


def test_wrong_secret_is_refused_at_once_and_not_shown(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    desk.connection = replace(desk.connection, password="wrong-and-secret")  # noqa: S106
    with pytest.raises(SourceError, match="HTTP 401") as caught:
        desk.pull()
    assert "client id and secret" in caught.value.hint
    assert not caught.value.transient
    told = f"{caught.value} {caught.value.hint} {desk.last('error')} {caplog.text}"
    assert "wrong-and-secret" not in told


def test_no_secret_and_no_token_in_any_log(
    desk: Desk, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    desk.served.faults.server_error = 1
    assert desk.run() == "published"
    heard = caplog.text + "".join(capfd.readouterr())
    for secret in (SECRET, *desk.served._tokens):
        assert secret not in heard
    assert "教师1" not in heard


@pytest.mark.parametrize(("status", "hint"), [(403, "right to read"), (404, "resource")])
def test_refusals_fail_at_once_with_a_hint(desk: Desk, status: int, hint: str) -> None:
    if status == 403:
        desk.served.faults.forbidden = True
    else:
        desk.connection = replace(desk.connection, schema="nowhere/v1")
    started = time.monotonic()
    with pytest.raises(SourceError, match=f"HTTP {status}") as caught:
        desk.pull()
    assert hint in caught.value.hint
    assert len(desk.served.requests) == 1 and time.monotonic() - started < 5


@pytest.mark.parametrize(
    ("fault", "says"),
    [("html", "text/html"), ("truncated", "JSON"), ("missing_list", "no list at")],
)
def test_answer_that_is_none_is_never_taken_for_no_change(
    desk: Desk, fault: str, says: str
) -> None:
    assert desk.run() == "published"
    first = desk.last("window_until")
    desk.served.change(desk.contract.dataset, [record(desk, 3, isTest=True)])
    setattr(desk.served.faults, fault, 1)
    with pytest.raises(SourceError, match="cannot be believed") as caught:
        desk.pull()
    assert says in str(caught.value)
    assert desk.last("status") == "failed"
    setattr(desk.served.faults, fault, 0)
    assert desk.run() == "published"
    assert desk.last("window_from") == first  # the failed reading did not move it
    assert desk.published("is_test")[key(desk, 3)] == "true"


def test_full_list_without_a_record_deletes_nothing(desk: Desk) -> None:
    assert desk.run() == "published"
    for number in range(1, 26):
        desk.served.forget(desk.contract.dataset, key(desk, number))
    with pytest.raises(SourceError, match="gave no record"):
        desk.pull()
    assert len(desk.published("updated_at")) == 25


def test_page_without_measure_is_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "MAX_PAGE_BYTES", 1 << 20)
    desk.served.faults.padding = 2 << 20
    with pytest.raises(SourceError, match="over 1 MB"):
        desk.pull()


def test_expired_cursor_starts_over(by_cursor: Desk) -> None:
    by_cursor.served.faults.expired_cursor = 1
    assert by_cursor.run() == "published"
    assert len(listed(by_cursor)) == 5  # page 1, the refused page 2, then three pages
    assert len(by_cursor.published()) == 25


def test_certificate_that_nobody_signed_is_refused(by_cursor: Desk, tmp_path: Path) -> None:
    import ssl

    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "k.pem", "-out",  # noqa: S607
         "c.pem", "-days", "2", "-subj", "/CN=localhost"],
        cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "c.pem", tmp_path / "k.pem")
    with Platforms({}, tls=tls) as served:
        by_cursor.connection = replace(by_cursor.connection, conn_type="https", port=served.port)
        with pytest.raises(SourceError, match="SSLError"):
            by_cursor.pull()


# --- killed in the middle ------------------------------------------------------------------------

_CHILD = """
import sys
from pathlib import Path
import psycopg
sys.path.insert(0, {project!r})
from tests.integration.test_api_pull import contract_of
from eduplan.connections import Connection
from eduplan.extract import api
given = ("127.0.0.1", {port}, "eduplan", {secret!r}, {base!r})
connection = Connection("platform_test", "http", *given)
contract = contract_of({system!r}, {dataset!r}, page_size=10)
with psycopg.connect({url!r}) as conn:
    api.pull(conn, contract, connection, Path({spool!r}))
"""


def test_killed_reading_goes_on_where_it_stopped(desk: Desk, tmp_path: Path) -> None:
    first = [record(desk, 1, nick="on the first page alone")]
    desk.served.change(desk.contract.dataset, first, at="2025-03-01T00:00:00+08:00")
    undisturbed = desk.pull()[0].content_hash
    desk.conn.execute("delete from ops.pull")
    desk.conn.commit()
    (desk.folder / "spool" / desk.contract.dataset / "records.csv").unlink()
    arrived, go_on = threading.Event(), threading.Event()

    def stop_at_third(dataset: str, number: int) -> None:
        if len(listed(desk)) == 3:
            arrived.set()
            go_on.wait(20)

    desk.served.requests.clear()
    desk.served.before_page = stop_at_third
    child = subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", _CHILD.format(
            project=str(PROJECT), port=desk.served.port, secret=SECRET,
            base=desk.connection.schema, system=desk.contract.system,
            dataset=desk.contract.dataset, url=desk.url, spool=str(desk.folder / "spool"),
        )],
        env={**os.environ, "PYTHONPATH": f"{PROJECT / 'plugins'}:{PROJECT}"},
    )  # fmt: skip
    try:
        assert arrived.wait(60)
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
        go_on.set()
    status, pages, size, until = desk.last("status, page_count, spool_bytes, window_until")
    assert (status, pages) == ("running", 2)
    [part] = (desk.folder / "spool" / desk.contract.dataset).glob("*.csv")
    with part.open("a", encoding="utf-8") as spool:
        spool.write("half a line that was never committed")
    assert part.stat().st_size > size
    desk.served.requests.clear()
    desk.served.before_page = None
    [delivery] = desk.pull()
    assert delivery.content_hash == undisturbed
    assert desk.last("window_until, page_count") == (
        until, 3 if desk.contract.dataset == "training_teachers" else 4,
    )  # fmt: skip
    assert desk.last("unknown_fields, absent_fields") == (["nick"], [])
    # Only what was left is asked for: the third page, and behind it the empty one.
    assert len(listed(desk)) == (1 if desk.contract.dataset == "training_teachers" else 2)


def test_running_reading_of_another_contract_begins_anew(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = api._Run.save

    def stop_after_two(self: Any) -> None:
        save(self)
        if self.pages == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(api._Run, "save", stop_after_two)
        with pytest.raises(KeyboardInterrupt):
            desk.pull()
    assert desk.last("status, page_count") == ("running", 2)
    # The columns of the pages that were read are those of the contract of then.
    columns = (desk.contract.columns[0], *reversed(desk.contract.columns[1:]))
    desk.contract = replace(desk.contract, columns=columns, sha256="0" * 64)
    [delivery] = desk.pull()
    lines = desk.lines(delivery)
    assert [line[columns[0].name] for line in lines] == [key(desk, n) for n in range(1, 26)]
    assert {(line["school_code"], line["is_deleted"]) for line in lines} == {
        ("2145000001", "false")
    }
    assert len(list(delivery.files[0].parent.iterdir())) == 1


def test_running_reading_whose_spool_is_lost_begins_anew(desk: Desk) -> None:
    desk.conn.execute(
        "insert into ops.pull (dataset, kind, status, is_full, next_page, spool, spool_bytes,"
        " page_count) values (%s, 'api', 'running', true, '2', 'gone', 500, 1)",
        (desk.contract.dataset,),
    )
    desk.conn.commit()
    assert desk.run() == "published"
    assert desk.one("select error from ops.pull order by pull_id limit 1") == "spool file lost"


def test_nothing_is_written_to_the_home_folder(desk: Desk, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    subprocess.run(  # noqa: S603
        [sys.executable, "-c", _CHILD.format(
            project=str(PROJECT), port=desk.served.port, secret=SECRET,
            base=desk.connection.schema, system=desk.contract.system,
            dataset=desk.contract.dataset, url=desk.url, spool=str(desk.folder / "spool"),
        )],
        env={**os.environ, "PYTHONPATH": f"{PROJECT / 'plugins'}:{PROJECT}", "HOME": str(home)},
        check=True, timeout=120,
    )  # fmt: skip
    assert list(home.rglob("*")) == []


# --- the server as a process ---------------------------------------------------------------------


def test_server_runs_as_a_process_and_lives_a_second_day(tmp_path: Path, db_url: str) -> None:
    data = tmp_path / "_platforms"
    data.mkdir()
    (data / "training_teachers.jsonl").write_text(
        "".join(json.dumps(profile(n), ensure_ascii=False) + "\n" for n in range(1, 201)),
        encoding="utf-8",
    )
    port, secrets = tmp_path / "port", tmp_path / "secrets.json"
    server = subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "demo.platforms", "--data", str(data), "--port-file", str(port),
         "--secrets", str(secrets)],
        cwd=PROJECT,
    )  # fmt: skip
    try:
        for _ in range(100):
            if port.exists():
                break
            time.sleep(0.1)
        assert stat.S_IMODE(secrets.stat().st_mode) == 0o600
        known = json.loads(secrets.read_text())
        served = Platforms({})
        served.server.server_close()
        served.port = int(port.read_text())
        served.client = (known["client_id"], known["client_secret"])
        contract = contract_of("platform_training", "training_teachers", page_size=50)
        desk = Desk(tmp_path, db_url, served, contract)
        assert desk.run() == "published"
        import urllib.request

        request = urllib.request.Request(  # noqa: S310
            f"http://127.0.0.1:{served.port}/admin/day-two", data=b"{}", method="POST",
            headers={"X-Admin-Secret": known["admin"]},
        )  # fmt: skip
        with urllib.request.urlopen(request) as answer:  # noqa: S310
            assert json.load(answer)["training_teachers"] == 2
        assert desk.run() == "published"
        assert desk.last("is_full, record_count") == (False, 2)
        assert len(desk.published()) == 199
        desk.conn.close()
    finally:
        server.terminate()
        server.wait(10)


# --- fields the contract does not know, and fields no record has ----------------------------------


def drifted(desk: Desk) -> list[dict[str, Any]]:
    """The drift events that are open."""
    found = drift.events(desk.conn, {desk.contract.dataset: desk.contract})
    desk.conn.commit()
    return [event for event in found if event["state"] == "open"]


def facts(desk: Desk) -> set[tuple[str, str, str | None, str]]:
    return {(e["kind"], e["column_name"], e["related"], e["rule_id"]) for e in drifted(desk)}


def observe(desk: Desk) -> None:
    """What follows each audit."""
    batch = desk.one("select max(batch_id) from ops.batch")
    desk.conn.execute("update ops.batch set status = 'audited' where batch_id = %s", (batch,))
    drift.observe(desk.conn, desk.contract, batch)
    desk.conn.execute("update ops.batch set status = 'published' where batch_id = %s", (batch,))
    desk.conn.commit()


def without(record: Record, *names: str) -> Record:
    return {name: value for name, value in record.items() if name not in names}


OLD = "2025-03-30T08:00:00+08:00"
"""Within the first reading."""


def test_records_as_agreed_have_no_event(desk: Desk) -> None:
    desk.served.change(desk.contract.dataset, [], [key(desk, 5)], OLD)  # id and time alone
    assert desk.run() == "published"
    assert desk.one("select count(*) from ops.drift_event") == 0
    assert desk.last("unknown_fields, absent_fields") == ([], [])


def test_unknown_fields_are_events_without_values(by_cursor: Desk) -> None:
    teacher = {"no": "T0004", "name": "教师4", "mobile": None, "homePhone": "13800000000"}
    changed = [
        profile(4, teacher=teacher, awards=[{"韦小明": "450499199001011234"}]),
        profile(24, tutor={"450499199001011234": "韦小明"}, **{"school.code": "x", "": None}),
    ]
    by_cursor.served.change("training_teachers", changed, at=OLD)
    assert by_cursor.run() == "published"
    observe(by_cursor)
    expected = {
        ("new_column", name, None, "DRF-004")
        for name in ("teacher.homePhone", "awards", "tutor", '"school.code"', '""')
    }
    assert facts(by_cursor) == expected
    events = {event["column_name"]: event for event in drifted(by_cursor)}
    assert events["teacher.homePhone"]["suggestion"].splitlines() == [
        "- name: teacher_homephone",
        '  businessName: "teacher.homePhone"',
        "  logicalType: string",
        "  classification: personal-direct",
        "  customProperties:",
        '    - {property: aliases, value: ["teacher.homePhone"]}',
        '# 不需要读取时，在 servers 的 options 中写 unread: ["teacher.homePhone"]',
    ]
    assert "「teacher.homePhone」，没有读取" in events["teacher.homePhone"]["detail"]
    assert {event["occurrences"] for event in events.values()} == {None}
    told = json.dumps(list(events.values()), default=str, ensure_ascii=False)
    assert [v for v in ("13800000000", "450499", "韦小明") if v in told] == []
    source = by_cursor.contract.source
    by_cursor.contract = replace(
        by_cursor.contract,
        source=replace(
            source, options={**source.options, "unread": ["awards", "teacher.homePhone"]}
        ),
    )
    assert {fact[1] for fact in facts(by_cursor)} == {"tutor", '"school.code"', '""'}


def test_names_made_to_harm_are_few_short_and_harmless(by_cursor: Desk) -> None:
    strange = {"hostile": 1, "长" * 500: 1, "P450499199001011234": 1}
    by_cursor.served.change("training_teachers", [profile(1, **strange)], at=OLD)
    table = by_cursor.served.tables["training_teachers"]
    changed, gone, line = table.rows["P0001"]
    line = line.replace("hostile", "\\u001b[2J\\u202e\\ud800\\u0000")
    table.rows["P0001"] = (changed, gone, line)
    many = {f"f{n:03d}": n for n in range(500)}
    by_cursor.served.change("training_teachers", [profile(2, **many)], at=OLD)
    assert by_cursor.run() == "published"
    names = {event["column_name"] for event in drifted(by_cursor)}
    assert {"\ufffd[2J\ufffd\ufffd\ufffd", "长" * 79 + "…", "P#", "f046"} <= names
    assert len(names) == 50  # these three, and f000 to f046


def test_same_fields_again_give_no_second_event(desk: Desk) -> None:
    desk.served.change(desk.contract.dataset, [record(desk, 3, nick="x")], at=OLD)
    [delivery] = desk.pull()
    for outcome in ("landed", "resumed"):
        landed = land(desk.conn, desk.contract, delivery, desk.folder / "archive")
        assert landed.outcome == outcome
        assert [e["column_name"] for e in drifted(desk)] == ["nick"]
    desk.conn.execute("update ops.batch set status = 'published'")
    assert land(desk.conn, desk.contract, delivery, desk.folder / "archive").outcome == "unchanged"
    assert [e["column_name"] for e in drifted(desk)] == ["nick"]
    for _ in range(2):
        observe(desk)
        assert facts(desk) == {("new_column", "nick", None, "DRF-004")}


def test_field_that_no_record_has_any_more(by_cursor: Desk) -> None:
    """The school is in one record; of the teacher's mobile is known where the object is blank."""
    records = [
        without(profile(n, teacher={"no": "T", "name": "某"}), "school", "registeredOn")
        for n in range(1, 26)
    ]
    records[3]["teacher"] = None
    records[7]["school"] = {"code": None}
    by_cursor.served.change("training_teachers", records, at=OLD)
    [delivery] = by_cursor.pull()
    land(by_cursor.conn, by_cursor.contract, delivery, by_cursor.folder / "archive")
    assert facts(by_cursor) == {("missing_column", "registered_on", None, "DRF-001")}
    (event,) = drifted(by_cursor)
    assert "接口的记录都没有「建档日期」（registeredOn），按空白读入" in event["detail"]


def test_a_renamed_field_is_one_event(by_cursor: Desk) -> None:
    """The code of another object is not the school's, though it has the same last name."""
    records = [
        without(profile(n, registeredAt="2024-03-01", town={"code": "1"}), "registeredOn", "school")
        for n in range(1, 26)
    ]
    by_cursor.served.change("training_teachers", records, at=OLD)
    [delivery] = by_cursor.pull()
    land(by_cursor.conn, by_cursor.contract, delivery, by_cursor.folder / "archive")
    observe(by_cursor)
    assert facts(by_cursor) == {
        ("renamed_column", "registeredAt", "registered_on", "DRF-004"),
        ("new_column", "town", None, "DRF-004"),
        ("missing_column", "school_code", None, "DRF-001"),
    }
    event = next(e for e in drifted(by_cursor) if e["kind"] == "renamed_column")
    assert "aliases, value: [registeredAt]}" in event["suggestion"]


def test_few_changes_say_nothing_of_what_is_gone(by_cursor: Desk) -> None:
    """19 changes add to what was noted before; 20 are judged by themselves."""
    by_cursor.contract = contract_of(
        "platform_training", "training_teachers", page_size=10, lag_seconds=0
    )

    def after(records: list[Record], *deleted: str, at: str | None = None) -> set[Any]:
        by_cursor.served.change("training_teachers", records, deleted, at)
        assert by_cursor.run() == "published"
        return {fact[:2] for fact in facts(by_cursor)}

    first = [without(profile(n), "isTest") for n in range(1, 26)]
    first[0]["nick"] = "x"
    both = {("new_column", "nick"), ("missing_column", "is_test")}
    assert after(first, at=OLD) == both
    plain = [without(profile(n), "school", "isTest") for n in range(1, 21)]
    assert after(plain[:19]) == both
    assert after([], "P0025") == both
    assert by_cursor.last("is_full, record_count") == (False, 1)
    assert after([profile(1, award="y")]) == {
        ("new_column", "nick"), ("new_column", "award"),
    }  # fmt: skip
    assert after(plain) == {
        ("missing_column", "school_code"), ("missing_column", "is_test"),
    }  # fmt: skip
    assert by_cursor.last("is_full, record_count") == (False, 20)
