"""What is printed is compared with a page: values may differ, words may not."""

from __future__ import annotations

import pytest

from tests.printed import Values

ID = "01a226ae-f7a4-76c3-a2d0-be09da6a466{}"


@pytest.mark.parametrize(
    ("written", "printed"),
    [
        ("location: /tasks/" + ID.format(1), "location: /tasks/" + ID.format(2)),
        ("10:00:12 system | api started (pid=41302)", "23:59:01 system | api started (pid=7)"),
        ("1 passed in 4.25s", "1 passed in 12.3s"),
        ("Committed as 7a84b3880e on main.", "Committed as 0123456789 on main."),
        ('"at": "2026-11-29T10:00:31.605000Z"', '"at": "2027-01-01T00:00:00.1Z"'),
        ("a\n…\nb\n", "a\n1\n2\nb\n"),
        ("worker | … task succeeded … task=a", "worker | 1 task succeeded 2 task=a"),
        ("/home/ada/shop: 118 files", "/srv/ada/shop: 118 files"),
    ],
)
def test_what_may_differ(written: str, printed: str) -> None:
    """Ids, clocks, process numbers, seconds, hashes and folders are those of the machine."""
    assert Values({"/home/ada": "/srv/ada"}).fit(written, printed)


@pytest.mark.parametrize(
    ("written", "printed"),
    [
        ("state: queued", "state: running"),
        ("1 passed in 4.25s", "2 passed in 4.25s"),
        ("a\n…\nb\n", "a\n1\nc\n"),
        ("…\n", "…\nb"),
        ("/home/ada/shop: 118 files", "/srv/ada/shop: 119 files"),
        (f"{ID.format(1)} {ID.format(1)}", f"{ID.format(2)} {ID.format(3)}"),
        (f"{ID.format(1)} {ID.format(2)}", f"{ID.format(3)} {ID.format(3)}"),
    ],
)
def test_what_may_not(written: str, printed: str) -> None:
    """Another word, another count, a line that is missing, two ids for one, one for two."""
    values = Values({"/home/ada": "/srv/ada"})
    assert not values.fit(written, printed)


def test_a_value_is_known_from_then_on() -> None:
    """It is typed as it is here, and another one does not fit any more."""
    values = Values({"/home/ada": "/srv/ada"})
    assert values.fit("worker started (pid=41305)", "worker started (pid=7)")
    assert values.here("kill -9 -41305") == "kill -9 -7"
    assert not values.fit("worker started (pid=41305)", "worker started (pid=8)")
