"""An identity provider made of pysaml2: one line of JSON in, one out. What it refuses is told as {"refused": why}.

FOLDER holds provider.pem, provider.crt and, once the party is known, party.xml.
"""

import json
import logging
import os
import sys
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import saml2.entity
from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
from saml2.config import IdPConfig
from saml2.metadata import entity_descriptor
from saml2.saml import NAMEID_FORMAT_PERSISTENT, NameID
from saml2.server import Server
from saml2.sigver import pre_encryption_part
from saml2.xmldsig import DIGEST_SHA256, SIG_RSA_SHA256

logging.disable(logging.CRITICAL)

FOLDER = Path(os.environ["FOLDER"])
URL = "https://pysaml2.example"
PASSWORD = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
GCM = "http://www.w3.org/2009/xmlenc11#aes256-gcm"


def config():
    party = FOLDER / "party.xml"
    known = {"inline": [party.read_text()]} if party.exists() else {}
    return IdPConfig().load({
        "entityid": f"{URL}/metadata",
        "xmlsec_binary": os.environ["XMLSEC1"],
        "key_file": str(FOLDER / "provider.pem"),
        "cert_file": str(FOLDER / "provider.crt"),
        "metadata": known,
        "signing_algorithm": SIG_RSA_SHA256,
        "digest_algorithm": DIGEST_SHA256,
        "service": {
            "idp": {
                "endpoints": {
                    "single_sign_on_service": [(f"{URL}/sign-on", BINDING_HTTP_REDIRECT)],
                    "single_logout_service": [(f"{URL}/sign-out", BINDING_HTTP_REDIRECT)],
                },
                "want_authn_requests_signed": True,
                "name_id_format": [NAMEID_FORMAT_PERSISTENT],
                "policy": {"default": {"lifetime": {"minutes": 5}, "nameid_format": NAMEID_FORMAT_PERSISTENT}},
            }
        },
    })


def query(address):
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def read(parse, address):
    """A message out of an address, with the signature beside it."""
    said = query(address)
    return parse(
        said["SAMLRequest"],
        BINDING_HTTP_REDIRECT,
        relay_state=said.get("RelayState"),
        sigalg=said.get("SigAlg"),
        signature=said.get("Signature"),
    )


def metadata(_):
    return {"metadata": str(entity_descriptor(config()))}


def name_of(person):
    return NameID(format=NAMEID_FORMAT_PERSISTENT, text=person)


def answer(asked):
    """Answers a request to sign in, for somebody of whom these attributes are said."""
    server = Server(config=config())
    found = read(server.parse_authn_request, asked["address"])
    place = server.response_args(found.message, [BINDING_HTTP_POST])
    saml2.entity.pre_encryption_part = pre_encryption_part
    if asked["cipher"] == "gcm":
        # It has no setting for the cipher.
        saml2.entity.pre_encryption_part = partial(pre_encryption_part, msg_enc=GCM)
        server.sec.encrypt_assertion = partial(server.sec.encrypt_assertion, key_type="aes-256")
    response = server.create_authn_response(
        asked["attributes"],
        in_response_to=place["in_response_to"],
        destination=place["destination"],
        sp_entity_id=place["sp_entity_id"],
        name_id=name_of(asked["person"]),
        authn={"class_ref": PASSWORD, "authn_auth": URL},
        sign_response="response" in asked["signed"],
        sign_assertion="assertion" in asked["signed"],
        encrypt_assertion=asked["cipher"] is not None,
        sign_alg=SIG_RSA_SHA256,
        digest_alg=DIGEST_SHA256,
    )
    return {"message": str(response), "destination": place["destination"]}


def ask_out(asked):
    """A request to sign somebody out, on its way to the party."""
    server = Server(config=config())
    _, request = server.create_logout_request(
        asked["destination"],
        asked["party"],
        name_id=name_of(asked["person"]),
        session_indexes=asked["sessions"],
        sign=False,
    )
    return sent(server, request, asked["destination"], False)


def asked_out(asked):
    """Answers the party's request to sign somebody out."""
    server = Server(config=config())
    found = read(server.parse_logout_request, asked["address"])
    place = server.response_args(found.message, [BINDING_HTTP_REDIRECT])
    response = server.create_logout_response(found.message, [BINDING_HTTP_REDIRECT], sign=False)
    message = found.message
    told = {"person": message.name_id.text, "sessions": [index.text for index in message.session_index]}
    return told | sent(server, response, place["destination"], True)


def told_out(asked):
    """Reads the party's answer to a request to sign somebody out."""
    server = Server(config=config())
    found = server.parse_logout_request_response(query(asked["address"])["SAMLResponse"], BINDING_HTTP_REDIRECT)
    return {"answers": found.in_response_to, "status": found.response.status.status_code.value}


def sent(server, message, destination, is_response):
    way = server.apply_binding(
        BINDING_HTTP_REDIRECT, str(message), destination, response=is_response, sign=True, sigalg=SIG_RSA_SHA256
    )
    return {"address": dict(way["headers"])["Location"], "id": message.id}


VERBS = {"metadata": metadata, "answer": answer, "ask_out": ask_out, "asked_out": asked_out, "told_out": told_out}

for line in sys.stdin:
    asked = json.loads(line)
    try:
        told = VERBS[asked["verb"]](asked)
    except Exception as why:
        told = {"refused": f"{type(why).__name__}: {why}"}
    print(json.dumps(told), flush=True)
