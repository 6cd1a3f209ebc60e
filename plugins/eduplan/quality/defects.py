"""Workbooks that tell each sender what to mend: only their own rows, each defect told once.

Who sent a row: the school it names where schools deliver themselves (scope school), else the
school or county whose code the file's name begins with, else the steward of the dataset. Personal
data is masked unless ``settings.secure_channel``.
"""

import datetime as dt
import hashlib
import os
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from eduplan.contract import Contract
from eduplan.quality.masking import mask, masked_columns
from eduplan.settings import Settings

HEADER = (
    "数据集", "期间", "文件", "工作表", "行", "列", "值", "规则", "严重程度", "问题", "改法",
)  # fmt: skip
SEVERITY_ZH = {"critical": "严重", "warning": "警告"}
MAX_LINES = 50_000
"""A workbook lists so many defects at most; what is more is counted on its first sheet."""
_LONGEST = 500

_QUARANTINED = """
select b.period, f.path, f.sheet, f.sha256, q.row_no, q.rules, q.reasons,
    q.payload || coalesce(q.edited, '{}') as row
from quality.quarantined_row q
join ops.batch b using (batch_id)
join ops.batch_file f using (batch_id, file_no)
where q.status = 'open' and b.status in ('published', 'held') and q.dataset = %s
"""

_JUDGED = """
select b.period, f.path, f.sheet, f.sha256, v.row_no, v.rules, null::text[] as reasons,
    to_jsonb(r) as row
from quality.row_verdict v
join ops.batch b using (batch_id)
join ops.batch_file f using (batch_id, file_no)
join {table} r on r._batch_id = v.batch_id and r._file = v.file_no and r._row = v.row_no
where v.severity in ('critical', 'warning') and b.status = {status} and b.dataset = {dataset}
    and not exists (
        select from quality.quarantined_row q
        where q.batch_id = v.batch_id and q.file_no = v.file_no and q.row_no = v.row_no
    )
"""

# A refusal stands until the same path is read again or the whole period is delivered anew.
_REFUSED = """
select b.period, f.path, f.sheet, f.sha256, f.error_code, f.error
from ops.batch_file f
join ops.batch b using (batch_id)
where b.dataset = %s and f.error_code is not null and b.status in ('published', 'held', 'failed')
    and not exists (
        select from ops.batch l
        where l.dataset = b.dataset and l.period = b.period and l.batch_id > b.batch_id
            and (l.status = 'published' and l.scope in ('period', 'full') or exists (
                select from ops.batch_file n where n.batch_id = l.batch_id and n.path = f.path))
    )
"""

_TABLES = """
select b.period, c.rule_id, coalesce(c.detail, '') as detail, b.content_hash as sha256
from quality.check_result c
join ops.batch b using (batch_id)
where b.dataset = %s and b.status in ('published', 'held') and c.level = 'table'
    and c.status = 'failed' and c.severity in ('critical', 'warning')
    and c.run_id = (
        select run_id from quality.check_result l
        where l.batch_id = b.batch_id and l.level <> 'file' order by result_id desc limit 1
    )
"""


@dataclass(frozen=True)
class Sender:
    """Who is told: a school, a county or the steward of a dataset."""

    code: str
    name: str


@dataclass(frozen=True, order=True)
class Defect:
    """One rule that one place broke; ``value`` is as it may be shown, ``sha256`` the file's."""

    dataset: str
    period: str
    file: str
    sheet: str
    row: int
    column: str
    value: str
    rule: str
    severity: str
    problem: str
    fix: str
    sha256: str

    @property
    def identity(self) -> str:
        """Return what stays the same until the file is sent again."""
        return "\x1f".join((self.dataset, self.period, self.sha256, self.sheet,
                            str(self.row), self.rule))  # fmt: skip


@dataclass(frozen=True)
class Written:
    """One workbook that was written."""

    sender: Sender
    defects: int
    path: Path


@dataclass(frozen=True)
class Report:
    """What one run did: ``written`` workbooks; ``known`` senders had nothing new to hear."""

    written: tuple[Written, ...]
    known: int


