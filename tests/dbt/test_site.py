"""The static site of the mini city: numbers by hand, links, languages, hidden cells, a browser.

Hand-worked values are those of `test_mini_city.py`. The pages that show hostile names and hidden
cells come from a copy of the warehouse in which these were planted.
"""

import hashlib
import html as entities
import json
import os
import posixpath
import re
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import psycopg
import pytest
from psycopg import sql

from eduplan import transform
from eduplan.browser import print_pdf
from eduplan.errors import EduplanError
from eduplan.settings import Settings
from eduplan.site import write_site
from tests.browser import chromium, needs_chromium
from tests.dbt.mini_city import K1, A, B

COUNTIES = {A: "万秀区", B: "苍梧县"}
HAN = re.compile(r"[\u3000-\u303f\u3400-\u9fff\uff00-\uffef]")
HOSTILE_SCHOOL = "<script>alert(1)</script>学校"
HOSTILE_NAME = "Share \"of\" <b>classes</b> & 'more'"
HIDDEN = "CMP-10"
# The numbers behind the hidden cells, in no other place: a value, its sides, bounds around it.
PLANTED = {"value": 13.5791357, "numerator": 97531, "denominator": 718232}
BOUNDS = {"value_low": 12.8642864, "value_high": 14.9753197, "change_at_most": 1.3961841}
REVEALING = ("13.57", "13.58", "13.6", "97,531", "97531", "718,232", "718232")
REVEALING_BOUNDS = ("12.86", "12.9", "14.97", "14.98", "15.0", "1.396", "1.40")
VOID = frozenset({"meta", "link", "br", "col", "img", "input", "hr"})


class Reader(HTMLParser):
    """Reads a page: its links, anchors, texts with their language, and whether tags close."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.stack: list[tuple[str, bool]] = []
        self.faults: list[str] = []
        self.links: list[str] = []
        self.loads: list[str] = []
        self.ids: list[str] = []
        self.texts: list[tuple[str, bool]] = []
        """Text (or a title, a label) and whether it is marked as Chinese."""
        self.facts: dict[str, str] = {}
        self.tables: dict[str, list[list[str]]] = {}
        self.tags: list[str] = []
        self._section = ""
        self._term = ""
        self.feed(text)
        self.close()
        self.faults += [f"{tag} is not closed" for tag, _ in self.stack]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        own = dict(attrs)
        marked = (self.stack[-1][1] if self.stack else False) or own.get("lang") == "zh"
        self.tags.append(tag)
        if len(own) != len(attrs):
            self.faults.append(f"{tag} has an attribute twice")
        for name in ("title", "aria-label", "content"):
            if own.get(name):
                self.texts.append((str(own[name]), marked))
        if own.get("id"):
            self.ids.append(str(own["id"]))
        if tag == "a":
            self.links.append(str(own["href"]))
        elif own.get("href") or own.get("src"):
            self.loads.append(str(own.get("href") or own.get("src")))
        if tag == "section":
            self._section = own.get("id") or own.get("class") or ""
            self.tables.setdefault(self._section, [])
        elif tag == "tr":
            self.tables.setdefault(self._section, []).append([])
        elif tag in ("th", "td") and self.tables.get(self._section):
            self.tables[self._section][-1].append("")
        elif tag == "dt":
            self._term = ""
        if tag not in VOID:
            self.stack.append((tag, marked))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.stack.pop()

    def handle_endtag(self, tag: str) -> None:
        if not self.stack or self.stack[-1][0] != tag:
            self.faults.append(f"</{tag}> closes {self.stack[-1:]}")
        else:
            self.stack.pop()

    def handle_data(self, data: str) -> None:
        tags = [tag for tag, _ in self.stack]
        if not data.strip() or "style" in tags:
            return
        self.texts.append((data, bool(self.stack and self.stack[-1][1])))
        if "dt" in tags:
            self._term += data
        elif "dd" in tags and "small" not in tags:
            self.facts[self._term] = self.facts.get(self._term, "") + data
        if ("td" in tags or "th" in tags) and self.tables.get(self._section):
            rows = self.tables[self._section]
            if rows[-1]:
                rows[-1][-1] = f"{rows[-1][-1]} {data.strip()}".strip()

    def row(self, section: str, name: str) -> list[str]:
        """The row of a section that starts with ``name``."""
        return next(row for row in self.tables[section] if row and row[0] == name)


def read(folder: Path) -> dict[str, Reader]:
    """Every page of a site by its path in it."""
    return {
        path.relative_to(folder).as_posix(): Reader(path.read_text("utf-8"))
        for path in sorted(folder.rglob("*.html"))
    }


@pytest.fixture(scope="module")
def folder(
    built: transform.BuildResult, dbt_settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The site of the mini city, in a folder with a space and Chinese characters in its path."""
    return write_site(dbt_settings, tmp_path_factory.mktemp("优 盘") / "记分卡 site").path


