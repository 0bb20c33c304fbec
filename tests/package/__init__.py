"""Tests of the package as a whole: imports, documentation, wheel."""
