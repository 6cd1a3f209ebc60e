"""The scorecard from a real table: what the query finds, and the page as a browser draws it."""

import re
from pathlib import Path

import psycopg
import pytest

from eduplan.browser import print_pdf
from eduplan.errors import EduplanError
from eduplan.scorecard import Scorecard, load_scorecard, names, render_html
from tests import scorecard_rows as rows
from tests.browser import chromium, needs_chromium

# The test's own script, put into a copy of the page: it measures what the browser laid out.
PROBE = """<script>addEventListener('load', () => {
  const out = [document.documentElement.scrollWidth];
  const boxes = '.sum div, .name, .value, figure, .tiles > div, td';
  for (const e of document.querySelectorAll(boxes))
    if (e.scrollWidth > e.clientWidth + 1 && e.clientWidth)
      out.push(e.className + ':' + e.textContent.trim());
  for (const svg of document.querySelectorAll('svg.chart, svg.bullet')) {
    const frame = svg.getBoundingClientRect();
    for (const mark of svg.querySelectorAll('text, rect, circle, polyline')) {
      const box = mark.getBoundingClientRect();
      if (box.left < frame.left - 1 || box.right > frame.right + 1)
        out.push('svg:' + mark.outerHTML);
    }
    const axis = svg.querySelector('.axis'), label = svg.querySelector('text.now');
    if (axis && label
        && label.getBoundingClientRect().bottom > axis.getBoundingClientRect().top + 4)
      out.push('axis:' + label.textContent);
  }
  const text = out.join('\\n').replace(/</g, '&lt;');
  document.body.innerHTML = '<pre id=found>' + text + '</pre>';
})</script>"""


@pytest.fixture
def filled(db: psycopg.Connection) -> psycopg.Connection:
    rows.fill(db)
    return db


@pytest.fixture
def card(filled: psycopg.Connection) -> Scorecard:
    return load_scorecard(filled, rows.PLAN, titles=rows.DATASETS)


def test_every_registered_indicator_is_there_once(card: Scorecard) -> None:
    codes = [i.code for i in card.indicators]
    assert len(codes) == len(set(codes)) == len(rows.INDICATORS) + len(rows.NO_DATA)
    assert [a.code for a in card.actions] == ["1", "2", "3", "4", "5", "6", "safeguard"]


def test_denominators_leave_out_what_cannot_be_judged(card: Scorecard) -> None:
    without_target = sum(1 for row in rows.INDICATORS if row[6] is None)
    assert card.judged == len(rows.INDICATORS) - without_target
    assert card.counts["no_data"] == len(rows.NO_DATA)
    assert card.counts["no_target"] == without_target


def test_worst_two_by_share_of_the_step(card: Scorecard) -> None:
    # SEN-01: 91.2 → 94, due 92.13 in 2025, is 91.3: −0.83 of 2.8 = −29.8 %.
    # CMP-09: 56 → 80, due 64, is 58.4: −5.6 of 24 = −23.3 %. No other row is further behind.
    assert [i.code for i in card.worst()] == ["SEN-01", "CMP-09"]


def test_latest_period_and_history(card: Scorecard) -> None:
    pre_03 = next(i for i in card.indicators if i.code == "PRE-03")
    assert [p.year for p in pre_03.history] == [2023, 2024, 2025]
    assert pre_03.city.period == "2025-2026"
    assert card.periods == ("2025-2026", "2025")


def test_counties_with_most_lagging_first(card: Scorecard) -> None:
    late = [r.lagging for r in card.regions]
    assert late == sorted(late, reverse=True) and len(late) == 8


def test_parts_hang_under_their_indicator(card: Scorecard) -> None:
    cv = next(i for i in card.indicators if i.code == "CMP-08P")
    assert [p.code for p in cv.parts] == [f"CMP-08P#{n}" for n in range(1, 8)]
    assert [p.threshold_met for p in cv.parts].count(False) == 1  # 0.512 > 0.5


def test_context_stands_beside_its_indicator(card: Scorecard) -> None:
    by_code = {i.code: i.context for i in card.indicators}
    own = by_code["PRE-01"]
    # The superseded figure of 2018 is left out.
    assert [(b.area, b.year, b.value) for b in own.benchmarks] == [
        ("全国", 2024, 92.0),
        ("广西", 2023, 93.0),
    ]
    assert own.international == ("UIS GER (ISCED 02)", "match with caveat")
    assert own.gpi == 0.987
    # 93.2 in 2025: expected 94.2, from 91.2 to 97.2
    assert own.projection is not None
    assert (own.projection.value, own.projection.low, own.projection.high) == (94.2, 91.2, 97.2)
    assert [b.stage for b in by_code["TCH-02"].benchmarks] == ["小学"]
    verdict = by_code["PRE-03"].verdict
    assert verdict is not None
    assert (verdict.status, verdict.target, verdict.is_original) == ("on_track", 54.5, False)
    assert by_code["TCH-09"].projection is None and by_code["TCH-09"].verdict is None


