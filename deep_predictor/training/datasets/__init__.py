"""Labelled pictures on disk: one file a format, and one line in `table.py` (see docs/training/datasets.md)."""
