"""County outlines from a user's own GeoJSON file, as SVG paths.

No boundary data is shipped: map data may not be passed on, so the page draws a tile grid unless
its user brings a file.
"""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eduplan.errors import EduplanError

WIDTH, HEIGHT = 360.0, 300.0


@dataclass(frozen=True)
class Shape:
    """One county: its code, an SVG path in a 360 × 300 box and where its label stands."""

    code: str
    path: str
    label_x: float
    label_y: float


def county_shapes(path: Path) -> tuple[Shape, ...]:
    """Read the polygons of ``path`` (longitude, latitude in degrees) and fit them into the box.

    Raises ``EduplanError`` when the file is no GeoJSON feature collection of polygons.
    """
    try:
        features = json.loads(path.read_text("utf-8"))["features"]
        rings = {_code(f): list(_rings(f["geometry"])) for f in features}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise EduplanError(
            f"{path.name} is not a GeoJSON feature collection of polygons",
            hint="give each feature its 6-digit code as adcode, code or id",
        ) from error
    points = [p for own in rings.values() for ring in own for p in ring]
    if not points:
        raise EduplanError(f"{path.name} has no polygon", hint="export the counties as polygons")
    west, east = min(p[0] for p in points), max(p[0] for p in points)
    south, north = min(p[1] for p in points), max(p[1] for p in points)
    squeeze = math.cos(math.radians((south + north) / 2))
    scale = min(WIDTH / max(1e-9, (east - west) * squeeze), HEIGHT / max(1e-9, north - south))

    def place(point: tuple[float, float]) -> tuple[float, float]:
        return (
            round((point[0] - west) * squeeze * scale, 1),
            round((north - point[1]) * scale, 1),
        )

    shapes = []
    for code, own in rings.items():
        parts = []
        for ring in own:
            drawn = list(dict.fromkeys(place(p) for p in ring))
            parts.append("M" + "L".join(f"{x},{y}" for x, y in drawn) + "Z")
        largest = max(own, key=len)
        xs, ys = zip(*(place(p) for p in largest), strict=True)
        shapes.append(
            Shape(code, "".join(parts), round(sum(xs) / len(xs), 1), round(sum(ys) / len(ys), 1))
        )
    return tuple(shapes)


def _code(feature: dict[str, Any]) -> str:
    own = feature.get("properties") or {}
    return str(own.get("adcode") or own.get("code") or own.get("id") or feature.get("id") or "")[:6]


def _rings(geometry: dict[str, Any]) -> Iterator[list[tuple[float, float]]]:
    polygons = geometry["coordinates"]
    if geometry["type"] == "Polygon":
        polygons = [polygons]
    elif geometry["type"] != "MultiPolygon":
        return
    for polygon in polygons:
        yield [(float(p[0]), float(p[1])) for p in polygon[0]]
