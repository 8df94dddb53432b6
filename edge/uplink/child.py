"""A module of ours in a process of its own for a second: what needs the library `cryptography`. A running node does
without its 25 MB.
"""

import asyncio
import sys
from collections.abc import Sequence


async def asked(module: str, question: bytes, seconds_max: float, words: Sequence[str] = ()) -> tuple[int, bytes]:
    """Run `python -m MODULE WORDS`, which reads the question from standard input: its exit code, and what it printed.
    Nothing of it is left afterwards. Raises OSError where there is no room for a process, TimeoutError."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", module, *words, stdin=pipe, stdout=pipe)
    try:
        async with asyncio.timeout(seconds_max):
            answer, _ = await process.communicate(question)
    finally:
        if process.returncode is None:
            process.kill()
        code = await process.wait()
    return code, answer
