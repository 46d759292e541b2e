"""The names that are a promise, and what importing them costs."""

from __future__ import annotations

import functools
import importlib
import inspect
import json
import subprocess
import sys

import httpx

from alexa_props import AlexaForBusiness, SmartProperties

NAMES: dict[str, list[str]] = {
    "alexa_props": [
        "AWSCredentials",
        "Address",
        "AlexaForBusiness",
        "DefaultStation",
        "Inventory",
        "Limits",
        "LoginWithAmazon",
        "NotificationKind",
        "RateLimit",
        "Region",
        "RetryPolicy",
        "Setting",
        "SigV4",
        "SmartProperties",
        "Stations",
        "Timeouts",
        "TokenStore",
        "__version__",
        "errors",
        "fleet",
        "models",
    ],
    "alexa_props.errors": [
        "AlexaError",
        "AmbiguousName",
        "ApiError",
        "AuthenticationError",
        "BadRequest",
        "ConfigurationError",
        "Conflict",
        "DeadlineExceeded",
        "DecodeError",
        "DeviceUnreachable",
        "EndpointFailure",
        "EndpointFailures",
        "Forbidden",
        "JournalError",
        "NameNotFound",
        "NotFound",
        "RateLimitTooLong",
        "Sent",
        "ServerError",
        "Throttled",
        "TransportError",
        "Unauthorized",
    ],
    "alexa_props.paging": ["Page", "Pager"],
    "alexa_props.hooks": [
        "AttemptEnded",
        "AttemptSent",
        "AttemptStarted",
        "AttemptThrottled",
        "CallEnded",
        "CallStarted",
        "Event",
        "Hook",
        "Hooks",
        "OpenTelemetry",
        "RetryScheduled",
        "log_failure",
    ],
    "alexa_props.client": ["Client", "ClientOptions", "Resource"],
    "alexa_props.operation": ["Group", "Listing", "Model", "Operation", "Options"],
    "alexa_props.auth.authorize": ["AUTHORIZE_URL", "SCOPE", "Consent"],
    "alexa_props.auth.login_with_amazon": ["TOKEN_URL", "LoginWithAmazon"],
    "alexa_props.auth.sigv4": ["SigV4", "check_visible"],
    "alexa_props.auth.aws_credentials": ["AWSCredentials"],
    "alexa_props.smart_properties": ["SmartProperties", "SmartPropertiesOptions"],
    "alexa_props.smart_properties.alerts": ["OPERATIONS", "Alerts", "Deletion"],
    "alexa_props.smart_properties.endpoints": [
        "OPERATIONS",
        "Connection",
        "Endpoint",
        "Endpoints",
        "Feature",
        "FeatureOperation",
        "FeatureProperty",
        "UnitRef",
    ],
    "alexa_props.smart_properties.endpoint_settings": [
        "OPERATIONS",
        "Address",
        "EndpointSetting",
        "EndpointSettings",
        "Setting",
        "SettingValues",
    ],
    "alexa_props.smart_properties.features": [
        "Color",
        "Feature",
        "FeatureOperation",
        "FeatureProperty",
        "Features",
        "OPERATIONS",
        "Temperature",
    ],
    "alexa_props.smart_properties.notifications": [
        "Announcement",
        "DeviceNotification",
        "Notification",
        "NotificationKind",
        "NotificationRecord",
        "Notifications",
        "OPERATIONS",
        "PersistentVisualAlert",
        "Recipient",
    ],
    "alexa_props.smart_properties.setting": [
        "Confirmation",
        "DistanceUnits",
        "Enablement",
        "EndpointSetting",
        "Setting",
        "TemperatureUnit",
        "TimeFormat",
        "WakeWord",
    ],
    "alexa_props.smart_properties.unit_settings": [
        "DefaultStation",
        "MenuIcon",
        "OPERATIONS",
        "Station",
        "Stations",
        "UnitSettings",
    ],
    "alexa_props.smart_properties.units": ["OPERATIONS", "Unit", "Units"],
    "alexa_props.smart_properties.address_books": [
        "AddressBook",
        "AddressBookAssociations",
        "AddressBooks",
        "Association",
        "Contact",
        "ContactRecord",
        "Contacts",
        "OPERATIONS",
        "PhoneNumber",
        "ProviderContact",
    ],
    "alexa_props.smart_properties.analytics_reports": ["AnalyticsReport", "AnalyticsReports", "Category", "OPERATIONS"],
    "alexa_props.smart_properties.automations": [
        "AssociatedEntity",
        "Automation",
        "AutomationData",
        "AutomationOperation",
        "AutomationTemplate",
        "AutomationTemplates",
        "Automations",
        "OPERATIONS",
        "OperationNode",
        "TemplateBody",
        "Trigger",
        "parallel",
        "serial",
    ],
    "alexa_props.smart_properties.batch": ["BatchItem", "BatchResult", "Batching", "batched", "read_batch"],
    "alexa_props.smart_properties.campaigns": [
        "ActivationWindow",
        "Campaign",
        "CampaignCard",
        "Campaigns",
        "CardAction",
        "MediaCard",
        "OPERATIONS",
        "PrimePhotoCard",
        "RatingCard",
        "Scheduling",
        "SelectedPhotoCard",
        "SuggestedAction",
        "SuggestedActionsCard",
        "Targeting",
        "TextWrappingCard",
    ],
    "alexa_props.smart_properties.certificate_authorities": [
        "CertificateAuthorities",
        "CertificateAuthority",
        "CertificateAuthorityId",
        "OPERATIONS",
        "RotationPeriod",
    ],
    "alexa_props.smart_properties.communications": [
        "BlockingRule",
        "BlockingRules",
        "CommunicationProfile",
        "CommunicationProfiles",
        "DropInPreference",
        "DropInPreferences",
        "NewProfile",
        "OPERATIONS",
        "ProfileId",
        "ReciprocalAssociation",
        "ReciprocalAssociations",
        "Toggle",
    ],
    "alexa_props.smart_properties.consents": ["Consent", "ConsentType", "Consents", "OPERATIONS"],
    "alexa_props.smart_properties.content": ["Card", "activation_window", "localized", "utc"],
    "alexa_props.smart_properties.device_groups": ["DeviceGroup", "DeviceGroupId", "DeviceGroups", "OPERATIONS"],
    "alexa_props.smart_properties.discovery_sessions": [
        "DiscoverySession",
        "DiscoverySessions",
        "OPERATIONS",
        "SkillStage",
    ],
    "alexa_props.smart_properties.event_messenger": [
        "ChannelType",
        "DeliveryChannel",
        "Entities",
        "Entity",
        "Event",
        "EventSubscription",
        "EventSubscriptionConfiguration",
        "EventSubscriptionConfigurations",
        "EventSubscriptions",
        "EventType",
        "OPERATIONS",
    ],
    "alexa_props.smart_properties.legacy": [
        "LegacyProperties",
        "LegacyRoomTypes",
        "LegacyRooms",
        "LegacyUnit",
        "OPERATIONS",
    ],
    "alexa_props.smart_properties.pbx": [
        "ExtensionMapping",
        "ExtensionMappings",
        "FqdnPeer",
        "IpPeer",
        "OPERATIONS",
        "SipTrunk",
        "SipTrunks",
        "Tls",
        "TrunkId",
    ],
    "alexa_props.smart_properties.profile": ["OPERATIONS", "Profile"],
    "alexa_props.smart_properties.reminders": [
        "AbsoluteTrigger",
        "CreatedReminders",
        "OPERATIONS",
        "RecurringTrigger",
        "RelativeTrigger",
        "Reminder",
        "Reminders",
        "Speech",
    ],
    "alexa_props.smart_properties.roles": [
        "OPERATIONS",
        "PrincipalId",
        "Role",
        "RoleAssignment",
        "RoleAssignments",
        "RoleId",
        "Roles",
    ],
    "alexa_props.smart_properties.skills": [
        "AccountLink",
        "AccountLinkRequest",
        "Enablement",
        "EnablementRequest",
        "EnablementStatus",
        "Expand",
        "NameFreeInvocationRequest",
        "OPERATIONS",
        "Skill",
        "Skills",
        "Stage",
        "UnitEnablements",
    ],
    "alexa_props.smart_properties.subscriptions": ["SUBSCRIPTION_SKILLS", "Vertical"],
    "alexa_props.smart_properties.users": ["CreatedUser", "OPERATIONS", "User", "UserId", "Users"],
    "alexa_props.smart_properties.webrtc": [
        "AccountAssociation",
        "AccountAssociations",
        "DisplayName",
        "NetworkMapping",
        "NetworkMappings",
        "OPERATIONS",
        "ServiceProvider",
        "ServiceProviderId",
        "ServiceProviderRef",
        "ServiceProviders",
        "SkillConfiguration",
    ],
    "alexa_props.smart_properties.wifi": [
        "CertificateAuthorityRef",
        "CredentialConfiguration",
        "KeyManagement",
        "OPERATIONS",
        "Wifi",
        "WifiConfiguration",
        "WifiConfigurations",
        "WifiStatus",
    ],
    "alexa_props.smart_properties.visual_alerts": [
        "AlertAction",
        "AlertBackground",
        "AlertImage",
        "AlertItem",
        "AlertTemplate",
        "AlertText",
        "ButtonListTemplate",
        "ImageListTemplate",
        "MediaThumbnailTemplate",
        "OptionListTemplate",
        "RatingTemplate",
        "TextWrappingTemplate",
    ],
    "alexa_props.for_business": ["AlexaForBusiness", "AlexaForBusinessOptions"],
    "alexa_props.for_business.devices": [
        "FILTER_KEYS",
        "OPERATIONS",
        "SORT_KEYS",
        "ConnectionStatus",
        "Device",
        "DeviceArn",
        "DeviceData",
        "DeviceEvent",
        "DeviceEventType",
        "DeviceFeature",
        "DeviceStatus",
        "DeviceStatusDetail",
        "DeviceStatusDetailCode",
        "DeviceStatusInfo",
        "Devices",
        "NetworkProfileInfo",
    ],
    "alexa_props.for_business.users": [
        "FILTER_KEYS",
        "OPERATIONS",
        "SORT_KEYS",
        "EnrollmentStatus",
        "User",
        "Users",
    ],
    "alexa_props.pipeline.rate_limit": ["PacingTransport", "RateLimitTransport"],
    "alexa_props.fleet": [
        "BatchItemFailed",
        "CallEstimate",
        "CutOff",
        "Failure",
        "FailureRow",
        "FleetReport",
        "FleetStopped",
        "Interrupted",
        "Outcome",
        "Plan",
        "Progress",
        "RecordedError",
        "Room",
        "RoomDefaults",
        "Run",
        "ServiceDown",
        "Status",
        "Step",
        "Steps",
        "StepsFailed",
        "Use",
        "collect",
        "collect_many",
        "ensure_default_music_station",
        "plan",
        "recipe",
        "reset_room",
        "run",
        "run_many",
        "walk_rooms",
    ],
    "alexa_props.inventory": ["Inventory"],
    "alexa_props.limits": ["Limits", "ScopeLimits"],
    "alexa_props.pipeline.pool": ["Pool"],
}


