"""Answers of a SAML provider as spid-sp-test writes them: one line of JSON in, one out.

In: {"test": name, "request": the AuthnRequest's XML, "provider": entity id, "persistent": bool}
Out: {"message": XML, "good": true | false | null}, null where spid-sp-test leaves it open.
The line {} asks for the names of all tests.

Templates, changes, signing and wrapping are spid-sp-test's. Three things are done here, because a party in general is
not one of SPID's: the audience, which spid-sp-test reads from an attribute SPID alone asks for, is copied there; where
`persistent` is said, names are persistent and without the space around them; and wrapped answers, out of which
spid-sp-test takes all namespaces, are also made with them, so that what was signed is genuine again: these are
additional tests.
"""

import json
import logging
import os
import re
import sys
from functools import partial

from lxml import etree
from spid_sp_test import response as spid
from spid_sp_test.responses import response_wraps, settings

logging.disable(logging.CRITICAL)

SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
SAMLP = "urn:oasis:names:tc:SAML:2.0:protocol"
DS = "http://www.w3.org/2000/09/xmldsig#"
SCHEMA = "http://www.w3.org/2001/XMLSchema"
PREFIXES = {"samlp": SAMLP, "saml": SAML, "ds": DS, "xs": SCHEMA, "xsi": f"{SCHEMA}-instance"}
WITH_NAMESPACES = " with namespaces"
PROTOCOL = {"Response", "Status", "StatusCode", "Extensions"}
SIGNATURE = {"Object", "Signature", "SignedInfo", "CanonicalizationMethod", "SignatureMethod", "Reference", "Transforms"}
SIGNATURE |= {"Transform", "DigestMethod", "DigestValue", "SignatureValue", "KeyInfo", "X509Data", "X509Certificate"}


def with_audience(request):
    tree = etree.fromstring(request.encode())
    issuer = tree.find(f"{{{SAML}}}Issuer")
    issuer.set("NameQualifier", issuer.text)
    return etree.tostring(tree)


def persistent(message):
    message = message.replace("nameid-format:transient", "nameid-format:persistent")
    return re.sub(r"(<saml:NameID[^>]*>)\s*([^<]*?)\s*(</saml:NameID>)", r"\1\2\3", message)


def bare(tree):
    """Takes the namespaces from the elements' names, and nothing else."""
    for element in tree.iter(etree.Element):
        element.tag = etree.QName(element).localname


def with_namespaces(check, message, conf):
    """Wrapped by the same rules, with elements in the namespaces and with the prefixes they had when they were signed."""
    kept, response_wraps.del_ns = response_wraps.del_ns, bare
    try:
        message = check.post_xml(message, conf)
    finally:
        response_wraps.del_ns = kept

    def of(name):
        return SAMLP if name in PROTOCOL else DS if name in SIGNATURE else SAML

    def copied(old, parent):
        tag = f"{{{of(old.tag)}}}{old.tag}"
        new = etree.Element(tag, nsmap=PREFIXES) if parent is None else etree.SubElement(parent, tag)
        new.attrib.update(old.attrib)
        new.text, new.tail = old.text, old.tail if parent is not None else None
        for child in old:
            copied(child, new)
        return new

    return etree.tostring(copied(etree.fromstring(message), None)).decode()


def names():
    every = list(settings.RESPONSE_TESTS)
    return every + [name + WITH_NAMESPACES for name in every if name.startswith("xsw")]


def answer(asked):
    name = asked["test"].removesuffix(WITH_NAMESPACES)
    conf = settings.RESPONSE_TESTS[name]
    spid.get_authn_request = lambda *_, **__: {"SAMLRequest_xml": with_audience(asked["request"])}
    settings.DEFAULT_RESPONSE["NameIDNameQualifier"] = asked["provider"]
    check = spid.SpidSpResponseCheck(
        metadata_etree=etree.fromstring("<EntityDescriptor/>"),
        key_file=f"{os.environ['FOLDER']}/key.pem",
        issuer=asked["provider"],
        xmlsec_binary=os.environ["XMLSEC1"],
    )
    check.do_authnrequest()
    check.load_user_attributes()
    made = check.load_test(test_name=name)
    text = made.render(user_attrs=check.user_attrs)
    if asked["persistent"]:
        text = persistent(text)
    text = check.sign(text, key_file=made.private_key, cert_file=made.response_attrs.get("X509Certificate"))
    wrapped = check.post_xml if name == asked["test"] else partial(with_namespaces, check)
    codes = made.conf["status_codes"]
    good = True if codes == [200] else None if 200 in codes else False
    return {"message": wrapped(text, conf), "good": good}


for line in sys.stdin:
    asked = json.loads(line)
    print(json.dumps(answer(asked) if asked else names()), flush=True)
