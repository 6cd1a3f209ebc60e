"""The parts of the site that have logic of their own: places, ranks, addresses, words."""

import json
import os
import stat
from decimal import Decimal
from pathlib import Path

import pytest
from markupsafe import Markup

from eduplan.browser import find_browser, print_pdf
from eduplan.errors import EduplanError
from eduplan.scorecard import names, render_html
from eduplan.scorecard import wording as words
from eduplan.scorecard.query import Region
from eduplan.site import charts
from eduplan.site.figures import rank_text, ranks, worst_first
from eduplan.site.layout import address, relative, twin
from eduplan.site.pages import first_page
from eduplan.site.wording import (
    LABELS,
    MEANINGS,
    READING,
    TEXTS,
    amount,
    label,
    school_type,
    signed,
    terms,
)
from tests.unit.test_scorecard import card, cell, indicator, lagging


@pytest.mark.parametrize(
    ("typed", "printed"),
    [
        ("演示版方案(目标为虚构)", "演示版方案（目标为虚构）"),
        ("专任教师数(小学)", "专任教师数（小学）"),
        ("大班额比例(56人及以上)", "大班额比例（56人及以上）"),
        ("专(兼)职", "专（兼）职"),
        ("方案(2026年修订(草案),目标为虚构)", "方案（2026年修订（草案），目标为虚构）"),
        ("在园幼儿:学前系统与教基", "在园幼儿：学前系统与教基"),
        ("《办法》;阈值", "《办法》；阈值"),
        # Not Chinese on either side: as it is.
        ("UIS GER (ISCED 02)", "UIS GER (ISCED 02)"),
        ("数据截至 2026-11-30 05:51", "数据截至 2026-11-30 05:51"),
        ("1,234 元/生", "1,234 元/生"),
        ("CMP-08P#1", "CMP-08P#1"),
    ],
)
def test_chinese_text_gets_full_width_marks(typed: str, printed: str) -> None:
    assert names.full_width(typed) == printed


def test_full_width_leaves_markup_and_numbers_alone() -> None:
    assert names.full_width(Markup("<b>小学(甲)</b>")) == "<b>小学(甲)</b>"
    assert names.full_width(3) == 3


def test_untranslated_text_is_marked_and_escaped_on_an_english_page() -> None:
    assert names.own_language("藤县<b>", "en") == '<span lang="zh">藤县&lt;b&gt;</span>'
    assert names.own_language("Teng", "en") == "Teng"
    assert names.own_language("藤县", "zh") == "藤县"


def test_regions_have_english_names_where_listed() -> None:
    assert names.region("450422", "藤县", "en") == "Teng"
    assert names.region("450422", "藤县", "zh") == "藤县"
    assert names.region("999999", "某县", "en") == "某县"


def test_reasons_and_held_batches_speak_english() -> None:
    assert words.reason("填报不全,缺报单位可能改变判定:覆盖 66.7%", "en") == (
        "Reporting is incomplete and could change the verdict",
        "covered 66.7%",
    )
    assert words.reason(
        "缺少已发布数据:公用经费拨款(finance_school)、平均学生数(students)", "en"
    ) == (
        "Nothing published of",
        "finance_school, students",
    )
    assert words.reason("分母为零", "zh") == ("分母为零", "")
    assert words.reason("", "en")[0] == "No reason recorded"
    assert words.held_reason("TEA-101 教师总数超出; TEA-101 再次", "en") == "TEA-101"
    assert words.held_reason("TEA-101 教师总数", "zh") == "TEA-101 教师总数"


def test_both_languages_say_the_same_things() -> None:
    assert TEXTS["zh"].keys() == TEXTS["en"].keys()
    assert LABELS["zh"].keys() == LABELS["en"].keys()
    statuses = [status for status, _ in MEANINGS["zh"]]
    assert statuses == [status for status, _ in MEANINGS["en"]]
    assert set(statuses) == words.GLYPHS.keys()
    assert len(READING["zh"]) == len(READING["en"])
    placeholders = {
        key: (text.count("{"), TEXTS["en"][key].count("{")) for key, text in TEXTS["zh"].items()
    }
    assert {k: n for k, n in placeholders.items() if n[0] != n[1]} == {}
    assert not any(names.has_han(t) for k, t in TEXTS["en"].items() if k != "language")
    assert not any(names.has_han(t) for t in LABELS["en"].values())


