"""Scores and costs as tables, with means, intervals and tests."""
