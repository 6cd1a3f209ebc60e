"""A city of a dozen schools, small enough to work every indicator out by hand.

Written like the sheets of a spreadsheet: one table per dataset, numbers as the files carry them
(text, 万元, 千元, `-`). The expected values stand in `test_mini_city.py`, each with its arithmetic.

Counties: A = 450403 万秀区, B = 450421 苍梧县, M = 450401 市直 (city-run).

| code       | name | type             | county | stands in | run by            | place |
|------------|------|------------------|--------|-----------|-------------------|-------|
| 2145000001 | P1   | primary          | A      | A         | county            | urban |
| 2145000002 | P2   | primary          | A      | A         | private           | rural |
| 2145000003 | P3   | primary          | A      | A         | county, no report | rural |
| 2145000004 | T1   | teaching point   | A      | A         | county, 30 pupils | rural |
| 3145000005 | N1   | nine-year        | B      | B         | county            | town  |
| 3445000006 | C1   | complete 7-12    | M      | A         | city              | urban |
| 3145000009 | J1   | junior           | A      | A         | county            | urban |
| 1145000007 | K1   | kindergarten     | A      | A         | county, 2010      | urban |
| 1145000008 | K2   | kindergarten     | B      | B         | private inclusive | town  |
| 1145000011 | K3   | kindergarten     | B      | B         | private, lapsed   | rural |
| 3645000010 | V1   | vocational       | M      | A         | city              | urban |
"""

import importlib
import pkgutil
from collections import defaultdict
from collections.abc import Iterable

import psycopg
from psycopg import sql

from tests.dbt import parts

P1, P2, P3, T1 = "2145000001", "2145000002", "2145000003", "2145000004"
N1, C1, J1, V1 = "3145000005", "3445000006", "3145000009", "3645000010"
K1, K2, K3 = "1145000007", "1145000008", "1145000011"
A, B, M, CITY = "450403", "450421", "450401", "450400"
Y23, Y24, Y25 = "2023-2024", "2024-2025", "2025-2026"

Row = dict[str, str | None]
Sheets = dict[tuple[str, str], list[Row]]

COLUMNS = {
    "school_register": "school_code school_name location_code admin_code school_type_code"
    " school_type organiser_code organiser urban_rural_code is_inclusive inclusive_from"
    " inclusive_to founded_month closed_month predecessor_code planned_year longitude latitude"
    " address",
    "students": "school_code school_name name sex birth_date id_type id_number student_no ethnicity"
    " hukou_type hukou_region grade class_name entry_month entry_mode boarding source_type"
    " is_migrant is_left_behind is_purchased_place status status_date phone address guardian_name"
    " guardian_phone",
    "teachers": "teacher_no name sex birth_date id_type id_number ethnicity school_code school_name"
    " post_status staff_type is_established teaching_stage subject highest_degree first_degree"
    " title certificate_type certificate_no backbone_level backbone_until work_start"
    " training_hours phone",
    "jj3112": "reporter_code reporter_name sheet_type form_year row_name row_code graduates"
    " entrants entrants_preschool_0 entrants_preschool_1 entrants_preschool_2 entrants_preschool_3"
    " enrolment enrolment_female grade_1 grade_2 grade_3 grade_4 grade_5 grade_6"
    " expected_graduates",
    "jj3115": "reporter_code reporter_name sheet_type form_year row_name row_code graduates"
    " entrants enrolment enrolment_female grade_7 grade_8 grade_9 grade_10 expected_graduates",
    "jj2105": "reporter_code reporter_name sheet_type form_year row_name row_code classes c_le20"
    " c_21_25 c_26_30 c_31_35 c_ge36 children children_female",
    "jj2106": "reporter_code reporter_name sheet_type form_year row_name row_code classes c_le25"
    " c_26_30 c_31_35 c_36_40 c_41_45 c_46_50 c_51_55 c_56_60 c_61_65 c_ge66",
    "jj2107": "reporter_code reporter_name sheet_type form_year row_name row_code classes c_le25"
    " c_26_30 c_31_35 c_36_40 c_41_45 c_46_50 c_51_55 c_56_60 c_61_65 c_ge66",
    "jj4149": "reporter_code reporter_name sheet_type form_year row_name row_code staff teachers"
    " admin support workers other external silver",
    "jj4155": "reporter_code reporter_name sheet_type form_year row_name row_code total c_moral"
    " c_chinese c_math c_foreign c_science c_history c_geography c_pe c_music c_fine_art c_art c_it"
    " c_labour c_practice c_other c_none",
    "jj5170": "reporter_code reporter_name sheet_type form_year row_name row_code area_owned"
    " area_dangerous area_new area_exclusive area_shared",
    "jj5176": "reporter_code reporter_name sheet_type form_year row_name row_code unit owned"
    " exclusive",
    "finance_county": "region_name general_budget edu_exp_total edu_exp_preschool edu_exp_primary"
    " edu_exp_junior edu_exp_senior edu_exp_vocational edu_exp_special edu_exp_other"
    " edu_fund_total edu_fund_operating edu_fund_capital edu_fund_surcharge",
    "finance_school": "school_code school_name income_total income_fiscal expenditure_total"
    " personnel public_expenditure public_appropriation training",
    "population": "age region_name sex population",
    "nbs_education_funding": "region_name year amount_10k_yuan",
    "nbs_enrolment": "indicator_name year value",
}


