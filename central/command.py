"""`doorstep central`: run the collector."""

import sys

import click


@click.command(short_help="Run the collector: batches in over MQTT, summaries out over HTTP.")
@click.option("--config", "config_path", required=True, metavar="FILE", help="The centre's configuration (TOML).")
def central(config_path: str) -> None:
    """Run the centre until SIGTERM or Ctrl-C. SIGHUP reads the credentials and the certificate again.

    \b
    Examples:
      doorstep central --config central.toml
      curl -s localhost:8090/api/nodes
      curl -s 'localhost:8090/api/summary?from=2026-01-31T00:00:00Z&to=2026-02-01T00:00:00Z'

    Exit codes: 0 stopped as asked, 2 the configuration cannot be used, 3 a port or the data directory is in use,
    4 the store cannot be written or read.
    """
    from .run import run

    sys.exit(run(config_path, click.echo))
