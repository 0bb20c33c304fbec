"""Names of files and folders that are joined from several: no two different ones give the same.

Usual names are joined as they are, `summer2winter`. Where the joint could be taken for a part of a name, that name is
written with escapes, and so two directions never share a folder: `a` to `a2a` is `a2a2a`, `a2a` to `a` is `a~2a2a`.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from unicodedata import normalize

ESCAPE = "~"
SLASH = "/"  # between data set and domain


def direction_name(direction: tuple[str, str]) -> str:
    """A direction as folders and files are named: summer2winter; of two data sets: seasons.summer2styles.pencil."""
    return join_names(map(one_part, direction), "2")


def join_names(names: Iterable[str], joint: str) -> str:
    """Names joined by a single character. The first joint without an escape ends the first name, and so on."""
    *others, last = names
    return joint.join([*(_escaped(name, joint) for name in others), last])


def one_part(name: str) -> str:
    """The name of a domain as one part of a path: dataset/domain as dataset.domain."""
    return _escaped(name, ".").replace(SLASH, ".")


def _escaped(name: str, char: str) -> str:
    return name.replace(ESCAPE, 2 * ESCAPE).replace(char, ESCAPE + char)


def parted(text: str, known: Collection[str]) -> list[str]:
    """Names with commas between them; a known one may hold commas itself, and the longest such is meant.

    >>> parted("tench, Tinca tinca, goldfish", ["tench, Tinca tinca", "goldfish"])
    ['tench, Tinca tinca', 'goldfish']
    """
    parts, names = text.split(","), []
    most = 1 + max((name.count(",") for name in known), default=0)
    while parts:
        ends = range(min(most, len(parts)), 0, -1)
        end = next((end for end in ends if ",".join(parts[:end]).strip() in known), 1)
        names.append(",".join(parts[:end]).strip())
        parts = parts[end:]
    return names


def alike_names(names: Iterable[str]) -> list[list[str]]:
    """Groups of different names that some file systems take for the same: they ignore case, or how letters are made."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for name in dict.fromkeys(names):
        found[normalize("NFC", name).casefold()].append(name)
    return [group for group in found.values() if len(group) > 1]
