"""What notebooks show of results: sentences and images, held in the notebook itself."""

from base64 import b64encode
from html import escape

from PIL import Image

from i2i.api.images import png


def page_text(text: str) -> str:
    """A sentence with names in it as a paragraph."""
    return f"<p>{escape(text)}</p>"


def image_tag(image: Image.Image, alt: str = "") -> str:
    """An image, at most as wide as the page."""
    held = b64encode(png(image)).decode()
    return f'<img alt="{escape(alt)}" style="max-width: 100%" src="data:image/png;base64,{held}">'
