"""What a decision would move, on a mini city of its own; expected values are worked out by hand."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
import pytest
from psycopg import sql

from eduplan import transform
from eduplan.errors import EduplanError
from eduplan.quality import preview
from eduplan.quality.preview import Move
from eduplan.settings import Settings
from tests.dbt import mini_city
from tests.dbt.mini_city import CITY, P1, P2, Y25, A, Row

SCHEMAS = ["raw", "ops", "staging", "intermediate", "marts", "history", "ref", "bi", "retired"]


@dataclass
class Mini:
    """The built mini city."""

    conn: psycopg.Connection
    settings: Settings

    def hold(self, dataset: str, rows: list[Row], scope: str, period: str = Y25) -> tuple[int, int]:
        """Hold a batch of ``rows`` for a review; return the ids of the batch and the review."""
        columns = mini_city.COLUMNS[dataset].split()
        conn = self.conn
        with conn.transaction(), conn.cursor() as cur:
            found = cur.execute(
                "insert into ops.batch (dataset, period, status, content_hash, contract_version,"
                " contract_hash, row_count, scope) values (%s, %s, 'held', md5(random()::text),"
                " '1.0.0', 'mini', %s, %s) returning batch_id",
                (dataset, period, len(rows), scope),
            ).fetchone()
            assert found is not None
            table = sql.Identifier("raw", f"{dataset}__b{found[0]}")
            cur.execute(
                sql.SQL("create table {} (like {})").format(table, sql.Identifier("raw", dataset))
            )
            with cur.copy(
                sql.SQL("copy {} ({}, _batch_id, _file, _row) from stdin").format(
                    table, sql.SQL(", ").join(map(sql.Identifier, columns))
                )
            ) as copy:
                for number, row in enumerate(rows, 2):
                    copy.write_row([*(row.get(name) for name in columns), found[0], 1, number])
            review = cur.execute(
                "insert into quality.review (batch_id, dataset, period, reasons, row_count,"
                " critical_count) values (%s, %s, %s, '{x}', %s, 0) returning review_id",
                (found[0], dataset, period, len(rows)),
            ).fetchone()
            assert review is not None
        return found[0], review[0]

    def accuse(self, batch: int, row: int, rules: list[str], severity: str = "critical") -> None:
        """Give the row of the batch's only file a verdict."""
        self.conn.execute(
            "insert into quality.row_verdict values (%s, 1, %s, %s, %s)",
            (batch, row, rules, severity),
        )

    def tables(self) -> list[tuple[object, ...]]:
        """What stands in the production schemas: every relation with its file, every build."""
        relations = self.conn.execute(
            "select oid, relname, relfilenode, relkind from pg_class"
            " where relnamespace::regnamespace::text = any(%s) order by oid",
            (SCHEMAS,),
        ).fetchall()
        batches = self.conn.execute("select batch_id, status from ops.batch order by 1").fetchall()
        builds = self.conn.execute("select count(*) from ops.build").fetchall()
        versions = self.conn.execute("select count(*) from history.snap_ind_value").fetchall()
        return [*relations, *batches, *builds, *versions]

    def leftovers(self) -> list[tuple[str, ...]]:
        """Schemas of previews."""
        return self.conn.execute(
            "select nspname from pg_namespace where nspname like 'preview%'"
        ).fetchall()


@pytest.fixture(scope="module")
def mini(
    pg_server: str, pg_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mini]:
    name = "mini_preview"
    with psycopg.connect(pg_server, autocommit=True) as admin:
        admin.execute(
            sql.SQL("create database {} template {} strategy file_copy").format(
                sql.Identifier(name), sql.Identifier(pg_template)
            )
        )
    url = pg_server.rsplit("/", 1)[0] + f"/{name}"
    settings = Settings(
        home=tmp_path_factory.mktemp("preview"), database_url=url, suppression_threshold=0
    )
    with psycopg.connect(url, autocommit=True) as conn:
        sheets = mini_city.sheets()
        for number, record in enumerate(sheets["training_records", "all"]):
            record["record_id"] = f"R{number}"
        mini_city.publish(conn, sheets)
        transform.build(settings)
        yield Mini(conn, settings)
    with psycopg.connect(pg_server, autocommit=True) as admin:
        admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def by_key(moves: tuple[Move, ...], decision: str) -> dict[tuple[str, str], tuple[float, float]]:
    """Values before and after of 2025-2026 by indicator and region."""
    return {
        (m.indicator_code, m.region_code): (float(m.value_before or 0), float(m.value_after or 0))
        for m in moves
        if m.decision == decision and m.period == Y25
    }


def test_release_lets_in_what_may_be_overridden_and_clean_does_not(mini: Mini) -> None:
    """TCH-01: 76 of 78 teachers are qualified. The list is sent again with two more at P2.

    One has a wrong check digit (TEA-002, may be released), one also no school year of birth
    (TEA-REQ-birth_date, never): released, there are 77 of 79; clean, nothing moves.
    """
    before = mini.tables()
    more = mini_city.teacher(2, P2, "小学", "本科")
    rows = [*mini_city.sheets()["teachers", Y25], *more]
    batch, review = mini.hold("teachers", rows, "period")
    mini.accuse(batch, len(rows), ["TEA-002", "TEA-008"])
    mini.accuse(batch, len(rows) + 1, ["TEA-REQ-birth_date", "TEA-002"])
    mini.accuse(batch, 2, ["TEA-008"], "warning")  # a warning keeps nobody out
    held = mini.tables()
    mini.conn.execute("create schema preview_999_release create table left_by_a_kill (a text)")

    moves = preview.moves(mini.settings, review)

    assert by_key(moves, "release_clean") == {}
    released = by_key(moves, "release")
    assert released["TCH-01", CITY] == pytest.approx((100 * 76 / 78, 100 * 77 / 79))
    # In A, where P2 stands, all are qualified with and without one more; he has no profile.
    assert ("TCH-01", A) not in released
    assert released["DIG-03", A] == pytest.approx((100 * 19 / 38, 100 * 19 / 39))
    assert not [key for key in released if key[1] not in (CITY, A)]
    assert not [key for key in released if key[0].startswith("PRE")]
    kept = mini.conn.execute("select count(*) from quality.review_move").fetchone()
    assert kept == (len(moves),)
    assert mini.tables() == held != before
    assert mini.leftovers() == []


