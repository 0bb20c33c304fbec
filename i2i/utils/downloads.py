"""Files from the network, complete and checked or not at all. Only what a user asks for by name is fetched."""

import hashlib
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from ssl import SSLError
from urllib.error import URLError

from i2i.errors import UserError
from i2i.utils.atomic_write import replacing

CHUNK = 1 << 20  # bytes
PATIENCE = 30  # seconds without an answer
OFFLINE = (URLError, HTTPException, ConnectionError, TimeoutError, SSLError)


def download(url: str, place: Path, digits: str, progress: Callable[[int, int], None] | None = None) -> None:
    """Fetch a file; one that is already at `place` is replaced when the new one is complete.

    Proxies are taken from the environment.

    Args:
        url: of the file.
        place: where to put it.
        digits: its SHA-256, or the first digits of it.
        progress: told of the bytes received and their total, if the server names one.

    Raises:
        UserError: no connection, an incomplete file, another checksum, or no room for it.
    """
    by_hand = f"or copy the file by hand to\n{place}"
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with replacing(place) as partial:
            found = _receive(url, partial, by_hand, progress)
            if not found.startswith(digits):
                shown = found[: len(digits)]
                raise UserError(f"{url} is not what was published: SHA-256 {shown}, not {digits}. Try again, {by_hand}")
    except OFFLINE as error:
        reason = getattr(error, "reason", None) or error
        raise UserError(
            f"cannot fetch {url} ({reason}): name your proxy in the variable HTTPS_PROXY, {by_hand}"
        ) from None
    except OSError as error:
        raise UserError(f"cannot write {place} ({error.strerror}): make room, or set TORCH_HOME elsewhere") from None


def _receive(url: str, partial: Path, by_hand: str, progress: Callable[[int, int], None] | None) -> str:
    """Write what the server sends; returns its SHA-256."""
    digest, received = hashlib.sha256(), 0
    opener = urllib.request.build_opener()  # urlopen would keep the proxies of its first call
    with opener.open(url, timeout=PATIENCE) as answer, partial.open("wb") as file:
        total = int(answer.headers.get("Content-Length") or 0)
        while block := answer.read(CHUNK):
            file.write(block)
            digest.update(block)
            received += len(block)
            if progress and total:
                progress(received, total)
    if received < total:
        raise UserError(f"only {received:,} of the {total:,} bytes of {url} came. Try again, {by_hand}")
    return digest.hexdigest()
