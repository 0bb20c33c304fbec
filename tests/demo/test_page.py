"""The page in a browser: upload, translate, download; and what it refuses, whoever asks."""

import io
import json
import os
import shutil
import signal
import socket
import time
import urllib.error
import urllib.request
from importlib.util import find_spec

import numpy as np
import pytest
from PIL import Image

from i2i.benchmarks.results_folder.trained_methods import trained_methods
from i2i.cli import demo
from i2i.demo import page
from i2i.demo.page import _request, _without_paths, require_gradio
from i2i.errors import UserError
from tests.support.in_process import SETTINGS, bench
from tests.support.preloaded import Preloaded

SECONDS = 60
SECRET = "not for anybody"


def test_a_page_without_gradio_is_refused_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setattr(page, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install 'i2i\[demo\]'"):
        require_gradio()


def test_a_message_does_not_say_where_uploads_lie():
    values = ["/tmp/x/upload.png", ["a"], None, "summer"]
    assert _without_paths("/tmp/x/upload.png is broken in summer", values) == "the uploaded file is broken in summer"


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """A bench of StarGAN and the baselines."""
    folder = tmp_path_factory.mktemp("bench") / "tiny"
    assert bench(folder, *SETTINGS, "--only", "train") == 0
    return folder


@pytest.mark.slow
def test_a_bench_offers_its_methods_in_the_directions_that_they_serve(results):
    ways = {("summer", "winter"), ("winter", "summer")}
    found = trained_methods(results)
    assert {name: set(runs) for name, runs in found.items()} == dict.fromkeys(("stargan", "identity", "reinhard"), ways)
    methods, config = demo._of_bench(results)
    assert [method.name for method in methods] == list(found)
    assert config.image_size == (16, 16)
    values = {"image": "x.png", "methods": ["stargan"], "source": "any", "targets": ["winter"], "full": False}
    wanted, chosen = _request(values, page.PageContents("tiny", methods))
    assert (wanted.source, wanted.targets, [method.name for method in chosen]) == (None, ["winter"], ["stargan"])
    for changed in ({"image": None}, {"methods": []}, {"samples": 10**9}, {"sampling_steps": 10**9}):
        with pytest.raises(UserError):
            _request(values | changed, page.PageContents("tiny", methods))


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@pytest.fixture(scope="module")
def address(results, tmp_path_factory):
    if find_spec("gradio") is None:
        pytest.skip("gradio is not installed: pip install 'i2i[demo]'")
    folder, port = tmp_path_factory.mktemp("served"), free_port()
    (folder / "secret.txt").write_text(SECRET)
    command = ["-m", "i2i", "demo", results, "--port", port, "--device", "cpu"]
    served = Preloaded(command, env=os.environ, cwd=folder)
    try:
        until = time.monotonic() + SECONDS
        while "the page is at" not in served.said():
            assert served.poll() is None and time.monotonic() < until, served.said()
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        served.send_signal(signal.SIGTERM)
        served.wait(SECONDS)


def status(address, data=None, **headers):
    """Status and contents of an answer."""
    try:
        with urllib.request.urlopen(urllib.request.Request(address, data, headers), timeout=SECONDS) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


@pytest.mark.slow
@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/file=/etc/passwd",
        "/gradio_api/file=secret.txt",
        "/gradio_api/file=./secret.txt",
        "/gradio_api/file=/proc/self/environ",
        "/gradio_api/file={results}/plan.json",
        "/gradio_api/file={temporary}/../../etc/passwd",
        "/file=/etc/passwd",
        "/assets/..%2f..%2f..%2f..%2fetc%2fpasswd",
        "/static/..%2f..%2fetc%2fpasswd",
    ],
)
def test_no_file_of_the_machine_is_read_through_the_page(address, results, path):
    code, contents = status(address + path.format(results=results, temporary="/tmp"))
    assert code in (400, 403, 404)
    assert b"root:" not in contents
    assert SECRET.encode() not in contents


def called(address, image):
    """Events of a call of the button by a program."""
    body = json.dumps({"data": [image, ["identity"], "any", ["winter"], False]}).encode()
    code, answer = status(f"{address}/gradio_api/call/translate", body, **{"Content-Type": "application/json"})
    if code != 200:
        return answer.decode()
    event = json.loads(answer)["event_id"]
    return status(f"{address}/gradio_api/call/translate/{event}")[1].decode()


