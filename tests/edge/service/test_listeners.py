"""Tests of edge.service.listeners: who may connect, as the files have it, and where."""

import asyncio
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from bench.lab.programs import make_certificates
from edge.errors import BusyError, DoorstepError
from edge.identity.authority import Authority
from edge.identity.credentials import Credentials, Newcomer, add, remove
from edge.identity.revocations import Revocations, revoke
from edge.mqtt.server.endpoint import Endpoint, EndpointOptions
from edge.service.listeners import Listener, Listeners
from edge.service.options import Addresses

LISTENERS = [Listener("listen"), Listener("listen_tls", tls=True)]


class Options(Struct, frozen=True, kw_only=True):
    """What a configuration has for them."""

    listen: Addresses = "127.0.0.1:0"
    listen_tls: Addresses = ""
    anonymous: bool = False
    credentials: str = ""
    tls_cert: str = ""
    tls_key: str = ""


def loaded(options: Options) -> Authority:
    """From the credentials, where anybody is asked for them."""
    return Authority(Credentials.load(options.credentials) if options.listen and not options.anonymous else None)


def test_files_are_read_again_or_stay_as_they_were(tmp_path: Path) -> None:
    """A client that is removed is refused after the next reading; a file that cannot be used changes nothing."""
    path = tmp_path / "credentials"
    made = add(path, [Newcomer(client, ["rider"]) for client in ("rider-1", "rider-2")])
    tokens = {client: token.encode() for client, token in made.items()}
    options = Options(credentials=str(path))
    listeners = Listeners("edge.toml", options, LISTENERS, loaded)
    assert listeners.authenticate("rider-1", tokens["rider-1"])
    assert not listeners.authenticate("rider-1", tokens["rider-2"])
    remove(path, "rider-1")
    path.chmod(0o644)
    with pytest.raises(DoorstepError, match="chmod 600"):
        listeners.read(options)
    assert listeners.authenticate("rider-1", tokens["rider-1"])
    path.chmod(0o600)
    listeners.read(options)
    assert not listeners.authenticate("rider-1", tokens["rider-1"])
    assert listeners.authenticate("rider-2", tokens["rider-2"])


def test_a_change_of_the_credentials_is_noticed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Without being asked for, once; a file that cannot be used is logged once and changes nothing, and counts when its
    mode is mended."""
    path = tmp_path / "credentials"
    made = add(path, [Newcomer(client, ["rider"]) for client in ("rider-1", "rider-2")])
    listeners = Listeners("edge.toml", Options(credentials=str(path)), LISTENERS, loaded)
    assert not listeners.look()
    remove(path, "rider-1")
    assert [listeners.look(), listeners.look()] == [True, False]
    assert not listeners.authenticate("rider-1", made["rider-1"].encode())
    remove(path, "rider-2")
    path.chmod(0o644)
    assert [listeners.look(), listeners.look()] == [False, False]
    assert listeners.authenticate("rider-2", made["rider-2"].encode())
    assert caplog.text.count("chmod 600") == 1
    path.chmod(0o600)
    assert listeners.look()
    assert not listeners.authenticate("rider-2", made["rider-2"].encode())


@pytest.mark.parametrize("options", [Options(anonymous=True), Options(listen="")])
def test_what_nobody_is_asked_for_needs_no_file(options: Options) -> None:
    """Neither anonymous clients nor a process without listeners need credentials, and nobody is let in by them."""
    listeners = Listeners("edge.toml", options, LISTENERS, loaded)
    assert not listeners.has_tls
    assert not listeners.authenticate("rider-1", b"")


def opened(options: Options) -> dict[str, int]:
    """The ports of an endpoint with these listeners, after a connection to each."""

    async def main() -> dict[str, int]:
        receiver: Any = None
        listeners = Listeners("edge.toml", options, LISTENERS, loaded)
        endpoint = Endpoint("n-1", receiver, listeners.authenticate, EndpointOptions(anonymous=True))
        try:
            ports = await listeners.open(endpoint)
            for option, port in ports.items():
                authority = Path(options.tls_cert).parent / "ca.pem"
                tls = ssl.create_default_context(cafile=authority) if option == "listen_tls" else None
                _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
                writer.close()
        finally:
            await endpoint.close()
        return ports

    return asyncio.run(main())


def test_each_option_with_an_address_is_a_listener(tmp_path: Path) -> None:
    """Plain and with TLS; the ports are those that were bound."""
    _, certificate, key = make_certificates(tmp_path)
    files = {"tls_cert": str(certificate), "tls_key": str(key)}
    ports = opened(Options(listen_tls="127.0.0.1:0", anonymous=True, **files))
    assert list(ports) == ["listen", "listen_tls"]
    assert len(set(ports.values()) - {0}) == 2


def test_a_busy_port_is_named_with_its_option() -> None:
    """Which port, which option, which file."""
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        with pytest.raises(BusyError, match=rf"{port}.* option listen in edge\.toml"):
            opened(Options(listen=f"127.0.0.1:{port}", anonymous=True))


def test_revocations_are_looked_for_and_a_wrong_file_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A change is reported once; a file that cannot be used is logged, and what was known stays."""
    path = tmp_path / "revoked"
    listeners = Listeners(
        "edge.toml", Options(listen=""), LISTENERS, lambda _: Authority(None, None, Revocations(path))
    )
    assert not listeners.look()
    revoke(path, client="c-1")
    assert [listeners.look(), listeners.look()] == [True, False]
    path.write_text("nonsense")
    assert not listeners.look()
    assert "who may connect stays as it was" in caplog.text


