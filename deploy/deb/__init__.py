"""Debian packages, by plain `dpkg-deb` and from locked wheels: `python -m deploy.deb` (`make deb`)."""
