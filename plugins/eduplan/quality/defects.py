"""Defect reports: a workbook for each sender with everything he has to mend, and nothing else.

Who is told of a row: the school that the file is named by (``2145000001_….xlsx``), else the county
that the file is named by (``450422_….csv``), else the school that sent the row (datasets whose
``scope`` is school), else the office that owns the dataset. Schools must stand in the register.

A sender is told again when his defects have changed, not when they are the same.
"""

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from importlib import resources
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from psycopg import sql

from eduplan import warehouse
from eduplan.contract import Contract
from eduplan.errors import EduplanError
from eduplan.quality.masking import mask, masked_columns
from eduplan.quality.workbook import clean, private_workbook
from eduplan.settings import Settings

HEADERS = (
    "数据集", "期间", "文件", "工作表", "行", "列", "值", "规则", "严重程度", "问题", "改法",
    "状态",
)  # fmt: skip
MAX_LINES = 100_000
"""A workbook lists so many defects at most, the critical ones first; it says how many there are."""
_WIDTHS = (16, 11, 34, 14, 7, 22, 26, 16, 9, 48, 48, 10)
_SEVERITY = {"critical": "严重", "warning": "警告"}
_LINE = "_line"
_SMALL = 2000
_MEND = "请在源文件中改正后重新报送。"

# What the sender of a refused file or line reads. The Chinese sentence of landing, which says more,
# stands in its place where it quotes no cell of the file.
_LANDING = {
    "LND-001": ("文件或工作表是空的。", "请重新导出后报送。"),
    "LND-002": ("只有表头，没有数据。", "请检查导出条件后重新导出；确无数据的请书面说明。"),
    "LND-003": ("认不出表头。", "请使用规定的表样，不要改动列名。"),
    "LND-004": ("缺少必需的列。", "请导出全部列后重新报送。"),
    "LND-005": ("表头有重名的列。", "请改名或删去其中一列。"),
    "LND-008": ("文字编码损坏，无法读取。", "请从源系统重新导出，不要混用编码。"),
    "LND-009": ("文件是 UTF-16 编码。", "请另存为 CSV UTF-8 或 GB18030。"),
    "LND-010": ("文件含有空字节，可能在传输中损坏。", "请重新传送。"),
    "LND-011": ("这一行的列数与表头不符。", "请检查未加引号的逗号或换行。"),
    "LND-012": ("引号没有闭合。", "请改正所指的行。"),
    "LND-013": ("工作簿损坏，打不开。", "请先在本机打开确认，再重新报送。"),
    "LND-014": ("工作簿设有密码。", "请去掉密码，通过安全渠道报送。"),
    "LND-015": ("文件是网页，不是工作簿。", "请用表格软件打开后另存为 .xlsx。"),
    "LND-016": ("文件过大。", "请清除多余的行列后重新报送。"),
    "LND-017": ("工作簿里没有这张报表。", "请核对报表种类和工作表名称。"),
    "LND-018": ("文件属于另一期间。", "请报送本期的文件。"),
    "LND-021": ("文件种类不支持，或无法读取。", "请按规定的格式报送。"),
    "LND-023": ("金额单位与规定不符。", "请按规定的单位填报。"),
}
_QUOTES_NO_CELL = frozenset(
    f"LND-{n:03}" for n in (1, 2, 4, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 21)
)
_SENTENCE = re.compile(r"(?:^|：)([^：]+?。)")


def landing_sentence(rule_id: str) -> str:
    """Return what a landing rule says, for readers of Chinese; empty when it is none."""
    return _LANDING.get(rule_id, ("", ""))[0]


@dataclass(frozen=True)
class Report:
    """What one run did.

    ``senders`` have defects; ``written`` counts new workbooks and ``defects`` their lines; ``sent``
    and ``failed`` count messages.
    """

    senders: int
    written: int
    defects: int
    sent: int
    failed: int

    def __str__(self) -> str:
        """Say it in one line."""
        return (
            f"{self.senders} senders have defects; {self.written} new workbooks with"
            f" {self.defects} lines; {self.sent} sent, {self.failed} could not be sent"
        )


class _Line(NamedTuple):
    sender_code: str
    sender_name: str
    dataset: str
    period: str
    path: str
    sheet: str
    row_no: int | None
    state: str
    rule_id: str
    severity: str
    reason: str
    columns: list[str]
    values: list[str | None]


