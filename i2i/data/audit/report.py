"""What a data folder holds and what is wrong with it, as text and as JSON."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import median

from i2i.config import DataConfig
from i2i.data.audit.checks import NO_TEST, QUESTIONS, Finding, InspectedData, counts_of, files_of, lost_by_crop
from i2i.data.audit.inspect import KINDS, inspect_files
from i2i.data.audit.value_checks import QUESTIONS_OF_VALUES
from i2i.data.layouts import DataSet
from i2i.utils.progress import Progress
from i2i.utils.text import one_line
from i2i.utils.wording import number


@dataclass(frozen=True)
class Range:
    """The least, middle and most of some numbers."""

    least: float
    median: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Range":
        """Of at least one value."""
        return cls(min(values), median(values), max(values))


@dataclass(frozen=True)
class Sizes:
    """Sizes of the readable images, halves of pairs by themselves.

    Attributes:
        images: how many there are.
        width, height: pixels, upright.
        aspect: width by height.
        not_square: how many are not.
        lost: share of an image that cropping to the image size takes away, 0 to 1.
    """

    images: int
    width: Range
    height: Range
    aspect: Range
    not_square: int
    lost: Range

    @classmethod
    def of(cls, sizes: Sequence[tuple[int, int]], image_size: tuple[int, int]) -> "Sizes":
        """Of at least one (width, height)."""
        widths, heights = zip(*sizes, strict=True)
        aspects = [width / height for width, height in sizes]
        lost = [lost_by_crop(size, image_size) for size in sizes]
        not_square = sum(width != height for width, height in sizes)
        return cls(len(sizes), Range.of(widths), Range.of(heights), Range.of(aspects), not_square, Range.of(lost))


@dataclass(frozen=True)
class Report:
    """What was found.

    Attributes:
        understood: how the folder was understood, in a line.
        image_size: height and width of the images that training makes.
        findings: faults first.
        counts: images by split and domain.
        files: how many there are.
        sizes: None where no image can be read.
        kinds: how many files are of each kind of `i2i.data.audit.inspect.KINDS`.
        fit: what training does to images of other proportions.
    """

    understood: str
    image_size: tuple[int, int]
    findings: tuple[Finding, ...]
    counts: Mapping[str, Mapping[str, int]]
    files: int = 0
    sizes: Sizes | None = None
    kinds: Mapping[str, int] | None = None
    fit: str = "crop"

    @property
    def faults(self) -> int:
        """How many findings will hurt."""
        return sum(finding.fault for finding in self.findings)

    def json(self) -> dict[str, object]:
        """Everything as plain values."""
        return asdict(self) | {"faults": self.faults}

    def lines(self) -> list[str]:
        """For people to read; findings stand last."""
        return [
            f"data: {self.understood}",
            *_counted(self.counts),
            *self._of_sizes(),
            *self._of_kinds(),
            *self._of_findings(),
        ]

    def _of_sizes(self) -> list[str]:
        if self.sizes is None:
            return []
        sizes, (height, width) = self.sizes, self.image_size
        lines = [
            f"sizes: {sizes.width.least:g} to {sizes.width.most:g} px wide (median {sizes.width.median:g}), "
            f"{sizes.height.least:g} to {sizes.height.most:g} px high (median {sizes.height.median:g})",
            f"proportions: width by height {sizes.aspect.least:.2f} to {sizes.aspect.most:.2f} (median "
            f"{sizes.aspect.median:.2f}), {number(sizes.not_square, 'image')} of {sizes.images:,} not square",
        ]
        if self.fit == "crop":
            lost = f"{sizes.lost.median:.0%} of an image (median), at most {sizes.lost.most:.0%}"
            lines.append(f"images: {height}x{width} px; cropping to that takes away {lost}")
        else:
            lines.append(f"images: {height}x{width} px; {self.fit} takes nothing away")
        return lines

    def _of_kinds(self) -> list[str]:
        listed = [f"{count:,} {KINDS[kind]}" for kind, count in (self.kinds or {}).items()]
        return [f"files: {self.files:,}" + (f", of which {'; '.join(listed)}" if listed else "")]

    def _of_findings(self) -> list[str]:
        lines = [f"{'FAULT' if one.fault else 'warning'}: {one.text}" for one in self.findings]
        return lines or ["nothing is wrong with the files"]


def check(inspected: InspectedData) -> Report:
    """Ask every question about data that have been looked at."""
    questions = (*QUESTIONS, *QUESTIONS_OF_VALUES)
    found = [replace(one, text=one_line(one.text)) for question in questions for one in question(inspected)]
    sizes, kinds = inspected.sizes(), Counter(kind for one in inspected.readable for kind in one.kinds)
    return Report(
        str(inspected.data),
        inspected.image_size,
        tuple(sorted(found, key=lambda finding: not finding.fault)),
        counts_of(inspected.data),
        len(inspected.inspections),
        Sizes.of(sizes, inspected.image_size) if sizes else None,
        {kind: kinds[kind] for kind in KINDS if kinds[kind]},
        inspected.fit,
    )


def inspect_data(data: DataSet, config: DataConfig, progress: Progress | None = None) -> InspectedData:
    """Inspect every file of a data set once; `progress` is called with those done and the total."""
    paths = list(dict.fromkeys(path for split in data.splits for path in files_of(data, split)))
    inspections = {one.path: one for one in inspect_files(paths, progress, data.native)}
    return InspectedData(data, config.train_split, config.image_size, config.fit, inspections)


def refused(
    understood: str, image_size: tuple[int, int], hint: str | None, inspected: InspectedData | None = None
) -> Report:
    """The report of a place that holds no data set, for the reasons `understood` and, if there is one, `hint`.

    What was `inspected` of data that have no splits yet is reported as well, but for what only splits can have.
    """
    fault = Finding("layout", True, hint or "no data set was recognised")
    if inspected is None:
        return Report(understood, image_size, (fault,), {})
    report = check(inspected)
    others = tuple(one for one in report.findings if one.kind != NO_TEST)
    return replace(report, understood=understood, findings=(fault, *others))


def with_findings(report: Report, more: Sequence[Finding]) -> Report:
    """The report with further findings, faults first."""
    return replace(report, findings=tuple(sorted((*report.findings, *more), key=lambda finding: not finding.fault)))


def _counted(counts: Mapping[str, Mapping[str, int]]) -> list[str]:
    """A table of splits and domains."""
    if not counts:
        return []
    names = {domain: one_line(domain) for domain in next(iter(counts.values()))}
    wide = max(map(len, names.values()))
    head = " " * (wide + 2) + "".join(f"{one_line(split):>9}" for split in counts)
    rows = [
        f"  {name:<{wide}}" + "".join(f"{own[domain]:>9,}" for own in counts.values()) for domain, name in names.items()
    ]
    return [head, *rows]
