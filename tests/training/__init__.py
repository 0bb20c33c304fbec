"""Tests of `i2i.training`, `i2i.runs` and `i2i.distributed`."""
