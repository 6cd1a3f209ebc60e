"""Plausible rows of marts.ind_progress and marts.ind_value for scorecard tests.

Numbers are invented and regular on purpose: a test can work out by hand what the page must say.
"""

from typing import Any

import psycopg

PLAN = "demo-2025-2027"
PLAN_NAME = "梧州市教育提质发展三年行动方案（2025—2027年）"
ACTIONS = {
    "1": "立德树人提质行动",
    "2": "学前教育普及普惠行动",
    "3": "义务教育优质均衡行动",
    "4": "普通高中振兴行动",
    "5": "职业教育融合行动",
    "6": "数字教育赋能行动",
    "safeguard": "保障措施",
}
COUNTIES = {
    "450401": "市直",
    "450403": "万秀区",
    "450405": "长洲区",
    "450406": "龙圩区",
    "450421": "苍梧县",
    "450422": "藤县",
    "450423": "蒙山县",
    "450481": "岑溪市",
}
# code, action, Chinese name, unit, direction, baseline 2024, target 2027, value 2025, op, threshold
INDICATORS: list[tuple[str, str, str, str, str, Any, Any, Any, Any, Any]] = [
    ("TCH-01", "1", "专任教师学历合格率", "%", "higher_better", 99.6, 100, 99.78, None, None),
    ("TCH-02", "1", "专任教师高于规定学历比例", "%", "higher_better", 78.0, 84, 79.1, None, None),
    ("TCH-03", "1", "教师资格证持证上岗率", "%", "higher_better", 97.9, 100, 98.9, ">=", 100),
    ("TCH-04", "1", "教师5年360学时培训完成率", "%", "higher_better", 82, 95, 86.9, ">=", 100),
    ("TCH-05", "1", "教师培训经费占公用经费比例", "%", "higher_better", None, None, 4.6, ">=", 5),
    ("TCH-09", "1", "生师比", "ratio", "target_band", None, None, 16.4, None, None),
    ("PRE-01", "2", "学前三年毛入园率", "%", "higher_better", 92.1, 95, 93.2, ">=", 85),
    ("PRE-02", "2", "普惠性幼儿园覆盖率", "%", "higher_better", 86, 92, 88.6, ">=", 80),
    ("PRE-03", "2", "公办园在园幼儿占比", "%", "higher_better", 52, 60, 53.1, ">=", 50),
    ("PRE-04", "2", "幼儿园专任教师与幼儿比", "ratio", "lower_better", 13.9, 12.5, 13.4, "<=", 15),
    ("PRE-05", "2", "幼儿园班额达标率", "%", "higher_better", 90, 96, 92.4, ">=", 85),
    (
        "PRE-08",
        "2",
        "幼儿园办园条件达标率(生均建筑/活动用房/室外场地)",
        "%",
        "higher_better",
        None,
        None,
        61.3,
        None,
        None,
    ),
    ("PRE-11", "2", "托幼一体化幼儿园占比", "%", "higher_better", None, None, 31.0, None, None),
    (
        "CMP-01P",
        "3",
        "每百名学生拥有高于规定学历教师数(小学)",
        "人/百生",
        "higher_better",
        5.31,
        5.8,
        5.52,
        ">=",
        4.2,
    ),
    (
        "CMP-01J",
        "3",
        "每百名学生拥有高于规定学历教师数(初中)",
        "人/百生",
        "higher_better",
        6.02,
        6.6,
        6.1,
        ">=",
        5.3,
    ),
    (
        "CMP-02P",
        "3",
        "每百名学生拥有县级以上骨干教师数(小学)",
        "人/百生",
        "higher_better",
        0.82,
        1.1,
        0.85,
        ">=",
        1,
    ),
    (
        "CMP-02J",
        "3",
        "每百名学生拥有县级以上骨干教师数(初中)",
        "人/百生",
        "higher_better",
        0.91,
        1.2,
        1.01,
        ">=",
        1,
    ),
    (
        "CMP-03P",
        "3",
        "每百名学生拥有体育、艺术(美术、音乐)专任教师数(小学)",
        "人/百生",
        "higher_better",
        0.88,
        1.0,
        0.93,
        ">=",
        0.9,
    ),
    (
        "CMP-03J",
        "3",
        "每百名学生拥有体育、艺术(美术、音乐)专任教师数(初中)",
        "人/百生",
        "higher_better",
        0.93,
        1.0,
        1.01,
        ">=",
        0.9,
    ),
    (
        "CMP-04P",
        "3",
        "生均教学及辅助用房面积(小学)",
        "㎡/生",
        "higher_better",
        4.4,
        4.9,
        4.49,
        ">=",
        4.5,
    ),
    (
        "CMP-04J",
        "3",
        "生均教学及辅助用房面积(初中)",
        "㎡/生",
        "higher_better",
        5.7,
        6.2,
        5.9,
        ">=",
        5.8,
    ),
    (
        "CMP-05P",
        "3",
        "生均体育运动场馆面积(小学)",
        "㎡/生",
        "higher_better",
        7.1,
        7.8,
        7.36,
        ">=",
        7.5,
    ),
    (
        "CMP-05J",
        "3",
        "生均体育运动场馆面积(初中)",
        "㎡/生",
        "higher_better",
        9.8,
        10.6,
        10.1,
        ">=",
        10.2,
    ),
    (
        "CMP-06P",
        "3",
        "生均教学仪器设备值(小学)",
        "元/生",
        "higher_better",
        1890,
        2200,
        2012,
        ">=",
        2000,
    ),
    (
        "CMP-06J",
        "3",
        "生均教学仪器设备值(初中)",
        "元/生",
        "higher_better",
        2610,
        2900,
        2640,
        ">=",
        2500,
    ),
    (
        "CMP-07P",
        "3",
        "每百名学生拥有网络多媒体教室数(小学)",
        "间/百生",
        "higher_better",
        2.4,
        2.7,
        2.52,
        ">=",
        2.3,
    ),
    (
        "CMP-07J",
        "3",
        "每百名学生拥有网络多媒体教室数(初中)",
        "间/百生",
        "higher_better",
        2.5,
        2.8,
        2.59,
        ">=",
        2.4,
    ),
    (
        "CMP-08P",
        "3",
        "小学7项资源配置指标校际差异系数(逐项)",
        "ratio",
        "lower_better",
        0.53,
        0.45,
        0.512,
        "<=",
        0.5,
    ),
    (
        "CMP-08J",
        "3",
        "初中7项资源配置指标校际差异系数(逐项)",
        "ratio",
        "lower_better",
        0.47,
        0.42,
        0.46,
        "<=",
        0.45,
    ),
    ("CMP-09", "3", "7项指标综合达标学校比例", "%", "higher_better", 56, 80, 58.4, ">=", 100),
    (
        "CMP-10",
        "3",
        "标准班额达标率(小学≤45人、初中≤50人)",
        "%",
        "higher_better",
        71,
        85,
        76.2,
        ">=",
        100,
    ),
    ("CMP-11", "3", "大班额比例(56人及以上)", "%", "lower_better", 3.8, 0.5, 3.4, "<=", 5),
    ("CMP-12", "3", "超大班额比例(66人及以上)", "%", "lower_better", 0.4, 0, 0.0, "<=", 2),
    ("CMP-13", "3", "九年义务教育巩固率", "%", "higher_better", 95.6, 97, 95.9, None, None),
    ("CMP-14", "3", "初中三年巩固率", "%", "higher_better", 97.2, 98.5, 97.8, ">=", 95),
    ("CMP-15", "3", "小学学龄人口净入学率", "%", "higher_better", None, None, 99.6, ">=", 99),
    ("CMP-16", "3", "初中阶段毛入学率", "%", "higher_better", None, None, 104.2, None, None),
    (
        "CMP-18",
        "3",
        "随迁子女在公办学校(含政府购买学位)就读比例",
        "%",
        "higher_better",
        88,
        93,
        90.1,
        ">=",
        85,
    ),
    ("SEN-01", "4", "高中阶段教育毛入学率", "%", "higher_better", 91.2, 94, 91.3, ">=", 92),
    ("SEN-03", "4", "普通高中大班额比例(56人及以上)", "%", "lower_better", 9.2, 0, 5.9, "<=", 0),
    (
        "SEN-04",
        "4",
        "普通高中专任教师研究生学历比例",
        "%",
        "higher_better",
        8.1,
        12,
        9.5,
        None,
        None,
    ),
    (
        "SEN-07",
        "4",
        "普通高中生均公用经费",
        "yuan/student/year",
        "higher_better",
        None,
        None,
        1204,
        ">=",
        1000,
    ),
    ("VOC-01", "5", "职普招生比", "ratio", "target_band", None, None, 0.68, None, None),
    (
        "DIG-10",
        "6",
        "每百名学生拥有教学用终端(计算机)数",
        "units",
        "higher_better",
        11.2,
        13.5,
        11.6,
        None,
        None,
    ),
    (
        "FIN-01",
        "safeguard",
        "一般公共预算教育支出同比(只增不减之一)",
        "%",
        "higher_better",
        None,
        None,
        3.2,
        ">=",
        0,
    ),
    (
        "FIN-02",
        "safeguard",
        "生均一般公共预算教育支出同比(只增不减之二,分学段)",
        "%",
        "higher_better",
        None,
        None,
        -1.4,
        ">=",
        0,
    ),
    (
        "FIN-03",
        "safeguard",
        "一般公共预算教育经费占一般公共预算支出比例",
        "%",
        "higher_better",
        19.8,
        21,
        20.3,
        None,
        None,
    ),
    (
        "FIN-05",
        "safeguard",
        "义务教育生均公用经费达标",
        "yuan/pupil/year",
        "higher_better",
        1105,
        1250,
        1161,
        ">=",
        720,
    ),
]
# Parts of an indicator: parent, Chinese name, unit, value, threshold op, threshold
DETAILS: list[tuple[str, str, str, float, str, float]] = [
    (f"CMP-08{stage}#{n}", f"校际差异系数:第{n}项", "ratio", value, "<=", limit)
    for stage, limit, values in (
        ("P", 0.5, (0.31, 0.512, 0.44, 0.39, 0.48, 0.42, 0.36)),
        ("J", 0.45, (0.29, 0.46, 0.41, 0.33, 0.44, 0.38, 0.3)),
    )
    for n, value in enumerate(values, 1)
]
GAPS: dict[tuple[str, str], dict[str, int]] = {
    ("CMP-05P", "450422"): {"expected_units": 120, "reporting_units": 112},
    ("PRE-05", "450422"): {"expected_units": 90, "reporting_units": 88},
    ("PRE-05", "450423"): {"expected_units": 40, "reporting_units": 37},
}
NOT_CONNECTED = "数据来源尚未接入:重点任务分解表进度台账"
NO_DATA: list[tuple[str, str, str, str]] = [
    (
        "MOR-01",
        "1",
        "中小学校党组织领导的校长负责制落实率",
        "数据来源尚未接入:体质健康数据上报系统",
    ),
    ("MOR-03", "1", "学生体质健康优良率", NOT_CONNECTED),
    ("MOR-04", "1", "儿童青少年总体近视率", "数据来源尚未接入:双减/课后服务台账"),
    ("PRE-09", "2", "乡镇公办中心园覆盖率", NOT_CONNECTED),
    ("PRE-12", "2", "学前教育普及普惠国家认定县数", "数据来源尚未接入:集团学区名册"),
    ("CMP-17", "3", "残疾儿童少年义务教育入学率", NOT_CONNECTED),
    ("CMP-19", "3", "优质高中招生名额分配比例", "数据来源尚未接入:督导认定文件"),
    ("CMP-23", "3", "新增基础教育学位数", NOT_CONNECTED),
    ("SEN-02", "4", "自治区星级特色普通高中创建数", "数据来源尚未接入:星级高中名册"),
    ("VOC-04", "5", "中职“双师型”专业课教师占比", "数据来源尚未接入:教师全生命周期精准培养平台"),
    ("VOC-05", "5", "中职学校办学条件达标率", NOT_CONNECTED),
    ("DIG-01", "6", "规划数字平台建成上线数", "数据来源尚未接入:星级高中名册"),
    ("DIG-02", "6", "平台数据按期入仓率", "数据来源尚未接入:全国中小学生学籍系统/残联"),
    ("DIG-05", "6", "学生信息素养测评参测率", NOT_CONNECTED),
    ("TSK-01", "safeguard", "重点任务按期完成率", "数据来源尚未接入:体质健康数据上报系统"),
    ("MOR-02", "1", "清廉学校建设达标率", NOT_CONNECTED),
    ("MOR-05", "1", "课后服务学生参与率", "数据来源尚未接入:双减/课后服务台账"),
    ("MOR-06", "1", "配备专(兼)职心理健康教师的学校比例", NOT_CONNECTED),
    ("TCH-06", "1", "交流轮岗教师比例", "数据来源尚未接入:集团学区名册"),
    ("TCH-07", "1", "交流轮岗中骨干教师占比", NOT_CONNECTED),
    ("TCH-08", "1", "义务教育教师平均工资与公务员平均工资之比", "数据来源尚未接入:督导认定文件"),
    ("PRE-06", "2", "园长、专任教师持证上岗率", NOT_CONNECTED),
    ("PRE-10", "2", "集团化办园覆盖率", "数据来源尚未接入:教师全生命周期精准培养平台"),
    ("CMP-20", "3", "集团化办学/学区化治理覆盖率", NOT_CONNECTED),
    ("CMP-21", "3", "紧密型示范学区(集团)数", "数据来源尚未接入:全国中小学生学籍系统/残联"),
    ("CMP-22", "3", "义务教育优质均衡国家认定县数", NOT_CONNECTED),
    ("SEN-05", "4", "县域普通高中办学条件达标率", "数据来源尚未接入:体质健康数据上报系统"),
    ("SEN-06", "4", "县域普通高中托管帮扶覆盖率", NOT_CONNECTED),
    ("VOC-02", "5", "普职双向互通学生数:普高转中职", "数据来源尚未接入:双减/课后服务台账"),
    ("VOC-03", "5", "普职双向互通学生数:中职转普高", NOT_CONNECTED),
    ("VOC-06", "5", "专业与重点产业匹配率", "数据来源尚未接入:集团学区名册"),
    ("DIG-03", "6", "教师平台建档率", NOT_CONNECTED),
    ("DIG-04", "6", "教师平台人均有效研修学时", "数据来源尚未接入:督导认定文件"),
    ("DIG-06", "6", "学生信息素养测评合格率", NOT_CONNECTED),
    (
        "DIG-07",
        "6",
        "继续教育和终身教育课程资源数及年学习人次",
        "数据来源尚未接入:教师全生命周期精准培养平台",
    ),
    ("DIG-08", "6", "高中阶段学校统一平台录取率", NOT_CONNECTED),
    (
        "FIN-04",
        "safeguard",
        "国家财政性教育经费占GDP比例(参照)",
        "数据来源尚未接入:全国中小学生学籍系统/残联",
    ),
    ("FIN-06", "safeguard", "教育专项资金执行率", NOT_CONNECTED),
    ("TSK-02", "safeguard", "逾期任务数", "数据来源尚未接入:体质健康数据上报系统"),
]
COLUMNS = (
    "plan_version text, plan_name_zh text, is_demonstration boolean, indicator_code text,"
    " action_code text, action_name_zh text, indicator_name_zh text, indicator_name_en text,"
    " unit text, direction text, region_level text, region_code text, region_name text,"
    " period text, period_year integer, value numeric, numerator numeric, denominator numeric,"
    " coverage_pct numeric, baseline_year integer, baseline_value numeric, target_2025 numeric,"
    " target_2026 numeric, target_2027 numeric, trajectory_value numeric, distance numeric,"
    " distance_pct numeric, progress_pct numeric, status text, status_label_zh text,"
    " no_data_reason text, sort_order integer, band_low numeric, band_high numeric,"
    " expected_units integer, reporting_units integer, threshold_value numeric,"
    " threshold_op text, threshold_met boolean,"
    " definition_zh text, source_document text"
)
NAMES = tuple(part.split()[0] for part in COLUMNS.split(","))


