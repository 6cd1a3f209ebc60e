"""When a batch must wait for a person, and the sentences that say why."""

from collections.abc import Mapping

import psycopg

from eduplan.contract import Contract

# The latest audit run of a batch is complete: a run writes all its results in one transaction.
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
order by c.rule_id
"""


def hold_reasons(
    conn: psycopg.Connection, contract: Contract, batch: Mapping[str, int], critical_rows: int
) -> tuple[str, ...]:
    """Return in Chinese why the batch must wait for a person; empty when it may be published.

    ``batch`` carries ``batch_id``, ``row_count`` (landed rows) and ``rejected_count`` (rows that
    could not be landed). A failed critical table rule holds, and so does a share of bad rows
    above the contract's ``max_reject_rate``.
    """
    rules = {rule.id: rule for rule in contract.rules}
    reasons = []
    with psycopg.Cursor(conn) as cur:  # plain tuples, whatever rows the caller's cursors make
        failed = cur.execute(_FAILED_TABLE_RULES, {"batch": batch["batch_id"]}).fetchall()
    for rule_id, detail in failed:
        sentence = rules[rule_id].sentence_zh.rstrip("。") if rule_id in rules else "整表检查未通过"
        reasons.append(f"{rule_id} {sentence}" + (f"（{detail}）" if detail else ""))
    total = batch["row_count"] + batch["rejected_count"]
    bad = critical_rows + batch["rejected_count"]
    if total and bad / total > contract.max_reject_rate:
        reasons.append(
            f"严重错误 {bad} 行，占全部 {total} 行的 {bad / total:.2%}，"
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
