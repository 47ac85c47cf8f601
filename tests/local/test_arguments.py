"""Check what `make run` says of ports that cannot be."""

from __future__ import annotations

import pytest

from local.__main__ import read_arguments


@pytest.mark.parametrize("text", ["abc", "-1", "65536", "80.5", "", "٣"])
@pytest.mark.parametrize("variable", ["PORT", "BATCH_PORT"])
def test_a_port_that_is_none_is_named(
    variable: str, text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(variable, text)
    with pytest.raises(SystemExit):
        read_arguments([])
    assert f"{text!r} is no port. Choose a number from 1 to 65535" in capsys.readouterr().err


def test_equal_ports_are_refused_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        read_arguments(["--port", "9090", "--batch-port", "9090"])
    assert (
        "PORT and BATCH_PORT are both 9090. Choose another: make run BATCH_PORT=9091"
        in capsys.readouterr().err
    )
    assert read_arguments(["--port", "0", "--batch-port", "0"]).port == 0
