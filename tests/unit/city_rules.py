"""The rules that accuse rows of the synthetic city, written once more in plain Python.

Slow and independent of the product: `accuse` reads a city's files and returns, for critical and
warning rules, who is accused: {(dataset, file, sheet, row): {rule ids}}.
"""

import csv
import datetime as dt
import io
import re
import unicodedata
from collections import defaultdict
from pathlib import Path

from python_calamine import CalamineWorkbook

# The datasets judged here; the others are compared by tests/integration/test_city_ledger.py only.
JUDGED = (
    *("school_register", "students", "teachers", "finance_county", "finance_school", "population"),
    *(f"jj{n}" for n in (2105, 2106, 2107, 3112, 3115, 4149, 4155, 5170, 5176)),
)
YEARS = ("2023-2024", "2024-2025", "2025-2026")
Accused = dict[tuple[str, str, str, int], set[str]]
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
GRADES = {
    **{f"小学{g}年级": ("小学", n) for n, g in enumerate("一二三四五六")},
    **{f"{s}{g}年级": (s, n) for s in ("初中", "高中", "中职") for n, g in enumerate("一二三")},
}
STAGES_OF_TYPE = {
    "211": {"小学"},
    "218": {"小学"},
    "311": {"初中"},
    "312": {"小学", "初中"},
    "341": {"初中", "高中"},
    "342": {"高中"},
    "345": {"小学", "初中", "高中"},
    "361": {"中职"},
    "362": {"中职"},
    "365": {"中职"},
    "513": {"小学", "初中"},
    "514": {"小学", "初中"},
}
CODE = re.compile(r"(11|21|31|34|36|51)45\d{6}")
DEGREES = ("高中以下", "高中阶段", "专科", "本科", "硕士研究生", "博士研究生")
COUNTIES = {"450401", "450403", "450405", "450406", "450421", "450422", "450423", "450481"}


def clean(value: object) -> str:
    """Fold one cell."""
    return unicodedata.normalize("NFKC", str(value or "")).strip()


def number(value: object) -> float | None:
    """Read a printed number; a dash or blank is none."""
    text = clean(value).replace(",", "")
    if text in ("", "-"):
        return None
    if text.startswith("("):
        text = "-" + text[1:-1]
    return float(text)


def zero(value: object) -> float:
    """Read a number, none as 0."""
    return number(value) or 0.0


def check_digit_ok(text: str) -> bool:
    """GB 11643 check, by the definition."""
    if not re.fullmatch(r"\d{17}[\dX]", text):
        return False
    total = sum(int(c) * w for c, w in zip(text, WEIGHTS, strict=False))
    return "10X98765432"[total % 11] == text[-1]


def date_of(text: str) -> dt.date | None:
    """Read a date in any notation of the sources."""
    digits = re.sub(r"[-/.—。、年月日]", "", clean(text))
    try:
        return dt.datetime.strptime(digits, "%Y%m%d").date()
    except ValueError:
        return None


def read_table(path: Path, header_row: int, sheet: int = 0) -> list[tuple[int, dict[str, str]]]:
    """Read a workbook's table as (sheet row, {label without ★: text})."""
    book = CalamineWorkbook.from_path(str(path))
    grid = book.get_sheet_by_index(sheet).to_python(skip_empty_area=False)
    labels = [str(v).lstrip("★") for v in grid[header_row - 1]]
    return [
        (i, dict(zip(labels, map(str, row), strict=True)))
        for i, row in enumerate(grid[header_row:], header_row + 1)
    ]


