from flask_appbuilder.security.manager import AUTH_OAUTH

SECRET_KEY = "a-key-of-this-test-alone-and-nothing-else"
SQLALCHEMY_DATABASE_URI = "sqlite:///@DIR@/superset.db"
TALISMAN_ENABLED = False
FILTER_STATE_CACHE_CONFIG = {"CACHE_TYPE": "SimpleCache"}
EXPLORE_FORM_DATA_CACHE_CONFIG = {"CACHE_TYPE": "SimpleCache"}

AUTH_TYPE = AUTH_OAUTH
AUTH_USER_REGISTRATION = True
AUTH_USER_REGISTRATION_ROLE = "Public"
AUTH_ROLES_SYNC_AT_LOGIN = True
AUTH_ROLES_MAPPING = {"data": ["Admin"], "sales": ["Gamma"]}
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
LOGOUT_REDIRECT_URL = (
    "@ISSUER@/protocol/openid-connect/logout"
    "?client_id=@CLIENT@&post_logout_redirect_uri=http%3A%2F%2F127.0.0.1%3A@PORT@%2Flogin%2F"
)
