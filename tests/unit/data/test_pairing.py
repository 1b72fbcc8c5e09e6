"""Which pictures make a sample: by their places alone, without a file."""

from collections import Counter

import pytest

from i2i.data.batch_sampler import mix_seed
from i2i.data.index.pair_list import PairList
from i2i.data.pairing import Labelled, Paired, Plan, Unpaired
from i2i.data.reading.sides import Side, apart


def names(prefix: str, n: int) -> PairList:
    return PairList([f"{prefix}{i}" for i in range(n)], suffixes_a=[".png"] * n)


def apart_sides(n_x: int, n_y: int) -> tuple[Side, Side]:
    return apart((names("x", n_x), names("y", n_y)), ("input", "target"))


def epoch(samples: Unpaired, number: int = 0) -> list[Plan]:
    return [samples.plan(i, mix_seed(0, number, i)) for i in range(len(samples))]


def places(plans: list[Plan]) -> list[tuple[int, int]]:
    return [(plan.known["input_index"], plan.known["target_index"]) for plan in plans]


@pytest.mark.parametrize("n", [2, 3, 8])
def test_no_picture_meets_its_partner_and_all_others_are_drawn(n: int) -> None:
    whole = Side(names("p", n), None)
    samples = Unpaired(whole, whole, partners=True)
    met = Counter(pair for number in range(200) for pair in places(epoch(samples, number)))
    assert set(met) == {(x, y) for x in range(n) for y in range(n) if x != y}
    expected = 200 / (n - 1)
    assert all(abs(times - expected) < 5 * expected**0.5 for times in met.values()), met


def test_without_partners_the_same_place_is_as_good_as_any() -> None:
    samples = Unpaired(*apart_sides(4, 4), partners=False)
    met = Counter(pair for number in range(400) for pair in places(epoch(samples, number)))
    assert len(met) == 16 and all(50 < times < 150 for times in met.values()), met


@pytest.mark.parametrize(("n_x", "n_y"), [(7, 5), (5, 7), (1, 4), (4, 1), (1, 1), (6, 6)])
@pytest.mark.parametrize("partners", [False, True])
def test_an_epoch_goes_through_the_larger_side_once(n_x: int, n_y: int, partners: bool) -> None:
    samples = Unpaired(*apart_sides(n_x, n_y), partners=partners and n_x == n_y)
    plans = epoch(samples)
    larger, smaller = (0, 1) if n_x >= n_y else (1, 0)
    assert len(plans) == max(n_x, n_y)
    assert [pair[larger] for pair in places(plans)] == list(range(len(plans)))
    drawn = {pair[smaller] for n in range(20) for pair in places(epoch(samples, n))}
    assert drawn == set(range(min(n_x, n_y)))
    for index, plan in enumerate(plans):
        x, y = places([plan])[0]
        assert plan.known["name"] == f"x{x}" and plan.known["target_name"] == f"y{y}"
        assert plan.known["index"] == index
        assert [part.unit.entry for part in plan.parts] == [x, n_x + y]
        assert [part.keys for part in plan.parts] == [("input",), ("target",)]


def test_what_is_drawn_follows_from_the_seed_and_each_side_has_its_own() -> None:
    samples = Unpaired(*apart_sides(9, 9), partners=True)
    assert epoch(samples) == epoch(samples) != epoch(samples, 1)
    seeds = [part.seed for plan in epoch(samples) for part in plan.parts]
    assert len(set(seeds)) == 18


@pytest.mark.parametrize(("n_x", "n_y"), [(7, 5), (5, 7), (1, 3)])
def test_evaluation_visits_each_picture_in_order(n_x: int, n_y: int) -> None:
    samples = Unpaired(*apart_sides(n_x, n_y), partners=False)
    plans = [samples.plan(i, None) for i in range(len(samples))]
    assert places(plans) == [(i % n_x, i % n_y) for i in range(max(n_x, n_y))]
    assert {part.seed for plan in plans for part in plan.parts} == {None}


def test_paired_samples_are_the_pairs() -> None:
    samples = Paired(Side(names("p", 3), None))
    plan = samples.plan(2, 17)
    assert plan.known == {"name": "p2", "index": 2} and len(samples) == samples.n_units == 3
    (part,) = plan.parts
    assert (part.keys, part.role, part.seed) == (("input", "target"), None, 17)


def test_domains_are_numbered_in_order() -> None:
    domains = apart([names(d, n) for d, n in (("a", 2), ("b", 1), ("c", 3))], ["input"] * 3)
    samples = Labelled(domains, answers=False)
    plans = [samples.plan(i, i) for i in range(len(samples))]
    found = [(plan.known["label"], plan.known["name"]) for plan in plans]
    assert found == [(0, "a0"), (0, "a1"), (1, "b0"), (2, "c0"), (2, "c1"), (2, "c2")]
    assert [plan.parts[0].unit.entry for plan in plans] == list(range(6)) and samples.n_units == 6
    assert [plan.known["index"] for plan in plans] == list(range(6))
    assert samples.labels.tolist() == [plan.known["label"] for plan in plans]


def test_the_same_place_of_each_domain_is_the_answer() -> None:
    samples = Labelled(apart([names(d, 2) for d in "abc"], ["input"] * 3), answers=True)
    for index in range(6):
        plan = samples.plan(index, None)
        label, place = divmod(index, 2)
        places = plan.known.pop("answer_index").tolist()
        assert places == [place, 2 + place, 4 + place] and places[label] == index
        assert plan.known == {"label": label, "name": f"{'abc'[label]}{place}", "index": index}
        assert [part.unit.entry for part in plan.answers] == [place, 2 + place, 4 + place]
        assert plan.parts == () and {part.seed for part in plan.answers} == {None}


def test_the_file_that_holds_both_domains_is_read_once() -> None:
    whole = Side(names("p", 2), None)
    (part,) = Labelled((whole, whole), answers=True).plan(3, None).answers
    assert part.unit.entry == 1 and part.role is None