def _form(rows: Iterable[Row], code: str, kind: str, row_name: str, **cells: object) -> list[Row]:
    text = {name: None if value is None else str(value) for name, value in cells.items()}
    return [*rows, {"reporter_code": code, "sheet_type": kind, "row_name": row_name, **text}]


def register() -> list[Row]:
    """The school register; the same in all three school years."""
    # code, name, type, county, stands in, organiser, place, planned, recognised (from, to)
    lines = [
        (P1, "P1小学", "211", A, A, "831", "111", "1990", None),
        (P2, "P2小学", "211", A, A, "999", "220", "2015", None),
        (P3, "P3小学", "211", A, A, "831", "210", "1980", None),
        (T1, "T1教学点", "218", A, A, "831", "220", "1970", None),
        (N1, "N1学校", "312", B, B, "831", "121", "2000", None),
        (C1, "C1中学", "341", M, A, "821", "112", "1960", None),
        (J1, "J1初级中学", "311", A, A, "831", "111", "1995", None),
        (K1, "K1幼儿园", "111", A, A, "831", "111", "2010", None),
        (K2, "K2幼儿园", "111", B, B, "999", "121", "2018", ("20230901", "20270831")),
        (K3, "K3幼儿园", "111", B, B, "999", "210", "2016", ("20210901", "20250831")),
        (V1, "V1职业技术学校", "365", M, A, "821", "112", "1985", None),
    ]
    return [
        {
            "school_code": code,
            "school_name": name,
            "school_type_code": kind,
            "admin_code": f"{county}000000",
            "location_code": f"{place_county}001000",
            "organiser_code": organiser,
            "urban_rural_code": place,
            "planned_year": planned,
            "is_inclusive": "是" if recognised else "否",
            "inclusive_from": recognised[0] if recognised else None,
            "inclusive_to": recognised[1] if recognised else None,
        }
        for code, name, kind, county, place_county, organiser, place, planned, recognised in lines
    ]


def pupils(count: int, school: str, grade: str, **cells: str) -> list[Row]:
    """`count` equal pupils; unnamed columns take the usual values."""
    usual: Row = {
        "school_code": school,
        "grade": grade,
        "class_name": "1班",
        "birth_date": "20180501",
        "entry_month": "202509",
        "source_type": "正常入学",
        "is_migrant": "否",
        "is_purchased_place": "否",
        "status": "在读",
        "name": "张某",
    }
    return [{**usual, **cells}] * count


