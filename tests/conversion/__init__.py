"""Tests of `i2i.conversion`."""
