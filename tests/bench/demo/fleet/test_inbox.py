"""Of bench.demo.fleet.inbox: signed alerts count once, others do not."""

import json
from datetime import UTC, datetime

import httpx
from standardwebhooks import Webhook

from bench.demo.fleet.inbox import Inbox


def post(inbox: Inbox, name: str, secret: str) -> int:
    """An alert that a node is behind; the status of the answer."""
    began = [{"alarm": "behind", "node": "shop-5"}]
    body = json.dumps({"type": "alert", "data": {"began": began, "ended": [], "text": "shop-5: nothing comes of it"}})
    now = datetime.now(UTC)
    headers = {"webhook-id": name, "webhook-timestamp": str(int(now.timestamp()))}
    headers["webhook-signature"] = Webhook(secret).sign(name, now, body)
    return httpx.post(inbox.url, content=body, headers=headers, timeout=30).status_code


def test_an_alert_counts_once_and_only_with_its_signature() -> None:
    """The same message twice is one; a forged one is refused and counted."""
    inbox = Inbox()
    with inbox.open():
        assert [post(inbox, "a", inbox.secret), post(inbox, "a", inbox.secret)] == [204, 204]
        assert post(inbox, "b", Inbox.new_secret()) == 401
    assert inbox.changes == [("began", "behind", "shop-5", "")]
    assert (inbox.forged, len(inbox.texts)) == (1, 1)
    assert inbox.has("began", "behind", "shop-5")
    assert inbox.has("began", "behind")
    assert not inbox.has("ended", "behind")
    assert not inbox.has("began", "behind", "shop-1")
