"""Nodes that bring their own key: invitations, certificates, and how they end."""
