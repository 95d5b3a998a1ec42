"""The real verifier, for a sample of seeds: words go out signed and sealed, and are read again."""

import os
from datetime import UTC, datetime

from benchmarks.signed import notification
from chalicelib.kernel.clock import SystemClock
from chalicelib.providers.port import Collected
from chalicelib.providers.transport import UrllibTransport
from chalicelib.providers.wechatpay.account import WeChatPayAccount
from chalicelib.providers.wechatpay.client import WeChatPay
from local.sandbox.keys import SandboxKeys, public_text


class RealVerifier:
    """Signs as WeChat Pay does, and verifies as we do: RSA, AES-GCM, strict JSON and all."""

    def __init__(self) -> None:
        self._keys = SandboxKeys.generate(datetime.now(UTC))
        clock = SystemClock()
        account = WeChatPayAccount(
            mch_id=self._keys.mch_id,
            app_id=self._keys.app_id,
            serial_no=self._keys.merchant_serial_no,
            private_key_pem=self._keys.merchant_private_key,
            api_v3_key=self._keys.api_v3_key,
            public_key_id=self._keys.public_key_id,
            public_key_pem=public_text(self._keys.public_key_private),
            base_url="https://gateway.example",
            notify_url="https://house.example/v1/notifications/wechatpay",
        )
        self._provider = WeChatPay(
            account, transport=UrllibTransport(clock), clock=clock, randomness=os.urandom
        )

    def __call__(self, word: Collected) -> Collected:
        """Return the same word, after it went over the wire."""
        total = word.amount.amount
        sent = notification(
            self._keys,
            payment_id=word.number,
            attach=word.attach,
            total=total,
            transaction_id=word.transaction_id,
            success_time=word.paid_at.isoformat(timespec="seconds"),
            amount={"total": total, "payer_total": total, "currency": word.amount.currency},
        )
        heard = self._provider.read_notification(sent.headers, sent.body)
        assert isinstance(heard, Collected)
        assert heard == word.evolve(paid_at=heard.paid_at), "nothing is lost on the wire"
        return word