def write(
    conn: psycopg.Connection[Any],
    contracts: Mapping[str, Contract],
    settings: Settings,
    today: dt.date,
) -> Report:
    """Write a workbook for each sender whose defects were not reported as they are; commits."""
    is_masked = not settings.secure_channel
    written, known = [], 0
    with conn.transaction():
        conn.execute("select pg_advisory_xact_lock(hashtextextended('eduplan.defects', 0))")
        for sender, defects in collect(conn, contracts, is_masked).items():
            digest = hashlib.sha256(
                "\n".join(sorted(d.identity for d in defects)).encode()
            ).hexdigest()
            if conn.execute(
                "select 1 from quality.defect_report where sender_code = %s"
                " and content_hash = %s and is_masked = %s and superseded_at is null",
                (sender.code, digest, is_masked),
            ).fetchone():
                known += 1
                continue
            path = _write_book(settings.outbox_dir, sender, defects, contracts, today, digest)
            conn.execute(
                "update quality.defect_report set superseded_at = clock_timestamp()"
                " where sender_code = %s and is_masked = %s and superseded_at is null",
                (sender.code, is_masked),
            )
            conn.execute(
                "insert into quality.defect_report (sender_code, sender_name, content_hash,"
                " defect_count, path, is_masked) values (%s, %s, %s, %s, %s, %s)",
                (sender.code, sender.name, digest, len(defects),
                 str(path.relative_to(settings.outbox_dir)), is_masked),
            )  # fmt: skip
            written.append(Written(sender, len(defects), path))
    return Report(tuple(written), known)


def collect(
    conn: psycopg.Connection[Any], contracts: Mapping[str, Contract], is_masked: bool = True
) -> dict[Sender, list[Defect]]:
    """Return what stands now, by sender, each list in the order of files and rows."""
    units = _units(conn)
    found: dict[Sender, list[Defect]] = defaultdict(list)
    with conn.cursor(row_factory=dict_row) as cur:
        for contract in contracts.values():
            hidden = masked_columns(contract) if is_masked else frozenset()
            for line in _rows(cur, contract):
                sender = _sender(contract, units, line["path"], line["row"])
                found[sender] += _of_row(contract, line, hidden)
            for line in cur.execute(_REFUSED, (contract.dataset,)).fetchall():
                found[_sender(contract, units, line["path"], {})].append(
                    Defect(contract.title_zh, line["period"], line["path"], line["sheet"], 0, "",
                           "", line["error_code"], "严重", line["error"] or "文件未能读取。",
                           "请按提示改正文件后重新报送。", line["sha256"])
                )  # fmt: skip
            rules = {rule.id: rule for rule in contract.rules}
            for line in cur.execute(_TABLES, (contract.dataset,)).fetchall():
                rule = rules.get(line["rule_id"])
                if rule is not None:
                    found[Sender(f"{contract.owner}-{contract.steward}", contract.steward)].append(
                        Defect(contract.title_zh, line["period"], "", "", 0, "", line["detail"],
                               rule.id, SEVERITY_ZH[rule.severity], rule.sentence_zh, rule.fix_zh,
                               line["sha256"])
                    )  # fmt: skip
    return {sender: sorted(set(defects)) for sender, defects in sorted(
        found.items(), key=lambda item: item[0].code) if defects}  # fmt: skip


def _units(conn: psycopg.Connection[Any]) -> dict[str, str]:
    """Return code -> name of the counties and of the schools in the register, latest name."""
    units = dict(conn.execute("select county_code, county_name from ref_data.county").fetchall())
    there = conn.execute("select to_regclass('raw.school_register') is not null").fetchone()
    if there is not None and there[0]:
        units |= dict(
            conn.execute(
                "select edu.clean(r.school_code), edu.clean(r.school_name)"
                " from raw.school_register r join ops.batch b on b.batch_id = r._batch_id"
                " where edu.school_code_ok(r.school_code) and edu.is_filled(r.school_name)"
                " order by b.period"
            ).fetchall()
        )
    return units


def _rows(cur: psycopg.Cursor[dict[str, Any]], contract: Contract) -> list[dict[str, Any]]:
    lines = cur.execute(_QUARANTINED, (contract.dataset,)).fetchall()
    tables = [("published", contract.dataset)] + [
        ("held", f"{contract.dataset}__b{row['batch_id']}")
        for row in cur.execute(
            "select batch_id from ops.batch where dataset = %s and status = 'held'",
            (contract.dataset,),
        ).fetchall()
    ]
    for status, table in tables:
        cur.execute("select to_regclass(%s) is not null as there", (f'raw."{table}"',))
        there = cur.fetchone()
        if there is not None and there["there"]:
            lines += cur.execute(
                sql.SQL(_JUDGED).format(
                    table=sql.Identifier("raw", table),
                    status=sql.Literal(status),
                    dataset=sql.Literal(contract.dataset),
                )
            ).fetchall()
    return lines


