"""What is wrong, or may be, with a data set: one function per question, each of the inspection of its files."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import median

from i2i.data.audit.inspect import FileInspection
from i2i.data.audit.near_duplicates import nearest
from i2i.data.audit.pair_sizes import apart, apart_line, pairs_of
from i2i.data.layouts import DataSet
from i2i.data.layouts.pairs import unpaired_stems
from i2i.utils.wording import number, some

IMBALANCE = 3.0
LEAST_PAIR_ASPECT = 1.5
MUCH_LOST = 0.2
NO_TEST = "no test split"
DARK = 65
"""Levels of 255: images of 16 bits that stay below use at most 14 of them."""
DEEP = "16-bit"


@dataclass(frozen=True)
class Finding:
    """Something to know about the data.

    Attributes:
        kind: a word for programs.
        fault: whether training or scores will suffer; else it is a warning.
        text: what it is and what to do.
        files: those concerned, all of them; of leaks pairs, the held-out image first.
    """

    kind: str
    fault: bool
    text: str
    files: tuple[str, ...] | tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class InspectedData:
    """A data set and the inspection of each of its files.

    Attributes:
        data: the data set.
        train_split: the split that training takes.
        image_size: height and width of the images that training makes.
        fit: what it does to images of other proportions: crop, resize or pad.
        inspections: of every file, in the order of the data set.
    """

    data: DataSet
    train_split: str
    image_size: tuple[int, int]
    fit: str
    inspections: Mapping[Path, FileInspection]

    @property
    def readable(self) -> list[FileInspection]:
        """Inspections of the files that can be used."""
        return [one for one in self.inspections.values() if one.fault is None]

    @cached_property
    def halved(self) -> bool:
        """Whether files hold two images side by side."""
        return any(image.half for images in self.data.splits.values() for own in images.values() for image in own)

    def of_split(self, split: str, *domains: str) -> list[FileInspection]:
        """Inspections of the readable files of a split, of all domains or some, each once."""
        return [one for path in files_of(self.data, split, *domains) if (one := self.inspections[path]).fault is None]

    def name(self, path: Path) -> str:
        """The name of a file in messages: below the data folder where it lies there."""
        return self.data.relative(path)

    def sizes(self) -> list[tuple[int, int]]:
        """Width and height of every readable image, halves by themselves."""
        return [(one.size[0] // 2 if self.halved else one.size[0], one.size[1]) for one in self.readable]


def files_of(data: DataSet, split: str, *domains: str) -> list[Path]:
    """The files of a split in order, of all domains or some, each once."""
    found = data.splits[split]
    return list(dict.fromkeys(p.path for domain in domains or data.domains for p in found.get(domain, ())))


def counts_of(data: DataSet) -> dict[str, dict[str, int]]:
    """Images by split and domain."""
    return {
        split: {domain: len(found.get(domain, ())) for domain in data.domains} for split, found in data.splits.items()
    }


def lost_by_crop(size: tuple[int, int], image_size: tuple[int, int]) -> float:
    """Share of an image of (width, height) that cropping to (height, width) takes away, 0 to 1.

    >>> lost_by_crop((200, 100), (64, 64))
    0.5
    """
    width, height = size
    wanted = image_size[1] / image_size[0]
    aspect = width / height
    return 1 - min(aspect, wanted) / max(aspect, wanted)


def broken(inspected: InspectedData) -> Iterator[Finding]:
    """Files that cannot be decoded."""
    faulty = [one for one in inspected.inspections.values() if one.fault is not None]
    if faulty:
        text = f"{number(len(faulty), 'file')} cannot be read; repair or remove them, or train with --skip-bad: "
        files = tuple(inspected.name(one.path) for one in faulty)
        yield Finding("broken", True, text + some([str(one.fault) for one in faulty], "; "), files)


def missing_domains(inspected: InspectedData) -> Iterator[Finding]:
    """Splits in which a domain has no images: the mistake of one domain."""
    counts = counts_of(inspected.data)
    if inspected.train_split not in counts:
        yield Finding("no training split", True, f"there is no split {inspected.train_split}, only {', '.join(counts)}")
    for split, found in counts.items():
        held = [domain for domain, count in found.items() if count]
        if len(held) == len(found):
            continue
        absent = [domain for domain in found if domain not in held]
        elsewhere = [f"{domain} lies in {other}" for domain in absent for other in counts if counts[other][domain]]
        where = f" ({some(elsewhere)})" if elsewhere else ""
        what = f"all {found[held[0]]} images are of {held[0]}" if len(held) == 1 else "images are missing"
        text = f"{split}: {what}, none of {', '.join(absent)}{where}: every split needs images of every domain"
        yield Finding("one domain" if len(held) == 1 else "missing domain", split == inspected.train_split, text)


def held_out(inspected: InspectedData) -> Iterator[Finding]:
    """Nothing to score on."""
    if set(inspected.data.splits) == {inspected.train_split}:
        yield Finding(NO_TEST, False, "there is no test split: a bench has nothing to score on")


def imbalance(inspected: InspectedData) -> Iterator[Finding]:
    """Domains of very different numbers of training images."""
    for line in imbalance_line(inspected.data, inspected.train_split):
        yield Finding("imbalance", False, line)


def imbalance_line(data: DataSet, split: str) -> Iterator[str]:
    """A line about domains of very different numbers of images in a split, where there are such."""
    counts = {domain: count for domain, count in counts_of(data).get(split, {}).items() if count}
    if not counts:
        return
    most, least = max(counts, key=lambda name: counts[name]), min(counts, key=lambda name: counts[name])
    ratio = counts[most] / counts[least]
    if ratio >= IMBALANCE:
        yield (
            f"{most} has {ratio:.1f} times as many images in {split} as {least} ({counts[most]:,} and "
            f"{counts[least]:,}): a model may learn little of the smaller one"
        )


def left_out(inspected: InspectedData) -> Iterator[Finding]:
    """What lies in the folder and is not used."""
    for group in inspected.data.unused:
        yield Finding("left out", False, f"left out: {group}", group.names)


def nearly_pairs(inspected: InspectedData) -> Iterator[Finding]:
    """Single images that keep the others from being pairs."""
    if inspected.data.hint and (alone := unpaired_stems(inspected.data.splits, inspected.data.domains)):
        yield Finding("pairs", False, inspected.data.hint, tuple(alone))


def pairs_apart(inspected: InspectedData) -> Iterator[Finding]:
    """Members of pairs that no crop, squeeze or border makes show the same place."""
    sizes = {path: one.size for path, one in inspected.inspections.items() if one.fault is None}
    found = [pair for split in inspected.data.splits for pair in apart(pairs_of(inspected.data, split), sizes)]
    if found:
        names = tuple((inspected.name(first), inspected.name(second)) for first, second in found)
        yield Finding("proportions of pairs", False, apart_line(inspected.data, found, sizes), names)


def pairs_of_halves(inspected: InspectedData) -> Iterator[Finding]:
    """Files taken for two images side by side that are not wide enough for that."""
    aspects = [width / height for width, height in (one.size for one in inspected.readable)]
    if inspected.halved and aspects and median(aspects) < LEAST_PAIR_ASPECT:
        text = (
            f"images lie in {inspected.train_split} itself and are taken for pairs side by side, but are only "
            f"{median(aspects):.2f} times as wide as high: if they are no pairs, put each domain into its own folder"
        )
        yield Finding("no pairs", False, text)


def proportions(inspected: InspectedData) -> Iterator[Finding]:
    """What the crop takes away."""
    lost = [lost_by_crop(size, inspected.image_size) for size in inspected.sizes()]
    if inspected.fit == "crop" and lost and max(lost) >= MUCH_LOST:
        much, (height, width) = sum(share >= MUCH_LOST for share in lost), inspected.image_size
        text = (
            f"cropping to {height}x{width} takes {MUCH_LOST:.0%} or more of {number(much, 'image')}, at most "
            f"{max(lost):.0%}: choose an image size of their proportions"
        )
        yield Finding("crop", False, text)


def enlarged(inspected: InspectedData) -> Iterator[Finding]:
    """Image files smaller than the images made of them."""
    height, width = inspected.image_size
    small = [
        one
        for one, size in zip(inspected.readable, inspected.sizes(), strict=True)
        if size[0] < width or size[1] < height
    ]
    if small:
        files = tuple(inspected.name(one.path) for one in small)
        text = f"{number(len(small), 'image')} smaller than {height}x{width} will be enlarged: {some(files)}"
        yield Finding("enlarged", False, text, files)


def gray(inspected: InspectedData) -> Iterator[Finding]:
    """Data without colours."""
    if inspected.readable and all({"L", "LA", "1"} & set(one.kinds) for one in inspected.readable):
        yield Finding("grey", False, "all images are greyscale: --set data.channels=1 learns in one channel")


def dark(inspected: InspectedData) -> Iterator[Finding]:
    """Files of 16 bits of which a domain uses a small part of the range."""
    for domain in inspected.data.domains:
        present = [split for split in inspected.data.splits if domain in inspected.data.splits[split]]
        inspections = [one for split in present for one in inspected.of_split(split, domain) if DEEP in one.kinds]
        line = dark_line(domain, [one.brightest for one in inspections])
        if line:
            yield Finding("dark", False, line, tuple(inspected.name(one.path) for one in inspections))


def dark_line(domain: str, brightest: Sequence[int]) -> str | None:
    """What becomes of a domain's images of 16 bits if they use a small part of the range, or None.

    Args:
        domain: its name, or what else they are called.
        brightest: the highest level of each such image in 8 bits.
    """
    most = max(brightest, default=255)
    if most >= DARK:
        return None
    return (
        f"{domain}: {number(len(brightest), 'image')} of 16 bits, none with a value above {most * 257 + 128:,} of "
        f"65,535, so no level above {most} of 255 is left: bring the values to the whole range, such as 12 bits "
        "times 16"
    )


def exact_duplicates(inspected: InspectedData) -> Iterator[Finding]:
    """Equal files: leaks across splits, repetitions within them."""
    leaks: list[tuple[str, str]] = []
    repeated: list[str] = []
    first: dict[bytes, tuple[str, Path]] = {}
    for split in _training_first(inspected):
        for one in inspected.of_split(split):
            if one.digest not in first:
                first[one.digest] = split, one.path
            elif first[one.digest][0] == split:
                repeated.append(inspected.name(one.path))
            else:
                leaks.append((inspected.name(one.path), inspected.name(first[one.digest][1])))
    if leaks:
        text = (
            f"{number(len(leaks), 'held-out file')} of the same contents as one of another split, so scores will "
            f"flatter; remove one of each: {_pairs(leaks)}"
        )
        yield Finding("leak", True, text, tuple(leaks))
    if repeated:
        text = f"{number(len(repeated), 'file')} repeated within a split: {some(repeated)}"
        yield Finding("repeated", False, text, tuple(repeated))


def near_duplicates(inspected: InspectedData) -> Iterator[Finding]:
    """Images that look the same in files that differ: listed across splits, counted within them."""
    earlier: list[FileInspection] = []
    leaks: list[tuple[str, str]] = []
    for split in _training_first(inspected):
        known = {one.digest for one in earlier}
        new = [one for one in _comparable(inspected.of_split(split)) if one.digest not in known]
        matches = zip(new, _matches(new, earlier), strict=True)
        leaks += [(inspected.name(one.path), inspected.name(match.path)) for one, match in matches if match is not None]
        earlier += new
    if leaks:
        text = (
            f"{number(len(leaks), 'held-out image')} looking like one of another split; if they show the same, "
            f"scores will flatter: {_pairs(leaks)}"
        )
        yield Finding("near leak", False, text, tuple(leaks))
    domains = inspected.data.domains
    if inspected.halved:
        domains = domains[:1]  # both halves lie in the same files
    places = [(split, domain) for split in inspected.data.splits for domain in domains]
    within = {f"{split}/{domain}": _repetitions(inspected, split, domain) for split, domain in places}
    if any(within.values()):
        counts = [f"{place} {count}" for place, count in within.items() if count]
        text = f"images looking like an earlier one of their split and domain: {some(counts)}"
        yield Finding("near duplicates", False, text)


def _repetitions(inspected: InspectedData, split: str, domain: str) -> int:
    inspections = _comparable(inspected.of_split(split, domain))
    return sum(match is not None for match in _matches(inspections, inspections, earlier=True))


def _matches(
    ours: list[FileInspection], theirs: list[FileInspection], earlier: bool = False
) -> list[FileInspection | None]:
    """Of inspections with fingerprints."""
    prints, others = ([one.fingerprint for one in inspections if one.fingerprint] for inspections in (ours, theirs))
    return [None if place is None else theirs[place] for place in nearest(prints, others, earlier)]


def _comparable(inspections: Sequence[FileInspection]) -> list[FileInspection]:
    """One of each contents, without images of a single colour."""
    return list({one.digest: one for one in reversed(inspections) if one.fingerprint is not None}.values())[::-1]


def _training_first(inspected: InspectedData) -> list[str]:
    return sorted(inspected.data.splits, key=lambda split: split != inspected.train_split)


def _pairs(leaks: Sequence[tuple[str, str]]) -> str:
    return some([f"{ours} = {theirs}" for ours, theirs in leaks])


QUESTIONS: tuple[Callable[[InspectedData], Iterator[Finding]], ...] = (
    broken,
    left_out,
    missing_domains,
    held_out,
    nearly_pairs,
    pairs_apart,
    pairs_of_halves,
    exact_duplicates,
    near_duplicates,
    imbalance,
    proportions,
    enlarged,
    gray,
    dark,
)
"""All of them, in the order of the report."""
