"""The scorecard's words, numbers and geometry, on objects made by hand (no database)."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from eduplan.errors import EduplanError
from eduplan.scorecard import render_html, render_terminal, wording
from eduplan.scorecard.borders import county_shapes
from eduplan.scorecard.query import (
    Action,
    Benchmark,
    Cell,
    Context,
    Indicator,
    Point,
    Projection,
    Quality,
    Region,
    Scorecard,
    TaskOwner,
    Verdict,
)


def cell(status: str, value: float | None = 50.0, **changes: object) -> Cell:
    base = Cell(
        region_code="450400",
        region_name="梧州市",
        period="2025-2026",
        period_year=2025,
        value=value,
        coverage_pct=100.0,
        baseline=40.0,
        final_target=70.0,
        trajectory=50.0,
        distance=0.0,
        distance_pct=0.0,
        progress_pct=100 / 3,
        status=status,
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def indicator(code: str, city: Cell, **changes: object) -> Indicator:
    base = Indicator(
        code=code,
        action_code="1",
        name=f"指标{code}",
        name_zh=f"指标{code}",
        unit="%",
        direction="higher_better",
        city=city,
        baseline_year=2024,
        targets=((2025, 50.0), (2026, 60.0), (2027, 70.0)),
        threshold=None,
        threshold_op=None,
        threshold_met=None,
        no_data_reason="",
        definition="",
        source_document="",
        history=() if city.value is None else (Point(2025, "2025-2026", city.value),),
        counties=(),
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def card(*indicators: Indicator, lang: str = "zh", regions: tuple[Region, ...] = ()) -> Scorecard:
    return Scorecard(
        lang=lang,
        plan_version="demo",
        plan_name="某市三年行动方案",
        is_demonstration=True,
        as_of=datetime(2026, 11, 22, 2, 0, tzinfo=UTC),
        periods=("2025-2026", "2025"),
        actions=(Action("1", "行动一", indicators),),
        regions=regions,
        quality=Quality(),
    )


def lagging(code: str, share: float, distance: float = -1.0) -> Indicator:
    return indicator(code, cell("off_track", 49.0, distance=distance, distance_pct=share))


SILENT = indicator(
    "MOR-01",
    cell(
        "no_data",
        None,
        baseline=None,
        final_target=None,
        trajectory=None,
        distance=None,
        distance_pct=None,
        progress_pct=None,
        coverage_pct=None,
    ),
    targets=(),
    baseline_year=None,
    no_data_reason="数据来源尚未接入:进度台账",
)
AIMLESS = indicator(
    "TCH-09",
    cell(
        "no_target",
        16.4,
        baseline=None,
        final_target=None,
        trajectory=None,
        distance=None,
        distance_pct=None,
        progress_pct=None,
    ),
    targets=(),
    baseline_year=None,
    unit="ratio",
    threshold=15.0,
    threshold_op="<=",
    threshold_met=False,
)


def plain(pieces: tuple[tuple[str, bool], ...]) -> str:
    return "".join(text for text, _ in pieces)


def test_sentence_names_the_two_furthest_behind_not_the_first_two() -> None:
    first, second = lagging("A-01", -12.0), lagging("A-02", -15.0)
    third, fourth = lagging("A-03", -60.0), lagging("A-04", -30.0)
    text = plain(wording.sentence(card(first, second, third, fourth)))
    assert text.index("指标A-03") < text.index("指标A-04")
    assert "指标A-01" not in text and "指标A-02" not in text


def test_sentence_counts_only_what_can_be_judged() -> None:
    text = plain(
        wording.sentence(
            card(indicator("A-01", cell("met", 71.0)), lagging("A-02", -40.0), SILENT, AIMLESS)
        )
    )
    assert text.startswith("2 项可判定指标中，1 项达轨或已达标，0 项偏慢，1 项滞后。")


def test_sentence_says_the_gap_in_percentage_points() -> None:
    text = plain(wording.sentence(card(lagging("A-01", -40.0, distance=-1.0))))
    assert "（49.0%，应达 50.0%，差 1.0 个百分点）" in text


def test_sentence_says_the_coverage_of_what_it_names() -> None:
    half = indicator(
        "A-01", cell("off_track", 34.4, distance=-15.6, distance_pct=-52.0, coverage_pct=48.0)
    )
    assert "（34.4%，覆盖 48%，应达 50.0%" in plain(wording.sentence(card(half)))


def test_sentence_without_any_target_judges_nothing() -> None:
    text = plain(wording.sentence(card(AIMLESS, SILENT)))
    assert "没有可判定的指标" in text and "1 项" in text


def test_sentence_when_nothing_lags() -> None:
    assert plain(
        wording.sentence(card(indicator("A-01", cell("on_track", 51.0, distance=1.0))))
    ).endswith("没有指标落后于轨迹。")


@pytest.mark.parametrize(
    ("unit", "numbers", "expected"),
    [
        ("%", (92.4, 100.0), 1),
        ("%", (0.48, 0.4), 2),
        ("ratio", (0.512, 0.45), 3),
        ("ratio", (16.4,), 1),
        ("人/百生", (5.31, 5.8), 2),
        ("%", (0.0,), 1),
        ("元/生", (2012.0,), 0),
        ("count", (4.0,), 0),
    ],
)
def test_decimals_by_unit_and_size(unit: str, numbers: tuple[float, ...], expected: int) -> None:
    assert wording.decimals(unit, numbers) == expected


def test_a_lag_too_small_for_the_decimals_gets_one_more() -> None:
    near = indicator("A-01", cell("at_risk", 49.97, distance=-0.03, distance_pct=-0.1))
    assert wording.digits(near) == 2


@pytest.mark.parametrize(
    ("value", "places", "expected"),
    [
        (2012.4, 0, "2,012"),
        (-1.44, 1, "−1.4"),
        (-0.01, 1, "0.0"),
        (None, 1, "—"),
        (4.5, None, "4.5"),
        (1000.0, None, "1,000"),
    ],
)
def test_number(value: float | None, places: int | None, expected: str) -> None:
    assert wording.number(value, places) == expected


def test_coverage_is_written_below_100_and_never_rounded_up_to_it() -> None:
    assert wording.coverage_text(cell("met", coverage_pct=100.0), "zh") == ""
    assert wording.coverage_text(cell("met", coverage_pct=97.36), "zh") == "覆盖 97.4%"
    assert wording.coverage_text(cell("met", coverage_pct=99.98), "zh") == "覆盖 99.9%"


def test_page_is_one_file_without_script_or_outside_address() -> None:
    html = render_html(card(lagging("A-01", -40.0), SILENT, AIMLESS))
    assert "<script" not in html
    assert not re.search(r"""(src|href)\s*=|url\(|@import|https?://""", html)
    HTMLParser().feed(html)


def test_page_escapes_every_text() -> None:
    html = render_html(card(replace(lagging("A-01", -40.0), name="<b>&坏</b>", definition='"><i>')))
    assert "<b>&坏" not in html and "&lt;b&gt;&amp;坏" in html
    assert '"><i>' not in html


def test_unjudged_indicators_have_no_bar_and_no_verdict_colour() -> None:
    html = render_html(card(AIMLESS, SILENT))
    assert 'class="bullet' not in html.split("</style>")[1]
    assert "国家标准 ≤ 15" in html and "未达到" in html
    row = html.split("<li")[1].split("</li>")[0]
    assert "no_target" in row and "off_track" not in row and "on_track" not in row
    assert "数据来源尚未接入" in html and "进度台账" in html and "指标MOR-01" in html


def test_bullet_runs_from_baseline_to_target_with_the_tick_at_the_trajectory() -> None:
    html = render_html(
        card(
            indicator(
                "A-01", cell("on_track", 55.0, progress_pct=50.0, distance=5.0, distance_pct=16.7)
            )
        )
    )
    # The track is 126 wide from 7: half of it, and the tick at a third (7 + 42), 2 wide.
    assert 'class="bar" x="7" y="4" width="63.0"' in html
    assert 'class="tick" x="48.0"' in html


@pytest.mark.parametrize(
    ("progress", "width", "arrow"), [(-20.0, None, "M6 3.6"), (140.0, "126.0", "M134 3.6")]
)
def test_bullet_never_leaves_its_track(progress: float, width: str | None, arrow: str) -> None:
    html = render_html(card(indicator("A-01", cell("met", 55.0, progress_pct=progress))))
    assert arrow in html
    assert (f'width="{width}"' in html) if width else ('class="bar" x="7"' not in html)


def test_heat_bars_fit_and_counties_with_most_lagging_come_first_in_the_order_given() -> None:
    own = replace(
        lagging("A-01", -40.0),
        counties=(
            cell(
                "off_track", 40.0, region_code="450481", region_name="岑溪市", distance_pct=-250.0
            ),
            cell("no_data", None, region_code="450422", region_name="藤县", distance_pct=None),
        ),
    )
    regions = (
        Region("450481", "岑溪市", {"off_track": 1}),
        Region("450422", "藤县", {"no_data": 1}),
    )
    html = render_html(card(own, regions=regions))
    widths = [float(w) for w in re.findall(r'<u style="width:([\d.]+)%', html)]
    assert widths == [100.0, 0.0]
    assert ">−99<" in re.sub(r"<svg.*?</svg>", "", html, flags=re.S)
    assert '<td class="hatch first"' in html
    assert "滞后 1 / 1" in html and "无可判定指标" in html


def test_chart_labels_stay_off_the_axis() -> None:
    steep = replace(
        indicator("A-01", cell("off_track", 1.0, baseline=1.0, trajectory=30.0)),
        history=(
            Point(2023, "2023-2024", 1.2),
            Point(2024, "2024-2025", 1.0),
            Point(2025, "2025-2026", 0.5),
        ),
        targets=((2025, 30.0), (2026, 60.0), (2027, 90.0)),
    )
    html = render_html(card(steep))
    heights = [float(y) for y in re.findall(r'<text class="now" x="[\d.]+" y="([\d.]+)"', html)]
    assert heights and all(9 <= y <= 65 for y in heights)


def test_both_languages_have_the_same_words() -> None:
    assert wording.TEXTS["zh"].keys() == wording.TEXTS["en"].keys()
    assert wording.WORDS["zh"].keys() == wording.WORDS["en"].keys() == wording.GLYPHS.keys()
    assert len(set(wording.GLYPHS.values())) == len(wording.GLYPHS)


def test_english_page() -> None:
    html = render_html(card(lagging("A-01", -40.0), SILENT, lang="en"))
    assert '<html lang="en">' in html and "Off track" in html and "Not connected" in html


def test_terminal_says_status_without_colour_in_100_columns() -> None:
    out = StringIO()
    console = Console(file=out, width=140, no_color=True, force_terminal=False)
    render_terminal(
        card(lagging("A-01", -40.0), indicator("A-02", cell("met", 71.0)), AIMLESS, SILENT), console
    )
    text = out.getvalue()
    assert "\x1b[" not in text
    assert "■ 滞后" in text and "★ 已达标" in text and "◇ 无目标" in text and "— 无数据 1" in text
    assert "国家标准 ≤ 15 未达到" in text
    from rich.cells import cell_len

    assert max(cell_len(line) for line in text.splitlines()) <= 100


def _geojson(path: Path, features: object) -> Path:
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), "utf-8")
    return path


