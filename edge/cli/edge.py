"""`doorstep edge`: run the node."""

import sys

import click


@click.command(short_help="Run the node: events in over MQTT, decisions out.")
@click.option("--config", "config_path", required=True, metavar="FILE", help="The node's configuration (TOML).")
def edge(config_path: str) -> None:
    """Run the node until SIGTERM or Ctrl-C. SIGHUP reads the configuration again.

    \b
    Examples:
      doorstep edge --config edge.toml
      kill -HUP $(systemctl show -p MainPID --value doorstep-edge)    # after a change of edge.toml

    Exit codes: 0 stopped as asked, 2 the configuration cannot be used, 3 a port or the data directory is in use,
    4 the journal cannot be written or read.
    """
    from ..app.process.gc import starting

    with starting():
        from ..app.run import run

        code = run(config_path)
    sys.exit(code)
