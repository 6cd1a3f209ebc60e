"""In which county the rows stand that failed a rule."""

from typing import Any

import psycopg
from psycopg import sql

from eduplan.contract import Contract
from eduplan.quality.profile import unit_column

# Few rows fail: they are joined to the batch by their place, then to the register by their school.
_COUNT = """
insert into quality.county_result (batch_id, county_code, rule_id, failed_count)
select {batch}, place.county_code, failed.rule_id, count(*)
from quality.row_verdict v
join {table} r on r._file = v.file_no and r._row = v.row_no
join (
    select distinct on (school_code) school_code, left(admin_code, 6) as county_code
    from raw.school_register
    where left(admin_code, 6) in (select county_code from ref_data.county)
    order by school_code, _batch_id desc
) as place on place.school_code = r.{unit}
cross join unnest(v.rules) as failed (rule_id)
where v.batch_id = {batch}
group by place.county_code, failed.rule_id
"""


def observe(conn: psycopg.Connection[Any], contract: Contract, batch_id: int) -> None:
    """Count by county the rows of an audited batch that failed each rule. Does not commit.

    Rows of schools that the register does not know, and of datasets that name no school, are in no
    county.
    """
    if conn.execute(
        "select 1 from ops.batch where batch_id = %s and status in ('published', 'superseded')",
        (batch_id,),
    ).fetchone():
        return  # its bad rows are not in its table any more: what was counted stays
    conn.execute("delete from quality.county_result where batch_id = %s", (batch_id,))
    unit = unit_column(contract)
    known = conn.execute("select to_regclass('raw.school_register') is not null").fetchone()
    if unit is None or known != (True,):
        return
    conn.execute(
        sql.SQL(_COUNT).format(
            batch=sql.Literal(batch_id),
            table=sql.Identifier("raw", f"{contract.dataset}__b{batch_id}"),
            unit=sql.Identifier(unit),
        )
    )