def _row(**values: Any) -> dict[str, Any]:
    return {name: values.get(name) for name in NAMES}


def _judge(value: float, base: Any, final: Any, year: int, direction: str) -> dict[str, Any]:
    """Linear trajectory 2024 → 2027; off track when more than a tenth of the step is missing."""
    if final is None:
        return {"status": "no_target"}
    step = final - base
    at = base + step * (year - 2024) / 3
    distance = (value - at) if direction == "higher_better" else (at - value)
    share = distance / abs(step) * 100
    done = (value - base) / step * 100
    status = "on_track" if share >= 0 else "at_risk" if share >= -10 else "off_track"
    return {
        "trajectory_value": at,
        "distance": distance,
        "distance_pct": share,
        "progress_pct": done,
        "status": "met" if done >= 100 else status,
        "target_2025": base + step / 3,
        "target_2026": base + step * 2 / 3,
        "target_2027": final,
    }


def progress_rows() -> list[dict[str, Any]]:
    """Rows of marts.ind_progress: 43 computed indicators, three years, eight regions, 15 silent."""
    rows = []
    for number, (code, action, name, unit, way, base, final, value, op, limit) in enumerate(
        INDICATORS
    ):
        fiscal = code.startswith("FIN")
        common = {
            "plan_version": PLAN,
            "plan_name_zh": PLAN_NAME,
            "is_demonstration": True,
            "indicator_code": code,
            "sort_order": number,
            "action_code": action,
            "action_name_zh": ACTIONS[action],
            "indicator_name_zh": name,
            "indicator_name_en": f"Indicator {code}",
            "unit": unit,
            "direction": way,
            "baseline_year": 2024 if base is not None else None,
            "baseline_value": base,
            "threshold_op": op,
            "threshold_value": limit,
            "definition_zh": f"{name}的定义",
        }
        start = base if base is not None else value * 0.98
        past = start - (value - start) * 0.7
        for year, amount in ((2023, past), (2024, start), (2025, value)):
            rows.append(
                _row(
                    **common,
                    region_level="city",
                    region_code="450400",
                    region_name="梧州市",
                    period=str(year) if fiscal else f"{year}-{year + 1}",
                    period_year=year,
                    value=amount,
                    coverage_pct=97.4 if code in ("CMP-05P", "PRE-05") else 100,
                    threshold_met=None
                    if op is None
                    else (amount >= limit if op == ">=" else amount <= limit),
                    **_judge(amount, base, final, year, way),
                )
            )
        spread = abs(final - base) if final is not None else abs(value) * 0.1
        for place, (region, region_name) in enumerate(COUNTIES.items()):
            if code in ("CMP-13", "SEN-01") or (region == "450401" and action == "2"):
                continue
            shift = ((number * 7 + place * 5 + number * place) % 17 - 9) / 18 * spread
            amount = max(0.0, value + shift)
            if (number + place * 3) % 41 == 0:
                rows.append(
                    _row(
                        **common,
                        region_level="county",
                        region_code=region,
                        region_name=region_name,
                        period=str(2025) if fiscal else "2025-2026",
                        period_year=2025,
                        status="no_data",
                        no_data_reason="未报送",
                    )
                )
                continue
            rows.append(
                _row(
                    **common,
                    region_level="county",
                    region_code=region,
                    region_name=region_name,
                    period=str(2025) if fiscal else "2025-2026",
                    period_year=2025,
                    value=amount,
                    coverage_pct=100,
                    **_judge(amount, base, final, 2025, way),
                    **GAPS.get((code, region), {}),
                )
            )
    for number, (code, action, name, reason) in enumerate(NO_DATA, len(INDICATORS)):
        rows.append(
            _row(
                plan_version=PLAN,
                plan_name_zh=PLAN_NAME,
                is_demonstration=True,
                indicator_code=code,
                action_code=action,
                action_name_zh=ACTIONS[action],
                indicator_name_zh=name,
                sort_order=number,
                indicator_name_en=f"Indicator {code}",
                unit="%",
                direction="higher_better",
                region_level="city",
                region_code="450400",
                region_name="梧州市",
                period="2025-2026",
                period_year=2025,
                status="no_data",
                no_data_reason=reason,
            )
        )
    return rows


