"""How a plan and what came of it look to a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from piqa_cli.commands.console import Line, Segment, safe_text
from piqa_cli.errors import PhotoError
from piqa_cli.ranking.steps import Action, Outcome, Preview, Skipped, Step
from piqa_cli.records import counted
from piqa_cli.shell_words import shell_word

NOTHING_YET: Line = ((" Nothing is changed yet: ", "dim"), ("--apply", "bold"), (" does it.", "dim"))
_SHOWN = 12
_VERBS: dict[Action, tuple[str, str]] = {
    "mark": ("mark", "marked"),
    "embed": ("mark inside", "marked inside"),
    "copy": ("copy", "copied"),
    "hardlink": ("hard-link", "hard-linked"),
    "symlink": ("link", "linked"),
    "move": ("move", "moved"),
}


def preview_lines(found: Preview, *, applied: bool, kept: bool = False) -> list[Line]:
    """The plan: what would be done how often, the first steps, and what is left alone.

    Args:
        found: what would be done.
        applied: whether it is done at once.
        kept: whether there is a file of the plan.
    """
    steps = [step for step in found.steps if step.action in _VERBS]
    lines: list[Line] = [(), ((" plan     ", "bold"), (_counts(steps, done=False) or "nothing to do", ""))]
    lines += [((f"          {_VERBS[step.action][0]:<11} ", "dim"), (_places(step), "")) for step in steps[:_SHOWN]]
    if len(steps) > _SHOWN:
        where = "" if applied or kept else ": --plan-out FILE keeps all of them"
        lines.append(((f"          and {len(steps) - _SHOWN:,} more{where}", "dim"),))
    lines += _left_alone(found.skipped, found.problems)
    return lines if applied or not steps else [*lines, NOTHING_YET]


def outcome_lines(outcome: Outcome, what: str = "done") -> list[Line]:
    """What was done, what was left alone, and how to take it back."""
    steps = [step for step in outcome.done if step.action in _VERBS]
    counts = _cleared(len(steps)) if what == "cleared" else _counts(steps, done=True)
    told = [counts or "nothing", *([_already(len(outcome.already))] if outcome.already else [])]
    lines: list[Line] = [((f" {what:<7}  ", "bold"), (" · ".join(told), ""))]
    lines += _left_alone((), outcome.problems)
    if outcome.journal is not None and outcome.done and what == "done":
        lines.append(((" undo     ", "bold"), (f"piqa rank --undo {safe_text(shell_word(outcome.journal))}", "")))
    return lines


def _cleared(count: int) -> str:
    return f"the marks of {counted(count, 'file')}" if count else ""


def _already(count: int) -> str:
    return "1 file had its marks already" if count == 1 else f"{count:,} files had their marks already"


def _counts(steps: Sequence[Step], *, done: bool) -> str:
    counts = Counter(step.action for step in steps)
    return " · ".join(
        f"{_VERBS[action][done]} {counted(counts[action], 'file')}" for action in _VERBS if counts[action]
    )


def _places(step: Step) -> str:
    target = safe_text(str(step.target))
    if step.source is not None:
        return f"{safe_text(str(step.source))} -> {target}"
    marks = step.marks
    if marks is None:
        return target
    label = f"  {safe_text(marks.label)}" if marks.label else ""
    return f"{target}{_stars(marks.rating)}{label}"


def _stars(rating: int | None) -> str:
    if rating is None:
        return ""
    return "  rejected" if rating < 0 else "  1 star" if rating == 1 else f"  {rating} stars"


def _left_alone(skipped: Sequence[Skipped], problems: Sequence[PhotoError]) -> list[Line]:
    left = [(f"{safe_text(str(item.path))}: {safe_text(item.reason)}", "yellow") for item in skipped]
    wrong = [(f"{safe_text(str(item.path))}: {safe_text(item.message)}", "red") for item in problems]
    return [*_topic(" left     ", left), *_topic(" wrong    ", wrong)]


def _topic(heading: str, texts: Sequence[Segment]) -> list[Line]:
    lines: list[Line] = [
        ((heading if not row else " " * len(heading), "bold"), text) for row, text in enumerate(texts[:_SHOWN])
    ]
    rest = len(texts) - len(lines)
    return [*lines, ((f"{'':<{len(heading)}}and {rest:,} more", "dim"),)] if rest else lines
