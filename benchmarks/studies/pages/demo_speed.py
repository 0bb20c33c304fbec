"""How long the page of `i2i demo` takes to show translations of a 256-px image, in a browser.

    python benchmarks/studies/pages/demo_speed.py [--model stargan] [--targets 1] [--threads 1] [--times 5]

The network has the published settings and random weights, which cost what trained ones do. Of each press of the
button, after one that loads the model, it tells the seconds of the clock until the browser has drawn the first
translation and the last, and the seconds of processors that the server took: reading, translating, writing and serving.
The browser's own are not counted there, but the clock waits for them. Needs Chromium with its driver, selenium, gradio.
"""

import argparse
import socket
import threading
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from PIL import Image
from selenium.webdriver import Chrome

from i2i.api.translators import create, save_pretrained
from i2i.benchmarks.studies.pages.screenshots import answers, browser, wait_for
from i2i.demo.methods import Loader, Method
from i2i.demo.page import PageContents, serve

SIDE = 256
DOMAINS = ("summer", "winter", "night")
PRESS = """
const count = arguments[0], seconds = window.seconds = [], start = performance.now();
const images = () => [...document.querySelectorAll('#translations img')];
const drawn = () => images().filter((one) => one.naturalWidth).map((one) => one.src);
const before = new Set(drawn());
const look = () => {
  const fresh = new Set(drawn().filter((one) => !before.has(one)));
  while (seconds.length < fresh.size) seconds.push((performance.now() - start) / 1000);
  if (seconds.length < count) setTimeout(look, 10);
};
document.querySelector('#go').click();
look();
"""
"""Presses the button, and keeps the seconds after which the browser has drawn each of so many new images."""


def main() -> None:
    """Print a line for each press of the button."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="stargan")
    parser.add_argument("--targets", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1, help="of the network; the server has some of its own")
    parser.add_argument("--times", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    with TemporaryDirectory() as folder, browser() as driver:
        address = served(published(Path(folder) / "run", options.model, options.targets))
        driver.get(address)
        wait_for(lambda: driver.find_elements("css selector", "#image input[type=file]"))
        driver.find_element("css selector", "#image input[type=file]").send_keys(str(an_image(Path(folder))))
        wait_for(lambda: driver.find_elements("css selector", "#image img"))
        pressed(driver, options.targets)
        for _ in range(options.times):
            first, last, processors = pressed(driver, options.targets)
            print(
                f"first shown after {first:.2f} s, last after {last:.2f} s; {processors:.2f} s of processors",
                flush=True,
            )


def published(run: Path, name: str, targets: int) -> Method:
    """A method of random weights that translates to so many domains."""
    save_pretrained(create(name, DOMAINS[: max(2, targets)], SIDE), run)
    ways = Method.of_run(run).runs
    return Method(name, {way: run for way in ways if way[1] in DOMAINS[:targets]})


def an_image(folder: Path) -> Path:
    """A smooth image of random colours."""
    coarse = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    Image.fromarray(coarse).resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(folder / "photo.png")
    return folder / "photo.png"


def served(method: Method) -> str:
    """The address of a page of the method, served by this process, whose time is then the server's."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    shown, loader = PageContents("speed", [method]), Loader(torch.device("cpu"))
    threading.Thread(target=serve, args=(shown, loader, "127.0.0.1", port, False), daemon=True).start()
    wait_for(lambda: answers(port))
    return f"http://127.0.0.1:{port}"


def pressed(driver: Chrome, targets: int) -> tuple[float, float, float]:
    """Seconds from a press of the button to the first and the last translation, and what the server took until then."""
    took, count = time.process_time(), 1 + targets  # the input is ahead of them
    driver.execute_script(PRESS, count)
    while len(shown := driver.execute_script("return window.seconds")) < count:
        time.sleep(0.5)
    return shown[1], shown[-1], time.process_time() - took


if __name__ == "__main__":
    main()