def students() -> dict[str, list[Row]]:
    """学籍 lists by school year."""
    return {
        Y25: [
            # P1: 60 on roll, 10 of them too old for 6-11 (12 on the very 1 September), 10 migrants
            *pupils(40, P1, "小学一年级"),
            *pupils(10, P1, "小学一年级", is_migrant="是"),
            *pupils(10, P1, "小学六年级", birth_date="2013.09.01"),
            *pupils(3, P1, "小学二年级", status="转出"),
            # P2, private: 20 on roll, 5 migrants, 2 of them in purchased places
            *pupils(15, P2, "小学一年级"),
            *pupils(3, P2, "小学一年级", is_migrant="是"),
            *pupils(2, P2, "小学一年级", is_migrant="是", is_purchased_place="是"),
            # N1: 120 primary (11 years old: one day short of 12) and 120 junior
            *pupils(120, N1, "小学六年级", birth_date="20130902"),
            *pupils(120, N1, "初中一年级", birth_date="20130101"),
            # C1: senior classes of 56 and 44
            *pupils(56, C1, "高中一年级", class_name="1班", birth_date="20100101"),
            *pupils(44, C1, "高中一年级", class_name="2班", birth_date="20100101"),
            # V1: 30 new pupils and 10 who repeat the first year
            *pupils(30, V1, "中职一年级", birth_date="20100101"),
            *pupils(10, V1, "中职一年级", birth_date="20090101", entry_month="202409"),
            # J1, the cohort in its third year: 46 on roll (1 came in), 1 paused, 1 left
            *pupils(45, J1, "初中三年级", birth_date="20110101", entry_month="202309"),
            *pupils(1, J1, "初中三年级", entry_month="202309", source_type="转入"),
            *pupils(1, J1, "初中三年级", entry_month="202309", status="休学"),
            *pupils(1, J1, "初中三年级", entry_month="202309", status="转出"),
        ],
        Y24: [
            *pupils(90, P1, "小学一年级", birth_date="20170501"),
            *pupils(120, N1, "小学五年级", birth_date="20130902"),
            *pupils(90, N1, "初中一年级", birth_date="20120101"),
            # J1, second year: 48 who stayed, one of them died, and 1 who came in
            *pupils(47, J1, "初中二年级", entry_month="202309"),
            *pupils(1, J1, "初中二年级", entry_month="202309", status="死亡"),
            *pupils(1, J1, "初中二年级", entry_month="202309", source_type="转入"),
        ],
        Y23: [
            # J1, first year: 50 started, 2 left
            *pupils(48, J1, "初中一年级", entry_month="202309"),
            *pupils(2, J1, "初中一年级", entry_month="202309", status="转出"),
        ],
    }


def teacher(count: int, school: str, stage: str, degree: str, **cells: str | None) -> list[Row]:
    """`count` equal teachers on post, certified, with 400 hours of training."""
    usual: Row = {
        "school_code": school,
        "teaching_stage": stage,
        "highest_degree": degree,
        "post_status": "在职",
        "staff_type": "专任教师",
        "is_established": "是",
        "certificate_type": "教师资格证",
        "certificate_no": "20244500000000001",
        "backbone_level": "无",
        "work_start": "201009",
        "training_hours": "400学时",
        "name": "李某",
    }
    return [{**usual, **cells}] * count


def teachers() -> list[Row]:
    """The teacher system of 2025-2026."""
    return [
        # P1 primary: 8 本科, 2 专科, 1 高中阶段. Backbone: 2 valid, 1 lapsed, 1 of the school only.
        *teacher(4, P1, "小学", "本科"),
        *teacher(1, P1, "小学", "本科", backbone_level="县级", backbone_until="20260831"),
        *teacher(1, P1, "小学", "本科", backbone_level="市级", backbone_until="202709"),
        *teacher(1, P1, "小学", "本科", backbone_level="县级", backbone_until="20250831"),
        *teacher(1, P1, "小学", "本科", backbone_level="校级", backbone_until="20260831"),
        *teacher(2, P1, "小学", "专科"),
        *teacher(1, P1, "小学", "高中阶段", certificate_type="无", certificate_no=None),
        *teacher(1, P1, "学前教育", "专科"),
        # Not counted: retired, seconded away, not teaching.
        *teacher(1, P1, "小学", "本科", post_status="退休"),
        *teacher(1, P1, "小学", "本科", post_status="交流"),
        *teacher(1, P1, "小学", "本科", staff_type="行政人员"),
        # P2: 5 专科 (1 of them backbone of the region), 1 高中阶段
        *teacher(4, P2, "小学", "专科"),
        *teacher(1, P2, "小学", "专科", backbone_level="自治区级", backbone_until="20260831"),
        *teacher(1, P2, "小学", "高中阶段"),
        # N1 primary: 5 本科 (2 backbone), 1 专科, 1 高中以下; junior: 6 本科 (1 backbone), 1 专科
        *teacher(3, N1, "小学", "本科"),
        *teacher(2, N1, "小学", "本科", backbone_level="县级", backbone_until="20270831"),
        *teacher(1, N1, "小学", "专科"),
        *teacher(1, N1, "小学", "高中以下"),
        *teacher(5, N1, "初中", "本科"),
        *teacher(1, N1, "初中", "本科", backbone_level="县级", backbone_until="20270831"),
        *teacher(1, N1, "初中", "专科"),
        # C1 junior: 11 本科 (3 backbone), 1 硕士, 2 专科; senior: 4 本科, 1 硕士
        *teacher(8, C1, "初中", "本科"),
        *teacher(3, C1, "初中", "本科", backbone_level="国家级", backbone_until="20270831"),
        *teacher(1, C1, "初中", "硕士研究生"),
        *teacher(2, C1, "初中", "专科"),
        *teacher(4, C1, "普通高中", "本科"),
        *teacher(1, C1, "普通高中", "硕士研究生"),
        # J1: 12 本科; one certificate without a number; training: one new teacher, one lagging
        *teacher(9, J1, "初中", "本科"),
        *teacher(1, J1, "初中", "本科", certificate_no=None),
        *teacher(1, J1, "初中", "本科", work_start="202409", training_hours="100学时"),
        *teacher(1, J1, "初中", "本科", training_hours="72学时"),
        *teacher(6, K1, "学前教育", "专科"),
        *teacher(2, K1, "学前教育", "高中阶段"),
        *teacher(3, K2, "学前教育", "专科"),
        *teacher(1, K3, "学前教育", "专科"),
        *teacher(1, K3, "学前教育", "高中以下"),
        *teacher(2, V1, "中等职业教育", "本科"),
    ]


