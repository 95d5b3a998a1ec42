"""A day's report as one page for people: nothing is loaded, nothing runs, everything is escaped."""

from collections.abc import Iterable, Sequence
from html import escape

from chalicelib.kernel.clock import instant_text
from chalicelib.ledger.days import CHINA
from chalicelib.reconciliation.api.chart import funnel, waterfall
from chalicelib.reconciliation.api.style import STYLE
from chalicelib.reconciliation.api.words import (
    KINDS,
    OUTCOMES,
    SIDES,
    STATES,
    account_words,
    both,
    in_order,
    signed,
    term,
    yuan,
)
from chalicelib.reconciliation.model import (
    Discrepancy,
    DiscrepancyState,
    Outcome,
    Reconciliation,
)
from chalicelib.reconciliation.rules import age_days
from chalicelib.reconciliation.usecases.report import AccountDay, Report

_NUMBER = "n"
"""The look of a column of figures."""


def page_of(report: Report) -> str:
    """Write a report as HTML."""
    found = report.found
    title = f"Reconciliation 对账 · {escape(found.provider)} · {escape(found.day)}"
    head = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="referrer" content="no-referrer">'
        f"<title>{title}</title><style>{STYLE}</style></head>"
    )
    parts = (
        _verdict(report),
        _section("From our books to theirs", "差额说明", waterfall(found)),
        _section("What became of the lines", "对账漏斗", _lines(found)),
        _section("Differences", "差错明细", _differences(report)),
        _section("Accounts at the day's close", "日终余额", _accounts(report.accounts)),
        _section("Bills", "账单文件", _bills(found)),
    )
    return f"{head}<body><main>{''.join(parts)}{_foot(found)}</main></body></html>\n"


def _verdict(report: Report) -> str:
    found = report.found
    opened = sum(one.items for one in found.standing if one.state is DiscrepancyState.OPEN)
    if found.unexplained:
        look, said = "bad", f"{yuan(found.unexplained)} is unexplained"
        chinese = "存在不明差额"
    elif opened:
        look, said = "wait", f"Nothing is unexplained; {_counted(opened, 'difference')} open"
        chinese = "差额均有说明，尚有差错待处理"
    elif found.theirs != found.ours:
        look, said, chinese = (
            "good",
            "All that stands between the books is explained",
            "差额均有说明",
        )
    else:
        look, said, chinese = "good", "The books agree, to the fen", "账实相符，分文不差"
    lines = sum(one.lines for one in found.funnel)
    matched = sum(one.lines for one in found.funnel if one.outcome is Outcome.MATCHED)
    figures = (
        (yuan(found.ours), "our clearing", "我方待清算"),
        (yuan(found.theirs), "the provider keeps", "渠道期末"),
        (signed(found.theirs - found.ours), "stands between", "差额"),
        (yuan(found.unexplained), "unexplained", "不明差额"),
        (f"{matched:,} / {lines:,}", "lines matched", "相符笔数"),
        (yuan(found.fees), "fees of the day", "当日手续费"),
    )
    shown = "".join(
        f"<div><dt>{both((english, zh))}</dt><dd>{escape(value)}</dd></div>"
        for value, english, zh in figures
    )
    return (
        f'<header><p class="over">{escape(found.provider)} · {escape(found.day)}</p>'
        f'<h1>Reconciliation <span lang="zh">对账</span></h1>'
        f'<p class="verdict {look}">{escape(said)} <span class="zh" lang="zh">{chinese}</span></p>'
        f"</header><dl>{shown}</dl>"
    )


def _lines(found: Reconciliation) -> str:
    if not found.funnel:
        return '<p class="none">Nothing moved on this day.</p>'
    outcomes = dict.fromkeys(one.outcome for one in in_order(found.funnel))
    legend = "".join(
        f'<li><i class="o-{escape(one)}"></i>{term(OUTCOMES, one)}</li>' for one in outcomes
    )
    rows = [
        (
            term(KINDS, one.kind),
            term(OUTCOMES, one.outcome),
            f"{one.lines:,}",
            yuan(one.amount),
        )
        for one in in_order(found.funnel)
    ]
    columns = (
        *(("kind", "类型", ""), ("outcome", "结果", "")),
        *(("lines", "笔数", _NUMBER), ("amount", "金额", _NUMBER)),
    )
    return f'{funnel(found)}<ul class="legend">{legend}</ul>{_table(columns, rows)}'


