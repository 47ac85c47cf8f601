"""Samples have names that a person understands, and are sent as the files say."""

import pytest

from local.samples import Sample, UnknownSample, body_of, files_before, read_sample, samples


@pytest.mark.parametrize(
    ("stem", "name"),
    [
        ("orders.paid", "Order paid"),
        ("orders.create", "Order created"),
        ("customers.update", "Customer updated"),
        ("customer.subscription.trial_will_end", "Customer subscription trial will end"),
        ("invoice.payment_failed", "Invoice payment failed"),
        ("form_response", "Form response"),
        ("submission", "Submission"),
    ],
)
def test_a_topic_becomes_words(stem: str, name: str) -> None:
    assert Sample("", "shopify", stem, "").name == name


def test_every_sample_can_be_read_and_none_is_an_expectation() -> None:
    found = samples()
    assert found
    for sample in found:
        same, content = read_sample(sample.file)
        assert same == sample
        assert body_of(content)
        assert ".batch" not in sample.file


def test_variants_are_told_apart_by_what_stands_after_two_underscores() -> None:
    guest = next(sample for sample in samples() if sample.file == "events/shopify/orders.create__guest.json")
    assert (guest.stem, guest.variant_name) == ("orders.create", "guest")


def test_json_is_sent_without_spaces_and_raw_text_as_it_is() -> None:
    assert body_of({"body": {"name": "Zoë", "n": [1, 2]}}) == '{"name":"Zoë","n":[1,2]}'.encode()
    assert body_of({"body_raw": "a=b&c= d"}) == b"a=b&c= d"


@pytest.mark.parametrize(
    "file", ["events/shopify/../../README.md", "events/shopify/orders.paid.batch.json", ""]
)
def test_only_samples_are_read(file: str) -> None:
    with pytest.raises(UnknownSample):
        read_sample(file)


def test_a_sample_names_what_comes_before_it() -> None:
    assert files_before("events/shopify/refunds.create.json") == [
        "events/shopify/orders.create__shipped.json"
    ]
    assert files_before("events/shopify/orders.paid.json") == []


def test_what_every_sample_comes_after_is_a_sample() -> None:
    for sample in samples():
        files_before(sample.file)