def census() -> dict[str, list[Row]]:
    """教基 workbooks of 2025-2026 (one per school). P3 sent nothing, J1 no 5176, K3 no premises."""
    forms: dict[str, list[Row]] = defaultdict(list)

    def put(form: str, code: str, kind: str, row: str, **cells: object) -> None:
        forms[form] = _form(forms[form], code, kind, row, **cells)

    # pupils: enrolment, girls, entrants, last grade
    for code, kind, all_, girls in (
        (P1, "小学", 200, 95), (P2, "小学", 100, 48), (T1, "小学教学点", 30, 14),
        (N1, "九年一贯制学校", 120, 60),
    ):  # fmt: skip
        put("jj3112", code, kind, "总计", enrolment=all_, enrolment_female=girls, entrants=20,
            grade_6=15, graduates="-")  # fmt: skip
        put("jj3112", code, kind, "#女", enrolment=girls)
    for code, kind, all_, last in (
        (N1, "九年一贯制学校", 100, 30), (C1, "完全中学", 220, 70), (J1, "初级中学", 180, 60),
    ):  # fmt: skip
        put("jj3115", code, kind, "总计", enrolment=all_, grade_9=last, entrants=40)

    # kindergarten children by group; P1 has one attached mixed class of 20
    for code, kind, row, classes, bands, children in (
        (K1, "幼儿园", "托班", 1, {"c_le20": 1}, 10),
        (K1, "幼儿园", "小班", 1, {"c_21_25": 1}, 24),
        (K1, "幼儿园", "中班", 1, {"c_31_35": 1}, 32),
        (K1, "幼儿园", "大班", 1, {"c_26_30": 1}, 30),
        (K1, "幼儿园", "总计", 4, {"c_le20": 1, "c_21_25": 1, "c_26_30": 1, "c_31_35": 1}, 96),
        (P1, "附设幼儿班", "混合班", 1, {"c_le20": 1}, 20),
        (P1, "附设幼儿班", "总计", 1, {"c_le20": 1}, 20),
        (K2, "幼儿园", "小班", 1, {"c_le20": 1}, 20),
        (K2, "幼儿园", "大班", 1, {"c_ge36": 1}, 36),
        (K2, "幼儿园", "总计", 2, {"c_le20": 1, "c_ge36": 1}, 56),
        (K3, "幼儿园", "中班", 2, {"c_le20": 2}, 38),
        (K3, "幼儿园", "总计", 2, {"c_le20": 2}, 38),
    ):
        put("jj2105", code, kind, row, classes=classes, children=children, **bands)

    # class sizes: row 总计 only
    for form, code, classes, bands in (
        ("jj2106", P1, 5, {"c_36_40": 2, "c_41_45": 2, "c_56_60": 1}),
        ("jj2106", P2, 2, {"c_26_30": 1, "c_ge66": 1}),
        ("jj2106", T1, 1, {"c_26_30": 1}),
        ("jj2106", N1, 3, {"c_36_40": 3}),
        ("jj2107", N1, 2, {"c_46_50": 2}),
        ("jj2107", C1, 4, {"c_51_55": 2, "c_56_60": 2}),
        ("jj2107", J1, 4, {"c_41_45": 4}),
    ):
        put(form, code, "小学", "总计", classes=classes, **bands)

    # full-time teachers by degree (rows) and their PE, music, fine art, art teachers (总计 row)
    for code, stage, degrees, arts in (
        (P1, "小学", {"本科": 8, "专科": 2, "高中阶段": 1}, {"c_pe": 1, "c_music": 1}),
        (P2, "小学", {"专科": 5, "高中阶段": 1}, {"c_fine_art": 1}),
        (T1, "小学", {}, {}),
        (N1, "小学", {"本科": 5, "专科": 1, "高中以下": 1}, {"c_pe": 1, "c_art": 1}),
        (N1, "初中", {"本科": 6, "专科": 1}, {"c_pe": 1}),
        (C1, "初中", {"硕士研究生": 1, "本科": 11, "专科": 2}, {"c_pe": 1, "c_music": 1}),
        (J1, "初中", {"本科": 12}, {"c_pe": 2}),
    ):
        arts_all = {"c_pe": 0, "c_music": 0, "c_fine_art": 0, "c_art": 0, **arts}
        put("jj4155", code, stage, "总计", total=sum(degrees.values()), **arts_all)
        for degree in ("博士研究生", "硕士研究生", "本科", "专科", "高中阶段", "高中以下"):
            put("jj4155", code, stage, degree, total=degrees.get(degree, 0))

    put("jj4149", P1, "小学", "总计", staff=15, teachers=11)

    # buildings in ㎡: teaching and auxiliary rooms, of which indoor sports
    for code, kind, teaching, gym in (
        (P1, "小学", 1100, 100), (P2, "小学", 450, "-"), (T1, "小学教学点", 300, 0),
        (N1, "九年一贯制学校", 1150, 0), (C1, "完全中学", 1970, 100), (J1, "初级中学", 900, 0),
    ):  # fmt: skip
        put("jj5170", code, kind, "教学及辅助用房", area_owned=teaching, area_shared=999)
        put("jj5170", code, kind, "#室内体育用房", area_owned=gym)
    for code, floor, rooms in ((K1, 576, 480), (K2, 616, 504)):
        put("jj5170", code, "幼儿园", "总计", area_owned=floor - 100, area_exclusive=100)
        put("jj5170", code, "幼儿园", "#幼儿活动用房", area_owned=rooms)

    # 5176: sports ground ㎡, equipment 万元, networked classrooms, terminals
    for code, kind, ground, equipment, classrooms, terminals in (
        (P1, "小学", 1500, "50.00", 4, 20),
        (P2, "小学", 600, "20", 5, 10),
        (T1, "小学教学点", 300, "3", 1, 3),
        (N1, "九年一贯制学校", 2300, "69", 23, 46),
        (C1, "完全中学", 2620, "93.5", 9, 34),
    ):
        put("jj5176", code, kind, "运动场地面积", unit="㎡", owned=ground, exclusive="-")
        put("jj5176", code, kind, "#教学仪器设备资产值", unit="万元", owned=equipment)
        put("jj5176", code, kind, "网络多媒体教室", unit="间", owned=classrooms)
        put("jj5176", code, kind, "教学用终端", unit="台", owned=terminals)
    for code, outdoor in ((K1, 240), (K2, 168)):
        put("jj5176", code, "幼儿园", "室外游戏场地面积", unit="㎡", owned=outdoor)
    return dict(forms)


