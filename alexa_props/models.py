"""All models of both services in one place, for imports and annotations.

    from alexa_props.models import Endpoint, Pager, Unit

Each is the class of the file that defines it, imported on first use. Two have another name than in their files, because
two files use it: `BusinessUser` is `for_business.users.User` (`User` is that of Smart Properties), and
`SettingEnablement` is `smart_properties.setting.Enablement` (`Enablement` is that of a skill).
"""

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from alexa_props.errors import EndpointFailure
    from alexa_props.for_business.devices import (
        ConnectionStatus,
        Device,
        DeviceArn,
        DeviceData,
        DeviceEvent,
        DeviceEventType,
        DeviceFeature,
        DeviceStatus,
        DeviceStatusDetail,
        DeviceStatusDetailCode,
        DeviceStatusInfo,
        NetworkProfileInfo,
    )
    from alexa_props.for_business.users import EnrollmentStatus
    from alexa_props.for_business.users import User as BusinessUser
    from alexa_props.paging import Page, Pager
    from alexa_props.settings import Secret
    from alexa_props.smart_properties.address_books import (
        AddressBook,
        Association,
        Contact,
        ContactRecord,
        PhoneNumber,
        ProviderContact,
    )
    from alexa_props.smart_properties.analytics_reports import AnalyticsReport, Category
    from alexa_props.smart_properties.automations import (
        AssociatedEntity,
        Automation,
        AutomationData,
        AutomationOperation,
        AutomationTemplate,
        OperationNode,
        TemplateBody,
        Trigger,
        parallel,
        serial,
    )
    from alexa_props.smart_properties.batch import BatchItem, BatchResult
    from alexa_props.smart_properties.campaigns import (
        ActivationWindow,
        Campaign,
        CampaignCard,
        CardAction,
        MediaCard,
        PrimePhotoCard,
        RatingCard,
        Scheduling,
        SelectedPhotoCard,
        SuggestedAction,
        SuggestedActionsCard,
        Targeting,
        TextWrappingCard,
    )
    from alexa_props.smart_properties.certificate_authorities import (
        CertificateAuthority,
        CertificateAuthorityId,
        RotationPeriod,
    )
    from alexa_props.smart_properties.communications import (
        BlockingRule,
        CommunicationProfile,
        DropInPreference,
        NewProfile,
        ProfileId,
        ReciprocalAssociation,
        Toggle,
    )
    from alexa_props.smart_properties.consents import Consent, ConsentType
    from alexa_props.smart_properties.content import Card
    from alexa_props.smart_properties.deletion import Deletion
    from alexa_props.smart_properties.device_groups import DeviceGroup, DeviceGroupId
    from alexa_props.smart_properties.discovery_sessions import DiscoverySession, SkillStage
    from alexa_props.smart_properties.endpoint_settings import Address, SettingValues
    from alexa_props.smart_properties.endpoints import Connection, Endpoint, UnitRef
    from alexa_props.smart_properties.event_messenger import (
        ChannelType,
        DeliveryChannel,
        Entities,
        Entity,
        Event,
        EventSubscription,
        EventSubscriptionConfiguration,
        EventType,
    )
    from alexa_props.smart_properties.features import Color, Feature, FeatureOperation, FeatureProperty, Temperature
    from alexa_props.smart_properties.ids import EndpointId, UnitId
    from alexa_props.smart_properties.legacy import LegacyUnit
    from alexa_props.smart_properties.notifications import (
        Announcement,
        DeviceNotification,
        Notification,
        NotificationKind,
        NotificationRecord,
        PersistentVisualAlert,
        Recipient,
    )
    from alexa_props.smart_properties.pbx import ExtensionMapping, FqdnPeer, IpPeer, SipTrunk, Tls, TrunkId
    from alexa_props.smart_properties.profile import Profile
    from alexa_props.smart_properties.reminders import (
        AbsoluteTrigger,
        CreatedReminders,
        RecurringTrigger,
        RelativeTrigger,
        Reminder,
        Speech,
    )
    from alexa_props.smart_properties.roles import PrincipalId, Role, RoleAssignment, RoleId
    from alexa_props.smart_properties.setting import (
        Confirmation,
        DistanceUnits,
        EndpointSetting,
        Setting,
        TemperatureUnit,
        TimeFormat,
        WakeWord,
    )
    from alexa_props.smart_properties.setting import Enablement as SettingEnablement
    from alexa_props.smart_properties.skills import (
        AccountLink,
        AccountLinkRequest,
        Enablement,
        EnablementRequest,
        EnablementStatus,
        Expand,
        NameFreeInvocationRequest,
        Skill,
        Stage,
        UnitEnablements,
    )
    from alexa_props.smart_properties.stations import DefaultStation, Station, Stations
    from alexa_props.smart_properties.subscriptions import SUBSCRIPTION_SKILLS, Vertical
    from alexa_props.smart_properties.unit_settings import MenuIcon
    from alexa_props.smart_properties.units import Unit
    from alexa_props.smart_properties.users import CreatedUser, User, UserId
    from alexa_props.smart_properties.visual_alerts import (
        AlertAction,
        AlertBackground,
        AlertImage,
        AlertItem,
        AlertTemplate,
        AlertText,
        ButtonListTemplate,
        ImageListTemplate,
        MediaThumbnailTemplate,
        OptionListTemplate,
        RatingTemplate,
        TextWrappingTemplate,
    )
    from alexa_props.smart_properties.webrtc import (
        AccountAssociation,
        DisplayName,
        NetworkMapping,
        ServiceProvider,
        ServiceProviderId,
        ServiceProviderRef,
        SkillConfiguration,
    )
    from alexa_props.smart_properties.wifi import (
        CertificateAuthorityRef,
        CredentialConfiguration,
        KeyManagement,
        WifiConfiguration,
        WifiConfigurations,
        WifiStatus,
    )

