"""Tools beside the tests, run by hand."""
