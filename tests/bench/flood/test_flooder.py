"""The process that floods."""

import json
import socket
import subprocess
import sys

from bench.flood.floods import FLOODS, flooder_of


def test_a_flooder_waits_for_its_line_and_reports_what_it_sent() -> None:
    """It builds its bytes first, begins with its line, connects anew where it is hung up on, and ends by itself."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        command = [sys.executable, "-m", "bench.flood.flooder", "pingreq", str(port), "0.3", "1", "1000"]
        flooder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert flooder.stdout is not None
        assert flooder.stdout.readline() == b"ready\n"
        assert flooder.stdin is not None
        flooder.stdin.write(b"go\n")
        flooder.stdin.flush()
        first, _ = listener.accept()
        opening = first.recv(65_536)
        first.close()
        second, _ = listener.accept()
        output, _ = flooder.communicate()
        second.close()
    assert opening.startswith(FLOODS["pingreq"].opening(flooder_of("pingreq")))
    did = json.loads(output)
    assert did["connections"] >= 2
    assert did["bytes"] > len(opening)
