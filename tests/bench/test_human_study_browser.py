"""The pages of a human study in a real browser: a rater answers by key and touch, and the saved file is read."""

import json
import re
import time
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from i2i.benchmarks.human_study.answer_key import read_key
from i2i.benchmarks.human_study.findings import findings
from i2i.benchmarks.human_study.votes import read_all, read_votes
from i2i.data.synthetic import embedded
from tests.bench.test_merge import pretend
from tests.bench.test_page_browser import CONTRAST, Keys, Page, chromium
from tests.support.in_process import command

__all__ = ["chromium"]  # a fixture

pytestmark = pytest.mark.slow

FRAME = 17.0
"""Milliseconds."""


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    place = tmp_path_factory.mktemp("study")
    embedded.make("seasons", place / "seasons", (16, 16), 3, 12)
    return pretend(place / "bench", place / "seasons", {"stargan": 21.0, "cyclegan": 20.0, "mine": 19.0})


def made(bench, mode, *options):
    out = bench.parent / f"{mode}-{len(list(bench.parent.iterdir()))}"
    assert command("study", "make", bench, "--mode", mode, "--raters", 2, *options, "--out", out) == 0
    return out


class Rater(Page):
    """A browser in which a page of a study is open."""

    def begin(self, study, number=1, width=1280):
        self.driver.execute_cdp_cmd("Network.setCacheDisabled", {"cacheDisabled": True})
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600},
        )
        self.driver.get((study / f"rater-{number}.html").as_uri())

    def agree(self):
        assert not self.find("#start").is_enabled()
        self.find("#agree").click()
        self.find("#start").click()

    def until(self, script, seconds=20):
        end = time.monotonic() + seconds
        while not (found := self.run(f"return {script}")):
            assert time.monotonic() < end, f"never: {script}"
            time.sleep(0.02)
        return found

    def asked(self):
        """Wait for the question of a trial; the number of the trial."""
        self.until("!document.querySelector('#choices button').disabled && !document.getElementById('trial').hidden")
        return int(self.find("#count").text.split(" ")[0]) - 1

    def press(self, key):
        self.driver.switch_to.active_element.send_keys(key)

    def answer(self, place):
        number = self.run("return state.answers.length")
        self.press("ABCD"[place])
        self.until(f"state.answers.length > {number}")

    def saved(self, folder):
        """The file that the link at the end saves, as the browser has written it."""
        self.driver.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(folder)})
        self.find("#save").click()
        end = time.monotonic() + 10
        while not (found := list(folder.glob("votes-*.json"))):
            assert time.monotonic() < end
            time.sleep(0.05)
        return found[0]


@pytest.fixture
def rater(chromium):
    opened = Rater(chromium)
    yield opened
    opened.run("try { localStorage.clear() } catch { }")
    assert opened.driver.get_log("browser") == []


def test_preferences_are_answered_by_keys_saved_and_read(rater, bench, tmp_path):
    study = made(bench, "preference", "--trials", 10)
    key = read_key(study)
    rater.begin(study)
    rater.agree()
    keys = ["a", "2", Keys.ARROW_LEFT, Keys.ARROW_RIGHT]
    given = []
    for number, trial in enumerate(key.raters[0]):
        assert rater.asked() == number
        place = trial.right if trial.kind == "vigilance" else number % 2
        given.append(place)
        time.sleep(0.3)  # a decision takes a while, and the rules ask for that
        rater.press(keys[place + 2 * (number % 2)] if place == number % 2 and number % 4 > 1 else "AB"[place])
        rater.until(f"state.answers.length === {number + 1}")
    path = rater.saved(tmp_path)
    assert path.name == f"votes-{key.study}-rater-1.json"
    assert path.read_text() == rater.find("#text").get_attribute("value")
    session = read_votes(path, key)
    assert [trial_and_answer.answer.chosen for trial_and_answer in session.rated] == given
    assert all(300 <= trial_and_answer.answer.ms < 10_000 for trial_and_answer in session.rated)
    assert findings(key, read_all([path], key)).kept == 1
    told = json.loads(path.read_text())
    assert set(told["votes"]) == {"study", "fingerprint", "mode", "rater", "session", "answers"}
    assert told["votes"]["fingerprint"] == json.loads((bench / "protocol.json").read_text())["fingerprint"]


def test_progress_is_kept_where_the_page_closes_and_gone_where_one_withdraws(rater, bench):
    study = made(bench, "best-of", "--trials", 10)
    rater.begin(study)
    rater.agree()
    for place in (3, 0):
        rater.asked()
        rater.answer(place)
    rater.asked()
    rater.driver.get("about:blank")
    rater.begin(study)
    assert rater.find("#start").text == "Go on"
    assert "2 of 10" in rater.find("#kept").text
    rater.agree()
    assert rater.asked() == 2
    rater.answer(1)
    assert rater.run("return state.answers.map((answer) => answer.chosen)") == [3, 0, 1]
    assert rater.run("return state.answers[2].begun") == 2
    rater.run("window.confirm = () => true")
    rater.find("#withdraw").click()
    assert rater.find("#start").text == "Begin"
    rater.begin(study)
    assert not rater.find("#kept").is_displayed()
    assert rater.run("return localStorage.length") == 0


