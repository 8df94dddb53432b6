"""Set-ups of a node, each wrong in one way, and what `doorstep check` is to call it."""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from bench.lab.programs import make_certificates
from bench.lab.settings import write_config
from edge.identity.credentials import Newcomer, add
from edge.identity.tokens import make_key
from edge.journal.journal import Journal
from edge.preflight.finding import Report
from edge.preflight.preflight import Wishes, look
from tests.edge.certified import enrolled

WISHES = Wishes(orders_per_day=10)


class Setup:
    """A node's folder, with nothing wrong. `options` go into edge.toml, `text` behind them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.options: dict[str, Any] = {"node": "n-1", "listen": "127.0.0.1:0", "status_listen": "127.0.0.1:0"}
        self.text = ""
        self.wishes = WISHES
        self.open: list[socket.socket] = []
        people = [Newcomer("till-1", ("shop",)), Newcomer("rider-1", ("rider",)), Newcomer("alice", ("customer",))]
        add(folder / "credentials", people)
        self.data = folder / "data"
        self.data.mkdir(mode=0o700)

    def tls(self, *, chain: bool = True, days: int = 30) -> tuple[Path, Path, Path]:
        """Switch TLS on, with a certificate of an authority of its own: authority, chain and key."""
        authority, certificate, key = make_certificates(self.folder, days)
        if chain:
            certificate.write_text(certificate.read_text() + authority.read_text())
        self.options |= {"listen_tls": "127.0.0.1:0", "tls_cert": certificate.name, "tls_key": key.name}
        return authority, certificate, key

    def write(self) -> Path:
        """The configuration."""
        path = self.folder / "edge.toml"
        write_config(path, self.options)
        path.write_text(path.read_text() + self.text)
        return path

    def look(self) -> Report:
        """What is found."""
        return look(self.write(), self.wishes)


@contextmanager
def setup(folder: Path) -> Iterator[Setup]:
    """A set-up whose sockets are closed afterwards."""
    made = Setup(folder)
    try:
        yield made
    finally:
        for plain in made.open:
            plain.close()


def _option(name: str, value: Any) -> Callable[[Setup], None]:
    return lambda site: site.options.__setitem__(name, value)


def _text(text: str) -> Callable[[Setup], None]:
    return lambda site: setattr(site, "text", site.text + text)


def _credentials(text: str, mode: int = 0o600) -> Callable[[Setup], None]:
    def change(site: Setup) -> None:
        path = site.folder / "credentials"
        path.write_text(path.read_text() + text)
        path.chmod(mode)

    return change


def _only(*people: Newcomer) -> Callable[[Setup], None]:
    def change(site: Setup) -> None:
        (site.folder / "credentials").write_text("")
        if people:
            add(site.folder / "credentials", people)

    return change


def _token_file(option: str, text: str, mode: int = 0o600) -> Callable[[Setup], None]:
    def change(site: Setup) -> None:
        path = site.folder / "token"
        path.write_text(text)
        path.chmod(mode)
        site.options |= {option: "token", option.split("_", maxsplit=1)[0]: "mqtt://127.0.0.1:1"}
        site.wishes = replace(site.wishes, offline=True)

    return change


def _taken(option: str) -> Callable[[Setup], None]:
    def change(site: Setup) -> None:
        plain = socket.create_server(("127.0.0.1", 0))
        site.open.append(plain)
        site.options[option] = f"127.0.0.1:{plain.getsockname()[1]}"

    return change


def _other_key(site: Setup) -> None:
    site.tls()
    other = site.folder / "other"
    other.mkdir()
    _, _, key = make_certificates(other)
    site.options["tls_key"] = f"other/{key.name}"


def _open_key(site: Setup) -> None:
    _, _, key = site.tls()
    key.chmod(0o644)


def _short_lived(site: Setup) -> None:
    site.tls(days=3)


def _no_issuer(site: Setup) -> None:
    site.tls(chain=False)


def _self_signed(site: Setup) -> None:
    authority, _, _ = site.tls()
    site.options |= {"tls_cert": authority.name, "tls_key": "ca.key"}


def _wrong_order(site: Setup) -> None:
    """The leaf comes twice, and has not signed itself."""
    _, certificate, _ = site.tls(chain=False)
    certificate.write_text(2 * certificate.read_text())


def _public_name(site: Setup) -> None:
    site.tls()
    site.wishes = replace(site.wishes, public=("wss://shop.example",), offline=True)


def _damaged_journal(site: Setup) -> None:
    (site.data / "journal.sqlite3").write_bytes(b"no database at all" * 300)


def _newer_journal(site: Setup) -> None:
    import apsw

    path = site.data / "journal.sqlite3"
    Journal.open(path).close()
    db = apsw.Connection(str(path))
    db.execute("PRAGMA user_version = 99")
    db.close()


def _scenarios_of_others(site: Setup) -> None:
    (site.folder / "scenarios").mkdir()
    (site.folder / "scenarios").chmod(0o777)
    site.options["scenario_path"] = "scenarios"


def _config_of_others(site: Setup) -> None:
    site.write().chmod(0o666)


def _no_keys(site: Setup) -> None:
    (site.folder / "keys.json").write_text("{}")
    site.options["token_keys"] = "keys.json"


def _wrong_revocations(site: Setup) -> None:
    make_key(site.folder / "key.json", site.folder / "keys.json", "ES256")
    (site.folder / "revoked").write_text("who knows\n")
    site.options |= {"token_keys": "keys.json", "token_revoked": "revoked"}


def _file_for_a_folder(site: Setup) -> None:
    (site.folder / "a-file").write_text("")
    site.options["data_dir"] = "a-file"


def _volatile(site: Setup) -> None:
    site.options["data_dir"] = f"/dev/shm/doorstep-{os.getpid()}"


def _offline(change: Callable[[Setup], None]) -> Callable[[Setup], None]:
    def both(site: Setup) -> None:
        change(site)
        site.wishes = replace(site.wishes, offline=True)

    return both


def _peer(option: str) -> Callable[[Setup], None]:
    def change(site: Setup) -> None:
        _token_file(f"{option}_token_file", "secret")(site)
        site.wishes = WISHES

    return change


def _elsewhere(site: Setup) -> None:
    site.tls()
    site.options["listen_tls"] = "192.0.2.7:0"


def _enrolled(days: float = 90, node: str = "n-1", **options: str) -> Callable[[Setup], None]:
    def change(site: Setup) -> None:
        enrolled(site.data, node, days)
        site.options |= options
        site.wishes = replace(site.wishes, offline=True)

    return change


def _damaged_enrolment(site: Setup) -> None:
    _enrolled()(site)
    (site.data / "uplink.json").write_text("{")


def _enrolled_with_token(site: Setup) -> None:
    _token_file("uplink_token_file", "secret")(site)
    _enrolled(uplink="mqtts://127.0.0.1:1")(site)


def _empty_authority(site: Setup) -> None:
    (site.folder / "ca.pem").write_text("nothing")
    _token_file("uplink_token_file", "secret")(site)
    site.options |= {"uplink": "mqtts://127.0.0.1:1", "uplink_ca": "ca.pem"}


def _metrics(mode: int) -> Callable[[Setup], None]:
    def change(site: Setup) -> None:
        site.tls()
        (site.folder / "metrics").write_text("secret")
        (site.folder / "metrics").chmod(mode)
        site.options |= {"listen_metrics": "127.0.0.1:0", "metrics_token_file": "metrics"}

    return change


def _metrics_without_a_token(site: Setup) -> None:
    _metrics(0o600)(site)
    del site.options["metrics_token_file"]


BROKEN: list[tuple[str, Callable[[Setup], None], str, str]] = [
    ("an option that does not exist", _option("lisen", "x"), "option", "There is no such option"),
    ("an option of a wrong type", _option("retention_days", "long"), "option", "retention_days"),
    ("an option out of bounds", _option("k_anonymity", 1), "option", "k_anonymity"),
    ("no name", lambda site: site.options.pop("node"), "option", "node"),
    ("a name in capitals", _option("node", "Shop 1"), "option", "node = 'Shop 1'"),
    ("an address without a port", _option("listen", "localhost"), "option", "host:port"),
    ("an option of a scenario at the top", _option("reply_s", 30), "option", "below a line [dispatch]"),
    ("a section of no scenario", _text("[dispach]\n"), "option", "There is no scenario of this name"),
    ("a wrong option in a section", _text("[dispatch]\nreply_s = 1\n"), "option", "[dispatch] reply_s"),
    ("a scenario that is not there", _option("scenarios", ["dispatch", "bikes"]), "option", "bikes"),
    ("TLS without a certificate", _option("listen_tls", "127.0.0.1:0"), "option", "tls_cert and tls_key"),
    (
        "everybody, from everywhere",
        lambda s: s.options.update(anonymous=True, listen="0.0.0.0:0"),
        "option anonymous",
        "loopback",
    ),
    ("everybody", _option("anonymous", True), "anonymous", "trying out"),
    ("the page for others", _option("status_listen", "0.0.0.0:0"), "option", "riders' positions"),
    ("an uplink that is no address", _option("uplink", "centre.example"), "option", "mqtts://centre.example:8883"),
    ("a file that is no TOML", _text("= 3\n"), "config_file", "the format is TOML"),
    ("a configuration for others to write", _config_of_others, "writable_by_others", "chmod go-w"),
    ("scenarios for others to write", _scenarios_of_others, "writable_by_others", "scenario_path"),
    ("no credentials", lambda site: (site.folder / "credentials").unlink(), "credentials", "doorstep credential add"),
    ("credentials for others to read", _credentials("", 0o644), "credentials", "chmod 600"),
    ("a line that is none", _credentials("bob:secret\n"), "credentials", "line 4"),
    ("a role that is none", _credentials(f"bob:cook:{'0' * 32}:{'0' * 64}\n"), "credentials", "'cook' is not a role"),
    ("nobody in the credentials", _only(), "no_client", "nobody can connect"),
    ("no shop", _only(Newcomer("rider-1", ("rider",))), "no_shop", "unknown_shop"),
    ("no rider", _only(Newcomer("till-1", ("shop",))), "no_rider", "role rider"),
    ("keys that are none", _no_keys, "token_keys", "keys.json"),
    ("revocations that are none", _wrong_revocations, "token_keys", "revoked, line 1"),
    ("an uplink without a token", _offline(_option("uplink", "mqtt://127.0.0.1:1")), "no_token", "as nobody"),
    ("an enrolment that is damaged", _damaged_enrolment, "enrolment", "doorstep enroll"),
    ("the enrolment of another node", _enrolled(node="n-2"), "enrolment", "that of n-2"),
    ("an enrolment that has ended", _enrolled(-5), "uplink_certificate_expired", "ended 5 days ago"),
    ("an enrolment that ends", _enrolled(10), "uplink_certificate_ends", "renews it"),
    ("an enrolment beside a token", _enrolled_with_token, "unused_token", "Remove uplink_token_file"),
    ("an empty token", _token_file("uplink_token_file", ""), "token_file", "The file is empty"),
    ("a token for others to read", _token_file("uplink_token_file", "secret", 0o644), "token_file", "chmod 600"),
    ("a token of two lines", _token_file("link_token_file", "one\ntwo\n"), "token_file", "more than one line"),
    ("metrics for others", _metrics_without_a_token, "option", "metrics_token_file"),
    ("a token of metrics for others to read", _metrics(0o644), "token_file", "chmod 600"),
    ("a port that is taken", _taken("listen"), "address", "another program has this port"),
    ("the page's port that is taken", _taken("status_listen"), "address", "status_listen"),
    ("an address of another machine", _elsewhere, "address", "no network of this machine"),
    ("plain beyond loopback", _option("listen", "0.0.0.0:0"), "plain_beyond_loopback", "listen_tls"),
    ("a certificate that is not there", lambda s: s.tls()[1].unlink(), "certificate", "tls_cert"),
    ("another certificate's key", _other_key, "certificate", "key"),
    ("a key for others to read", _open_key, "certificate", "chmod o="),
    ("a certificate that ends", _short_lived, "certificate_ends", "ends in"),
    ("a certificate of its own", _self_signed, "certificate_self_signed", "WeChat"),
    ("a certificate without its issuer", _no_issuer, "certificate_chain", "full chain"),
    ("a chain that is none", _wrong_order, "certificate_chain", "is not signed by"),
    ("a certificate for another name", _public_name, "certificate_name", "not for shop.example"),
    ("an authority that is none", _empty_authority, "authority", "holds no certificate"),
    ("data for others to read", lambda site: site.data.chmod(0o755), "data_dir", "chmod 700"),
    ("a file for a folder", _file_for_a_folder, "data_dir", "is no folder"),
    ("data in memory", _volatile, "volatile_disk", "power cut"),
    ("a journal that is none", _damaged_journal, "journal", "journal"),
    ("a newer version's journal", _newer_journal, "journal", "newer doorstep"),
    (
        "more orders than the disk has room for",
        lambda s: setattr(s, "wishes", replace(s.wishes, orders_per_day=10_000_000)),
        "disk_space",
        "shorten retention_days",
    ),
    ("a journal that will be too small", _option("journal_max_gb", 0.001), "journal_too_small", "Raise it"),
    ("a rehearsal's clock", _option("clock_speed", 60.0), "clock_speed", "rehearsals"),
    ("a centre that is not there", _peer("uplink"), "uplink", "nobody answers"),
    ("a broker that is not there", _peer("link"), "link", "nobody answers"),
]
