"""What a prepay (下单) may say: every field of the JSAPI call, and nothing else."""

import re
from datetime import datetime
from hashlib import sha256
from ipaddress import ip_address
from typing import Annotated, Any, Literal, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)
from pydantic import ValidationError as Invalid

from local.sandbox.wire import RefusalError, param_error

NOTIFY_URL_LENGTH_MAX = 255
ECHOED_MAX = 128
RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
LOOPBACK_NAMES = {"localhost", "127.0.0.1", "::1"}


def _instant_text(text: str) -> str:
    if not RFC3339.fullmatch(text):
        raise ValueError("须为带时区的 RFC 3339 时间")
    datetime.fromisoformat(text)
    return text


def _notify_url(url: str) -> str:
    """Accept https on a public host, or, because this is a sandbox, http on loopback."""
    parts = urlsplit(url)
    if "?" in url or "#" in url:
        raise ValueError("通知地址不能携带参数")
    if parts.hostname in LOOPBACK_NAMES and parts.scheme in {"http", "https"}:
        return url
    if parts.scheme != "https" or not parts.hostname:
        raise ValueError("通知地址须以 https:// 开头")
    if _is_address(parts.hostname):
        raise ValueError("通知地址不能是 IP")
    return url


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _text(length_max: int, length_min: int = 0) -> Any:
    return StringConstraints(min_length=length_min, max_length=length_max)


OutTradeNo = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z_\-|*]{6,32}\z")]
OpenId = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z_\-]{1,128}\z")]
Party = Annotated[str, _text(32, length_min=1)]
Fen = Annotated[int, Field(ge=0, le=10**10)]
Rfc3339 = Annotated[str, AfterValidator(_instant_text)]
NotifyUrl = Annotated[str, _text(NOTIFY_URL_LENGTH_MAX, length_min=1), AfterValidator(_notify_url)]


class Form(BaseModel):
    """A body whose every field is known."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Amount(Form):
    """The total, in whole fen."""

    total: int = Field(ge=1, le=10**10)
    currency: Literal["CNY"] = "CNY"


class Payer(Form):
    """Who pays, under this appid."""

    openid: OpenId


class Goods(Form):
    """One line of the goods list."""

    merchant_goods_id: Annotated[str, _text(32, length_min=1)]
    wechatpay_goods_id: Annotated[str, _text(32)] | None = None
    goods_name: Annotated[str, _text(256)] | None = None
    quantity: int = Field(ge=1)
    unit_price: Fen


class Detail(Form):
    """The goods list (单品列表)."""

    cost_price: Fen | None = None
    invoice_id: Annotated[str, _text(32)] | None = None
    goods_detail: list[Goods] | None = Field(default=None, max_length=6000)


class StoreInfo(Form):
    """The shop where it happens (门店)."""

    id: Annotated[str, _text(32, length_min=1)]
    name: Annotated[str, _text(256)] | None = None
    area_code: Annotated[str, _text(32)] | None = None
    address: Annotated[str, _text(512)] | None = None


class SceneInfo(Form):
    """Where it happens (支付场景)."""

    payer_client_ip: Annotated[str, _text(45, length_min=1)]
    device_id: Annotated[str, _text(32)] | None = None
    store_info: StoreInfo | None = None


class SettleInfo(Form):
    """Whether the money is frozen for splitting (分账)."""

    profit_sharing: bool | None = None


class Asked(Form):
    """What every prepay says, whoever asks."""

    description: Annotated[str, _text(127, length_min=1)]
    out_trade_no: OutTradeNo
    time_expire: Rfc3339 | None = None
    attach: Annotated[str, _text(128)] | None = None
    notify_url: NotifyUrl
    goods_tag: Annotated[str, _text(32)] | None = None
    support_fapiao: bool | None = None
    amount: Amount
    detail: Detail | None = None
    scene_info: SceneInfo | None = None
    settle_info: SettleInfo | None = None


class Prepay(Asked):
    """The body of `POST /v3/pay/transactions/jsapi`."""

    appid: Party
    mchid: Party
    payer: Payer

    @property
    def sub_mchid(self) -> str | None:
        """Return nobody: the merchant takes the money itself."""
        return None

    @property
    def payee(self) -> str:
        """Return who takes the money."""
        return self.mchid

    @property
    def parties(self) -> dict[str, str]:
        """Spell who sells."""
        return {"appid": self.appid, "mchid": self.mchid}

    @property
    def payers(self) -> dict[str, str]:
        """Spell who pays."""
        return {"openid": self.payer.openid}


class PartnerPayer(Form):
    """Who pays, under the partner's app or under the sub-merchant's."""

    sp_openid: OpenId | None = None
    sub_openid: OpenId | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.sp_openid is None) == (self.sub_openid is None):
            raise ValueError("sp_openid 与 sub_openid 二选一")
        return self


class PartnerPrepay(Asked):
    """The body of `POST /v3/pay/partner/transactions/jsapi` (服务商模式)."""

    sp_appid: Party
    sp_mchid: Party
    sub_appid: Party | None = None
    sub_mchid: Party
    payer: PartnerPayer

    @model_validator(mode="after")
    def _its_own_app(self) -> Self:
        if self.payer.sub_openid and not self.sub_appid:
            raise ValueError("传 sub_openid 时须传 sub_appid")
        return self

    @property
    def payee(self) -> str:
        """Return who takes the money."""
        return self.sub_mchid

    @property
    def parties(self) -> dict[str, str]:
        """Spell who sells, and through whom."""
        names = {"sp_appid", "sp_mchid", "sub_appid", "sub_mchid"}
        told: dict[str, str] = self.model_dump(include=names, exclude_none=True)
        return told

    @property
    def payers(self) -> dict[str, str]:
        """Spell who pays; the partner's openid is always told, here it is made up."""
        if self.payer.sp_openid:
            return {"sp_openid": self.payer.sp_openid}
        sub_openid = self.payer.sub_openid or ""
        told = "o" + sha256(f"{self.sp_appid} {sub_openid}".encode()).hexdigest()[:27]
        return {"sp_openid": told, "sub_openid": sub_openid}


class Close(Form):
    """The body of a close (关单)."""

    mchid: Party


class PartnerClose(Form):
    """The body of a partner's close."""

    sp_mchid: Party
    sub_mchid: Party


F = TypeVar("F", bound=Form)


def parsed(form: type[F], value: Any) -> F:
    """Read a body by its form; the first wrong field is refused by name, as WeChat Pay does."""
    try:
        return form.model_validate(value)
    except Invalid as invalid:
        raise _refusal(invalid) from invalid


def _refusal(invalid: Invalid) -> RefusalError:
    error = invalid.errors(include_url=False, include_context=False)[0]
    field = "".join(f"/{part}" for part in error["loc"])
    if error["type"] == "extra_forbidden":
        return param_error(field, "请求中含有未在API文档中定义的参数")
    value = error["input"]
    if isinstance(value, str):
        return param_error(field, error["msg"], value=value[:ECHOED_MAX])
    return param_error(field, error["msg"], value=value if isinstance(value, int) else None)