def test_seen_from_the_amendment_the_original_stands_beside(
    filled: psycopg.Connection,
) -> None:
    filled.execute("update marts.ind_progress set plan_version = 'demo-amended'")
    card = load_scorecard(filled, "demo-amended")
    verdict = next(i for i in card.indicators if i.code == "PRE-03").context.verdict
    assert verdict is not None
    assert (verdict.status, verdict.target, verdict.is_original) == ("off_track", 60, True)


def test_quality_counts_published_deliveries(card: Scorecard) -> None:
    by_name = {s.dataset: s for s in card.quality.sources}
    assert by_name["teachers"].open_rows == 6 and by_name["teachers"].failed == 1
    assert by_name["finance_county"].held == 1
    assert [h.dataset for h in card.quality.held] == ["finance_county"]
    assert card.quality.absent == ("国家统计局 在校生数",)
    assert card.quality.oldest_open is not None
    assert card.quality.oldest_open.dataset == "students"
    assert [(m.region_name, m.missing, m.expected) for m in card.quality.missing] == [
        ("藤县", 8, 120),
        ("蒙山县", 3, 40),
    ]


def test_the_oldest_open_alert_stands_with_how_many_are_open(
    filled: psycopg.Connection,
) -> None:
    for key, severity, opened, status in (
        ("a", "warning", "2026-03-05", "open"),
        ("b", "critical", "2026-03-01", "acknowledged"),
        ("c", "critical", "2026-02-01", "resolved"),
        ("d", "critical", "2026-03-09", "snoozed"),
    ):
        filled.execute(
            "insert into quality.alert (dedupe_key, kind, severity, status, title, runbook,"
            " dataset, period, opened_at, last_seen_at) values (%s, 'delivery_late', %s, %s,"
            " '教师名册 2025-2026：逾期未报', 'docs/runbook/delivery_late.md', 'teachers',"
            " '2025-2026', %s, %s)",
            (key, severity, status, opened, opened),
        )
    card = load_scorecard(filled, rows.PLAN, titles=rows.DATASETS)
    assert card.quality.alert is not None
    assert (card.quality.alert.open_count, card.quality.alert.critical_count) == (3, 2)
    text = "教师名册 2025-2026：逾期未报；自 2026-03-01 起未结；共 3 条未结，其中严重 2 条"
    assert text in render_html(card)
    english = render_html(load_scorecard(filled, rows.PLAN, "en", {"teachers": "Teachers"}))
    assert "delivery late · Teachers 2025-2026; open since 2026-03-01; 3 open, 2 of" in english


def test_a_failed_delivery_is_forgotten_once_a_later_one_lands(
    filled: psycopg.Connection,
) -> None:
    filled.execute(
        "insert into ops.batch (dataset, period, status, content_hash, contract_version,"
        " contract_hash) values ('teachers', '2025-2026', 'landed', 'later', '1', 'c')"
    )
    card = load_scorecard(filled, rows.PLAN)
    assert next(s for s in card.quality.sources if s.dataset == "teachers").failed == 0


def test_unknown_plan_version_names_the_known_ones(filled: psycopg.Connection) -> None:
    with pytest.raises(EduplanError, match=rows.PLAN):
        load_scorecard(filled, "no-such-plan")


def test_before_the_first_build(db: psycopg.Connection) -> None:
    with pytest.raises(EduplanError) as caught:
        load_scorecard(db, rows.PLAN)
    assert "eduplan build" in caught.value.hint


def test_page_shows_every_indicator_and_says_what_is_not_connected(card: Scorecard) -> None:
    html = render_html(card)
    for code, name in [(r[0], r[2]) for r in rows.INDICATORS] + [
        (r[0], r[2]) for r in rows.NO_DATA
    ]:
        assert names.full_width(name) in html, code
    assert "演示：合成数据或虚构目标" in html
    assert "重点任务" in html and "未接入" in html
    assert "覆盖 97.4%" in html


@pytest.mark.parametrize("lang", ["zh", "en"])
@needs_chromium
def test_prints_on_two_a3_pages(filled: psycopg.Connection, tmp_path: Path, lang: str) -> None:
    page = tmp_path / "card.html"
    page.write_text(render_html(load_scorecard(filled, rows.PLAN, lang, rows.DATASETS)), "utf-8")
    pdf = print_pdf(page, tmp_path / "card.pdf")
    data = pdf.read_bytes()
    assert len(re.findall(rb"/Type\s*/Page\b(?!s)", data)) == 2
    boxes = {tuple(map(float, b.split())) for b in re.findall(rb"/MediaBox\s*\[([^\]]+)\]", data)}
    (box,) = boxes
    assert box[2] == pytest.approx(842, abs=2) and box[3] == pytest.approx(1191, abs=2)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_nothing_leaves_its_box_at_1280_pixels(
    filled: psycopg.Connection,
    tmp_path: Path,
    lang: str,
) -> None:
    html = render_html(load_scorecard(filled, rows.PLAN, lang, rows.DATASETS))
    page = tmp_path / "card.html"
    page.write_text(html.replace("</head>", PROBE + "</head>"), "utf-8")
    found = chromium("--window-size=1280,2000", "--dump-dom", page.as_uri()).stdout
    lines = re.search(r'<pre id="found">(.*?)</pre>', found, re.S)
    assert lines is not None
    width, *overflowing = lines.group(1).split("\n")
    assert int(width) <= 1280
    assert overflowing == []