def summaries() -> dict[tuple[str, str], list[Row]]:
    """County sums of earlier years: 3112 only, as far as the indicators of 2025 need them."""
    forms: dict[tuple[str, str], list[Row]] = defaultdict(list)

    def put(period: str, county: str, **cells: object) -> None:
        key = ("jj3112", period)
        forms[key] = _form(forms[key], county, "汇总", "总计", **cells)

    put(Y24, A, enrolment=360, entrants=55)
    put(Y23, A, enrolment=420, entrants=60)
    # The cohort in 初三 in September 2025 entered primary school in September 2017 ...
    put("2017-2018", A, entrants=70, enrolment=400)
    put("2017-2018", B, entrants=40, enrolment=240)
    put("2017-2018", M, entrants=60, enrolment=300)
    # ... and not in 2016.
    put("2016-2017", A, entrants=999, enrolment=400)
    return dict(forms)


def finance() -> Sheets:
    """Settlement in 万元 (counties) and 教财基 in 千元 (schools)."""
    return {
        ("finance_county", "2024"): [
            {"region_name": "万秀区", "general_budget": "5,500.00", "edu_exp_total": "1,000.00",
             "edu_exp_primary": "480.00", "edu_fund_total": "900"},
            {"region_name": "苍梧县", "general_budget": "2900", "edu_exp_total": "500.00",
             "edu_fund_total": "440"},
            {"region_name": "市本级", "general_budget": "950", "edu_exp_total": "200.00",
             "edu_fund_total": "140"},
        ],
        ("finance_county", "2025"): [
            {"region_name": "万秀区", "general_budget": "6,000.00", "edu_exp_total": "1,100.00",
             "edu_exp_primary": "504.00", "edu_fund_total": "1,050.00"},
            {"region_name": "苍梧县", "general_budget": "3000", "edu_exp_total": "490.00",
             "edu_fund_total": "450"},
            {"region_name": "市本级", "general_budget": "1000", "edu_exp_total": "200.00",
             "edu_fund_total": "150"},
        ],
        ("finance_school", "2025"): [
            {"school_code": P1, "public_appropriation": "100", "public_expenditure": "100",
             "training": "6"},
            {"school_code": N1, "public_appropriation": "230", "public_expenditure": "230",
             "training": "9.2"},
        ],
    }  # fmt: skip


