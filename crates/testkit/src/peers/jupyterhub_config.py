c = get_config()  # noqa: F821
provider = "@ISSUER@/protocol/openid-connect"

c.JupyterHub.bind_url = "http://127.0.0.1:@PORT@"
c.JupyterHub.hub_port = int("@HUB_PORT@")
c.JupyterHub.authenticator_class = "generic-oauth"
c.JupyterHub.services = [{"name": "test", "api_token": "@API_TOKEN@"}]
c.JupyterHub.load_roles = [{"name": "test", "scopes": ["admin:users", "admin:servers"], "services": ["test"]}]

g = c.GenericOAuthenticator
g.client_id = "@CLIENT@"
g.client_secret = "@SECRET@"
g.oauth_callback_url = "http://127.0.0.1:@PORT@/hub/oauth_callback"
g.authorize_url = f"{provider}/auth"
g.token_url = f"{provider}/token"
g.userdata_url = f"{provider}/userinfo"
g.logout_redirect_url = f"{provider}/logout?client_id=@CLIENT@"
g.scope = ["openid", "profile", "email", "groups"]
g.username_claim = "preferred_username"
g.enable_auth_state = True
g.manage_groups = True
g.auth_state_groups_key = "oauth_user.groups"
g.allowed_groups = {"data"}
g.admin_groups = {"data-engineers"}

c.ConfigurableHTTPProxy.command = ["node", "@PROXY@"]
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:@PROXY_PORT@"

c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = "@DIR@/home/{username}"
c.Spawner.cmd = ["@BIN@/jupyterhub-singleuser"]
c.Spawner.args = ["--allow-root"]
c.Spawner.start_timeout = 180
c.Spawner.http_timeout = 180
