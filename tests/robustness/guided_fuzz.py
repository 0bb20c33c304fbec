"""Parsers of outside data, fuzzed by coverage; run by hand, for it needs atheris: `pip install atheris`.

    python -m tests.robustness.guided_fuzz manifest-csv -max_total_time=60

Options after the parser's name are those of libFuzzer. What ends the run with a traceback is a fault: a parser answers
with a result or a UserError. The input that did it is left in the working directory, as crash-HASH, and can be given
again as the last argument.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import atheris

with atheris.instrument_imports(include=["i2i"]):
    from i2i.config import read_settings
    from i2i.data.image_files import open_image
    from i2i.data.layouts.celeba import LIST, scan_listed
    from i2i.data.open import open_place
    from i2i.runs.checkpoint_meta import read_meta
    from i2i.training.setup import run_config
from tests.data.test_layouts import put
from tests.robustness.fuzz import answer
from tests.robustness.test_fuzz import ARCHIVES, IMAGES, LISTED, pixels_of

Parse = Callable[[Path], object]

MANIFEST = b'path,split,domain,pair\na.png,train,x,1\nb.png,train,"y",1\na/c.png,test,x,2\n'
LINES = b'{"file_name": "a.png", "split": "train", "attributes": ["x", "y"]}\n{"path": "b.png", "split": "test"}\n'
SETTINGS = b"model: {width: 4}\ndata:\n  image_size: 32x48\n  domains: [a, b]\ntrain: {images: 4, seed: 0x10}\n"
META = b'{"format": 1, "step": 1, "steps": 2, "settings": {}, "files": {"a": "0"},\n"checksum": "0"\n}'

PARSERS: dict[str, tuple[str, bytes, Parse]] = {
    "manifest-csv": ("x.csv", MANIFEST, open_place),
    "manifest-jsonl": ("x.jsonl", LINES, open_place),
    "attribute-list": (LIST, LISTED.encode(), lambda path: scan_listed(path.parent, ("Male",))),
    "settings": ("x.yaml", SETTINGS, lambda path: run_config("cyclegan", read_settings(path))),
    "checkpoint": ("checkpoint.json", META, lambda path: read_meta(path, "train again")),
    "zip": ("x.zip", ARCHIVES["x.zip"], open_place),
    **{name: (f"{name}.png", IMAGES[name], pixels_of) for name in ("P.png", "progressive.jpg", "lzw.tif", "P.gif")},
}


def main() -> None:
    name, *options = sys.argv[1:] or [""]
    if name not in PARSERS:
        sys.exit(f"usage: python -m tests.robustness.guided_fuzz PARSER [OPTION...]; parsers: {', '.join(PARSERS)}")
    file, whole, parse = PARSERS[name]
    open_image.MAX_PIXELS = 1 << 20
    with TemporaryDirectory() as place:
        folder = put(Path(place, "root"), "a.png", "b.png", "a/c.png")
        corpus = Path(place, "corpus")
        corpus.mkdir()
        (corpus / "whole").write_bytes(whole)

        def check(raw: bytes) -> None:
            (folder / file).write_bytes(raw)
            answer(parse, folder / file)

        atheris.Setup([sys.argv[0], *options, *([] if has_input(options) else [str(corpus)])], check)
        atheris.Fuzz()


def has_input(options: list[str]) -> bool:
    """Whether a file was given that is to be tried again."""
    return any(not option.startswith("-") for option in options)


if __name__ == "__main__":
    main()
