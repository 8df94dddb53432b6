"""The folder of the enrolment, and the TLS of the nodes' listener."""

import ssl
import threading
from pathlib import Path
from typing import Any

import pytest

from bench.lab.programs import make_certificates
from central.config import Config
from central.enrolment import files
from central.enrolment.authority import SERVER_DAYS, CertificateAuthority, top_of
from edge.errors import ConfigError, InputError


def config(folder: Path, **options: Any) -> Config:
    """One that invites."""
    return Config(
        data_dir=str(folder / "data"),
        credentials=str(folder / "credentials"),
        listen_tls="127.0.0.1:8884",
        advertised_address="centre.example:8884",
        **options,
    )


def test_everything_is_made_once(tmp_path: Path) -> None:
    """Authority, certificate and register, for their owner only; a second look, also by many at once, changes none."""
    made = config(tmp_path)
    authorities: list[str] = []

    def prepare() -> None:
        _, authority, register = files.prepare("central.toml", made)
        register.close()
        authorities.append(authority.pem)

    threads = [threading.Thread(target=prepare) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(authorities) == 6
    assert len(set(authorities)) == 1
    context, ends_ms = files.tls("central.toml", made)
    assert context.verify_mode == ssl.CERT_OPTIONAL
    assert ends_ms is not None
    folder = tmp_path / "data" / files.FOLDER
    server = (folder / "server.pem").read_text()
    assert files.tls("central.toml", made)[1] == ends_ms
    assert (folder / "server.pem").read_text() == server
    files.tls("central.toml", config(tmp_path, name="other"))
    assert {path.stat().st_mode & 0o077 for path in (folder, *folder.iterdir())} == {0}


def test_a_certificate_that_ends_soon_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the same authority, so that no node notices."""
    made = config(tmp_path)
    files.tls("central.toml", made)
    folder = tmp_path / "data" / files.FOLDER
    before, authority = (folder / "server.pem").read_text(), (folder / "ca.pem").read_text()
    monkeypatch.setattr(files, "SERVER_RENEW_DAYS", SERVER_DAYS + 1)
    files.tls("central.toml", made)
    assert (folder / "server.pem").read_text() != before
    assert (folder / "ca.pem").read_text() == authority


def test_another_name_gets_another_certificate(tmp_path: Path) -> None:
    """The authority stays, and so does the fingerprint of invitations."""
    files.tls("central.toml", config(tmp_path))
    folder = tmp_path / "data" / files.FOLDER
    before = (folder / "server.pem").read_text(), (folder / "ca.pem").read_text()
    moved = Config(data_dir=str(tmp_path / "data"), listen_tls="127.0.0.1:8884", advertised_address="127.0.0.1:8884")
    files.tls("central.toml", moved)
    after = (folder / "server.pem").read_text(), (folder / "ca.pem").read_text()
    assert before[0] != after[0]
    assert before[1] == after[1]


def test_the_operators_certificate_is_the_one_that_is_shown(tmp_path: Path) -> None:
    """Then the top of its chain is what invitations name, and a file that is none is named by its option."""
    _, chain, key = make_certificates(tmp_path)
    made = config(tmp_path, tls_cert=str(chain), tls_key=str(key))
    _, authority, register = files.prepare("central.toml", made)
    register.close()
    assert files.top("central.toml", made, authority) == top_of(chain)
    assert files.top("central.toml", config(tmp_path), authority) == authority.certificate
    assert len(files.fingerprint(authority.certificate)) == 32
    files.tls("central.toml", made)
    assert not (tmp_path / "data" / files.FOLDER / "server.pem").exists()
    chain.write_text("nothing")
    with pytest.raises(ConfigError, match="tls_cert"):
        files.top("central.toml", made, authority)


def test_the_operators_authority_signs(tmp_path: Path) -> None:
    """No authority is made beside it."""
    (tmp_path / "own").mkdir()
    CertificateAuthority.make(tmp_path / "own", "operator")
    made = config(tmp_path, ca_cert=str(tmp_path / "own/ca.pem"), ca_key=str(tmp_path / "own/ca.key"))
    files.tls("central.toml", made)
    folder = tmp_path / "data" / files.FOLDER
    assert not (folder / "ca.pem").exists()
    assert top_of(folder / "server.pem") == top_of(tmp_path / "own/ca.pem")
    enrolment = files.opened("central.toml", made)
    assert enrolment.states() == {}
    enrolment.close()


def test_a_folder_of_others_is_refused(tmp_path: Path) -> None:
    """One that others may enter, and one that cannot be made."""
    folder = files.folder_of(config(tmp_path))
    folder.chmod(0o755)
    with pytest.raises(InputError, match="chmod 700"):
        files.folder_of(config(tmp_path))
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be made"):
        files.folder_of(config(tmp_path / "file"))
