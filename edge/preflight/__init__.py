"""What can be known before a node starts: `doorstep check`. Read the modules in this sequence: `finding` is what comes
out, `configuration`, `files`, `machine`, `doors` and `peers` look, `preflight` calls them."""
