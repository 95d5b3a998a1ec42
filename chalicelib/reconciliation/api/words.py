"""What a person reads on the page: English with the Chinese term, and how an amount is spelled."""

from collections.abc import Iterable, Sequence
from html import escape

from chalicelib.kernel.money import fen, yuan_text
from chalicelib.reconciliation.model import Count, DiscrepancyState, Outcome

OUTCOMES: dict[str, tuple[str, str]] = {
    Outcome.MATCHED: ("matched", "相符"),
    Outcome.MISSING_HERE: ("missing here", "我方缺账"),
    Outcome.MISSING_THERE: ("missing there", "渠道缺账"),
    Outcome.AMOUNT: ("amount differs", "金额不符"),
    Outcome.STATE: ("state differs", "状态不符"),
    Outcome.FEE: ("fee differs", "手续费不符"),
    Outcome.DUPLICATE: ("duplicate", "重复"),
    Outcome.FEES: ("fees booked later", "手续费次日入账"),
    Outcome.OPENING: ("opened otherwise", "期初差异"),
}
STATES: dict[str, tuple[str, str]] = {
    DiscrepancyState.WAITING: ("waiting", "待对方"),
    DiscrepancyState.OPEN: ("open", "待处理"),
    DiscrepancyState.RESOLVED: ("resolved", "已入账"),
    DiscrepancyState.MATCHED: ("matched", "已对平"),
}
KINDS: dict[str, tuple[str, str]] = {
    "payment": ("payments", "支付"),
    "refund": ("refunds", "退款"),
    "transfer": ("transfers", "转账"),
    "transfer_back": ("transfers back", "转账退回"),
    "refund_back": ("refunds back", "退款退回"),
    "share": ("shares", "分账"),
    "share_back": ("shares back", "分账回退"),
    "unfreeze": ("unfrozen", "解冻"),
    "fee": ("fees", "手续费"),
    "entry": ("our entry only", "仅我方分录"),
    "opening": ("opening", "期初"),
    "other": ("other movements", "其他"),
    "payments": ("payments", "交易账单"),
    "refunds": ("refunds", "退款账单"),
    "flows": ("fund flow", "资金账单"),
    "shares": ("profit sharing", "分账账单"),
}
SIDES: dict[str, tuple[str, str]] = {"debit": ("debit", "借"), "credit": ("credit", "贷")}
ACCOUNTS: dict[str, tuple[str, str]] = {
    "clearing": ("provider clearing", "渠道待清算"),
    "provider_fees": ("provider's fees", "支付手续费"),
    "in_transit": ("refunds in transit", "退款中"),
    "suspense": ("suspense", "挂账"),
    "platform_fees": ("platform fees", "平台服务费"),
    "bank": ("bank", "银行存款"),
}


def in_order(counts: Iterable[Count]) -> Sequence[Count]:
    """Sort counts as people read them: payments first, and what matched before what differs."""
    kinds, outcomes = list(KINDS), list(OUTCOMES)

    def rank(one: Count) -> tuple[int, int]:
        kind = kinds.index(one.kind) if one.kind in KINDS else len(kinds)
        return kind, outcomes.index(one.outcome)

    return sorted(counts, key=rank)


def account_words(name: str) -> tuple[str, str]:
    """Return how an account is called."""
    owner, _, rest = name.partition(":")
    last = rest.rpartition(":")[2]
    return ACCOUNTS.get(f"{owner}_{last}") or ACCOUNTS.get(last or owner) or (name, "")


def both(words: tuple[str, str]) -> str:
    """Write a term in both languages, for HTML."""
    english, chinese = words
    return f'{escape(english)} <span class="zh" lang="zh">{escape(chinese)}</span>'


def term(names: dict[str, tuple[str, str]], name: str) -> str:
    """Write what a name stands for, for HTML; a name that has no words stands for itself."""
    return both(names.get(name, (name, "")))


def plain(names: dict[str, tuple[str, str]], name: str) -> str:
    """Write what a name stands for, as text."""
    return " ".join(filter(None, names.get(name, (name, ""))))


def yuan(amount: int) -> str:
    """Spell fen for people."""
    return yuan_text(fen(amount)).replace("-", "−")


def signed(amount: int) -> str:
    """Spell fen for people, with its sign."""
    return f"+{yuan(amount)}" if amount > 0 else yuan(amount)
