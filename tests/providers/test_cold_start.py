"""What a cold start loads: no X.509, no SDK, no HTTP library but urllib3."""

import subprocess
import sys

HEAVY = ("cryptography.x509", "requests", "httpx", "wechatpayv3", "boto3", "botocore", "OpenSSL")
SCRIPT = f"""
import sys
import chalicelib.providers.wechatpay.client, chalicelib.providers.wechat.login
print([name for name in {HEAVY!r} if name in sys.modules])
"""


def test_a_cold_start_loads_only_what_it_needs() -> None:
    told = subprocess.run(
        [sys.executable, "-c", SCRIPT], check=True, capture_output=True, text=True, env={}
    )
    assert told.stdout.strip() == "[]"