@pytest.fixture(scope="module")
def site(folder: Path) -> dict[str, Reader]:
    return read(folder)


@pytest.fixture(scope="module")
def planted(
    built: transform.BuildResult,
    dbt_settings: Settings,
    pg_server: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Path]:
    """The site of a copy of the warehouse with hostile names, hidden cells and a revision."""
    name = f"planted_site_{os.getpid()}"
    with psycopg.connect(pg_server, autocommit=True) as conn:
        conn.execute(
            sql.SQL("create database {} template mini_city strategy file_copy").format(
                sql.Identifier(name)
            )
        )
    url = pg_server.rsplit("/", 1)[0] + f"/{name}"
    try:
        with psycopg.connect(url) as conn:
            _plant(conn)
        settings = dbt_settings.model_copy(update={"database_url": url})
        yield write_site(settings, tmp_path_factory.mktemp("planted") / "site").path
    finally:
        with psycopg.connect(pg_server, autocommit=True) as conn:
            conn.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def _plant(conn: psycopg.Connection) -> None:
    conn.execute("update marts.dim_school set school_name = %s where school_code = %s",
                 (HOSTILE_SCHOOL, K1))  # fmt: skip
    conn.execute(
        "update marts.ind_contribution set contributor_name = %s where contributor_code = %s",
        (HOSTILE_SCHOOL, K1),
    )
    for table in ("marts.ind_progress", "ref.indicator"):
        conn.execute(
            sql.SQL(
                "update {} set indicator_name_zh = %(n)s, indicator_name_en = %(n)s,"
                " definition_zh = %(n)s where indicator_code = 'CMP-11'"
            ).format(sql.SQL(table)),
            {"n": HOSTILE_NAME},
        )
    # What intermediate knows, and what the published tables do not tell.
    cells = {"code": HIDDEN, **PLANTED}
    conn.execute(
        "update intermediate.int_indicator__values set value = %(value)s,"
        " numerator = %(numerator)s, denominator = %(denominator)s"
        " where indicator_code = %(code)s and region_level in ('county', 'school')",
        cells,
    )
    conn.execute(
        "update marts.ind_value set value = null, numerator = null, denominator = null,"
        " is_suppressed = true where indicator_code = %(code)s and region_level <> 'city'",
        cells,
    )
    conn.execute(
        "update marts.ind_progress set value = null, numerator = null, denominator = null,"
        " distance = null, distance_pct = null, progress_pct = null, status = 'suppressed'"
        " where indicator_code = %(code)s and region_level <> 'city'",
        cells,
    )
    conn.execute("delete from marts.ind_exposure where indicator_code = %(code)s", cells)
    conn.execute(
        "insert into marts.ind_exposure (indicator_code, region_level, region_code, county_code,"
        " period, period_year, quarantined_rows, schools_in_doubt, value, value_low, value_high,"
        " change_at_most) select indicator_code, region_level, region_code, county_code, period,"
        " period_year,"
        " 1, 1, %(value)s, %(value_low)s, %(value_high)s, %(change_at_most)s"
        " from marts.ind_progress where indicator_code = %(code)s and region_level = 'county'"
        " and period = '2025-2026'",
        {**cells, **BOUNDS},
    )
    # A list of persons whose length the quality marts keep to themselves, and one whose they tell.
    conn.execute("update marts.ind_batch set accepted_count = 21 where indicator_code = 'CMP-11'")
    conn.execute("drop view marts.qa_pass_rate cascade")
    conn.execute(
        "create view marts.qa_pass_rate as select * from (values"
        " ('jj2106', 'C06-001', '班数不对', 'critical', 'county', '450403', null, null, null),"
        " ('jj2107', 'C07-001', '班数不符', 'warning', 'county', '450403', 40, 3, 92.5)) as r"
        " (dataset, rule_id, rule_zh, severity, region_level, region_code, checked_count,"
        " failed_count, pass_pct)"
    )
    # One revision of a county's value: 40 became 50 by batch 7.
    conn.execute(
        "insert into marts.ind_revision (indicator_code, region_level, region_code, county_code,"
        " breakdown, breakdown_value, period, period_year, revision_number, revised_at,"
        " value_before, value, value_change, cause, added_batch_ids, removed_batch_ids, cause_zh)"
        " values ('CMP-09', 'county', %s, %s, 'all', 'all', '2025-2026', 2025, 1,"
        " '2026-03-02 04:05:00+00', 40, 50, 10, 'data', '{7}', '{3}', '新批次 7')",
        (A, A),
    )


