"""What programs do with python-keycloak, one verb a run; tells what it learned as JSON."""

import json
import os
import sys

from jwcrypto import jwk, jwt
from keycloak import KeycloakOpenID
from keycloak.exceptions import KeycloakError

client = KeycloakOpenID(
    server_url=os.environ["SERVER"],
    realm_name=os.environ["REALM"],
    client_id=os.environ["CLIENT_ID"],
    client_secret_key=os.environ["CLIENT_SECRET"],
)


def auth_url(redirect_uri):
    return {"url": client.auth_url(redirect_uri=redirect_uri, scope="openid email", state="s", nonce="n")}


def person(tokens):
    """Everything that is done with a person's tokens, to the end of the session."""
    access = tokens["access_token"]
    told = {"claims": client.decode_token(access), "userinfo": client.userinfo(access)}
    told["id"] = client.decode_token(tokens["id_token"])
    told["introspected"] = client.introspect(access)
    # The realm's key as Keycloak's users paste it into a PEM file.
    pem = f"-----BEGIN PUBLIC KEY-----\n{client.public_key()}\n-----END PUBLIC KEY-----"
    key = jwk.JWK.from_pem(pem.encode())
    told["by_pem"] = json.loads(jwt.JWT(jwt=access, key=key, algs=["RS256"]).claims)["sub"]
    tokens = client.refresh_token(tokens["refresh_token"])
    told["refreshed"] = client.userinfo(tokens["access_token"])["sub"]
    client.logout(tokens["refresh_token"])
    told["after_logout"] = client.introspect(tokens["access_token"])
    try:
        client.refresh_token(tokens["refresh_token"])
        told["refresh_after_logout"] = "given"
    except KeycloakError as error:
        told["refresh_after_logout"] = json.loads(error.response_body)["error"]
    return told


def code(value, redirect_uri):
    return person(client.token(grant_type="authorization_code", code=value, redirect_uri=redirect_uri))


def password(name, word):
    return person(client.token(name, word))


def machine():
    tokens = client.token(grant_type="client_credentials", scope="")
    access = tokens["access_token"]
    return {"claims": client.decode_token(access), "introspected": client.introspect(access)}


def metadata():
    return {"well_known": client.well_known(), "certs": client.certs()}


verbs = {verb.__name__: verb for verb in (auth_url, code, password, machine, metadata)}
try:
    told = verbs[sys.argv[1]](*sys.argv[2:])
except KeycloakError as error:
    told = {"error": str(error.error_message), "status": error.response_code}
print(json.dumps(told))
