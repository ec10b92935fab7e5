"""Names of files and classes come from anywhere: what of them is shown."""

from __future__ import annotations


def shown_name(name: str, longest: int = 200) -> str:
    """A name as one line of printable characters, cut in its middle where it is too long.

    Control characters, characters that turn the direction of writing, and bytes that are no UTF-8 are written out.
    """
    printable = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in name)
    if len(printable) <= longest:
        return printable
    end = (longest - 1) // 2
    return f"{printable[: longest - 1 - end]}…{printable[-end:]}"
