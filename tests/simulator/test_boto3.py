"""AWS's own client, in a separate environment, against the simulator on a socket."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest

from alexa_props.simulator import Simulator

# The last release that knows the service; without the second pin a later botocore comes with it, which does not.
BOTO3 = ("boto3==1.34.120", "botocore==1.34.120")

SCRIPT = """
import json, sys, urllib.request
import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

known = json.loads(sys.argv[1])

def client(secret=known["secret"], key=known["key"], token=None, region=known["region"]):
    return boto3.client(
        "alexaforbusiness", endpoint_url=known["url"], region_name=region, aws_access_key_id=key,
        aws_secret_access_key=secret, aws_session_token=token,
        config=Config(retries={"max_attempts": 0, "mode": "standard"}),
    )

def code(call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        return [error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]]
    return None

a4b = client()
out = {}
device = a4b.get_device(DeviceArn=known["device"])
out["device"] = device["Device"]["DeviceArn"]
out["request_id"] = device["ResponseMetadata"]["RequestId"]
events = a4b.list_device_events(DeviceArn=known["device"], EventType="CONNECTION_STATUS", MaxResults=5)
out["events"] = len(events["DeviceEvents"])
out["aware"] = events["DeviceEvents"][0]["Timestamp"].tzinfo is not None
found = a4b.search_devices(
    Filters=[{"Key": "ConnectionStatus", "Values": ["OFFLINE"]}], SortCriteria=[{"Key": "DeviceName", "Value": "DESC"}],
    MaxResults=50,
)
out["offline"] = [device["DeviceName"] for device in found["Devices"]]
out["total"] = found["TotalCount"]
out["users"] = a4b.search_users(Filters=[{"Key": "FirstName", "Values": ["Björn"]}], SortCriteria=[])["TotalCount"]
urllib.request.urlopen(known["url"] + "/_simulator/settings", b'{"empty_pages": 2}').close()
pages = a4b.get_paginator("search_devices").paginate(PaginationConfig={"PageSize": 7})
out["all_devices"] = [device["DeviceArn"] for page in pages for device in page["Devices"]]
pages = a4b.get_paginator("search_users").paginate(PaginationConfig={"PageSize": 5})
out["all_users"] = [user["UserArn"] for page in pages for user in page["Users"]]
pages = a4b.get_paginator("list_device_events").paginate(DeviceArn=known["device"], PaginationConfig={"PageSize": 9})
times = [event["Timestamp"].timestamp() for page in pages for event in page["DeviceEvents"]]
out["all_events"] = len(times)
out["newest_first"] = times == sorted(times, reverse=True)
search = a4b.get_paginator("search_devices")
first = search.paginate(PaginationConfig={"PageSize": 5, "MaxItems": 8}).build_full_result()
rest = search.paginate(PaginationConfig={"PageSize": 5, "StartingToken": first["NextToken"]}).build_full_result()
out["resumed"] = [device["DeviceArn"] for device in first["Devices"] + rest["Devices"]] == out["all_devices"]
out["wrong_secret"] = code(client(secret="guess").search_users)
out["wrong_key"] = code(client(key="AKIAGUESS").search_users)
out["wrong_region"] = code(client(region="us-west-2").search_users)
out["with_session_token"] = code(client(token=known["token"]).search_users)
out["not_found"] = code(a4b.get_device, DeviceArn=known["device"] + "0")
out["invalid"] = code(a4b.search_users, MaxResults=51)
out["throttled"] = [code(a4b.get_device, DeviceArn=known["throttled"]) for _ in range(2)]
out["unavailable"] = code(a4b.get_device, DeviceArn=known["broken"])
out["by_environment"] = boto3.client("alexaforbusiness").get_device(DeviceArn=known["device"])["Device"]["DeviceArn"]
print(json.dumps(out))
"""


def run(*command: str, **more: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | more
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def boto3_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter that has AWS's client."""
    home = tmp_path_factory.mktemp("boto3")
    run(sys.executable, "-m", "venv", str(home))
    python = home / ("Scripts" if os.name == "nt" else "bin") / "python"
    run(str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *BOTO3)
    return python


@pytest.mark.apart
async def test_awss_own_client(boto3_python: Path, tmp_path: Path) -> None:
    sim = Simulator(rooms=35, seed=5)
    sim.fail("devices.get", "status", status=400, code="ThrottlingException", device_id=sim.devices[1], after=1)
    sim.fail("devices.get", "html", status=503, device_id=sim.devices[2])
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    async with sim.serve() as base_url:
        known = {
            "url": base_url,
            "key": sim.aws_access_key_id,
            "secret": sim.aws_secret_access_key,
            "token": sim.aws_session_token,
            "region": sim.aws_region,
            "device": sim.devices[0],
            "throttled": sim.devices[1],
            "broken": sim.devices[2],
        }
        command = str(boto3_python), str(script), json.dumps(known)
        printed = await anyio.to_thread.run_sync(lambda: run(*command, **sim.env()))
    out: dict[str, Any] = json.loads(printed)
    offline = [device.name for device in sim.inventory.devices.values() if not device.online]
    history = sim.inventory.devices[sim.devices[0]].recent(None, sim.epoch())
    assert out == {
        "device": sim.devices[0],
        "by_environment": sim.devices[0],
        "request_id": sim.calls[0].request_id,
        "events": 5,
        "aware": True,
        "offline": sorted(offline, reverse=True),
        "total": len(offline),
        "users": 3,
        "all_devices": sim.devices,
        "all_users": sim.users,
        "all_events": len(history),
        "newest_first": True,
        "resumed": True,
        "wrong_secret": ["InvalidSignatureException", 400],
        "wrong_key": ["UnrecognizedClientException", 400],
        "wrong_region": ["InvalidSignatureException", 400],
        "with_session_token": None,
        "not_found": ["NotFoundException", 400],
        "invalid": ["ValidationException", 400],
        "throttled": [None, ["ThrottlingException", 400]],
        "unavailable": ["503", 503],
    }
    assert all("Botocore/1.34.120" in (call.user_agent or "") for call in sim.calls)
