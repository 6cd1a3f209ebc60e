"""The plan scorecard: one query layer, one HTML page for print and one table for the terminal."""

from eduplan.scorecard.html import render_html
from eduplan.scorecard.query import Scorecard, load_scorecard
from eduplan.scorecard.terminal import render_terminal

__all__ = ["Scorecard", "load_scorecard", "render_html", "render_terminal"]
