"""How the splits of data are spelled: `Train/`, `validation/` and `training_set/` mean what `train` and `val` mean."""

import re
from functools import lru_cache

SPLITS = ("train", "val", "test")
_WORD = r"(?:(?P<train>train(?:ing)?)|(?P<val>val(?:id(?:ation)?)?)|(?P<test>test(?:ing)?))"
_SPLIT = re.compile(rf"{_WORD}(?:[ ._-]?(?:set|split|data|images))?", re.IGNORECASE)
# One letter, of any case, but no plural: `tests` and `trains` are words.
_LETTERED = re.compile(rf"{_WORD}(?:[ ._-](?P<apart>[a-z])|(?P<joined>(?!(?-i:s))[a-z]))", re.IGNORECASE)
_WITHIN = re.compile(rf"(?<![a-z])(?:{_WORD}|dev|eval|holdout)(?:[ ._-]?set)?(?![a-z])", re.IGNORECASE)


@lru_cache(maxsize=1024)  # asked of every image, and few folders hold them
def split_of(name: str) -> str | None:
    """The split that a folder's name or a column's value stands for.

    >>> [split_of(name) for name in ("Train", "training_set", "validation", "tests")]
    ['train', 'train', 'val', None]
    """
    found = _SPLIT.fullmatch(name)
    return _split(found) if found else None


def canonical_split(name: str) -> str:
    """The split that a name stands for; a name that stands for none as it is."""
    return split_of(name) or name


@lru_cache(maxsize=1024)
def lettered(name: str) -> tuple[str, str] | None:
    """Split and domain of a folder named like `trainA`.

    >>> [lettered(name) for name in ("trainA", "Test_b", "validationc", "tests", "train")]
    [('train', 'A'), ('test', 'B'), ('val', 'C'), None, None]
    """
    found = _LETTERED.fullmatch(name)
    return (_split(found), (found["apart"] or found["joined"]).upper()) if found else None


def names_a_split(name: str) -> bool:
    """Whether a split is among the words of a name.

    >>> [names_a_split(name) for name in ("day_train", "testA", "old test set", "contest", "trains")]
    [True, True, True, False, False]
    """
    return lettered(name) is not None or _WITHIN.search(name) is not None


def _split(found: re.Match[str]) -> str:
    return next(split for split in SPLITS if found[split])
