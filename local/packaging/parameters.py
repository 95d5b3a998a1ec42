"""What a stack is told when it is deployed: the settings that differ, secrets by their names."""

import re
from collections.abc import Iterator
from typing import Any, get_args

from pydantic import SecretStr

from chalicelib.settings import Settings

_TOLD = {
    "PublicBaseUrl": "https address at which the provider reaches the API",
    "OidcIssuer": "issuer of merchants' and operators' tokens",
    "WechatpayMchId": "merchant number (商户号)",
    "WechatpayAppId": "the mini-program's app id",
    "WechatpaySerialNo": "serial number of the merchant's API certificate",
}
"""Without a default: nobody but the merchant knows."""

_DEFAULTS = {
    "FundsModel": ("direct", "direct: the platform's own shop; partner: the seller is the payee"),
    "OidcAudience": ("shoukuan", "audience of those tokens"),
    "PlatformFeeBasisPoints": ("0", "the platform's fee of an order's total"),
    "WechatpayPublicKeyId": ("", "id of WeChat Pay's public key, where it is used"),
    "WechatpayBaseUrl": ("https://api.mch.weixin.qq.com", "where WeChat Pay is"),
    "WechatApiBaseUrl": ("https://api.weixin.qq.com", "where WeChat is"),
}

SECRETS = ("SESSION_KEY", "WECHATPAY_PRIVATE_KEY", "WECHATPAY_API_V3_KEY", "WECHAT_APP_SECRET")
SECRETS_WHERE = {
    "WECHATPAY_PUBLIC_KEY": "HasWechatpayPublicKey",
    "WECHATPAY_API_V3_KEY_PREVIOUS": "HasPreviousKey",
    "WECHAT_PUSH_TOKEN": "HasPushes",
    "WECHAT_PUSH_AES_KEY": "HasPushes",
}
SECRETS_BEFORE = {
    "SESSION_KEY_PREVIOUS": "SESSION_KEY",
    "WECHAT_APP_SECRET_PREVIOUS": "WECHAT_APP_SECRET",
    "WECHAT_PUSH_TOKEN_PREVIOUS": "WECHAT_PUSH_TOKEN",
    "WECHAT_PUSH_AES_KEY_PREVIOUS": "WECHAT_PUSH_AES_KEY",
}
"""What was before stands beside what is, in one secret: `{"current": …, "previous": …}`."""
_FIELDS = {
    "WECHATPAY_PRIVATE_KEY": "#${WechatpaySerialNo}",  # each key under its certificate's serial
    **dict.fromkeys(SECRETS_BEFORE.values(), "#current"),
    **dict.fromkeys(SECRETS_BEFORE, "#previous"),
}
_CONDITIONS = {
    "HasWechatpayPublicKey": {"Fn::Not": [{"Fn::Equals": [{"Ref": "WechatpayPublicKeyId"}, ""]}]},
    "HasPreviousKey": {"Fn::Equals": [{"Ref": "WechatpayKeysChange"}, "yes"]},
    "HasPushes": {"Fn::Equals": [{"Ref": "WechatPushes"}, "yes"]},
    "HasDomain": {"Fn::Not": [{"Fn::Equals": [{"Ref": "DomainName"}, ""]}]},
    "HasAlarmTopic": {"Fn::Not": [{"Fn::Equals": [{"Ref": "AlarmTopicArn"}, ""]}]},
}
_WIRED = re.compile(r"stage|\w+_(table|queue|bucket)|storage_\w+")
"""What the stack itself made, or is called; and what is for other clouds."""

_STAGE_NAMES = "^[a-z][a-z0-9-]{0,19}$"

_QUEUES = ("Bookings", "Commands", "Events", "Settlements", "Reconciliations")


