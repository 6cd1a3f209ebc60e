"""Defect reports: who is told what, read back from the workbooks, and who is not told again."""

import datetime as dt
import stat
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from python_calamine import CalamineWorkbook

from eduplan.audit import audit
from eduplan.contract import Contract
from eduplan.errors import EduplanError
from eduplan.publish import PublishResult, publish
from eduplan.quality import defects, quarantine
from eduplan.settings import Settings
from tests import chat_servers as chat
from tests.chat_servers import ChatServers
from tests.integration import by_hand
from tests.integration.by_hand import column

PERIOD = "2025-2026"
TODAY = dt.date(2025, 10, 8)
HEADERS = "数据集 期间 文件 工作表 行 列 值 规则 严重程度 问题 改法 状态".split()

REGISTER = by_hand.contract(
    "school_register", [column("school_code", "标识码"), column("school_name", "名称")], []
)
PUPILS = replace(
    by_hand.contract(
        "pupils",
        [column("school_code", "学校标识码"), column("name", "姓名", personal="direct"),
         column("age", "年龄")],
        [
            by_hand.row_rule("P-001", "edu.is_integer(age)", columns=["age"]),
            by_hand.row_rule("P-002", "age <> '99'", severity="warning", columns=["name", "age"]),
            by_hand.row_rule("P-003", "school_code <> ''", severity="info", columns=["age"]),
        ],
    ),
    title_zh="学生名册", owner="基础教育科", steward="学籍管理员",
)  # fmt: skip
FORMS = replace(
    by_hand.contract(
        "forms",
        [column("reporter_code", "标识码"), column("total", "合计")],
        [by_hand.row_rule("F-001", "edu.is_integer(total)", columns=["total"])],
    ),
    scope="school", scope_columns=("reporter_code",), title_zh="教基报表", owner="规划财务科",
    steward="统计员",
)  # fmt: skip
CONTRACTS = {c.dataset: c for c in (REGISTER, PUPILS, FORMS)}
Files = Mapping[str, Sequence[Sequence[str]]]

TENG = "学籍/450422_藤县_学生.csv"
MORE = "学籍/补报.csv"
PUPIL_FILES: Files = {
    TENG: [
        ("2145000001", "甲乙丙", "x"), ("2145000001", "乙", "7"), ("2145000001", "=1+1", "99"),
        ("", "丙", "8"),
    ],
    MORE: [("2145000002", "丁", "+y"), ("2145000002", "戊", "")],
}  # fmt: skip
OWN = "教基/2145000001_藤县第一小学.xlsx"
SUM = "教基/汇总.xlsx"
FORM_FILES: Files = {
    # The file says who sends; the school that the row is about does not.
    OWN: [("2145000001", "-5a"), ("2145000001", "6")],
    SUM: [("2145000002", '=HYPERLINK("http://x")'), ("2145999999", "z"), ("2145000003", "7")],
}


def landed(db: psycopg.Connection, contract: Contract, files: Files, content: str = "") -> int:
    """Land several files as one batch, each from its row 2 on."""
    rows = [row for part in files.values() for row in part]
    batch = by_hand.land_rows(db, contract, PERIOD, rows, content=content or repr(files))
    table = sql.Identifier("raw", f"{contract.dataset}__b{batch}")
    db.execute("delete from ops.batch_file where batch_id = %s", (batch,))
    before = 0
    for number, (path, part) in enumerate(files.items(), start=1):
        db.execute(
            "insert into ops.batch_file (batch_id, file_no, path, sha256, size_bytes, format,"
            " status) values (%s, %s, %s, '', 0, 'csv', 'landed')",
            (batch, number, path),
        )
        db.execute(
            sql.SQL(
                "update {} set _file = %(file)s, _row = _row - %(before)s"
                " where _file = 1 and _row - 2 >= %(before)s and _row - 2 < %(after)s"
            ).format(table),
            {"file": number, "before": before, "after": before + len(part)},
        )
        before += len(part)
    db.commit()
    return batch


def deliver(
    db: psycopg.Connection, url: str, contract: Contract, files: Files, content: str = ""
) -> PublishResult:
    batch = landed(db, contract, files, content)
    audit(url, contract, batch)
    return publish(db, contract, batch)


@pytest.fixture
def office(tmp_path: Path, db_url: str) -> Settings:
    return Settings(home=tmp_path, database_url=db_url)


@pytest.fixture
def schools(db: psycopg.Connection, db_url: str) -> None:
    deliver(
        db, db_url, REGISTER,
        {"名录.xlsx": [("2145000001", "藤县第一小学"), ("2145000002", '../../藤县"第二"/小学')]},
    )  # fmt: skip