def read_students(path: Path) -> tuple[list[tuple[int, dict[str, str]]], dict[int, str]]:
    """Read a student list; bad lines come as {row: LND rule}."""
    if path.suffix == ".xlsx":
        return read_table(path, 2 if "蒙山" in path.name else 1), {}
    data = path.read_bytes()
    encoding = "utf-8-sig" if data.startswith(b"\xef\xbb\xbf") else "gb18030"
    rows, bad = [], {}
    lines = data.split(b"\n")
    labels = [c.lstrip("★") for c in lines[0].decode(encoding).split(",")]
    for i, line in enumerate(lines[1:], 2):
        if not line:
            continue
        try:
            text = line.decode(encoding)
        except UnicodeDecodeError:
            bad[i] = "LND-008"
            continue
        cells = next(csv.reader(io.StringIO(text)))
        if len(cells) != len(labels):
            bad[i] = "LND-011"
            continue
        rows.append((i, dict(zip(labels, cells, strict=True))))
    return rows, bad


class City:
    """Reads a city and accuses its rows."""

    def __init__(self, root: Path) -> None:
        """Open the city under `root`."""
        self.root = root
        self.accused: Accused = defaultdict(set)
        self.info: Accused = defaultdict(set)
        self.register: dict[str, dict[str, dict[str, str]]] = {}
        self.backbone: dict[str, int] = defaultdict(int)

    def accuse(self) -> Accused:
        """Return the accused rows of all datasets."""
        for period in YEARS:
            self._register(period)
        for period in YEARS:
            self._students(period)
            self._teachers(period)
        for folder in sorted(
            [*(self.root / "教基历年").iterdir(), *(self.root / "教基").iterdir()]
        ):
            self._forms(folder)
        self._finance()
        self._population()
        return dict(self.accused)

    def _say(self, dataset: str, file: str, sheet: str, row: int, rule: str, bad: bool) -> None:
        if bad:
            info = rule in ("STU-016", "STU-019", "STU-020", "TEA-015")
            (self.info if info else self.accused)[(dataset, file, sheet, row)].add(rule)

    def _register(self, period: str) -> None:
        file = f"学校名录/{period}/学校(机构)名录.xlsx"
        rows = read_table(self.root / file, 2)
        places: dict[tuple[str, str], list[int]] = defaultdict(list)
        codes: dict[str, list[int]] = defaultdict(list)
        for n, r in rows:
            places[(r["经度"], r["纬度"])].append(n)
            codes[r["学校(机构)标识码"]].append(n)
        before = self.register.get(f"{int(period[:4]) - 1}-{period[:4]}")
        listed = {}
        for n, r in rows:
            code, kind = r["学校(机构)标识码"], r["办学类型码"]

            def say(rule: str, bad: bool, n: int = n) -> None:
                self._say("school_register", file, "学校名录", n, rule, bad)

            say("REG-001", not CODE.fullmatch(code))
            say(
                "REG-002",
                not re.fullmatch(r"\d{12}", r["驻地地域码"])
                or r["驻地地域码"][:6] not in COUNTIES - {"450401"},
            )
            category = {"1": "11", "2": "21", "31": "31", "34": "34", "36": "36", "5": "51"}
            say(
                "REG-003",
                not any(kind.startswith(k) and code.startswith(v) for k, v in category.items()),
            )
            say("REG-004", kind not in STAGES_OF_TYPE and kind != "111")
            start = f"{period[:4]}09"
            say("REG-005", bool(r["撤销年月"]) and r["撤销年月"] < start)
            say("REG-006", len(places[(r["经度"], r["纬度"])]) > 1)
            say("REG-007", len(re.findall(r"[\u4e00-\u9fff]", r["地址"])) < 6)
            if before is not None:
                say("REG-008", bool(r["原标识码"]) and r["原标识码"] not in before)
            say("REG-009", r["是否普惠性民办园"] == "是" and not r["普惠认定起始日期"])
            say("REG-KEY", len(codes[code]) > 1)
            say("REG-REQ-school_name", not r["学校(机构)名称"])
            say("REG-COD-is_inclusive", r["是否普惠性民办园"] not in ("", "是", "否"))
            say("REG-TYP", not (r["设立年月"].isdigit() and r["规划建设年份"].isdigit()))
            rules = self.accused.get(("school_register", file, "学校名录", n), set())
            if not rules & {
                "REG-001",
                "REG-002",
                "REG-003",
                "REG-004",
                "REG-KEY",
                "REG-REQ-school_name",
                "REG-COD-is_inclusive",
            }:
                listed[code] = r
        self.register[period] = listed

    def _person(
        self, dataset: str, prefix: str, file: str, sheet: str, n: int, r: dict[str, str]
    ) -> None:
        raw = r["身份证件号"]
        number_ = clean(raw).upper()
        sci = "E+" in number_

        def say(rule: str, bad: bool) -> None:
            self._say(dataset, file, sheet, n, f"{prefix}-{rule}", bad)

        say("001", sci)
        say("002", not sci and not check_digit_ok(number_))
        born = date_of(r["出生日期"])
        say("TYP-birth_date", born is None)
        say("003", not sci and born is not None and born.strftime("%Y%m%d") != number_[6:14])
        sex = clean(r["性别"])
        say("COD-sex", sex not in ("男", "女"))
        say("004", not sci and sex in ("男", "女") and (int(number_[16]) % 2 == 1) != (sex == "男"))
        code = r["学校标识码"]
        say("005", not CODE.fullmatch(code))

    def _students(self, period: str) -> None:
        register = self.register[period]
        year = int(period[:4])
        reading: dict[str, list[tuple[str, str, int]]] = defaultdict(list)
        for path in sorted((self.root / "学籍" / period).iterdir()):
            if "补报" in path.name or "重复" in path.name:
                continue
            file = f"学籍/{period}/{path.name}"
            sheet = "学生信息" if path.suffix == ".xlsx" else ""
            rows, bad = read_students(path)
            for n, rule in bad.items():
                self._say("students", file, sheet, n, rule, True)
            for n, r in rows:
                self._person("students", "STU", file, sheet, n, r)

                def say(
                    rule: str, bad: bool, n: int = n, file: str = file, sheet: str = sheet
                ) -> None:
                    self._say("students", file, sheet, n, f"STU-{rule}", bad)

                code, raw = r["学校标识码"], r["身份证件号"]
                school = register.get(code)
                say("006", bool(CODE.fullmatch(code)) and school is None)
                say(
                    "007",
                    clean(r["全国学籍号"]).upper() != "G" + clean(raw).upper() and "E+" not in raw,
                )
                stage, step = GRADES.get(r["年级"], ("", 0))
                say("COD-grade", not stage)
                if stage and school:
                    say("010", stage not in STAGES_OF_TYPE.get(school["办学类型码"], set()))
                born = date_of(r["出生日期"])
                if born and stage:
                    age = year - born.year - ((9, 1) < (born.month, born.day))
                    low = {"小学": 4, "初中": 9, "高中": 12, "中职": 12}[stage]
                    high = {"小学": 16, "初中": 20, "高中": 24, "中职": 30}[stage]
                    say("009", not low <= age <= high)
                entry = r["入学年月"]
                fine = bool(re.fullmatch(r"\d{6}", entry)) and 1 <= int(entry[4:]) <= 12
                say("011", not fine or int(entry) > (year + 1) * 100 + 8)
                if fine and stage:
                    say("018", abs(int(entry[:4]) - (year - step)) > 1)
                say("012", bool(re.search("[?\ufffd\ue000-\uf8ff]", r["姓名"])))
                say("013", bool(re.search(r"\d", r["姓名"])))
                say("REQ-name", not r["姓名"])
                say("REQ-boarding", not r["就读方式"])
                say("014", not re.fullmatch(r"\d{12}", r["户口所在地行政区划码"]))
                say("015", raw != clean(raw) and "E+" not in raw)
                say("016", "x" in raw)
                say("COD-status", r["学籍状态"] not in ("在读", "休学", "转出", "死亡"))
                say("017", r["学籍状态"] in ("转出", "死亡") and not r["异动日期"])
                say("019", any(re.search(r"\s|\u3000", r[k]) for k in ("姓名", "性别")))
                say("020", born is not None and not re.fullmatch(r"\d{8}", r["出生日期"]))
                if r["学籍状态"] == "在读" and "E+" not in raw:
                    reading[clean(raw).upper()].append((file, sheet, n))
        for places in reading.values():
            for file, sheet, n in places:
                self._say("students", file, sheet, n, "STU-008", len(places) > 1)

    def _teachers(self, period: str) -> None:
        register = self.register[period]
        year = int(period[:4])
        working: dict[str, list[tuple[str, str, int]]] = defaultdict(list)
        numbers: dict[str, list[tuple[str, int]]] = defaultdict(list)
        for path in sorted((self.root / "教师" / period).iterdir()):
            if "补报" in path.name:
                continue
            file = f"教师/{period}/{path.name}"
            for n, r in read_table(path, 2):
                self._person("teachers", "TEA", file, "教师信息", n, r)

                def say(rule: str, bad: bool, n: int = n, file: str = file) -> None:
                    self._say("teachers", file, "教师信息", n, f"TEA-{rule}", bad)

                code = r["学校标识码"]
                say("006", bool(CODE.fullmatch(code)) and code not in register)
                say("008", bool(re.match("小学|中学", r["职称"])))
                say("011", not re.fullmatch(r"\d+学时", r["近五年培训学时"]))
                say(
                    "012",
                    r["教职工类别"] == "专任教师"
                    and bool(r["教师资格证种类"])
                    and not r["教师资格证号码"],
                )
                born = date_of(r["出生日期"])
                if born:
                    age = year - born.year - ((9, 1) < (born.month, born.day))
                    say("013", not 18 <= age <= 70)
                say("REQ-highest_degree", not r["最高学历"])
                say("COD-highest_degree", bool(r["最高学历"]) and r["最高学历"] not in DEGREES)
                if r["最高学历"] in DEGREES:
                    say("014", DEGREES.index(r["第一学历"]) > DEGREES.index(r["最高学历"]))
                until = r["骨干教师有效期至"]
                say("015", bool(until) and until < f"{year}0901")
                say("COD-post_status", r["岗位状态"] not in ("在职", "退休", "借调", "交流"))
                numbers[r["教师编号"]].append((file, n))
                if r["岗位状态"] == "在职" and "E+" not in r["身份证件号"]:
                    working[r["身份证件号"]].append((file, code, n))
                if r["骨干教师级别"] != "无" and year == 2025:
                    self.backbone[code] += 1
        for places in working.values():
            for file, _, n in places:
                self._say(
                    "teachers",
                    file,
                    "教师信息",
                    n,
                    "TEA-007",
                    len({code for _, code, _ in places}) > 1,
                )
        for spots in numbers.values():
            for file, n in spots:
                self._say("teachers", file, "教师信息", n, "TEA-KEY", len(spots) > 1)

    def _forms(self, folder: Path) -> None:
        period = folder.name
        register = self.register.get(period, {})
        grades: dict[tuple[str, str], dict[str, float]] = {}
        staff: dict[str, float] = {}
        totals_4155: dict[str, list[tuple[float, str, str, int]]] = defaultdict(list)
        bands: list[tuple[str, str, str, int, str, dict[str, str]]] = []
        totals: dict[tuple[str, str], float] = defaultdict(float)
        for path in sorted(folder.iterdir()):
            file = str(path.relative_to(self.root))
            try:
                book = CalamineWorkbook.from_path(str(path))
            except Exception:  # noqa: BLE001, S112 - broken on purpose
                continue
            for sheet in book.sheet_names:
                match = re.fullmatch(r"教基(\d{4})_.+|基础基_(小学|初中)学生情况汇总", sheet)
                if not match or "副本" in path.name:
                    continue
                form = match[1] or {"小学": "3112", "初中": "3115"}[match[2]]
                grid = book.get_sheet_by_name(sheet).to_python(skip_empty_area=False)
                corner = str(grid[1][0])
                found = re.search(r"码[:：](\d+) .*?(\d{4}-\d{4})", corner)
                if found is None or found[2] != period:
                    continue
                code = found[1]
                bottom = next(i for i, row in enumerate(grid) if row[0] == "甲")
                labels = [_today(label, form) for label in _labels(grid[2:bottom])]
                rows = [
                    (i, str(row[0]).replace("其中:", "#"), dict(zip(labels, row[2:], strict=True)))
                    for i, row in enumerate(grid[bottom + 1 :], bottom + 2)
                ]
                self._form(form, file, sheet, code, rows, register)
                first = rows[0][2]
                county = register.get(code, {}).get("属地管理教育行政部门码", code)[:6]
                if form in ("3112", "3115"):
                    # a rejected total row is not there for the class-size rules
                    key = (f"jj{form}", file, sheet, rows[0][0])
                    if not self.accused.get(key):
                        for k, g in enumerate("一二三四五六"[: 6 if form == "3112" else 3]):
                            grades[(code, f"{form}{g}年级")] = {
                                "n": zero(first[f"在校生数/{g}年级"])
                            }
                            del k
                        grades[(code, form)] = {"n": zero(first["在校生数/计"])}
                        totals[(county, "grad")] += zero(first["毕业生数"]) * (form == "3112")
                    label = "招生数/计" if form == "3112" else "招生数"
                    totals[(county, "entr")] += zero(first[label]) * (form == "3115")
                if form in ("2106", "2107") and len(code) == 10:
                    bands += [(form, file, sheet, i, f"{code}|{name}", r) for i, name, r in rows]
                if (
                    form == "4149"
                    and len(code) == 10
                    and not self.accused.get(("jj4149", file, sheet, rows[0][0]))
                ):
                    staff[code] = zero(first["教职工数/专任教师"])
                if form == "4155" and len(code) == 10:
                    totals_4155[code].append((zero(first["合计"]), file, sheet, rows[0][0]))
        for form, file, sheet, n, who, r in bands:
            code, name = who.split("|")
            parent = "3112" if form == "2106" else "3115"
            pupils = grades.get((code, f"{parent}{name}"))
            if pupils is None:
                continue
            bounds = [
                (1, 25),
                (26, 30),
                (31, 35),
                (36, 40),
                (41, 45),
                (46, 50),
                (51, 55),
                (56, 60),
                (61, 65),
                (66, 10**6),
            ]
            counts = [zero(v) for k, v in list(r.items())[1:]]
            low = sum(c * b[0] for c, b in zip(counts, bounds, strict=True))
            high = sum(c * b[1] for c, b in zip(counts, bounds, strict=True))
            self._say(f"jj{form}", file, sheet, n, f"J{form}-003", not low <= pupils["n"] <= high)
        for code, sheets in totals_4155.items():
            kind = register.get(code, {}).get("办学类型码", "")
            for total, file, sheet, n in sheets:
                if kind not in ("341", "345"):
                    self._say(
                        "jj4155",
                        file,
                        sheet,
                        n,
                        "J4155-003",
                        code in staff and sum(t for t, *_ in sheets) > staff[code],
                    )
                self._say("jj4155", file, sheet, n, "J4155-004", self.backbone[code] > total)
        for county, what in list(totals):
            if what == "grad" and county != "450401":
                entrants, graduates = totals[(county, "entr")], totals[(county, "grad")]
                self._say("jj3115", "", county, 0, "J3115-103", entrants > graduates)

    def _form(
        self,
        form: str,
        file: str,
        sheet: str,
        code: str,
        rows: list[tuple[int, str, dict[str, str]]],
        register: dict[str, dict[str, str]],
    ) -> None:
        total = rows[0][2]
        named: dict[str, dict[str, str]] = defaultdict(dict, {name: r for _, name, r in rows})
        school = len(code) == 10
        for n, name, r in rows:

            def say(rule: str, bad: bool, n: int = n) -> None:
                self._say(f"jj{form}", file, sheet, n, f"J{form}-{rule}", bad)

            say("008", school and code not in register)
            v = {k: zero(x) if k != "计量单位" else 0.0 for k, x in r.items()}
            if form == "3112":
                grade = [v[f"在校生数/{g}年级"] for g in "一二三四五六"]
                say("001", v["在校生数/计"] != sum(grade))
                say(
                    "003",
                    sum(
                        v.get(f"招生数/{k}", 0.0)  # the series before 2020 does not ask
                        for k in ("未接受过学前教育", "接受一年", "接受两年", "接受三年")
                    )
                    > v["招生数/计"],
                )
                say("005", v["在校生数/#女"] > v["在校生数/计"])
                if name == "总计":
                    say("002", v["招生数/计"] != grade[0])
                    say("004", v["预计毕业生数"] != grade[5])
            elif form == "3115":
                grade = [v[f"在校生数/{g}年级"] for g in "一二三"]
                say("001", v["在校生数/计"] != sum(grade) + v["在校生数/四年级"])
                say("005", v["在校生数/#女"] > v["在校生数/计"])
                say("006", v["在校生数/四年级"] != 0)
                if name == "总计":
                    say("002", v["招生数"] != grade[0])
                    say("004", v["预计毕业生数"] != grade[2])
            elif form == "2105":
                parts = [
                    v[f"班数/{b}"]
                    for b in ("20人及以下", "21-25人", "26-30人", "31-35人", "36人及以上")
                ]
                say("001", v["班数/计"] != sum(parts))
                say("002", school and v["班数/计"] > 36)
                low = sum(p * b for p, b in zip(parts, (1, 21, 26, 31, 36), strict=True))
                high = sum(p * b for p, b in zip(parts, (20, 25, 30, 35, 10**6), strict=True))
                say("003", not low <= v["在园(班)人数/计"] <= high)
            elif form in ("2106", "2107"):
                say("001", v["班数"] != sum(list(v.values())[1:]))
                say("002", school and name.endswith("年级") and v["班数"] > 20)
            elif form == "4149":
                say(
                    "001",
                    v["教职工数/计"]
                    != sum(
                        v[f"教职工数/{k}"]
                        for k in ("专任教师", "行政人员", "教辅人员", "工勤人员", "其他")
                    ),
                )
            elif form == "4155":
                say("001", v["合计"] != sum(list(v.values())[1:]))
                if name == "总计":
                    say(
                        "002",
                        any(v[c] != sum(zero(named[d].get(c)) for d in DEGREES) for c in ("合计",)),
                    )
            elif form == "5170" and name == "总计":
                for c in r:
                    parts = ("教学及辅助用房", "行政办公用房", "生活用房", "其他用房")
                    say("001", v[c] != sum(zero(named[p].get(c)) for p in parts))
            elif form == "5170" and name == "#室内体育用房":
                say("002", sum(v.values()) > sum(zero(x) for x in named["教学及辅助用房"].values()))
            elif form == "5176":
                own = v["学校产权"] + v["非学校产权独立使用"]

                def of(row: str) -> float:
                    return zero(named[row].get("学校产权")) + zero(
                        named[row].get("非学校产权独立使用")
                    )

                if name == "#教学仪器设备资产值":
                    say("001", own > of("固定资产总值") or (school and own > 100_000))
                if name == "占地面积":
                    say("002", of("运动场地面积") + of("#绿化用地面积") > own)
            if name.startswith("#") and form in ("3112", "3115", "4149"):
                say("007", any(v[c] > zero(total[c]) for c in r))

    def _finance(self) -> None:
        for name, prefix, dataset, keys in (
            ("梧州市教育经费决算", "FNC", "finance_county", 1),
            ("学校经费_教财基", "FNS", "finance_school", 2),
        ):
            last: dict[str, list[float | None]] = {}
            for year in ("2023", "2024", "2025"):
                file = f"经费/{year}/{name}.xlsx"
                book = CalamineWorkbook.from_path(str(self.root / file))
                sheet = book.sheet_names[0]
                grid = book.get_sheet_by_index(0).to_python(skip_empty_area=False)
                since: list[list[float]] = []
                every: list[list[float]] = []
                now: dict[str, list[float | None]] = {}
                for n, row in enumerate(grid[5:], 6):
                    first = str(row[0])
                    if first.startswith(("注", "说明")):
                        continue
                    v = [number(x) for x in row[keys:]]
                    z = [x or 0.0 for x in v]

                    where = (dataset, file, sheet, n)

                    def say(rule: str, bad: bool, where: tuple[str, str, str, int] = where) -> None:
                        self._say(*where, rule, bad)

                    if first in ("小计", "合计"):
                        part = since if first == "小计" else every
                        say(
                            "LND-022",
                            any(
                                abs(sum(c) - s) > 0.06
                                for c, s in zip(zip(*part, strict=True), z, strict=True)
                            ),
                        )
                        since = [] if first == "小计" else since
                        continue
                    since.append(z)
                    every.append(z)
                    key = first
                    say(f"{prefix}-KEY", key in now)
                    now[key] = v
                    before = last.get(key)
                    if prefix == "FNC":
                        say("FNC-001", abs(z[1] - sum(z[2:9])) > 0.05)
                        say("FNC-002", abs(z[9] - sum(z[10:13])) > 0.05)
                        say("FNC-003", z[1] > z[0])
                        say(
                            "FNC-004",
                            before is not None and not 0.1 <= z[1] / (before[1] or 1) <= 10,
                        )
                        say("FNC-005", min(z) < 0)
                        if any(
                            r in self.accused.get((dataset, file, sheet, n), set())
                            for r in ("FNC-001", "FNC-004")
                        ):
                            del now[key]
                    else:
                        say("FNS-001", abs(z[2] - z[3] - z[4]) > 0.05)
                        say(
                            "FNS-002",
                            before is not None and not 0.02 <= z[2] / (before[2] or 1) <= 50,
                        )
                        period = f"{year}-{int(year) + 1}"
                        say("FNS-003", key not in self.register[period])
                        say("FNS-004", min(z) < 0)
                        say("FNS-005", z[6] > z[4])
                last = now

    def _population(self) -> None:
        last: dict[tuple[int, int], float] = {}
        for year in ("2023", "2024", "2025"):
            file = f"人口/{year}/分县分年龄人口.xlsx"
            book = CalamineWorkbook.from_path(str(self.root / file))
            grid = book.get_sheet_by_index(0).to_python(skip_empty_area=False)
            now: dict[tuple[int, int], float] = {}
            sums = [0.0] * 21
            for n, row in enumerate(grid[4:24], 5):
                v = [zero(x) for x in row[1:22]]

                def say(rule: str, bad: bool, n: int = n, file: str = file) -> None:
                    self._say("population", file, "人口", n, rule, bad)

                if row[0] == "合计":
                    say("LND-022", any(a != b for a, b in zip(sums, v, strict=True)))
                    continue
                sums = [a + b for a, b in zip(sums, v, strict=True)]
                for c in range(7):
                    both, male, female = v[3 * c : 3 * c + 3]
                    say("POP-001", both != male + female)
                    say("POP-003", min(both, male, female) < 0)
                    for s, value in enumerate((both, male, female)):
                        now[(3 * c + s, int(str(row[0])))] = value
                        before = last.get((3 * c + s, int(str(row[0])) - 1))
                        if before and s == 0:
                            say("POP-005", not 0.8 <= value / before <= 1.25)
            last = now


def _today(label: str, form: str) -> str:
    """Return the current label of a column of the series before 2020."""
    if label == "招生数" and form == "3112":
        return "招生数/计"
    old = (("在校学生数", "在校生数"), ("/合计", "/计"), ("其中:", "#"))
    for was, now in old:
        label = label.replace(was, now)
    return "预计毕业生数" if label == "预计毕业生" else label


def _labels(head: list[list[object]]) -> list[str]:
    """Join one or two header rows of a form."""
    if len(head) == 1:
        return [str(v) for v in head[0][2:]]
    out, above = [], ""
    for top, sub in zip(head[0][2:], head[1][2:], strict=True):
        above = str(top) or above
        out.append(f"{above}/{sub}" if sub else above)
    return out
