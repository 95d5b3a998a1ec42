"""WeChat Pay's keeping, sharing and paying out of money, behind the port."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import quote, urlencode

from chalicelib.kernel.ids import PayoutId
from chalicelib.kernel.money import Money
from chalicelib.providers.funds import (
    FrozenPayment,
    Shared,
    ShareOrder,
    ShareReturn,
    ShareReturned,
    Transfer,
    Transferred,
    Unfreeze,
)
from chalicelib.providers.port import ProviderUnavailableError
from chalicelib.providers.transport import ANSWER_BYTES_MAX, Answer
from chalicelib.providers.wechatpay import sharing, transfers
from chalicelib.providers.wechatpay.account import WeChatPayAccount
from chalicelib.providers.wechatpay.exchange import Exchange, Question, Refusal
from chalicelib.providers.wechatpay.mapping import object_in

_LATER = frozenset({"NOT_ENOUGH", "FREQUENCY_LIMITED", "RATELIMIT_EXCEEDED"})
"""Refusals that say *not now*: the same number goes later."""

Reading = TypeVar("Reading")


@dataclass(frozen=True, slots=True)
class WeChatFunds:
    """One merchant's money at WeChat Pay (the port's `FundsHolder` and `Transfers`)."""

    account: WeChatPayAccount
    exchange: Exchange

    def share(self, order: ShareOrder) -> Shared:
        """Share a frozen payment (请求分账).

        Its receivers were added before (添加分账接收方), with their names, by whoever set the
        merchant up: a receiver that is not known is refused.
        """
        question = Question("POST", sharing.ORDERS, sharing.share_body(order, self.account))
        return self._asked(
            question,
            lambda fields: sharing.shared(fields, number=order.number, payment=order.payment),
        )

    def shared(self, number: str, payment: FrozenPayment) -> Shared | None:
        """Ask how far a share order or an unfreezing has come (查询分账结果)."""
        query = urlencode({"sub_mchid": payment.seller, "transaction_id": payment.transaction_id})
        question = Question("GET", f"{sharing.ORDERS}/{quote(number, safe='')}?{query}")
        return self._found(
            question, lambda fields: sharing.shared(fields, number=number, payment=payment)
        )

    def unfreeze(self, order: Unfreeze) -> Shared:
        """Give all that is left frozen to the seller (解冻剩余资金)."""
        question = Question("POST", sharing.UNFREEZE, sharing.unfreeze_body(order))
        return self._asked(
            question,
            lambda fields: sharing.shared(fields, number=order.number, payment=order.payment),
        )

    def frozen(self, payment: FrozenPayment) -> Money:
        """Return what of a payment is still frozen (查询剩余待分金额)."""
        path = f"{sharing.AMOUNTS}{quote(payment.transaction_id, safe='')}/amounts"
        return self._asked(
            Question("GET", path), lambda fields: sharing.frozen(fields, payment=payment)
        )

    def take_back(self, order: ShareReturn) -> ShareReturned:
        """Take a share back (请求分账回退)."""
        question = Question("POST", sharing.RETURNS, sharing.return_body(order))
        return self._asked(question, lambda fields: sharing.returned(fields, number=order.number))

    def taken_back(
        self, number: str, share_number: str, payment: FrozenPayment
    ) -> ShareReturned | None:
        """Ask how far a return has come (查询分账回退结果)."""
        query = urlencode({"sub_mchid": payment.seller, "out_order_no": share_number})
        question = Question("GET", f"{sharing.RETURNS}/{quote(number, safe='')}?{query}")
        return self._found(question, lambda fields: sharing.returned(fields, number=number))

    def transfer(self, order: Transfer) -> Transferred:
        """Ask for a transfer (发起转账)."""
        body = transfers.transfer_body(order, self.account)
        question = Question("POST", transfers.BILLS, body)
        return self._asked(question, lambda fields: transfers.accepted(fields, order))

    def transferred(self, payout_id: PayoutId) -> Transferred | None:
        """Ask how far a transfer has come (查询转账单)."""
        question = Question("GET", _bill(payout_id))
        return self._found(question, lambda fields: transfers.queried(fields, payout_id))

    def cancel_transfer(self, payout_id: PayoutId) -> None:
        """Ask for a transfer that waits to be cancelled (撤销转账)."""
        self._asked(Question("POST", f"{_bill(payout_id)}/cancel"), lambda _: None)

    def _asked(
        self, question: Question, read: Callable[[Mapping[str, object]], Reading]
    ) -> Reading:
        found = self.exchange.ask(question, lambda answer: read(_fields(answer)))
        if isinstance(found, Refusal):
            raise _refused(found)
        return found

    def _found(
        self, question: Question, read: Callable[[Mapping[str, object]], Reading]
    ) -> Reading | None:
        found = self.exchange.ask(question, lambda answer: read(_fields(answer)))
        if isinstance(found, Refusal):
            if found.status == HTTPStatus.NOT_FOUND:
                return None
            raise _refused(found)
        return found


def _bill(payout_id: PayoutId) -> str:
    return f"{transfers.BILLS}/out-bill-no/{transfers.bill_no(payout_id)}"


def _refused(refusal: Refusal) -> Exception:
    if refusal.code in _LATER:
        return ProviderUnavailableError("not now", provider_code=refusal.code)
    return refusal.error()


def _fields(answer: Answer) -> Mapping[str, object]:
    return object_in(answer.body, bytes_max=ANSWER_BYTES_MAX)