def test_a_users_own_borders_replace_the_tiles(tmp_path: Path) -> None:
    square = [[[110.0, 23.0], [111.0, 23.0], [111.0, 24.0], [110.0, 24.0], [110.0, 23.0]]]
    path = _geojson(
        tmp_path / "own.geojson",
        [
            {
                "type": "Feature",
                "properties": {"adcode": 450422},
                "geometry": {"type": "Polygon", "coordinates": square},
            },
        ],
    )
    (shape,) = county_shapes(path)
    assert shape.code == "450422"
    # One degree of latitude fills the height of 300; longitude is squeezed by cos 23.5° = 0.917.
    assert shape.path.startswith("M0.0,300.0L275.1,300.0L275.1,0.0L0.0,0.0")
    html = render_html(card(regions=(Region("450422", "藤县", {"off_track": 1, "met": 1}),)), path)
    assert "fill-opacity:0.50" in html and 'class="tiles"' not in html


def test_a_file_that_is_no_geojson_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "map.json"
    path.write_text("[1, 2]", "utf-8")
    with pytest.raises(EduplanError, match="map.json") as caught:
        county_shapes(path)
    assert "adcode" in caught.value.hint


def test_colours_of_words_on_white_meet_wcag_aa() -> None:
    css = (Path(wording.__file__).parent / "templates" / "scorecard.css").read_text("utf-8")
    names = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", css))
    for name in ("ink", "soft", "met", "on", "risk", "off"):
        assert _contrast(names[name], "#ffffff") >= 4.5, name
    pairs = re.findall(r"background: (#[0-9a-f]{6}); color: (#[0-9a-f]{3,6})", css)
    assert len(pairs) >= 5
    for back, front in pairs:
        full = front if len(front) == 7 else "#" + "".join(c * 2 for c in front[1:])
        assert _contrast(full, back) >= 4.5, (front, back)


