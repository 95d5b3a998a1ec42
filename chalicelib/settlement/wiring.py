"""The room's collaborators in production."""

from collections.abc import Mapping, Sequence
from functools import cache

from chalicelib import outside
from chalicelib.edge import observe
from chalicelib.ledger.balances import Balances, DebitGuards
from chalicelib.ledger.days import ClosedDays
from chalicelib.ledger.journal import Journal
from chalicelib.people.rules import may
from chalicelib.providers.funds import Transferred
from chalicelib.refunds.store import RefundStore
from chalicelib.settings import FundsModel, settings
from chalicelib.settlement.model import PAYOUT, UNSETTLED, Word
from chalicelib.settlement.store import SettlementStore
from chalicelib.settlement.usecases import (
    Advance,
    Desk,
    OpenSettlement,
    PayOut,
    ReadSettlements,
    SettleMerchant,
    SweepPayouts,
    UnfreezeOrder,
)
from chalicelib.storage.due import DueList

authenticator = outside.authenticator


@cache
def store() -> SettlementStore:
    """Return where settlements and payouts are kept."""
    return SettlementStore(outside.table())


@cache
def open_settlement() -> OpenSettlement:
    """Return the way a day is settled."""
    return OpenSettlement(
        settlements=store(),
        days=ClosedDays(outside.table()),
        unsettled=DueList(outside.table(), UNSETTLED),
        commits=outside.commits(),
        clock=outside.clock(),
        send=_send,
    )


@cache
def settle_merchant() -> SettleMerchant:
    """Return the way one merchant is settled."""
    from chalicelib.people import wiring as people

    return SettleMerchant(
        settlements=store(),
        balances=Balances(outside.table()),
        journal=Journal(outside.table()),
        guards=DebitGuards(outside.table()),
        commits=outside.commits(),
        unsettled=DueList(outside.table(), UNSETTLED),
        may=may,
        payee_of=people.payee_of,
        minimum_fen=settings().payout_minimum_fen,
        tell=lambda settled: observe.count("MerchantSettled", outcome=settled),
    )


@cache
def advance() -> Advance:
    """Return the way an advance to a merchant is booked."""
    return Advance(store(), Journal(outside.table()), outside.commits())


@cache
def sweep_payouts() -> SweepPayouts:
    """Return the way payouts under way are looked after."""
    return SweepPayouts(
        settlements=store(),
        payouts=DueList(outside.table(), PAYOUT),
        commits=outside.commits(),
        clock=outside.clock(),
        send=_send,
    )


@outside.renewed
def pay_out() -> PayOut:
    """Return the way payouts are brought to their end."""
    from chalicelib.payments.wiring import wechatpay

    return PayOut(
        settlements=store(),
        journal=Journal(outside.table()),
        commits=outside.commits(),
        provider_name=wechatpay().name,
        provider=wechatpay().funds,
        unfreeze=unfreeze_order(),
        tell=_tell,
    )


@outside.renewed
def unfreeze_order() -> UnfreezeOrder:
    """Return the way a released order's money is unfrozen."""
    from chalicelib.payments.wiring import wechatpay

    return UnfreezeOrder(
        settlements=store(),
        refunds=RefundStore(outside.table()),
        journal=Journal(outside.table()),
        guards=DebitGuards(outside.table()),
        commits=outside.commits(),
        provider_name=wechatpay().name,
        provider=wechatpay().funds,
        platform=settings().wechatpay_mch_id,
        fee_basis_points=settings().wechatpay_fee_basis_points,
    )


@outside.renewed
def desk() -> Desk:
    """Return who turns events into commands, and runs them."""
    return Desk(
        opening=open_settlement(),
        settling=settle_merchant(),
        sweeping=sweep_payouts(),
        paying=pay_out(),
        unfreezing=unfreeze_order(),
        unfreezes=settings().funds_model is FundsModel.PARTNER,
        send=_send,
    )


@cache
def read_settlements() -> ReadSettlements:
    """Return the way settlements and payouts are read."""
    return ReadSettlements(store())


def _send(commands: Sequence[Mapping[str, str]]) -> None:
    outside.settlements_queue().send_many(commands)


def _tell(word: Word, said: Transferred) -> None:
    """Count a provider's word about a payout, and alarm where a person must look."""
    observe.count("PayoutWord", word=word, state=said.state)
    if word in {Word.CONTRADICTORY, Word.UNKNOWN}:
        observe.alarm(
            "a provider's word about a payout fits none of ours",
            word=word,
            state=said.state,
            payout_id=said.payout_id,
            amount=said.amount.amount,
        )
