"""The table marks as not distinguishable from the best what its tests cannot tell apart, and nothing else."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from i2i.benchmarks.analysis.frames import Details
from i2i.benchmarks.analysis.groups import groups
from i2i.benchmarks.analysis.results import COLUMNS, Results
from i2i.benchmarks.analysis.significance import compare, compare_all, image_values
from i2i.benchmarks.report.markdown import markdown

WAYS = [("a", "b"), ("b", "a")]


def results_of(values: dict[tuple[str, int], np.ndarray], metric="ssim", images=True) -> Results:
    """Results of methods and seeds with these values [directions, images] of single images."""
    singles = [
        (name, seed, *way, f"{number:03}", metric, value)
        for (name, seed), both in values.items()
        for way, own in zip(WAYS, both, strict=True)
        for number, value in enumerate(own)
    ]
    frame = pd.DataFrame(singles, columns=["model", "seed", "source", "target", "image", "metric", "value"])
    means = frame.groupby(["model", "seed", "source", "target", "metric"], as_index=False, sort=False)["value"].mean()
    details = replace(Details.gather(), images=frame) if images else Details.gather()
    return Results(means.assign(dataset="made up", n=len(singles))[COLUMNS], {}, {}, details)


def normal(seed: int, mean: float = 0.0, n: int = 12) -> np.ndarray:
    return np.random.default_rng(seed).normal(mean, 1.0, (2, n))


def test_equal_values_of_every_image_are_not_distinguishable() -> None:
    column = compare(results_of({("x", 0): normal(1), ("y", 0): normal(1)}), "ssim", ["x", "y"])
    assert column.same == {"y"}
    assert column.mark("y") == ""  # as printed it is as good, so it is bold
    ((test,),) = column.tests.values()
    assert (test.over, test.n, test.p.own) == ("images", 12, 1.0)


def test_who_is_better_in_every_image_is_told_apart_with_the_smallest_p_value_there_is() -> None:
    worse = normal(1)
    column = compare(results_of({("x", 0): worse, ("y", 0): worse + 0.1}), "ssim", ["x", "y"])
    assert (column.best, column.same, column.mark("x"), column.mark("y")) == ("y", frozenset(), "", "")
    ((test,),) = column.tests.values()
    assert test.p.own == 2 / 2**12


def test_unpaired_noise_far_larger_than_the_difference_is_not_told_apart() -> None:
    column = compare(results_of({("x", 0): normal(1), ("y", 0): normal(2)}), "ssim", ["x", "y"])
    assert [column.mark(name) for name in ("x", "y") if not column.is_best(name)] == ["†"]


def test_lower_is_better_of_a_distance() -> None:
    low = normal(1)
    assert compare(results_of({("x", 0): low, ("y", 0): low + 9}, "l1"), "l1", ["x", "y"]).best == "x"


def test_p_values_are_corrected_for_the_pairs_of_the_column() -> None:
    base = normal(1)
    column = compare(
        results_of({(name, 0): base + step for name, step in zip("xyz", (0, 1, 2), strict=True)}), "ssim", "xyz"
    )
    assert [test.p.corrected for (test,) in column.tests.values()] == pytest.approx([3 * 2 / 2**12] * 3)


def test_what_a_test_alone_would_tell_apart_is_marked_where_the_correction_does_not() -> None:
    """Better in 10 of 12 images by as much as worse in 2: p = 2 (1 + 12 + 66) / 2^12, and three pairs."""
    base = normal(1)
    step = np.array([1.0] * 10 + [-1.0] * 2)
    values = {("x", 0): base + step, ("y", 0): base, ("z", 0): base}
    column = compare(results_of(values), "ssim", ["x", "y", "z"])
    (test,) = column.tests["x", "y"]
    assert test.p.own == pytest.approx(158 / 4096)
    assert test.p.corrected == pytest.approx(3 * 158 / 4096)
    assert (column.best, column.mark("y"), column.mark("z")) == ("x", "†", "†")
    alone = compare(results_of({name: values[name] for name in list(values)[:2]}), "ssim", ["x", "y"])
    assert alone.mark("y") == ""


def test_an_image_under_several_seeds_and_in_several_directions_counts_once() -> None:
    values = {("x", seed): normal(seed) for seed in range(3)}
    found = image_values(results_of(values).details.images, "ssim", ["x"])
    assert len(found) == 12
    assert found["x"].to_numpy() == pytest.approx(np.mean([values["x", seed] for seed in range(3)], axis=(0, 1)))


def test_values_of_images_have_the_mean_of_the_table_where_directions_differ_in_size() -> None:
    frame = results_of({("x", 0): normal(3)}).details.images
    fewer = frame[(frame["source"] == "a") | (frame["image"] < "004")]
    table = fewer.groupby(["source", "target"])["value"].mean().mean()
    assert image_values(fewer, "ssim", ["x"])["x"].mean() == pytest.approx(table)
    assert fewer["value"].mean() != pytest.approx(table)


def seeds_of(name: str, base: np.ndarray, steps) -> dict[tuple[str, int], np.ndarray]:
    return {(name, seed): base + step for seed, step in enumerate(steps)}


def test_with_several_seeds_the_seeds_must_tell_apart_as_well() -> None:
    """The better one is so in every image of the mean, but its seeds lie on both sides of the others'."""
    base = normal(1)
    wide = seeds_of("y", base, (3, -2, 2))
    column = compare(results_of(seeds_of("x", base, (0, 0, 0)) | wide), "ssim", ["x", "y"])
    images, seeds = column.tests["x", "y"]
    assert images.p.corrected < 0.001
    assert seeds.p.corrected > 0.5
    assert column.mark("x") == "†"
    close = seeds_of("y", base, (3, 3.001, 3.002))
    column = compare(results_of(seeds_of("x", base, (0, 0.001, 0.002)) | close), "ssim", ["x", "y"])
    assert column.mark("x") == ""


