"""A terminal: a stream that shows what a person would see."""

from __future__ import annotations

import io
import re

# Text without control characters, one of them, or an escape sequence with its number and its letter.
PIECE = re.compile(r"([^\x00-\x1f]+)|([\r\n])|\x1b\[\??([\d;]*)([A-Za-z])")


class Screen(io.StringIO):
    """It understands what a display that is drawn again and again needs: to move up, to erase a line, to hide the cursor.
    Lines do not break at its edge; lines that have left it at the top are out of reach."""

    def isatty(self) -> bool:
        return True

    def lines(self, height: int = 24) -> list[str]:
        return drawn(self.getvalue(), height)

    @property
    def shows_cursor(self) -> bool:
        return shows_cursor(self.getvalue())


def drawn(text: str, height: int = 24) -> list[str]:
    """The lines that a terminal of this height has shown after it got this text, without empty ones at the end.

    Raises AssertionError if the text has anything that is not understood.
    """
    lines, row, column, read = [""], 0, 0, 0
    for piece in PIECE.finditer(text):
        assert piece.start() == read, f"{text[read : piece.start()]!r} is not understood"
        read = piece.end()
        letters, control, number, command = piece.groups()
        if letters:
            lines[row] = lines[row][:column].ljust(column) + letters + lines[row][column + len(letters) :]
            column += len(letters)
        elif control:
            column = 0
            row += control == "\n"
            lines += [""] * (row == len(lines))
        elif command == "A":
            row = max(0, len(lines) - height, row - int(number))
        elif command == "K":
            lines[row] = ""
        else:
            assert command in "hlm", f"{piece.group()!r} is not understood"  # the cursor's visibility, and colors
    assert read == len(text)
    return "\n".join(line.rstrip() for line in lines).rstrip("\n").splitlines()


def shows_cursor(text: str) -> bool:
    return text.rfind("\x1b[?25h") >= text.rfind("\x1b[?25l")
