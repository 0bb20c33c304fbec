"""Tests of `i2i.inference`."""
