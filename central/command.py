"""`doorstep central`: run the collector, invite nodes to it, settle what it could not store, roll settings out, send
alerts."""

import sys

import click

from .alerts.command import alert
from .enrolment.command import invite, retire
from .fleet.command import nodes
from .health_index.command import health
from .operators.command import token, user
from .quarantine import quarantine
from .rollout.command import group, rollout


@click.group(
    invoke_without_command=True, short_help="Run the collector: batches in over MQTT, summaries out over HTTP."
)
@click.option("--config", "config_path", metavar="FILE", help="The centre's configuration (TOML).")
@click.pass_context
def central(context: click.Context, config_path: str | None) -> None:
    """Run the centre until SIGTERM or Ctrl-C. SIGHUP reads the credentials and the certificate again.

    \b
    Examples:
      doorstep central --config central.toml
      doorstep central invite shop-7 --expires 7d --config central.toml
      doorstep central nodes --config central.toml
      doorstep central health --config central.toml
      doorstep central retire shop-7 --config central.toml
      doorstep central quarantine --config central.toml
      doorstep central rollout start evening.toml --config central.toml
      doorstep central user add mei --role admin --config central.toml
      doorstep central token add dashboard --scope read --config central.toml
      doorstep central alert test --config central.toml
      curl -s localhost:8090/api/nodes
      curl -s 'localhost:8090/api/summary?from=2026-01-31T00:00:00Z&to=2026-02-01T00:00:00Z'

    Exit codes: 0 stopped as asked, 2 the configuration cannot be used, 3 a port or the data directory is in use,
    4 the store cannot be written or read.
    """
    if context.invoked_subcommand is not None:
        if config_path is not None:
            raise click.UsageError(f"Write --config after {context.invoked_subcommand}.")
        return
    if config_path is None:
        raise click.UsageError("Missing option '--config'.")
    from .run import run

    sys.exit(run(config_path))


central.add_command(alert)
central.add_command(invite)
central.add_command(nodes)
central.add_command(health)
central.add_command(retire)
central.add_command(quarantine)
central.add_command(rollout)
central.add_command(group)
central.add_command(user)
central.add_command(token)
