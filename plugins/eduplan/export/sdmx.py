"""The indicators as SDMX: data as SDMX-CSV 2.0 and what they are as an SDMX-JSON 2.0 structure.

Dimensions and attributes are concepts of SDMX's cross-domain scheme where it has one, codes those
of its code lists (copied in part, under their own ids); everything else is ours and says so by its
agency. A school year is a reporting year that starts in September: ``2025-A1`` with
REPORTING_YEAR_START_DAY ``--09-01`` (SDMX Guidelines on Non-Calendar Year Reporting of Data).
"""

import csv
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eduplan.errors import EduplanError
from eduplan.export.folder import export_folder
from eduplan.export.metadata import resource, write_manifest
from eduplan.export.snapshot import Snapshot

DATA, STRUCTURE = "indicators.csv", "structure.json"
DATAFLOW, DSD = "DF_EDU_INDICATOR", "DSD_EDU_INDICATOR"
# Two numbers: a list may grow with the registry. Three would promise that it never changes.
VERSION = "1.0"
_AGENCY = re.compile(r"[A-Za-z][A-Za-z0-9_-]*(\.[A-Za-z][A-Za-z0-9_-]*)*")
_CROSS_DOMAIN = ("SDMX", "CROSS_DOMAIN_CONCEPTS", "2.0")
_SCHEMA = (
    "https://raw.githubusercontent.com/sdmx-twg/sdmx-json/develop/structure-message/tools/schemas"
    "/2.0.0/sdmx-json-structure-schema.json"
)

Words = tuple[str, str]
"""English and Chinese."""


@dataclass(frozen=True)
class CodeList:
    """A code list: ``agency`` empty for one of ours, else the owner of the list it is a part of."""

    id: str
    name: Words
    codes: Mapping[str, Words]
    agency: str = ""
    version: str = VERSION
    parents: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Component:
    """A dimension, measure or attribute; ``codes`` names its code list, ``type`` its text.

    ``cross_domain`` when it is a concept of SDMX. ``of``: what an attribute is attached to:
    ``O`` an observation, ``D`` the whole data set, else a dimension.
    """

    id: str
    name: Words
    codes: str = ""
    type: str = "String"
    cross_domain: bool = False
    of: str = ""
    mandatory: bool = False