def parameters(stage: str) -> dict[str, Any]:
    """Return the template's parameters."""
    yes_or_no = {"Type": "String", "AllowedValues": ["yes", "no"], "Default": "no"}
    return {
        "Stage": {"Type": "String", "Default": stage, "AllowedPattern": _STAGE_NAMES},
        **{name: {"Type": "String", "Description": text} for name, text in _TOLD.items()},
        **{
            name: {"Type": "String", "Default": default, "Description": text}
            for name, (default, text) in _DEFAULTS.items()
        },
        **{
            name: {"Type": "String", "Default": "", "Description": f"{setting}, or its default"}
            for name, setting in _others()
        },
        "DomainName": {
            "Type": "String",
            "Default": "",
            "Description": "a domain of one's own for the API, or none",
        },
        "CertificateArn": {
            "Type": "String",
            "Default": "",
            "Description": "that domain's certificate, in this region",
        },
        "WechatpayKeysChange": yes_or_no
        | {"Description": "yes while notifications may still come under the API v3 key before"},
        "WechatPushes": yes_or_no | {"Description": "yes once WeChat's console sends pushes here"},
        "AlarmTopicArn": {
            "Type": "String",
            "Default": "",
            "Description": "SNS topic that alarms go to; without one they only change colour",
        },
        **_limits(),
    }


def _limits() -> dict[str, Any]:
    """Return how much, and for how long."""
    return {
        "LogDays": {
            "Type": "Number",
            "Default": 90,
            "AllowedValues": [30, 60, 90, 180, 365, 731, 1827],
            "Description": "how long logs are kept; the numbered list is kept for ever",
        },
        "NotificationsAtOnce": {
            "Type": "Number",
            "Default": 50,
            "MinValue": 1,
            "Description": "notifications that are handled at once, kept free for them",
        },
        "RequestsASecond": {
            "Type": "Number",
            "Default": 500,
            "MinValue": 1,
            "Description": "requests a second to everything but the notifications",
        },
    }


def conditions() -> dict[str, Any]:
    """Return what is there only where it was asked for."""
    return dict(_CONDITIONS)


def settings() -> dict[str, Any]:
    """Return a function's environment: names of what the stack made, and what it was told."""
    told = {_as_setting(name): {"Ref": name} for name in (*_TOLD, *_DEFAULTS)}
    told |= {setting: {"Ref": name} for name, setting in _others()}
    queues = {
        f"{name.upper()}_QUEUE": {"Fn::GetAtt": [f"{name}Queue", "QueueName"]} for name in _QUEUES
    }
    secrets: dict[str, Any] = {name: _secret(name) for name in SECRETS}
    secrets |= {name: _secret(name) for name in SECRETS_BEFORE}
    where = SECRETS_WHERE | {
        name: SECRETS_WHERE[now] for name, now in SECRETS_BEFORE.items() if now in SECRETS_WHERE
    }
    for name, condition in where.items():
        secrets[name] = {"Fn::If": [condition, _secret(name), ""]}
    return {
        "STAGE": {"Ref": "Stage"},
        "MAIN_TABLE": {"Ref": "MainTable"},
        "LOG_TABLE": {"Ref": "LogTable"},
        "LAKE_BUCKET": {"Ref": "LakeBucket"},
        "DOCUMENTS_BUCKET": {"Ref": "DocumentsBucket"},
        **queues,
        **told,
        **secrets,
    }


def named_after(setting: str) -> str:
    """Spell a setting as the parameter that tells it."""
    return "".join(word.title() for word in setting.split("_"))


def secret_name(stage: str, setting: str) -> str:
    """Say where a secret is kept."""
    return f"shoukuan/{stage}/{_kept_as(setting)}"


def _others() -> Iterator[tuple[str, str]]:
    """Yield every other setting that a person may decide, under its parameter's name."""
    for field_name, field in Settings.model_fields.items():
        name, wired = named_after(field_name), _WIRED.fullmatch(field_name)
        secret = SecretStr in {field.annotation, *get_args(field.annotation)}
        if not wired and not secret and name not in {*_TOLD, *_DEFAULTS}:
            yield name, field_name.upper()


def _as_setting(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).upper()


def _secret(name: str) -> dict[str, str]:
    kept, field = _kept_as(SECRETS_BEFORE.get(name, name)), _FIELDS.get(name, "")
    return {"Fn::Sub": f"secret:shoukuan/${{Stage}}/{kept}{field}"}


def _kept_as(setting: str) -> str:
    return setting.lower().replace("_", "-")
