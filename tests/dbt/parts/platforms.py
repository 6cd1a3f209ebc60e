"""Teacher, literacy and lifelong-learning platforms, with the traps of each."""

import psycopg

from tests.dbt import mini_city
from tests.dbt.mini_city import C1, J1, N1, P1, P2, P3, Y25, Row, Sheets

COLUMNS = {
    "training_teachers": "profile_id teacher_no name phone school_code status registered_on is_test"
    " updated_at is_deleted",
    "training_records": "record_id teacher_no programme started_on ended_on hours audit_status"
    " is_test updated_at is_deleted",
    "literacy_assessments": "assessment_id student_no school_code school_year grade attempt status"
    " score level tested_on is_test updated_at is_deleted",
    "course_catalog": "course_id title category provider online_from online_to reused_from is_test"
    " updated_at is_deleted",
    "course_learning": "event_id course_id learner_no is_anonymous started_at minutes is_test"
    " updated_at is_deleted",
}


def teachers() -> list[Row]:
    """The list of 2025-2026, its rows numbered T001, T002, … in their order."""
    return [
        {**row, "teacher_no": f"T{number:03d}"}
        for number, row in enumerate(mini_city.teachers(), 1)
    ]


def numbers(school: str, stage: str, post_status: str = "在职") -> list[str]:
    """Teacher numbers of a school and stage, full-time teachers only."""
    return [
        str(row["teacher_no"])
        for row in teachers()
        if (row["school_code"], row["teaching_stage"], row["post_status"], row["staff_type"])
        == (school, stage, post_status, "专任教师")
    ]


def profile(teacher_no: str | None, **cells: str) -> Row:
    usual: Row = {"teacher_no": teacher_no, "status": "有效", "registered_on": "2025-09-01"}
    return {**usual, "name": "李某", "is_test": "false", "is_deleted": "false", **cells}


def profiles() -> list[Row]:
    """P1 9 of its 11 primary teachers, J1 10 of 12 junior, C1 all 5 senior; then the traps."""
    p1, j1 = numbers(P1, "小学"), numbers(J1, "初中")
    return [
        *(profile(number) for number in p1[:9]),
        *(profile(number) for number in j1[:10]),
        *(profile(f" {number}　") for number in numbers(C1, "普通高中")),  # blanks around
        profile(p1[0]),  # a second profile
        profile(p1[9], is_test="true"),
        profile(p1[10], is_deleted="true"),
        profile(j1[10], status="注销"),
        profile(j1[11], status="待完善"),
        profile(numbers(P2, "小学")[0], registered_on="2026-09-01"),  # next school year
        profile(numbers(P1, "小学", "退休")[0]),
        profile("T999"),
        profile(None),
    ]


def training() -> list[Row]:
    """Valid in 2025-2026: 20 + 30.5 (P1), 72 (J1), 40 (C1)."""
    p1 = numbers(P1, "小学")[0]
    lines = [
        (p1, "2025-10-03", "20", "通过", "false"),
        (p1, "2026-03-01", "30.5", "通过", "false"),
        (p1, "2026-03-02", "10", "待审", "false"),
        (p1, "2026-03-03", "50", "通过", "true"),
        (p1, "2025-08-31", "16", "通过", "false"),  # the last day of the year before
        (numbers(J1, "初中")[0], "2025-09-01", "72", "通过", "false"),  # the first day
        (numbers(C1, "普通高中")[0], "2026-08-31", "40", "通过", "false"),  # the last day
        (numbers(P1, "小学", "退休")[0], "2026-01-10", "12", "通过", "false"),
    ]
    return [
        {
            "teacher_no": number,
            "ended_on": day,
            "hours": hours,
            "audit_status": status,
            "is_test": test,
            "is_deleted": "false",
        }
        for number, day, hours, status, test in lines
    ]


def result(student: str, school: str, grade: str, level: str | None, **cells: str | None) -> Row:
    usual: Row = {
        "student_no": student,
        "school_code": school,
        "school_year": Y25,
        "grade": grade,
        "attempt": "1",
        "status": "已测" if level else "缺考",
        "level": level,
        "is_test": "false",
        "is_deleted": "false",
    }
    return {**usual, **cells}


