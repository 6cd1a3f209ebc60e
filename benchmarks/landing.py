"""Landing a 1,000,000-row GB18030 CSV of 20 columns against `psql \\copy` of the same file.

The limit creates a plain table of the same 20 text columns and copies the file into it, in one
transaction, with nothing else. Our side is everything that `eduplan ingest` does to land the
file: discovery with its hash, keeping the bytes in the archive, the batch table with batch, file
and row number of each row, the records of the batch. Time inside our process after import
against the whole of psql.

    python -m benchmarks.landing [--rows N] [--reps N]
"""

import argparse
import shutil
import subprocess
import tempfile
from pathlib import Path

from psycopg import sql

from benchmarks import _landing_data
from benchmarks._common import database, interleave, write_result
from eduplan import warehouse
from eduplan.extract.discover import discover
from eduplan.land import land
from eduplan.postgres import _bundled_binaries


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--reps", type=int, default=5)
    args = parser.parse_args()
    contract = _landing_data.contract()
    psql = shutil.which("psql", path=str(_bundled_binaries())) or shutil.which("psql") or "psql"
    with tempfile.TemporaryDirectory() as folder, database() as url:
        root, archive = Path(folder) / "source", Path(folder) / "archive"
        file = _landing_data.deliver(root, args.rows)
        conn = warehouse.connect(url)
        plain = sql.SQL("create table limit_copy ({})").format(
            sql.SQL(", ").join(
                sql.SQL("{} text").format(sql.Identifier(c.name)) for c in contract.columns
            )
        )

        def ours() -> None:
            (delivery,) = discover(contract, root)
            result = land(conn, contract, delivery, archive)
            if (result.outcome, result.rows) != ("landed", args.rows):
                raise SystemExit(f"landing failed: {result}")

        def limit() -> None:
            subprocess.run(
                [
                    psql, url, "-qX", "-v", "ON_ERROR_STOP=1",
                    "-c", f"begin; {plain.as_string(conn)}",
                    "-c", f"\\copy limit_copy from '{file}'"
                    " with (format csv, header, encoding 'GB18030')",
                    "-c", "commit",
                ],
                check=True,
            )  # fmt: skip

        def before() -> None:
            shutil.rmtree(archive, ignore_errors=True)
            for (name,) in conn.execute(
                "select table_name from information_schema.tables where table_schema = 'raw'"
                " and table_name like 'students\\_\\_b%'"
            ).fetchall():
                conn.execute(sql.SQL("drop table {}").format(sql.Identifier("raw", name)))
            conn.execute("truncate ops.batch cascade")
            conn.execute("drop table if exists limit_copy")
            conn.commit()
            conn.autocommit = True
            conn.execute("checkpoint")
            conn.autocommit = False

        times = interleave({"limit": limit, "ours": ours}, reps=args.reps, before=before)
        size = file.stat().st_size
        conn.close()
        write_result(
            "landing",
            ours=times["ours"],
            limit=times["limit"],
            goal=0.80,
            what=f"land {args.rows:,} rows x {_landing_data.COLUMNS} columns of GB18030 CSV with"
            " provenance, against psql \\copy of the file",
            rows=args.rows,
            bytes=size,
        )


if __name__ == "__main__":
    main()