def _contrast(one: str, other: str) -> float:
    bright, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_counties_without_targets_show_plain_values() -> None:
    own = replace(
        AIMLESS,
        counties=(
            cell("no_target", 15.2, region_code="450422", region_name="藤县", distance_pct=None),
        ),
    )
    html = render_html(card(own, regions=(Region("450422", "藤县", {"no_target": 1}),)))
    table = html.split('class="values"')[1].split("</table>")[0]
    assert "<td>15.2</td>" in table and "off_track" not in table
    assert '<dd class="none">—</dd>' in html


CONTEXT = Context(
    benchmarks=(
        Benchmark("全国", 2024, 92.0, "", 91.0),
        Benchmark("全国", 2023, 78.03, "小学", 74.21),
    ),
    international=("UIS GER (ISCED 02)", "match with caveat"),
    projection=Projection(93.14, 88.0, 98.26, 3, "open"),
    verdict=Verdict("demo-amended", False, "on_track", 93.5),
    gpi=0.987,
)


def test_what_stands_beside_a_value() -> None:
    own = indicator("A-01", cell("at_risk", 91.0), context=CONTEXT)
    texts = [text for text, _ in wording.beside(own, "zh")]
    assert texts == [
        "修订后 达轨（目标 93.5）",
        "2027 预计 93.1（88.0～98.3） 未定",
        "全国 92（2024）",
        "全国小学 78.03（2023，本市 74.2）",
        "女／男 0.99",
        "与 UIS 一致，有说明",
    ]
    english = " | ".join(text for text, _ in wording.beside(own, "en"))
    assert "As amended On track (target 93.5)" in english and "China 92 (2024)" in english
    html = render_html(card(own))
    row = html.split("<li")[1].split("</li>")[0]
    assert all(text in row for text in texts) and row.count("mark on_track") == 1
    out = StringIO()
    render_terminal(card(own), Console(file=out, width=100, no_color=True))
    assert "修订后 达轨" in out.getvalue().replace("\n", "")


