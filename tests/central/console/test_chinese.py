"""No page in Chinese has English: each is fetched, with all that operators are answered, and read word by word."""

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import httpx
import pytest

from bench.lab.settings import free_port
from central.ingest.verify import Alarm
from central.store.open import open_store
from central.words.words import own_sentences
from tests.central.consoles import NOW_MS, PASSWORD, Served, csrf, fill, served
from tests.repo.sentences import SLOTS

PAGES = (
    "/login /account /audit /demand /enrolment /health /latency /ledger?all=1 /nodes/nobody /nodes/shop-1 /nodes/shop-4"
    " /orders /orders?range=1h /quarantine /reconciliation?node=shop-1 /reconciliation?node=nobody"
    " /rollouts /rollouts?version=1 /rollouts?version=2 /"
).split()

NAMES = {
    *"Doorstep English Parquet CSV JSON UTC SHA NTP TOTP".split(),  # products, formats, protocols
    *"ms min kB MB GB".split(),  # units
    *"centre dispatch all mei viewer operator admin test nobody no cryptography".split(),  # of this fixture
}
COMMAND = re.compile(r"doorstep(?: (?:--)?[A-Za-z]+)+")
HIDDEN = re.compile(r"<(script|style|code|pre)\b.*?</\1>", re.DOTALL)
SEEN = re.compile(r'(?:aria-label|title|alt|placeholder|data-(?:name|live|paused|lost))="([^"]*)"|>([^<]*)<')
WORD = re.compile(r"(?<![\w.@/:-])[A-Za-z][a-z]+(?![\w@/:-]|\.\w)")


def english(page: str) -> set[str]:
    """The words of a page, and of what a screen reader has, that are neither Chinese nor a name, a unit, a command."""
    text = " ".join(first or second for first, second in SEEN.findall(HIDDEN.sub("", page.partition("<body")[2])))
    return set(WORD.findall(COMMAND.sub("", unescape(text)))) - NAMES


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A console of a centre that invites, with every sentence of an alarm that there is."""
    folder: Path = tmp_path_factory.mktemp("chinese")
    fill(folder / "data")
    store = open_store(folder / "data")
    with store.group(["shop-1"]) as group:
        for detail in own_sentences()["alarms"]:
            filled = detail.replace("{text}", "It is discarded.").replace("{why}", "7")
            group.refused("shop-1", Alarm("below_k", SLOTS.sub("7", filled), 3), NOW_MS)
    store.close()
    address = f"127.0.0.1:{free_port()}"
    with served(folder, f'listen_tls = "{address}"\nadvertised_address = "{address}"\n') as running:
        yield running


def test_no_page_has_english(own: Served) -> None:
    """Each that an admin sees, and the log-in."""
    with own.client("admin", **{"accept-language": "zh"}) as client:
        found = {path: english(client.get(path).text) for path in PAGES}
        found["/login"] = english(httpx.get(f"{own.url}/login", headers={"accept-language": "zh"}).text)
    assert {path: words for path, words in found.items() if words} == {}


def test_no_answer_has_english(own: Served) -> None:
    """Whatever operators do that works, and that does not."""
    with own.client("admin", **{"accept-language": "zh"}) as client:
        token = csrf(client.get("/enrolment").text)
        answers: list[httpx.Response] = []

        def post(path: str, **form: str) -> None:
            answers.append(client.post(path, data={"csrf": token, **form}))

        for name, days in (("Shop 9", "7"), ("shop-9", "99"), ("shop-9", "7"), ("shop-9", "7")):
            post("/enrolment/invite", name=name, days=days)
        for name in ("shop-9", "shop-9"):
            post("/enrolment/revoke", name=name)
        for number, how in (("3", "burn"), ("1", "back"), ("3", "stop"), ("3", "stop"), ("1", "back")):
            post("/rollouts", number=number, how=how)
        for what in ("retry", "discard", "discard"):
            post("/quarantine", batch="shop-4/1/1", what=what)
        for new, again, present in (("a" * 12, "b", ""), ("a", "a", PASSWORD), ("a" * 12, "a" * 12, PASSWORD)):
            post("/account/password", new=new, again=again, present=present)
        post("/account/password", new=PASSWORD, again=PASSWORD, present="wrong")
        post("/account/totp", secret="", code="1", present=PASSWORD)
        post("/account/sessions")
        answers.append(client.post("/quarantine", data={"csrf": "", "batch": "x"}))
        answers += [client.get(path) for path in ("/audit", "/rollouts?version=1", "/nodes/shop-4", "/")]
    with own.client("viewer", **{"accept-language": "zh"}) as client:
        answers += [client.get(path) for path in ("/audit", "/quarantine", "/rollouts")]
        answers.append(client.post("/login", data={"name": "mei", "password": "wrong"}))
    found = {f"{number} {answer.url.path}": english(answer.text) for number, answer in enumerate(answers)}
    assert {name: words for name, words in found.items() if words} == {}
