#!/usr/bin/python3
"""What a test does to a bucket from the outside, with boto3 and the variables that rgw.sh prints:
  s3_admin.py bucket NAME [lock]        makes a bucket, with object lock if asked
  s3_admin.py readable NAME             lets the user "reader" into it
  s3_admin.py delete NAME KEY           as S3 deletes: of a bucket with versions the object is only hidden
  s3_admin.py hide NAME PREFIX          deletes everything below a prefix like that
  s3_admin.py overwrite NAME KEY        puts other bytes over it
  s3_admin.py ruin NAME PREFIX          destroy, after trying to shorten and to lift every lock and to turn locks off
  s3_admin.py destroy NAME PREFIX       all that an attacker with the key can do: overwrite, hide, delete every version"""
import collections, datetime, json, os, sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, ParamValidationError

s3 = boto3.client("s3", endpoint_url=os.environ["S3_ADDRESS"], verify=os.environ["S3_CA"], region_name=os.environ["S3_REGION"],
                  aws_access_key_id=os.environ["S3_KEY"], aws_secret_access_key=os.environ["S3_SECRET"],
                  config=Config(signature_version="s3v4", s3={"addressing_style": "path"}))
what, bucket, rest = sys.argv[1], sys.argv[2], sys.argv[3:]
if what == "bucket":
    s3.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=rest == ["lock"])
elif what == "readable":
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": ["arn:aws:iam:::user/reader"]}, "Action": "s3:*",
         "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]}]}))
elif what == "delete":
    s3.delete_object(Bucket=bucket, Key=rest[0])
elif what == "hide":
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=rest[0]):
        for found in page.get("Contents", []):
            s3.delete_object(Bucket=bucket, Key=found["Key"])
elif what == "overwrite":
    s3.put_object(Bucket=bucket, Key=rest[0], Body=b"not what was here")
if what == "ruin":
    now = datetime.datetime.now(datetime.timezone.utc)
    soon = now + datetime.timedelta(seconds=2)
    tries = [
        ("suspend versions", lambda: s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})),
        ("delete the bucket", lambda: s3.delete_bucket(Bucket=bucket)),
    ]
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=rest[0]):
        for version in page.get("Versions", []):
            at = {"Bucket": bucket, "Key": version["Key"], "VersionId": version["VersionId"]}
            if not s3.head_object(**at).get("ObjectLockRetainUntilDate"):
                continue
            for mode in "COMPLIANCE", "GOVERNANCE":
                tries.append((f"shorten to {mode}", lambda at=at, mode=mode: s3.put_object_retention(
                    **at, BypassGovernanceRetention=True, Retention={"Mode": mode, "RetainUntilDate": soon})))
            tries.append(("lift", lambda at=at: s3.put_object_retention(**at, BypassGovernanceRetention=True, Retention={})))
            tries.append(("delete many", lambda at=at: [1 / 0 for e in s3.delete_objects(
                Bucket=bucket, BypassGovernanceRetention=True, Delete={"Objects": [
                    {"Key": at["Key"], "VersionId": at["VersionId"]}]}).get("Errors", [])]))
    worked = collections.Counter()
    for name, attempt in tries:
        try:
            attempt()
            worked[name] += 1
        except (ClientError, ZeroDivisionError, ParamValidationError):
            pass
    print(f"{len(tries)} attempts on locks, of which worked: {dict(worked)}")
if what in ("destroy", "ruin"):
    refused = gone = 0
    versions = [v for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=rest[0])
                for v in page.get("Versions", [])]
    for number, version in enumerate(versions):
        try:
            s3.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"],
                             BypassGovernanceRetention=True)
            gone += 1
        except ClientError:
            refused += 1
        if number % 2 == 0:
            s3.put_object(Bucket=bucket, Key=version["Key"], Body=os.urandom(version["Size"]))
        else:
            s3.delete_object(Bucket=bucket, Key=version["Key"])
    print(f"{gone} versions deleted, {refused} refused")
