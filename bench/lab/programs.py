"""Programs that others wrote and that are installed beside Doorstep, or not."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final, NamedTuple

from edge.errors import DoorstepError

SYSTEM_PATH: Final = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"  # Debian keeps mosquitto where users do not look


class ProgramMissing(DoorstepError):
    """A program is not installed."""


def find_program(name: str) -> str:
    """The path of an installed program. Raises ProgramMissing with what to install."""
    path = shutil.which(name, path=SYSTEM_PATH)
    if path is None:
        raise ProgramMissing(f"{name} is not installed. Install its package; tests/setup.sh names all that are used.")
    return path


def run(*command: str) -> None:
    """Run a tool to its end. Raises DoorstepError with its output where it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise DoorstepError(f"{' '.join(command)} failed: {done.stderr or done.stdout}")


class Certificates(NamedTuple):
    """A certificate authority of one run, and a certificate of it for 127.0.0.1 and localhost. PEM files."""

    ca: Path
    chain: Path
    key: Path


def make_certificates(folder: Path, days: int = 2) -> Certificates:
    """An authority, and a certificate of it for this machine."""
    openssl = find_program("openssl")
    ca, ca_key = folder / "ca.pem", folder / "ca.key"
    chain, key, request, names = (folder / name for name in ("tls.pem", "tls.key", "tls.csr", "names"))
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    run(
        openssl,
        "req",
        "-x509",
        *curve,
        "-keyout",
        f"{ca_key}",
        "-out",
        f"{ca}",
        "-days",
        f"{days}",
        "-subj",
        "/CN=test CA",
    )
    run(openssl, "req", *curve, "-keyout", f"{key}", "-out", f"{request}", "-subj", "/CN=localhost")
    names.write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n", encoding="utf-8")
    signed = ("-CA", f"{ca}", "-CAkey", f"{ca_key}", "-CAcreateserial", "-days", f"{days}", "-extfile", f"{names}")
    run(openssl, "x509", "-req", "-in", f"{request}", "-out", f"{chain}", *signed)
    return Certificates(ca, chain, key)
