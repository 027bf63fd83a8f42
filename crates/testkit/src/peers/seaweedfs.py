"""Takes a role with a web identity token, then uses the temporary credentials; tells what came of each step as JSON."""

import json
import os

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

ENDPOINT = os.environ["ENDPOINT"]
told = {}


def step(name, work):
    try:
        told[name] = work()
    except ClientError as error:
        told[name] = error.response["Error"]["Code"]


def take():
    sts = boto3.client("sts", endpoint_url=ENDPOINT, region_name="us-east-1", config=Config(signature_version=UNSIGNED))
    answer = sts.assume_role_with_web_identity(
        RoleArn=os.environ["ROLE"], RoleSessionName="session", WebIdentityToken=os.environ["TOKEN"]
    )
    keys = answer["Credentials"]
    global s3
    s3 = boto3.client(
        "s3",
        endpoint_url=ENDPOINT,
        region_name="us-east-1",
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
        config=Config(s3={"addressing_style": "path"}),
    )
    return "taken"


s3 = None
step("role", take)
if s3:
    step("bucket", lambda: bool(s3.create_bucket(Bucket="lake")))
    step("put", lambda: bool(s3.put_object(Bucket="lake", Key="orders.csv", Body=b"1,40\n")))
    step("get", lambda: s3.get_object(Bucket="lake", Key="orders.csv")["Body"].read().decode())
    step("list", lambda: [item["Key"] for item in s3.list_objects_v2(Bucket="lake").get("Contents", [])])
print(json.dumps(told))
