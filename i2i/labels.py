"""What can be said of an image: which of some domains it belongs to, which attributes it has, or both.

A label set holds the columns of one data set. Domains are its special case in which every image has exactly
one column; attributes are independent of each other, but for groups that exclude one another, such as hair
colours. A label space joins the sets that one model learns together. Its label vectors are, after StarGAN
(Choi et al. 2018, section 3.2), the columns of all sets, those of foreign sets 0, followed by a mask that names
the image's own set where there are several.

Whatever can be the aim of a translation is a *domain* here. Of attributes that is to have one (`Male`), or not to
have one that belongs to no group (`-Male`); members of a group replace one another. With several data sets
domains are written `dataset/domain`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import torch
from torch import Tensor

from i2i.errors import UserError, unknown

__all__ = ["LabelSet", "LabelSpace"]

SEPARATOR = "/"
WITHOUT = "-"
WITH = "+"


@dataclass(frozen=True)
class LabelSet:
    """The columns of one data set.

    Attributes:
        columns: names of domains or attributes.
        exclusive: groups of columns of which an image has one at most.
        name: of the data set, which its domains then carry; empty where there is only one.
    """

    columns: tuple[str, ...]
    exclusive: tuple[tuple[str, ...], ...] = ()
    name: str = ""

    def __post_init__(self) -> None:
        twice = [column for column in self.columns if self.columns.count(column) > 1]
        if twice:
            raise UserError(f"label {twice[0]!r} stands twice: name every domain or attribute once")
        grouped = [column for group in self.exclusive for column in group]
        for column in grouped:
            if column not in self.columns:
                raise unknown("attribute of an exclusive group:", column, self.columns)
            if grouped.count(column) > 1:
                raise UserError(f"attribute {column!r} stands in two exclusive groups: leave it in one")

    @property
    def has_attributes(self) -> bool:
        """Whether columns can hold together, in contrast to domains."""
        return self.exclusive != (self.columns,)

    @property
    def prefix(self) -> str:
        """What stands before its domains."""
        return self.name + SEPARATOR if self.name else ""

    @property
    def domains(self) -> tuple[str, ...]:
        """Full names of what a translation can aim at."""
        lone = [column for column in self.columns if not self.group(column)]
        both = [(column, WITHOUT + column) if column in lone else (column,) for column in self.columns]
        return tuple(self.prefix + domain for pair in both for domain in pair)

    def group(self, column: str) -> tuple[str, ...]:
        """The exclusive group of a column; empty if it has none."""
        return next((group for group in self.exclusive if column in group), ())

    def restricted(self, domains: Sequence[str]) -> "LabelSet":
        """The set of only some of its domains: they exclude one another unless all of them stay."""
        if set(domains) == set(self.domains) and self.has_attributes:
            return self
        columns = tuple(domain.removeprefix(self.prefix) for domain in domains)
        return LabelSet(columns, (columns,), self.name)

    def holds(self, domain: str, rows: Tensor) -> Tensor:
        """Which images belong to a domain: bool [B] of rows [B, columns] of 0 and 1."""
        ((column, value),) = self.requested(domain.removeprefix(self.prefix)).items()
        return rows[:, self.columns.index(column)] == value

    def changes(self, target: str) -> dict[int, float]:
        """New values by column of a target such as `Blond_Hair,-Male`, without the set's name.

        Raises:
            UserError: for an unknown name or a target that contradicts itself.
        """
        requested_values: dict[str, float] = {}
        for part in self._named(target):
            requested = self.requested(part)
            for column, value in requested.items():
                others_of_group = [
                    other for other in self.group(column) if other != column and requested_values.get(other)
                ]
                if requested_values.get(column, value) != value or (value and others_of_group):
                    raise UserError(f"{target!r} contradicts itself: {(others_of_group or [column])[0]} and {part}")
            requested_values |= requested
        cleared = {other: 0.0 for column, value in requested_values.items() if value for other in self.group(column)}
        return {self.columns.index(column): value for column, value in {**cleared, **requested_values}.items()}

    def described(self, text: str) -> Tensor:
        """The row [columns] of an image that has the named columns and no others."""
        row = torch.zeros(len(self.columns))
        for part in self._named(text):
            for column, value in self.requested(part).items():
                row[self.columns.index(column)] = value
        return row

    def _named(self, text: str) -> list[str]:
        """The columns and changes that a text names; a column is one, whatever its name holds."""
        return [text] if text in self.columns else [part.strip() for part in text.split(",") if part.strip()]

    def local(self, text: str) -> str:
        """A target or description without the set's name."""
        whole = text.removeprefix(self.prefix)
        if whole in self.columns or not self.prefix:
            return whole
        return ",".join(part.strip().removeprefix(self.prefix) for part in text.split(","))

    def requested(self, part: str) -> dict[str, float]:
        """The column that one domain or change such as `-Male` names, and its value; UserError for an unknown one."""
        if part in self.columns:
            return {part: 1.0}
        name, value = part.removeprefix(WITH), 1.0
        if self.has_attributes and part.startswith(WITHOUT):
            name, value = part.removeprefix(WITHOUT), 0.0
        if name not in self.columns:
            raise unknown("attribute" if self.has_attributes else "domain", self.prefix + part, self.domains)
        return {name: value}


