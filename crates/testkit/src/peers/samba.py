"""Fills a fresh domain: python3 samba.py FOLDER READER_PASSWORD."""

import sys
import time

import ldb
from samba.auth import system_session
from samba.param import LoadParm
from samba.samdb import SamDB

folder, reader_password = sys.argv[1:3]
settings = LoadParm()
settings.load(folder + "/etc/smb.conf")
domain = SamDB(url=folder + "/private/sam.ldb", session_info=system_session(), lp=settings)
root = str(domain.domain_dn())

domain.transaction_start()
domain.set_minPwdAge("0")
domain.set_maxPwdAge("0")
domain.set_minPwdLength("4")
domain.set_pwdProperties("0")
domain.create_ou("OU=Staff," + root)


def person(name, **more):
    address = name + "@ad.example.test"
    domain.newuser(name, name.capitalize() + "-pw1", mailaddress=address, userou="OU=Staff",
                   givenname=name.capitalize(), surname="Example", setpassword=True, **more)


for name in ["alice", "bob", "carol", "dave", "erin", "frank"]:
    person(name)
person("mustchange", force_password_change_at_next_login_req=True)
domain.newuser("svc-ldap", reader_password, setpassword=True)
# Services whose keys are by AES: one with a second name, and others with keys of their own.
for account, services in [("svc-http", ["HTTP/doorward.localhost", "HTTP/second.localhost"]), ("svc-third", ["HTTP/third.localhost"]), ("svc-local", ["HTTP/localhost"]), ("svc-other", ["HTTP/other.localhost", "HTTP/elseward.localhost"])]:
    domain.newuser(account, account + "-Pw1", setpassword=True)
    change = ldb.Message(domain.search(root, expression="(sAMAccountName=" + account + ")", attrs=[])[0].dn)
    change["s"] = ldb.MessageElement(services, ldb.FLAG_MOD_ADD, "servicePrincipalName")
    change["e"] = ldb.MessageElement("24", ldb.FLAG_MOD_REPLACE, "msDS-SupportedEncryptionTypes")
    domain.modify(change)
    domain.setpassword("(sAMAccountName=" + account + ")", account + "-Pw2")
for group in ["eng", "platform", "all-staff", "ring-a", "ring-b"]:
    domain.newgroup(group)
for group, members in [("platform", ["alice"]), ("eng", ["platform"]), ("all-staff", ["eng"]), ("ring-a", ["bob", "ring-b"]),
                       ("ring-b", ["ring-a"])]:
    domain.add_remove_group_members(group, members, add_members_operation=True)
domain.disable_account("(sAMAccountName=carol)")
domain.setexpiry("(sAMAccountName=dave)", -86400)
domain.transaction_commit()
