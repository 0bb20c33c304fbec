"""The film shows every grid with its step, the last one longer."""

import io

import numpy as np
import pytest
from PIL import Image

from i2i.errors import UserError
from i2i.watch import film as films
from i2i.watch.film import STRIP, film
from tests.robustness.test_bad_input import run as i2i


def frames(contents):
    with Image.open(io.BytesIO(contents)) as opened:
        for number in range(opened.n_frames):
            opened.seek(number)
            opened.load()
            yield np.asarray(opened.convert("RGB"), int), opened.info["duration"]


@pytest.mark.parametrize("kind", films.KINDS)
def test_every_grid_is_a_frame_with_its_step_and_the_last_stays_longer(run, kind):
    run.sample(40)
    contents, steps = film(run.folder, kind, 0.2)
    assert steps == [10, 20, 40]
    shown, durations = zip(*frames(contents), strict=True)
    assert durations == (200, 200, 800)
    colours = [frame[20, -20, 0] for frame in shown]
    assert np.abs(np.subtract(colours, steps)).max() <= 3
    strips = [frame[-STRIP:] for frame in shown]
    assert all((strip < 100).any() for strip in strips)  # there is a number
    assert not np.array_equal(strips[0], strips[1])


def test_a_long_training_is_thinned_with_its_first_and_last_grid(run, monkeypatch):
    monkeypatch.setattr(films, "MOST_FRAMES", 3)
    run.sample(*range(1, 10))
    assert film(run.folder, ".gif", 0.5)[1] == [1, 6, 20]


def test_grids_of_another_size_do_not_change_the_size_of_the_film(run):
    Image.new("RGB", (700, 5)).save(run.folder / "samples/00000030.png")
    shapes = {frame.shape for frame, _ in frames(film(run.folder, ".webp", 0.5)[0])}
    assert len(shapes) == 1


def test_what_no_film_can_be_made_of_is_refused(run, tmp_path, capsys):
    (run.folder / "samples/00000020.png").write_bytes(b"no image")
    with pytest.raises(UserError, match=r"grid of step 20 in .* is no image"):
        film(run.folder, ".webp", 0.5)
    (run.folder / "samples/00000020.png").unlink()
    with pytest.raises(UserError, match=r"has 1 sample grid, .*--set train.sample_every=100"):
        film(run.folder, ".webp", 0.5)
    assert i2i("film", str(run.folder), "--out", str(tmp_path / "film.mp4")) == 2
    assert "must end in .webp or .gif" in capsys.readouterr().err
