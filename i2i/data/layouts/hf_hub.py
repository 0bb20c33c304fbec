"""Data sets of the Hugging Face Hub by name, `hf:OWNER/NAME[:CONFIG]`: asked about, fetched, and found again.

Nothing is fetched but by `fetch`. What was fetched lies in the cache, as it lies on the Hub; tables are then written
out as files of images, which are read as every other folder is.
"""

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from glob import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from i2i.config import stable_hash
from i2i.data.layouts.hf_rows import Table, reading_of, undecoded, write_split
from i2i.data.layouts.i2i_json import CARD, read_card
from i2i.errors import UserError, unknown
from i2i.utils.atomic_write import replacing_folder, write_text
from i2i.utils.cache_folder import cache_folder
from i2i.utils.split_names import canonical_split
from i2i.utils.text import one_line, option
from i2i.utils.wording import number

if TYPE_CHECKING:
    from huggingface_hub import HfApi

HUB = "hf:"
"""What a data path begins with that names a data set of the Hub."""

_ADDRESS = re.compile(r"hf:(?P<repository>\w[\w.-]*/\w[\w.-]*)(?::(?P<config>\w[\w.+-]*))?", re.ASCII)
TABLES = (".parquet", ".arrow", ".jsonl", ".json.gz")
NEVER = ("*.py", ".*", "*/.*", "/*")
"""Of a repository: programs, which nobody runs here, hidden files, and names that lead out of it."""

SOURCE = "source.json"
SECONDS_TO_ANSWER = 20.0
CARD_FILES = ("README.md", CARD)


@dataclass(frozen=True)
class Address:
    """A data set of the Hub, and which of its configurations."""

    repository: str
    config: str | None = None

    @classmethod
    def parse(cls, text: str) -> "Address":
        """`hf:OWNER/NAME[:CONFIG]`; UserError for anything else."""
        found = _ADDRESS.fullmatch(text)
        if found is None or ".." in text:
            raise UserError(
                f"{one_line(text)!r} names no data set of the Hugging Face Hub: write hf:OWNER/NAME[:CONFIG]"
            )
        return cls(found["repository"], found["config"])

    def __str__(self) -> str:
        return f"{HUB}{self.repository}{f':{self.config}' if self.config else ''}"

    @property
    def name(self) -> str:
        """For tables and run folders."""
        own = self.repository.partition("/")[2]
        return f"{own}-{self.config}" if self.config else own

    @property
    def place(self) -> Path:
        """Where it lies when it was fetched."""
        return cache_folder() / "hub" / self.repository.replace("/", "--") / (self.config or "default") / self.name


@dataclass(frozen=True)
class Offer:
    """What would be fetched.

    Attributes:
        address: which data set.
        revision: of the repository.
        files: their bytes by name.
        licence: as the repository's card says it.
    """

    address: Address
    revision: str
    files: Mapping[str, int]
    licence: str

    def __str__(self) -> str:
        size = sum(self.files.values()) / 1e6
        return (
            f"{self.address} is {number(len(self.files), 'file')} of {size:,.1f} MB, licence: {self.licence}, "
            f"revision {self.revision[:12]}"
        )


def is_hub(place: object) -> bool:
    """Whether a place of data is a name of the Hub."""
    return str(place).startswith(HUB)


def ensure(text: str, allowed: bool) -> str | None:
    """Have a data set on this machine; a line about it if it was fetched now.

    Raises:
        UserError: if it is not here and not `allowed` to be fetched: what would be. Or if it cannot be had.
    """
    address = Address.parse(text)
    if address.place.is_dir():
        return None
    offer = ask(address)
    if not allowed:
        raise UserError(f"{offer}; nothing is fetched yet:\nadd --allow-download to fetch it into {address.place}")
    fetch(offer)
    return f"fetched: {offer}"


def ensure_all(given: Sequence[str], allowed: bool) -> Iterator[str]:
    """The same of all values of --data, which may have names ahead of them; of those that are of the Hub."""
    for value in given:
        place = value if is_hub(value) else value.partition("=")[2]
        if is_hub(place) and (note := ensure(place, allowed)):
            yield note


def ask(address: Address) -> Offer:
    """What the Hub has of a data set; nothing but that is asked.

    Raises:
        UserError: if it is not there, has no such configuration, or nobody answers.
    """
    with _hub_errors(address):
        found = _api().dataset_info(address.repository, files_metadata=True, timeout=SECONDS_TO_ANSWER)
    card: Mapping[str, object] = found.card_data.to_dict() if found.card_data else {}  # type: ignore[no-untyped-call]
    sizes = {one.rfilename: one.size or 0 for one in found.siblings or []}
    wanted = _wanted(address, list(sizes), card.get("configs"))
    licence = card.get("license") or "not said"
    words = ", ".join(map(str, licence)) if isinstance(licence, list) else str(licence)
    return Offer(address, str(found.sha), {name: sizes[name] for name in wanted}, one_line(words))


def fetch(offer: Offer) -> None:
    """Fetch what is offered into the cache, whole or not at all."""
    from huggingface_hub import snapshot_download

    address = offer.address
    address.place.parent.mkdir(parents=True, exist_ok=True)
    with replacing_folder(address.place, shared=True) as scratch:
        with _hub_errors(address):
            snapshot_download(
                address.repository,
                repo_type="dataset",
                revision=offer.revision,
                local_dir=scratch,
                allow_patterns=[escape(name) for name in offer.files],
                endpoint=_endpoint(),
            )
        shutil.rmtree(scratch / ".cache", ignore_errors=True)
        lacking = [name for name in offer.files if not (scratch / name).is_file()]
        if lacking:
            raise UserError(f"{address}: {lacking[0]} did not come:\ntry again")
        source = {"repository": address.repository, "revision": offer.revision, "licence": offer.licence}
        write_text(scratch / SOURCE, json.dumps(source, indent=1))


