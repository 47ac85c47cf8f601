"""Say why a command could not do what was asked; the message is one line for the person who asked.

CommandFailed       exit code 1   it did not work
└── WrongUsage      exit code 2   what was typed makes no sense
"""

from __future__ import annotations


class CommandFailed(Exception):
    """It did not work."""

    exit_code = 1


class WrongUsage(CommandFailed):
    """Raised where what was typed, or the file that it names, makes no sense."""

    exit_code = 2
