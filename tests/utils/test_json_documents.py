"""JSON files with names that are no UTF-8, which Python writes as escapes that pydantic does not read."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from i2i.data.data_record import DataRecord
from i2i.runs.checkpoint_meta import Meta
from i2i.utils.atomic_write import write_text
from i2i.utils.json_documents import Document, from_json, read_document

LATIN = os.fsdecode(b"caf\xe9")


class _Folder(Document):
    root: Path
    names: tuple[str, ...]
    settings: dict[str, Any]


@pytest.mark.parametrize("ascii_only", [True, False])
def test_names_that_are_no_utf_8_are_read_as_they_were_written(tmp_path, ascii_only):
    name = LATIN + "\\udce9 \N{GRINNING FACE}\N{LATIN SMALL LETTER E WITH ACUTE}\\"
    told = {"root": f"/d/{name}", "names": [name, "plain"], "settings": {name: [{"x": name}, None, 1.5]}}
    write_text(tmp_path / "x.json", json.dumps(told, ensure_ascii=ascii_only))
    found = read_document(_Folder, tmp_path / "x.json", "remove it")
    assert found == _Folder(root=Path(f"/d/{name}"), names=(name, "plain"), settings=told["settings"])


@pytest.mark.parametrize("text", [r'"\ud83d\udc80"', r'"\\udce9"', r'"\uD83D\uDC80"'])
def test_pairs_of_escapes_and_escaped_backslashes_are_left_alone(text):
    assert from_json(str, text.encode()) == json.loads(text)


@pytest.mark.parametrize("text", [r'"\ud83d"', r'"\udcz9"', r'"\udc10"'])
def test_escapes_that_no_file_name_gives_are_refused(text):
    with pytest.raises(ValidationError):
        from_json(str, text.encode())


def test_the_record_of_a_training_holds_names_that_are_no_utf_8():
    record = DataRecord({"train/a": {f"{LATIN}.png": "0" * 16}})
    assert DataRecord.from_text(record.text) == record


def test_a_checkpoint_of_data_whose_path_is_no_utf_8_is_read():
    size, labels = [32, 32], [{"name": "", "columns": ["a", "b"], "exclusive": [["a", "b"]]}]
    task = {"domains": ["a", "b"], "directions": [["a", "b"]], "labels": labels, "image_size": size, "channels": 3}
    settings = {"model": {"name": "cyclegan"}, "data": {"root": f"/d/{LATIN}"}, "train": {}}
    counts = {"format": 2, "step": 1, "steps": 1, "images": 2, "seconds": 1.0, "inference": "", "parameters": 1}
    meta = from_json(Meta, json.dumps({**counts, "task": task, "settings": settings}).encode())
    assert meta.settings["data"]["root"] == f"/d/{LATIN}"
    assert meta.task.task().domains == ("a", "b")
