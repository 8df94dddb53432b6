"""A copy of everything that a node needs to go on elsewhere: `manifest` is what a copy holds, `copy` makes one beside a
running node, `restore` puts one back."""
