"""Data sets of the Hub by name, against a stand-in of it on this machine: asked about, fetched when allowed, read."""

import functools
import io
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from PIL import Image

from i2i.config import DataConfig
from i2i.data.layouts import hf_hub
from i2i.data.layouts.hf_hub import Address, ask, ensure
from i2i.data.open import open_data
from i2i.errors import UserError
from tests.robustness.test_bad_input import run

REVISION = "0123456789abcdef0123456789abcdef01234567"


def png(value):
    stream = io.BytesIO()
    Image.fromarray(np.full((8, 8, 3), value, np.uint8)).save(stream, "png")
    return stream.getvalue()


def card(**entries):
    return f"---\n{json.dumps(entries)}\n---\n# A data set\n".encode()  # JSON is YAML


FOLDERS = {f"{split}/{domain}/{n}.png": png(n) for split in ("train", "test") for domain in "ab" for n in (1, 2)}
REPOSITORIES = {
    "me/folders": {
        "README.md": card(license="cc-by-4.0"),
        "load.py": b"raise SystemExit",
        "../out.png": b"",
        **FOLDERS,
    },
    "me/several": {
        "README.md": card(
            configs=[
                {"config_name": "small", "data_files": [{"split": "train", "path": "small/train/*"}]},
                {"config_name": "large", "data_dir": "large"},
            ]
        ),
        **{f"{size}/train/{domain}/1.png": png(1) for size in ("small", "large") for domain in "ab"},
    },
}