# --- the files ----------------------------------------------------------------------------------


def test_a_page_for_each_indicator_and_county_in_both_languages(
    marts: psycopg.Connection, site: dict[str, Reader]
) -> None:
    codes = [
        code
        for (code,) in marts.execute(
            "select indicator_code from ref.indicator where parent_code is null"
        ).fetchall()
    ]
    wanted = {"index.html", "indicators.html", "methods.html"}
    wanted |= {f"indicator/{code}.html" for code in codes}
    wanted |= {
        f"county/{code}.html"
        for (code,) in marts.execute(
            "select region_code from marts.dim_region where region_level <> 'city'"
        ).fetchall()
    }
    assert len(codes) == 87
    assert set(site) == wanted | {f"en/{name}" for name in wanted}


def test_file_names_are_ascii_and_one_style_sheet_serves_all(folder: Path) -> None:
    names = [p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()]
    assert all(name.isascii() and " " not in name for name in names)
    assert [n for n in names if not n.endswith(".html")] == ["assets/site.css"]
    assert (
        "@import" not in (folder / "assets/site.css").read_text()
        and "url(" not in (folder / "assets/site.css").read_text()
    )


def test_every_link_is_relative_and_leads_somewhere(site: dict[str, Reader], folder: Path) -> None:
    broken = []
    for name, page in site.items():
        for link in page.links + page.loads:
            path, _, anchor = link.partition("#")
            to = posixpath.normpath(posixpath.join(posixpath.dirname(name), unquote(path)))
            to = name if not path else to
            if ":" in link or link.startswith(("/", "//")) or to.startswith(".."):
                broken.append((name, link, "not relative"))
            elif not (folder / to).is_file():
                broken.append((name, link, "no such file"))
            elif anchor and anchor not in site[to].ids:
                broken.append((name, link, "no such anchor"))
    assert broken == []
    assert all(page.loads for page in site.values())


def test_every_page_is_reached_from_the_first(site: dict[str, Reader]) -> None:
    found, waiting = {"index.html"}, ["index.html"]
    while waiting:
        name = waiting.pop()
        for link in site[name].links:
            path = link.partition("#")[0]
            to = posixpath.normpath(posixpath.join(posixpath.dirname(name), path)) if path else name
            if to not in found:
                found.add(to)
                waiting.append(to)
    assert found == set(site)


def test_pages_are_well_formed_and_without_script(site: dict[str, Reader]) -> None:
    for name, page in site.items():
        assert page.faults == [], name
        assert len(page.ids) == len(set(page.ids)), name
        assert not {"script", "iframe", "img", "object"} & set(page.tags), name


def test_language_switch_leads_to_the_same_page(site: dict[str, Reader]) -> None:
    for name, page in site.items():
        other = name.removeprefix("en/") if name.startswith("en/") else f"en/{name}"
        there = {
            posixpath.normpath(posixpath.join(posixpath.dirname(name), link)) for link in page.links
        }
        assert other in there, name