def population() -> list[Row]:
    """Residents on 1 September 2025 by single age; the first ages of a group carry it all."""
    groups = {
        A: ((3, 120), (6, 100), (12, 400), (15, 100)),
        B: ((3, 100), (6, 250 - 100), (12, 125), (15, 75)),
    }
    names = {A: "万秀区", B: "苍梧县"}
    rows: list[Row] = []
    for county, values in groups.items():
        at = dict(values)
        for age in range(19):
            count = str(at.get(age, 0))
            rows.append(
                {"age": str(age), "region_name": names[county], "sex": "合计", "population": count}
            )
            rows.append(
                {"age": str(age), "region_name": names[county], "sex": "男", "population": "1"}
            )
        rows.append(
            {"age": "合计", "region_name": names[county], "sex": "合计", "population": "9999"}
        )
    return rows


def sheets() -> Sheets:
    """Everything, by dataset and period."""
    out: Sheets = {("school_register", period): register() for period in (Y23, Y24, Y25)}
    out |= {("students", period): rows for period, rows in students().items()}
    out[("teachers", Y25)] = teachers()
    out |= {(form, Y25): rows for form, rows in census().items()}
    out |= summaries()
    out |= finance()
    out[("population", "2025")] = population()
    out[("nbs_education_funding", "all")] = [
        {"region_name": "广西", "year": "2023年", "amount_10k_yuan": "18018290"},
        {"region_name": "广西", "year": "2024年", "amount_10k_yuan": ""},
    ]
    for found in pkgutil.iter_modules(parts.__path__, f"{parts.__name__}."):
        part = importlib.import_module(found.name)
        COLUMNS.update(part.COLUMNS)
        out |= part.sheets()
    return out


def publish(conn: psycopg.Connection, content: Sheets) -> dict[tuple[str, str], int]:
    """Put the sheets into raw tables as published batches; return the batch ids."""
    ids: dict[tuple[str, str], int] = {}
    with conn.transaction(), conn.cursor() as cur:
        for (dataset, period), rows in content.items():
            columns = COLUMNS[dataset].split()
            parent = sql.Identifier("raw", dataset)
            cur.execute(
                sql.SQL(
                    "create table if not exists {} ({}, _batch_id bigint not null,"
                    " _file integer not null, _row bigint not null) partition by list (_batch_id)"
                ).format(
                    parent,
                    sql.SQL(", ").join(
                        sql.SQL("{} text").format(sql.Identifier(name)) for name in columns
                    ),
                )
            )
            cur.execute(
                "insert into ops.batch (dataset, period, status, content_hash, contract_version,"
                " contract_hash, row_count) values (%s, %s, 'published', md5(random()::text),"
                " '1.0.0', 'mini', %s) returning batch_id",
                (dataset, period, len(rows)),
            )
            batch_id = int((cur.fetchone() or (0,))[0])
            ids[(dataset, period)] = batch_id
            cur.execute(
                sql.SQL("create table {} partition of {} for values in ({})").format(
                    sql.Identifier("raw", f"{dataset}__b{batch_id}"), parent, sql.Literal(batch_id)
                )
            )
            with cur.copy(
                sql.SQL("copy {} ({}, _batch_id, _file, _row) from stdin").format(
                    parent, sql.SQL(", ").join(map(sql.Identifier, columns))
                )
            ) as copy:
                for number, row in enumerate(rows, 2):
                    unknown = set(row) - set(columns)
                    if unknown:
                        raise AssertionError(f"{dataset} has no column {sorted(unknown)}")
                    copy.write_row([*(row.get(name) for name in columns), batch_id, 1, number])
    return ids
