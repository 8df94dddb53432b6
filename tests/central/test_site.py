"""The centre's HTTP, opened by a real centre: in plain, and over TLS for browsers elsewhere."""

import signal
import ssl
import sys
from pathlib import Path

import httpx
from click.testing import CliRunner

from bench.lab.process import Process
from bench.lab.programs import make_certificates
from bench.lab.settings import free_port
from central.command import central
from tests.central.consoles import PASSWORD


def test_the_console_is_served_over_tls(tmp_path: Path) -> None:
    """With the certificate of the configuration, also after it is read again; the cookie's name is for TLS alone, and
    the process ends although a page is open."""
    certificates = make_certificates(tmp_path)
    port = free_port()
    lines = [
        "anonymous = true",
        'listen = "127.0.0.1:0"',
        'api_listen = ""',
        f'api_listen_tls = "127.0.0.1:{port}"',
        f'tls_cert = "{certificates.chain}"',
        f'tls_key = "{certificates.key}"',
    ]
    config = tmp_path / "central.toml"
    config.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    command = [sys.executable, "-m", "edge", "central", "--config", str(config)]
    running = Process("central", command, tmp_path, "is ready")
    try:
        running.start()
        words = ["user", "add", "mei", "--role", "viewer", "--config", str(config)]
        assert CliRunner().invoke(central, words, input=PASSWORD).exit_code == 0
        trust = ssl.create_default_context(cafile=certificates.ca)
        with httpx.Client(base_url=f"https://127.0.0.1:{port}", verify=trust, timeout=60) as client:
            answer = client.post("/login", data={"name": "mei", "password": PASSWORD})
            assert answer.headers["set-cookie"].startswith(f"__Host-doorstep-centre-{port}=")
            page = client.get("/")
            assert "strict-transport-security" in page.headers
            assert "No node has ever sent anything" in page.text
            running.send_signal(signal.SIGHUP)
            assert client.get("/healthz").status_code == 200
            with client.stream("GET", "/events") as stream:
                assert next(stream.iter_lines()) == "retry: 5000"
                assert running.stop() == 0
    finally:
        running.kill()
