"""What ConnectWise says about itself, about our rights there, and about what it tells us by itself."""

from dataclasses import dataclass
from typing import Self

from flowpilot.providers.connectwise.models.values import Json, text_of


@dataclass(frozen=True, slots=True)
class ServerInfo:
    version: str
    is_cloud: bool = False
    region: str = ""

    @classmethod
    def from_json(cls, data: Json) -> Self:
        """Read what the server says about itself."""
        return cls(
            version=text_of(data, "version"), is_cloud=_truth(data.get("isCloud")), region=text_of(data, "cloudRegion")
        )


@dataclass(frozen=True, slots=True)
class CompanyInfo:
    """Where a company's API is. The codebase ends with a slash and changes when the cloud is upgraded."""

    codebase: str
    version: str = ""
    is_cloud: bool = False

    @classmethod
    def from_json(cls, data: Json) -> Self:
        """Read what /login/companyinfo says."""
        return cls(
            codebase=text_of(data, "Codebase"),
            version=text_of(data, "VersionNumber"),
            is_cloud=_truth(data.get("IsCloud")),
        )


@dataclass(frozen=True, slots=True)
class CallbackData:
    id: int
    url: str
    type: str = ""
    level: str = ""
    object_id: int = 0
    is_inactive: bool = False

    @classmethod
    def from_json(cls, data: Json) -> Self:
        """Read a callback that ConnectWise will send."""
        return cls(
            id=int(data["id"]),
            url=text_of(data, "url"),
            type=text_of(data, "type").lower(),
            level=text_of(data, "level").lower(),
            object_id=int(data.get("objectId") or 0),
            is_inactive=bool(data.get("inactiveFlag")),
        )


@dataclass(frozen=True, slots=True)
class RightData:
    """What our security role says about one module."""

    module: str
    function: str
    inquire: str = ""  # None, My or All
    add: str = ""
    edit: str = ""
    delete: str = ""

    @classmethod
    def from_json(cls, data: Json) -> Self:
        """Read a line of /system/mySecurity."""
        return cls(
            module=text_of(data, "moduleName") or text_of(data, "moduleDescription"),
            function=text_of(data, "moduleFunctionDescription") or text_of(data, "moduleFunctionName"),
            **{level: text_of(data, f"{level}Level") for level in ("inquire", "add", "edit", "delete")},
        )


def _truth(value: object) -> bool:
    return value is True or str(value).lower() == "true"  # the string "True" in some answers
