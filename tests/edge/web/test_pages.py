"""Pages in the words of a language."""

import pytest

from edge.web.pages import STATIC, translated
from edge.words.words import words


def test_a_key_becomes_its_word() -> None:
    """Escaped, since a word may have what HTML means something by; a key that is not there is found at once."""
    assert translated(b"<b>{{board.hold}}</b> {{x", words("en")) == b"<b>Hold</b> {{x"
    assert translated(b"{{board.hold}}", words("zh-CN")) == "暂缓".encode()
    with pytest.raises(KeyError):
        translated(b"{{board.nothing}}", words("en"))
    assert (STATIC / "index.html").is_file()