_TOTAL: Words = ("Total or no breakdown", "合计或不分组")
_SDMX_LISTS = (
    CodeList("CL_FREQ", ("Frequency", "频率"), {"A": ("Annual", "年度")}, "SDMX", "2.1"),
    CodeList(
        "CL_SEX",
        ("Sex", "性别"),
        {"F": ("Female", "女"), "M": ("Male", "男"), "_T": ("Total", "合计")},
        "SDMX",
        "2.1",
    ),
    CodeList(
        "CL_OBS_STATUS",
        ("Observation status", "观测状态"),
        {
            "A": ("Normal value", "正常值"),
            "M": ("Missing value; data cannot exist", "缺失：数据不可能存在"),
            "O": ("Missing value", "缺失"),
            "Q": ("Missing value; suppressed", "缺失：已隐去"),
        },
        "SDMX",
        "2.3",
    ),
    CodeList(
        "CL_CONF_STATUS",
        ("Confidentiality status", "保密状态"),
        {
            "F": ("Free (free for publication)", "可公布"),
            "C": ("Confidential statistical information", "保密的统计信息"),
        },
        "SDMX",
        "1.4",
    ),
    CodeList(
        "CL_UNIT_MULT", ("Unit multiplier", "单位倍数"), {"0": ("Units", "一")}, "SDMX", "1.1"
    ),
    CodeList(
        "CL_DECIMALS",
        ("Decimals", "小数位数"),
        {
            str(number): (words, f"{number} 位")
            for number, words in enumerate(
                ("Zero", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine")
            )
        },
        "SDMX",
        "1.0",
    ),
)
_LISTS = (
    # ISCED 2011 has no level of special education.
    CodeList(
        "CL_EDUCATION_LEV",
        ("Education level (ISCED 2011)", "学段（ISCED 2011）"),
        {
            "_T": _TOTAL,
            "ISCED11_02": ("Pre-primary education", "学前教育"),
            "ISCED11_1": ("Primary education", "小学"),
            "ISCED11_2": ("Lower secondary education", "初中"),
            "ISCED11_34": ("Upper secondary general education", "普通高中"),
            "ISCED11_35": ("Upper secondary vocational education", "中等职业教育"),
            "SPECIAL": ("Special education", "特殊教育"),
        },
    ),
    # The statistical division of China, not the degree of urbanisation of SDMX:CL_DEG_URB.
    CodeList(
        "CL_URBANISATION",
        ("Urban, town and rural areas as China divides them", "城区、镇区、乡村"),
        {
            "_T": _TOTAL,
            "URBAN": ("Urban area (chengqu)", "城区"),
            "TOWN": ("Town area (zhenqu)", "镇区"),
            "RURAL": ("Rural area (xiangcun)", "乡村"),
        },
    ),
    CodeList(
        "CL_SECTOR_EDU",
        ("Who runs the institution", "办学性质"),
        {
            "_T": _TOTAL,
            "INST_PUB": ("Public institutions", "公办"),
            "INST_PRIV": ("Private institutions", "民办"),
        },
    ),
)
_BREAKDOWNS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "sex": ("SEX", {"female": "F", "male": "M"}),
    "stage": (
        "EDUCATION_LEV",
        {
            "preschool": "ISCED11_02", "primary": "ISCED11_1", "junior": "ISCED11_2",
            "senior": "ISCED11_34", "vocational": "ISCED11_35", "special": "SPECIAL",
        },
    ),
    "urban_rural": ("URBANISATION", {"urban": "URBAN", "town": "TOWN", "rural": "RURAL"}),
    "ownership": ("SECTOR_EDU", {"public": "INST_PUB", "private": "INST_PRIV"}),
}  # fmt: skip
"""The dimension of a breakdown of the warehouse, and the code of each of its parts."""
DIMENSIONS = (
    Component("FREQ", ("Frequency of observation", "频率"), "CL_FREQ", cross_domain=True),
    Component("REF_AREA", ("Reference area", "地区"), "CL_AREA", cross_domain=True),
    Component("INDICATOR", ("Statistical indicator", "指标"), "CL_INDICATOR", cross_domain=True),
    Component("SEX", ("Sex", "性别"), "CL_SEX", cross_domain=True),
    Component("EDUCATION_LEV", ("Education level", "学段"), "CL_EDUCATION_LEV", cross_domain=True),
    Component("URBANISATION", ("Urban, town or rural area", "城乡"), "CL_URBANISATION"),
    Component("SECTOR_EDU", ("Who runs the institution", "办学性质"), "CL_SECTOR_EDU"),
)
TIME = Component(
    "TIME_PERIOD", ("Time period", "时期"), type="ObservationalTimePeriod", cross_domain=True
)
MEASURE = Component("OBS_VALUE", ("Observation value", "数值"), type="Decimal", cross_domain=True)
ATTRIBUTES = (
    Component(
        "UNIT_MEASURE", ("Unit of measure", "计量单位"), "CL_UNIT_MEASURE", cross_domain=True,
        of="INDICATOR", mandatory=True,
    ),
    Component(
        "UNIT_MULT", ("Unit multiplier", "单位倍数"), "CL_UNIT_MULT", cross_domain=True,
        of="INDICATOR", mandatory=True,
    ),
    Component(
        "DECIMALS", ("Decimals", "小数位数"), "CL_DECIMALS", cross_domain=True, of="INDICATOR"
    ),
    Component(
        "REPORTING_YEAR_START_DAY", ("Reporting year start day", "报告年度起始日"),
        type="MonthDay", of="INDICATOR",
    ),
    Component(
        "OBS_STATUS", ("Observation status", "观测状态"), "CL_OBS_STATUS", cross_domain=True,
        of="O", mandatory=True,
    ),
    Component(
        "CONF_STATUS", ("Confidentiality - status", "保密状态"), "CL_CONF_STATUS",
        cross_domain=True, of="O", mandatory=True,
    ),
    Component(
        "COVERAGE_PCT", ("Share of expected units that reported, percent", "覆盖率（%）"),
        type="Decimal", of="O",
    ),
    Component(
        "EXPECTED_UNITS", ("Units expected to report", "应报单位数"), type="Integer", of="O"
    ),
    Component("REPORTING_UNITS", ("Units that reported", "已报单位数"), type="Integer", of="O"),
    Component("COMMENT_OBS", ("Comment on the observation", "观测说明"), of="O"),
    Component("COMMENT_DSET", ("Comment on the data set", "数据集说明"), of="D"),
)  # fmt: skip
COLUMNS = [c.id for c in (*DIMENSIONS, TIME, MEASURE, *ATTRIBUTES)]
_UNITS: Mapping[str, tuple[str, str]] = {
    "%": ("PT", "Percent"),
    "ratio": ("RATIO", "Ratio"),
    "count": ("NUMBER", "Number"),
    "persons": ("PERSONS", "Persons"),
    "places": ("PLACES", "Places"),
    "hours": ("HOURS", "Class hours"),
    "units": ("DEVICES_PER_100_PUPILS", "Devices per 100 pupils"),
    "㎡/生": ("M2_PER_PUPIL", "Square metres per pupil"),
    "人/班": ("PERSONS_PER_CLASS", "Pupils per class"),
    "人/百生": ("PERSONS_PER_100_PUPILS", "Persons per 100 pupils"),
    "间/百生": ("ROOMS_PER_100_PUPILS", "Rooms per 100 pupils"),
    "元/生": ("CNY_PER_PUPIL", "Yuan per pupil"),
    "yuan/pupil/year": ("CNY_PER_PUPIL_YEAR", "Yuan per pupil and year"),
    "yuan/student/year": ("CNY_PER_STUDENT_YEAR", "Yuan per student and year"),
}