def local_place(text: str, columns: Sequence[str] | None) -> Path:
    """A folder that holds the images of a data set that was fetched; tables are written out once.

    Raises:
        UserError: if it was not fetched, or its tables cannot be read.
    """
    address = Address.parse(text)
    if not address.place.is_dir():
        raise UserError(
            f"{address} is not on this machine:\n"
            f"name it with {option('--data', address)} --allow-download, which fetches it"
        )
    if not any(path.name.endswith(TABLES) for path in address.place.rglob("*") if path.is_file()):
        return address.place
    columns = columns or read_card(address.place).columns
    source = (address.place / SOURCE).read_text()
    key = stable_hash([str(address), source, list(columns or ())])
    place = cache_folder() / "datasets" / key / address.name
    if not place.is_dir():
        place.parent.mkdir(parents=True, exist_ok=True)
        with replacing_folder(place, shared=True) as scratch:
            _write(address, columns, scratch)
    return place


def _write(address: Address, columns: Sequence[str] | None, out: Path) -> None:
    """The images of all splits as files, with a card that says whether they are pairs.

    A training split alone divides nothing, and is written like any folder that is not divided yet.
    """
    paired = False
    with _tables(address) as tables:
        for split, table in tables.items():
            reading = reading_of(table.features, columns, address)
            paired = reading.paired
            place = out if list(tables) == ["train"] else out / split
            write_split(table, reading, split, place)
    said = read_card(address.place).model_dump(exclude_none=True, exclude={"columns"})
    write_text(out / CARD, json.dumps({"name": address.name, "paired": paired, **said}))


@contextmanager
def _tables(address: Address) -> Iterator[Mapping[str, Table]]:
    """A block with the tables by split; the library's own copy of them is removed after it."""
    try:
        import datasets
    except ImportError:
        raise UserError(
            f"{address} holds tables, and reading them takes a library that is not installed:\npip install 'i2i[hf]'"
        ) from None
    with TemporaryDirectory(dir=cache_folder()) as scratch:
        try:
            loaded = datasets.load_dataset(str(address.place), address.config, cache_dir=scratch)
        except (OSError, ValueError, TypeError, KeyError, datasets.exceptions.DatasetsError) as error:
            raise UserError(
                f"{address} cannot be read as a table ({one_line(str(error))[:200]}):\n"
                f"remove {address.place} and fetch it again"
            ) from None
        yield {canonical_split(split): undecoded(table) for split, table in loaded.items()}


def _wanted(address: Address, names: Sequence[str], configs: object) -> list[str]:
    """The files of the configuration that is asked for, with the cards."""
    declared = [one for one in configs if isinstance(one, dict)] if isinstance(configs, list) else []
    patterns = _patterns(address, {str(one.get("config_name")): one for one in declared})
    found = {name for name in names if _matches(name, patterns) and not _matches(name, NEVER)}
    if not found:
        raise UserError(
            f"{address} has no files to fetch:\nlook at it in a browser, and name one of its configurations"
        )
    return [name for name in names if name in found or name in CARD_FILES]


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _patterns(address: Address, declared: Mapping[str, Mapping[str, object]]) -> list[str]:
    """Of the files of a configuration."""
    if not declared:
        if address.config is not None:
            raise UserError(f"{HUB}{address.repository} has no configurations:\nwrite hf:{address.repository}")
        return ["*"]
    usual = next((name for name, one in declared.items() if one.get("default") is True), None)
    if address.config is None and usual is None and len(declared) > 1:
        names = ", ".join(declared)
        raise UserError(
            f"{address} has several configurations: {names}:\nname one, as in {address}:{next(iter(declared))}"
        )
    name = address.config or usual or next(iter(declared))
    if name not in declared:
        raise unknown(f"configuration of {HUB}{address.repository}", name, declared)
    one = declared[name]
    folder = f"{str(one['data_dir']).strip('/')}/" if "data_dir" in one else ""
    return [folder + pattern for pattern in _paths(one.get("data_files", "*"))]


def _paths(data_files: object) -> Iterator[str]:
    """The patterns in the `data_files` of a card: one, several, or some for each split."""
    if isinstance(data_files, str):
        yield data_files.replace("**/", "*")
    elif isinstance(data_files, list):
        for one in data_files:
            yield from _paths(one.get("path") if isinstance(one, dict) else one)


@contextmanager
def _hub_errors(address: Address) -> Iterator[None]:
    """A block that asks the Hub; what goes wrong in it is told with a remedy."""
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    try:
        yield
    except GatedRepoError:
        raise UserError(
            f"{address} is given to those alone who were let in:\nask for access on its page, then hf auth login"
        ) from None
    except RepositoryNotFoundError:
        raise UserError(
            f"the Hugging Face Hub has no data set {address.repository}, or it is private:\n"
            "look at the name; hf auth login opens your private ones"
        ) from None
    except Exception as error:  # of whatever library it takes for connections
        raise UserError(
            f"{address} is not on this machine, and the Hub does not answer ({one_line(str(error))[:160]}):\n"
            "try again with a network, name a proxy in HTTPS_PROXY, or a mirror in HF_ENDPOINT"
        ) from None


def _api() -> "HfApi":
    from huggingface_hub import HfApi

    return HfApi(endpoint=_endpoint())


def _endpoint() -> str | None:
    return os.environ.get("HF_ENDPOINT")
