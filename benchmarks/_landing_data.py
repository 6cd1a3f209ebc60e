"""Files for the landing benchmarks: synthetic student records as a GB18030 CSV of 20 columns."""

import dataclasses
import random
from pathlib import Path

from eduplan.contract import Contract, load_contract

CONTRACT = Path(__file__).parents[1] / "expectations/student_records/students.odcs.yaml"
PERIOD = "2025-2026"
COLUMNS = 20
_GRADES = "一二三四五六"


def contract() -> Contract:
    """Return the students' contract with its first 20 columns."""
    whole = load_contract(CONTRACT)
    return dataclasses.replace(whole, columns=whole.columns[:COLUMNS])


def deliver(root: Path, rows: int, seed: int = 1) -> Path:
    """Write one county's file below ``root`` as the contract expects it; return its path."""
    rng = random.Random(seed)
    labels = [column.label for column in contract().columns]
    path = root / "学籍" / PERIOD / "450422_藤县_学生.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    names = ["".join(chr(rng.randrange(0x4E00, 0x9FA5)) for _ in range(3)) for _ in range(5000)]
    with path.open("wb") as out:
        out.write((",".join(labels) + "\n").encode("gb18030"))
        for start in range(0, rows, 20_000):
            lines = []
            for i in range(start, min(start + 20_000, rows)):
                birth = f"{2010 + i % 9}{1 + i % 12:02d}{1 + i % 28:02d}"
                # 450499 is the area code of no place.
                number = f"450499{birth}{i % 1000:03d}X"
                lines.append(
                    f"21450{i % 900:05d},藤县第{i % 900}小学,{names[i % 5000]},{'男女'[i & 1]},"
                    f"{birth},居民身份证,{number},G{number},汉族,农业户口,450422{i % 10**6:06d},"
                    f"小学{_GRADES[i % 6]}年级,{1 + i % 12}班,202309,就近入学,走读,"
                    "正常入学,否,否,否\n"
                )
            out.write("".join(lines).encode("gb18030"))
    return path
