"""Tests of edge.service.webhook: signatures, secrets, waits. Requests and answers are in tests/edge/webhooks and
tests/central/alerts, with real receivers."""

import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import ConfigError
from edge.service.webhook import RETRY_S, RETRY_S_MAX, backoff_s, signed, signers
from tests.edge.webhooks.receiver import OTHER, SECRET


def test_the_signature_is_that_of_the_specification() -> None:
    """The example of standardwebhooks.com, byte for byte."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    (signer,) = signers("edge.toml", "webhook_secret_file", "secret", secret)
    at = datetime.fromtimestamp(1_614_265_330, UTC)
    headers = signed([signer], "msg_p5jXN8AQM9LWM0D4loKWxJek", at, '{"test": 2432232314}')
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert headers["webhook-timestamp"] == "1614265330"


LONG = "whsec_" + base64.b64encode(b"x" * 65).decode()
WRONG = ("", "secret", "whsec_", "whsec_AAAA", LONG, f"{SECRET} {SECRET} {OTHER}", f"{SECRET}!", f"{SECRET},{OTHER}")


@pytest.mark.parametrize("text", WRONG)
def test_a_secret_that_is_none_is_refused(text: str) -> None:
    """24 to 64 bytes in base64 after whsec_, as the specification has it; two of them while they change."""
    with pytest.raises(ConfigError, match="webhook_secret_file"):
        signers("edge.toml", "webhook_secret_file", "secret", text)


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_waits_grow_to_a_bound_and_half_of_each_is_random(failures: int, drawn: float) -> None:
    """So that many senders do not come back at one instant, and none too late."""
    longest = min(RETRY_S * 2 ** min(failures - 1, 20), RETRY_S_MAX)
    assert longest / 2 <= backoff_s(failures, lambda: drawn) <= longest
