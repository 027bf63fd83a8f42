from flask_appbuilder.const import AUTH_OAUTH

SECRET_KEY = "a-key-of-this-test-alone-and-nothing-else"
AUTH_TYPE = AUTH_OAUTH
AUTH_USER_REGISTRATION = True
AUTH_USER_REGISTRATION_ROLE = "Public"
AUTH_ROLES_SYNC_AT_LOGIN = True
AUTH_ROLES_MAPPING = {"data": ["Admin"], "sales": ["Viewer"]}
OAUTH_PROVIDERS = [
    {
        "name": "keycloak",
        "token_key": "access_token",
        "icon": "fa-key",
        "remote_app": {
            "client_id": "@CLIENT@",
            "client_secret": "@SECRET@",
            "server_metadata_url": "@ISSUER@/.well-known/openid-configuration",
            "api_base_url": "@ISSUER@/protocol/",
            "client_kwargs": {"scope": "openid email profile groups", "code_challenge_method": "S256"},
        },
    }
]
