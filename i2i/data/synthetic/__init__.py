"""The built-in synthetic data sets."""