def test_the_public_names() -> None:
    for module, names in NAMES.items():
        imported = importlib.import_module(module)
        assert sorted(imported.__all__) == sorted(names), module
        for name in names:
            assert getattr(imported, name) is not None
        starred: dict[str, object] = {}
        exec(f"from {module} import *", starred)
        assert set(names) <= set(starred), module


def test_every_api_group_has_its_public_names_here() -> None:
    groups = {
        type(getattr(client, name)).__module__
        for client in (SmartProperties(auth=httpx.Auth()), AlexaForBusiness(auth=httpx.Auth()))
        for name, member in inspect.getmembers(type(client))
        if isinstance(member, functools.cached_property)
    }
    assert groups <= set(NAMES)


HEAVY = ["aiohttp", "botocore", "opentelemetry", "pandas", "rich", "starlette", "typer", "uvicorn"]


def test_importing_it_imports_nothing_heavy() -> None:
    # First what it needs: httpx brings its own command, and with that rich, where they happen to be installed.
    code = (
        "import anyio, attrs, cattrs, httpx, json, sys; before = set(sys.modules); "
        "from alexa_props import LoginWithAmazon, SmartProperties; "
        f"print(json.dumps([name for name in {HEAVY} if name in set(sys.modules) - before]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []


def test_the_package_is_marked_as_typed() -> None:
    from importlib.resources import files

    assert files("alexa_props").joinpath("py.typed").is_file()
