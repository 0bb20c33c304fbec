"""JSON files, read once at the door: as a typed model, or refused in a line that names file, entry and remedy.

Whoever reads a file that may come from somebody else describes it as a `Document`; what is read then has the types that
the code relies on, whatever the file holds.
"""

import math
from codecs import BOM_UTF8
from functools import cache
from pathlib import Path
from reprlib import Repr
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from i2i.errors import Damaged, UserError
from i2i.safe_paths import unfit_name
from i2i.texts import one_line

LARGEST = 2**28  # bytes of a file
LONGEST_NAME = 200  # bytes, which leaves room for what is put behind a name
MOST = 10**12  # of what is counted

Kind = TypeVar("Kind")


class Document(BaseModel):
    """Base of what JSON files hold: nothing is converted, unknown entries are left out, numbers are finite."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", allow_inf_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("numbers must be finite")
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _finite(item)
    return value


def _name(value: str) -> str:
    unfit = unfit_name(value) or ("is too long" if len(value.encode()) > LONGEST_NAME else None)
    if unfit:
        raise ValueError(f"the name {unfit}: it must name one file or folder")
    return value


Name = Annotated[str, AfterValidator(_name)]
"""Text that names one file or folder."""
Plain = Annotated[Any, AfterValidator(_finite)]
"""Any JSON value, its numbers finite."""
Facts = dict[str, Plain]
Count = Annotated[int, Field(ge=0, le=MOST)]
Measured = Annotated[float, Field(allow_inf_nan=True)]
"""A measured value, which may be no number."""


def read_document(kind: type[Kind], path: Path, remedy: str) -> Kind | None:
    """What a JSON file holds; None if there is no such file.

    Args:
        kind: what it is to hold: a `Document`, or a collection of such.
        path: the file.
        remedy: what to do about a file that cannot be used, as the end of a sentence.

    Raises:
        Damaged: if it is no JSON or holds something else.
        UserError: if it cannot be read just now.
    """
    contents = _contents(path, remedy)
    if contents is None:
        return None
    try:
        found: Kind = _adapter(kind).validate_json(contents)  # type: ignore[arg-type]
    except ValidationError as error:
        raise Damaged(f"{path} {_first_fault(error)}", remedy) from None
    return found


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


def _first_fault(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    # Without the names that pydantic gives to its own checks and to the members of a union.
    place = one_line(".".join(str(part) for part in first["loc"]))[:120]
    if first["type"] == "json_invalid":
        return f"is no JSON ({one_line(first['msg'])})"
    if first["type"] == "missing":
        return f"lacks the entry {place}"
    message = one_line(first["msg"]).removeprefix("Value error, ")
    what = f"holds {place} = {_shown(first['input'])}, which" if place else "as a whole"
    return f"{what} does not fit ({message[:200]})"


def _shown(value: Any) -> str:
    shortened = Repr()
    shortened.maxlevel = 2
    shortened.maxstring = shortened.maxother = shortened.maxlong = 60
    return one_line(shortened.repr(value))
