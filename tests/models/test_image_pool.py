"""The image pool hands out the past as the papers describe, and survives a checkpoint."""

import pytest
import torch

from i2i.nn.image_pool import ImagePool


def images(*values):
    return torch.tensor(values, dtype=torch.float32).view(-1, 1, 1, 1).expand(-1, 3, 2, 2).clone()


def values(tensor):
    return tensor[:, 0, 0, 0].tolist()


def test_a_pool_of_size_zero_gives_every_image_back():
    pool, given = ImagePool(0), images(1, 2)
    assert pool.exchange(given) is given


def test_images_are_given_back_while_the_pool_fills():
    pool = ImagePool(3)
    assert values(pool.exchange(images(1, 2))) == [1, 2]
    assert values(pool.exchange(images(3))) == [3]
    assert values(pool.state()) == [1, 2, 3]


def test_half_of_the_images_are_exchanged_for_earlier_ones():
    torch.manual_seed(0)
    pool = ImagePool(50)
    pool.exchange(images(*range(50)))
    shown = torch.cat([pool.exchange(images(1000 + i)) for i in range(2000)])
    old = sum(value != 1000 + i for i, value in enumerate(values(shown)))
    assert abs(old - 1000) < 4 * (2000 * 0.25) ** 0.5  # four deviations of a fair coin


def test_every_image_of_a_batch_has_a_chance_of_its_own():
    torch.manual_seed(5)
    pool, batch = ImagePool(50), [1000.0 + i for i in range(8)]
    pool.exchange(images(*range(50)))
    kept = [sum(value >= 1000 for value in values(pool.exchange(images(*batch)))) for _ in range(5)]
    assert all(0 < count < 8 for count in kept)


@pytest.mark.parametrize("size", [1, 4])
def test_a_pool_holds_as_many_images_as_its_size_and_every_slot_is_exchanged(size):
    torch.manual_seed(4)
    pool = ImagePool(size)
    for i in range(100):
        pool.exchange(images(i))
        assert len(pool.images) == min(i + 1, size)
    assert min(values(pool.state())) > 50


def test_an_exchanged_image_is_stored_and_comes_back_once():
    torch.manual_seed(1)
    pool = ImagePool(4)
    seen = values(torch.cat([pool.exchange(images(i)) for i in range(200)]))
    given_out = seen + values(pool.state())
    fresh = [i for i in range(200) if given_out.count(i) not in (1, 2)]
    assert not fresh  # given back at once (and perhaps stored while filling), or stored and given later


def test_stored_images_are_copies_without_graph():
    pool, given = ImagePool(2), images(5).requires_grad_()
    pool.exchange(given * 1)
    with torch.no_grad():
        given.zero_()
    assert values(pool.state()) == [5]
    assert not pool.images[0].requires_grad


def test_a_restored_pool_goes_on_with_the_same_images_and_memory_format():
    torch.manual_seed(2)
    pool, restored = ImagePool(3), ImagePool(3)
    pool.exchange(images(1, 2, 3))
    restored.load_state(pool.state())
    given = images(7, 8, 9).contiguous(memory_format=torch.channels_last)
    outcomes = []
    for one in (pool, restored):
        torch.manual_seed(3)
        outcomes.append(one.exchange(given))
    assert torch.equal(*outcomes)
    assert outcomes[0].stride() == outcomes[1].stride() == given.stride()
    empty = ImagePool(3)
    empty.load_state(ImagePool(3).state())
    assert empty.images == []
