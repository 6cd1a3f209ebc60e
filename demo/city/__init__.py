"""The synthetic city: `make_city` writes its source files and the ledger of planted defects."""

from demo.city.build import CityReport, make_city

__all__ = ["CityReport", "make_city"]
