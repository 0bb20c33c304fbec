"""The pages of the program as the documentation shows them: images of a browser, of built-in data alone.

    i2i bench
    python benchmarks/studies/pages/screenshots.py bench/seasons --out docs/images

Needs Chromium with its driver, selenium and gradio (`pip install '.[test,demo]'`), and no network. Writes report.png,
gallery.png, watch.png and demo.png into --out, with few colours, so that they are small.
"""

import argparse
import base64
import io
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from selenium import webdriver

from i2i.benchmarks.results_folder.results_folder import ResultsFolder
from i2i.data.open import is_drawn, open_data
from i2i.errors import UserError

WIDTH, HEIGHT = 1180, 900
COLORS = 256
SECONDS = 120.0
FLAGS = ("headless=new", "no-sandbox", "disable-gpu", "hide-scrollbars", "force-device-scale-factor=1")


def main() -> None:
    """Write the images that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bench", type=Path, help="results folder of a finished bench of a built-in dataset")
    parser.add_argument("--out", type=Path, required=True, help="folder of the PNG files")
    parser.add_argument("--only", nargs="*", choices=SHOTS, default=list(SHOTS), help="some of them")
    arguments = parser.parse_args()
    require_built_in(arguments.bench)
    arguments.out.mkdir(parents=True, exist_ok=True)
    with browser() as driver:
        for name in arguments.only:
            write_small(SHOTS[name](driver, arguments.bench), arguments.out / f"{name}.png")


def require_built_in(bench: Path) -> None:
    """UserError for a bench of other data: nobody else's images are shown."""
    if not is_drawn(ResultsFolder(bench).plan.suite.settings.get("data", {})):
        raise UserError(
            f"{bench} is of other data than a built-in dataset: take a folder that i2i bench wrote without --data"
        )


@contextmanager
def browser() -> Iterator[webdriver.Chrome]:
    """Chromium without a window."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for flag in (*FLAGS, f"window-size={WIDTH},{HEIGHT}"):
        options.add_argument(f"--{flag}")
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    try:
        driver.execute_cdp_cmd(
            "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "light"}]}
        )
        yield driver
    finally:
        driver.quit()


def report(driver: webdriver.Chrome, bench: Path) -> bytes:
    """The head of report.html with its table."""
    driver.get((bench / "report.html").absolute().as_uri())
    return clipped(driver, "header", "#scores-table")


def gallery(driver: webdriver.Chrome, bench: Path) -> bytes:
    """The slider of report.html beside all columns of an image."""
    driver.get((bench / "report.html").absolute().as_uri())
    return clipped(driver, "#gallery-title", "#columns-title + *, .desk")


def watch(driver: webdriver.Chrome, bench: Path) -> bytes:
    """The page of `i2i watch`, from the training run on."""
    with TemporaryDirectory() as folder:
        page = Path(folder) / "watch.html"
        subprocess.run([sys.executable, "-m", "i2i", "watch", str(bench), "--out", str(page)], check=True)
        driver.get(page.as_uri())
        wait_for(lambda: driver.execute_script("return document.getElementById('grid').naturalWidth > 0"))
        return clipped(driver, "header", "#charts figure")


def demo(driver: webdriver.Chrome, bench: Path) -> bytes:
    """The page of `i2i demo` after a test image was translated to all domains."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with subprocess.Popen(
        [sys.executable, "-m", "i2i", "demo", str(bench), "--port", str(port), "--device", "cpu"]
    ) as served:
        try:
            wait_for(lambda: answers(port))
            driver.get(f"http://127.0.0.1:{port}")
            wait_for(lambda: driver.find_elements("css selector", "#image input[type=file]"))
            driver.find_element("css selector", "#image input[type=file]").send_keys(str(first_image(bench)))
            wait_for(lambda: driver.find_elements("css selector", "#image img"))
            driver.find_element("css selector", "#go").click()
            wait_for(lambda: len(driver.find_elements("css selector", "#translations img")) > 2)
            wait_for(lambda: not driver.find_elements("css selector", ".generating"))  # they come one by one
            driver.execute_script("scrollTo(0, 0)")
            time.sleep(2)  # for what slides in
            return clipped(driver, "h1", "#go")
        finally:
            served.terminate()


def first_image(bench: Path) -> Path:
    """The first test image of the first domain."""
    config = ResultsFolder(bench).plan.data_config()
    data = open_data(config)
    return data.images(config.test_split, data.domains[0])[0].path


def clipped(driver: webdriver.Chrome, first: str, last: str) -> bytes:
    """The page from the top of an element to the bottom of another."""
    box = driver.execute_script(
        "const at = (css) => document.querySelector(css).getBoundingClientRect();"
        "return [at(arguments[0]).top + scrollY, at(arguments[1]).bottom + scrollY]",
        first,
        last,
    )
    clip = {"x": 0, "y": max(box[0] - 12, 0), "width": WIDTH, "height": box[1] - box[0] + 24, "scale": 1}
    shot = driver.execute_cdp_cmd("Page.captureScreenshot", {"clip": clip, "captureBeyondViewport": True})
    return base64.b64decode(shot["data"])


def answers(port: int) -> bool:
    """Whether something listens at a port of this machine."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def wait_for(what: Callable[[], object]) -> None:
    """Wait until it is true; TimeoutError after a while."""
    until = time.monotonic() + SECONDS
    while not what():
        if time.monotonic() > until:
            raise TimeoutError(f"the page did not get ready within {SECONDS:.0f} s")
        time.sleep(0.2)


def write_small(png: bytes, path: Path) -> None:
    """A PNG file of few colours."""
    with Image.open(io.BytesIO(png)) as image:
        image.convert("RGB").quantize(COLORS, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


SHOTS = {"report": report, "gallery": gallery, "watch": watch, "demo": demo}

if __name__ == "__main__":
    main()
