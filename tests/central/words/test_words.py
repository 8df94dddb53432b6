"""Each sentence of the centre that people read has its Chinese, with all that is filled in."""

import re

import pytest

from central.console.words import CHINESE
from central.words.words import in_chinese, own_sentences
from tests.repo.project import expect_none
from tests.repo.sentences import SLOTS, missing

READ_BY_PEOPLE = (
    "central/fleet/health.py",
    "central/fleet/watch.py",
    "central/fleet/reconcile.py",
    "central/ingest/verify.py",
    "central/ingest/admit.py",
    "central/rollout/plan.py",
    "central/rollout/progress.py",
    "central/console/changes.py",
    "central/operators/passwords.py",
    "central/enrolment/register.py",
    "central/quarantine.py",
    "edge/uplink/pushed/trial.py",
    "edge/uplink/pushed/state.py",
    "edge/uplink/pushed/verify.py",
)
"""Where sentences are written that the console shows."""

OF_COMMANDS = {
    "List, store or discard the batches that are kept aside.",
    "The centre's configuration (TOML).",
    "Store it, after an update or a new setting.",
    "Give it up; its node has deleted it, too.",
    "As JSON, for programs.",
    "No batch is",
    "1 batch is",
    "{} batches are",
    "{} kept aside.",
    "To store one once its reason is mended: --retry NODE/EPOCH/NUMBER. To give it up: --discard.",
    "The last stage is all, and there are at most {}: for example {}.",
    "{} is no stage: write a number of nodes, a share like 10%, or all.",
}
OF_LOGS = {
    "Restore it from a backup, or mend the disk.",
    "{} was written by another doorstep (schema {}; this one reads {}).",
    "{} cannot be opened: {}. {}",
    "{} Install that version again.",
    "Remove the file: the node then begins with its own configuration, and the centre offers again.",
    "it is in force again",
    "it stood its trial",
    "Version {} cannot be used either, what is in force stays. {}",
    "{} cannot be written: {}.",
}


OWN = "It stays the node's own. A centre may set x, and scenarios' options."
FINE = "A cell has resolution 13. Set cell_resolution of the node to 4 to 10."


def pairs() -> list[tuple[str, str]]:
    """Each sentence in English and in Chinese."""
    return [pair for section in own_sentences().values() for pair in section.items()]


def test_what_is_filled_in_is_filled_in_in_both() -> None:
    """No number and no name of a sentence gets lost, and each sentence in Chinese is Chinese."""
    expect_none(here for here, there in pairs() if sorted(SLOTS.findall(here)) != sorted(SLOTS.findall(there)))
    expect_none(here for here, there in pairs() if SLOTS.sub("", there).isascii())


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        (
            "Nothing came for 24 h. Look at its box and its network; it goes on deciding meanwhile.",
            "已有 24 小时没有数据",
        ),
        ("shop-3 has gone back from it: The node reports labels_full since.", "此后节点报告了问题 labels_full。"),
        (
            "Roll-out 2 went back: n-1 has refused it: The signature is not that of these settings.",
            "版本 2 已回退：n-1 拒绝了此版本：签名与这些配置不符。",
        ),
        (
            f"the centre's settings: listen = 5 cannot be used. {OWN}",
            "它只由节点自己决定",
        ),
        ("taken back by root (command)", "由 root（命令行） 撤回"),
        ("no answer from n-1 and 3 more", "n-1 及另外 3 个节点无应答"),
        ("The sides differ: 1 windows, the chain of hashes.", "双方数据不一致：1 个窗口、哈希链。"),
        (
            f"Batch 1/7 is kept aside: {FINE} See: doorstep central quarantine.",
            "批次 1/7 已被隔离：有网格的分辨率为 13",
        ),
        ("mei", "mei"),
        ("admin", "admin"),
    ],
)
def test_sentences_are_found_with_what_stands_in_them(english: str, chinese: str) -> None:
    """Also one within another; a name stays."""
    found = in_chinese(english)
    assert chinese in found
    assert not re.search(r"[a-z]{3,} [a-z]{2,} [a-z]{2,}", found.replace("doorstep central quarantine", ""))


def test_every_sentence_that_people_read_has_a_translation() -> None:
    """What the sources write is in the table; where a sentence is changed, its translation has to be, too."""
    expect_none(missing(READ_BY_PEOPLE, [*CHINESE, *(here for here, _ in pairs())], OF_COMMANDS | OF_LOGS))
