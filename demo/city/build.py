"""Make the whole city: draw it, plant the defects, write the source files and the ledger."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from demo.city import (
    admissions,
    fitness,
    forms,
    funds,
    lists,
    mobility,
    money,
    people,
    planting,
    platforms,
    preschool,
    rows,
    staff,
    tasks,
    times,
    vocational,
    wellbeing,
    world,
    xlsx,
)
from demo.city.extras import write_extra_files, write_hold
from demo.city.ledger import Entry, read_ledger, write_ledger
from demo.city.register import write_register
from demo.city.studentfile import write_student_csv
from demo.city.world import REGION_CODES, REGION_NAMES, YEARS, rng, school_year

MARKER = "_city.json"
LEDGER = "_ledger.csv"
BLIND = "_blind.csv"  # planted defects that no rule can find


@dataclass(frozen=True)
class CityReport:
    """What a city consists of; `reused` tells that nothing had to be made."""

    out: Path
    scale: float
    seed: int
    reused: bool
    files: int
    bytes: int
    schools: int
    students: tuple[int, ...]  # rows of the 学籍 lists by year
    teachers: tuple[int, ...]  # rows of the teacher lists by year
    children: int  # kindergarten children in the latest year
    defects: int  # ledger lines
    defect_kinds: int


@dataclass
class RegionResult:
    """What the main process needs from a region: tables for the county files and the ledger."""

    region: int
    ids: NDArray[np.int64]
    tables: dict[int, dict[str, NDArray[np.float64]]]
    pupils: dict[int, NDArray[np.int64]]  # (schools, 6 stages) by year
    ages: dict[int, NDArray[np.int64]]  # pupils by grade 1..9 and year
    students: tuple[int, ...]
    teachers: tuple[int, ...]
    children: int
    entries: list[Entry]
    leaving: admissions.Leaving
    movers: dict[int, list[mobility.Mover]]  # students of clean rows, by year
    voc_teachers: dict[int, list[tuple[str, str, str, str]]]  # of clean rows, by year
    platforms: list[platforms.Part]


def make_region(region: int, scale: float, seed: int, out: Path) -> RegionResult:
    """Draw one region and write its student and teacher lists and its school workbooks."""
    schools = world.make_schools(scale, seed)
    pupils = people.make_pupils(schools, region, scale, seed)
    children, kg_tables = forms.make_kindergartens(schools, region, scale, seed)
    crew = staff.make_staff(schools, pupils, children, region, scale, seed)
    tables = forms.make_forms(schools, pupils, crew, kg_tables, region, seed).tables
    code, name = REGION_CODES[region], REGION_NAMES[region]
    entries: list[Entry] = []
    spoilt: list[str] = []  # teacher numbers whose latest row is not clean
    movers: dict[int, list[mobility.Mover]] = {}
    voc_teachers: dict[int, list[tuple[str, str, str, str]]] = {}
    junior_codes = {
        year: [
            schools.code_y[i][year - 2023] for i in pupils.ids if schools.kind[i] == world.JUNIOR
        ]
        for year in YEARS
    }
    for year in YEARS:
        period = school_year(year)
        frame = pupils.frames[year]
        is_xlsx = region in world.XLSX_REGIONS
        titled = region == 5
        suffix = "xlsx" if is_xlsx else "csv"
        file = f"学籍/{period}/{code}_{name}_学生.{suffix}"
        sheet = "学生信息" if is_xlsx else ""
        planted = rows.plant_rows(
            rng(seed, 20, region, year),
            frame,
            rows.STUDENT_KINDS,
            "students",
            period,
            file,
            sheet,
            3 if titled else 2,
            turn=region + 3 * (year - 2023),
            pairs=(
                (
                    "stu-same-pupil-twice",
                    "STU-008",
                    ("name", "sex", "birth_date", "student_no", "id_number"),
                    rows.READING,
                ),
            ),
            byte_kinds=not is_xlsx,
            other_school=lambda r, k, options=junior_codes[year]: (  # type: ignore[misc]
                options[k % len(options)] if options else None
            ),
        )
        entries += planted.entries
        first = 3 if titled else 2
        spoilt = {e.row - first for e in planted.entries if e.row}
        movers[year] = mobility.pick_movers(rng(seed, 22, region, year), frame, spoilt)
        path = out / file
        path.parent.mkdir(parents=True, exist_ok=True)
        if is_xlsx:
            head = xlsx.rows_xml(
                ([["全国中小学生学籍信息管理系统 学生基本信息"]] if titled else [])
                + [list(people.STUDENT_HEADER)]
            )
            body = head.encode() + xlsx.frame_xml(planted.frame, 3 if titled else 2)
            merge = ("A1:Z1",) if titled else ()
            xlsx.write_workbook(path, [xlsx.Sheet(sheet, body, merge)])
        else:
            entries += write_student_csv(
                path,
                file,
                period,
                region,
                year,
                planted.frame,
                people.STUDENT_HEADER,
                planted.bytes_edits,
            )
        crew_file = f"教师/{period}/{code}_{name}_教师.xlsx"
        told = rows.plant_rows(
            rng(seed, 21, region, year),
            crew.frames[year],
            rows.TEACHER_KINDS,
            "teachers",
            period,
            crew_file,
            "教师信息",
            3,
            turn=region + 3 * (year - 2023),
            pairs=(
                (
                    "tea-same-person-twice",
                    "TEA-007",
                    ("name", "sex", "birth_date", "id_number"),
                    rows.WORKING,
                ),
                ("tea-number-twice", "TEA-KEY", ("teacher_no",), rows.WORKING),
            ),
        )
        entries += told.entries
        if year == YEARS[-1]:
            at = [entry.row - 3 for entry in told.entries if entry.row]
            spoilt = crew.frames[year]["teacher_no"].gather(at).to_list()
        voc_teachers[year] = vocational.pick_teachers(
            crew.frames[year], {e.row - 3 for e in told.entries if e.row}
        )
        head = xlsx.rows_xml(
            [["全国教师管理信息系统 教师基本信息采集表"], list(staff.TEACHER_HEADER)]
        )
        xlsx.write_workbook(
            out / crew_file,
            [xlsx.Sheet("教师信息", head.encode() + xlsx.frame_xml(told.frame, 3), ("A1:X1",))],
        )

    backbone = _backbone(crew.frames[2025], crew.school_of_row[2025], pupils.ids)
    entries += planting.write_region_forms(schools, pupils.ids, tables, region, seed, out, backbone)
    served = platforms.write_region(out, crew.frames, pupils.frames, spoilt, region, seed)
    entries += wellbeing.write_region(out, schools, pupils, region, seed)
    entries += fitness.write_fitness(out, schools, pupils, region, seed)
    entries += preschool.write_children(
        out, schools, pupils.ids, kg_tables[2025], region, scale, seed
    )
    stage = {y: staff.pupils_by_stage(schools, pupils, children, y) for y in YEARS}
    for y in YEARS:
        stage[y][:, 0] = np.nan_to_num(tables[y]["2105"][:, 0, 6]).astype(np.int64)
    ages = {y: pupils.counts[y].enrolment[:, :9, 0, 0].sum(axis=0) for y in YEARS}
    return RegionResult(
        region,
        pupils.ids,
        tables,
        stage,
        ages,
        tuple(pupils.frames[y].height for y in YEARS),
        tuple(crew.frames[y].height for y in YEARS),
        int(stage[2025][:, 0].sum()),
        entries,
        admissions.leaving(pupils, len(schools)),
        movers,
        voc_teachers,
        served,
    )


def _backbone(
    frame: pl.DataFrame, at: NDArray[np.int64], ids: NDArray[np.int64]
) -> NDArray[np.int64]:
    holds = (frame["backbone_level"] != "无").to_numpy()
    return np.bincount(np.searchsorted(ids, at[holds]), minlength=len(ids))


def _marker(out: Path) -> dict[str, object] | None:
    try:
        loaded: dict[str, object] = json.loads((out / MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return loaded


def make_city(
    out: Path,
    scale: float = 1.0,
    seed: int = 2025,
    *,
    hold: bool = False,
    processes: int | None = None,
) -> CityReport:
    """Make the city under `out`, or reuse it when the same city is complete there.

    Args:
        out: folder of the source files (replaced as a whole, by renaming a finished copy).
        scale: 1.0 is a city of about 0.6 million pupils and children; 0.01 to 18.
        seed: the same seed and scale give the same bytes.
        hold: also add a delivery that must be held (next year's teachers, one county only).
        processes: worker processes, default one per core.

    Raises:
        ValueError: for a scale outside 0.01 to 18.
    """
    if not 0.01 <= scale <= 18:
        raise ValueError(f"scale {scale} is outside 0.01 to 18")
    out = Path(out)
    wanted = {"seed": seed, "scale": scale, "version": world.VERSION, "hold": hold}
    found = _marker(out)
    if found and all(found.get(k) == v for k, v in wanted.items()):
        return _report(out, found, reused=True)
    out.parent.mkdir(parents=True, exist_ok=True)
    temp, old = (out.parent / f".{out.name}-{part}" for part in ("partial", "old"))
    for left_over in (temp, old):  # of a run that was killed
        shutil.rmtree(left_over, ignore_errors=True)
    temp.mkdir()
    try:
        marker = wanted | _write(temp, scale, seed, hold, processes or os.cpu_count() or 1)
        (temp / MARKER).write_text(
            json.dumps(marker, ensure_ascii=False, indent=1, sort_keys=True), encoding="utf-8"
        )
        if out.exists():
            out.rename(old)
        temp.rename(out)
        shutil.rmtree(old, ignore_errors=True)
    except BaseException:
        shutil.rmtree(temp, ignore_errors=True)
        raise
    return _report(out, marker, reused=False)


def _report(out: Path, marker: dict[str, object], *, reused: bool) -> CityReport:
    m: dict[str, object] = marker
    number = {
        k: int(str(m[k]))
        for k in ("files", "bytes", "schools", "children", "defects", "defect_kinds")
    }
    students, teachers = m["students"], m["teachers"]
    assert isinstance(students, list | tuple) and isinstance(teachers, list | tuple)  # noqa: S101
    return CityReport(
        out=out,
        scale=float(str(m["scale"])),
        seed=int(str(m["seed"])),
        reused=reused,
        students=tuple(students),
        teachers=tuple(teachers),
        **number,
    )


def _write(out: Path, scale: float, seed: int, hold: bool, processes: int) -> dict[str, object]:
    order = sorted(range(8), key=lambda r: -world.cohort_share(r) - (0.1 if r == 7 else 0))
    jobs = [(r, scale, seed, out) for r in order]
    results: dict[int, RegionResult] = {}
    if processes > 1 and scale >= 0.1:
        os.environ.setdefault("POLARS_MAX_THREADS", "1")
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(min(processes, 8), mp_context=context) as pool:
            for result in pool.map(_job, jobs):
                results[result.region] = result
    else:
        for job in jobs:
            results[job[0]] = _job(job)
    regions = [results[r] for r in range(8)]
    schools = world.make_schools(scale, seed)
    entries = [e for r in regions for e in r.entries]
    entries += planting.write_county_forms(out, scale, seed, {r.region: r.tables for r in regions})
    entries += write_register(out, schools, seed)
    entries += write_extra_files(out, seed)
    entries += money.write_money(out, schools, regions, scale, seed)
    entries += preschool.write_kindergartens(out, schools, seed)
    entries += wellbeing.write_governance(out, schools, seed)
    served = [part for region in regions for part in region.platforms]
    entries += platforms.join(out, [*served, *platforms.write_city(out, scale, seed)])
    entries += mobility.write_mobility(out, schools, regions, seed)
    entries += vocational.write_vocational(out, schools, regions, seed)
    entries += admissions.write_admissions(out, schools, [r.leaving for r in regions], seed)
    entries += tasks.write_tasks(out, scale, seed)
    entries += funds.write_funds(out, regions, seed)
    entries += lists.write_lists(out, schools, seed)
    if hold:
        pupils = people.make_pupils(schools, 5, scale, seed)
        children, _ = forms.make_kindergartens(schools, 5, scale, seed)
        crew = staff.make_staff(schools, pupils, children, 5, scale, seed)
        entries += write_hold(out, crew.frames[2025])
    lines = write_ledger(out / LEDGER, (e for e in entries if e.rule_id))
    write_ledger(out / BLIND, (e for e in entries if not e.rule_id))
    times.save_times(out, seed)
    kinds = Counter(e.kind for e in read_ledger(out / LEDGER))
    files = [p for p in out.rglob("*") if p.is_file()]
    return {
        "as_of": times.AS_OF.isoformat(),
        "files": len(files),
        "bytes": sum(p.stat().st_size for p in files),
        "schools": int(schools.listed(2025).sum()),
        "students": [sum(r.students[y] for r in regions) for y in range(3)],
        "teachers": [sum(r.teachers[y] for r in regions) for y in range(3)],
        "children": sum(r.children for r in regions),
        "defects": lines,
        "defect_kinds": len(kinds),
    }


def _job(args: tuple[int, float, int, Path]) -> RegionResult:
    return make_region(*args)
