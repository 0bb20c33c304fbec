"""What one training learns: facts about the data, nothing about the method."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from i2i.errors import UserError, unknown
from i2i.labels import LabelSpace
from i2i.utils.text import set_list


class Coverage(Enum):
    """Which directions one trained translator serves."""

    DIRECTION = "direction"  # one ordered pair of domains
    PAIR = "pair"  # one pair, both ways
    ALL = "all"  # every ordered pair of all domains


@dataclass(frozen=True)
class Task:
    """What one training run learns: facts about the data, nothing about the method.

    Attributes:
        domains: names; their order is the order of the model's indices.
        directions: ordered pairs (source, target) of names.
        labels: the columns by which images are labelled; their domains are `domains`.
        image_size: height and width in pixels.
        channels: of every image; where they differ by domain, of the first one.
        unlike: channels by domain, where they differ.
    """

    domains: tuple[str, ...]
    directions: tuple[tuple[str, str], ...]
    labels: LabelSpace
    image_size: tuple[int, int]
    channels: int = 3
    unlike: tuple[tuple[str, int], ...] = ()

    @classmethod
    def covering(
        cls,
        coverage: Coverage,
        domains: LabelSpace | Sequence[str],
        image_size: tuple[int, int],
        channels: int | Callable[[str], int] = 3,
    ) -> "Task":
        """The task of one training of that coverage over `domains`, names or a whole label space.

        `channels` are those of every image, or what tells them of a domain.

        Raises:
            UserError: for fewer than two domains, or more than two with a coverage that serves one pair.
        """
        labels = domains if isinstance(domains, LabelSpace) else LabelSpace.of_domains(domains)
        names = labels.domains
        if len(names) < 2:
            raise UserError(
                f"translation needs at least two domains, found only {', '.join(names) or 'none'}: add images of "
                "another, or name more with --set data.domains=A,B"
            )
        own = {name: channels(name) if callable(channels) else channels for name in names}
        counts = own[names[0]], tuple(own.items()) if len(set(own.values())) > 1 else ()
        if coverage is Coverage.ALL:
            return cls(names, labels.directions, labels, image_size, *counts)
        if len(names) != 2:
            raise UserError(
                f"this model learns one pair of domains at a time and the data has {', '.join(names)}: "
                f"choose two with {set_list('data.domains', names[:2])}"
            )
        directions = (names,) if coverage is Coverage.DIRECTION else (names, names[::-1])
        return cls(names, directions, LabelSpace.of_domains(names), image_size, *counts)

    def channels_of(self, domain: str) -> int:
        """Channels of the images of a domain."""
        return dict(self.unlike).get(domain, self.channels)

    def index(self, domain: str) -> int:
        """Index of a domain name; UserError for a name the task does not have."""
        if domain not in self.domains:
            if all(one in self.domains for one in domain.split(",")):
                raise UserError(f"{domain!r} is more than one domain:\nask for each by itself")
            raise unknown("domain", domain, self.domains)
        return self.domains.index(domain)


def check_size(image_size: tuple[int, int], multiple: int, remedy: str = "use --set data.image_size={size}") -> None:
    """UserError, with a remedy that may name the nearest size, unless both sides are positive multiples."""
    if all(side > 0 and side % multiple == 0 for side in image_size):
        return
    height, width = image_size
    near = [max(multiple, round(side / multiple) * multiple) for side in image_size]
    size = str(near[0]) if near[0] == near[1] else f"{near[0]}x{near[1]}"
    raise UserError(
        f"an image of {height}x{width} pixels does not divide by {multiple}, which this model needs: "
        f"{remedy.format(size=size)}"
    )
