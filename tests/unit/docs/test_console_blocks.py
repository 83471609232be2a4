"""How commands are read from a page, and what of a page would otherwise go untested."""

from __future__ import annotations

import pytest

from tests.integration.docs.console_blocks import Command, PageError, Place, missing, read_page

PAGE = """
# A page
<!-- console: no cluster -->

```console
$ echo one
one
$ printf '%s' \\
    two
$ cat <<END
> three
> END
three
```

<!-- exit status: 2 -->
```console
$ true
$ ls nowhere
```

<!-- not run: nobody has this file -->
```console
$ cat secret
```

```yaml
$ not: a command
```
"""


def test_commands_keep_their_order_their_output_and_their_line() -> None:
    read = read_page(PAGE)
    assert read.place is Place.NO_CLUSTER
    assert read.commands == (
        Command(line=6, text="echo one", shown="one"),
        Command(line=8, text="printf '%s' \\\n    two"),
        Command(line=10, text="cat <<END\nthree\nEND", shown="three"),
        Command(line=18, text="true"),
        Command(line=19, text="ls nowhere", status=2),
        Command(line=24, text="cat secret", not_run="nobody has this file"),
    )


def test_a_page_without_commands_to_run_needs_no_place() -> None:
    assert read_page("# Words\n\n<!-- not run: a figure -->\n```console\n$ make\n```\n").place is None


@pytest.mark.parametrize(
    ("page", "message"),
    [
        ("```sh\nls\n```", "line 1: ```sh is never run"),
        ("```console\n$ ls\n```", "line 2: say where"),
        ("<!-- console: here -->", "expected demo, empty cluster, no cluster"),
        ("```console\nls\n```", "line 2: a console block begins with"),
        ("```console\n$ ls", "line 1: the block is never closed"),
        ("<!-- exit status: one -->\n```console\n$ ls\n```", "expected a number"),
    ],
)
def test_a_page_that_leaves_something_open_is_refused(page: str, message: str) -> None:
    with pytest.raises(PageError, match=message.replace("(", "\\(")):
        read_page(page)


@pytest.mark.parametrize(
    ("shown", "absent"),
    [
        ("", None),
        ("NAME   READY\nchat   True", None),
        ("NAME ... True", None),
        ("chat ...\n...", None),
        ("True ... NAME", "NAME"),
        ("chat False or True", "chat False"),
    ],
)
def test_shown_text_must_be_printed_in_order_whatever_the_blanks(shown: str, absent: str | None) -> None:
    assert missing(shown, "NAME READY\nchat True\n") == absent
