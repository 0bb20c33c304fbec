"""The page in a real browser: it follows a training by itself, and a file of it needs no server."""

import shutil
import threading
import time

import pytest

from i2i.watch.page import page_file
from i2i.watch.server import server
from i2i.watch.state import Watched

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed: pip install -e '.[test]'")

pytestmark = pytest.mark.slow

SECONDS = 30


@pytest.fixture
def driver(tmp_path):
    programs = {name: shutil.which(name) for name in ("chromium", "chromedriver")}
    if not all(programs.values()):
        pytest.skip("chromium or chromedriver is not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = programs["chromium"]
    for argument in ("headless=new", "no-sandbox", "disable-gpu", f"user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(f"--{argument}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(programs["chromedriver"]))
    yield driver
    driver.quit()


def until(driver, script, expected):
    """Wait until a script gives what is expected."""
    end = time.monotonic() + SECONDS
    while (found := driver.execute_script(f"return {script}")) != expected:
        assert time.monotonic() < end, f"{script}: {found}"
        time.sleep(0.05)


def complaints(driver):
    return [entry["message"] for entry in driver.get_log("browser")]


TITLE = "document.getElementById('run-title').textContent"
GRID = "document.getElementById('grid').alt"
WIDTH = "document.getElementById('grid').naturalWidth > 0"
CURVES = "document.querySelectorAll('#charts .curve').length"
ALARM = "document.getElementById('alarm').hidden"


def test_the_page_follows_a_training_and_says_when_it_is_left_alone(run, driver, tmp_path):
    watched = Watched.of_run(run.folder)
    with server(watched) as serving:
        thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        driver.get(f"http://127.0.0.1:{serving.server_port}/")
        until(driver, TITLE, f"{run.folder.name}: stopped")
        until(driver, WIDTH, True)
        until(driver, CURVES, 1)
        run.log(40, losses={"generator/l1": 1, "critic/real": 2})
        run.sample(40)
        until(driver, TITLE, f"{run.folder.name}: finished")
        until(driver, GRID, "Sample grid of step 40")
        until(driver, CURVES, 2)
        assert complaints(driver) == []
        serving.shutdown()
        thread.join()
    until(driver, ALARM, False)
    assert all("state" in one for one in complaints(driver))  # nobody answers

    (tmp_path / "page.html").write_text(page_file(watched), encoding="utf-8")
    driver.get((tmp_path / "page.html").as_uri())
    until(driver, GRID, "Sample grid of step 40")
    until(driver, WIDTH, True)
    driver.execute_script("place.value = 0; place.dispatchEvent(new Event('input'))")
    until(driver, GRID, "Sample grid of step 10")
    assert driver.execute_script("return document.querySelector('h1').children.length") == 0
    assert complaints(driver) == []
