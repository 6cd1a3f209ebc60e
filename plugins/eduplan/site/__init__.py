"""The static site: the scorecard and behind it a page for each county and each indicator."""

from eduplan.site.build import Site, write_site

__all__ = ["Site", "write_site"]
