"""When a batch must wait for a person, and the sentences that say why."""

from collections.abc import Mapping

import psycopg

from eduplan.contract import Contract

# The latest audit run of a batch is complete: a run writes all its results in one transaction.
# A replay is not held for what a person let pass when the same delivery was published.
_FAILED_TABLE_RULES = """
select c.rule_id, coalesce(c.detail, '')
from quality.check_result c
where c.batch_id = %(batch)s and c.level = 'table' and c.severity = 'critical'
    and c.status = 'failed'
    and c.run_id = (
        select run_id from quality.check_result
        where batch_id = %(batch)s and level <> 'file'
        order by result_id desc limit 1
    )
    and not exists (
        select from ops.batch me
        join ops.batch s
            on s.status = 'published' and coalesce(s.replay_of, s.batch_id) = me.replay_of
        join quality.check_result p on p.batch_id = s.batch_id and p.rule_id = c.rule_id
        where me.batch_id = c.batch_id and p.level = 'table' and p.status = 'failed'
            and p.run_id = (
                select run_id from quality.check_result
                where batch_id = s.batch_id and level <> 'file'
                order by result_id desc limit 1
            )
    )
order by c.rule_id
"""

# Of a replay's bad rows, those that stood in quarantine before. Null for a delivery.
_KNOWN = """
select case when me.replay_of is not null then (
    select count(*)
    from quality.row_verdict v
    join quality.quarantined_row q
        on q.file_no = v.file_no and q.row_no = v.row_no and q.status in ('open', 'released')
    join ops.batch b
        on b.batch_id = q.batch_id and coalesce(b.replay_of, b.batch_id) = me.replay_of
    where v.batch_id = me.batch_id and v.severity = 'critical'
) end
from ops.batch me where me.batch_id = %(batch)s
"""


def hold_reasons(
    conn: psycopg.Connection, contract: Contract, batch: Mapping[str, int], critical_rows: int
) -> tuple[str, ...]:
    """Return in Chinese why the batch must wait for a person; empty when it may be published.

    ``batch`` carries ``batch_id``, ``row_count`` (landed rows) and ``rejected_count`` (rows that
    could not be landed). A failed critical table rule holds, and so does a share of bad rows
    above the contract's ``max_reject_rate``; of a replay only what is bad anew counts.
    """
    rules = {rule.id: rule for rule in contract.rules}
    reasons = []
    with psycopg.Cursor(conn) as cur:  # plain tuples, whatever rows the caller's cursors make
        values = {"batch": batch["batch_id"]}
        failed = cur.execute(_FAILED_TABLE_RULES, values).fetchall()
        found = cur.execute(_KNOWN, values).fetchone()
    for rule_id, detail in failed:
        sentence = rules[rule_id].sentence_zh.rstrip("。") if rule_id in rules else "整表检查未通过"
        reasons.append(f"{rule_id} {sentence}" + (f"（{detail}）" if detail else ""))
    total = batch["row_count"] + batch["rejected_count"]
    bad = critical_rows + batch["rejected_count"]
    known = found[0] if found is not None else None
    if known is not None:
        total, bad = batch["row_count"], max(critical_rows - known, 0)
    if total and bad / total > contract.max_reject_rate:
        reasons.append(
            f"{'重新检查后新增' if known is not None else ''}严重错误 {bad} 行，"
            f"占全部 {total} 行的 {bad / total:.2%}，"
            f"超过允许的 {contract.max_reject_rate:.2%}"
        )
    return tuple(reasons)


def reason_sentences(contract: Contract) -> dict[str, str]:
    """Return per rule id the Chinese sentence a clerk reads: columns, what is wrong, the fix."""
    labels = {column.name: column.label for column in contract.columns}
    sentences = {}
    for rule in contract.rules:
        columns = "、".join(f"「{labels.get(name, name)}」" for name in rule.columns)
        fix = f"改法：{rule.fix_zh.rstrip('。')}。" if rule.fix_zh else ""
        sentences[rule.id] = (
            f"{columns + '：' if columns else ''}{rule.sentence_zh.rstrip('。')}。{fix}"
        )
    return sentences


def overridable(contract: Contract) -> list[str]:
    """Return the rules that a person's release may override; all others keep a row out.

    The structure of the data is not a matter of judgement: what follows from a column (required,
    type, codes, key) and uniqueness cannot be released, nor a line that could not be split.
    """
    return [
        rule.id
        for rule in contract.rules
        if rule.level == "row"
        and (rule.severity != "critical" or not (rule.derived or rule.unique_columns))
    ]
