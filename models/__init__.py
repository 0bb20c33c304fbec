"""The translators, one paper per file; installed as `i2i.models`."""

if __name__ != "i2i.models":
    raise ImportError("the translators are imported as i2i.models, not as a top-level package")