def write(
    conn: psycopg.Connection[Any],
    contracts: Mapping[str, Contract],
    settings: Settings,
    today: dt.date,
) -> Report:
    """Write a workbook for each sender whose defects changed, then send what has an address.

    Workbooks lie in ``outbox/<code>_<name>/``, readable by their owner alone; personal data is
    masked unless ``settings.secure_channel``. Commits ``conn``. A message that fails is tried again
    by the next run. Raises RoutesError, with everything written, when alerts.yaml is wrong.
    """
    with warehouse.session_lock(conn, "eduplan.defects"):
        senders, written, lines = _write(conn, contracts, settings, today)
        conn.commit()
        sent, failed = _send(conn, settings)
    return Report(senders, written, lines, sent, failed)


def _write(
    conn: psycopg.Connection[Any],
    contracts: Mapping[str, Contract],
    settings: Settings,
    today: dt.date,
) -> tuple[int, int, int]:
    """Return how many senders have defects, how many workbooks are new, and their lines."""
    _collect(conn, contracts)
    masked = not settings.secure_channel
    changed = {
        code: (digest, int(count))
        for code, digest, count in conn.execute(_sql("changed"), {"is_masked": masked}).fetchall()
    }
    found = conn.execute("select count(distinct sender_code) from defect").fetchone()
    total = 0
    if changed:
        due, taken = _due(conn), _taken(conn, today)
        with conn.cursor(name="defects") as cur:
            cur.itersize = 5000
            cur.execute(_sql("lines"), {"senders": list(changed)})
            lines = map(_Line._make, cur)
            for code, group in groupby(lines, key=lambda line: line.sender_code):
                digest, count = changed[code]
                book = _Book(contracts, due, taken, today, masked)
                path = book.write(settings.outbox_dir, group, digest, count)
                total += count
                conn.execute(
                    "insert into quality.defect_report (sender_code, sender_name, content_hash,"
                    " defect_count, path, is_masked) values (%s, %s, %s, %s, %s, %s)",
                    (code, book.sender_name, digest, count, path, masked),
                )
    return (found[0] if found else 0), len(changed), total


def _collect(conn: psycopg.Connection[Any], contracts: Mapping[str, Contract]) -> None:
    """Fill the temporary table ``defect``: one line for each rule that something failed."""
    conn.execute(_sql("workspace"))
    with conn.cursor() as cur:
        cur.executemany(
            "insert into defect_dataset values (%s, %s, %s)",
            [
                (c.dataset, c.owner, c.scope_columns[0] if c.scope == "school" else None)
                for c in contracts.values()
            ],
        )
        cur.executemany(
            "insert into defect_rule values (%s, %s, %s, %s)",
            [
                (c.dataset, rule.id, rule.severity, list(rule.columns))
                for c in contracts.values()
                for rule in c.rules
            ],
        )
    if _exists(conn, "raw.school_register"):
        conn.execute(_sql("schools"))
    conn.execute(_sql("quarantined"))
    for batch_id, dataset in conn.execute(_sql("judged")).fetchall():
        table = sql.Identifier("raw", f"{dataset}__b{batch_id}")
        statement = sql.SQL(_sql("verdicts").decode()).format(table=table)
        conn.execute(statement, {"batch": batch_id})
    conn.execute(_sql("files"))
    conn.execute(_sql("tables"))
    conn.execute("analyze accused")
    conn.execute(_sql("defects"))


def _due(conn: psycopg.Connection[Any]) -> dict[tuple[str, str], dt.date]:
    """Return the day that each dataset and period is due on, where somebody waits for it."""
    exceptions = sql.SQL("ref.submission_window")
    if not _exists(conn, "ref.submission_window"):
        exceptions = sql.SQL(
            "(select null::text as dataset, null::text as period, null::date as opens_on,"
            " null::date as due_on limit 0)"
        )
    statement = sql.SQL(_sql("due").decode()).format(exceptions=exceptions)
    return {(d, p): day for d, p, day in conn.execute(statement).fetchall() if day is not None}


def _taken(conn: psycopg.Connection[Any], today: dt.date) -> set[str]:
    """Return the paths of the workbooks reported on this day."""
    found = conn.execute(
        "select path from quality.defect_report where strpos(path, %s) > 0", (f"_{today}",)
    ).fetchall()
    return {path for (path,) in found}


