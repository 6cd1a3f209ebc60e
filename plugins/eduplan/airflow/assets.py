"""Names of the assets that publishing a dataset and building the warehouse update."""

from pathlib import Path

from airflow.sdk import Asset

SCHEME = "x-edu"


def published(dataset: str) -> Asset:
    """Return the asset of a dataset's published rows, e.g. ``x-edu://published/students``."""
    return Asset(name=f"published/{dataset}", uri=f"{SCHEME}://published/{dataset}")


def built() -> Asset:
    """Return the asset of the built warehouse, ``x-edu://built/warehouse``."""
    return Asset(name="built/warehouse", uri=f"{SCHEME}://built/warehouse")


def datasets(expectations_dir: Path) -> list[str]:
    """Return the names of all datasets without reading their contracts: files are named so."""
    return sorted(p.name.removesuffix(".odcs.yaml") for p in expectations_dir.rglob("*.odcs.yaml"))
