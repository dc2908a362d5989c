"""What an error says, without the secrets that URLs in it carry."""

import re

_WORD = re.compile(r"\S+")
_LOGIN = re.compile(r"://[^/?]*@")
_QUERY = re.compile(r"[?#]")
_BARE_QUERY = re.compile(r"\?(?=[\w.%~+\[\]-]+=)")  # of a URL without its host, as urllib3 tells it
_CLOSING = "\"'`)]}>,.;:"


def scrubbed(text: str) -> str:
    """Return the text with neither the query nor the ``user:password@`` of any URL in it.

    ``https://x/y?token=SECRET`` becomes ``https://x/y?…``.
    """
    return _WORD.sub(_scrubbed_word, text)


def _scrubbed_word(match: re.Match[str]) -> str:
    word = _LOGIN.sub("://", match[0])
    at = word.find("://")
    query = _BARE_QUERY.search(word) if at < 0 else _QUERY.search(word, at)
    if query is None:
        return word
    closing = word[len(word.rstrip(_CLOSING)) :]
    return f"{word[: query.end()]}…{closing}"
