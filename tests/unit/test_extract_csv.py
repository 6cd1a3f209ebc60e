"""The CSV readers without a server: encodings, headers, records, totals."""

import io
from pathlib import Path

import pytest

from eduplan.errors import LandingError
from eduplan.extract import csv
from eduplan.extract.shape import Shape, clean_label
from eduplan.extract.totals import Totals, number
from tests.landing_support import contract

HEAD = "学校标识码,姓名,身份证件号,备忘\n"


def shape(**kw: str | None) -> Shape:
    return Shape.of(contract(**kw), "2025-2026")  # type: ignore[arg-type]


def read(data: bytes, **kw: str | None) -> tuple[str, csv.RowReader]:
    s = shape(**kw)
    plan = csv.make_plan(data, "f.csv", s, complete=True)
    reader = csv.RowReader(io.BytesIO(data), "f.csv", plan, s)
    return b"".join(reader).decode(), reader


@pytest.mark.parametrize(
    ("data", "declared", "encoding", "reason", "differs"),
    [
        ((HEAD + "1,张,2,\n").encode("utf-8-sig"), "GB18030", "utf-8", "bom", True),
        ((HEAD + "1,张,2,\n").encode(), "GB18030", "utf-8", "strict utf-8", True),
        ((HEAD + "1,张,2,\n").encode("gb18030"), "GB18030", "gb18030", "declared", False),
        ((HEAD + "1,张,2,\n").encode("gb18030"), "GBK", "gb18030", "declared", False),
        ((HEAD + "1,张,2,\n").encode("gb18030"), None, "gb18030", "fallback", False),
        ((HEAD + "1,㛃䶮,2,\n").encode("gb18030"), "UTF-8", "gb18030", "fallback", True),
        ("學校,姓名\n1,張\n".encode("big5"), None, "big5", "fallback", False),
    ],
)
def test_encoding_and_reason(
    data: bytes, declared: str | None, encoding: str, reason: str, differs: bool
) -> None:
    s = shape(encoding=declared)
    if encoding == "big5":
        from tests.landing_support import column

        s = Shape.of(contract([column("a", "學校"), column("b", "姓名")], encoding=None), "x")
    plan = csv.make_plan(data, "f.csv", s, complete=True)
    assert (plan.encoding, plan.reason, plan.differs) == (encoding, reason, differs)


def test_header_below_a_preamble() -> None:
    data = ("学生名单\n,,,\n导出时间：2025\n" + HEAD + "1,a,b,c\n").encode("gb18030")
    text, reader = read(data)
    assert reader.plan.first_row == 5
    assert text == "5,1,a,b,c\n"


def test_one_undecodable_line_in_the_head_does_not_hide_the_encoding() -> None:
    data = HEAD.encode("gb18030") + b"1,\xff,b,c\n" + "2,李,b,c\n".encode("gb18030")
    text, reader = read(data)
    assert reader.plan.encoding == "gb18030"
    assert text == "3,2,李,b,c\n"
    assert [(bad.row, bad.code) for bad in reader.bad] == [(2, "LND-008")]


def test_stray_opening_quote_costs_only_its_own_line() -> None:
    data = (HEAD + '1,"张,2,\n2,李,3,\n3,王,"4",\n4,"赵",5,\n').encode("gb18030")
    text, reader = read(data)
    assert [(bad.row, bad.code) for bad in reader.bad] == [(2, "LND-011")]
    assert text == '3,2,李,3,\n4,3,王,"4",\n5,4,"赵",5,\n'


def test_empty_and_quoted_empty_stay_different() -> None:
    text, _ = read((HEAD + '1,,"",x\n').encode("gb18030"))
    assert text == '2,1,,"",x\n'


def test_total_and_footnote_lines_are_not_rows() -> None:
    text, _ = read((HEAD + "1,a,b,c\n合计,1,,\n注：截至九月,,,\n\n").encode("gb18030"))
    assert text == "2,1,a,b,c\n"


def test_quote_never_closed_names_its_line() -> None:
    with pytest.raises(LandingError, match=r"f\.csv:3") as error:
        read((HEAD + '1,a,b,c\n2,"a,b,c\n3,a,b,c\n').encode("gb18030"))
    assert error.value.code == "LND-012"


def test_carriage_returns_only() -> None:
    text, _ = read((HEAD + "1,a,b,c\n2,d,e,f\n").replace("\n", "\r").encode("gb18030"))
    assert text == "2,1,a,b,c\n3,2,d,e,f\n"


def test_tab_separated() -> None:
    text, reader = read((HEAD + "1,a,b,c\n").replace(",", "\t").encode("gb18030"))
    assert reader.plan.delimiter == "\t" and text == "2\t1\ta\tb\tc\n"


def test_header_error_shows_no_values_with_digits() -> None:
    with pytest.raises(LandingError) as error:
        read("450499201501011234,13800000000,x\n1,2,3\n".encode("gb18030"))
    assert error.value.code == "LND-003"
    assert "450499" not in str(error.value) and "138" not in str(error.value)


@pytest.mark.parametrize(
    ("raw", "clean"),
    [("★ 姓 名", "姓名"), ("姓名*", "姓名"), ("\ufeff学校（机构）名称", "学校(机构)名称"),
     ("XXBSM ", "xxbsm"), ("ＩＤ\u3000号\xa0", "id号")],
)  # fmt: skip
def test_clean_label(raw: str, clean: str) -> None:
    assert clean_label(raw) == clean


@pytest.mark.parametrize(
    ("text", "value"),
    [("1,234.50", "1234.50"), ("（1.2）", "-1.2"), ("(3)", "-3"), ("-", None),
     ("", None), ("无", None)],
)  # fmt: skip
def test_number(text: str, value: str | None) -> None:
    assert (None if value is None else value) == (
        str(n) if (n := number(text)) is not None else None
    )


def test_subtotals_above_and_below_their_detail() -> None:
    below = Totals({1: "计"})
    for row in (["a", "1"], ["b", "2"]):
        below.detail(row)
    below.total(4, "小计", ["小计", "3"])
    below.detail(["c", "5"])
    below.total(6, "小计", ["小计", "6"])
    below.total(7, "合计", ["合计", "8"])
    assert [(m.row, str(m.stated), str(m.summed)) for m in below.mismatches()] == [(6, "6", "5")]
    above = Totals({1: "计"})
    above.total(2, "合计", ["合计", "8"])
    above.total(3, "小计", ["小计", "3"])
    above.detail(["a", "3"])
    above.total(5, "小计", ["小计", "6"])
    above.detail(["b", "5"])
    assert [(m.row, m.kind) for m in above.mismatches()] == [(5, "小计")]


def test_taiwan_lists_are_read_whole(realdata: Path) -> None:
    """A real list with a BOM and quoted headers: every line is a row, none is lost."""
    data = (realdata / "tw_moe_school_lists/e1_new.csv").read_bytes()
    from tests.landing_support import column

    s = Shape.of(contract([column("code", "代碼"), column("name", "學校名稱")], encoding=None), "x")
    plan = csv.make_plan(data, "e1.csv", s, complete=True)
    reader = csv.RowReader(io.BytesIO(data), "e1.csv", plan, s)
    text = b"".join(reader).decode()
    lines = data.decode("utf-8-sig").splitlines()
    assert (plan.encoding, plan.reason) == ("utf-8", "bom")
    assert reader.rows + len(reader.bad) == len([line for line in lines if line.strip()]) - 1
    assert text.count("\n") >= reader.rows
