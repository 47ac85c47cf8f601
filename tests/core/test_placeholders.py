"""What is in place of an id and names nobody."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.placeholders import WORDS, is_placeholder, is_placeholder_of, is_unfilled, name_in

# as the issue of many tools has them
NOBODY = ["0", "-1", "none", "null", "undefined", "anonymous", "guest", "n/a", "unknown", "test"]
NIL = "00000000-0000-0000-0000-000000000000"


@pytest.mark.parametrize("written", [str, str.upper, str.title, lambda text: f" \t{text}\n"])
@pytest.mark.parametrize("text", [*NOBODY, NIL, f"{{{NIL}}}", "0.0", "00", "-0", "-1.0"])
def test_a_placeholder_is_nobody_in_any_case_and_with_blanks(text: str, written: Any) -> None:
    assert is_placeholder(written(text))
    assert name_in(written(text)) is None
    assert is_placeholder_of(f"shopify:customer:{written(text)}")


@pytest.mark.parametrize("value", [0, -1, 0.0, -0.0, Decimal("0.00"), True, False, float("nan")])
def test_a_placeholder_is_nobody_in_any_type(value: Any) -> None:
    assert is_placeholder(value)
    assert name_in(value) is None


@pytest.mark.parametrize("value", [None, "", "  ", [], {}, ["0"]])
def test_what_is_no_id_at_all_names_nobody(value: Any) -> None:
    assert name_in(value) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (42, "42"),
        ("-10", "-10"),
        ("guest-7", "guest-7"),
        ("tester", "tester"),
        ("0a", "0a"),
        ("1.0", "1.0"),
        ("annull", "annull"),
        ("10000000-0000-0000-0000-000000000000", "10000000-0000-0000-0000-000000000000"),
        (" ada ", "ada"),
    ],
)
def test_an_id_that_only_resembles_one_is_an_id(value: Any, expected: str) -> None:
    assert not is_placeholder(value)
    assert name_in(value) == expected


@pytest.mark.parametrize(
    "reference", ["stripe:customer:acct_7/0", "custom:shop:customer:unknown", "shopify:None"]
)
def test_a_reference_is_judged_by_what_it_names(reference: str) -> None:
    assert is_placeholder_of(reference)


@pytest.mark.parametrize(
    "reference",
    ["stripe:customer:acct_7/cus_9", "woocommerce:test:customer:9", "custom:c:page:https://x.example/test"],
)
def test_only_what_a_reference_names_is_judged(reference: str) -> None:
    assert not is_placeholder_of(reference)


# as a tester and other tools wrote them
WRITTEN = [
    *(
        "０",
        "٠",
        "⓪",
        "ＮＵＬＬ",
        "−1",
        "－１",
        "–1",
        "-01",
        "- 1",
        "(-1)",
        "-1,0",
        "-0x1",
        "0,0",
        "0.0.0",
        "0x0",
        "0b0",
    ),
    *(
        "0e0",
        "0E+00",
        "#0",
        "+0",
        "0-0",
        "na",
        "n.a.",
        "N/A",
        "#N/A",
        "(not set)",
        "not set",
        "not_set",
        "not-set",
    ),
    *(
        "<null>",
        '"null"',
        "'guest'",
        "[guest]",
        "(null)",
        "[object Object]",
        "#REF!",
        "#NAME?",
        "-Infinity",
        "inf",
    ),
    *(
        "gu\N{ZERO WIDTH SPACE}est",
        "\N{RIGHT-TO-LEFT MARK}none",
        "test.",
        "user_id",
        "Anonymous user",
        "n / a",
    ),
    "ffffffff-ffff-ffff-ffff-ffffffffffff",
    "{FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF}",
    "f" * 32,
    f"urn:uuid:{NIL}",
    NIL.replace("-", ""),
]


@pytest.mark.parametrize("text", WRITTEN)
def test_what_broken_integrations_write_names_nobody(text: str) -> None:
    assert is_placeholder(text)
    assert name_in(text) is None


@pytest.mark.parametrize(
    "value", [float("inf"), float("-inf"), Decimal("NaN"), Decimal("Infinity"), Decimal(-1)]
)
def test_no_number_without_an_end_names_anybody(value: Any) -> None:
    assert name_in(value) is None


@pytest.mark.parametrize(
    "text",
    [
        *(
            "{{customer.id}}",
            "{{ customer.id | default: '' }}",
            "{user_id}",
            "{{{id}}}",
            "${user.id}",
            "#{id}",
        ),
        *(
            "<user_id>",
            "<%= id %>",
            "%id%",
            "%%USER%%",
            "[[id]]",
            "[id]",
            "*|ID|*",
            "{% id %}",
            "«id»",
            "xxxxx",
        ),
        *("user-{{id}}", "shop:${id}", "u_*|ID|*", "{{\nid\n}}", "｛id}"),
    ],
)
def test_a_mark_that_no_template_filled_names_nobody(text: str) -> None:
    assert is_placeholder(text)
    assert is_unfilled(text) or text[0] == "\N{FULLWIDTH LEFT CURLY BRACKET}"


@given(st.text(alphabet=st.sampled_from("-–—_.?!*#/\\|~ +=…·•'\"()[]"), min_size=1))
def test_what_has_neither_letter_nor_digit_names_nobody(text: str) -> None:
    assert name_in(text) is None
    assert is_placeholder(text) == bool(text.strip())


OTHER_SCRIPTS = [
    str,
    str.upper,
    str.title,
    lambda text: text.translate({code: code + 0xFEE0 for code in range(0x21, 0x7F)}),
    lambda text: text.translate({ord("0") + n: 0x660 + n for n in range(10)}),
    lambda text: text.replace("-", "\N{MINUS SIGN}"),
    lambda text: text.replace(" ", "_"),
    lambda text: text.replace(" ", "\N{NO-BREAK SPACE}"),
    "\N{ZERO WIDTH JOINER}".join,
]
AROUND = [
    ("", ""),
    (" ", "\n"),
    ("(", ")"),
    ("<", ">"),
    ("[", "]"),
    ('"', '"'),
    ("'", "'"),
    ("{", "}"),
    ("\ufeff", ""),
]


@given(
    st.sampled_from([*NOBODY, *sorted(WORDS), "0.0", "00", "-01", NIL]),
    st.lists(st.sampled_from(OTHER_SCRIPTS), max_size=3),
    st.sampled_from(AROUND),
)
def test_every_spelling_of_a_placeholder_is_one(
    text: str, scripts: list[Any], around: tuple[str, str]
) -> None:
    for spelled in scripts:
        text = spelled(text)
    assert is_placeholder(around[0] + text + around[1])


@pytest.mark.parametrize(
    "text",
    [
        *(
            "-42x",
            "NA-1042",
            "user_0",
            "00417",
            "-42",
            "-10",
            "1",
            "１",
            "-11",
            "0x1F",
            "0e1234",
            "10e0",
            "nan-7",
        ),
        *(
            "guest-7",
            "tester",
            "te-st",
            "no-one-7",
            "customer_id_7",
            "f" * 31,
            "ffff",
            "xxx",
            "Nadia",
            "Ada Null",
            "山田",
        ),
        *(
            "{3F2504E0-4F89-11D3-9A0C-0305E82C3301}",
            "a{b}",
            "100%",
            "50%off",
            "a<b",
            "cus_9s6XKzkNRiz8i3",
            "Ζήνων",
            "€5",
        ),
        "ffffffff-ffff-ffff-ffff-fffffffffffe",
        "gid://shopify/Customer/42",
        "ada@example.com",
        "0" * 2000,
        "{" * 2000,
    ],
)
def test_true_ids_are_ids(text: str) -> None:
    assert not is_placeholder(text)
    assert name_in(text) == text


@given(st.from_regex(r"[a-z]{2,8}[-_][1-9][0-9]{0,9}", fullmatch=True))
def test_a_word_with_a_number_of_its_own_is_an_id(text: str) -> None:
    assert name_in(text) == text


@given(st.integers(min_value=1))
def test_every_number_above_zero_is_somebody(number: int) -> None:
    assert name_in(number) == name_in(str(number)) == str(number)
