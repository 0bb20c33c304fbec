"""Tests of `i2i.data`."""