def fill(conn: psycopg.Connection[Any]) -> None:
    """Create the marts tables that the scorecard reads, fill them, and record some deliveries."""
    with conn.cursor() as cur:
        cur.execute("create schema if not exists marts")
        cur.execute(f"create table marts.ind_progress ({COLUMNS})")
        marks = ", ".join(f"%({name})s" for name in NAMES)
        cur.executemany(
            f"insert into marts.ind_progress ({', '.join(NAMES)}) values ({marks})",  # noqa: S608
            progress_rows(),
        )
        cur.execute(
            "create table marts.ind_value (indicator_code text, region_level text,"
            " region_code text, region_name text, breakdown text, breakdown_value text,"
            " period text, period_year integer, value numeric, numerator numeric,"
            " denominator numeric, expected_units integer, reporting_units integer,"
            " coverage_pct numeric)"
        )
        cur.execute("create schema if not exists ref")
        cur.execute(
            "create table ref.indicator (indicator_code text, parent_code text,"
            " indicator_name_zh text, indicator_name_en text, unit text)"
        )
        cur.execute(
            "create table ref.threshold (indicator_code text, stage text, threshold_op text,"
            " threshold_value numeric)"
        )
        for code, name, unit, value, op, limit in DETAILS:
            cur.execute(
                "insert into ref.indicator values (%s, %s, %s, %s, %s)",
                (code, code.partition("#")[0], name, None, unit),
            )
            cur.execute("insert into ref.threshold values (%s, 'all', %s, %s)", (code, op, limit))
            cur.execute(
                "insert into marts.ind_value (indicator_code, region_level, region_code,"
                " breakdown, period, period_year, value) values"
                " (%s, 'city', '450400', 'all', '2025-2026', 2025, %s)",
                (code, value),
            )
        _context(cur)
        _deliveries(cur)
    conn.commit()


