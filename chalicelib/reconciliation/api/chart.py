"""The page's pictures, as SVG: how our books lead to the provider's, and what became of the lines.

All in whole units of the picture; texts are escaped, colours are the page's own classes.
"""

from collections.abc import Iterator, Sequence
from html import escape
from typing import NamedTuple

from chalicelib.reconciliation.api.words import KINDS, OUTCOMES, in_order, plain, signed, yuan
from chalicelib.reconciliation.model import Count, Outcome, Reconciliation

WIDTH = 920
_LABELS, _VALUES = 250, 190
_LEFT, _ROOM = _LABELS, WIDTH - _LABELS - _VALUES
_ROW, _BAR = 38, 20
_LEAST = 3
"""A bar that stands for something is never thinner than one can see."""


class Step(NamedTuple):
    """One bar: from where to where, in fen."""

    label: str
    begin: int
    end: int
    look: str


def steps(found: Reconciliation) -> Sequence[Step]:
    """Return the steps that lead from our clearing to what the provider keeps."""
    effects: dict[str, int] = {}
    for one in found.standing:
        effects[one.outcome] = effects.get(one.outcome, 0) + one.effect
    at, way = found.ours, [Step("our clearing 我方待清算", 0, found.ours, "ours")]
    for outcome, effect in effects.items():
        if effect:
            way.append(Step(plain(OUTCOMES, outcome), at, at + effect, f"o-{outcome}"))
            at += effect
    if found.unexplained:
        way.append(Step("unexplained 不明差额", at, at + found.unexplained, "bad"))
    way.append(Step("the provider's closing 渠道期末", 0, found.theirs, "theirs"))
    return way


def waterfall(found: Reconciliation) -> str:
    """Draw how our books lead to theirs; where the steps are small, the scale begins later."""
    way = steps(found)
    low, high, cut = _scale(way)
    spread = max(high - low, 1)

    def at(amount: int) -> int:
        return _LEFT + (max(amount, low) - low) * _ROOM // spread

    rows: list[str] = []
    for number, step in enumerate(way):
        whole = number in {0, len(way) - 1}
        begin, end = sorted((at(step.begin), at(step.end)))
        value = yuan(step.end) if whole else signed(step.end - step.begin)
        rows.append(_bar(number, step.label, (begin, end), step.look, value))
        if number + 1 < len(way):
            rows.append(_thread(number, at(step.end)))
        if whole and cut:
            rows.append(_break(number))
    title = f"From our clearing, {yuan(found.ours)}, to the provider's, {yuan(found.theirs)}"
    note = f"the bars' scale begins at {yuan(low)}" if cut else ""
    return _svg(title, len(way) * _ROW, rows, note)


def funnel(found: Reconciliation) -> str:
    """Draw what became of each kind of lines: a bar is all of a kind, its parts what they are."""
    kinds: dict[str, list[Count]] = {}
    for count in in_order(found.funnel):
        kinds.setdefault(count.kind, []).append(count)
    rows: list[str] = []
    for number, (kind, counts) in enumerate(kinds.items()):
        lines = sum(one.lines for one in counts)
        matched = sum(one.lines for one in counts if one.outcome is Outcome.MATCHED)
        rows.append(_label(number, plain(KINDS, kind)))
        rows += [_part(number, *part) for part in _parts(counts, lines)]
        rows.append(_value(number, f"{matched:,} of {lines:,}"))
    return _svg("Of each kind, how many lines matched", len(kinds) * _ROW, rows, "")


def _scale(way: Sequence[Step]) -> tuple[int, int, bool]:
    """Return where the scale begins and ends, and whether that hides where the bars begin."""
    points = [step.end for step in way] + [step.begin for step in way[1:-1]]
    least, most = min(points), max(points)
    moved = most - least
    if least > 0 and moved * 4 < most:
        return max(least - (moved or most // 20), 0), most, True
    return min(least, 0), max(most, 0), False


def _parts(counts: Sequence[Count], lines: int) -> Iterator[tuple[int, int, str, str]]:
    """Return where each part begins and ends: what differs is at the end, and never too thin."""
    differing = [one for one in counts if one.outcome is not Outcome.MATCHED]
    widths = {one.outcome: max(one.lines * _ROOM // max(lines, 1), _LEAST) for one in differing}
    begin = _LEFT
    if len(differing) < len(counts):
        matched = max(_ROOM - sum(widths.values()), _LEAST)
        (one,) = (one for one in counts if one.outcome is Outcome.MATCHED)
        yield begin, begin + matched, one.outcome, _told(one)
        begin += matched
    for one in differing:
        yield begin, begin + widths[one.outcome], one.outcome, _told(one)
        begin += widths[one.outcome]


def _told(one: Count) -> str:
    return f"{plain(OUTCOMES, one.outcome)}: {one.lines:,}, {yuan(one.amount)}"


def _part(row: int, begin: int, end: int, outcome: str, told: str) -> str:
    return (
        f'<rect class="o-{escape(outcome)}" x="{begin}" y="{_top(row)}" width="{end - begin}"'
        f' height="{_BAR}"><title>{escape(told)}</title></rect>'
    )


def _bar(row: int, label: str, between: tuple[int, int], look: str, value: str) -> str:
    begin, end = between
    width = max(end - begin, _LEAST)
    rect = (
        f'<rect class="{escape(look)}" x="{begin}" y="{_top(row)}" width="{width}"'
        f' height="{_BAR}" rx="2"/>'
    )
    return _label(row, label) + rect + _value(row, value)


def _label(row: int, text: str) -> str:
    return f'<text x="0" y="{_top(row) + 15}">{escape(text)}</text>'


def _value(row: int, text: str) -> str:
    return f'<text class="n" x="{WIDTH}" y="{_top(row) + 15}">{escape(text)}</text>'


def _thread(row: int, x: int) -> str:
    top = _top(row) + _BAR
    return f'<line class="thread" x1="{x}" x2="{x}" y1="{top}" y2="{_top(row + 1)}"/>'


def _break(row: int) -> str:
    """Mark a bar that begins before the scale does."""
    x, top = _LEFT + 12, _top(row)
    return f'<path class="cut" d="M{x} {top + _BAR + 2}l6 -{_BAR + 4}m6 0l-6 {_BAR + 4}"/>'


def _top(row: int) -> int:
    return row * _ROW + 9


def _svg(title: str, height: int, rows: Sequence[str], note: str) -> str:
    below = 22 if note else 0
    words = f'<text class="note" x="{_LEFT}" y="{height + 14}">{escape(note)}</text>' * bool(note)
    return (
        f'<div class="wide"><svg viewBox="0 0 {WIDTH} {height + below}" role="img">'
        f"<title>{escape(title)}</title>{''.join(rows)}{words}</svg></div>"
    )