def test_terms_in_words_and_in_codes() -> None:
    measures = {"classes": "班数", "entrants": "招生数"}
    assert terms("classes@primary + classes@all", measures, "zh") == "班数（小学） + 班数"
    assert terms("classes@primary", measures, "en") == "classes (Primary)"
    assert terms("entrants@primary[-8]", measures, "zh") == "招生数（小学，8 年前）"
    assert terms("entrants@primary[-8]", measures, "en") == "entrants (Primary, 8 years before)"
    assert terms("unknown@all", measures, "zh") == "unknown"


def test_numbers_and_codes_in_words() -> None:
    assert amount(Decimal("1090000")) == "1,090,000"
    assert amount(Decimal("2.5")) == "2.50"
    assert amount(Decimal("-3")) == "−3" and amount(None) == "—"
    assert [signed(t) for t in ("1.5", "−1.5", "0.0", "0.00%", "—")] == [
        "+1.5", "−1.5", "0.0", "0.00%", "—"
    ]  # fmt: skip
    assert school_type("365", "zh") == "中等职业学校" and school_type("218", "en") == (
        "Teaching point"
    )
    assert label("no such code", "zh") == "no such code" and label(None, "en") == ""


# --- places -------------------------------------------------------------------------------------


def test_addresses_are_relative_and_ascii() -> None:
    here = address("en", "indicator", "CMP-11")
    assert here == "en/indicator/CMP-11.html" and twin(here) == "indicator/CMP-11.html"
    assert twin("index.html") == "en/index.html"
    assert relative(here, "assets/site.css") == "../../assets/site.css"
    assert relative(here, address("en", "county", "450422")) == "../county/450422.html"
    assert relative("index.html", "index.html#counties") == "index.html#counties"
    assert address("zh", "indicator", "PRE-08#1/../x") == "indicator/PRE-08-1-..-x.html"


def test_ranks_share_places_and_leave_out_who_has_no_value() -> None:
    counties = tuple(
        cell("on_track", value, region_code=code)
        for code, value in (("a", 50.0), ("b", 70.0), ("c", 70.0), ("d", None))
    )
    high = indicator("X", cell("on_track"), counties=counties)
    assert ranks(high) == {"b": (1, 3), "c": (1, 3), "a": (3, 3)}
    low = indicator("X", cell("on_track"), counties=counties, direction="lower_better")
    assert ranks(low) == {"a": (1, 3), "b": (2, 3), "c": (2, 3)}
    band = indicator("X", cell("on_track"), counties=counties, direction="target_band")
    assert ranks(band) == {}
    assert rank_text((1, 3)) == "1 / 3" and rank_text(None) == "—"


def test_counties_stand_worst_first() -> None:
    cells = [
        cell("met", 1.0, region_code="a"),
        cell("off_track", 1.0, region_code="b", distance_pct=-20.0),
        cell("off_track", 1.0, region_code="c", distance_pct=-80.0),
        cell("suppressed", None, region_code="d"),
    ]
    assert [c.region_code for c in worst_first(cells)] == ["c", "b", "a", "d"]


def test_labels_at_the_right_of_a_chart_stay_apart_and_inside() -> None:
    path = [(2024.0, 50.0), (2027.0, 50.2)]
    found = charts.trend(
        [(2024.0, 50.0), (2025.0, 50.1)],
        path,
        "on_track",
        {50.0: "50.0", 50.1: "50.1", 50.2: "50.2"},
        standard=(50.19, "standard"),
        expected=(50.2, 50.1, 50.3, "expected"),
    )
    right = sorted(item.y for item in found.labels if item.anchor == "start")
    assert len(right) == 3
    assert all(b - a >= 15 for a, b in zip(right, right[1:], strict=False))
    assert right[-1] <= found.axis_y


