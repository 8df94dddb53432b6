"""The commands of the node, one file each. `edge.__main__` lists them."""
