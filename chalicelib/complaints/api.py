"""The door at which WeChat Pay says that a payer complains."""

from chalicelib.complaints import wiring
from chalicelib.edge.http import Api, Call
from chalicelib.payments.api import hear_of_payment, word_in
from chalicelib.providers.complaints import Complained
from chalicelib.providers.port import NotificationRefusedError

api = Api(__name__, authenticator=wiring.authenticator)


@api.post(
    "/v1/notifications/wechatpay/complaints",
    raw=True,
    quiet=True,
    status=204,
    refusals=[NotificationRefusedError],
)
def wechatpay_complained(call: Call) -> None:
    """Take WeChat Pay's word that a payer complains; answered when it is safe in the queue."""
    heard = word_in(call)
    if isinstance(heard, Complained):
        wiring.take_complaints().hear(heard)
    else:
        hear_of_payment(heard)
