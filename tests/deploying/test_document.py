"""A document's commands, and a reader who types them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.deploying.document import Block, DocumentError, Shell, blocks

ROOT = Path(__file__).parent.parent.parent
PAGE = """# Title

```bash follow
one
```

```bash
shown only
```

## Second

```bash stay
two
```
"""


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    with Shell(tmp_path, {"PATH": "/usr/bin:/bin"}, 20) as typing:
        yield typing


def test_only_what_is_to_be_followed_is_read() -> None:
    assert blocks(PAGE) == [Block("Title", "one\n", False), Block("Second", "two\n", True)]


def test_what_one_block_sets_the_next_one_has(shell: Shell) -> None:
    shell.follow(Block("a", "X=1\nf() { echo $X$1; }", False))
    shell.follow(Block("b", "Y=$(f 2)", False))
    assert shell.value("Y") == "12"


@pytest.mark.parametrize("text", ["false", "false | true", "echo $UNSET", "exit 0"])
def test_a_command_that_fails_ends_it(shell: Shell, text: str) -> None:
    with pytest.raises(DocumentError, match="under “here”"):
        shell.follow(Block("here", text, False))


def test_a_line_without_an_end_does_not_hide_the_end(shell: Shell) -> None:
    shell.follow(Block("a", "printf no-newline", False))


def test_what_stays_is_waited_for_and_ended(tmp_path: Path) -> None:
    with Shell(tmp_path, {"PATH": "/usr/bin:/bin"}, 20) as typing:
        text = "trap 'echo bye > left; exit' TERM; echo ready now; while :; do sleep 0.1; done"
        typing.follow(Block("a", text, True))
        assert not (tmp_path / "left").exists()
    assert (tmp_path / "left").read_text() == "bye\n"


def test_the_page_can_be_followed_to_its_end() -> None:
    headings = [block.heading for block in blocks((ROOT / "docs" / "deploy.md").read_text())]
    assert headings[0] == "An embedded AWS"
    assert headings[-1] == "Undo"
