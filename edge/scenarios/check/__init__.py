"""The harness of `doorstep scenario check`, and the project that `doorstep scenario new` writes.

It is for authors, not for the node: it starts processes and reads files, and nothing of the node imports it.
"""
