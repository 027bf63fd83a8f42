"""What programs do with KeycloakAdmin of python-keycloak, one verb a run; tells what it learned as JSON."""

import json
import os
import sys

from keycloak import KeycloakAdmin, KeycloakOpenID
from keycloak.exceptions import KeycloakError

who = {name: os.environ[name.upper()] for name in ("username", "password", "client_secret_key") if name.upper() in os.environ}
admin = KeycloakAdmin(
    server_url=os.environ["SERVER"],
    realm_name=os.environ["REALM"],
    user_realm_name=os.environ["USER_REALM"],
    client_id=os.environ["CLIENT_ID"],
    **who,
)


def refused(call, *arguments, **named):
    """The status and the words with which something is refused."""
    try:
        return {"status": 200, "told": call(*arguments, **named)}
    except KeycloakError as error:
        body = json.loads(error.response_body or b"{}")
        return {"status": error.response_code, "told": body.get("errorMessage") or body.get("error")}


def realms():
    realm = admin.get_realm(os.environ["REALM"])
    admin.update_realm(os.environ["REALM"], {"displayName": "The Lab"})
    return {
        "names": [realm["realm"] for realm in admin.get_realms()],
        "realm": realm["realm"],
        "title": admin.get_realm(os.environ["REALM"])["displayName"],
        "server": admin.get_server_info()["systemInfo"]["serverName"],
        "unknown": refused(admin.get_realm, "nowhere"),
    }


def users(name, word, temporary):
    made = admin.create_user({"username": name, "email": f"{name}@example.com", "enabled": True, "firstName": "Carol"})
    told = {"same_id": admin.get_user_id(name) == made, "again": refused(admin.create_user, {"username": name})}
    told["exist_ok"] = admin.create_user({"username": name}, exist_ok=True) == made
    told["part_of_a_name"] = admin.get_user_id(name[:-1])
    whole = admin.get_user(made)
    admin.update_user(made, {**whole, "lastName": "Danvers", "attributes": {"team": ["lake"]}})
    read = admin.get_user(made)
    told["read"] = {key: read.get(key) for key in ("username", "email", "firstName", "lastName", "enabled", "attributes")}
    told["found"] = [user["username"] for user in admin.get_users({"search": name})]
    told["count"] = admin.users_count()
    admin.set_user_password(made, word, temporary=False)
    told["signs_in"] = signs_in(name, word)
    admin.set_user_password(made, temporary)
    told["required"] = admin.get_user(made)["requiredActions"]
    told["temporary"] = signs_in(name, temporary)
    admin.user_logout(made)
    admin.disable_user(made)
    told["disabled"] = admin.get_user(made)["enabled"]
    admin.delete_user(made)
    told["deleted"] = refused(admin.get_user, made)
    return told


def signs_in(name, word):
    """Whether somebody gets tokens by a password, in the realm that is administered."""
    client = KeycloakOpenID(server_url=os.environ["SERVER"], realm_name=os.environ["REALM"], client_id="tool")
    got = refused(client.token, name, word)
    if got["status"] == 200:
        return got["told"]["token_type"]
    return got


def groups(person):
    user = admin.get_user_id(person)
    data = admin.create_group({"name": "warehouse"})
    inner = admin.create_group({"name": "engineers"}, parent=data)
    deep = admin.create_group({"name": "night shift"}, parent=inner)
    told = {"again": refused(admin.create_group, {"name": "warehouse"})}
    told["skip_exists"] = admin.create_group({"name": "warehouse"}, skip_exists=True)
    admin.group_user_add(user, deep)
    tree = [group for group in admin.get_groups(full_hierarchy=True) if group["id"] == data]
    told["tree"] = [tree[0]["path"], tree[0]["subGroups"][0]["path"], tree[0]["subGroups"][0]["subGroups"][0]["path"]]
    told["by_path"] = admin.get_group_by_path("/warehouse/engineers/night shift")["id"] == deep
    told["one"] = [group["name"] for group in admin.get_group(data)["subGroups"]]
    told["members"] = [user["username"] for user in admin.get_group_members(deep)]
    told["of_user"] = [group["name"] for group in admin.get_user_groups(user)]
    told["count"] = admin.groups_count()["count"]
    admin.group_user_remove(user, deep)
    told["left"] = admin.get_group_members(deep)
    for group in (deep, inner, data):
        admin.delete_group(group)
    told["deleted"] = refused(admin.get_group, deep)
    return told


