"""JSON files, read once at the door: as a typed model, or refused in a line that names file, entry and remedy.

Code that reads a file that may come from elsewhere describes it as a `Document`; what is read then has the types that
the code relies on, whatever the file holds.
"""

import math
import re
from codecs import BOM_UTF8
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from reprlib import Repr
from types import MappingProxyType
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from i2i.errors import Damaged, UserError
from i2i.utils.checksums import SEAL, checksum_matches, sealed
from i2i.utils.safe_paths import invalid_name
from i2i.utils.text import one_line

LARGEST = 2**28  # bytes of a file
LONGEST_SHOWN = 60  # characters of a value in an error
LONGEST_NAME = 200  # bytes, which leaves room for what is put behind a name
MOST = 10**12  # of what is counted

Kind = TypeVar("Kind")
Sealed = TypeVar("Sealed", bound="SealedDocument")
_ESCAPES = re.compile(rb"\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\\u[dD]([cC][89a-fA-F][0-9a-fA-F])|\\.", re.DOTALL)
_STANDS_IN = 0x100000  # added to what stands for a byte that is no UTF-8; characters for private use
_STOOD_FOR = {_STANDS_IN + byte: byte for byte in range(0xDC80, 0xDD00)}


class Document(BaseModel):
    """Base of what JSON files hold: nothing is converted, unknown entries are left out, numbers are finite."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", allow_inf_nan=False)


class SealedDocument(Document):
    """A document whose checksum shows edits.

    Attributes:
        format: version of what stands in the file.
        i2i: version of the program that wrote it.
        checksum: of all its other bytes, once it is read.
    """

    format: int
    i2i: str
    checksum: str = ""

    def sealed(self) -> bytes:
        """What its file holds."""
        return sealed(self.model_dump(mode="json", exclude={"checksum"}))


def _finite(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("numbers must be finite")
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _finite(item)
    return value


def _name(value: str) -> str:
    reason = invalid_name(value) or ("is too long" if len(value.encode()) > LONGEST_NAME else None)
    if reason:
        raise ValueError(f"the name {reason}: it must name one file or folder")
    return value


Name = Annotated[str, AfterValidator(_name)]
"""Text that names one file or folder."""
Plain = Annotated[Any, AfterValidator(_finite)]
"""Any JSON value, its numbers finite."""
Facts = dict[str, Plain]
Count = Annotated[int, Field(ge=0, le=MOST)]
Measured = Annotated[float, Field(allow_inf_nan=True)]
"""A measured value, which may be no number."""


def read_document(
    kind: type[Kind], path: Path, remedy: str, remedies: Mapping[str, str] = MappingProxyType({})
) -> Kind | None:
    """What a JSON file holds; None if there is no such file.

    Args:
        kind: what it is to hold: a `Document`, or a collection of such.
        path: the file.
        remedy: what to do about a file that cannot be used, as the end of a sentence.
        remedies: what to do about single entries, by their names.

    Raises:
        Damaged: if it is no JSON or holds something else.
        UserError: if it cannot be read just now.
    """
    contents = _contents(path, remedy)
    if contents is None:
        return None
    try:
        return from_json(kind, contents)
    except ValidationError as error:
        places = error.errors(include_url=False)[0]["loc"][::-1]
        own = next((remedies[str(place)] for place in places if place in remedies), remedy)
        raise Damaged(f"{path} {what_does_not_fit(error)}", own) from None


def read_sealed(kind: type[Sealed], path: Path, newest: int, remedy: str, edited: str) -> Sealed | None:
    """What a file of a sealed document holds; None if there is no such file.

    Args:
        kind: what it is to hold.
        path: the file.
        newest: version of the format that this program reads.
        remedy: what to do about a file that cannot be used, as the end of a sentence.
        edited: what is said of one whose checksum is not that of its contents.

    Raises:
        Damaged: if it was edited or cut short, or holds something else.
        UserError: if it is of a later version, or cannot be read just now.
    """
    found = read_document(kind, path, remedy)
    if found is None:
        return None
    if found.format > newest:
        raise UserError(f"{path} was written by i2i {found.i2i}, which is later than this one: use that version")
    if not checksum_matches(path.read_bytes(), {SEAL: found.checksum}):
        raise Damaged(f"{path} {edited}", remedy)
    return found


def from_json(kind: type[Kind], contents: bytes) -> Kind:
    """What JSON holds; names that are no UTF-8 may stand in it as Python writes them, such as `caf\\udce9`.

    pydantic reads no such escapes, so characters for private use take their places while it reads.

    Raises:
        ValidationError: if it is no JSON or does not hold a `kind`.
    """
    readable = _ESCAPES.sub(_stand_in, contents) if rb"\ud" in contents.lower() else contents
    found: Kind = _adapter(kind).validate_json(readable)  # type: ignore[arg-type]
    return found if readable == contents else _as_named(found)


def _stand_in(escape: re.Match[bytes]) -> bytes:
    return chr(_STANDS_IN + int(b"d" + escape[1], 16)).encode() if escape[1] else escape[0]


def _as_named(value: object) -> Any:
    """The value with the bytes of names in the places of what stood in for them."""
    if isinstance(value, str | Path):
        return type(value)(str(value).translate(_STOOD_FOR))
    if isinstance(value, dict):
        return {_as_named(key): _as_named(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return type(value)(map(_as_named, value))
    if isinstance(value, BaseModel):
        return value.model_copy(update={name: _as_named(item) for name, item in value})
    return value


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _contents(path: Path, remedy: str) -> bytes | None:
    try:
        if not path.is_file():
            return None
        if path.stat().st_size > LARGEST:
            raise Damaged(f"{path} is larger than {LARGEST:,} bytes", remedy)
        return path.read_bytes().removeprefix(BOM_UTF8)
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}): make it readable and try again") from None


def what_does_not_fit(error: ValidationError) -> str:
    """The first entry that pydantic refused, with its value, as the end of a sentence."""
    first = error.errors(include_url=False)[0]
    # Without the names that pydantic gives to its own checks and to the members of a union.
    place = one_line(".".join(str(part) for part in first["loc"]))[:120]
    if first["type"] == "json_invalid":
        return f"is not JSON ({one_line(first['msg'])})"
    if first["type"] == "missing":
        return f"lacks the entry {place}"
    message = one_line(first["msg"]).removeprefix("Value error, ")
    what = f"holds {place} = {_shown(first['input'])}, which" if place else "as a whole"
    return f"{what} does not fit ({message[:200]})"


def _shown(value: object) -> str:
    shortened = Repr()
    shortened.maxlevel = 2
    shortened.maxstring = shortened.maxother = shortened.maxlong = LONGEST_SHOWN
    text = one_line(shortened.repr(value))
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 3]}..."
