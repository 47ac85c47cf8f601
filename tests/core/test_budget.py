"""How often something may be done."""

from __future__ import annotations

from bridge.budget import MAX_KEYS, Budget
from tests.core.stand_ins import Clock


def test_a_budget_is_spent_and_comes_back_after_its_time() -> None:
    clock = Clock()
    budget = Budget(2, 30, clock)
    assert [budget.takes("main") for _ in range(4)] == [True, True, False, False]
    clock.now += 29
    assert not budget.takes("main")
    clock.now += 1
    assert [budget.takes("main") for _ in range(3)] == [True, True, False]


def test_each_key_has_a_budget_of_its_own() -> None:
    budget = Budget(1, 30, Clock())
    assert (budget.takes("main"), budget.takes("eu"), budget.takes("main")) == (True, True, False)


def test_keys_without_end_do_not_fill_the_memory() -> None:
    budget = Budget(1, 30, Clock())
    for number in range(3 * MAX_KEYS):
        budget.takes(str(number))
    assert len(budget.spent) <= MAX_KEYS
