"""Label spaces: which translations there are, what a target changes, and whose columns count."""

import pytest
import torch
import torch.nn.functional as F

from i2i.errors import UserError
from i2i.labels import LabelSet, LabelSpace
from i2i.losses import label_loss

HAIR = ("Black", "Blond", "Brown")
FACES = LabelSet((*HAIR, "Male", "Young"), (HAIR,))
FEELINGS = LabelSet(("angry", "happy"), (("angry", "happy"),))
SEASONS = LabelSpace.of_domains(("summer", "winter", "night"))
CELEBA = LabelSpace((FACES,))
JOINT = LabelSpace(
    (LabelSet(FACES.columns, FACES.exclusive, "faces"), LabelSet(FEELINGS.columns, FEELINGS.exclusive, "rafd"))
)


def test_domains_lead_to_every_other_domain():
    assert SEASONS.domains == ("summer", "winter", "night")
    assert len(SEASONS.directions) == 6
    assert (SEASONS.width, SEASONS.classes, SEASONS.has_attributes) == (3, 3, False)


def test_attributes_are_flipped_and_members_of_a_group_replace_one_another():
    assert CELEBA.domains == ("Black", "Blond", "Brown", "Male", "-Male", "Young", "-Young")
    hair = {(a, b) for a in HAIR for b in HAIR if a != b}
    flips = {("Male", "-Male"), ("-Male", "Male"), ("Young", "-Young"), ("-Young", "Young")}
    assert set(CELEBA.directions) == hair | flips


def test_joint_label_vectors_end_with_a_mask_that_names_the_data_set():
    """Section 3.2 of StarGAN: the columns of both sets, the foreign ones 0, and a one-hot mask."""
    assert (JOINT.classes, JOINT.width) == (7, 9)
    assert JOINT.vector("rafd/happy").tolist() == [0, 0, 0, 0, 0, 0, 1, 0, 1]
    assert JOINT.vector("faces/Blond", "Black,Young").tolist() == [0, 1, 0, 0, 1, 0, 0, 1, 0]
    assert ("faces/Male", "rafd/happy") in JOINT.directions
    assert ("faces/Male", "faces/Young") not in JOINT.directions


@pytest.mark.parametrize(
    ("target", "has", "gets"),
    [
        ("Blond", "Black,Male", [0, 1, 0, 1, 0]),
        ("+Blond,-Male", "Black,Male,Young", [0, 1, 0, 0, 1]),
        ("-Young", "Brown,Young", [0, 0, 1, 0, 0]),
        ("Male", "", [0, 0, 0, 1, 0]),
        ("-Black", "Black", [0, 0, 0, 0, 0]),
    ],
)
def test_a_target_changes_what_it_names_and_its_rivals(target, has, gets):
    assert CELEBA.vector(target, has).tolist() == gets
    assert not CELEBA.decides(target)


def test_a_domain_decides_everything():
    assert SEASONS.decides("winter")
    assert JOINT.decides("rafd/angry")
    assert SEASONS.towards("winter").tolist() == [[0, 1, 0]]


@pytest.mark.parametrize(
    ("space", "target", "named"),
    [
        (CELEBA, "Blonde", "'Blond'"),
        (CELEBA, "+Black,+Blond", "contradicts"),
        (CELEBA, "Male,-Male", "contradicts"),
        (JOINT, "happy", "rafd/happy"),
        (JOINT, "rafd/sad", "rafd/"),
        (SEASONS, "-winter", "winter"),
    ],
)
def test_impossible_targets_are_refused_with_what_there_is(space, target, named):
    with pytest.raises(UserError, match=named):
        space.towards(target)


def test_a_column_cannot_stand_in_two_groups_or_be_missing():
    with pytest.raises(UserError, match="two exclusive groups"):
        LabelSet(("a", "b", "c"), (("a", "b"), ("b", "c")))
    with pytest.raises(UserError, match="'a' stands twice"):
        LabelSpace.of_domains(("a", "a"))
    with pytest.raises(UserError, match="'d'"):
        LabelSet(("a", "b"), (("a", "d"),))


def test_a_space_survives_its_settings():
    for space in (SEASONS, CELEBA, JOINT):
        assert LabelSpace.from_settings(space.settings()) == space


def test_some_domains_of_an_attribute_set_exclude_one_another():
    pair = CELEBA.restricted(("-Male", "Male"))
    assert pair == LabelSpace.of_domains(("-Male", "Male"))
    assert CELEBA.restricted(CELEBA.domains) == CELEBA
    assert SEASONS.restricted(("night", "summer")).domains == ("night", "summer")


def test_shuffled_labels_stay_with_their_data_set():
    torch.manual_seed(0)
    faces = JOINT.encode(0, torch.eye(5))
    labels = torch.cat((faces, JOINT.encode(1, torch.eye(2))))[torch.randperm(7)]
    moved = False
    for _ in range(20):
        shuffled = JOINT.shuffled(labels)
        assert torch.equal(JOINT.owners(shuffled), JOINT.owners(labels))
        assert sorted(shuffled.tolist()) == sorted(labels.tolist())
        moved |= not torch.equal(shuffled, labels)
    assert moved


def test_an_image_counts_in_the_columns_of_its_own_data_set_alone():
    logits = torch.randn(3, 7, requires_grad=True)
    labels = torch.cat(
        (JOINT.encode(0, torch.tensor([[1.0, 0, 0, 1, 0], [0, 0, 1, 0, 1]])), JOINT.encode(1, torch.eye(2)[:1]))
    )
    loss = label_loss(JOINT, logits, labels)
    faces = F.binary_cross_entropy_with_logits(logits[:2, :5], labels[:2, :5], reduction="sum")
    feeling = F.cross_entropy(logits[2:, 5:], torch.tensor([0]), reduction="sum")
    assert torch.allclose(loss, (faces + feeling) / 3)
    (gradient,) = torch.autograd.grad(loss, logits)
    assert not gradient[:2, 5:].any()
    assert not gradient[2, :5].any()


def test_judged_logits_are_rows_of_the_set():
    logits = torch.tensor([[1.0, 2.0, -1.0, 3.0, -2.0, 0.1, 0.2]])
    assert JOINT.classified("faces/Male", logits).tolist() == [[1, 1, 0, 1, 0]]
    assert JOINT.classified("rafd/angry", logits).tolist() == [[0, 1]]


ODD = ("tench, Tinca tinca", "a=b", "+plus", "-minus", "x,y")


@pytest.mark.parametrize("name", ["", "birds"])
@pytest.mark.parametrize("domain", ODD)
def test_a_plain_domain_is_one_whatever_its_name_holds(domain, name):
    other = LabelSet(("p", "q"), (("p", "q"),), "other")
    space = LabelSpace((LabelSet(ODD, (ODD,), name), *([other] if name else [])))
    full = f"{name}/{domain}" if name else domain
    vector = space.towards(full)[0]
    assert vector[: len(ODD)].tolist() == [float(one == domain) for one in ODD]
    assert space.decides(full)
    assert space.described(full, [full])[0].tolist() == vector[: len(ODD)].tolist()


def test_an_attribute_whose_name_holds_a_comma_is_no_list_of_changes():
    space = LabelSpace((LabelSet(("hat, red", "Male")),))
    assert space.towards("hat, red").tolist() == [[1, 0]]
    assert space.towards("-Male", torch.ones(1, 2)).tolist() == [[1, 0]]
