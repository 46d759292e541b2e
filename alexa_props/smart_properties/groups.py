"""The API groups of Smart Properties, as attributes of the client. Each is imported when it is first used."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Literal

from alexa_props.client import Client

if TYPE_CHECKING:
    from alexa_props.smart_properties.address_books import AddressBookAssociations, AddressBooks, Contacts
    from alexa_props.smart_properties.alerts import Alerts
    from alexa_props.smart_properties.analytics_reports import AnalyticsReports
    from alexa_props.smart_properties.automations import Automations, AutomationTemplates
    from alexa_props.smart_properties.campaigns import Campaigns
    from alexa_props.smart_properties.certificate_authorities import CertificateAuthorities
    from alexa_props.smart_properties.communications import (
        BlockingRules,
        CommunicationProfiles,
        DropInPreferences,
        ReciprocalAssociations,
    )
    from alexa_props.smart_properties.consents import Consents
    from alexa_props.smart_properties.device_groups import DeviceGroups
    from alexa_props.smart_properties.discovery_sessions import DiscoverySessions
    from alexa_props.smart_properties.endpoint_settings import EndpointSettings
    from alexa_props.smart_properties.endpoints import Endpoints
    from alexa_props.smart_properties.event_messenger import EventSubscriptionConfigurations, EventSubscriptions
    from alexa_props.smart_properties.features import Features
    from alexa_props.smart_properties.legacy import LegacyProperties, LegacyRooms, LegacyRoomTypes
    from alexa_props.smart_properties.notifications import Notifications
    from alexa_props.smart_properties.pbx import ExtensionMappings, SipTrunks
    from alexa_props.smart_properties.reminders import Reminders
    from alexa_props.smart_properties.roles import RoleAssignments, Roles
    from alexa_props.smart_properties.skills import Skills
    from alexa_props.smart_properties.unit_settings import UnitSettings
    from alexa_props.smart_properties.units import Units
    from alexa_props.smart_properties.users import Users
    from alexa_props.smart_properties.webrtc import AccountAssociations, NetworkMappings, ServiceProviders
    from alexa_props.smart_properties.wifi import Wifi

__all__ = ["ApiGroups"]


class ApiGroups(Client):
    """What `SmartProperties` can be called for: one attribute per API group."""

    _alerts_authorization: Literal["Bearer", "bare"]

    @functools.cached_property
    def unit_settings(self) -> UnitSettings:
        """Read and set the default music station of a unit, normally a room, and set icons of its menus."""
        from alexa_props.smart_properties.unit_settings import UnitSettings

        return UnitSettings(self)

    @functools.cached_property
    def alerts(self) -> Alerts:
        """Delete all alarms, timers or reminders on the devices of a unit."""
        from alexa_props.smart_properties.alerts import Alerts

        return Alerts(self, self._alerts_authorization)

    @functools.cached_property
    def units(self) -> Units:
        """Create, read, rename and delete units."""
        from alexa_props.smart_properties.units import Units

        return Units(self)

    @functools.cached_property
    def endpoints(self) -> Endpoints:
        """Find endpoints, move them between units, rename and remove them."""
        from alexa_props.smart_properties.endpoints import Endpoints

        return Endpoints(self)

    @functools.cached_property
    def endpoint_settings(self) -> EndpointSettings:
        """Read and change the settings and the address of an endpoint."""
        from alexa_props.smart_properties.endpoint_settings import EndpointSettings

        return EndpointSettings(self)

    @functools.cached_property
    def features(self) -> Features:
        """Read and change what an endpoint can do: its speaker and Bluetooth, lights, plugs and thermostats."""
        from alexa_props.smart_properties.features import Features

        return Features(self)

    @functools.cached_property
    def notifications(self) -> Notifications:
        """Send, find and delete notifications."""
        from alexa_props.smart_properties.notifications import Notifications

        return Notifications(self)

    @functools.cached_property
    def address_books(self) -> AddressBooks:
        """Create, read, rename and delete address books."""
        from alexa_props.smart_properties.address_books import AddressBooks

        return AddressBooks(self)

    @functools.cached_property
    def contacts(self) -> Contacts:
        """Create, read, change and delete the contacts of an address book, up to 2,000 in each."""
        from alexa_props.smart_properties.address_books import Contacts

        return Contacts(self)

    @functools.cached_property
    def address_book_associations(self) -> AddressBookAssociations:
        """Associate address books with units: up to 10 books with a unit, and up to 2,500 units with a book."""
        from alexa_props.smart_properties.address_books import AddressBookAssociations

        return AddressBookAssociations(self)

    @functools.cached_property
    def analytics_reports(self) -> AnalyticsReports:
        """Request reports about the use of devices and skills."""
        from alexa_props.smart_properties.analytics_reports import AnalyticsReports

        return AnalyticsReports(self)

    @functools.cached_property
    def automation_templates(self) -> AutomationTemplates:
        """Create, read and delete templates of automations: triggers and operations with placeholders."""
        from alexa_props.smart_properties.automations import AutomationTemplates

        return AutomationTemplates(self)

    @functools.cached_property
    def automations(self) -> Automations:
        """Create, read, change and delete automations of units, each from a template."""
        from alexa_props.smart_properties.automations import Automations

        return Automations(self)

    @functools.cached_property
    def campaigns(self) -> Campaigns:
        """Show cards on the home screens of units, which rotate through them."""
        from alexa_props.smart_properties.campaigns import Campaigns

        return Campaigns(self)

    @functools.cached_property
    def certificate_authorities(self) -> CertificateAuthorities:
        """Create certificate authorities for enterprise Wi-Fi, sign them with your own authority, and delete them."""
        from alexa_props.smart_properties.certificate_authorities import CertificateAuthorities

        return CertificateAuthorities(self)

    @functools.cached_property
    def communication_profiles(self) -> CommunicationProfiles:
        """Create, read, change and delete the communication profiles of units."""
        from alexa_props.smart_properties.communications import CommunicationProfiles

        return CommunicationProfiles(self)

    @functools.cached_property
    def reciprocal_associations(self) -> ReciprocalAssociations:
        """Let external contacts call a unit."""
        from alexa_props.smart_properties.communications import ReciprocalAssociations

        return ReciprocalAssociations(self)

    @functools.cached_property
    def drop_in_preferences(self) -> DropInPreferences:
        """Allow or forbid drop-in between two communication profiles."""
        from alexa_props.smart_properties.communications import DropInPreferences

        return DropInPreferences(self)

    @functools.cached_property
    def blocking_rules(self) -> BlockingRules:
        """Block calls and messages between two communication profiles."""
        from alexa_props.smart_properties.communications import BlockingRules

        return BlockingRules(self)

    @functools.cached_property
    def consents(self) -> Consents:
        """Read and reset the consents that residents gave in a unit."""
        from alexa_props.smart_properties.consents import Consents

        return Consents(self)

    @functools.cached_property
    def device_groups(self) -> DeviceGroups:
        """Create, list, change and delete groups of endpoints in a unit."""
        from alexa_props.smart_properties.device_groups import DeviceGroups

        return DeviceGroups(self)

    @functools.cached_property
    def discovery_sessions(self) -> DiscoverySessions:
        """Look for new or changed smart home devices of a skill in a unit."""
        from alexa_props.smart_properties.discovery_sessions import DiscoverySessions

        return DiscoverySessions(self)

    @functools.cached_property
    def event_subscription_configurations(self) -> EventSubscriptionConfigurations:
        """Create, read and delete the destinations of events."""
        from alexa_props.smart_properties.event_messenger import EventSubscriptionConfigurations

        return EventSubscriptionConfigurations(self)

    @functools.cached_property
    def event_subscriptions(self) -> EventSubscriptions:
        """Create, read and delete subscriptions to events."""
        from alexa_props.smart_properties.event_messenger import EventSubscriptions

        return EventSubscriptions(self)

    @functools.cached_property
    def legacy_properties(self) -> LegacyProperties:
        """Properties of the hospitality API, version 1. Prefer `units`."""
        from alexa_props.smart_properties.legacy import LegacyProperties

        return LegacyProperties(self)

    @functools.cached_property
    def legacy_room_types(self) -> LegacyRoomTypes:
        """Room types of the hospitality API, version 1. Prefer `units`."""
        from alexa_props.smart_properties.legacy import LegacyRoomTypes

        return LegacyRoomTypes(self)

    @functools.cached_property
    def legacy_rooms(self) -> LegacyRooms:
        """Rooms of the hospitality API, version 1. Prefer `units`."""
        from alexa_props.smart_properties.legacy import LegacyRooms

        return LegacyRooms(self)

    @functools.cached_property
    def sip_trunks(self) -> SipTrunks:
        """Create, read, replace and delete SIP trunks to a PBX."""
        from alexa_props.smart_properties.pbx import SipTrunks

        return SipTrunks(self)

    @functools.cached_property
    def extension_mappings(self) -> ExtensionMappings:
        """Map extensions of a PBX to communication profiles, so that they ring in units."""
        from alexa_props.smart_properties.pbx import ExtensionMappings

        return ExtensionMappings(self)

    @functools.cached_property
    def reminders(self) -> Reminders:
        """Create, read, replace and delete reminders on endpoints, up to 250 on each."""
        from alexa_props.smart_properties.reminders import Reminders

        return Reminders(self)

    @functools.cached_property
    def roles(self) -> Roles:
        """Read the roles of units."""
        from alexa_props.smart_properties.roles import Roles

        return Roles(self)

    @functools.cached_property
    def role_assignments(self) -> RoleAssignments:
        """Assign roles to principals, and revoke them."""
        from alexa_props.smart_properties.roles import RoleAssignments

        return RoleAssignments(self)

    @functools.cached_property
    def skills(self) -> Skills:
        """Enable and disable skills for units."""
        from alexa_props.smart_properties.skills import Skills

        return Skills(self)

    @functools.cached_property
    def users(self) -> Users:
        """Create, list and delete users of the organization."""
        from alexa_props.smart_properties.users import Users

        return Users(self)

    @functools.cached_property
    def service_providers(self) -> ServiceProviders:
        """Register external WebRTC services, so that their users and rooms can call each other."""
        from alexa_props.smart_properties.webrtc import ServiceProviders

        return ServiceProviders(self)

    @functools.cached_property
    def network_mappings(self) -> NetworkMappings:
        """Map service providers to the skills that connect them."""
        from alexa_props.smart_properties.webrtc import NetworkMappings

        return NetworkMappings(self)

    @functools.cached_property
    def account_associations(self) -> AccountAssociations:
        """Associate the users of a service provider with communication profiles."""
        from alexa_props.smart_properties.webrtc import AccountAssociations

        return AccountAssociations(self)

    @functools.cached_property
    def wifi(self) -> Wifi:
        """Save Wi-Fi networks in the account, and assign them to endpoints."""
        from alexa_props.smart_properties.wifi import Wifi

        return Wifi(self)
