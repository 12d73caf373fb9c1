#!/usr/bin/env python3
"""Holds the strict double, and with it the driver that it accepts, to Microsoft's own client library.

Every header and parameter that the double knows for an operation must be one that the library's generated code sends
for it; every element of a listing, every response header of a lock and every error code one that it understands.
Needs Debian's python3-azure-storage; without it exit status 77."""
import inspect, os, re, sys

try:
    from azure.storage.blob._generated import models
    from azure.storage.blob._generated.operations import _blob_operations as blob, _block_blob_operations as block
    from azure.storage.blob._generated.operations import _container_operations as container
except ImportError:
    print("skipped: python3-azure-storage is not installed")
    sys.exit(77)
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fakes"))
import strict_azure

OFFICIAL = {("HEAD", "container"): container.build_get_properties_request,
            ("PUT", "container"): container.build_create_request,
            ("GET", "list"): container.build_list_blob_flat_segment_request,
            ("PUT", ""): block.build_upload_request, ("PUT", "block"): block.build_stage_block_request,
            ("PUT", "blocklist"): block.build_commit_block_list_request,
            ("PUT", "immutabilityPolicies"): blob.build_set_immutability_policy_request,
            ("DELETE", "immutabilityPolicies"): blob.build_delete_immutability_policy_request,
            ("PUT", "legalhold"): blob.build_set_legal_hold_request, ("HEAD", ""): blob.build_get_properties_request,
            ("GET", ""): blob.build_download_request, ("DELETE", ""): blob.build_delete_request}
failures = []


def expect(fits, what):
    if not fits:
        failures.append(what)


for operation, (headers, parameters) in strict_azure.OPERATIONS.items():
    source = inspect.getsource(OFFICIAL[operation])
    # HEAD of a container is GET of its properties without a body; the library uses GET.
    method = "GET" if operation == ("HEAD", "container") else operation[0]
    expect(f'method="{method}"' in source, f"{operation}: method")
    for header in headers:
        name = "x-ms-meta" if header.startswith("x-ms-meta-") else header
        expect(f"'{name}'" in source.lower() or f'"{name}"' in source.lower(), f"{operation}: header {header}")
    for parameter in parameters:
        expect(f'"{parameter}"' in source or f"'{parameter}'" in source, f"{operation}: parameter {parameter}")
    if operation[1] not in ("", "container"):
        expect(f'"{operation[1]}"' in source, f"{operation}: comp")

double = inspect.getsource(strict_azure)
known = {part["key"] for cls in (models.BlobItemInternal, models.BlobPropertiesInternal, models.ListBlobsFlatSegmentResponse)
         for part in cls._attribute_map.values()} | {"EnumerationResults", "Blobs", "Blob", "Name"}
for element in set(re.findall(r"<([A-Z][A-Za-z-]+)>", inspect.getsource(strict_azure.Handler.listing))):
    expect(element in known, f"element {element}")
include = {item.value for item in models.ListBlobsIncludeItem}
for item in ("versions", "immutabilitypolicy", "legalhold"):
    expect(item in include, f"include={item}")
properties = inspect.getsource(blob.BlobOperations.get_properties) + inspect.getsource(container.ContainerOperations.get_properties)
for header in ("x-ms-immutability-policy-until-date", "x-ms-immutability-policy-mode", "x-ms-legal-hold", "x-ms-version-id",
               "x-ms-immutable-storage-with-versioning-enabled"):
    expect(header in properties and header in double, f"response header {header}")
codes = {code.value for code in models.StorageErrorCode}
# Not listed by the library, or meant to be a code that nobody knows.
for code in set(re.findall(r'Refused\(\d+, "(\w+)"', double)) - {"StrictDouble", "SomethingAboutPolicies",
                                                                  "BlobImmutabilityPolicyNotSupported",
                                                                  "OperationNotAllowedOnRootBlob"}:
    expect(code in codes, f"error code {code}")
print("\n".join(failures) or f"{len(OFFICIAL)} operations as in the official client")
sys.exit(1 if failures else 0)