def roles(person):
    user = admin.get_user_id(person)
    name = admin.create_realm_role({"name": "data viewer", "description": "reads"}, skip_exists=True)
    told = {"again": refused(admin.create_realm_role, {"name": "data viewer"}), "made": name}
    role = admin.get_realm_role("data viewer")
    told["by_id"] = admin.get_realm_role_by_id(role["id"])["description"]
    admin.update_realm_role("data viewer", {**role, "description": "only reads"})
    told["described"] = admin.get_realm_role("data viewer")["description"]
    admin.assign_realm_roles(user, [role])
    told["given"] = [role["name"] for role in admin.get_realm_roles_of_user(user)]
    told["holders"] = [user["username"] for user in admin.get_realm_role_members("data viewer")]
    admin.create_realm_role({"name": "lead"})
    admin.add_composite_realm_roles_to_role("lead", [role])
    admin.delete_realm_roles_of_user(user, [role])
    admin.assign_realm_roles(user, [admin.get_realm_role("lead")])
    told["effective"] = [role["name"] for role in admin.get_composite_realm_roles_of_user(user)]
    client = admin.create_client({"clientId": "lake", "serviceAccountsEnabled": True})
    admin.create_client_role(client, {"name": "reader"}, skip_exists=True)
    reader = admin.get_client_role(client, "reader")
    admin.assign_client_role(user, client, [reader])
    told["of_client"] = [role["name"] for role in admin.get_client_roles_of_user(user, client)]
    account = admin.get_client_service_account_user(client)
    told["account"] = account["username"]
    admin.assign_client_role(account["id"], client, [reader])
    told["of_account"] = [role["name"] for role in admin.get_client_roles_of_user(account["id"], client)]
    told["all"] = sorted(admin.get_all_roles_of_user(user))
    admin.delete_client_roles_of_user(user, client, [reader])
    told["taken"] = admin.get_client_roles_of_user(user, client)
    admin.delete_client(client)
    admin.delete_realm_role("lead")
    admin.delete_realm_role("data viewer")
    told["deleted"] = refused(admin.get_realm_role, "data viewer")
    return told


def clients():
    payload = {"clientId": "portal", "redirectUris": ["https://portal.example.com/cb"], "serviceAccountsEnabled": True}
    made = admin.create_client(payload)
    told = {"same_id": admin.get_client_id("portal") == made, "again": refused(admin.create_client, payload)}
    told["skip_exists"] = admin.create_client(payload, skip_exists=True) == made
    whole = admin.get_client(made)
    told["uris"] = whole["redirectUris"]
    told["everyone"] = whole["attributes"]["doorward.everyone"]
    admin.update_client(made, {**whole, "name": "Portal", "consentRequired": True})
    told["named"] = admin.get_client(made)["name"]
    told["listed"] = sum(client["clientId"] == "portal" for client in admin.get_clients())
    first = admin.get_client_secrets(made)["value"]
    second = admin.generate_client_secrets(made)["value"]
    told["secrets"] = [machine(first), machine(second), admin.get_client_secrets(made)["value"] == second]
    admin.delete_client(made)
    told["deleted"] = refused(admin.get_client, made)
    return told


def machine(secret):
    client = KeycloakOpenID(
        server_url=os.environ["SERVER"], realm_name=os.environ["REALM"], client_id="portal", client_secret_key=secret
    )
    return refused(client.token, grant_type="client_credentials")["status"]


verbs = {verb.__name__: verb for verb in (realms, users, groups, roles, clients)}
try:
    told = verbs[sys.argv[1]](*sys.argv[2:])
except KeycloakError as error:
    told = {"error": str(error.error_message), "status": error.response_code}
print(json.dumps(told))
