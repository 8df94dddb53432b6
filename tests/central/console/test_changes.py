"""What operators change: batches that are kept aside, invitations, revocations; each is written down."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.lab.settings import free_port
from tests.central.consoles import Served, csrf, fill, served, texts


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Served]:
    """A console that a test changes, of a centre that invites."""
    fill(tmp_path / "data")
    address = f"127.0.0.1:{free_port()}"
    with served(tmp_path, f'listen_tls = "{address}"\nadvertised_address = "{address}"\n') as running:
        yield running


def test_a_batch_is_settled_by_an_operator(own: Served) -> None:
    """It is gone, its node is without it, and the log has who did that; once more is refused."""
    with own.client("operator") as client:
        form = {"csrf": csrf(client.get("/quarantine").text), "batch": "shop-4/1/1"}
        again = client.post("/quarantine", data={**form, "what": "retry"})
        assert (again.status_code, "cannot be stored now either" in texts(again.text)) == (409, True)
        done = client.post("/quarantine", data={**form, "what": "discard"})
        assert (done.status_code, "is discarded" in texts(done.text)) == (200, True)
        assert "No batch is kept aside." in client.get("/quarantine").text
        assert client.post("/quarantine", data={**form, "what": "discard"}).status_code == 409
    entry = own.operators.audit(limit=1)[0]
    assert (entry["who"], entry["what"], entry["detail"]) == ("operator", "quarantine.discarded", "shop-4/1/1")


def test_a_viewer_settles_nothing(own: Served) -> None:
    """There is no button, and the request is refused."""
    with own.client("viewer") as client:
        page = client.get("/quarantine").text
        assert 'value="discard"' not in page
        form = {"csrf": csrf(page), "batch": "shop-4/1/1", "what": "discard"}
        assert client.post("/quarantine", data=form).status_code == 403
        assert "shop-4/1/1" in client.get("/quarantine").text


def test_an_admin_invites_and_revokes(own: Served) -> None:
    """The invitation is shown once; the state follows; what cannot be is a sentence; all is written down."""
    with own.client("admin") as client:
        token = csrf(client.get("/enrolment").text)
        made = client.post("/enrolment/invite", data={"csrf": token, "name": "shop-9", "days": "7"})
        assert made.status_code == 200
        assert "ds1" in made.text or 'class="secret"' in made.text
        assert "shop-9" in client.get("/enrolment").text
        assert 'class="secret"' not in client.get("/enrolment").text
        for form in ({"name": "Shop 9", "days": "7"}, {"name": "shop-8", "days": "99"}):
            assert client.post("/enrolment/invite", data={"csrf": token, **form}).status_code == 400
        twice = client.post("/enrolment/invite", data={"csrf": token, "name": "shop-9", "days": "7"})
        assert (twice.status_code, "has not used" in texts(twice.text)) == (409, True)
        assert client.post("/enrolment/revoke", data={"csrf": token, "name": "shop-9"}).status_code == 200
        assert client.post("/enrolment/revoke", data={"csrf": token, "name": "shop-9"}).status_code == 409
    assert [entry["what"] for entry in own.operators.audit(limit=2)] == ["node.revoked", "node.invited"]


def test_an_operator_does_not_invite(own: Served) -> None:
    """That is for admins."""
    with own.client("operator") as client:
        form = {"csrf": csrf(client.get("/enrolment").text), "name": "shop-9", "days": "7"}
        assert client.post("/enrolment/invite", data=form).status_code == 403
        assert "shop-9" not in client.get("/enrolment").text


def test_an_admin_ends_a_rollout(own: Served) -> None:
    """It is stopped once, and its group's version is taken back then; each is written down. Others have no button."""
    with own.client("operator") as client:
        page = client.get("/rollouts").text
        assert 'name="how"' not in page
        form = {"csrf": csrf(page), "number": "3", "how": "stop"}
        assert client.post("/rollouts", data=form).status_code == 403
    with own.client("admin") as client:
        form = {"csrf": csrf(client.get("/rollouts").text), "number": "3", "how": "stop"}
        assert client.post("/rollouts", data={**form, "csrf": ""}).status_code == 403
        assert client.post("/rollouts", data={**form, "how": "burn"}).status_code == 400
        done = client.post("/rollouts", data=form)
        assert (done.status_code, "by admin" in texts(done.text)) == (200, True)
        again = client.post("/rollouts", data=form)
        assert (again.status_code, "does not run" in texts(again.text)) == (409, True)
        assert 'value="back"' in client.get("/rollouts?version=1").text
        back = client.post("/rollouts", data={**form, "number": "1", "how": "back"})
        assert (back.status_code, "go back to what they had" in texts(back.text)) == (200, True)
    written = [(entry["who"], entry["what"], entry["detail"]) for entry in own.operators.audit(limit=2)]
    assert written == [("admin", "rollout.taken_back", "roll-out 1"), ("admin", "rollout.stopped", "roll-out 3")]