def test_two_seeds_that_cannot_tell_leave_the_word_to_the_test_over_images() -> None:
    base = normal(1)
    clear = results_of(seeds_of("x", base, (0, 0.2)) | seeds_of("y", base, (0.5, 0.9)))
    column = compare(clear, "ssim", ["x", "y"])
    assert column.tests["x", "y"][1].p.corrected > 0.05
    assert (column.mark("x"), column.same, column.unsure) == ("§", frozenset(), {"x"})
    noise = results_of(seeds_of("x", base, (0, 0.2)) | seeds_of("y", normal(2), (0, 0.2)))
    column = compare(noise, "ssim", ["x", "y"])
    assert (len(column.same), column.unsure) == (1, frozenset())


def test_two_seeds_that_tell_apart_all_the_same_leave_no_mark() -> None:
    base = normal(1)
    column = compare(results_of(seeds_of("x", base, (0, 1e-3)) | seeds_of("y", base, (5, 5.001))), "ssim", ["x", "y"])
    assert column.mark("x") == ""


def test_many_methods_make_three_seeds_too_few_and_a_distance_says_so_by_itself() -> None:
    base = normal(1)
    names = "abcde"  # ten pairs
    values: dict[tuple[str, int], np.ndarray] = {}
    for place, name in enumerate(names):
        values |= seeds_of(name, base, (place, place + 1, place + 2))
    column = compare(results_of(values, "fid", images=False), "fid", list(names))
    assert column.best == "a"
    assert {column.mark(name) for name in "bc"} == {"§"}
    few = {key: value for key, value in values.items() if key[0] in "ab"}
    assert compare(results_of(few, "fid", images=False), "fid", ["a", "b"]).mark("b") == "†"


