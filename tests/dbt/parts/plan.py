"""Tasks, projects, funds, county economy and the lists of schools of the mini city.

The school register of 2021-2022 holds four senior highs and nothing else: H1 and H2 of county B
(苍梧县), H3 of 藤县, H4 of district A.
"""

from tests.dbt.mini_city import C1, J1, K1, N1, P1, A, B, Row, Sheets

Y21 = "2021-2022"
H1, H2, H3, H4 = "3445000101", "3445000102", "3445000103", "3445000104"
T_COUNTY = "450422"

COLUMNS = {
    "key_tasks": "task_no action_name group_code group_name task_name owner co_owners deadline"
    " deliverable note",
    "task_progress": "task_no quarter progress evidence start_date acceptance_date note",
    "new_places": "project_no project_name county town stage new_places planned_date"
    " completed_date is_in_use note",
    "platform_projects": "platform_name start_date acceptance_date live_date status as_of_date"
    " note",
    "special_funds": "county fund_name month budget spent note",
    "county_economy": "county gdp fiscal_education teacher_count teacher_pay civil_mean_pay",
    "star_schools": "county school phase star_level valid_from valid_to document_no",
    "school_groups": "group_name group_kind county lead_school member_school model_date valid_from"
    " valid_to",
    "recognitions": "kind county school recognised_date valid_to document_no",
    "support_agreements": "county school partner support_kind valid_from valid_to",
}


def rows(names: str, *lines: tuple[str | None, ...]) -> list[Row]:
    """Rows of a sheet with these columns."""
    return [dict(zip(names.split(), line, strict=True)) for line in lines]


def tasks() -> Sheets:
    """Thirteen tasks; reports of the first and third quarter of 2025 and the first of 2026."""
    report = "task_no quarter progress acceptance_date"
    return {
        ("key_tasks", "all"): rows(
            "task_no group_code owner co_owners deadline",
            ("T01", "1.1", "市教育局", "财政局、市人社局", "2025年6月底前"),
            ("T02", "1.1", "市教育局", None, "2025年6月底前"),
            ("T03", "2.1", "教育局", None, "2025年9月底前"),
            ("T04", "2.1", "苍梧县教育局", "市教育局", "2025年6月底前"),
            ("T05", "3.1", "市教育局", None, "每年"),
            ("T06", "3.1", "市教育局", None, "长期坚持"),
            ("T07", "4.1", "市教育局、市发改委", "市财政局", "2027年"),
            ("T08", "4.1", "市教育局", None, "2026年6月底前"),
            ("T09", "5.1", "市教育局", None, "按上级部署"),
            ("T10", "5.1", "市教育局", None, "2025年12月底前"),
            ("T11", "6.1", "市教育局", None, "2025年6月底前"),
            ("T12", "6.1", "市教育局", None, "2025年6月底"),
            ("T13", "6.2", "市教育局", None, "每年"),
        ),
        ("task_progress", "2025"): rows(
            report,
            ("T01", "第一季度", "50%", None),
            ("T01", "第三季度", "100%", "2025-06-30"),
            ("T02", "第三季度", "已完成", "20250701"),
            ("T03", "第三季度", "基本完成", None),
            ("T04", "第一季度", "0.8", None),
            ("T05", "第三季度", "0.5", None),
            ("T06", "第三季度", "推进中", None),
            ("T07", "第三季度", "未启动", None),
            ("T09", "第一季度", "已完成", "20250301"),
            ("T10", "第三季度", "已完成", "20250501"),
            ("T12", "第三季度", "1", None),
        ),
        ("task_progress", "2026"): rows(
            report,
            ("T03", "第一季度", "已完成", "20260115"),
            # the acceptance of the year before, carried along
            ("T13", "第一季度", "100%", "20251220"),
        ),
        ("platform_projects", "all"): rows(
            "platform_name start_date acceptance_date live_date as_of_date",
            ("教师全生命周期精准培养平台", "20250301", "20251020", "20251101", "20260331"),
            ("学生信息素养提升平台", "20250310", None, "20250601", "20260331"),
            ("继续教育和终身教育课程数字资源平台", "20250310", "20260110", "20260201", "20260331"),
            ("高中阶段学校招生录取平台", "20250401", None, None, "20260331"),
        ),
        ("new_places", "2025"): rows(
            "project_no county stage new_places completed_date is_in_use",
            ("1", "万秀区", "小学", "810", "20250820", "是"),
            ("2", "万秀区", "学前教育", "360", "20251231", "否"),
            ("3", "苍梧县", "初中", "1,080", "20250901", "是"),
            ("4", "苍梧县", "初中", "500", "20241220", "是"),
        ),
    }