@pytest.fixture
def city(db: psycopg.Connection, db_url: str, schools: None) -> None:
    assert deliver(db, db_url, PUPILS, PUPIL_FILES).quarantined == 2
    assert deliver(db, db_url, FORMS, FORM_FILES).quarantined == 3


def write(db: psycopg.Connection, office: Settings, day: dt.date = TODAY) -> defects.Report:
    return defects.write(db, CONTRACTS, office, day)


def books(office: Settings) -> dict[str, list[list[object]]]:
    """Return folder -> rows of the sheet of defects, of every workbook in the outbox."""
    found = {}
    for path in sorted(office.outbox_dir.rglob("*.xlsx")):
        book = CalamineWorkbook.from_path(str(path))
        assert book.sheet_names == ["说明", "缺陷"]
        header, *rows = book.get_sheet_by_name("缺陷").to_python()
        assert header == HEADERS
        found[path.parent.name] = rows
    return found


def pupil(path: str, row: str, columns: str, value: str, rule: str, state: str) -> list[object]:
    severity = "严重" if rule == "P-001" else "警告"
    return ["学生名册", PERIOD, path, "", row, columns, value, rule, severity, f"{rule}不符。",
            f"请改正{rule}。", state]  # fmt: skip


def form(path: str, row: str, value: str) -> list[object]:
    return ["教基报表", PERIOD, path, "", row, "合计", value, "F-001", "严重", "F-001不符。",
            "请改正F-001。", "未入库"]  # fmt: skip


COUNTY, FIRST, SECOND = "450422_藤县教育局", "2145000001_藤县第一小学", "2145000002_藤县_第二_小学"


def test_each_sender_gets_his_own_rows_alone(
    db: psycopg.Connection, city: None, office: Settings
) -> None:
    assert write(db, office) == defects.Report(5, 5, 6, 0, 0)
    assert books(office) == {
        COUNTY: [
            pupil(TENG, "2", "年龄", "x", "P-001", "未入库"),
            pupil(TENG, "4", "姓名、年龄", "=＊＊＊；99", "P-002", "已入库"),
        ],
        FIRST: [form(OWN, "2", "-5a")],
        SECOND: [form(SUM, "2", '=HYPERLINK("http://x")')],
        "基础教育科": [pupil(MORE, "2", "年龄", "+y", "P-001", "未入库")],
        "规划财务科": [form(SUM, "3", "z")],
    }


def test_a_name_is_whole_in_a_secure_channel_only(
    db: psycopg.Connection, city: None, office: Settings
) -> None:
    write(db, office)
    secure = office.model_copy(update={"secure_channel": True})
    assert write(db, secure).written == 5
    folder = office.outbox_dir / COUNTY
    masked, whole = (
        folder / "缺陷报告_2025-10-08.xlsx",
        folder / "缺陷报告_2025-10-08_含个人信息.xlsx",
    )
    assert "=＊＊＊；99" in values(masked) and "=1+1；99" in values(whole)
    assert b"=1+1" not in unzipped(masked)
    assert "已遮盖" in about(masked)["个人信息"]
    assert "只能通过批准的渠道传递" in about(whole)["个人信息"]


def values(path: Path) -> list[object]:
    sheet = CalamineWorkbook.from_path(str(path)).get_sheet_by_name("缺陷")
    return [row[6] for row in sheet.to_python()]


def about(path: Path) -> dict[str, str]:
    sheet = CalamineWorkbook.from_path(str(path)).get_sheet_by_name("说明")
    return {str(row[0]): str(row[1]) for row in sheet.to_python()}


def unzipped(path: Path) -> bytes:
    with zipfile.ZipFile(path) as archive:
        return b"".join(archive.read(name) for name in archive.namelist())


def test_what_a_sender_wrote_stays_text_in_private_files(
    db: psycopg.Connection, city: None, office: Settings
) -> None:
    write(db, office)
    paths = list(office.outbox_dir.rglob("*.xlsx"))
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths} == {0o600}
    assert {stat.S_IMODE(path.parent.stat().st_mode) for path in paths} == {0o700}
    assert {path.parent.parent for path in paths} == {office.outbox_dir}
    for path in paths:
        content = unzipped(path)
        assert b"<f>" not in content and b"<hyperlink" not in content
    assert list(office.outbox_dir.rglob("*.part")) == []


