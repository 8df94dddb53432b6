"""Tests of edge.messages.roles."""

from edge.messages.roles import ROLES
from edge.scenarios.dispatch import Dispatch


def test_messages_name_known_roles():
    """Every message names at least one role, and only roles that a credential may have."""
    for message in Dispatch.messages:
        assert message.roles, message.kind
        assert set(message.roles) <= set(ROLES), message.kind
