"""Addresses of model servers."""

import pytest

from gateway.servers.address import is_name, looked_up


def test_only_dns_names_are_looked_up() -> None:
    assert is_name("dns:///replicas:8500")
    assert not is_name("replicas:8500")


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("dns:///127.0.0.1:8500", ["127.0.0.1:8500"]),
        ("dns:///[::1]:8500", ["[::1]:8500"]),
    ],
)
def test_looked_up(target: str, expected: list[str]) -> None:
    assert looked_up(target) == expected


def test_a_name_that_nobody_has() -> None:
    with pytest.raises(OSError, match=r".+"):
        looked_up("dns:///no-such-name.invalid:8500")
