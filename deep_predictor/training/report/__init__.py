"""What a run says of itself for people: report.html and its plots."""

from deep_predictor.training.report.facts import ReportFacts
from deep_predictor.training.report.writing import write_report

__all__ = ["ReportFacts", "write_report"]
