"""What is wrong, or may be, with the values of data beyond 8-bit RGB; one function per question, as in `checks`."""

from collections import Counter
from collections.abc import Callable, Iterator

from i2i.data.audit.checks import Finding, InspectedData
from i2i.data.audit.inspect import FileInspection, Values
from i2i.data.layouts import CARD
from i2i.data.layouts.i2i_json import DeclaredFormat
from i2i.utils.wording import number, some

FileValues = tuple[FileInspection, Values]


def not_finite(inspected: InspectedData) -> Iterator[Finding]:
    """Values that are NaN or infinite, and nothing that is to stand for them."""
    for domain in inspected.data.domains:
        files = [(one, values) for one, values in _values(inspected, domain) if values.not_finite]
        if files and _declared(inspected, domain).fill is None:
            count, names = sum(values.not_finite for _, values in files), _names(inspected, files)
            text = (
                f"{domain}: {number(count, 'value')} not finite (NaN or infinite) in {number(len(files), 'file')}; say "
                f'in {CARD} what is to stand for them, as by "fill": 0, or repair them: {some(names)}'
            )
            yield Finding("not finite", True, text, names)


def unlike_values(inspected: InspectedData) -> Iterator[Finding]:
    """Files of a domain whose types or numbers of channels differ."""
    for domain in inspected.data.domains:
        files = _values(inspected, domain)
        kinds = Counter(values.kind for _, values in files)
        if len(kinds) > 1:
            usual = kinds.most_common(1)[0][0]
            names = _names(inspected, [own for own in files if own[1].kind != usual])
            listed = ", ".join(f"{count:,} of {kind}" for kind, count in kinds.items())
            text = f"{domain}: files of unlike channels and types ({listed}): make them alike: {some(names)}"
            yield Finding("unlike values", True, text, names)


def constant_channels(inspected: InspectedData) -> Iterator[Finding]:
    """Channels that have one value in all files of a domain, of which nothing can be learnt."""
    for domain in inspected.data.domains:
        limits = [values.limits for _, values in _values(inspected, domain)]
        for channel in range(min(map(len, limits), default=0)):
            low, high = min(own[channel][0] for own in limits), max(own[channel][1] for own in limits)
            if low == high:
                text = (
                    f"{domain}: channel {channel} is {low:g} everywhere: leave it out in {CARD}, by the others as "
                    f'"take"'
                )
                yield Finding("constant channel", False, text)


def beyond_range(inspected: InspectedData) -> Iterator[Finding]:
    """Files with values beyond the range that the card says, which are cut off."""
    for domain in inspected.data.domains:
        limits = _declared(inspected, domain).range
        files = [own for own in _values(inspected, domain) if limits and _beyond(own[1], limits)]
        if files and limits:
            names = _names(inspected, files)
            text = (
                f"{domain}: {number(len(files), 'file')} with values beyond the range {limits[0]:g} to {limits[1]:g} "
                f"of {CARD}, which are cut off: {some(names)}"
            )
            yield Finding("beyond range", False, text, names)


def _beyond(values: Values, limits: tuple[float, float]) -> bool:
    return any(low < limits[0] or high > limits[1] for low, high in values.limits)


def _values(inspected: InspectedData, domain: str) -> list[FileValues]:
    """The files of a domain in all splits, and what they hold."""
    present = [split for split in inspected.data.splits if domain in inspected.data.splits[split]]
    inspections = [one for split in present for one in inspected.of_split(split, domain)]
    return [(one, one.values) for one in inspections if one.values is not None]


def _declared(inspected: InspectedData, domain: str) -> DeclaredFormat:
    return inspected.data.formats.get(domain, DeclaredFormat())


def _names(inspected: InspectedData, files: list[FileValues]) -> tuple[str, ...]:
    return tuple(inspected.name(one.path) for one, _ in files)


QUESTIONS_OF_VALUES: tuple[Callable[[InspectedData], Iterator[Finding]], ...] = (
    not_finite,
    unlike_values,
    constant_channels,
    beyond_range,
)
"""All of them, in the order of the report."""
