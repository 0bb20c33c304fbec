"""i2i: a comparative zoo of image-to-image translators."""

__version__ = "0.1.0"
