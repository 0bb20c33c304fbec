"""Bad input, folders from outside, fuzzers."""
