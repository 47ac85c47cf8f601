"""The benchmarks do the work that they measure: each runs once here, without a clock."""

from __future__ import annotations

import json

from bench.deliver import SerialisingBatch, handwritten, pipeline
from bench.order import order_body
from bench.receive import receive


def test_the_pipeline_and_the_mapping_by_hand_make_the_same_call() -> None:
    bodies = [order_body(number) for number in range(3)]
    batch = SerialisingBatch()
    assert pipeline(bodies, batch)() == []
    assert json.loads(batch.call) == json.loads(handwritten(bodies)())


def test_the_receiver_accepts_what_it_is_measured_with() -> None:
    assert json.loads(receive(order_body(1))()["body"])["status"] == "accepted"
