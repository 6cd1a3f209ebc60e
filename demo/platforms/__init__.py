"""The city's three learning platforms, played by one small HTTP server with switchable faults."""

from demo.platforms.server import Faults, Platforms

__all__ = ["Faults", "Platforms"]
