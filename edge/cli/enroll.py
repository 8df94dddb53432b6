"""`doorstep enroll`: a node gets its certificate from its centre."""

import sys
from pathlib import Path

import click


@click.command(short_help="Get this node's certificate from its centre.")
@click.argument("string")
@click.option("--config", "config_path", default="edge.toml", metavar="FILE", help="The node's configuration.")
def enroll(string: str, config_path: str) -> None:
    """Enrol this node with STRING, the invitation that `doorstep central invite` printed (-: from standard input, where
    neither a log nor another user sees it): make its key, and get a certificate for it. Both stay in the data
    directory, beside the centre's address; `edge.toml` is not changed.

    Run it as the node's user. A running node that is enrolled already takes up the new certificate by itself.

    \b
    Example:
      doorstep enroll doorstep://shop-7@centre.example:8884/centre/… --config /etc/doorstep/edge.toml

    Exit codes: 0 enrolled, 1 the centre cannot be reached or refuses, 2 the string or the configuration cannot be used.
    """
    from ..app.config import load
    from ..errors import ConfigError
    from ..identity.invitation import STRING_CHARACTERS_MAX, parse
    from ..service.datadir import holder
    from ..service.options import addresses
    from ..uplink.enroll import enroll as enrolled
    from ..uplink.enrolment import read

    invitation = parse(sys.stdin.readline(STRING_CHARACTERS_MAX + 1) if string == "-" else string)
    config = load(config_path)
    if invitation.node != config.node:
        hint = f"The invitation is for {invitation.node}. Use one name for both, or ask for another invitation."
        raise ConfigError(config_path, "node", config.node, hint)
    if any(not url.startswith("mqtts:") for url in addresses(config, "uplink")):
        hint = f"The certificate needs TLS. Remove the option (the invitation leads to {invitation.address})."
        raise ConfigError(config_path, "uplink", config.uplink, hint)
    if config.uplink and config.uplink_name != invitation.centre:
        hint = f"The invitation is of the centre {invitation.centre}. Remove uplink and uplink_name."
        raise ConfigError(config_path, "uplink_name", config.uplink_name, hint)
    data = Path(config.data_dir)
    takes_up = bool(holder(data)) and read(data, config.node) is not None
    made = enrolled(data, invitation)
    click.echo(
        f"{config.node} is enrolled at {made.settings.uplink}. Its certificate is good for {made.days_left:.0f} days."
    )
    if config.uplink_token_file:
        click.echo(f"Its token is not used any more: remove uplink_token_file from {config_path}.", err=True)
    if takes_up:
        click.echo("The running node takes it up within seconds.", err=True)
    else:
        click.echo("Start the node (or restart it): it connects with the certificate.", err=True)