def uploaded(address, contents, name="upload.png"):
    """Status and answer of an upload as browsers send it."""
    body = b'--x\r\nContent-Disposition: form-data; name="files"; filename="%s"\r\n\r\n' % name.encode()
    body += contents + b"\r\n--x--\r\n"
    return status(f"{address}/gradio_api/upload", body, **{"Content-Type": "multipart/form-data; boundary=x"})


@pytest.mark.slow
def test_a_program_cannot_name_a_file_of_the_machine_as_its_upload(address, tmp_path):
    Image.new("RGB", (20, 20), "red").save(tmp_path / "private.png")
    for path in (str(tmp_path / "private.png"), "/etc/passwd", "secret.txt"):
        events = called(address, {"path": path, "meta": {"_type": "gradio.FileData"}})
        assert "event: complete" not in events, path
        assert "to-winter" not in events


@pytest.mark.slow
@pytest.mark.parametrize("contents", [b"", b"nonsense", b"\x89PNG\r\n\x1a\nnonsense", b"<svg onload='alert(1)'/>"])
def test_uploads_that_are_no_images_end_in_an_error_and_the_page_lives_on(address, contents):
    code, answer = uploaded(address, contents)
    if code == 200:
        (path,) = json.loads(answer)
        assert "event: error" in called(address, {"path": path, "meta": {"_type": "gradio.FileData"}})
    good = io.BytesIO()
    Image.new("RGB", (30, 20), "red").save(good, "PNG")
    (path,) = json.loads(uploaded(address, good.getvalue())[1])
    assert "identity-to-winter" in called(address, {"path": path, "meta": {"_type": "gradio.FileData"}})


@pytest.mark.slow
def test_an_upload_that_is_too_large_is_refused_while_it_comes(address):
    assert uploaded(address, b"x" * (page.MOST_BYTES + 1))[0] == 413


@pytest.fixture
def driver():
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed: pip install -e '.[test]'")
    programs = {name: shutil.which(name) for name in ("chromium", "chromedriver")}
    if not all(programs.values()):
        pytest.skip("chromium or chromedriver is not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = programs["chromium"]
    camera = ("use-fake-device-for-media-stream", "use-fake-ui-for-media-stream")
    for argument in ("headless=new", "no-sandbox", "disable-gpu", "window-size=1280,1400", *camera):
        options.add_argument(f"--{argument}")
    options.set_capability("goog:loggingPrefs", {"performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(programs["chromedriver"]))
    yield driver
    driver.quit()


def found(driver, selector, count=1):
    """Elements, once there are so many."""
    until = time.monotonic() + SECONDS
    while len(elements := driver.find_elements("css selector", selector)) < count:
        assert time.monotonic() < until, f"{selector}: {len(elements)}"
        time.sleep(0.1)
    return elements


def requested(driver):
    """Addresses that the browser has asked."""
    messages = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    return [one["params"]["request"]["url"] for one in messages if one["method"] == "Network.requestWillBeSent"]


@pytest.mark.slow
def test_an_image_is_uploaded_translated_and_downloaded(address, driver, tmp_path):
    image = np.random.default_rng(0).integers(0, 256, (256, 256, 3), np.uint8)
    Image.fromarray(image).save(tmp_path / "photo.png")
    driver.get(address)
    found(driver, "#image input[type=file]")[0].send_keys(str(tmp_path / "photo.png"))
    found(driver, "#image img")
    found(driver, "#go")[0].click()
    found(driver, "#translations img", 7)  # the input, and three methods to two domains
    links = [link.get_attribute("href") for link in found(driver, "#files a", 6)]
    names = [link.rpartition("/")[2] for link in links]
    assert names[:3] == ["1-stargan-to-winter.png", "2-identity-to-winter.png", "3-reinhard-to-winter.png"]
    code, contents = status(links[1])
    assert code == 200
    assert Image.open(io.BytesIO(contents)).size == (16, 16)
    others = [url for url in requested(driver) if url.startswith("http") and not url.startswith(address)]
    assert others == []


@pytest.mark.slow
def test_a_picture_of_the_camera_is_translated(address, driver):
    driver.get(address)
    found(driver, "#image button[aria-label='Capture from camera']")[0].click()
    found(driver, "#image [title='grant webcam access'] button")[0].click()
    found(driver, "#image button[aria-label='capture photo']")[0].click()
    found(driver, "#image img[src*='file=']")
    found(driver, "#go")[0].click()
    found(driver, "#translations img", 7)  # the input, and three methods to two domains
    assert len(found(driver, "#files a", 6)) == 6
