"""report.html in a real browser: what can be clicked, typed, seen and read; skipped without Chromium or selenium."""

import shutil
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import BytesIO
from threading import Thread

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from i2i.benchmarks.report.html import page
from tests.support.pages import CARD, NASTY, made_up_bench, scores_of

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed: pip install -e '.[test]'")
Keys, By = (
    pytest.importorskip("selenium.webdriver.common.keys").Keys,
    pytest.importorskip("selenium.webdriver.common.by").By,
)

pytestmark = pytest.mark.slow

FLAGS = ["headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking"]
FLAGS += ["disable-component-update", "disable-sync", "disable-dev-shm-usage", "force-device-scale-factor=1"]
WIDE = (1280, 900)


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    programs = {name: shutil.which(name) for name in ("chromium", "chromedriver")}
    missing = [name for name, path in programs.items() if path is None]
    if missing:
        pytest.skip(f"{' and '.join(missing)} not installed: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = programs["chromium"]
    for flag in [*FLAGS, f"user-data-dir={tmp_path_factory.mktemp('profile')}"]:
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(programs["chromedriver"]))
    driver.set_script_timeout(20)
    yield driver
    driver.quit()


def built(folder, **options):
    plan, results = made_up_bench(folder, **options)
    page.write(plan, results, CARD)
    return plan, results


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    return built(tmp_path_factory.mktemp("page"))


@pytest.fixture(scope="module")
def nasty(tmp_path_factory):
    return built(tmp_path_factory.mktemp("nasty"), nasty=True)


class Page:
    """An open page and what the tests ask of it."""

    def __init__(self, driver):
        """A blank page, and nothing in the browser's log of what was before."""
        self.driver = driver
        driver.get("about:blank")
        driver.get_log("browser")

    def open(self, bench, width=WIDE[0], media="", **features):
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": WIDE[1], "deviceScaleFactor": 1, "mobile": width < 600},
        )
        named = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": named})
        self.driver.get((bench[0].out / page.NAME).as_uri())
        return self

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def find(self, css):
        return self.driver.find_element(By.CSS_SELECTOR, css)

    def texts(self, css):
        return self.run("return [...document.querySelectorAll(arguments[0])].map((e) => e.textContent)", css)

    def choose(self, id, label):
        """Choose of a list as a user does; returns the labels."""
        labels = self.texts(f"#{id} option")
        self.find(f"#{id} option:nth-child({labels.index(label) + 1})").click()
        return labels

    def color(self, css, across=0.5):
        """Mean colour of a small spot of an element as it is on the screen, in its middle or at another share."""
        image = np.asarray(Image.open(BytesIO(self.find(css).screenshot_as_png)).convert("RGB"), dtype=float)
        row, column = image.shape[0] // 2, int(image.shape[1] * across)
        return image[row - 20 : row + 20, column - 15 : column + 15].mean((0, 1))

    def scores(self):
        """Rows of the first table as they stand on the screen."""
        lines = self.driver.find_elements(By.CSS_SELECTOR, "#scores-table tbody tr")
        return [
            [
                self.run("return arguments[0].firstChild.textContent", cell)
                for cell in line.find_elements(By.CSS_SELECTOR, "th, td")
            ]
            for line in lines
        ]


@pytest.fixture
def browser(chromium):
    opened = Page(chromium)
    yield opened
    opened.run("scrollTo(0, 0)")
    assert [entry for entry in opened.driver.get_log("browser") if "i2i-test" not in entry["message"]] == []


def mean_pixel(plan, name, way, stem, seed=0):
    path = plan.out / "translations" / name / f"seed{seed}" / "2".join(way) / f"{stem}.png"
    return np.asarray(Image.open(path), dtype=float).mean((0, 1))


def input_pixel(plan, domain, stem):
    return np.asarray(Image.open(plan.out.parent / "data" / "test" / domain / f"{stem}.png"), dtype=float).mean((0, 1))


