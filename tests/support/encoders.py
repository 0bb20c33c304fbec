"""Writers of PNG and TIFF files of every kind, also of those that PIL only reads: what a test knows the pixels of."""

import struct
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

PNG_COLORS = {1: 0, 2: 4, 3: 2, 4: 6}
MIN_IS_WHITE, MIN_IS_BLACK, RGB, PALETTE, SEPARATED, YCBCR, CIELAB = 0, 1, 2, 3, 5, 6, 8
LZW, DEFLATE = 5, 8
UNSIGNED, SIGNED, FLOAT = 1, 2, 3
SHORT, LONG = 3, 4


def packed(values: np.ndarray, bits: int, order: str = ">") -> bytes:
    """The rows of integers [H, W] or [H, W, C], each row padded to whole bytes."""
    if bits in (16, 32):
        return values.astype(f"{order}{values.dtype.kind}{bits // 8}").tobytes()
    if bits == 8:
        return values.astype(values.dtype.kind + "1").tobytes()
    flat = values.reshape(len(values), -1, 1).astype(">u2")
    spread = np.unpackbits(flat.view(np.uint8), axis=2)[:, :, 16 - bits :].reshape(len(values), -1)
    return np.packbits(spread, axis=1).tobytes()


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(values: np.ndarray, bits: int, *, palette: Any = None, transparent: bytes = b"", more: bytes = b"") -> bytes:
    """A PNG file of integers [H, W, C].

    Args:
        values: grey, grey with alpha, RGB, RGB with alpha by their number of channels; with a palette indices.
        bits: of a value.
        palette: uint8 [N, 3].
        transparent: the contents of the chunk tRNS.
        more: whole chunks that stand before the pixels.
    """
    height, width, channels = values.shape
    color = 3 if palette is not None else PNG_COLORS[channels]
    rows = b"".join(b"\0" + packed(row[None], bits) for row in values)
    parts = [
        png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, 0)),
        b"" if palette is None else png_chunk(b"PLTE", np.asarray(palette, np.uint8).tobytes()),
        png_chunk(b"tRNS", transparent) if transparent else b"",
        more,
        png_chunk(b"IDAT", zlib.compress(rows)),
        png_chunk(b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def tiff(
    values: np.ndarray,
    bits: int,
    photometric: int,
    *,
    order: str = "<",
    planar: bool = False,
    compression: int = 1,
    predictor: int = 1,
    kind: int = UNSIGNED,
    extra: Sequence[int] = (),
    palette: Any = None,
    rows_per_strip: int | None = None,
    orientation: int = 1,
) -> bytes:
    """A TIFF file of values [H, W, C].

    Args:
        values: integers, or floats for `kind` FLOAT.
        bits: of a value.
        photometric: what values mean.
        order: `<` little-endian, `>` big-endian.
        planar: every channel by itself.
        compression: none (1) or DEFLATE.
        predictor: 2: differences of neighbours in a row.
        kind: of number.
        extra: what the last channels are: 0 not said, 1 alpha that colours are multiplied by, 2 alpha.
        palette: uint16 [2 ** bits, 3].
        rows_per_strip: None: all.
        orientation: as in EXIF.
    """
    height, width, channels = values.shape
    each = rows_per_strip or height
    planes = [values[:, :, c] for c in range(channels)] if planar else [values]
    strips = [_strip(plane[y : y + each], bits, order, predictor) for plane in planes for y in range(0, height, each)]
    strips = [zlib.compress(strip) if compression == DEFLATE else strip for strip in strips]
    tags = {
        256: (LONG, [width]),
        257: (LONG, [height]),
        258: (SHORT, [bits] * channels),
        259: (SHORT, [compression]),
        262: (SHORT, [photometric]),
        273: (LONG, [0] * len(strips)),
        274: (SHORT, [orientation]),
        277: (SHORT, [channels]),
        278: (LONG, [each]),
        279: (LONG, [len(strip) for strip in strips]),
        284: (SHORT, [2 if planar else 1]),
        317: (SHORT, [predictor]),
        320: (SHORT, [] if palette is None else np.asarray(palette).T.ravel().tolist()),
        338: (SHORT, list(extra)),
        339: (SHORT, [kind] * channels),
    }
    return _assembled({tag: (form, told) for tag, (form, told) in tags.items() if told}, strips, order)


def _strip(rows: np.ndarray, bits: int, order: str, predictor: int) -> bytes:
    if predictor == 2:
        rows = rows.copy()
        rows[:, 1:] -= rows[:, :-1].copy()
    return packed(rows, bits, order)


def _assembled(tags: dict[int, tuple[int, list[int]]], strips: list[bytes], order: str) -> bytes:
    forms, sizes = {SHORT: "H", LONG: "I"}, {SHORT: 2, LONG: 4}
    behind = 8 + 2 + 12 * len(tags) + 4
    pixels = behind + sum(sizes[form] * len(told) for form, told in tags.values())
    starts = np.cumsum([pixels, *map(len, strips[:-1])]).tolist()
    tags[273] = (LONG, starts)
    directory, long_values = b"", b""
    for tag, (form, told) in sorted(tags.items()):
        data = struct.pack(order + forms[form] * len(told), *told)
        directory += struct.pack(order + "HHI", tag, form, len(told))
        if len(data) <= 4:
            directory += data.ljust(4, b"\0")
        else:
            directory += struct.pack(order + "I", behind + len(long_values))
            long_values += data
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "IH", 8, len(tags))
    body = (directory + struct.pack(order + "I", 0) + long_values).ljust(pixels - 10, b"\0")
    return head + body + b"".join(strips)
