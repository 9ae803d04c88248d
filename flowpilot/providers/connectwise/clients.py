"""The MSP's clients: companies, their contacts and their devices."""

from collections.abc import Sequence

from flowpilot.providers.connectwise import conditions
from flowpilot.providers.connectwise.calls import (
    COMPANIES,
    CONFIGURATIONS,
    CONTACTS,
    TICKETS,
    Calls,
    object_of,
    read,
)
from flowpilot.providers.connectwise.models import CompanyData, ConfigurationData, ContactData

_CONFIGURATION_FIELDS = (
    "id,name,type,status,osType,osInfo,ram,modelNumber,serialNumber,ipAddress,lastLoginName,activeFlag"
)
_COMPANY_FIELDS = "id,identifier,name,city,phoneNumber,status"
_CONTACT_FIELDS = "id,firstName,lastName,title,company,defaultPhoneNbr,defaultFlag,communicationItems"


class Clients(Calls):
    """A part of ConnectWise: who tickets are for, and what they are about."""

    def search_companies(self, text: str = "", *, limit: int = 20) -> list[CompanyData]:
        """Return companies whose name or identifier holds every word, by name."""
        return self._list(
            "/company/companies",
            CompanyData.from_json,
            "company",
            COMPANIES,
            conditions=conditions.all_of(
                ["deletedFlag=false", conditions.contains_words(("name", "identifier"), text)]
            ),
            fields=_COMPANY_FIELDS,
            orderBy="name asc,id asc",
            pageSize=limit,
        )

    def get_company(self, company_id: int) -> CompanyData:
        """Return one company. Raises NotFound."""
        response = self._get("/company/companies/{id}", {"id": company_id}, {"fields": _COMPANY_FIELDS}, COMPANIES)
        return read(CompanyData.from_json, object_of(response), "company")

    def list_contacts(self, company_id: int, text: str = "", *, limit: int = 50) -> list[ContactData]:
        """Return a company's contacts whose name holds every word, by name."""
        return self._list(
            "/company/contacts",
            ContactData.from_json,
            "contact",
            CONTACTS,
            conditions=conditions.all_of(
                [
                    conditions.is_id("company/id", company_id),
                    "inactiveFlag=false",
                    conditions.contains_words(("firstName", "lastName"), text),
                ]
            ),
            fields=_CONTACT_FIELDS,
            orderBy="lastName asc,firstName asc,id asc",
            pageSize=limit,
        )

    def get_contact(self, contact_id: int) -> ContactData:
        """Return one contact. Raises NotFound."""
        response = self._get("/company/contacts/{id}", {"id": contact_id}, {"fields": _CONTACT_FIELDS}, CONTACTS)
        return read(ContactData.from_json, object_of(response), "contact")

    def list_configuration_refs(self, ticket_id: int) -> list[ConfigurationData]:
        """Return the devices attached to a ticket with their number and name alone: all that a ticket knows of them."""
        return self._list(
            "/service/tickets/{id}/configurations",
            ConfigurationData.from_json,
            "device",
            TICKETS,
            id=ticket_id,
            fields="id,deviceIdentifier",
            orderBy="id asc",
            pageSize=100,
        )

    def get_configurations(self, ids: Sequence[int]) -> list[ConfigurationData]:
        """Return devices by their numbers (at most a hundred), by name."""
        return self._configurations(conditions.is_any_id_of("id", ids[:100])) if ids else []

    def list_configurations(self, ticket_id: int) -> list[ConfigurationData]:
        """Return the devices attached to a ticket, by name: two calls, one after the other."""
        return self.get_configurations([device.id for device in self.list_configuration_refs(ticket_id)])

    def list_company_configurations(self, company_id: int) -> list[ConfigurationData]:
        """Return the first hundred devices in use at a company, by name."""
        condition = conditions.all_of([conditions.is_id("company/id", company_id), "activeFlag=true"])
        return self._configurations(condition)

    def _configurations(self, condition: str) -> list[ConfigurationData]:
        return self._list(
            "/company/configurations",
            ConfigurationData.from_json,
            "configuration",
            CONFIGURATIONS,
            conditions=condition,
            fields=_CONFIGURATION_FIELDS,
            orderBy="name asc,id asc",
            pageSize=100,
        )