__all__ = [
    "SUBSCRIPTION_SKILLS",
    "AbsoluteTrigger",
    "AccountAssociation",
    "AccountLink",
    "AccountLinkRequest",
    "ActivationWindow",
    "Address",
    "AddressBook",
    "AlertAction",
    "AlertBackground",
    "AlertImage",
    "AlertItem",
    "AlertTemplate",
    "AlertText",
    "AnalyticsReport",
    "Announcement",
    "AssociatedEntity",
    "Association",
    "Automation",
    "AutomationData",
    "AutomationOperation",
    "AutomationTemplate",
    "BatchItem",
    "BatchResult",
    "BlockingRule",
    "BusinessUser",
    "ButtonListTemplate",
    "Campaign",
    "CampaignCard",
    "Card",
    "CardAction",
    "Category",
    "CertificateAuthority",
    "CertificateAuthorityId",
    "CertificateAuthorityRef",
    "ChannelType",
    "Color",
    "CommunicationProfile",
    "Confirmation",
    "Connection",
    "ConnectionStatus",
    "Consent",
    "ConsentType",
    "Contact",
    "ContactRecord",
    "CreatedReminders",
    "CreatedUser",
    "CredentialConfiguration",
    "DefaultStation",
    "Deletion",
    "DeliveryChannel",
    "Device",
    "DeviceArn",
    "DeviceData",
    "DeviceEvent",
    "DeviceEventType",
    "DeviceFeature",
    "DeviceGroup",
    "DeviceGroupId",
    "DeviceNotification",
    "DeviceStatus",
    "DeviceStatusDetail",
    "DeviceStatusDetailCode",
    "DeviceStatusInfo",
    "DiscoverySession",
    "DisplayName",
    "DistanceUnits",
    "DropInPreference",
    "Enablement",
    "EnablementRequest",
    "EnablementStatus",
    "Endpoint",
    "EndpointFailure",
    "EndpointId",
    "EndpointSetting",
    "EnrollmentStatus",
    "Entities",
    "Entity",
    "Event",
    "EventSubscription",
    "EventSubscriptionConfiguration",
    "EventType",
    "Expand",
    "ExtensionMapping",
    "Feature",
    "FeatureOperation",
    "FeatureProperty",
    "FqdnPeer",
    "ImageListTemplate",
    "IpPeer",
    "KeyManagement",
    "LegacyUnit",
    "MediaCard",
    "MediaThumbnailTemplate",
    "MenuIcon",
    "NameFreeInvocationRequest",
    "NetworkMapping",
    "NetworkProfileInfo",
    "NewProfile",
    "Notification",
    "NotificationKind",
    "NotificationRecord",
    "OperationNode",
    "OptionListTemplate",
    "Page",
    "Pager",
    "PersistentVisualAlert",
    "PhoneNumber",
    "PrimePhotoCard",
    "PrincipalId",
    "Profile",
    "ProfileId",
    "ProviderContact",
    "RatingCard",
    "RatingTemplate",
    "Recipient",
    "ReciprocalAssociation",
    "RecurringTrigger",
    "RelativeTrigger",
    "Reminder",
    "Role",
    "RoleAssignment",
    "RoleId",
    "RotationPeriod",
    "Scheduling",
    "Secret",
    "SelectedPhotoCard",
    "ServiceProvider",
    "ServiceProviderId",
    "ServiceProviderRef",
    "Setting",
    "SettingEnablement",
    "SettingValues",
    "SipTrunk",
    "Skill",
    "SkillConfiguration",
    "SkillStage",
    "Speech",
    "Stage",
    "Station",
    "Stations",
    "SuggestedAction",
    "SuggestedActionsCard",
    "Targeting",
    "Temperature",
    "TemperatureUnit",
    "TemplateBody",
    "TextWrappingCard",
    "TextWrappingTemplate",
    "TimeFormat",
    "Tls",
    "Toggle",
    "Trigger",
    "TrunkId",
    "Unit",
    "UnitEnablements",
    "UnitId",
    "UnitRef",
    "User",
    "UserId",
    "Vertical",
    "WakeWord",
    "WifiConfiguration",
    "WifiConfigurations",
    "WifiStatus",
    "parallel",
    "serial",
]

