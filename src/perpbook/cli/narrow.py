"""The program with only what the words ask for laid out: to lay out all of it takes longer than many an answer."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Sequence

import typer
from typer.main import get_command_name
from typer.models import DefaultPlaceholder


def narrowed(whole: typer.Typer, words: Sequence[str]) -> typer.Typer:
    """The program, or a group of it, with the one command or group that `words` begin with; by names and help alone where they
    name none, or ask for help, since nothing of it can run then; the whole of it where an option comes first, and of a group that
    reads its words in a way of its own."""
    if not isinstance(whole.info.cls, DefaultPlaceholder):
        return whole
    word = words[0] if words else ""
    narrow = copy.copy(whole)
    narrow.registered_commands = [one for one in whole.registered_commands if name_of(one) == word]
    narrow.registered_groups = [_with(one, narrowed(_of(one), words[1:])) for one in _named(whole, word)]
    if narrow.registered_commands or narrow.registered_groups:
        return narrow
    return whole if word.startswith("-") and word != "--help" else outline(whole)


def outline(whole: typer.Typer) -> typer.Typer:
    """Names and help of what stands directly in the program, or in a group of it."""
    made = copy.copy(whole)
    made.registered_commands = [_told(one) for one in whole.registered_commands]
    made.registered_groups = [_with(one, _emptied(_of(one))) for one in whole.registered_groups]
    return made


def nothing() -> None:
    """What a program does before its command: a program of one command would be taken for that command itself."""


def name_of(command: typer.models.CommandInfo) -> str:
    """What a command is called by."""
    return command.name or get_command_name(str(getattr(command.callback, "__name__", "")))


def _named(whole: typer.Typer, word: str) -> list[typer.models.TyperInfo]:
    return [one for one in whole.registered_groups if one.name == word]


def _of(group: typer.models.TyperInfo) -> typer.Typer:
    assert group.typer_instance is not None
    return group.typer_instance


def _with(group: typer.models.TyperInfo, instance: typer.Typer) -> typer.models.TyperInfo:
    made = copy.copy(group)
    made.typer_instance = instance
    return made


def _emptied(group: typer.Typer) -> typer.Typer:
    made = copy.copy(group)
    made.registered_commands, made.registered_groups = [], []
    return made


def _told(command: typer.models.CommandInfo) -> typer.models.CommandInfo:
    made = copy.copy(command)
    made.name, made.callback = name_of(command), nothing
    made.help = command.help or inspect.getdoc(command.callback)
    return made
