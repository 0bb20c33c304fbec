"""The page of collected results in a real browser."""

import pytest

from i2i.benchmarks.board.compare import grouped
from i2i.benchmarks.board.write import write
from tests.bench.test_board import entry, several
from tests.bench.test_page_browser import CONTRAST, Page, chromium

__all__ = ["chromium"]  # a fixture

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    out = tmp_path_factory.mktemp("board")
    write(
        grouped([*several(6, ("x", "y", "z", "identity")), entry("alone", {"x": 1.0, "y": 2.0}, budget=9)]), out, "All"
    )
    return out / "report.html"


@pytest.fixture
def browser(chromium):
    opened = Page(chromium)
    yield opened
    assert opened.driver.get_log("browser") == []


def shown(browser, board, width=1280, scheme="light"):
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": features})
    browser.driver.get(board.as_uri())
    return browser


def test_protocols_stand_apart_and_a_heading_sorts(browser, board):
    page = shown(browser, board)
    assert page.texts("main h2") == ["Protocol 1", "Protocol 2"]
    names = "section:first-child .across tbody th"
    assert page.texts(names) == ["z", "y", "x", "identity"]
    page.find("section:first-child .across thead th:nth-child(2) button").click()
    page.find("section:first-child .across thead th:nth-child(2) button").click()
    assert page.texts(names) == ["x", "y", "z", "identity"]
    assert page.run("return document.querySelector('.figure img').naturalWidth") > 100


def test_a_phone_shows_the_page_without_scrolling_sideways(browser, board):
    assert shown(browser, board, width=360).run("return document.documentElement.scrollWidth") == 360


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_contrasts_by_4_5_to_1(browser, board, scheme):
    assert shown(browser, board, scheme=scheme).run(CONTRAST)[0][0] >= 4.5