def test_the_first_sheet_says_what_by_when_and_whom_to_ask(
    db: psycopg.Connection, city: None, office: Settings
) -> None:
    db.execute(
        "insert into quality.submission_window values"
        " ('pupils', %s, '2025-09-01', '2025-10-08', 'x'),"
        " ('forms', %s, '2025-09-01', '2025-10-07', 'x')",
        (PERIOD, PERIOD),
    )
    write(db, office)
    sheets = {}
    for name in (COUNTY, FIRST):
        (path,) = (office.outbox_dir / name).iterdir()
        book = CalamineWorkbook.from_path(str(path))
        sheets[name] = book.get_sheet_by_name("说明").to_python()
    assert sheets[COUNTY][1][:2] == ["报送单位", "藤县教育局（450422）"]
    assert sheets[COUNTY][3][:2] == ["缺陷", "共 2 条：严重 1 条，警告 1 条"]
    assert sheets[COUNTY][-1] == [
        "学生名册", PERIOD, "1", "1", "2025-10-08", "基础教育科", "学籍管理员",
    ]  # fmt: skip
    assert sheets[FIRST][-1] == [
        "教基报表", PERIOD, "1", "0", "2025-10-07（已过，请尽快）", "规划财务科", "统计员",
    ]  # fmt: skip


def test_a_sender_is_told_again_only_when_his_defects_changed(
    db: psycopg.Connection, db_url: str, city: None, office: Settings
) -> None:
    write(db, office)
    before = {path: path.stat().st_mtime_ns for path in office.outbox_dir.rglob("*.xlsx")}
    assert write(db, office, TODAY + dt.timedelta(1)) == defects.Report(5, 0, 0, 0, 0)
    assert {p: p.stat().st_mtime_ns for p in office.outbox_dir.rglob("*.xlsx")} == before

    # The county mends all; the office's rows come again as they were.
    good = [("2145000001", "甲乙丙", "6")]
    deliver(db, db_url, PUPILS, {TENG: good, MORE: PUPIL_FILES[MORE]})
    assert write(db, office, TODAY + dt.timedelta(2)) == defects.Report(4, 0, 0, 0, 0)

    # And makes one of the mistakes again: that is news.
    deliver(db, db_url, PUPILS, {TENG: PUPIL_FILES[TENG][:1], MORE: PUPIL_FILES[MORE]})
    assert write(db, office, TODAY + dt.timedelta(3)) == defects.Report(5, 1, 1, 0, 0)
    assert values(office.outbox_dir / COUNTY / "缺陷报告_2025-10-11.xlsx") == ["值", "x"]
    assert db.execute(
        "select defect_count, superseded_at is null, path from quality.defect_report"
        " where sender_code = '450422' order by report_id"
    ).fetchall() == [
        (2, False, f"{COUNTY}/缺陷报告_2025-10-08.xlsx"),
        (1, True, f"{COUNTY}/缺陷报告_2025-10-11.xlsx"),
    ]


def test_what_was_reported_earlier_this_day_stays(
    db: psycopg.Connection, db_url: str, city: None, office: Settings
) -> None:
    write(db, office)
    folder = office.outbox_dir / COUNTY
    (first,) = folder.iterdir()
    before = first.read_bytes()
    deliver(db, db_url, PUPILS, {TENG: PUPIL_FILES[TENG][:1]})
    write(db, office)
    (second,) = set(folder.iterdir()) - {first}
    assert first.read_bytes() == before
    assert (values(first), values(second)) == (["值", "x", "=＊＊＊；99"], ["值", "x"])
    # A run that was killed before it told the database writes the same file again.
    db.execute("delete from quality.defect_report where superseded_at is null")
    db.commit()
    write(db, office)
    assert set(folder.iterdir()) == {first, second}


def test_a_row_that_was_decided_on(db: psycopg.Connection, city: None, office: Settings) -> None:
    rows = dict(
        db.execute(
            "select payload ->> 'total', quarantine_id from quality.quarantined_row"
            " where dataset = 'forms'"
        ).fetchall()
    )
    quarantine.decide(db, FORMS, [rows["-5a"]], "rejected", "chen", "伪造")
    quarantine.decide(db, FORMS, [rows["z"]], "waived", "chen", "已撤并")
    db.commit()
    write(db, office)
    assert books(office)[FIRST] == [[*form(OWN, "2", "-5a")[:-1], "已退回"]]
    assert "规划财务科" not in books(office)


