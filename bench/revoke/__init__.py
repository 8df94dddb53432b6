"""How long somebody who is revoked is still there."""
