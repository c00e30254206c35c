"""Which addresses may be bound without accounts."""

import pytest

from wire.binding import check_bind


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "[::1]", "localhost"])
def test_loopback_is_allowed(host: str) -> None:
    check_bind(host, no_auth=False)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "example.test", ""])
def test_other_addresses_need_no_auth(host: str) -> None:
    with pytest.raises(ValueError, match="--no-auth"):
        check_bind(host, no_auth=False)
    check_bind(host, no_auth=True)