def test_english_pages_mark_every_chinese_text(site: dict[str, Reader]) -> None:
    mixed = [
        (name, text)
        for name, page in site.items()
        if name.startswith("en/")
        for text, marked in page.texts
        if HAN.search(text) and not marked and text.strip() != "中文"
    ]
    assert mixed == []


def test_only_names_and_sources_stay_chinese_on_english_pages(site: dict[str, Reader]) -> None:
    """Departments that lead tasks have no English name; the methods page has nothing without."""
    scorecard = {t for t, marked in site["en/index.html"].texts if marked and HAN.search(t)}
    assert scorecard - {"中文"} <= {"市教育局", "苍梧县教育局", "万秀区教育局"}
    methods = {t for t, marked in site["en/methods.html"].texts if marked and HAN.search(t)}
    assert methods == {"中文"}


def test_chinese_pages_have_full_width_marks(site: dict[str, Reader]) -> None:
    half = re.compile(r"[\u3400-\u9fff][,:;?!(]|[,:;?!)][\u3400-\u9fff]")
    found = [
        (name, text)
        for name, page in site.items()
        if not name.startswith("en/")
        for text, _ in page.texts
        if half.search(text)
    ]
    assert found == []


def test_every_page_says_that_it_is_a_demonstration(site: dict[str, Reader]) -> None:
    for name, page in site.items():
        words = (
            "Demonstration: synthetic or made up" if name.startswith("en/") else "演示：合成数据"
        )
        assert any(words in text for text, _ in page.texts), name


def test_written_again_it_is_the_same_and_old_pages_are_gone(
    dbt_settings: Settings, folder: Path, tmp_path: Path
) -> None:
    def digest(place: Path) -> dict[str, str]:
        return {
            p.relative_to(place).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
            for p in place.rglob("*")
            if p.is_file()
        }

    again = tmp_path / "again"
    shutil.copytree(folder, again)
    (again / "indicator/GONE-01.html").write_text("a page of before")
    write_site(dbt_settings, again)
    assert digest(again) == digest(folder)
    assert [p.name for p in tmp_path.iterdir()] == ["again"]


