"""Rules that leave out raters and trials, fixed in the answer key before anybody has answered."""

from i2i.utils.json_documents import Count, Document


class Rules(Document):
    """Which answers are left out.

    Attributes:
        vigilance_wrong: a rater may get this many vigilance trials wrong.
        answer_ms: least median time from the question to the answer.
        one_position: largest share of answers that are the same position.
        exposure_ms: a trial whose image was on the screen longer or shorter by more is left out.
        off: largest share of a rater's scored trials that are left out.
    """

    vigilance_wrong: Count = 1
    answer_ms: float = 250.0
    one_position: float = 0.9
    exposure_ms: float = 17.0
    off: float = 0.25

    @property
    def lines(self) -> list[str]:
        """The rules in words."""
        return [
            f"A rater is left out who answers more than {self.vigilance_wrong} of the vigilance trials wrong, takes "
            f"less than {self.answer_ms:g} ms for an answer in the median, or chooses one position in more than "
            f"{self.one_position:.0%} of the trials.",
            "A trial with timed images is left out if one of them was on the screen for a time that is off by more "
            f"than {self.exposure_ms:g} ms, or if it was begun more than once. A rater with more than {self.off:.0%} "
            "of such trials is left out.",
        ]