@dataclass
class _Book:
    """The workbook of one sender."""

    contracts: Mapping[str, Contract]
    due: Mapping[tuple[str, str], dt.date]
    taken: Set[str]
    today: dt.date
    masked: bool
    sender_name: str = ""

    def write(self, outbox: Path, lines: Iterable[_Line], digest: str, total: int) -> str:
        """Write its ``total`` lines, whose hash is ``digest``; return its path below ``outbox``."""
        lines = iter(lines)
        first = next(lines)
        self.sender_name = first.sender_name
        path = self._path(outbox, _folder(first), digest)
        counts: Counter[tuple[str, str, str]] = Counter()
        with private_workbook(path, is_small=total <= _SMALL) as book:
            head = book.add_format({"bold": True, "bg_color": "#E8EEF4", "border": 1})
            about, sheet = book.add_worksheet("说明"), book.add_worksheet("缺陷")
            sheet.freeze_panes(1, 0)
            for at, (text, width) in enumerate(zip(HEADERS, _WIDTHS, strict=True)):
                sheet.set_column(at, at, width)
                sheet.write_string(0, at, text, head)
            for number, line in enumerate(_chain(first, lines), start=1):
                counts[line.dataset, line.period, line.severity] += 1
                if number <= MAX_LINES:
                    for at, text in enumerate(self._cells(line)):
                        if text:
                            sheet.write_string(number, at, clean(text))
            sheet.autofilter(0, 0, min(total, MAX_LINES), len(HEADERS) - 1)
            about.set_column(0, 0, 22)
            about.set_column(1, 6, 24)
            for at, row in enumerate(self._about(first, counts)):
                for column, text in enumerate(row):
                    about.write_string(at, column, clean(text), head if _is_head(row) else None)
        return path.relative_to(outbox).as_posix()

    def _path(self, outbox: Path, folder: str, digest: str) -> Path:
        """Name the file; one reported earlier this day may have been handed over and stays."""
        (outbox / folder).mkdir(parents=True, exist_ok=True, mode=0o700)
        name = f"{folder}/缺陷报告_{self.today}" + ("" if self.masked else "_含个人信息")
        more = f"_{digest[:6]}" if f"{name}.xlsx" in self.taken else ""
        return outbox / f"{name}{more}.xlsx"

    def _cells(self, line: _Line) -> list[str]:
        contract = self.contracts[line.dataset]
        labels = {column.name: column.label for column in contract.columns} | {_LINE: "整行"}
        hidden = masked_columns(contract) if self.masked else frozenset()
        values = [
            (mask(value) if name in hidden else value) or "（空）"
            for name, value in zip(line.columns, line.values, strict=True)
        ]
        problem, fix = self._wording(contract, line)
        return [
            contract.title_zh, line.period, line.path, line.sheet,
            "" if line.row_no is None else str(line.row_no),
            "、".join(labels.get(name, name) for name in line.columns), "；".join(values),
            line.rule_id, _SEVERITY[line.severity], problem, fix, line.state,
        ]  # fmt: skip

    def _wording(self, contract: Contract, line: _Line) -> tuple[str, str]:
        """Return what is wrong and how to mend it."""
        rule = next((rule for rule in contract.rules if rule.id == line.rule_id), None)
        if rule is not None:
            detail = f"（{line.reason}）" if rule.level == "table" and line.reason else ""
            return rule.sentence_zh + detail, rule.fix_zh or _MEND
        if line.rule_id not in _LANDING:  # a rule that the contract has no more
            return line.reason or line.rule_id, _MEND
        problem, fix = _LANDING[line.rule_id]
        if line.reason and (line.rule_id in _QUOTES_NO_CELL or not self.masked):
            said = _SENTENCE.search(line.reason)
            problem = said[1] if said else problem
        return problem, fix

    def _about(self, first: _Line, counts: Counter[tuple[str, str, str]]) -> list[tuple[str, ...]]:
        """Return the rows of the first sheet: what, by when, whom to ask."""
        grave = sum(n for key, n in counts.items() if key[2] == "critical")
        total = sum(counts.values())
        code = f"（{first.sender_code}）" if first.sender_code != first.sender_name else ""
        rows: list[tuple[str, ...]] = [
            ("数据质量缺陷报告",),
            ("报送单位", first.sender_name + code),
            ("报告日期", f"{self.today}"),
            ("缺陷", f"共 {total} 条：严重 {grave} 条，警告 {total - grave} 条"),
            ("要做什么", "请按「缺陷」表所列的文件和行，在源系统或原始文件中改正，"
             "按原文件名重新报送整个文件。"),
            ("", "本表只供查阅，填写本表无效。同样的缺陷不会重复通知。"),
            ("严重", "该行（文件）没有入库，或使整批数据等待人工处理；改正之前不计入任何指标。"),
            ("警告", "数据已入库，但很可能有误；请核实，有误的改正，无误的书面说明。"),
            ("状态", "未入库、拒收：等待更正；整批待审：由主管科室决定；已退回：不予采用；"
             "已入库：见「警告」。"),
            ("个人信息", "已遮盖，只显示首字；请按文件和行查找。" if self.masked
             else "本表含个人信息，只能通过批准的渠道传递，用毕即删。"),
        ]  # fmt: skip
        if total > MAX_LINES:
            rows.append(("注意", f"条数过多，只列出前 {MAX_LINES} 条，严重的在前。"))
        rows += [(), ("数据集", "期间", "严重", "警告", "报送截止", "咨询科室", "联系人")]
        for dataset, period in sorted({key[:2] for key in counts}):
            contract = self.contracts[dataset]
            rows.append(
                (
                    contract.title_zh, period, str(counts[dataset, period, "critical"]),
                    str(counts[dataset, period, "warning"]), self._deadline(dataset, period),
                    contract.owner, contract.steward,
                )
            )  # fmt: skip
        return rows

    def _deadline(self, dataset: str, period: str) -> str:
        day = self.due.get((dataset, period))
        if day is None:
            return "请尽快"
        return f"{day}" if day >= self.today else f"{day}（已过，请尽快）"


