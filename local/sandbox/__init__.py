"""沙箱: a gateway process that plays WeChat Pay's server side, so that a real client can call it.

It shares no code with the platform: it is a second, independent reading of the protocol.
It owns orders as WeChat Pay sees them, the notifications it owes, both sides' keys;
it also plays WeChat's login and the OIDC issuer of a laptop, and never runs in production.
"""

from local.sandbox.app import Sandbox, build
from local.sandbox.keys import SandboxKeys, environment, load_or_create
from local.sandbox.server import Server, serve

__all__ = ["Sandbox", "SandboxKeys", "Server", "build", "environment", "load_or_create", "serve"]