def _context(cur: psycopg.Cursor[Any]) -> None:
    """What stands beside the values: a projection for every target, the rest for some."""
    cur.execute(
        "create table marts.ind_projection as select plan_version, indicator_code, region_level,"
        " value + 1 as projected_value, value - 2 as interval_low, value + 4 as interval_high,"
        " 3 as point_count, 'open' as outlook from marts.ind_progress"
        " where region_level = 'city' and period_year = 2025 and target_2027 is not null"
    )
    cur.execute(
        "create table marts.dim_stage as select * from (values ('all', '全部', 'all', 0),"
        " ('primary', '小学', 'primary', 2)) as s"
        " (stage, stage_name_zh, stage_name_en, sort_order)"
    )
    cur.execute(
        "create table marts.ind_benchmark as select * from (values"
        " ('PRE-01', 'all', '全国', 2024, 92.0, 93.2, true),"
        " ('PRE-01', 'all', '广西', 2023, 93.0, 93.2, true),"
        " ('PRE-01', 'all', '广西', 2018, 85.6, 93.2, false),"
        " ('TCH-02', 'primary', '全国', 2023, 78.03, 74.2, true)) as b"
        " (indicator_code, stage, area, period_year, value, city_value, is_latest)"
    )
    cur.execute(
        "create table ref.intl_match as select 'PRE-01' as indicator_code, 'value' as statistic,"
        " 'UIS GER (ISCED 02)' as international_indicator, 'match with caveat' as match_status"
    )
    cur.execute(
        "create table marts.ind_parity as select 'PRE-01' as indicator_code,"
        " 'city' as region_level, '2025-2026' as period, 2025 as period_year, 0.987 as gpi"
    )
    cur.execute(
        "create table marts.ind_plan_comparison as select 'demo-amended' as amended_version,"
        " %s as original_version, date '2026-06-30' as adopted_on, 'PRE-03' as indicator_code,"
        " 'city' as region_level, '450400' as region_code, period, true as is_amended,"
        " 'off_track' as original_status, 'on_track' as amended_status,"
        " 60 as original_target_2027, 54.5 as amended_target_2027"
        " from (values ('2024-2025'), ('2025-2026')) as v (period)",
        (PLAN,),
    )


