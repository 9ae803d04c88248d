"""Which names each list can be asked by, and what kind each is."""

Schema = dict[str, str]
NULL = object()  # a null that is sent, where others are left out


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
    "priority/sort:int status/sort:int configuration/id:attached automaticEmailCc:str parentTicketId:int hasChildTicket:bool "
    "hasMergedChildTicketFlag:bool mergedParentTicket:ref mergedParentTicket/id:int",
    "board status company+ site contact type subType owner+ priority source sla",
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
TYPE = _schema("id:int name:str defaultFlag:bool inactiveFlag:bool category:str", "board")
SUB_TYPE = _schema("id:int name:str inactiveFlag:bool typeAssociationIds:list", "board")
COMPANY = _schema("id:int identifier:str name:str city:str phoneNumber:str deletedFlag:bool types:list", "status")
CONTACT = _schema(
    "id:int firstName:str lastName:str title:str defaultPhoneNbr:str defaultFlag:bool inactiveFlag:bool types:list "
    "communicationItems:list customFields:list",
    "company+ site",
)
ENTRY = _schema(
    "id:int objectId:int name:str dateStart:date dateEnd:date doneFlag:bool acknowledgedFlag:bool ownerFlag:bool "
    "meetingFlag:bool hours:float type:ref type/id:int type/identifier:str",
    "member+ status",
)
TIME = _schema(
    "id:int chargeToId:int chargeToType:enum timeStart:date timeEnd:date hoursDeduct:float actualHours:float billableOption:str notes:str "
    "internalNotes:str status:str enteredBy:str addToDetailDescriptionFlag:bool addToInternalAnalysisFlag:bool "
    "addToResolutionFlag:bool ticket:ref ticket/id:int",
    "member+ company+ workType",
)
WORK_TYPE = _schema("id:int name:str billTime:str rateType:str rate:float inactiveFlag:bool overallDefaultFlag:bool")
WORK_TYPE_INFO = _schema("id:int name:str defaultFlag:bool inactiveFlag:bool")
CALLBACK = _schema(
    "id:int description:str url:str objectId:int type:str level:str memberId:int payloadVersion:str inactiveFlag:bool "
    "isSoapCallbackFlag:bool isSelfSuppressedFlag:bool connectWiseID:str"
)
RIGHT = _schema(
    "id:int moduleName:str moduleDescription:str moduleFunctionName:str moduleFunctionDescription:str inquireLevel:str "
    "addLevel:str editLevel:str deleteLevel:str"
)
REFERENCE = _schema("id:int name:str")
CHILD = _schema(  # of the arrays a record holds, by which only childConditions can ask
    "types/id:int types/name:str communicationItems/value:str communicationItems/communicationType:str"
)
