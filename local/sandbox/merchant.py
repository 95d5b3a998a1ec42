"""Whose call it is: the checks that every call of APIv3 makes of its numbers and its query."""

from local.sandbox.keys import SandboxKeys
from local.sandbox.wire import RefusalError, Request, param_error


def check_merchant(keys: SandboxKeys, mchid: str, *, field: str, location: str) -> None:
    """Refuse a merchant number that isn't the caller's."""
    if mchid != keys.mch_id:
        raise RefusalError(
            400, "MCH_NOT_EXISTS", "商户号不存在", field=field, value=mchid, location=location
        )


def check_app(keys: SandboxKeys, appid: str) -> None:
    """Refuse an app that isn't bound to the caller."""
    if appid != keys.app_id:
        raise RefusalError(400, "APPID_MCHID_NOT_MATCH", "AppID和mch_id不匹配")


def queried(
    request: Request, names: tuple[str, ...] = (), optional: tuple[str, ...] = ()
) -> dict[str, str]:
    """Read the query: these names, each once, and nothing unknown."""
    given = [name for name, _ in request.query]
    if missing := [name for name in names if name not in given]:
        raise param_error(missing[0], "缺少查询参数", location="query")
    wrong = [name for name in given if name not in (*names, *optional) or given.count(name) > 1]
    if wrong:
        raise param_error(wrong[0], "多余的查询参数", location="query")
    return dict(request.query)