def current(opened):
    return opened.find("#shown").text.split(",")[0]


def test_a_heading_sorts_by_click_and_by_key_and_names_its_order(browser, bench):
    browser.open(bench)
    fid = next(n for n, text in enumerate(browser.texts("#scores-table thead th"), 1) if text.startswith("FID"))
    heading = browser.find(f"#scores-table thead th:nth-child({fid})")
    assert heading.get_attribute("aria-sort") is None
    heading.find_element(By.TAG_NAME, "button").click()
    values = [float(row[fid - 1]) for row in browser.scores()]
    assert values == sorted(values)  # the best, here the lowest, first
    assert heading.get_attribute("aria-sort") == "ascending"
    heading.find_element(By.TAG_NAME, "button").send_keys(Keys.ENTER)
    assert [float(row[fid - 1]) for row in browser.scores()] == values[::-1]
    assert heading.get_attribute("aria-sort") == "descending"
    psnr = next(n for n, text in enumerate(browser.texts("#scores-table thead th"), 1) if text.startswith("PSNR"))
    browser.find(f"#scores-table thead th:nth-child({psnr}) button").send_keys(Keys.SPACE)
    cells = [row[psnr - 1] for row in browser.scores()]
    assert cells[-1] == "–"  # real images have none
    assert [float(cell) for cell in cells[:-1]] == sorted(map(float, cells[:-1]), reverse=True)
    assert heading.get_attribute("aria-sort") is None


def test_the_table_of_a_direction_shows_its_own_scores(browser, bench):
    _, results = bench
    browser.open(bench)
    labels = browser.choose("view", "b → c")
    assert labels[0] == "all directions"
    assert {"all directions to a", "a → b", "c → b"} <= set(labels)
    own = results.scores[(results.scores["source"] == "b") & (results.scores["target"] == "c")]
    value = own[(own["model"] == "two") & (own["metric"] == "psnr")]["value"].item()
    (row,) = [row for row in browser.scores() if row[0] == "two"]
    assert row[1] == f"{value:.2f}"