def assessments() -> list[Row]:
    """Grade 6 (P1 10 on roll, N1 120) and grade 9 (J1 46) are tested."""
    return [
        # P1: 8 took part, one of them passed at the second attempt; one absent with a score of 0
        *(result(f"S{n}", P1, "小学六年级", "合格") for n in range(5)),
        *(result(f"S{n}", P1, "小学六年级", "良好") for n in (5, 6)),
        result("S7", P1, "小学六年级", "不合格"),
        result("S7", P1, "小学六年级", "合格", attempt="2"),
        result("S8", P1, "小学六年级", None, score="0"),
        # N1: 100 took part, 90 passed
        *(result(f"N{n}", N1, "小学六年级", "优秀" if n < 90 else "不合格") for n in range(100)),
        # J1: 40 took part, 30 passed; one who passed first and failed later has passed
        *(result(f"J{n}", J1, "初中三年级", "合格" if n < 30 else "不合格") for n in range(40)),
        result("J0", J1, "初中三年级", "不合格", attempt="2"),
        # P3 sent no list of pupils: nobody knows how many were due
        *(result(f"Q{n}", P3, "小学六年级", "合格") for n in range(4)),
        # Neither makes grade 1 a tested grade.
        result("X1", P1, "小学一年级", "合格", is_test="true"),
        result("X2", P1, "小学一年级", None),
    ]


def courses() -> list[Row]:
    """Online at the end of 2025-2026: C1 and C3."""
    lines = [
        ("C1", "2024-01-01", None, None, "false"),
        ("C2", "2025-10-01", "2026-03-01", None, "false"),
        ("C3", "2026-08-31", None, None, "false"),  # the last day
        ("C4", "2025-10-01", None, "C1", "false"),  # C1 again
        ("C5", "2025-10-01", None, None, "true"),
        ("C6", "2026-09-01", None, None, "false"),
    ]
    return [
        {
            "course_id": code,
            "online_from": start,
            "online_to": end,
            "reused_from": reused,
            "is_test": test,
            "is_deleted": "false",
        }
        for code, start, end, reused, test in lines
    ]


def learning() -> list[Row]:
    """Five events in 2025-2026, of L1 (twice), L2, L3 and somebody."""
    lines = [
        ("L1", "2025-09-01T00:30:00+08:00", "false"),
        ("L1", "2025-11-02 20:00", "false"),
        ("L2", "2026-08-31T23:30:00+08:00", "false"),
        ("L3", "2025-08-31T17:00:00Z", "false"),  # 1 September in Beijing
        (None, "2025-12-01T20:00:00+08:00", "false"),
        ("L4", "2025-12-01T20:00:00+08:00", "true"),
        ("L5", "2025-08-31T23:59:00+08:00", "false"),  # the year before
    ]
    return [
        {
            "learner_no": learner,
            "is_anonymous": "false" if learner else "true",
            "started_at": moment,
            "is_test": test,
            "is_deleted": "false",
        }
        for learner, moment, test in lines
    ]


def sheets() -> Sheets:
    """The five datasets, and the teachers of 2025-2026 with their numbers."""
    return {
        ("teachers", Y25): teachers(),
        ("training_teachers", "all"): profiles(),
        ("training_records", "all"): training(),
        ("literacy_assessments", "all"): assessments(),
        ("course_catalog", "all"): courses(),
        ("course_learning", "all"): learning(),
    }


def also(conn: psycopg.Connection) -> None:
    """Readings from October to December: 15 due; October 5, November 2 and 1 unchanged, then 0."""
    with conn.transaction():
        conn.execute(
            "update ops.batch set published_at = '2025-10-10 10:00+08' where dataset = any(%s)",
            (list(COLUMNS),),
        )
        conn.execute(
            "insert into ops.batch (dataset, period, status, content_hash, contract_version,"
            " contract_hash, published_at) values"
            " ('training_records', 'all', 'superseded', 'a', '1', 'mini', '2025-11-30 23:00+08'),"
            " ('course_learning', 'all', 'superseded', 'b', '1', 'mini', '2025-11-02 10:00+08')"
        )
        conn.execute(
            "insert into ops.pull (dataset, kind, status, is_full, spool, started_at) values"
            " ('training_teachers', 'api', 'landed', true, '-', '2025-10-10 09:00+08'),"
            " ('training_teachers', 'api', 'unchanged', false, '-', '2025-11-10 09:00+08'),"
            " ('course_catalog', 'api', 'failed', false, '-', '2025-12-10 09:00+08')"
        )
