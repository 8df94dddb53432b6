"""What dpkg knows of a package beside its files: control data, maintainer scripts, documents; and the archive."""

import gzip
import hashlib
import os
import shutil
import subprocess
from email.utils import formatdate
from pathlib import Path
from typing import Final, NamedTuple

from .licences import copyright_of
from .tree import installed_kib, settle

HERE: Final = Path(__file__).parent

MAINTAINER: Final = "Doorstep maintainers <doorstep@packages.invalid>"


class Description(NamedTuple):
    """What a package is, for `control`."""

    name: str
    summary: str
    text: str
    depends: list[str]
    suggests: str = ""
    """Not `Recommends`: apt would fetch it, and a box may have no network."""
    scripts: tuple[str, ...] = ("preinst",)


def write(root: Path, what: Description, version: str, architecture: str, epoch: int) -> None:
    """Everything of the package that is not in its wheels: documents, then control data about all files."""
    documents = root / "usr/share/doc" / what.name
    documents.mkdir(parents=True)
    (documents / "copyright").write_text(copyright_of(root), encoding="utf-8")
    entry = f"{what.name} ({version}) stable; urgency=medium\n\n  * CHANGELOG.md of the project has what changed.\n\n"
    entry += f" -- {MAINTAINER}  {formatdate(epoch)}\n"
    _gzip(documents / "changelog.Debian.gz", entry.encode())
    overrides = HERE / f"{what.name}.lintian-overrides"
    if overrides.exists():
        (root / "usr/share/lintian/overrides").mkdir(parents=True)
        shutil.copyfile(overrides, root / "usr/share/lintian/overrides" / what.name)
    control = root / "DEBIAN"
    control.mkdir()
    conffiles = sorted(f"/{path.relative_to(root)}\n" for path in (root / "etc").rglob("*") if path.is_file())
    if conffiles:
        (control / "conffiles").write_text("".join(conffiles), encoding="utf-8")
    size = installed_kib(root)
    for script in what.scripts:
        text = (HERE / "scripts" / script).read_text(encoding="utf-8").replace("@PACKAGE@", what.name)
        text = text.replace("@NEEDED_KIB@", str(size)).replace("@NEEDED_MB@", str(-(-size // 1024)))
        (control / script).write_text(text, encoding="utf-8")
        (control / script).chmod(0o755)
    (control / "md5sums").write_text(_sums(root), encoding="utf-8")
    fields = {
        "Package": what.name,
        "Version": version,
        "Architecture": architecture,
        "Maintainer": MAINTAINER,
        "Installed-Size": str(size),
        "Depends": ", ".join(what.depends),
        "Suggests": what.suggests,
        "Section": "net",
        "Priority": "optional",
        "Description": f"{what.summary}\n" + "\n".join(f" {line}" for line in what.text.splitlines()),
    }
    lines = "".join(f"{name}: {value}\n" for name, value in fields.items() if value)
    (control / "control").write_text(lines, encoding="utf-8")


def archive(root: Path, package: Path, epoch: int, compression: str) -> None:
    """The .deb of a tree. No file is younger than `epoch`, so the same tree is the same bytes."""
    settle(root)
    for path in [*root.rglob("*"), root]:
        os.utime(path, (epoch, epoch), follow_symlinks=False)
    command = ["dpkg-deb", "--root-owner-group", f"-Z{compression}", "--build", str(root), str(package)]
    done = subprocess.run(command, env={**os.environ, "SOURCE_DATE_EPOCH": str(epoch)}, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"dpkg-deb could not build {package.name}: {done.stderr}")


def _sums(root: Path) -> str:
    """The checksums of all files, as `dpkg --verify` reads them."""
    paths = sorted(path for path in root.rglob("*") if path.is_file() and not path.is_symlink())
    names = {path: path.relative_to(root) for path in paths}
    return "".join(
        f"{hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()}  {name}\n"
        for path, name in names.items()
        if name.parts[0] not in ("DEBIAN", "etc")
    )


def _gzip(path: Path, data: bytes) -> None:
    path.write_bytes(gzip.compress(data, 9, mtime=0))