def test_a_withdrawn_target_has_no_number_and_the_original_is_named() -> None:
    own = indicator(
        "A-01", cell("met"), context=Context(verdict=Verdict("demo", True, "no_target", None))
    )
    assert wording.beside(own, "zh") == (("原方案 无目标", "no_target"),)


def test_a_target_without_line_is_not_judged() -> None:
    own = indicator(
        "SEN-02",
        cell("not_yet", 3.0, baseline=None, final_target=4.0, trajectory=None, distance=None),
        unit="count",
    )
    html = render_html(card(own, AIMLESS))
    row = html.split("<li")[1].split("</li>")[0]
    assert "尚未达标" in row and "目标 4" in row and "无基期" in row and "bullet" not in row
    assert card(own).judged == 0


def test_suppressed_is_a_word_and_no_number() -> None:
    html = render_html(card(indicator("A-01", cell("suppressed", None))))
    row = html.split("<li")[1].split("</li>")[0]
    assert "已隐去" in row and "<b>—</b>" in row and "bullet" not in row


def test_tasks_by_lead_department() -> None:
    own = replace(
        card(indicator("A-01", cell("met"))),
        tasks=(TaskOwner("市教育局", 12, 8, 5, 2), TaskOwner("市财政局", 3, 1, 1, 0)),
    )
    tasks = render_html(own).split('<section class="tasks">')[1].split("</section>")[0]
    assert "到期 9 项，按期完成 6 项，逾期 2 项" in tasks
    assert "<b>市教育局</b>12 项，按期 5，逾期 2" in tasks and tasks.count("off_track") == 1
    assert "未接入" not in tasks


def test_a_suppressed_county_has_its_own_sign() -> None:
    hidden = cell("suppressed", None, region_code="450422", region_name="藤县")
    own = replace(lagging("A-01", -40.0), counties=(hidden, cell("met", region_code="450423")))
    regions = (Region("450422", "藤县", {"suppressed": 1}), Region("450423", "乙", {"met": 1}))
    html = render_html(card(own, regions=regions))
    found = html.split('title="已隐去"')[1].split("</td>")[0]
    assert "mark suppressed" in found and "—" not in found
