"""Tests of the translators, their contract and their networks."""