def test_another_raters_page_in_the_same_browser_begins_by_itself(rater, bench):
    study = made(bench, "preference", "--trials", 10)
    rater.begin(study)
    rater.agree()
    rater.asked()
    rater.answer(0)
    rater.begin(study, number=2)
    assert rater.find("#start").text == "Begin"


WATCH = """
window.seen = [];
for (const image of document.querySelectorAll("#stage img")) {
  let on = null;
  new MutationObserver(() => {
    const now = image.classList.contains("on") ? performance.now() : null;
    if (now !== null) on = now; else if (on !== null) { seen.push(performance.now() - on); on = null; }
  }).observe(image, { attributeFilter: ["class"] });
}
"""


def test_timed_images_are_on_the_screen_for_a_second_within_a_frame(rater, bench, tmp_path):
    study = made(bench, "real-fake", "--trials", 6)
    key = read_key(study)
    rater.begin(study)
    rater.run(WATCH)
    rater.agree()
    for number, trial in enumerate(key.raters[0]):
        rater.until("document.querySelector('#stage img.on')")
        assert not rater.find("#choices button").is_enabled()
        assert number == rater.asked()
        assert rater.run("return document.querySelectorAll('#stage img.on').length") == 0
        wrong = number % 3 == 0 and trial.kind == "practice"
        rater.answer(1 - trial.right if wrong else trial.right)
        if trial.kind == "practice":
            verdict = rater.until("document.getElementById('verdict').textContent")
            assert verdict == f"{'Wrong' if wrong else 'Right'}: {'AB'[trial.right]} was the fake."
            rater.press(Keys.ENTER)
            if number == 9:
                assert "practice" in rater.find("#pause h1").text
                rater.press(Keys.ENTER)
    session = read_votes(rater.saved(tmp_path), key)
    stored = np.array([trial_and_answer.answer.exposures for trial_and_answer in session.rated]).ravel()
    seen = np.array(rater.run("return seen"))
    assert len(stored) == len(seen) == 32
    # The page draws as the machine lets it; of what it says it must be right, and where frames come in time, exact.
    assert np.median(np.abs(stored - 1000)) <= FRAME
    assert np.mean(np.abs(stored - 1000) <= FRAME) >= 0.8
    assert np.median(np.abs(stored - seen)) <= FRAME


def test_an_image_is_seen_in_its_time_and_at_no_other(rater, bench):
    study = made(bench, "real-fake", "--trials", 6)
    rater.begin(study)
    rater.agree()
    rater.until("document.querySelector('#one.on')")

    def inside():
        screen = Image.open(BytesIO(rater.find("#stage").screenshot_as_png)).convert("RGB")
        return np.asarray(screen, dtype=float).std((0, 1)).max()

    assert inside() > 10
    rater.asked()
    assert inside() < 10  # the mark of where to look


@pytest.mark.parametrize("mode", ["real-fake", "preference", "best-of"])
def test_a_phone_shows_all_images_of_a_trial_without_scrolling_sideways(rater, bench, mode):
    study = made(bench, mode, "--trials", 10)
    rater.begin(study, width=360)
    assert rater.run("return document.documentElement.scrollWidth") == 360
    rater.agree()
    rater.asked()
    assert rater.run("return document.documentElement.scrollWidth") == 360
    heights = rater.run("return [...document.querySelectorAll('#choices button')].map((b) => b.offsetHeight)")
    assert min(heights) >= 44
    rater.find("#choices button:nth-child(2)").click()
    assert rater.until("state.answers.length") == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_of_a_study_contrasts_by_4_5_to_1(rater, bench, scheme):
    study = made(bench, "preference", "--trials", 10)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    rater.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": features})
    rater.begin(study)
    assert rater.run(CONTRAST)[0][0] >= 4.5
    rater.agree()
    rater.asked()
    assert rater.run(CONTRAST)[0][0] >= 4.5


@pytest.mark.parametrize("text", ["", "abc", "ü→𝄞", "x" * 55, "x" * 56, "x" * 64, "y" * 5000])
def test_the_checksum_of_the_page_is_sha_256(rater, bench, text):
    from hashlib import sha256

    study = next(iter(bench.parent.glob("preference-*")), None) or made(bench, "preference", "--trials", 10)
    rater.begin(study)
    assert rater.run("return sha256(arguments[0])", text) == sha256(text.encode()).hexdigest()


def test_nothing_is_asked_of_the_network(rater, bench):
    study = made(bench, "preference", "--trials", 10)
    rater.begin(study)
    rater.agree()
    rater.asked()
    names = rater.run("return performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert [name for name in names if not name.startswith("data:")] == []
    text = (study / "rater-1.html").read_text()
    assert re.search(r"connect|fetch\(|XMLHttp|sendBeacon", text.split("<script>")[1]) is None