def test_a_held_delivery_and_a_rule_on_the_whole_of_it(
    db: psycopg.Connection, db_url: str, schools: None, office: Settings
) -> None:
    sum_rule = by_hand.table_rule("F-009", "select '合计', '差 3 人'")
    strict = replace(FORMS, rules=(*FORMS.rules, sum_rule), max_reject_rate=0.0)
    contracts = CONTRACTS | {"forms": strict}
    assert deliver(db, db_url, strict, {OWN: FORM_FILES[OWN]}).outcome == "held"
    assert deliver(db, db_url, strict, {SUM: FORM_FILES[SUM][:1], MORE: []}).outcome == "held"
    assert defects.write(db, contracts, office, TODAY).senders == 3
    whole = ["教基报表", PERIOD, OWN, "", "", "", "", "F-009", "严重",
             "F-009不符。（合计：差 3 人）", "请在源文件中改正后重新报送。",
             "整批待审"]  # fmt: skip
    assert books(office) == {
        FIRST: [whole, [*form(OWN, "2", "-5a")[:-1], "整批待审"]],
        SECOND: [[*form(SUM, "2", '=HYPERLINK("http://x")')[:-1], "整批待审"]],
        # Two files: the office has to say whose the sum is.
        "规划财务科": [[*whole[:2], "", *whole[3:]]],
    }


def test_refused_files_and_lines(
    db: psycopg.Connection, db_url: str, schools: None, office: Settings
) -> None:
    first = deliver(db, db_url, PUPILS, {TENG: [("2145000001", "乙", "7")], MORE: []})
    db.execute(
        "insert into quality.quarantined_row (batch_id, dataset, period, file_no, row_no, payload,"
        " rules, reasons) values (%s, 'pupils', %s, 1, 9, %s, '{LND-011}', %s)",
        (
            first.batch_id,
            PERIOD,
            '{"_line": "2145000001,张三丰,7,"}',
            [f"{TENG}:9：第 9 行有 4 列，应为 3 列。 Line 9 has 4 columns instead of 3."],
        ),
    )
    db.execute(
        "update ops.batch_file set status = 'rejected', error_code = 'LND-003',"
        " error = '文件：看到的是张三丰。 Seen: 张三丰' where batch_id = %s and file_no = 2",
        (first.batch_id,),
    )
    db.commit()
    write(db, office)
    line = ["学生名册", PERIOD, TENG, "", "9", "整行", "2＊＊＊", "LND-011", "严重",
            "第 9 行有 4 列，应为 3 列。", "请检查未加引号的逗号或换行。",
            "未入库"]  # fmt: skip
    file = ["学生名册", PERIOD, MORE, "", "", "", "", "LND-003", "严重", "认不出表头。",
            "请使用规定的表样，不要改动列名。", "拒收"]  # fmt: skip
    assert books(office) == {COUNTY: [line], "基础教育科": [file]}
    # The file is read well in the next delivery.
    deliver(db, db_url, PUPILS, {TENG: [("2145000001", "乙", "7")], MORE: [("s", "丁", "1")]})
    assert write(db, office).senders == 0


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChatServers]:
    with chat.chat_servers(tmp_path_factory.mktemp("chat")) as servers:
        yield servers


@pytest.fixture
def mail(running: ChatServers, monkeypatch: pytest.MonkeyPatch) -> ChatServers:
    for name, value in running.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("URL_TENG", running.urls["smtp"])
    for box in (running.received, running.behave):
        box.clear()
    return running


def routes(office: Settings, senders: str) -> None:
    (office.home / "alerts.yaml").write_text(
        "channels:\n  office: {url: log}\nroutes:\n  - {name: all, channels: [office]}\n"
        f"senders:\n{senders}",
        encoding="utf-8",
    )


def test_a_workbook_is_mailed_once(
    db: psycopg.Connection, city: None, office: Settings, mail: ChatServers
) -> None:
    routes(office, '  "450422": URL_TENG\n  基础教育科: URL_NOBODY_SET\n')
    mail.behave["smtp"] = "fail"
    done = write(db, office)
    assert (done.written, done.sent, done.failed) == (5, 0, 2)
    mail.behave.clear()
    done = write(db, office)  # tried again, not written again
    assert (done.written, done.sent, done.failed) == (0, 1, 1)
    done = write(db, office)
    assert (done.written, done.sent, done.failed) == (0, 0, 1)
    (message,) = mail.received
    assert "数据质量缺陷报告：藤县教育局（2 条）" in message.title
    (attached,) = message.raw.iter_attachments()
    (path,) = (office.outbox_dir / COUNTY).iterdir()
    assert attached.get_payload(decode=True) == path.read_bytes()
    found = db.execute(
        "select sender_code, status, error, sent_at is not null from quality.defect_report"
        " where status <> 'written' order by 1"
    ).fetchall()
    assert found[0] == ("450422", "sent", None, True)
    assert found[1][:2] == ("基础教育科", "failed") and "URL_NOBODY_SET" in found[1][2]


def test_wrong_routes_stop_no_workbook(
    db: psycopg.Connection, city: None, office: Settings
) -> None:
    (office.home / "alerts.yaml").write_text("nonsense: 1\n", encoding="utf-8")
    with pytest.raises(EduplanError, match="nonsense"):
        write(db, office)
    assert len(books(office)) == 5