def test_the_caption_tells_too_few_seeds_from_no_difference(tmp_path) -> None:
    base = normal(1)
    results = results_of(seeds_of("x", base, (0, 0.2)) | seeds_of("y", base, (0.5, 0.9)))
    plan = plan_of(tmp_path, ["x", "y"])
    text = markdown(plan, results)
    assert "§ too few seeds to tell" in text
    assert " § |" in text


def test_without_values_of_images_one_seed_leaves_the_best_untested_and_three_test_it() -> None:
    one = results_of({("x", 0): normal(1), ("y", 0): normal(1) + 50}, "fid", images=False)
    column = compare(one, "fid", ["x", "y"])
    assert (column.mark("x"), column.mark("y"), column.tests) == ("‡", "", {})
    values = {(name, seed): normal(1) + step + seed / 9 for name, step in (("x", 0), ("y", 50)) for seed in range(3)}
    column = compare(results_of(values, "fid", images=False), "fid", ["x", "y"])
    assert (column.mark("x"), column.mark("y"), column.over) == ("", "", ("seeds",))


def test_who_cannot_be_tested_is_not_told_apart() -> None:
    endless = normal(1)
    endless[0, 0] = np.nan
    results = results_of({("x", 0): normal(1), ("y", 0): normal(1) - 9, ("z", 0): endless - 9})
    results.scores["value"] = results.scores["value"].fillna(-9)
    column = compare(results, "ssim", ["x", "y", "z"])
    assert (column.mark("y"), column.mark("z")) == ("", "†")


def test_a_value_that_is_no_number_under_one_seed_leaves_its_method_out() -> None:
    broken = normal(2)
    broken[0, 3] = np.nan
    values = {("x", 0): normal(1), ("x", 1): normal(3), ("y", 0): broken, ("y", 1): normal(4)}
    assert list(image_values(results_of(values).details.images, "ssim", ["x", "y"])) == ["x"]


def test_only_one_method_is_no_best() -> None:
    column = compare(results_of({("x", 0): normal(1)}), "ssim", ["x"])
    assert not column.is_best("x")
    assert column.mark("x") == ""


def plan_of(tmp_path, names, reference=()):
    from tests.bench.test_outputs import made_up

    return made_up(tmp_path, {(name, "ssim"): [0.0] for name in names}, domains=("a", "b"), reference=reference)[0]


def test_reference_rows_are_shown_but_take_no_part(tmp_path) -> None:
    results = results_of({("x", 0): normal(1), ("y", 0): normal(1) - 9, ("copy", 0): normal(1) + 9})
    column = compare_all(plan_of(tmp_path, ["x", "y", "copy"], ["copy"]), results)["ssim"]
    assert column.best == "x"
    assert set(column.places) == {"x", "y"}
    text = markdown(plan_of(tmp_path, ["x", "y", "copy"], ["copy"]), results)
    (line,) = (line for line in text.splitlines() if line.startswith("| x |"))
    assert "**" in line
    (line,) = (line for line in text.splitlines() if line.startswith("| copy |"))
    assert "**" not in line
    assert "copy, real are for reference" in text
    assert "by a paired sign-flip test over the test images, at 5%, corrected (Holm) for all pairs" in text


def test_each_group_of_the_table_has_its_own_best(tmp_path) -> None:
    turned = np.stack([normal(1)[0] + 5, normal(1)[1] - 5])
    results, plan = results_of({("x", 0): normal(1), ("y", 0): turned}), plan_of(tmp_path, ["x", "y"])
    assert [(group.name, group.columns["ssim"].best) for group in groups(plan, results, "target")] == [
        ("a", "x"),
        ("b", "y"),
    ]
    by_direction = groups(plan, results, "direction")
    assert [(group.name, group.columns["ssim"].best) for group in by_direction] == [("a → b", "y"), ("b → a", "x")]
    assert all(test.p.own == 2 / 2**12 for group in by_direction for (test,) in group.columns["ssim"].tests.values())
    assert "| a → b | y |" in markdown(plan, results, by="direction")
