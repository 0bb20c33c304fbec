"""`i2i score`: any folder by the bench's measures, and what it says of folders that do not fit."""

import json
import shutil
import sys
from dataclasses import asdict

import numpy as np
import pytest
import timm
import torch
import torchvision
from PIL import Image

from i2i import cli
from i2i.benchmarks.evaluation.scorer import Scorer, Scoring
from i2i.config import DataConfig
from i2i.data.image_files.images import Preprocess, write_image
from i2i.data.layouts import ImageFile
from i2i.data.synthetic.embedded import make
from i2i.errors import UserError
from i2i.metrics.features.extractors import parse_extractor
from i2i.metrics.folder_scores import Folders, FolderScores, Measure, parse_range, parse_size, score_folders
from i2i.metrics.image_scores import features_of, read_pixels
from i2i.metrics.lpips import parse_lpips
from i2i.metrics.registry import content_name, kernel_name, metric_named, perceptual_name, set_name
from i2i.metrics.sets.manifold import overlap
from tests.support.classifiers import untrained_classifier

DOMAINS = ("summer", "autumn", "winter", "night")
SIDE = 32


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A drawn data folder, its test images half as large again as what is scored."""
    root = tmp_path_factory.mktemp("data") / "seasons"
    make("seasons", root, (48, 48), 4, 5)
    return root


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    return untrained_classifier(tmp_path_factory.mktemp("classifier") / "classifier.safetensors", DOMAINS, SIDE)


@pytest.fixture
def fakes(data, tmp_path):
    """Translations from summer to winter as a bench lays them out: noisy truth of the scored size."""
    folder = tmp_path / "translations" / "summer2winter"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for path in (data / "test" / "winter").iterdir():
        pixels = np.asarray(Image.open(path).resize((SIDE, SIDE)), dtype=float)
        write_image(folder / path.name, (pixels + rng.normal(0, 12, pixels.shape)).clip(0, 255).astype(np.uint8))
    return folder


@pytest.fixture(autouse=True)
def no_inception(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr("i2i.metrics.features.pretrained.find_spec", lambda _: None)  # no package that holds weights


def values(scored):
    return {measure.metric: measure.value for measure in scored.measures}


def read(place):
    return read_pixels([ImageFile(path) for path in sorted(place.iterdir())], Preprocess((SIDE, SIDE)))


def run(*arguments):
    sys.argv = ["i2i", "score", *map(str, arguments)]
    try:
        cli.main()
    except SystemExit as stopped:
        return stopped.code
    return 0


@pytest.mark.integration
def test_the_numbers_are_those_of_the_bench(data, classifier, fakes):
    config = DataConfig.model_validate({"path": str(data), "image_size": [SIDE, SIDE]})
    spec = f"classifier:{classifier}"
    scores = Scorer(Scoring(config, classifier, spec), torch.device("cpu")).translations(
        fakes.parent, "summer", ["winter"]
    )
    bench = {row["metric"]: row["value"] for row in scores.rows}
    source, real = (data / "test" / domain for domain in ("summer", "winter"))
    scored = score_folders(Folders(fakes, real, source, truth=real), spec)
    name = parse_extractor(spec).build().name
    del bench["accuracy"]
    assert values(scored) == bench
    assert bench.keys() == {name, kernel_name(name), "psnr", "ssim", "l1", "content-ssim", content_name(name)}
    assert {flag["flag"]: flag["value"] for flag in scores.flags} == {flag.name: flag.value for flag in scored.flags}
    assert 0 < bench["l1"] < 0.2
    assert {measure.n for measure in scored.measures} == {5}


@pytest.mark.integration
def test_general_features_stand_in_for_lpips_in_the_bench_and_in_folders_alike(data, classifier, fakes, tmp_path):
    torch.manual_seed(0)
    torch.save(timm.create_model("resnet10t").state_dict(), tmp_path / "resnet.pth")
    config, spec = DataConfig.model_validate({"path": str(data), "image_size": [SIDE, SIDE]}), "timm:resnet10t:"
    spec += str(tmp_path / "resnet.pth")
    rows = Scorer(Scoring(config, classifier, spec), torch.device("cpu")).translations(
        fakes.parent, "summer", ["winter"]
    )
    name = perceptual_name(parse_extractor(spec).build().name)
    found = {row["metric"]: row["value"] for row in rows.rows}[name]
    real = data / "test" / "winter"
    assert found > 1e-6
    assert values(score_folders(Folders(fakes, real, truth=real), spec))[name] == found
    assert values(score_folders(Folders(real, real, truth=real), spec))[name] == pytest.approx(0, abs=1e-6)


@pytest.mark.integration
def test_several_extractors_give_their_measures_side_by_side(data, classifier, fakes, tmp_path):
    torch.manual_seed(0)
    torch.save(timm.create_model("resnet10t").state_dict(), tmp_path / "res,net.pth")
    specs = [f"timm:resnet10t:{tmp_path / 'res,net.pth'}", f"classifier:{classifier}"]
    source, real = (data / "test" / domain for domain in ("summer", "winter"))
    folders = Folders(fakes, real, source, truth=real)
    alone, both = [score_folders(folders, spec) for spec in specs], score_folders(folders, ",".join(specs))
    assert values(both) == values(alone[0]) | values(alone[1])
    described = [scored.facts["extractor"] for scored in alone]
    assert [both.facts["extractor"], *both.facts["further_extractors"]] == described
    assert all(own["fingerprint"] for own in described)
    with pytest.raises(UserError, match=r"names the features of FD-timm-resnet10t-\w+ twice: name them once"):
        score_folders(folders, f"{specs[0]},{specs[0]}")


@pytest.mark.integration
def test_precision_recall_density_and_coverage_are_those_of_the_bench_where_asked_for(
    data, classifier, fakes, tmp_path, capsys
):
    data = shutil.copytree(data, tmp_path / "seasons")
    for place in (*(data / "test").iterdir(), fakes):  # six images are the fewest with five neighbours
        shutil.copy(min(place.iterdir()), place / "another.png")
    config, spec = (
        DataConfig.model_validate({"path": str(data), "image_size": [SIDE, SIDE]}),
        f"classifier:{classifier}",
    )
    taken = Scoring(config, classifier, spec, sets=("prdc",))
    rows = Scorer(taken, torch.device("cpu")).translations(fakes.parent, "summer", ["winter"]).rows
    features = [features_of(parse_extractor(spec).build(), read(place)) for place in (data / "test" / "winter", fakes)]
    expected, extractor = asdict(overlap(*features)), parse_extractor(spec).build().name
    named = {set_name(name, extractor): value for name, value in expected.items()}
    assert {row["metric"]: row["value"] for row in rows if row["metric"] in named} == named
    assert run("--fake", fakes, "--real", data / "test" / "winter", "--extractor", spec, "--metrics", "prdc") == 0
    shown = capsys.readouterr().out
    assert all(metric_named(name).heading in shown for name in named)
    assert "coverage: equal distributions reach 0.998 on average at these numbers" in shown


@pytest.mark.integration
def test_too_few_images_for_nearest_neighbors_are_told_and_left_out(data, classifier, fakes):
    scored = score_folders(Folders(fakes, fakes), f"classifier:{classifier}", sets=("prdc",))
    assert "no prdc: it needs 6 images a side, not 5" in scored.notes
    assert not [measure for measure in scored.measures if "coverage" in measure.metric]


@pytest.mark.integration
def test_content_is_kept_best_by_a_copy(data, classifier, fakes):
    source, real = data / "test" / "summer", data / "test" / "winter"
    spec, size = f"classifier:{classifier}", (SIDE, SIDE)
    ours = values(score_folders(Folders(fakes, real, source), spec, size))
    copy = score_folders(Folders(source, real, source), spec, size)
    distance = f"content-{parse_extractor(spec).build().name.removeprefix('FD-')}"
    assert values(copy)["content-ssim"] == pytest.approx(1)
    assert values(copy)[distance] == pytest.approx(0, abs=1e-6)
    assert ours["content-ssim"] < 0.9
    assert ours[distance] > 1e-4
    assert [flag.name for flag in copy.flags if flag.raised] == ["copied"]


def test_the_table_shows_arrows_counts_and_flags(data, fakes, capsys, tmp_path):
    source = data / "test" / "summer"
    status = run(
        "--fake",
        source,
        "--real",
        data / "test" / "winter",
        "--source",
        source,
        "--paired",
        "--json",
        tmp_path / "x.json",
    )
    text = capsys.readouterr().out
    assert status == 0
    for part in ("PSNR, dB ↑", "L1 ↓", "SSIM to the input ↑", "FLAG: the outputs are the inputs", "5 fake, 5 real"):
        assert part in text
    found = json.loads((tmp_path / "x.json").read_text())
    assert found["size"] == "48x48"
    assert {"metric": "content-ssim", "value": 1.0, "n": 5, "better": "higher"} in found["metrics"]
    assert [flag["flag"] for flag in found["flags"] if flag["raised"]] == ["copied"]
    assert "or name other features with --extractor" in " ".join(text.split())


def test_values_that_json_has_no_number_for_are_texts():
    scored = FolderScores({"images": {}, "size": ""}, [Measure("psnr", float("inf"), 2)], [], [])
    assert json.loads(scored.json())["metrics"][0]["value"] == "inf"


def test_names_that_do_not_correspond_are_counted_and_named(data, fakes):
    source = data / "test" / "summer"
    names = sorted(path.name for path in fakes.iterdir())
    for name in names[:4]:
        (fakes / name).rename(fakes / f"x{name}")
    folders = Folders(fakes, data / "test" / "winter", source)
    stems = ", ".join(name.removesuffix(".png") for name in names[:3])
    with pytest.raises(
        UserError, match=rf"4 missing in .* \({stems}, \.\.\.\), 4 missing in .*summer \(x0.*--intersection"
    ):
        score_folders(folders)
    scored = score_folders(folders, intersection=True)
    assert {measure.n for measure in scored.measures} == {1}
    (fakes / names[4]).unlink()
    with pytest.raises(UserError, match=r"no image in .* has a counterpart"):
        score_folders(folders, intersection=True)


def test_the_intersection_is_paired_by_name_and_not_by_position(data, fakes):
    truth = data / "test" / "winter"
    whole = values(score_folders(Folders(fakes, truth, truth=truth)))["psnr"]
    first = min(fakes.iterdir())
    alone = fakes.parent / "alone"
    alone.mkdir()
    shutil.copy(first, alone)
    lost = values(score_folders(Folders(alone, truth, truth=truth), intersection=True))["psnr"]
    first.unlink()
    rest = values(score_folders(Folders(fakes, truth, truth=truth), intersection=True))["psnr"]
    assert (4 * rest + lost) / 5 == pytest.approx(whole)


def test_translations_of_several_sizes_are_counted_and_named(data, fakes):
    others = sorted(fakes.iterdir())[1:]
    for path in others:
        Image.open(path).resize((16, 20)).save(path)
    folders = Folders(fakes, data / "test" / "winter", data / "test" / "summer")
    stems = ", ".join(path.name for path in others[:3])
    with pytest.raises(UserError, match=rf"4 of 5 images in .* 32x32 pixels \({stems}, \.\.\.\): --size N"):
        score_folders(folders)
    assert score_folders(folders, size=(16, 16)).facts["size"] == "16x16"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--fake", "nowhere", "--real", "real"], "there is no folder nowhere"),
        (["--fake", "empty", "--real", "real", "--source", "real"], "there are no images in empty"),
        (["--fake", "real", "--real", "empty", "--source", "real"], "there are no images in empty"),
        (["--fake", "real", "--real", "real"], "nothing to measure: name features with --extractor"),
        (["--fake", "real", "--real", "real", "--paired", "--truth", "real"], "--paired takes"),
        (["--fake", "real", "--real", "real", "--paired", "--size", "8"], "SSIM needs 11 pixels a side"),
        (["--fake", "real", "--real", "real", "--paired", "--size", "big"], "write N, HxW"),
        (["--fake", "real", "--real", "real", "--paired", "--json", "empty"], "--json empty is no place"),
        (["--fake", "real", "--real", "real", "--paired", "--json", "one/a.png/x"], "--json one/a.png/x is no place"),
        (["--fake", "real", "--real", "real", "--extractor", "vgg"], "unknown extractor 'vgg'"),
        (["--fake", "real", "--real", "real", "--metrics", "prcd"], "unknown metric 'prcd'; did you mean 'prdc'"),
        (["--fake", "twins", "--real", "real", "--paired"], r"twins holds 00004.bmp and 00004.png"),
        (["--fake", "one", "--real", "real", "--extractor", "CLASSIFIER", "--size", "32"], "fake has one"),
        (["--fake", "real", "--real", "real", "--extractor", "CLASSIFIER"], "pixels only: --size 32x32"),
    ],
)
def test_what_cannot_be_scored_is_an_error_of_two_lines(
    arguments, text, data, classifier, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    for folder in ("empty", "twins", "one"):
        (tmp_path / folder).mkdir()
    shutil.copytree(data / "test" / "winter", tmp_path / "real")
    image = Image.open(min((tmp_path / "real").iterdir()))
    for name in ("twins/00004.png", "twins/00004.bmp", "one/a.png"):
        image.save(tmp_path / name)
    status = run(*(f"classifier:{classifier}" if word == "CLASSIFIER" else word for word in arguments))
    error = capsys.readouterr().err
    assert status == 2
    assert text in error
    assert len(error.splitlines()) <= 2


def test_a_single_image_has_no_flags_but_scores(data, tmp_path):
    for domain in ("summer", "winter"):
        (tmp_path / domain).mkdir()
        shutil.copy(min((data / "test" / domain).iterdir()), tmp_path / domain)
    scored = score_folders(Folders(tmp_path / "winter", tmp_path / "winter", tmp_path / "summer"))
    assert not scored.flags
    assert "no health flags: they need 2 or more images" in scored.notes
    assert len(scored.measures) == 1


def test_a_size_is_a_number_or_two():
    assert parse_size(None) is None
    assert parse_size("64") == (64, 64)
    assert parse_size("48x64") == (48, 64)


@pytest.fixture(scope="module")
def lpips_files(tmp_path_factory):
    """Random weights of LPIPS on AlexNet: what `--lpips` takes."""
    folder = tmp_path_factory.mktemp("lpips")
    torch.manual_seed(0)
    features = torchvision.models.AlexNet().features
    torch.save({f"features.{name}": tensor for name, tensor in features.state_dict().items()}, folder / "b.pth")
    channels = (64, 192, 384, 256, 256)
    torch.save({f"lin{i}.model.1.weight": torch.rand(1, c, 1, 1) for i, c in enumerate(channels)}, folder / "h.pth")
    return f"alex:{folder / 'b.pth'}:{folder / 'h.pth'}"


@pytest.mark.integration
def test_lpips_is_taken_to_the_truth_and_to_the_input(data, fakes, lpips_files, tmp_path, capsys):
    source, truth = data / "test" / "summer", data / "test" / "winter"
    arguments = ["--fake", fakes, "--real", truth, "--source", source, "--paired", "--json", tmp_path / "x.json"]
    assert run(*arguments, "--lpips", lpips_files) == 0
    name = parse_lpips(lpips_files).name
    shown = f"LPIPS ({name.removeprefix('lpips-')})"
    text = capsys.readouterr().out
    assert f"{shown} ↓" in text
    assert f"{shown} to the input ↓" in text
    found = json.loads((tmp_path / "x.json").read_text())
    assert found["lpips"] == {"name": name, "fingerprint": parse_lpips(lpips_files).fingerprint}
    by_name = {one["metric"]: one for one in found["metrics"]}
    assert 0 < by_name[name]["value"] < by_name[f"content-{name}"]["value"]  # the fakes are noisy truth
    assert {by_name[metric]["better"] for metric in (name, f"content-{name}")} == {"lower"}
    left, right = (
        read_pixels([ImageFile(path) for path in sorted(folder.iterdir())], Preprocess((SIDE, SIDE)))
        for folder in (fakes, truth)
    )
    expected = parse_lpips(lpips_files).build()(left, right).mean()
    assert by_name[name]["value"] == pytest.approx(float(expected))


def test_lpips_that_cannot_be_had_is_told(data, fakes, lpips_files):
    truth = data / "test" / "winter"
    scored = score_folders(Folders(fakes, truth, truth=truth))
    assert scored.facts["lpips"] is None  # nothing in the cache, nothing asked for
    assert not any("lpips" in metric for metric in values(scored))
    for folders, options, text in (
        (Folders(fakes, truth), {"lpips": lpips_files}, "give --source, --truth or --paired"),
        (Folders(fakes, truth, truth=truth), {"lpips": "alex"}, "i2i weights get lpips-alex"),
        (Folders(fakes, truth, truth=truth), {"lpips": lpips_files, "size": (24, 24)}, "needs 31 pixels a side"),
    ):
        with pytest.raises(UserError, match=text):
            score_folders(folders, **{"extractor": None, **options})


@pytest.mark.integration
def test_lpips_of_the_bench_is_that_of_score(data, classifier, fakes, lpips_files):
    config = DataConfig.model_validate({"path": str(data), "image_size": [SIDE, SIDE]})
    scorer = Scorer(Scoring(config, classifier, lpips=lpips_files), torch.device("cpu"))
    scores = scorer.translations(fakes.parent, "summer", ["winter"])
    bench = {row["metric"]: row["value"] for row in scores.rows}
    source, real = (data / "test" / domain for domain in ("summer", "winter"))
    ours = values(score_folders(Folders(fakes, real, source, truth=real), lpips=lpips_files))
    name = parse_lpips(lpips_files).name
    for metric in (name, f"content-{name}"):
        assert bench[metric] == ours[metric] > 0


def test_images_in_sub_folders_are_compared_by_sub_folder_and_name(fakes, tmp_path):
    for place in ("one/rome", "one/oslo", "two/rome", "two/oslo", "three/rome"):
        shutil.copytree(fakes, tmp_path / place)
    one, two, three = (tmp_path / name for name in ("one", "two", "three"))
    scored = score_folders(Folders(one, one, truth=two))
    assert scored.facts["images"] == {"fake": 10, "real": 10, "truth": 10}
    assert values(scored)["l1"] == 0
    with pytest.raises(UserError, match=r"do not hold the same names: 5 missing in .*three \(oslo/"):
        score_folders(Folders(one, one, truth=three))


@pytest.fixture
def arrays(tmp_path):
    """Folders of 12-bit values, two channels of floats: translations and what is right."""
    truth = np.random.default_rng(0).integers(0, 4096, (3, 16, 16, 2)).astype(np.float32)
    made = np.clip(truth + np.random.default_rng(1).normal(0, 40, truth.shape), 0, 4095).astype(np.float32)
    for place, images in (("truth", truth), ("out", made), ("wide", made.repeat(2, 3))):
        (tmp_path / place).mkdir()
        for number, array in enumerate(images):
            np.save(tmp_path / place / f"{number}.npy", array)
    return tmp_path, truth.astype(float), made.astype(float)


def test_values_are_compared_in_the_range_that_is_given(arrays):
    place, truth, made = arrays
    folders = Folders(place / "out", place / "truth", truth=place / "truth")
    found = values(score_folders(folders, value_range=(0, 4095)))
    error = ((truth - made) ** 2).mean((1, 2, 3))
    assert found["psnr"] == pytest.approx((10 * np.log10(4095**2 / error)).mean(), rel=1e-6)
    assert found["l1"] == pytest.approx(np.abs(truth - made).mean() / 4095, rel=1e-5)


@pytest.mark.parametrize(
    ("fake", "real", "value_range", "complaint"),
    [
        ("out", "truth", None, "by --range"),
        ("wide", "truth", (0, 4095), "wide has 4 channels and .*truth has 2 channels"),
        ("out", "absent", (0, 4095), "absent"),
    ],
)
def test_values_that_cannot_be_compared_are_refused(arrays, fake, real, value_range, complaint):
    place, _, _ = arrays
    with pytest.raises(UserError, match=complaint):
        score_folders(Folders(place / fake, place / real, truth=place / real), value_range=value_range)


@pytest.mark.parametrize("text", ["5,5", "9,1", "1", "a,b", "0,inf", "1,2,3", ""])
def test_a_range_is_two_rising_numbers(text):
    with pytest.raises(UserError, match="--range"):
        parse_range(text)
    assert parse_range("-1000,3e3") == (-1000, 3000)


def test_deep_files_that_are_read_as_8_bits_are_told(tmp_path):
    Image.fromarray(np.arange(256, dtype=np.uint16).reshape(16, 16) * 257).save(tmp_path / "a.png")
    assert any("--range" in note for note in score_folders(Folders(tmp_path, tmp_path, truth=tmp_path)).notes)