_FILES: Final = {
    "errors": "EndpointFailure",
    "for_business.devices": (
        "ConnectionStatus Device DeviceArn DeviceData DeviceEvent DeviceEventType DeviceFeature DeviceStatus "
        "DeviceStatusDetail DeviceStatusDetailCode DeviceStatusInfo NetworkProfileInfo"
    ),
    "for_business.users": "BusinessUser EnrollmentStatus",
    "paging": "Page Pager",
    "settings": "Secret",
    "smart_properties.address_books": "AddressBook Association Contact ContactRecord PhoneNumber ProviderContact",
    "smart_properties.analytics_reports": "AnalyticsReport Category",
    "smart_properties.automations": (
        "AssociatedEntity Automation AutomationData AutomationOperation AutomationTemplate OperationNode TemplateBody "
        "Trigger parallel serial"
    ),
    "smart_properties.batch": "BatchItem BatchResult",
    "smart_properties.campaigns": (
        "ActivationWindow Campaign CampaignCard CardAction MediaCard PrimePhotoCard RatingCard Scheduling "
        "SelectedPhotoCard SuggestedAction SuggestedActionsCard Targeting TextWrappingCard"
    ),
    "smart_properties.certificate_authorities": "CertificateAuthority CertificateAuthorityId RotationPeriod",
    "smart_properties.communications": (
        "BlockingRule CommunicationProfile DropInPreference NewProfile ProfileId ReciprocalAssociation Toggle"
    ),
    "smart_properties.consents": "Consent ConsentType",
    "smart_properties.content": "Card",
    "smart_properties.deletion": "Deletion",
    "smart_properties.device_groups": "DeviceGroup DeviceGroupId",
    "smart_properties.discovery_sessions": "DiscoverySession SkillStage",
    "smart_properties.endpoint_settings": "Address SettingValues",
    "smart_properties.endpoints": "Connection Endpoint UnitRef",
    "smart_properties.event_messenger": (
        "ChannelType DeliveryChannel Entities Entity Event EventSubscription EventSubscriptionConfiguration EventType"
    ),
    "smart_properties.features": "Color Feature FeatureOperation FeatureProperty Temperature",
    "smart_properties.ids": "EndpointId UnitId",
    "smart_properties.legacy": "LegacyUnit",
    "smart_properties.notifications": (
        "Announcement DeviceNotification Notification NotificationKind NotificationRecord PersistentVisualAlert "
        "Recipient"
    ),
    "smart_properties.pbx": "ExtensionMapping FqdnPeer IpPeer SipTrunk Tls TrunkId",
    "smart_properties.profile": "Profile",
    "smart_properties.reminders": "AbsoluteTrigger CreatedReminders RecurringTrigger RelativeTrigger Reminder Speech",
    "smart_properties.roles": "PrincipalId Role RoleAssignment RoleId",
    "smart_properties.setting": (
        "Confirmation DistanceUnits EndpointSetting Setting SettingEnablement TemperatureUnit TimeFormat WakeWord"
    ),
    "smart_properties.skills": (
        "AccountLink AccountLinkRequest Enablement EnablementRequest EnablementStatus Expand "
        "NameFreeInvocationRequest Skill Stage UnitEnablements"
    ),
    "smart_properties.stations": "DefaultStation Station Stations",
    "smart_properties.subscriptions": "SUBSCRIPTION_SKILLS Vertical",
    "smart_properties.unit_settings": "MenuIcon",
    "smart_properties.units": "Unit",
    "smart_properties.users": "CreatedUser User UserId",
    "smart_properties.visual_alerts": (
        "AlertAction AlertBackground AlertImage AlertItem AlertTemplate AlertText ButtonListTemplate "
        "ImageListTemplate MediaThumbnailTemplate OptionListTemplate RatingTemplate TextWrappingTemplate"
    ),
    "smart_properties.webrtc": (
        "AccountAssociation DisplayName NetworkMapping ServiceProvider ServiceProviderId ServiceProviderRef "
        "SkillConfiguration"
    ),
    "smart_properties.wifi": (
        "CertificateAuthorityRef CredentialConfiguration KeyManagement WifiConfiguration WifiConfigurations WifiStatus"
    ),
}
"""The names of each file."""
_HOMES: Final = {name: file for file, names in _FILES.items() for name in names.split()}
_RENAMED: Final = {"BusinessUser": "User", "SettingEnablement": "Enablement"}


if not TYPE_CHECKING:
    # Hidden from type checkers: they would take every name for one that exists.

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        module = importlib.import_module(f"alexa_props.{_HOMES[name]}")
        value = globals()[name] = getattr(module, _RENAMED.get(name, name))
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