def _sender(
    contract: Contract, units: Mapping[str, str], path: str, row: Mapping[str, Any]
) -> Sender:
    codes = [str(row.get(name) or "").strip() for name in contract.scope_columns]
    if contract.scope != "school":
        codes = []
    leading = re.match(r"(\d{10}|\d{6})(?!\d)", Path(path).name)
    if contract.source.kind == "file" and leading is not None:
        codes.append(leading[1])
    for code in codes:
        if code in units:
            return Sender(code, units[code])
    return Sender(f"{contract.owner}-{contract.steward}", contract.steward)


def _of_row(contract: Contract, line: Mapping[str, Any], hidden: frozenset[str]) -> list[Defect]:
    rules = {rule.id: rule for rule in contract.rules}
    labels = {column.name: column.label for column in contract.columns}
    defects = []
    for place, rule_id in enumerate(line["rules"]):
        rule = rules.get(rule_id)
        if rule is not None and rule.severity not in SEVERITY_ZH:
            continue
        columns = rule.columns if rule is not None else ()
        shown = {name: _shown(name, line["row"].get(name), hidden) for name in columns}
        if len(shown) > 1:
            value = "；".join(f"{labels[name]}={text}" for name, text in shown.items())
        else:
            value = "".join(shown.values())
        reasons = line["reasons"] or ()
        problem = rule.sentence_zh if rule else reasons[place] if place < len(reasons) else rule_id
        defects.append(
            Defect(contract.title_zh, line["period"], line["path"], line["sheet"], line["row_no"],
                   "、".join(labels[name] for name in columns), value[:_LONGEST], rule_id,
                   SEVERITY_ZH[rule.severity if rule else "critical"], problem,
                   rule.fix_zh if rule else "请改正该行后重新报送。", line["sha256"])
        )  # fmt: skip
    return defects


def _shown(name: str, value: Any, hidden: frozenset[str]) -> str:
    text = "" if value is None else str(value)
    return (mask(text) or "") if name in hidden else text


def _write_book(
    outbox: Path,
    sender: Sender,
    defects: list[Defect],
    contracts: Mapping[str, Contract],
    today: dt.date,
    digest: str,
) -> Path:
    import xlsxwriter

    folder = outbox / re.sub(r'[\\/:*?"<>|\x00-\x1f.]', "_", f"{sender.code}_{sender.name}")[:80]
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / f"缺陷报告_{today.isoformat()}.xlsx"
    if path.exists():  # an earlier report of the day may have been handed over
        path = folder / f"缺陷报告_{today.isoformat()}_{digest[:6]}.xlsx"
    partial = path.with_suffix(".tmp")
    os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    book = xlsxwriter.Workbook(str(partial), {"constant_memory": True})
    bold = book.add_format({"bold": True})
    contacts = {c.title_zh: f"{c.owner}（{c.steward}）" for c in contracts.values()}
    due = today + dt.timedelta(days=7)
    lines = [
        f"{sender.name}：数据缺陷报告",
        f"截至 {today.isoformat()} 共 {len(defects)} 处。请于 {due.isoformat()} 前在源系统改正后"
        "重新报送；「严重」的行未进入统计。",
        *(f"只列出前 {MAX_LINES} 处。" for _ in defects[MAX_LINES:][:1]),
        *(
            f"{title}：{sum(d.dataset == title for d in defects)} 处，联系 {contacts[title]}"
            for title in sorted({d.dataset for d in defects})
        ),
    ]
    about = book.add_worksheet("说明")
    about.set_column(0, 0, 100)
    for number, text in enumerate(lines):
        about.write_string(number, 0, text)
    sheet = book.add_worksheet("缺陷")
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, min(len(defects), MAX_LINES), len(HEADER) - 1)
    for at, label in enumerate(HEADER):
        sheet.write_string(0, at, label, bold)
    for number, d in enumerate(defects[:MAX_LINES], 1):
        cells = (d.dataset, d.period, d.file, d.sheet, d.row, d.column, d.value, d.rule,
                 d.severity, d.problem, d.fix)  # fmt: skip
        for at, cell in enumerate(cells):
            if isinstance(cell, int):
                if cell:
                    sheet.write_number(number, at, cell)
            else:  # never a formula or a link, whatever stands in the value
                sheet.write_string(number, at, cell)
    book.close()
    partial.replace(path)
    return path