def test_the_slider_uncovers_one_image_over_the_other_by_key_and_by_pointer(browser, bench):
    plan, _ = bench
    browser.open(bench)
    stem = current(browser)
    left, right = input_pixel(plan, "a", stem), mean_pixel(plan, "one", ("a", "b"), stem)
    assert np.abs(left - right).max() > 20
    assert browser.color("#stage", 0.3) == pytest.approx(left, abs=8)
    assert browser.color("#stage", 0.7) == pytest.approx(right, abs=8)
    browser.find("#divider").send_keys(Keys.HOME)
    assert browser.color("#stage", 0.3) == pytest.approx(right, abs=8)
    browser.find("#divider").send_keys(Keys.END)
    assert browser.color("#stage", 0.7) == pytest.approx(left, abs=8)
    browser.find("#divider").send_keys(*[Keys.ARROW_LEFT] * 3)
    assert browser.find("#divider").get_attribute("value") == "97"
    stage = browser.find("#stage")
    move = webdriver.ActionChains(browser.driver, duration=50).move_to_element(stage).click_and_hold()
    move.move_by_offset(-stage.size["width"] // 4, 0).release().perform()
    assert float(browser.find("#divider").get_attribute("value")) == pytest.approx(25, abs=1)


BLINKS = """
const [done, stage, times] = [arguments[0], document.getElementById("stage"), []];
new MutationObserver((_, observer) => {
  times.push([performance.now(), stage.dataset.front]);
  if (times.length === 4) { observer.disconnect(); done(times); }
}).observe(stage, { attributeFilter: ["data-front"] });
"""


def test_blinking_changes_the_image_less_than_twice_a_second_and_stops(browser, bench):
    plan, _ = bench
    browser.open(bench)
    stem = current(browser)
    assert browser.find("#blink").get_attribute("aria-pressed") == "false"
    browser.find("input[value=blink]").click()
    times = browser.driver.execute_async_script(BLINKS)
    assert [front for _, front in times[-3:]] in (["left", "right", "left"], ["right", "left", "right"])
    # Timers may come a little early after one that came late; three changes take the time of two and more.
    assert times[3][0] - times[0][0] > 1500
    browser.find("#blink").click()
    assert browser.find("#blink").text == "Start blinking"
    looks = {}
    for _ in range(2):
        browser.find("#flip").click()
        looks[browser.find("#stage").get_attribute("data-front")] = browser.color("#stage")
    assert looks["left"] == pytest.approx(input_pixel(plan, "a", stem), abs=8)
    assert looks["right"] == pytest.approx(mean_pixel(plan, "one", ("a", "b"), stem), abs=8)


def test_nothing_blinks_by_itself_for_those_who_ask_for_less_motion(browser, bench):
    browser.open(bench, prefers_reduced_motion="reduce")
    browser.find("input[value=blink]").click()
    assert browser.find("#blink").get_attribute("aria-pressed") == "false"
    browser.find("#flip").click()
    assert browser.find("#stage").get_attribute("data-front") == "right"


def test_direction_and_both_sides_are_chosen(browser, bench):
    plan, _ = bench
    browser.open(bench)
    browser.choose("direction", "c → a")
    browser.choose("left", "two")
    browser.choose("right", "ground truth")
    stem = current(browser)
    browser.find("input[value=beside]").click()
    assert browser.texts("#stage figcaption") == ["two", "ground truth"]
    assert browser.color("#stage", 0.25) == pytest.approx(mean_pixel(plan, "two", ("c", "a"), stem), abs=8)
    assert browser.color("#stage", 0.75) == pytest.approx(input_pixel(plan, "a", stem), abs=8)
    browser.find("#columns button:nth-child(2)").click()
    assert browser.texts("#stage figcaption") == ["two", "one"]


def test_the_seed_is_chosen_by_keyboard_and_the_image_stays(browser, tmp_path):
    plan, results = built(tmp_path, seeds=(0, 3))
    browser.open((plan, results))
    browser.choose("direction", "b → c")
    browser.choose("order", "worst PSNR, dB ↑")
    browser.find("#next").click()
    stem = current(browser)
    browser.choose("left", "copy")
    browser.choose("right", "two")
    seed = browser.find("#seed")
    assert browser.texts("#seed option") == ["0", "3"]
    assert seed.accessible_name == "Seed"
    seed.send_keys(Keys.ARROW_DOWN)
    assert current(browser) == stem
    assert browser.color("#stage", 0.7) == pytest.approx(mean_pixel(plan, "two", ("b", "c"), stem, 3), abs=8)
    assert browser.texts("#stage figcaption") == ["copy (seed 0)", "two"]
    assert "Translators of seed 3." in browser.find("#thumbs-note").text
    assert "keep the file small" not in browser.find("#thumbs-note").text
    means = sum(
        scores_of(plan, name, 3)
        .query("source == 'b' and target == 'c' and metric == 'psnr'")
        .set_index("image")["value"]
        for name in ("one", "two")
    )
    assert thumbs(browser) == list(means.sort_values().index)
    seed.send_keys(Keys.ARROW_UP)
    assert browser.color("#stage", 0.7) == pytest.approx(mean_pixel(plan, "two", ("b", "c"), stem), abs=8)


def test_a_seed_of_which_the_page_holds_a_part_says_so(browser, tmp_path, monkeypatch):
    monkeypatch.setattr("i2i.benchmarks.report.html.gallery.SPACE_OF_SEEDS", 1)
    browser.open(built(tmp_path, seeds=(0, 3)))
    browser.choose("seed", "3")
    assert len(thumbs(browser)) == 1
    assert "it holds the first 1 of them with this seed, and all with seed 0" in browser.find("#thumbs-note").text
    browser.choose("seed", "0")
    assert len(thumbs(browser)) == 8


def test_with_one_seed_there_is_none_to_choose(browser, bench):
    browser.open(bench)
    assert not browser.find("#seed").is_displayed()


def thumbs(opened):
    return opened.run("return [...document.querySelectorAll('#thumbs button')].map((b) => b.children[1].textContent)")


def test_images_are_ordered_by_the_seed_by_the_worst_score_and_by_disagreement(browser, bench):
    plan, _ = bench
    browser.open(bench)
    browser.choose("direction", "b → a")
    at_random = thumbs(browser)
    assert at_random != sorted(at_random)
    assert "at random, seed 0" in browser.texts("#order option")
    assert "seed 0" in browser.find("#thumbs-note").text
    browser.choose("order", "worst PSNR, dB ↑")
    scores = [
        scores_of(plan, name).query("source == 'b' and target == 'a' and metric == 'psnr'") for name in ("one", "two")
    ]
    mean = sum(own.set_index("image")["value"] for own in scores) / 2
    assert thumbs(browser) == list(mean.sort_values().index)
    assert current(browser) == mean.idxmin()
    browser.choose("order", "translators disagree")

    def difference(stem):
        paths = [plan.out / "translations" / name / "seed0" / "b2a" / f"{stem}.png" for name in ("one", "two")]
        one, two = (np.asarray(Image.open(path), dtype=float) for path in paths)
        return -np.abs(one - two).mean()

    assert thumbs(browser) == sorted(at_random, key=difference)


def test_images_are_walked_through_by_keys_with_the_focus_seen(browser, bench):
    browser.open(bench)
    names = thumbs(browser)
    first = browser.find("#thumbs button")
    first.send_keys(Keys.ARROW_RIGHT)
    assert current(browser) == names[1]
    focused = browser.driver.switch_to.active_element
    assert focused.get_attribute("aria-pressed") == "true"
    focused.send_keys(Keys.END)
    assert current(browser) == names[-1]
    browser.driver.switch_to.active_element.send_keys(Keys.HOME)
    assert current(browser) == names[0]
    browser.find("#next").click()
    assert current(browser) == names[1]
    assert browser.find("#previous").is_enabled()


SEEN = """
const style = getComputedStyle(document.activeElement);
const active = document.activeElement;
const name = active.ariaLabel || active.labels?.[0]?.textContent || active.textContent;
return [active.id || active.tagName, style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2, name.trim()];
"""


def test_every_control_is_reached_by_tab_with_a_name_and_a_visible_focus(browser, bench):
    browser.open(bench)
    reached = []
    for _ in range(60):
        browser.driver.switch_to.active_element.send_keys(Keys.TAB)
        reached.append(browser.run(SEEN))
        if reached[-1][0] == "BODY":
            break
    stops = [stop for stop in reached if stop[0] != "BODY"]
    assert all(seen and name for _, seen, name in stops), [stop for stop in stops if not (stop[1] and stop[2])]
    controls = {"theme", "view", "direction", "left", "right", "order", "divider", "next", "smooth", "metric"}
    assert controls <= {stop[0] for stop in stops}


def test_names_are_shown_as_they_are_and_never_run(browser, nasty):
    plan, results = nasty
    browser.open(nasty)
    for direction in range(1, 7):
        browser.find(f"#direction option:nth-child({direction})").click()
    browser.choose("left", results.methods[0])
    browser.choose("right", results.methods[1])
    assert browser.run(
        "return [typeof window.hacked, document.querySelectorAll('img:not([src^=\"data:\"])').length]"
    ) == ["undefined", 0]
    assert browser.find("#dataset").get_attribute("textContent") == plan.dataset
    assert browser.driver.title.startswith(" ".join(plan.dataset.split()))
    assert browser.texts("#stage figcaption") == list(results.methods[:2])
    assert set(browser.texts("#maps thead th")) == set(NASTY[:3])
    assert browser.texts("#scores-table tbody th") == [*results.methods, "real"]
    assert all(name.startswith(NASTY[0]) for name in thumbs(browser))
    assert browser.run("return document.scripts.length") == 3


INJECT = """
const [address, done] = arguments;
const found = [];
document.addEventListener("securitypolicyviolation", (event) => {
  found.push(event.effectiveDirective);
  if (found.length === 3) done(found.sort());
});
const script = document.createElement("script");
script.textContent = "window.hacked = 'i2i-test'";
document.body.append(script);
const image = document.createElement("img");
image.src = address + "/i2i-test.png";
document.body.append(image);
fetch(address + "/i2i-test").catch(() => null);
"""


def test_nothing_is_asked_of_the_network_and_the_policy_forbids_it(browser, bench):
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)

    server = HTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        browser.open(bench)
        names = browser.run("return performance.getEntriesByType('resource').map((entry) => entry.name)")
        assert [name for name in names if not name.startswith("data:")] == []
        address = f"http://127.0.0.1:{server.server_port}"
        violations = browser.driver.execute_async_script(INJECT, address)
        assert violations == ["connect-src", "img-src", "script-src-elem"]
        assert browser.run("return typeof window.hacked") == "undefined"
        assert asked == []
    finally:
        server.shutdown()
        server.server_close()
    messages = browser.driver.get_log("browser")
    assert all("Content Security Policy" in entry["message"] for entry in messages), messages


