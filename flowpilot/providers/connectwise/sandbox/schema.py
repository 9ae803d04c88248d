"""Which names each list can be asked by, and what kind each is."""

Schema = dict[str, str]


def _schema(text: str, references: str = "") -> Schema:
    """Read `name:kind` words; a reference `x` stands for x/id and x/name, `x+` for its identifier as well."""
    named = dict(word.split(":") for word in text.split())
    for word in references.split():
        name = word.rstrip("+")
        named |= {name: "ref", f"{name}/id": "int", f"{name}/name": "str"}
        if word.endswith("+"):
            named[f"{name}/identifier"] = "str"
    # every record reacts to these two, whether or not they are fields of it
    return named | {"lastUpdated": "date", "dateEntered": "date", "_info": "info"} | _INFO


_INFO = {"_info/lastUpdated": "date", "_info/dateEntered": "date", "_info/updatedBy": "str", "_info/enteredBy": "str"}

TICKET = _schema(
    "id:int summary:str recordType:enum siteName:str contactName:str contactPhoneNumber:str contactEmailAddress:str "
    "requiredDate:date severity:enum impact:enum externalXRef:str closedDate:date closedBy:str closedFlag:bool "
    "resolutionGoalUTC:date resources:str slaStatus:str isInSla:bool customerUpdatedFlag:bool "
    "automaticEmailContactFlag:bool automaticEmailResourceFlag:bool automaticEmailCcFlag:bool initialDescription:str "
    "priority/sort:int status/sort:int configuration/id:attached",
    "board status company+ site contact type owner+ priority source",
)
NOTE = _schema(
    "id:int ticketId:int text:str detailDescriptionFlag:bool internalAnalysisFlag:bool resolutionFlag:bool issueFlag:bool "
    "dateCreated:date createdBy:str internalFlag:bool externalFlag:bool customerUpdatedFlag:bool processNotifications:bool",
    "member+ contact",
)
ALL_NOTE = _schema(
    "id:int noteType:str text:str isMarkdownFlag:bool detailDescriptionFlag:bool internalAnalysisFlag:bool "
    "resolutionFlag:bool timeStart:date timeEnd:date bundledFlag:bool mergedFlag:bool issueFlag:bool originalAuthor:str "
    "createdByParentFlag:bool ticket:ref ticket/id:int ticket/summary:str",
    "member+ contact",
)
STATUS = _schema(
    "id:int name:str sortOrder:int displayOnBoard:bool inactive:bool closedStatus:bool timeEntryNotAllowed:bool "
    "defaultFlag:bool",
    "board",
)
BOARD = _schema("id:int name:str inactiveFlag:bool projectFlag:bool", "location department+")
MEMBER = _schema(
    "id:int identifier:str firstName:str lastName:str primaryEmail:str officeEmail:str licenseClass:str inactiveFlag:bool"
)
MEMBER_INFO = _schema(
    "id:int identifier:str firstName:str lastName:str fullName:str defaultEmail:str licenseClass:str inactiveFlag:bool"
)
CONFIGURATION = _schema(
    "id:int name:str deviceIdentifier:str serialNumber:str modelNumber:str tagNumber:str macAddress:str lastLoginName:str "
    "ipAddress:str osType:str osInfo:str ram:str activeFlag:bool notes:str",
    "type status company+ contact site",
)
PRIORITY = _schema("id:int name:str sortOrder:int defaultFlag:bool")