def export_sdmx(snap: Snapshot, target: Path, agency: str = "EDUPLAN") -> int:
    """Write data and structure of the indicators to the folder ``target``.

    City and counties, all periods and breakdowns. ``agency`` maintains our part of the structure.
    Returns the number of observations.
    """
    if not _AGENCY.fullmatch(agency):
        raise EduplanError(
            f"{agency} is no agency id of SDMX",
            hint="letters, digits, - and _, parts joined by dots, e.g. CN.WUZHOU_EDU",
        )
    values, indicators = snap.rows("sdmx_values"), snap.rows("sdmx_indicators")
    lists = (*_SDMX_LISTS, *_LISTS, *_registry_lists(indicators, snap.rows("sdmx_regions")))
    note = "演示：合成数据，非真实统计 / Demonstration: synthetic data" if snap.is_synthetic else ""
    with export_folder(target) as folder:
        with (folder / DATA).open("w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out, lineterminator="\r\n")
            writer.writerow(["STRUCTURE", "STRUCTURE_ID", "ACTION", *COLUMNS])
            flow = ["dataflow", f"{agency}:{DATAFLOW}({VERSION})", "I"]
            known = {row["indicator_code"]: row for row in indicators}
            for row in values:
                found = _observation(row, known[row["indicator_code"]]) | {"COMMENT_DSET": note}
                writer.writerow([*flow, *(found[name] for name in COLUMNS)])
        message = structure(lists, agency, snap)
        (folder / STRUCTURE).write_text(
            json.dumps(message, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
        )
        write_manifest(
            folder,
            snap,
            name="eduplan-sdmx",
            title="指标（SDMX）",
            resources=[
                resource(
                    folder / DATA, "indicators", "数据（SDMX-CSV 2.0）",
                    "application/vnd.sdmx.data+csv; version=2.0.0", rows=len(values),
                    encoding="utf-8",
                ),
                resource(
                    folder / STRUCTURE, "structure", "结构（SDMX-JSON 2.0）",
                    "application/vnd.sdmx.structure+json; version=2.0.0", encoding="utf-8",
                ),
            ],
        )  # fmt: skip
    return len(values)


def _observation(row: Mapping[str, Any], indicator: Mapping[str, Any]) -> dict[str, str]:
    """Return the components of one value of the warehouse."""
    school_year = indicator["period_kind"] == "school_year"
    found = {
        "FREQ": "A",
        "REF_AREA": row["region_code"],
        "INDICATOR": indicator_id(row["indicator_code"]),
        **dict.fromkeys((dimension for dimension, _ in _BREAKDOWNS.values()), "_T"),
        "TIME_PERIOD": f"{row['period_year']}-A1" if school_year else str(row["period_year"]),
        "OBS_VALUE": _plain(row["value"]),
        "UNIT_MEASURE": unit_code(indicator["unit"]),
        "UNIT_MULT": "0",
        "DECIMALS": str(indicator["decimals"]),
        "REPORTING_YEAR_START_DAY": "--09-01" if school_year else "",
        "OBS_STATUS": _status(row),
        # Which of the hidden cells are small themselves is hidden too: one code for all.
        "CONF_STATUS": "C" if row["is_suppressed"] else "F",
        "COVERAGE_PCT": _plain(row["coverage_pct"]),
        "EXPECTED_UNITS": _plain(row["expected_units"]),
        "REPORTING_UNITS": _plain(row["reporting_units"]),
        "COMMENT_OBS": row["reason"] or "",
    }
    if row["breakdown"] != "all":
        dimension, codes = _BREAKDOWNS.get(row["breakdown"], ("", {}))
        if row["breakdown_value"] not in codes:
            raise EduplanError(
                f"no SDMX code for {row['breakdown']} {row['breakdown_value']}",
                hint="give it one in plugins/eduplan/export/sdmx.py",
            )
        found[dimension] = codes[row["breakdown_value"]]
    return found


def _status(row: Mapping[str, Any]) -> str:
    if row["is_suppressed"]:
        return "Q"
    if row["value"] is not None:
        return "A"
    return "M" if row["denominator"] == 0 else "O"


def _plain(number: Any) -> str:
    """Return all digits of a number without an exponent; empty for none."""
    if number is None:
        return ""
    text = f"{number:f}" if not isinstance(number, int) else str(number)
    return text.rstrip("0").rstrip(".") if "." in text else text


def indicator_id(code: str) -> str:
    """Return the code of an indicator as SDMX may write it: a part is ``CMP-10_1``."""
    return code.replace("#", "_")


def unit_code(unit: str) -> str:
    """Return the code of a unit of the warehouse; one we have no code for is spelled in hex."""
    return _UNITS[unit][0] if unit in _UNITS else f"U_{unit.encode().hex().upper()}"


def _registry_lists(
    indicators: Sequence[Mapping[str, Any]], regions: Sequence[Mapping[str, Any]]
) -> tuple[CodeList, ...]:
    """Return the lists that the warehouse itself keeps: indicators, units, regions."""
    units = {row["unit"]: row["unit_label"] for row in indicators}
    return (
        CodeList(
            "CL_INDICATOR",
            ("Indicators of the plan", "方案指标"),
            {
                indicator_id(row["indicator_code"]): (
                    row["indicator_name_en"],
                    row["indicator_name_zh"],
                )
                for row in indicators
            },
            parents={
                indicator_id(row["indicator_code"]): indicator_id(row["parent_code"])
                for row in indicators
                if row["parent_code"]
            },
        ),
        CodeList(
            "CL_UNIT_MEASURE",
            ("Units of measure", "计量单位"),
            {
                unit_code(unit): (_UNITS.get(unit, ("", unit))[1], label or unit)
                for unit, label in sorted(units.items())
            },
        ),
        CodeList(
            "CL_AREA",
            ("City and counties (GB/T 2260)", "市、县（市、区）"),
            {row["region_code"]: (row["region_name"], row["region_name"]) for row in regions},
            parents={
                row["region_code"]: city["region_code"]
                for city in regions
                if city["region_level"] == "city"
                for row in regions
                if row is not city
            },
        ),
    )


def structure(lists: Iterable[CodeList], agency: str, snap: Snapshot) -> dict[str, Any]:
    """Return the structure message: code lists, concepts, data structure and dataflow."""
    lists = tuple(lists)
    owner = {found.id: (found.agency or agency, found.version) for found in lists}
    ours = (agency, "CS_EDU_INDICATOR", VERSION)
    everything = (*DIMENSIONS, TIME, MEASURE, *ATTRIBUTES)

    def concept(component: Component) -> str:
        scheme = _CROSS_DOMAIN if component.cross_domain else ours
        return f"urn:sdmx:org.sdmx.infomodel.conceptscheme.Concept={_ref(*scheme)}.{component.id}"

    def part(component: Component) -> dict[str, Any]:
        if component.codes:
            found = owner[component.codes]
            urn = "urn:sdmx:org.sdmx.infomodel.codelist.Codelist="
            shown: dict[str, Any] = {"enumeration": urn + _ref(found[0], component.codes, found[1])}
        else:
            shown = {"format": {"dataType": component.type}}
        return {
            "id": component.id,
            "conceptIdentity": concept(component),
            "localRepresentation": shown,
        }

    def attribute(component: Component) -> dict[str, Any]:
        relation: dict[str, Any] = {
            "O": {"observation": {}},
            "D": {"dataflow": {}},
        }.get(component.of, {"dimensions": [component.of]})
        return {
            **part(component),
            "usage": "mandatory" if component.mandatory else "optional",
            "attributeRelationship": relation,
            **({"measureRelationship": [MEASURE.id]} if component.of == "O" else {}),
        }

    def scheme(which: tuple[str, str, str], words: Words, partial: bool) -> dict[str, Any]:
        return {
            **_maintained(*which, words),
            **({"isPartial": True} if partial else {}),
            "concepts": [
                {"id": component.id, **_named(component.name)}
                for component in everything
                if component.cross_domain is partial
            ],
        }

    dsd = f"urn:sdmx:org.sdmx.infomodel.datastructure.DataStructure={_ref(agency, DSD, VERSION)}"
    title: Words = ("Indicators of the education plan", "教育方案指标")
    return {
        "meta": {
            "schema": _SCHEMA,
            "id": f"EDUPLAN_{snap.build_id}",
            "test": snap.is_synthetic,
            "prepared": snap.built_at.isoformat().replace("+00:00", "Z"),
            "contentLanguages": ["en", "zh"],
            "sender": {"id": agency},
        },
        "data": {
            "codelists": [
                {
                    **_maintained(found.agency or agency, found.id, found.version, found.name),
                    **({"isPartial": True} if found.agency else {}),
                    "codes": [
                        {
                            "id": code,
                            **_named(words),
                            **({"parent": found.parents[code]} if code in found.parents else {}),
                        }
                        for code, words in found.codes.items()
                    ],
                }
                for found in lists
            ],
            "conceptSchemes": [
                scheme(
                    _CROSS_DOMAIN, ("SDMX Cross Domain Concept Scheme", "SDMX 跨领域概念"), True
                ),
                scheme(ours, ("Concepts of eduplan", "本系统的概念"), False),
            ],
            "dataStructures": [
                {
                    **_maintained(agency, DSD, VERSION, title),
                    "dataStructureComponents": {
                        "dimensionList": {
                            "id": "DimensionDescriptor",
                            "dimensions": [part(component) for component in DIMENSIONS],
                            "timeDimension": part(TIME),
                        },
                        "measureList": {
                            "id": "MeasureDescriptor",
                            "measures": [{**part(MEASURE), "usage": "optional"}],
                        },
                        "attributeList": {
                            "id": "AttributeDescriptor",
                            "attributes": [attribute(component) for component in ATTRIBUTES],
                        },
                    },
                }
            ],
            "dataflows": [{**_maintained(agency, DATAFLOW, VERSION, title), "structure": dsd}],
        },
    }


def _ref(agency: str, name: str, version: str) -> str:
    return f"{agency}:{name}({version})"


def _named(words: Words) -> dict[str, Any]:
    return {"name": words[0], "names": {"en": words[0], "zh": words[1]}}


def _maintained(agency: str, name: str, version: str, words: Words) -> dict[str, Any]:
    return {"id": name, "agencyID": agency, "version": version, **_named(words)}