def test_a_certificate_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    """New connections get the old certificate while the new pair does not fit together, and the new one after it does;
    who is connected stays connected."""
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
    (old_ca, chain, key), (new_ca, new_chain, new_key) = make_certificates(first), make_certificates(second)
    options = Options(listen="", listen_tls="127.0.0.1:0", anonymous=True, tls_cert=str(chain), tls_key=str(key))

    async def main() -> None:
        receiver: Any = None
        listeners = Listeners("edge.toml", options, LISTENERS, loaded)
        endpoint = Endpoint("n-1", receiver, listeners.authenticate, EndpointOptions(anonymous=True))

        async def trusted(authority: Path) -> bool:
            """Whether a handshake succeeds for who trusts this authority."""
            try:
                tls = ssl.create_default_context(cafile=authority)
                _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
            except ssl.SSLCertVerificationError:
                return False
            writer.close()
            return True

        try:
            port = (await listeners.open(endpoint))["listen_tls"]
            tls = ssl.create_default_context(cafile=old_ca)
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
            assert await trusted(old_ca)
            ends = listeners.certificate_ends_ms
            chain.write_bytes(new_chain.read_bytes())
            with pytest.raises(DoorstepError, match="KEY_VALUES_MISMATCH"):
                listeners.read(options)
            assert await trusted(old_ca)
            assert listeners.certificate_ends_ms == ends
            key.write_bytes(new_key.read_bytes())
            listeners.read(options)
            assert await trusted(new_ca)
            assert not await trusted(old_ca)
            assert not reader.at_eof()
            writer.close()
        finally:
            await endpoint.close()

    asyncio.run(main())


def test_a_plain_listener_for_other_machines_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    """It names the option and what to use; one on loopback is none."""

    async def main(address: Addresses) -> list[str]:
        receiver: Any = None
        options = Options(listen=address)
        listeners = Listeners("edge.toml", options, LISTENERS, lambda _: Authority())
        endpoint = Endpoint("n-1", receiver, listeners.authenticate)
        await listeners.open(endpoint)
        await endpoint.close()
        return listeners.plain

    assert asyncio.run(main("127.0.0.1:0")) == []
    assert caplog.text == ""
    assert asyncio.run(main(["127.0.0.1:0", "0.0.0.0:0"])) == ["listen"]
    assert "Use listen_tls" in caplog.text


def test_several_addresses_of_one_listener(caplog: pytest.LogCaptureFixture) -> None:
    """All of them serve and are logged; the port of the first is the one that is written down."""
    caplog.set_level("INFO")

    async def main() -> None:
        receiver: Any = None
        options = Options(listen=["127.0.0.1:0", "[::1]:0"])
        listeners = Listeners("edge.toml", options, LISTENERS, lambda _: Authority())
        endpoint = Endpoint("n-1", receiver, listeners.authenticate)
        ports = await listeners.open(endpoint)
        lines = caplog.messages
        assert lines[0] == f"listening on 127.0.0.1:{ports['listen']} (listen)"
        for line in lines:
            host, _, port = line.split()[2].rpartition(":")
            _, writer = await asyncio.open_connection(host, int(port))
            writer.close()
        assert len(lines) == 2
        await endpoint.close()

    asyncio.run(main())


async def test_http_listens_apart_from_mqtt(caplog: pytest.LogCaptureFixture) -> None:
    """Each has its own options; the names that others can reach without TLS are the same list."""

    class Web:
        def __init__(self) -> None:
            self.asked: list[tuple[str, bool]] = []

        async def listen(self, address: str, *, tls: Any = None) -> tuple[str, int]:
            self.asked.append((address, tls is not None))
            return "0.0.0.0", 8880

    class More(Options, frozen=True, kw_only=True):
        listen_http: Addresses = ""

    options = More(anonymous=True, listen_http=["0.0.0.0:8880"])
    listeners = Listeners("edge.toml", options, [*LISTENERS, Listener("listen_http", http=True)], loaded)
    endpoint = Endpoint("n-1", None, listeners.authenticate, EndpointOptions(anonymous=True))  # type: ignore[arg-type]
    caplog.set_level("INFO")
    assert set(await listeners.open(endpoint)) == {"listen"}
    web = Web()
    assert await listeners.open_http(web, listeners.wanted[1:]) == {"listen_http": 8880}
    assert web.asked == [("0.0.0.0:8880", False)]
    assert "listening on 0.0.0.0:8880 (listen_http)" in caplog.messages
    assert listeners.plain == ["listen_http"]
    assert "Use listen_https" in caplog.text
    await endpoint.close()