@dataclass(frozen=True)
class LabelSpace:
    """The label sets that one model learns."""

    sets: tuple[LabelSet, ...]

    @classmethod
    def of_domains(cls, domains: Iterable[str]) -> "LabelSpace":
        """Domains of which every image belongs to one."""
        columns = tuple(domains)
        return cls((LabelSet(columns, (columns,)),))

    @classmethod
    def from_settings(cls, settings: Iterable[Any]) -> "LabelSpace":
        """What `settings` gave."""
        return cls(
            tuple(
                LabelSet(tuple(entry["columns"]), tuple(tuple(group) for group in entry["exclusive"]), entry["name"])
                for entry in settings
            )
        )

    def settings(self) -> list[dict[str, object]]:
        """Plain lists and dictionaries, for checkpoints."""
        return [{"name": one.name, "columns": one.columns, "exclusive": one.exclusive} for one in self.sets]

    @property
    def domains(self) -> tuple[str, ...]:
        """Whatever a translation can aim at."""
        return tuple(domain for one in self.sets for domain in one.domains)

    @property
    def has_attributes(self) -> bool:
        """Whether a domain does not say everything about an image in some set."""
        return any(one.has_attributes for one in self.sets)

    @property
    def classes(self) -> int:
        """Columns of all sets: the width of a classifier."""
        return sum(len(one.columns) for one in self.sets)

    @property
    def width(self) -> int:
        """Length of a label vector."""
        return self.classes + (len(self.sets) if len(self.sets) > 1 else 0)

    @property
    def directions(self) -> tuple[tuple[str, str], ...]:
        """Pairs of different domains that one image can be led between.

        These are two domains, two members of a group, an attribute and its absence, or domains of two data sets.
        """
        return tuple(pair for pair in permutations(self.domains, 2) if self._leads(*pair))

    def restricted(self, domains: Sequence[str]) -> "LabelSpace":
        """The space of only some domains, in the order given."""
        chosen = ((one, [domain for domain in domains if domain in one.domains]) for one in self.sets)
        return LabelSpace(tuple(one.restricted(own) for one, own in chosen if own))

    def position(self, domain: str) -> int:
        """Which set a domain or a target belongs to."""
        if len(self.sets) == 1:
            return 0
        name, separator, _ = domain.partition(SEPARATOR)
        names = [one.name for one in self.sets]
        if not separator or name not in names:
            raise unknown("domain", domain, self.domains)
        return names.index(name)

    def set_of(self, target: str) -> LabelSet:
        """The set that a domain or a target belongs to."""
        return self.sets[self.position(target)]

    def columns(self, position: int) -> slice:
        """Where the columns of a set stand in label vectors and class logits."""
        start = sum(len(one.columns) for one in self.sets[:position])
        return slice(start, start + len(self.sets[position].columns))

    def encode(self, position: int, rows: Tensor) -> Tensor:
        """Label vectors [B, width] of images of one set, given their rows [B, columns of the set]."""
        vectors = rows.new_zeros(len(rows), self.width)
        vectors[:, self.columns(position)] = rows
        if len(self.sets) > 1:
            vectors[:, self.classes + position] = 1
        return vectors

    def vector(self, target: str, attributes: str = "") -> Tensor:
        """The label vector [width] that leads an image with `attributes` to `target`."""
        return self.towards(target, self.described(target, [attributes]))[0]

    def towards(self, target: str, rows: Tensor | None = None) -> Tensor:
        """Label vectors [B, width] for a target.

        Args:
            target: a domain, or several changes of attributes such as `Blond_Hair,-Male`.
            rows: what the images have in the target's set [B, columns]; not needed, and one vector given,
                where the target decides every column.

        Raises:
            UserError: for an unknown domain or a target that contradicts itself.
        """
        position = self.position(target)
        own = self.sets[position]
        changes = own.changes(own.local(target))
        if rows is None:
            rows = torch.zeros(1, len(own.columns))
        rows = rows.clone()
        for column, value in changes.items():
            rows[:, column] = value
        return self.encode(position, rows)

    def decides(self, target: str) -> bool:
        """Whether a target says everything, whatever the image has."""
        position = self.position(target)
        own = self.sets[position]
        return len(own.changes(own.local(target))) == len(own.columns)

    def described(self, target: str, attributes: Sequence[str]) -> Tensor:
        """What images have in the set of `target`, [B, columns], said in words such as `Black_Hair,Young`."""
        own = self.set_of(target)
        return torch.stack([own.described(own.local(text)) for text in attributes])

    def classified(self, target: str, logits: Tensor) -> Tensor:
        """What class logits [B, classes] say of the columns of the target's set: 0 or 1, [B, columns].

        Of a group that an image must belong to the largest counts, of attributes all that are more likely than not.
        """
        position = self.position(target)
        own = logits[:, self.columns(position)].float()
        if self.sets[position].has_attributes:
            return (own > 0).float()
        return torch.nn.functional.one_hot(own.argmax(1), own.shape[1]).float()

    def shows(self, domain: str, logits: Tensor) -> Tensor:
        """Whether class logits [B, classes] put images into a domain: bool [B].

        A member of a group must be the likeliest of it, another attribute more likely than not, or less.
        """
        position = self.position(domain)
        own, one = logits[:, self.columns(position)], self.sets[position]
        ((column, value),) = one.requested(domain.removeprefix(one.prefix)).items()
        group = one.group(column)
        if group:
            others_of_group = own[:, [one.columns.index(member) for member in group]]
            return others_of_group.argmax(1) == group.index(column)
        return (own[:, one.columns.index(column)] > 0) == bool(value)

    def owners(self, labels: Tensor) -> Tensor:
        """Which set each label vector is of, [B]."""
        if len(self.sets) == 1:
            return torch.zeros(len(labels), dtype=torch.int64, device=labels.device)
        return labels[:, self.classes :].argmax(1)

    def shuffled(self, labels: Tensor) -> Tensor:
        """Label vectors [B, width] in another order, drawn from torch's stream; each set's stay with its images."""
        drawn = torch.randperm(len(labels)).to(labels.device)
        if len(self.sets) == 1:
            return labels[drawn]
        owners = self.owners(labels)
        places, members = owners.argsort(stable=True), drawn[owners[drawn].argsort(stable=True)]
        shuffled = torch.empty_like(labels)
        shuffled[places] = labels[members]
        return shuffled

    def _leads(self, source: str, target: str) -> bool:
        position = self.position(source)
        if position != self.position(target):
            return True
        own = self.sets[position]
        first, second = (domain.removeprefix(own.prefix) for domain in (source, target))
        bare = first.removeprefix(WITHOUT) == second.removeprefix(WITHOUT)
        return bare if own.has_attributes and not own.group(first) else second in own.group(first)