class Hub(BaseHTTPRequestHandler):
    """What `huggingface_hub` asks the Hub for."""

    asked = []

    def do_GET(self, body=True):
        self.asked.append(self.path)
        parts = self.path.partition("?")[0].strip("/").split("/")
        start = 2 if parts[0] == "api" else 1
        name, rest = "/".join(parts[start : start + 2]), parts[start + 2 :]
        files = REPOSITORIES.get(name)
        if files is None:
            return self.answer(404, b"{}", {"X-Error-Code": "GatedRepo" if "gated" in name else "RepoNotFound"}, body)
        if parts[0] != "api":
            contents = files["/".join(rest[2:])]
            headers = {"ETag": f'"{hash(contents):x}"', "X-Repo-Commit": REVISION}
            return self.answer(200, contents, headers, body)
        listed = [{"type": "file", "path": path, "size": len(data), "oid": "0"} for path, data in files.items()]
        if "tree" in rest:
            return self.answer(200, json.dumps(listed).encode(), {}, body)
        readme = files.get("README.md", b"---\n{}\n---").decode().split("---")[1]
        siblings = [{"rfilename": one["path"], "size": one["size"]} for one in listed]
        facts = {"id": name, "sha": REVISION, "siblings": siblings, "cardData": json.loads(readme), "tags": []}
        return self.answer(200, json.dumps(facts).encode(), {}, body)

    def do_HEAD(self):
        self.do_GET(body=False)

    def answer(self, status, contents, headers, body):
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": len(contents), **headers}.items():
            self.send_header(name, str(value))
        self.end_headers()
        if body:
            self.wfile.write(contents)

    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def address():
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        thread = threading.Thread(target=functools.partial(server.serve_forever, 0.01))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def hub(address, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", address)
    monkeypatch.setenv("I2I_CACHE", str(tmp_path / "cache"))
    Hub.asked.clear()
    return Hub


def two_lines(error):
    return str(error.value).count("\n") == 1


@pytest.mark.parametrize(
    "text", ["hf:", "hf:name", "hf:a/b/c", "hf:../x", "hf:a/..", "hf:a/b:", "hf:a/b:../c", "hf:a b/c"]
)
def test_what_names_no_data_set_is_refused_before_anybody_is_asked(hub, text):
    with pytest.raises(UserError, match="write hf:OWNER/NAME"):
        ensure(text, allowed=True)
    assert hub.asked == []


def test_nothing_is_fetched_without_leave_and_what_would_be_is_told(hub):
    with pytest.raises(
        UserError, match=r"hf:me/folders is 9 files of 0.0 MB, licence: cc-by-4.0, revision 0123"
    ) as told:
        ensure("hf:me/folders", allowed=False)
    assert two_lines(told)
    assert "--allow-download" in str(told.value)
    assert all(path.startswith("/api/") for path in hub.asked)
    with pytest.raises(UserError, match=r"is not on this machine:\n.*--allow-download"):
        open_data(DataConfig(path="hf:me/folders"))


def test_a_fetched_data_set_is_read_as_the_folder_that_it_is_and_asked_for_once(hub):
    assert "licence: cc-by-4.0" in ensure("hf:me/folders", allowed=True)
    data = open_data(DataConfig(path="hf:me/folders"))
    assert (data.domains, len(data.images("train", "a"))) == (("a", "b"), 2)
    assert not list(Address("me/folders").place.rglob("*.py"))
    hub.asked.clear()
    assert ensure("hf:me/folders", allowed=False) is None
    assert hub.asked == []


def test_of_several_configurations_one_is_named_and_its_files_alone_are_fetched():
    with pytest.raises(UserError, match=r"configurations: small, large:\n.*hf:me/several:small") as told:
        ask(Address("me/several"))
    assert two_lines(told)
    with pytest.raises(UserError, match="small"):
        ask(Address("me/several", "smal"))
    assert set(ask(Address("me/several", "small")).files) == {"README.md", "small/train/a/1.png", "small/train/b/1.png"}
    assert set(ask(Address("me/several", "large")).files) == {"README.md", "large/train/a/1.png", "large/train/b/1.png"}
    with pytest.raises(UserError, match="has no configurations") as told:
        ask(Address("me/folders", "small"))
    assert two_lines(told)


def test_what_cannot_be_had_is_told_in_two_lines(monkeypatch):
    for name, said in {"me/nothing": "has no data set me/nothing", "me/gated": "let in"}.items():
        with pytest.raises(UserError, match=said) as told:
            ask(Address(name))
        assert two_lines(told)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(UserError, match="the Hub does not answer") as told:
        ask(Address("me/folders"))
    assert two_lines(told)


def test_a_fetch_that_is_cut_short_leaves_nothing(monkeypatch):
    def some(*arguments, local_dir, **options):
        (local_dir / "README.md").write_bytes(b"")

    monkeypatch.setattr("huggingface_hub.snapshot_download", some)
    with pytest.raises(UserError, match="did not come"):
        ensure("hf:me/folders", allowed=True)
    assert not Address("me/folders").place.exists()


@pytest.mark.integration
def test_commands_ask_before_they_fetch(capsys):
    assert run("data", "check", "hf:me/folders", "--no-trial") == 2
    assert "licence: cc-by-4.0" in capsys.readouterr().err
    assert run("data", "check", "hf:me/folders", "--no-trial", "--allow-download") == 1  # its files are equal
    assert "data: folders (a folder per domain" in capsys.readouterr().out
    for name in ("hf:me/nothing", "named=hf:me/nothing"):
        assert run("train", "--model", "stargan", "--data", name, "--allow-download", "--dry-run") == 2
        assert "has no data set me/nothing" in capsys.readouterr().err


TABLE = {"before": "Image", "after": "Image", "label": ["dusk", "dawn"], "place": "string"}


@pytest.fixture
def fetched():
    """Puts tables where they lie when they were fetched."""
    datasets = pytest.importorskip("datasets", reason="datasets is not installed: pip install 'i2i[hf]'")

    def put(splits=("train", "test"), kept=tuple(TABLE), more=()):
        place = Address("me/tables").place
        place.mkdir(parents=True)
        kinds = {"Image": datasets.Image(), "string": datasets.Value("string")}
        features = {
            name: datasets.ClassLabel(names=kind) if isinstance(kind, list) else kinds[kind]
            for name, kind in TABLE.items()
            if name in kept
        }
        rows = [
            {"before": {"bytes": png(n)}, "after": {"bytes": png(100 + n)}, "label": n % 2, "place": "xy"[n % 2]}
            for n in range(4)
        ]
        columns = {name: [row[name] for row in rows] for name in features}
        for split in splits:
            table = datasets.Dataset.from_dict(columns, datasets.Features(features))
            table.to_parquet(str(place / f"{split}-00000-of-00001.parquet"))
        for name, text in dict(more).items():
            (place / name).write_text(text)
        (place / hf_hub.SOURCE).write_text("{}")

    return put


def opened(**settings):
    return open_data(DataConfig(path="hf:me/tables", **settings))


def values(data, domain):
    return [int(np.asarray(Image.open(one.path))[0, 0, 0]) for one in data.images("train", domain)]


def test_columns_become_pairs_or_classes_domains_as_is_said(fetched):
    fetched()
    pairs = opened(columns=("morning=before", "evening=after"))
    assert (pairs.name, pairs.paired, pairs.domains) == ("tables", True, ("evening", "morning"))
    assert (values(pairs, "morning"), values(pairs, "evening")) == ([0, 1, 2, 3], [100, 101, 102, 103])
    classes = opened(columns=("after", "label"))
    assert (classes.paired, classes.domains, values(classes, "dawn")) == (False, ("dawn", "dusk"), [101, 103])
    assert opened(columns=("before", "place")).domains == ("x", "y")


def test_where_there_is_one_way_nothing_needs_to_be_said(fetched):
    fetched(kept=("before", "label"))
    assert opened().domains == ("dawn", "dusk")


def test_a_card_can_say_it(fetched):
    fetched(more={"i2i.json": json.dumps({"columns": ["x=before", "y=after"], "name": "hours", "domains": ["y", "x"]})})
    assert (opened().name, opened().domains, opened().paired) == ("hours", ("y", "x"), True)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (None, r"images: before, after; classes: label; other values: place; say which"),
        (("before", "lable"), "no column 'lable'; it has images"),
        (("before", "after"), "'after' .* does not hold classes"),
        (("label", "before"), "'label' .* does not hold images"),
        (("x=before",), "names no columns of domains"),
        (("x=before", "x=after"), "names no columns of domains"),
        (("x=before", "y=label"), "'label' .* does not hold images"),
        (("x=before", "y=nothing"), "no column 'nothing'"),
    ],
)
def test_columns_that_do_not_fit_are_told_with_those_there_are(fetched, columns, said):
    fetched(splits=("train",))
    with pytest.raises(UserError, match=said) as told:
        opened(columns=columns)
    assert two_lines(told)