def _send(conn: psycopg.Connection[Any], settings: Settings) -> tuple[int, int]:
    """Send the standing workbooks that were not sent yet; commits after each."""
    from eduplan.quality.alerts import deliver, routes

    waiting = conn.execute(
        "select report_id, sender_code, sender_name, defect_count, path from quality.defect_report"
        " where superseded_at is null and status <> 'sent' and is_masked = %s order by sender_code",
        (not settings.secure_channel,),
    ).fetchall()
    conn.commit()
    if not waiting:
        return 0, 0
    known = routes.read(settings)
    sent = failed = 0
    for report_id, code, name, count, path in waiting:
        error = None
        try:
            url = known.sender_url(code)
            if url is None:
                continue
            body = (
                f"{name}：现有 {count} 条数据缺陷需要改正，逐条列在附件中。"
                "请在源文件中改正后，按原文件名重新报送。"
            )
            title = f"数据质量缺陷报告：{name}（{count} 条）"
            deliver.send(url, title, body, [settings.outbox_dir / path])
            sent += 1
        except EduplanError as refused:
            error, failed = str(refused), failed + 1
        conn.execute(
            "update quality.defect_report set status = %(status)s, error = %(error)s,"
            " sent_at = case when %(error)s::text is null then clock_timestamp() end"
            " where report_id = %(id)s",
            {"status": "failed" if error else "sent", "error": error, "id": report_id},
        )
        conn.commit()
    return sent, failed


def _chain(first: _Line, rest: Iterator[_Line]) -> Iterator[_Line]:
    yield first
    yield from rest


def _is_head(row: Sequence[str]) -> bool:
    return len(row) == 1 or row[:1] == ("数据集",)


def _folder(line: _Line) -> str:
    """Name the folder of a sender; names of schools are somebody's text."""
    parts = dict.fromkeys((line.sender_code, line.sender_name))
    return "_".join(re.sub(r"[^\w（）()-]+", "_", part).strip("_")[:60] for part in parts if part)


def _exists(conn: psycopg.Connection[Any], table: str) -> bool:
    return conn.execute("select to_regclass(%s) is not null", (table,)).fetchone() == (True,)


def _sql(name: str) -> bytes:
    return (resources.files("eduplan") / "sql" / "defects" / f"{name}.sql").read_bytes()