def _accounts(accounts: Sequence[AccountDay]) -> str:
    rows = [
        (
            f"{both(account_words(one.account))}<br><code>{escape(one.account)}</code>",
            term(SIDES, one.side),
            *(yuan(moved.amount) for moved in (one.opening, one.debits, one.credits)),
            f"<b>{yuan(one.closing.amount)}</b>",
        )
        for one in accounts
    ]
    columns = (
        *(("account", "科目", ""), ("side", "方向", ""), ("opening", "期初", _NUMBER)),
        *(("debits", "借方", _NUMBER), ("credits", "贷方", _NUMBER)),
        ("closing", "期末", _NUMBER),
    )
    return _table(columns, rows)


def _differences(report: Report) -> str:
    if not report.differences:
        return '<p class="none">There are none. 无差错</p>'
    columns = (
        *(("since", "发生日", "day"), ("difference", "差错", ""), ("about", "对象", "about")),
        *(("theirs", "渠道", _NUMBER), ("ours", "我方", _NUMBER)),
        *(("effect", "影响", _NUMBER), ("state", "状态", "")),
    )
    rows = [
        (
            f"{escape(one.day)}<br><small>{_age(one, report)}</small>",
            _difference(one),
            _about(one),
            yuan(one.theirs) if one.theirs is not None else "–",
            yuan(one.ours) if one.ours is not None else "–",
            signed(one.effect),
            _state(one),
        )
        for one in report.differences
    ]
    more = "" if report.complete else '<p class="none">More are in GET /v1/discrepancies.</p>'
    return f"{_table(columns, rows)}{more}"


def _difference(one: Discrepancy) -> str:
    mark = f'<i class="o-{escape(one.outcome)}"></i>{term(OUTCOMES, one.outcome)}'
    return f"{mark}<br><small>{term(KINDS, one.kind)}</small>"


def _age(one: Discrepancy, report: Report) -> str:
    if one.gone_on is not None:
        return f"gone on {escape(one.gone_on)}"
    days = age_days(one, report.today)
    return f"{_counted(days, 'day')} old" if days else "new"


def _about(one: Discrepancy) -> str:
    """Name what a difference is about, by our number or by theirs, and where it stands."""
    known = [f"<code>{escape(text)}</code>" for text in (one.number or one.entry, one.reference)]
    said = [part for part in known if part != "<code></code>"]
    if one.bill:
        line = f", line {one.line}" if one.line is not None else ""
        said.append(f"<small>{escape(one.bill)}{line}</small>")
    if one.resolved_by and one.resolved_by != one.entry:
        said.append(f"<small>booked as</small> <code>{escape(one.resolved_by)}</code>")
    said += [f"<q>{escape(text)}</q>" for text in (one.note, one.remark) if text]
    return "<br>".join(said)


def _state(one: Discrepancy) -> str:
    parts = [f'<span class="s-{escape(one.state)}">{term(STATES, one.state)}</span>']
    if one.owner:
        parts.append(f"<small>{escape(one.owner)}</small>")
    if one.signed_by:
        parts.append(f"<small>{escape(one.signed_by)}</small>")
    return "<br>".join(parts)


def _bills(found: Reconciliation) -> str:
    if not found.bills:
        return '<p class="none">The provider has no bill of this day: nothing moved.</p>'
    rows = [
        (term(KINDS, one.kind), f"{one.bytes:,}", f"<code>{escape(one.sha1)}</code>")
        for one in found.bills
    ]
    return _table((("bill", "账单", ""), ("bytes", "字节", _NUMBER), ("SHA-1", "", "")), rows)


def _foot(found: Reconciliation) -> str:
    at = found.at.astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S")
    return (
        f"<footer>Run {found.run}, at {at} in China"
        f" (<time>{instant_text(found.at)}</time>). Our books are read at position"
        f" {found.position:,} of the numbered list, where the day closed. An effect is theirs less"
        " ours: what stands between the two books is the sum of the effects, and what it does not"
        " sum to is unexplained.</footer>"
    )


def _section(english: str, chinese: str, body: str) -> str:
    return f"<section><h2>{both((english, chinese))}</h2>{body}</section>"


def _table(columns: Sequence[tuple[str, str, str]], rows: Iterable[Sequence[str]]) -> str:
    """Write a table; a column's name comes in both languages, with its look; cells are HTML."""
    looks = [f' class="{look}"' if look else "" for *_, look in columns]
    head = "".join(
        f"<th{look}>{both((english, chinese))}</th>"
        for (english, chinese, _), look in zip(columns, looks, strict=True)
    )
    body = "".join(f"<tr>{''.join(map(_cell, looks, row))}</tr>" for row in rows)
    return (
        f'<div class="wide"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _cell(look: str, content: str) -> str:
    return f"<td{look}>{content}</td>"


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
