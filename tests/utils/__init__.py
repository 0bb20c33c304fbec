"""Tests of `i2i.utils`."""
