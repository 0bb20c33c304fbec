"""Measurements of speed, coverage and error: run as files, not installed."""