DATASETS = {
    "school_register": "学校（机构）名录",
    "students": "学生学籍",
    "teachers": "教师信息",
    "jj3112": "教基3112 小学学生数",
    "jj3115": "教基3115 初中学生数",
    "jj2105": "教基2105 幼儿园班额",
    "jj2106": "教基2106 小学班额",
    "jj2107": "教基2107 初中班额",
    "jj4149": "教基4149 教职工",
    "jj4155": "教基4155 专任教师",
    "jj5170": "教基5170 校舍",
    "jj5176": "教基5176 资产",
    "finance_county": "教育经费决算（分县）",
    "finance_school": "学校经费",
    "population": "分县分年龄人口",
    "nbs_education_funding": "国家统计局 教育经费",
    "nbs_enrolment": "国家统计局 在校生数",
}


def _deliveries(cur: psycopg.Cursor[Any]) -> None:
    for number, dataset in enumerate(DATASETS):
        if dataset == "nbs_enrolment":
            continue
        cur.execute(
            "insert into ops.batch (dataset, period, status, content_hash, contract_version,"
            " contract_hash, row_count, accepted_count, quarantined_count, warning_count,"
            " landed_at, audited_at, published_at) values (%s, '2025-2026', 'published', %s,"
            " '1.0.0', 'c', %s, %s, %s, %s, '2026-11-20 08:00+00', '2026-11-20 08:05+00',"
            " '2026-11-20 08:06+00') returning batch_id",
            (dataset, f"h{number}", 61000 + number * 137, 60980, number * 3, number * 5),
        )
        batch = cur.fetchone()[0]  # type: ignore[index]
        for row in range(number * 3):
            cur.execute(
                "insert into quality.quarantined_row (batch_id, dataset, period, file_no, row_no,"
                " payload, rules, reasons, opened_at) values (%s, %s, '2025-2026', 1, %s, '{}',"
                " '{X-001}', '{x}', timestamptz '2026-11-20 08:06+00' + %s * interval '1 hour')",
                (batch, dataset, row + 5, number),
            )
    cur.execute(
        "insert into ops.batch (dataset, period, status, content_hash, contract_version,"
        " contract_hash, row_count, held_reason, landed_at, audited_at) values"
        " ('finance_county', '2025', 'held', 'held', '1.0.0', 'c', 9,"
        " 'FNC-004 与上年之比超出 0.1–10，疑为单位错误', '2026-11-21 01:00+00',"
        " '2026-11-21 01:02+00')"
    )
    cur.execute(
        "insert into ops.batch (dataset, period, status, content_hash, contract_version,"
        " contract_hash, error_code, landed_at) values"
        " ('teachers', '2025-2026', 'failed', 'f', '1.0.0', 'c', 'LND-014',"
        " '2026-11-22 01:00+00')"
    )
    cur.execute(
        "insert into ops.build (invocation_id, fingerprint, status, started_at, finished_at,"
        " node_count) values ('i', 'f', 'success', '2026-11-22 02:00+00',"
        " '2026-11-22 02:01+00', 120)"
    )
