"""The commands of the node, one file each. Found through the entry points of the group `doorstep.commands`."""
