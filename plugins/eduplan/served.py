"""Files of a folder that a browser may be shown, found by a path that cannot lead out of it."""

from collections.abc import Mapping
from pathlib import Path

TYPES: Mapping[str, str] = {
    ".css": "text/css; charset=utf-8",
    ".csv": "text/csv; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".svg": "image/svg+xml",
}
"""What is shown, and as what; a file of any other kind is not there."""
INDEX = "index.html"
_LONGEST = 400


def find(folder: Path, path: str, types: Mapping[str, str] = TYPES) -> Path | None:
    """Return the file of ``folder`` that a request names by ``path`` (``/`` between its parts).

    A path that ends in ``/``, or is empty, means the index of that folder. None for what is not
    there, not of a kind in ``types``, hidden, or outside the folder, be it through a link.
    """
    if path == "" or path.endswith("/"):
        path += INDEX
    if len(path) > _LONGEST or any(ord(c) < 32 or c in '\\:"' for c in path):
        return None
    if any(part == "" or part.startswith(".") for part in path.split("/")):
        return None
    try:
        root = folder.resolve(strict=True)
        file = root.joinpath(*path.split("/")).resolve(strict=True)
    except (OSError, RuntimeError):
        return None
    if not file.is_relative_to(root) or file.suffix.lower() not in types or not file.is_file():
        return None
    return file