@pytest.mark.parametrize("which", ["bench", "nasty"])
def test_a_phone_shows_the_page_without_scrolling_sideways(browser, which, request):
    browser.open(request.getfixturevalue(which), width=360)
    assert browser.run("return [innerWidth, document.documentElement.scrollWidth]") == [360, 360]
    table = browser.find("#scores-table .scroll")
    browser.run("arguments[0].scrollLeft = 100", table)
    first = browser.find("#scores-table tbody th")
    assert browser.run(
        "return arguments[0].getBoundingClientRect().left >= arguments[1].getBoundingClientRect().left", first, table
    )


CONTRAST = """
const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
function rgba(colour) {
  canvas.clearRect(0, 0, 1, 1);
  canvas.fillStyle = colour;
  canvas.fillRect(0, 0, 1, 1);
  return [...canvas.getImageData(0, 0, 1, 1).data];
}
function luminance(colour) {
  const linear = colour.map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
  return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
}
function behind(element) {
  const own = rgba(getComputedStyle(element).backgroundColor);
  return own[3] > 200 ? own : behind(element.parentElement);
}
const found = [];
for (const element of document.querySelectorAll("body *")) {
  const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
  if (!own || !element.checkVisibility() || element.closest("script, option, noscript, button:disabled")) continue;
  const style = getComputedStyle(element);
  const text = luminance(rgba(element.closest("svg") ? style.fill : style.color));
  const paper = luminance(behind(element));
  const ratio = (Math.max(text, paper) + 0.05) / (Math.min(text, paper) + 0.05);
  found.push([ratio, element.tagName, element.textContent.slice(0, 30)]);
}
return found.sort((one, other) => one[0] - other[0]);
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_contrasts_by_4_5_to_1(browser, bench, scheme):
    browser.open(bench, prefers_color_scheme=scheme)
    found = browser.run(CONTRAST)
    assert len(found) > 100
    assert found[0][0] >= 4.5, found[:5]


def test_the_page_follows_the_systems_colors_until_one_chooses(browser, bench):
    def paper():
        return browser.run("return getComputedStyle(document.body).backgroundColor")

    light = browser.open(bench, prefers_color_scheme="light") and paper()
    browser.choose("theme", "Dark")
    dark = paper()
    assert dark != light
    browser.open(bench, prefers_color_scheme="dark")
    assert paper() == dark
    browser.choose("theme", "Light")
    assert paper() == light


def test_heat_maps_hold_the_numbers_of_every_direction_in_colors_that_differ(browser, bench):
    _, results = bench
    browser.open(bench)
    browser.choose("metric", "PSNR, dB ↑")
    cells = browser.run(
        "return [...document.querySelectorAll('#maps figure:nth-child(1) tbody td')]"
        ".map((cell) => [cell.textContent, getComputedStyle(cell).backgroundColor])"
    )
    scores = results.scores[(results.scores["model"] == "one") & (results.scores["metric"] == "psnr")]
    values = scores.set_index(["source", "target"])["value"]
    expected = [f"{values[one, two]:.2f}" if one != two else "" for one in "abc" for two in "abc"]
    assert [text for text, _ in cells] == expected
    assert len({color for text, color in cells if text}) == 6


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    """A bench with more metrics than stand beside each other on a screen, and what is said of health."""
    plan, results = made_up_bench(tmp_path_factory.mktemp("wide"))
    rows = results.scores[results.scores["metric"] == "psnr"]
    more = ["ssim", "l1", "cycle", "content-ssim", "accuracy", "gan-train", "kid", "content-timm-resnet18-1a2b3c4d"]
    scores = pd.concat([results.scores, *(rows.assign(metric=metric) for metric in more)])
    flags = pd.DataFrame(
        [
            {"dataset": plan.dataset, "model": "one", "seed": 0, "source": "a", "target": "b", "flag": flag}
            | {"value": 1.0, "threshold": 0.5, "above": True, "raised": True, "says": "it has a fault"}
            for flag in ("inverted", "checkerboard", "ignored target", "noise")
        ]
    )
    results = replace(results, scores=scores, details=replace(results.details, flags=flags))
    page.write(plan, results, CARD)
    return plan, results


PAPER = 680  # pixels between the margins of A4


def test_on_paper_no_table_is_cut_and_nothing_is_left_to_click(browser, wide):
    browser.open(wide, width=PAPER, media="print")
    wider = browser.run(
        "return [...document.querySelectorAll('table')].filter((table) => table.checkVisibility())"
        ".map((table) => table.getBoundingClientRect().right)"
    )
    assert len(wider) > 5
    assert max(wider) <= PAPER + 1
    assert browser.run("return document.querySelector('#stage').getBoundingClientRect().width") < PAPER / 2
    shown = browser.run(
        "return [...document.querySelectorAll('select, input, #blink, #flip, #previous, #next')]"
        ".filter((control) => control.checkVisibility()).length"
    )
    assert shown == 0


def test_on_paper_text_is_dark_also_where_dark_colors_were_chosen(browser, bench):
    browser.open(bench)
    browser.choose("theme", "Dark")
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print", "features": []})
    assert browser.run("return getComputedStyle(document.body).color") == "rgb(27, 31, 36)"


def test_a_table_that_goes_on_is_shaded_at_its_edge_until_it_ends(browser, wide):
    def edge():
        """Brightness of the last pixels within the frame, row by row, and the median of the rows."""
        screen = Image.open(BytesIO(browser.find("#scores-table .scroll").screenshot_as_png)).convert("L")
        return np.median(np.asarray(screen)[:, -8:-2].mean(axis=1))

    browser.open(wide, width=700, prefers_color_scheme="light")
    before = edge()
    browser.run("document.querySelector('#scores-table .scroll').scrollTo(9999, 0)")
    assert before < 240
    assert edge() == 255


@pytest.mark.parametrize("width", [560, 680, 1280])
def test_what_lies_deep_in_the_protocol_has_room(browser, tmp_path, width):
    plan, results = made_up_bench(tmp_path)
    files = {domain: {"files": 24, "sha256": "ab" * 32} for domain in ("summer", "winter")}
    card = {**CARD, "protocol": {"training": {"split": "train", "domains": files}}}
    page.write(plan, results, card)
    browser.open((plan, results), width=width)
    assert not browser.find("#card").is_displayed()
    browser.find("#whole-card > summary").click()
    widths = browser.run(
        "return [...document.querySelectorAll('#card dd dl dl dl dd')].map((e) => e.getBoundingClientRect().width)"
    )
    assert len(widths) == 4
    assert min(widths) > 150
