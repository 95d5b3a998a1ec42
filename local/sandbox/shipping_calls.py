"""A mini-program's server calls: the access token, shipments, and what becomes of them."""

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, Literal

from pydantic import ValidationError

from local.sandbox.control import from_here
from local.sandbox.keys import SandboxKeys
from local.sandbox.orders import Delivery
from local.sandbox.parcels import ErrorCode, Outcome, Parcels, UploadForm, order_fields
from local.sandbox.prepay import Form, parsed
from local.sandbox.pushes import Pushes
from local.sandbox.timetable import Timetable
from local.sandbox.wire import Answer, Handler, RefusalError, Request, json_answer, strict_json

TOKEN_LIFE = timedelta(seconds=7200)
_WRONG_APP, _WRONG_SECRET, _WRONG_GRANT = 40013, 40125, 40002
_WRONG_TOKEN, _OLD_TOKEN = 40001, 42001


class ParcelEnd(Form):
    """What happens to a parcel, and how often the push of it goes out."""

    outcome: Literal["received", "settled", "complaint", "resolved"] = "received"
    deliver: bool = True
    merchant_trade_no: str | None = None  # says another one than is true


class ShippingCalls:
    """Shipments over HTTP."""

    def __init__(
        self,
        parcels: Parcels,
        pushes: Pushes,
        timetable: Timetable,
        *,
        keys: Callable[[], SandboxKeys],
        now: Callable[[], datetime],
    ) -> None:
        self._parcels = parcels
        self._pushes = pushes
        self._timetable = timetable
        self._keys = keys
        self._now = now
        self._lock = Lock()
        self._token, self._good_until = "", now()

    def routes(self) -> dict[str, Handler]:
        """Return the calls."""
        return {
            "POST /cgi-bin/stable_token": self._stable_token,
            "POST /wxa/sec/order/upload_shipping_info": self._guarded(self._upload),
            "POST /wxa/sec/order/get_order": self._guarded(self._get_order),
            "POST /control/parcels/{number}": from_here(self._end),
            "POST /control/token": from_here(self._expire),
        }

    def _stable_token(self, request: Request) -> Answer:
        asked, keys = strict_json(request.body), self._keys()
        for errcode, wrong in (
            (_WRONG_GRANT, asked.get("grant_type") != "client_credential"),
            (_WRONG_APP, asked.get("appid") != keys.app_id),
            (_WRONG_SECRET, asked.get("secret") != keys.app_secret),
        ):
            if wrong:
                return _told(errcode)
        with self._lock:
            if self._now() >= self._good_until:
                self._token = secrets.token_urlsafe(96)
                self._good_until = self._now() + TOKEN_LIFE
            left = self._good_until - self._now()
            return json_answer(
                200, {"access_token": self._token, "expires_in": int(left.total_seconds())}
            )

    def _guarded(self, handler: Callable[[Any], Answer]) -> Handler:
        """Answer those who carry the living token."""

        def guarded(request: Request) -> Answer:
            given = dict(request.query).get("access_token", "")
            with self._lock:
                if not secrets.compare_digest(given.encode(), self._token.encode()):
                    return _told(_WRONG_TOKEN)
                if self._now() >= self._good_until:
                    return _told(_OLD_TOKEN)
            return handler(strict_json(request.body))

        return guarded

    def _upload(self, asked: Any) -> Answer:
        try:
            form = UploadForm.model_validate(asked)
        except ValidationError:
            return _told(ErrorCode.MALFORMED)
        errcode, order = self._parcels.upload(form)
        if errcode is ErrorCode.OK and order is not None:
            parcel = self._parcels.parcel(order)
            assert parcel is not None
            self._timetable.after(timedelta(), lambda: self._pushes.settlement(order, parcel))
        return _told(errcode)

    def _get_order(self, asked: Any) -> Answer:
        number = str(asked.get("transaction_id") or asked.get("merchant_trade_no") or "")
        order = self._parcels.order_of(number)
        if order is None:
            return _told(ErrorCode.NO_SUCH_PAYMENT)
        fields = order_fields(order, self._parcels.parcel(order))
        return json_answer(200, {"errcode": 0, "errmsg": "ok", "order": fields})

    def _end(self, request: Request, number: str) -> Answer:
        asked = parsed(ParcelEnd, strict_json(request.body))
        order = self._parcels.order_of(number)
        parcel = self._parcels.let(order, Outcome(asked.outcome)) if order else None
        if order is None or parcel is None:
            raise RefusalError(404, "RESOURCE_NOT_EXISTS", "no such parcel was reported")
        deliveries: list[Delivery] = []
        if asked.deliver:
            lie = {"merchant_trade_no": asked.merchant_trade_no} if asked.merchant_trade_no else {}
            deliveries = self._pushes.settlement(order, parcel, **lie)
        return json_answer(
            200,
            {
                **order_fields(order, parcel),
                "deliveries": [each.model_dump(mode="json") for each in deliveries],
            },
        )

    def _expire(self, request: Request) -> Answer:
        """Let the living token be over, as when somebody forced a new one."""
        del request
        with self._lock:
            self._good_until = self._now()
        return json_answer(200, {"expired": True})


def _told(errcode: int) -> Answer:
    word = "ok" if errcode == 0 else f"refused, rid: {secrets.token_hex(4)}"
    return json_answer(200, {"errcode": int(errcode), "errmsg": word})
