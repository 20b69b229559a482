"""The report: one HTML file that holds everything it shows."""

from rnnlens.views.report.parts import ReportParts
from rnnlens.views.report.render import render_report

__all__ = ["ReportParts", "render_report"]
