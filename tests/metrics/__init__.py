"""Tests of `i2i.metrics`."""
