"""ConnectWise itself: what it is, what we may do there, and what it tells us by itself."""

import base64
import hashlib
import hmac

from flowpilot.providers.connectwise.calls import CALLBACKS, MEMBERS, TICKETS, Calls, object_of, read, written
from flowpilot.providers.connectwise.errors import Uncertain
from flowpilot.providers.connectwise.models import CallbackData, RightData, ServerInfo

_CALLBACKS = "/system/callbacks"
_OF_OWNER = {"ticket": "Owner", "schedule": "Owner", "time": "Owner"}  # the level that hears of every record


class System(Calls):
    """A part of ConnectWise: the connection and its callbacks."""

    def test(self) -> ServerInfo:
        """Prove that the address, the keys and the first permission work; return what the server is."""
        info = object_of(self._get("/system/info", {}, {}, TICKETS))
        # /system/info answers without keys on some servers, so it proves nothing by itself
        self._get("/service/boards", {}, {"pageSize": 1, "fields": "id", "orderBy": "id asc"}, TICKETS)
        return read(ServerInfo.from_json, info, "description of itself")

    def list_rights(self) -> list[RightData]:
        """Return what our security role says about each module. Many roles may not ask."""
        fields = (
            "moduleName,moduleDescription,moduleFunctionName,moduleFunctionDescription,inquireLevel,addLevel,editLevel"
        )
        return self._list(
            "/system/mySecurity",
            RightData.from_json,
            "right",
            MEMBERS,
            fields=f"{fields},deleteLevel",
            orderBy="id asc",
            pageSize=1000,
        )

    def list_callbacks(self) -> list[CallbackData]:
        """Return what ConnectWise calls, for whom ever it does."""
        return self._list(
            _CALLBACKS,
            CallbackData.from_json,
            "callback",
            CALLBACKS,
            fields="id,url,type,level,objectId,inactiveFlag",
            orderBy="id asc",
            pageSize=1000,
        )

    def signing_key(self, key_url: str) -> str:
        """Return what this company's callbacks are signed with. Raises Refused for anybody else's address."""
        return self._wire.signing_key(key_url)

    def create_callback(self, *, url: str, type: str, description: str = "FlowPilot") -> CallbackData:
        """Ask to be called about every record of a type (`ticket`, `schedule` or `time`). The address must end with `recordId=`."""
        body = {"url": url, "type": type, "level": _OF_OWNER[type], "objectId": 1, "description": description[:100]}
        response = self._wire.write("POST", _CALLBACKS, {}, body, f"{CALLBACKS} (add)")
        return read(CallbackData.from_json, written(response), "callback", failure=Uncertain)

    def delete_callback(self, callback_id: int) -> None:
        """Ask to be called no more. Raises NotFound when it is gone already."""
        self._wire.write("DELETE", f"{_CALLBACKS}/{{id}}", {"id": callback_id}, None, f"{CALLBACKS} (delete)")


def is_signed(body: bytes, signature: str, signing_key: str) -> bool:
    """Whether a callback's raw body carries the signature that its key makes."""
    key = hashlib.sha256(signing_key.encode()).digest()
    expected = base64.b64encode(hmac.new(key, body, hashlib.sha256).digest())
    return hmac.compare_digest(expected, signature.encode("utf-8", "replace"))