def test_a_folder_with_something_else_is_left_alone(dbt_settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(EduplanError, match="no site of eduplan"):
        write_site(dbt_settings, tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


# --- the numbers --------------------------------------------------------------------------------

# Code, value as it is written, numerator and denominator; worked by hand in test_mini_city.py.
BY_HAND = [
    ("CMP-11", "19.0%", "4", "21"),  # 4 of 21 classes
    ("PRE-01", "90.9%", "200", "220"),  # 200 of 220 children
    ("TCH-09", "17.0", "1,090", "64"),  # 1090 / 64 = 17.03
    ("CMP-06P", "2,422 元/生", "1,090,000", "450"),  # 109 x 10,000 / 450 = 2422.2
    ("TCH-02", "72.4%", "55", "76"),  # 55 of 76
    ("CMP-05J", "8.94 ㎡/生", "2,860", "320"),  # 2860 / 320 = 8.9375
    ("SEN-01", "80.0%", "140", "175"),  # 140 of 175
]


@pytest.mark.parametrize(("code", "value", "numerator", "denominator"), BY_HAND)
def test_value_and_both_sides(
    site: dict[str, Reader], code: str, value: str, numerator: str, denominator: str
) -> None:
    page = site[f"indicator/{code}.html"]
    assert page.facts["现值"] == value
    assert page.row("sides", "分子")[1] == numerator
    assert page.row("sides", "分母")[1] == denominator


def test_counties_of_an_indicator(site: dict[str, Reader]) -> None:
    # Junior gross enrolment: A 400 of 400 residents, B 100 of 125.
    page = site["indicator/CMP-16.html"]
    assert page.row("counties", COUNTIES[A])[2].startswith("100.0")
    assert page.row("counties", COUNTIES[B])[2].startswith("80.0")
    assert page.row("counties", COUNTIES[A])[5] == "1 / 2"
    assert page.row("counties", COUNTIES[B])[5] == "2 / 2"
    own = site[f"county/{B}.html"]
    name = next(i for i in own.tables["indicators"] if i[0].startswith("初中阶段毛入学率"))
    assert name[2].startswith("80.0%") and name[7] == "2 / 2"


def test_growth_has_its_sign(site: dict[str, Reader]) -> None:
    # FIN-01: A grew by 10 %, B shrank by 2 %.
    page = site["en/indicator/FIN-01.html"]
    assert page.row("counties", "Wanxiu")[2].startswith("10.0")
    assert page.row("counties", "Cangwu")[2].startswith("−2.0")


def test_breakdowns(site: dict[str, Reader]) -> None:
    # Classes within size: primary 9 of 11, junior 6 of 10; the private P2 1 of 2.
    rows = {tuple(row[:2]): row[2:] for row in site["indicator/CMP-10.html"].tables["breakdowns"]}
    assert rows[("学段", "小学")][:3] == ["81.8", "9", "11"]
    assert rows[("学段", "初中")][:3] == ["60.0", "6", "10"]
    assert rows[("举办", "民办")][:3] == ["50.0", "1", "2"]


def test_parts_of_a_dispersion(site: dict[str, Reader]) -> None:
    # CMP-08P#7 in county A: sqrt(2) / 3 = 0.471.
    page = site["indicator/CMP-08P.html"]
    head = page.tables["parts"][0]
    column = head.index(COUNTIES[A])
    assert page.tables["parts"][-1][column] == "0.471"


def test_schools_of_an_indicator(site: dict[str, Reader]) -> None:
    # Above-degree teachers per 100 pupils: N1 6 of 120 = 5.00, P1 and P2 5.00, T1 0 of 30.
    rows = site["indicator/CMP-01P.html"].tables["schools"]
    values = [row[3].split()[0] for row in rows if len(row) == 4 and row[0].isdigit()]
    assert values == ["5.00", "5.00", "5.00", "0.00"]


def test_formula_is_in_words_and_in_measures(site: dict[str, Reader]) -> None:
    assert site["indicator/CMP-11.html"].facts["计算"] == (
        "（大班额班数（小学） + 大班额班数（初中）） ÷ （班数（小学） + 班数（初中）） × 100"
    )
    assert site["en/indicator/CMP-11.html"].facts["Formula"] == (
        "(classes_large (Primary) + classes_large (Junior secondary))"
        " ÷ (classes (Primary) + classes (Junior secondary)) × 100"
    )


def test_what_has_no_value_says_why(marts: psycopg.Connection, site: dict[str, Reader]) -> None:
    rows = marts.execute(
        "select distinct on (indicator_code) indicator_code, value, no_data_reason"
        " from marts.ind_progress where region_level = 'city' and plan_version = 'demo-2025-2027'"
        " order by indicator_code, period_year desc nulls last"
    ).fetchall()
    silent = [(code, reason) for code, value, reason in rows if value is None and reason]
    assert silent
    for code, reason in silent:
        told = site[f"indicator/{code}.html"].facts["为什么没有数值"]
        assert told == re.split("[:：]", reason.replace(",", "，"))[0], code
        assert site[f"en/indicator/{code}.html"].facts["Why there is no value"], code


def test_a_revision_names_its_batches(planted: Path) -> None:
    for name, region in (("indicator/CMP-09.html", "万秀区"), (f"county/{A}.html", None)):
        page = Reader((planted / name).read_text("utf-8"))
        row = page.tables["revisions"][1]
        assert region is None or row[0] == region
        # 04:05 UTC is 12:05 in China.
        assert row[2:6] == ["2026-03-02 12:05", "40.0", "50.0", "+10.0"]
        assert "+7" in row[6] and "−3" in row[6]


# --- what must not be there -----------------------------------------------------------------------


def test_no_hidden_number_is_on_any_page(planted: Path) -> None:
    pages = {p.relative_to(planted).as_posix(): p.read_text("utf-8") for p in
             sorted(planted.rglob("*.html"))}  # fmt: skip
    texts = {name: " ".join(t for t, _ in Reader(text).texts) for name, text in pages.items()}
    for name, text in texts.items():
        for number in REVEALING[3:]:
            assert number not in text, (name, number)
    own = [n for n in pages if f"/{HIDDEN}." in f"/{n}"]
    assert len(own) == 2
    for name in own:
        page = Reader(pages[name])
        for row in page.tables["counties"][1:]:
            # Status and nothing else: no value, no rank, no side, no line of the past.
            assert row[2] == "" and set(row[3:8]) == {"—"} and row[8] == "", (name, row)
        for number in (*REVEALING, *REVEALING_BOUNDS):
            assert not re.search(rf"(?<![\d.]){re.escape(number)}", texts[name]), (name, number)
        assert "<polyline points" not in pages[name].split('id="counties"')[1].split("</section")[0]
    for county in (A, B):
        page = Reader(pages[f"county/{county}.html"])
        row = next(r for r in page.tables["indicators"] if r[0].startswith("标准班额达标率"))
        assert row[1:4] == ["已隐去", "", ""] and row[7] == "—"
        exposed = [r[0] for r in page.tables["exposure"] if r[0].startswith("标准班额达标率")]
        assert exposed == []


def test_the_length_of_a_list_that_could_tell_is_kept(planted: Path) -> None:
    rows = Reader((planted / "indicator/CMP-11.html").read_text("utf-8")).tables["batches"][1:]
    lengths = {row[0][:6]: row[5:] for row in rows}
    assert lengths["教基2106"] == ["—", "—"]
    assert lengths["教基2107"] == ["21", "0"]
    rules = Reader((planted / f"county/{A}.html").read_text("utf-8")).tables["quality"]
    assert [[row[0], *row[3:]] for row in rules[1:]] == [["C07-001", "警告", "3", "40"]]


def test_hostile_names_stay_text(planted: Path) -> None:
    seen = 0
    for path in planted.rglob("*.html"):
        text = path.read_text("utf-8")
        page = Reader(text)
        assert "script" not in page.tags and "<b>classes" not in text, path
        assert page.faults == [], path
        seen += any(HOSTILE_SCHOOL in shown for shown, _ in page.texts)
    assert seen >= 2
    page = Reader((planted / "indicator/CMP-11.html").read_text("utf-8"))
    assert any(HOSTILE_NAME in text for text, _ in page.texts)


# --- in a browser -------------------------------------------------------------------------------

HARNESS = """<!DOCTYPE html><meta charset="utf-8"><body>%s<script>
const luminance = c => { const [r, g, b] = c.map(v => { v /= 255;
  return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; });
  return .2126 * r + .7152 * g + .0722 * b; };
const parse = text => { const m = text.match(/[\\d.]+/g); return m ? m.map(Number) : null; };
function ground(e, view) {
  for (; e; e = e.parentElement) {
    const s = view.getComputedStyle(e);
    if (s.backgroundImage !== 'none') return [221, 227, 233];
    const c = parse(s.backgroundColor);
    if (c && (c.length < 4 || c[3] > 0)) return c.slice(0, 3);
  }
  return [255, 255, 255];
}
addEventListener('load', () => {
  const found = [];
  for (const frame of document.querySelectorAll('iframe')) {
    const page = frame.contentDocument, view = frame.contentWindow, name = frame.title;
    const body = page.body;
    if (!page.styleSheets.length || !page.styleSheets[0].cssRules.length)
      found.push([name, 'no style sheet']);
    if (page.documentElement.scrollWidth > 1280)
      found.push([name, 'overflow', page.documentElement.scrollWidth]);
    for (const card of page.querySelectorAll('.card'))
      if (card.scrollWidth > card.clientWidth + 1)
        found.push([name, 'card', card.parentElement.id, card.scrollWidth - card.clientWidth]);
    const labels = [...page.querySelectorAll('.large.chart text')].map(t =>
      [t, t.getBoundingClientRect()]);
    for (const [i, [one, a]] of labels.entries()) for (const [two, b] of labels.slice(i + 1))
      if (a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 4
          && b.top < a.bottom - 4) found.push([name, 'labels', one.textContent, two.textContent]);
    const walk = page.createTreeWalker(body, NodeFilter.SHOW_TEXT), pairs = new Set();
    for (let node; node = walk.nextNode();) {
      const e = node.parentElement;
      if (!node.data.trim() || e.closest('style')) continue;
      const s = view.getComputedStyle(e), svg = e.namespaceURI.includes('svg');
      const ink = parse(svg ? s.fill : s.color), under = ground(e, view);
      const [x, y] = [luminance(ink), luminance(under)].sort((p, q) => q - p);
      const size = parseFloat(s.fontSize);
      const large = size >= 24 || size >= 18.66 && s.fontWeight >= 700;
      const ratio = (x + .05) / (y + .05), key = [ink, under, large].join();
      if (ratio < (large ? 3 : 4.5) && !pairs.has(key)) {
        pairs.add(key);
        found.push([name, 'contrast', ratio.toFixed(2), e.className.toString(), node.data.trim()]);
      }
    }
  }
  const out = document.createElement('pre'); out.id = 'found';
  out.textContent = JSON.stringify([document.querySelectorAll('iframe').length, found]);
  document.body.replaceChildren(out);
})</script>"""


# A page with one fault of each kind, so that the harness is known to find them.
FAULTY = """<!DOCTYPE html><style>.card { width: 50px; overflow: hidden }</style>
<body style="margin: 0"><p style="width: 1400px; color: #999">pale and wide</p>
<div id="box"><p class="card" style="white-space: nowrap">longer than its card is</p></div>
<svg class="large chart" width="300" height="50"><text x="9" y="20">one</text><text x="20" y="24"
>two</text></svg>"""


def test_in_a_browser_from_a_folder_with_a_space_and_chinese_in_its_path(
    site: dict[str, Reader], folder: Path, tmp_path: Path
) -> None:
    """No console error, no overflow at 1280 px, AA contrast, chart labels apart: every page."""
    assert " " in str(folder) and HAN.search(str(folder))
    frames = "".join(
        f'<iframe title="{name}" src="{(folder / name).as_uri()}" width=1280 height=900></iframe>'
        for name in site
    )
    (tmp_path / "faulty.html").write_text(FAULTY, "utf-8")
    frames += '<iframe title="faulty" src="faulty.html" width=1280 height=900></iframe>'
    harness = tmp_path / "harness.html"
    harness.write_text(HARNESS % frames, "utf-8")
    done = chromium(
        "--allow-file-access-from-files",
        "--enable-logging=stderr",
        "--window-size=1400,2000",
        "--dump-dom",
        harness.as_uri(),
    )
    assert "CONSOLE" not in done.stderr, done.stderr
    result = re.search(r'<pre id="found">(.*?)</pre>', done.stdout, re.S)
    assert result is not None
    count, found = json.loads(entities.unescape(result[1]))
    assert count == len(site) + 1
    assert [item for item in found if item[0] != "faulty"] == []
    assert {item[1] for item in found} == {"overflow", "card", "labels", "contrast"}


def _pages(pdf: Path) -> tuple[int, set[tuple[int, int]]]:
    data = pdf.read_bytes()
    boxes = re.findall(rb"/MediaBox\s*\[([^\]]+)\]", data)
    sizes = {(round(float(b.split()[2])), round(float(b.split()[3]))) for b in boxes}
    return len(re.findall(rb"/Type\s*/Page\b(?!s)", data)), sizes


@needs_chromium
@pytest.mark.parametrize(
    ("name", "size", "pages"),
    [
        ("index.html", (842, 1191), 2),
        ("en/index.html", (842, 1191), 2),
        (f"county/{A}.html", (595, 842), None),
        ("en/indicator/CMP-11.html", (595, 842), None),
    ],
)
def test_prints(
    folder: Path, tmp_path: Path, name: str, size: tuple[int, int], pages: int | None
) -> None:
    """The scorecard on two A3 pages, the others on A4."""
    count, sizes = _pages(print_pdf(folder / name, tmp_path / "印 page.pdf"))
    assert sizes == {size}
    assert count == pages if pages else 2 <= count <= 6