def test_an_interval_wider_than_the_chart_is_cut_and_says_so() -> None:
    found = charts.trend(
        [(2023.0, 10.0), (2025.0, 11.0)],
        [],
        "no_target",
        {10.0: "10", 11.0: "11"},
        expected=(12.0, -500.0, 500.0, "expected"),
    )
    assert found.cut == (True, True)
    # The line itself still uses a good part of the height.
    assert abs(found.dots[0][1] - found.dots[1][1]) > 20


def test_a_chart_of_one_equal_value_does_not_divide_by_zero() -> None:
    found = charts.trend([(2025.0, 0.0)], [], "no_target", {0.0: "0"})
    assert len(found.dots) == 1 and found.actual.count(" ") == 0


def test_sparks_need_two_years_and_stay_in_their_box() -> None:
    assert charts.spark([(2025.0, 1.0)]) is None
    line = charts.spark([(2023.0, 5.0), (2024.0, 1.0), (2025.0, 9.0)])
    assert line is not None and line.points == "3.0,10.0 42.0,16.0 81.0,4.0"
    flat = charts.spark([(2023.0, 2.0), (2025.0, 2.0)])
    assert flat is not None and flat.points == "3.0,10.0 81.0,10.0"


def test_bars_share_a_scale_and_grow_from_zero() -> None:
    up, down, none = charts.bars([(10.0, 5.0, "met"), (-10.0, None, "off_track"), (None, 3.0, "")])
    assert up == charts.Bar(50.0, 50.0, 75.0, "met")
    assert down == charts.Bar(0.0, 50.0, None, "off_track") and none is None


def test_the_first_page_of_a_site_links_counties_on_a_users_own_map(tmp_path: Path) -> None:
    square = [[[110.0, 23.0], [111.0, 23.0], [111.0, 24.0], [110.0, 24.0], [110.0, 23.0]]]
    borders = tmp_path / "own.geojson"
    borders.write_text(
        json.dumps(
            {
                "type": "FeatureCollection",
                "features": [
                    {
                        "type": "Feature",
                        "properties": {"adcode": 450422},
                        "geometry": {"type": "Polygon", "coordinates": square},
                    }
                ],
            }
        )
    )
    shown = card(
        lagging("A-01", -40.0), regions=(Region("450422", "藤县", {"off_track": 1, "met": 1}),)
    )
    _, links = first_page(shown)
    page = render_html(shown, borders, links)
    assert '<svg class="map"' in page
    assert '<a href="county/450422.html">藤县</a><tspan' in page
    assert '<a href="indicator/A-01.html">' in page and '<a href="indicators.html">' in page
    assert '<link rel="stylesheet" href="assets/site.css">' in page and "<style>" not in page
    alone = render_html(shown, borders)
    assert "<a " not in alone and "<link" not in alone and "<style>" in alone


# --- a browser ----------------------------------------------------------------------------------


def test_without_a_browser_it_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("EDUPLAN_CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EduplanError, match="no Chromium or Chrome") as caught:
        find_browser()
    assert "EDUPLAN_CHROMIUM" in caught.value.hint and "install chromium" in caught.value.hint
    monkeypatch.setenv("EDUPLAN_CHROMIUM", "/no/such/browser")
    with pytest.raises(EduplanError, match="/no/such/browser"):
        find_browser()


def test_a_browser_that_prints_nothing_leaves_the_old_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\necho 'cannot start' >&2\nexit 1\n")
    os.chmod(broken, broken.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("EDUPLAN_CHROMIUM", str(broken))
    (tmp_path / "page.html").write_text("<p>page")
    (tmp_path / "card.pdf").write_text("of yesterday")
    with pytest.raises(EduplanError, match="cannot start"):
        print_pdf(tmp_path / "page.html", tmp_path / "card.pdf")
    assert (tmp_path / "card.pdf").read_text() == "of yesterday"