def money() -> Sheets:
    """Funds and economy in 万元, the mean pay of civil servants in yuan."""
    return {
        ("special_funds", "2025"): rows(
            "county fund_name month budget spent",
            ("万秀区", "甲", "5", "100", "40"),
            ("万秀区", "甲", "6", "120", "60.00"),
            ("万秀区", "乙", "5", "50", "(2.00)"),
            ("苍梧县", "甲", "6", "30", "30"),
        ),
        ("county_economy", "2025"): rows(
            "county gdp fiscal_education teacher_count teacher_pay civil_mean_pay",
            ("万秀区", "1,000,000", "40,000", "1000", "9,000", "100,000"),
            ("苍梧县", "500,000", "25,000", "500", "5,500", "100,000"),
            ("市本级", "-", "5,000", "100", "1,200", "120,000"),
        ),
    }


def lists() -> Sheets:
    """Lists with validity dates."""
    return {
        ("school_register", Y21): [
            {
                "school_code": code,
                "school_name": name,
                "school_type_code": kind,
                "admin_code": f"{county}000000",
                "location_code": f"{county}001000",
                "organiser_code": "831",
                "urban_rural_code": "121",
            }
            for code, name, kind, county in (
                (H1, "苍梧县第一中学", "342", B),
                (H2, "苍梧县石桥中学", "341", B),
                (H3, "藤县第一中学", "342", T_COUNTY),
                (H4, "万秀区第一中学", "342", A),
            )
        ],
        ("star_schools", "all"): rows(
            "county school phase valid_from valid_to",
            ("苍梧县", H1, "创建", "20200901", "20220831"),
            ("苍梧县", H2, "创建", "20200901", "20220831"),
            ("苍梧县", "苍梧县石桥中学", "认定", "20210901", None),
            ("藤县", H3, "认定", "20210902", None),
            ("万秀区", H4, "立项", "20200901", "20210831"),
            ("市直", C1, "复评", "20230901", "20260831"),
        ),
        ("recognitions", "all"): rows(
            "kind county school recognised_date valid_to",
            ("学前教育普及普惠", "万秀区", None, "20241201", None),
            ("学前教育普及普惠", "苍梧县", None, "20250902", None),
            ("义务教育优质均衡", "万秀区", None, "20250901", None),
            ("清廉学校", "万秀区", "P1小学", "20230601", None),
            ("清廉学校", "万秀区", "小学", "20230601", None),
            ("清廉学校", "万秀区", "1幼儿园", "20230601", "20250901"),
            ("清廉学校", "苍梧县", N1, "20230601", "20250831"),
            ("清廉学校", "万秀区", "T1教学点", "20230601", None),
            ("县域普高办学条件达标", "苍梧县", H1, "20210831", None),
            ("县域普高办学条件达标", "苍梧县", H2, "20220301", None),
            ("县域普高办学条件达标", "藤县", "藤县第一中学", "20210901", None),
            ("县域普高办学条件达标", "万秀区", H4, "20200630", None),
        ),
        ("support_agreements", "all"): rows(
            "county school partner valid_from valid_to",
            ("苍梧县", "第一中学", "甲中学", "20200901", None),
            ("苍梧县", H2, "甲中学", "20190901", "20210831"),
        ),
        ("school_groups", "all"): rows(
            "group_name group_kind county lead_school member_school model_date valid_from valid_to",
            ("甲集团", "集团", "万秀区", P1, P1, "20250601", "20230901", None),
            ("甲集团", "集团", "万秀区", P1, J1, "20250601", "20230901", None),
            ("甲集团", "集团", "万秀区", P1, K1, "20250601", "20230901", None),
            ("乙学区", "学区", "苍梧县", "N1学校", "N1学校", "20250902", "20230901", None),
            ("乙学区", "学区", "苍梧县", "N1学校", "K2幼儿园", "20250902", "20230901", None),
            ("丙集团", "集团", "万秀区", "P2小学", "P2小学", "20240101", "20230901", "20250831"),
            ("丁学区", "学区", "万秀区", "P1小学", "T1教学点", None, "20240901", None),
        ),
    }


def sheets() -> Sheets:
    """Everything, by dataset and period."""
    return tasks() | money() | lists()