def test_a_training_split_alone_is_a_set_to_be_divided(fetched, tmp_path, capsys):
    fetched(splits=("train",))
    with pytest.raises(UserError, match="no split folders"):
        opened(columns=("x=before", "y=after"))
    command = ["data", "prepare", "hf:me/tables", "--size", "8", "--split", "0.5,0,0.5", "--out", str(tmp_path / "out")]
    assert run(*command, "--set", "data.columns=x=before,y=after") == 0, capsys.readouterr().err
    data = open_data(DataConfig(path=tmp_path / "out"))
    assert (data.paired, len(data.images("train", "x")), len(data.images("test", "x"))) == (True, 2, 2)


def test_tables_without_the_library_are_told_how_to_read(monkeypatch):
    place = Address("me/tables").place
    place.mkdir(parents=True)
    for name in ("train.parquet", hf_hub.SOURCE):
        (place / name).write_text("{}")
    monkeypatch.setitem(__import__("sys").modules, "datasets", None)
    with pytest.raises(UserError, match=r"pip install 'i2i\[hf\]'") as told:
        opened()
    assert two_lines(told)


def test_a_broken_table_is_named(fetched):
    fetched()
    (Address("me/tables").place / "train-00000-of-00001.parquet").write_bytes(b"PAR1 and nothing")
    with pytest.raises(UserError, match="cannot be read as a table") as told:
        opened(columns=("before", "label"))
    assert two_lines(told)