def test_a_school_delivery_replaces_its_school_only(mini: Mini) -> None:
    """TCH-09, pupils per qualified teacher: P1 reports 230 instead of 200, 1120 instead of 1090.

    The production manifest is gone: the project is parsed anew.
    """
    rows = [
        {**row, "enrolment": "230"} if row["row_name"] == "总计" else row
        for row in mini_city.sheets()["jj3112", Y25]
        if row["reporter_code"] == P1
    ]
    assert rows
    shutil.rmtree(mini.settings.home / "dbt" / "target")
    _, review = mini.hold("jj3112", rows, "school")
    held = mini.tables()

    moves = preview.moves(mini.settings, review)

    clean = by_key(moves, "release_clean")
    assert clean["TCH-09", CITY] == pytest.approx((1090 / 64, 1120 / 64))
    assert clean == by_key(moves, "release")  # no row is accused: both publish the same
    sizes = [
        abs(m.value_after - m.value_before) / abs(m.value_before)
        for m in moves
        if m.decision == "release" and m.value_before and m.value_after is not None
    ]
    assert sizes == sorted(sizes, reverse=True) and len(sizes) > 3
    assert mini.tables() == held
    assert preview.moves(mini.settings, review) == moves  # again is the same, not twice as much


def test_records_replace_delete_and_join_by_their_key(mini: Mini) -> None:
    """DIG-04, hours for each of 78 teachers: 20 + 30.5 + 72 + 40. R0 has 25 hours now, R5 (72) is
    deleted, R6 (40) came without its hours and stays as it was, R90 brings 7.5 more."""
    sheet = mini_city.sheets()["training_records", "all"]
    rows = [
        {**sheet[0], "record_id": "R0", "hours": "25"},
        {**sheet[5], "record_id": "R5", "is_deleted": "true"},
        {**sheet[6], "record_id": "R6", "hours": None},
        {**sheet[5], "record_id": "R90", "hours": "7.5"},
    ]
    batch, review = mini.hold("training_records", rows, "key", "all")
    mini.accuse(batch, 4, ["TRN-REQ-hours"])
    held = mini.tables()
    moves = preview.moves(mini.settings, review)
    clean = by_key(moves, "release_clean")
    assert clean["DIG-04", CITY] == pytest.approx((162.5 / 78, (25 + 30.5 + 40 + 7.5) / 78))
    assert {code for code, _ in clean} == {"DIG-04"}
    assert mini.tables() == held


def test_what_the_preview_says_is_what_the_next_build_publishes(mini: Mini) -> None:
    """The previewed batch is published for good: every figure that moves was told, as told."""
    rows = [
        row
        for row in mini_city.sheets()["students", Y25]
        if not (row["school_code"] == P1 and row["is_migrant"] == "是")
    ]
    batch, review = mini.hold("students", rows, "period")
    told = {
        (m.indicator_code, m.region_code, m.period): m.value_after
        for m in preview.moves(mini.settings, review)
        if m.decision == "release"
    }
    figures = (
        "select indicator_code, region_code, period, value::numeric(28, 8) from marts.ind_value"
        " where breakdown = 'all' and region_level in ('city', 'county')"
    )
    before = {tuple(row[:3]): row[3] for row in mini.conn.execute(figures)}
    with mini.conn.transaction():
        former = mini.conn.execute(
            "update ops.batch set status = 'superseded' where dataset = 'students' and period = %s"
            " and status = 'published' returning batch_id",
            (Y25,),
        ).fetchone()
        assert former is not None
        mini.conn.execute(f"alter table raw.students detach partition raw.students__b{former[0]}")
        mini.conn.execute(
            f"alter table raw.students attach partition raw.students__b{batch}"
            f" for values in ({batch})"
        )
        mini.conn.execute("update ops.batch set status = 'published' where batch_id = %s", (batch,))
    transform.build(mini.settings)
    after = {tuple(row[:3]): row[3] for row in mini.conn.execute(figures)}
    moved = {key: after[key] for key in after if after[key] != before.get(key)}
    assert moved and moved.items() <= told.items()
    with pytest.raises(EduplanError, match="not held"):
        preview.moves(mini.settings, review)


def test_before_the_first_build_nothing_is_compared(
    db_url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    settings = Settings(home=tmp_path_factory.mktemp("unbuilt"), database_url=db_url)
    with psycopg.connect(db_url, autocommit=True) as conn:
        mini_city.publish(conn, {("teachers", Y25): mini_city.teachers()})
        _, review = Mini(conn, settings).hold("teachers", mini_city.teachers(), "period")
        assert preview.moves(settings, review) == ()
