"""The version, which checkpoints, exported files and results folders hold."""

__version__ = "0.1.0"
