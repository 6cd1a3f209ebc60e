"""The largest view as files: how fast it is written.

The limit is ``psql \\copy (select * from bi.school_measure) to …``: the same view, unordered, with
nothing beside it. Our side orders the rows, escapes texts, hashes the file and describes it; CSV
and Parquet are measured apart.

    python -m benchmarks.exports [--rows N] [--reps N]
"""

import argparse
import datetime as dt
import shutil
import subprocess
import tempfile
from pathlib import Path

import psycopg

from benchmarks._common import database, interleave, write_result
from eduplan import transform
from eduplan.export.snapshot import snapshot
from eduplan.export.tables import Filters, Form, export_tables
from eduplan.postgres import _bundled_binaries
from eduplan.settings import Settings

VIEW = "school_measure"
FILL = """
insert into marts.fct_school_measure (
    reporter_code, reporter_level, county_code, location_county_code, period_kind, period,
    period_year, stage, measure_code, sex, value, is_suppressed
)
select
    to_char(2145000000 + n / 400, 'FM0000000000'), 'school',
    region[1 + n / 400 % cardinality(region)], region[1 + n / 400 % cardinality(region)],
    'school_year', '2025-2026', 2025,
    stage[1 + n % 400 / cardinality(measure) % cardinality(stage)],
    measure[1 + n % 400 % cardinality(measure)], 'total', n % 1000 + 0.25, false
from
    generate_series(0, %(rows)s - 1) as n,
    (select array_agg(measure_code order by measure_code) as measure from marts.dim_measure) as m,
    (select array_agg(stage order by stage) as stage from marts.dim_stage) as s,
    (select array_agg(region_code order by region_code) as region from marts.dim_region) as r
""".replace(" % ", " %% ")


def fill(url: str, rows: int) -> None:
    """Put made-up numbers of made-up schools into the table under the view."""
    with psycopg.connect(url) as conn:
        conn.execute(FILL, {"rows": rows})
        conn.execute("analyze marts.fct_school_measure")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--reps", type=int, default=5)
    args = parser.parse_args()
    psql = shutil.which("psql", path=str(_bundled_binaries())) or shutil.which("psql") or "psql"
    with tempfile.TemporaryDirectory() as folder, database() as url:
        settings = Settings(home=Path(folder) / "home", database_url=url)
        transform.build(settings)
        fill(url, args.rows)
        target = Path(folder) / "out"

        def ours(form: Form) -> None:
            with snapshot(settings, dt.date(2026, 9, 10)) as snap:
                (file,) = export_tables(snap, settings.project_dir, target, [VIEW], form, Filters())
            if file.rows != args.rows:
                raise SystemExit(f"{file.rows} of {args.rows} rows were written")

        def limit() -> None:
            copy = f"\\copy (select * from bi.{VIEW}) to '{folder}/limit.csv' csv header"
            subprocess.run(
                [psql, url, "-qX", "-v", "ON_ERROR_STOP=1", "-c", "set jit = off", "-c", copy],
                check=True,
            )

        times = interleave(
            {
                "limit": limit,
                "csv": lambda: ours(Form.csv),
                "parquet": lambda: ours(Form.parquet),
            },
            reps=args.reps,
            before=lambda: shutil.rmtree(target, ignore_errors=True),
        )
        for form, name in ((Form.csv, "exports"), (Form.parquet, "exports_parquet")):
            write_result(
                name,
                ours=times[form.value],
                limit=times["limit"],
                goal=None,
                what=f"export {args.rows:,} rows of {VIEW} as {form.value}, ordered and described,"
                r" against psql \copy of the view",
                rows=args.rows,
            )


if __name__ == "__main__":
    main()
