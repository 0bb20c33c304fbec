"""A page in one file that opens from disk: its style, its script and its data stand in it, and it asks for nothing."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

_HERE = Path(__file__).parent
STYLE, TABLES, CHARTS = _HERE / "style.css", _HERE / "tables.js", _HERE / "charts.js"
"""What pages share: their look, elements and tables that sort, and, after those, curves."""

HEAD = """<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="<!--policy-->">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<link rel="icon" href="data:,">
<style><!--style--></style>"""


def html_page(
    template: Path,
    styles: Sequence[Path],
    scripts: Sequence[Path],
    data: Mapping[str, object],
    texts: Mapping[str, str] | None = None,
    served: bool = False,
) -> str:
    """The page of a template.

    Data stand in blocks that no browser runs, escaped so that no name in them can end its block. The policy in the head
    allows this style and this script by their hashes, images from the page itself, and nothing else.

    Args:
        template: holds `<!--head-->`, `<!--script-->`, and the comments of data and texts.
        styles, scripts: files, in their order.
        data: what stands for the comment `<!--NAME-->` of the template, as JSON.
        texts: what stands for further comments, as it is.
        served: whether it comes from a server of its own, which it may ask for images and for what is new.
    """
    style, script = ("".join(path.read_text(encoding="utf-8") for path in paths) for paths in (styles, scripts))
    fillings = {"head": HEAD, **(texts or {}), "policy": _policy(style, script, served), "style": style}
    fillings |= {name: as_data(value) for name, value in data.items()} | {"script": script}
    text = template.read_text(encoding="utf-8")
    for name, filling in fillings.items():
        text = text.replace(f"<!--{name}-->", filling)
    return text


def as_data(value: object) -> str:
    """JSON that stays data inside a script element: ASCII, with <, > and & written as escapes."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def data_address(contents: bytes, kind: str = "png") -> str:
    """An image file as an address that a page can hold."""
    return f"data:image/{kind};base64,{base64.b64encode(contents).decode()}"


def _policy(style: str, script: str, served: bool) -> str:
    asked = "img-src data: 'self'; connect-src 'self'" if served else "img-src data:"
    return (
        f"default-src 'none'; {asked}; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
