"""What is wrong with a data set, said before it is trained on."""

from deep_predictor.training.doctor.examine import examine
from deep_predictor.training.doctor.findings import CODES, Finding, Findings
from deep_predictor.training.doctor.page import write_html
from deep_predictor.training.doctor.text import as_text

__all__ = ["CODES", "Finding", "Findings", "as_text", "examine", "write_html"]
