#!/usr/bin/python
# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_mcp_server
short_description: Manage an MCP server of a LiteLLM proxy
version_added: 1.0.0
description:
  - Creates, updates, or deletes an MCP server that a LiteLLM proxy offers to its keys. MCP is the Model Context Protocol,
    by which language models call tools.
  - Keys, teams, and users reach the server if their C(object_permission) names it, or an entry of its
    O(mcp_access_groups). With O(allow_all_keys), all keys reach it.
  - The result, the diff, and error messages never contain credentials, or the values of headers and variables.
author:
  - litemaas.virtual_keys contributors (@litemaas)
requirements:
  - LiteLLM 1.106.2 or newer
extends_documentation_fragment:
  - litemaas.virtual_keys._connection
  - litemaas.virtual_keys._attributes
  - litemaas.virtual_keys._attributes.action_group
attributes:
  idempotent:
    support: partial
    details:
      - LiteLLM does not show O(credentials) again. To detect changed values, the module stores a salted fingerprint of
        each in the entry C(litemaas_virtual_keys) of C(mcp_info), which the modules of this collection do not show.
      - The credentials of a server that was not created by this module are written once, because there is no fingerprint
        to compare them with.
      - No fingerprint is stored of a secret that can be guessed, such as a short password, because others can read
        C(mcp_info). A change of such a secret is not detected. The module warns when it writes one. With
        O(update_credentials=always), it writes the credentials each time.
options:
  state:
    description:
      - V(present) creates the server or updates the options that are set. V(absent) deletes it.
    type: str
    choices: [present, absent]
    default: present
  server_id:
    description:
      - The ID of the server, of your choice. It cannot be changed, and it must not contain a slash.
      - Either O(server_id) or O(server_name) is required. If both are set, O(server_id) identifies the server, and
        O(server_name) can be changed.
    type: str
  server_name:
    description:
      - The name of the server. It can consist of letters, digits, underscores, and dots. Spaces become underscores, as in
        LiteLLM.
      - If O(server_id) is not set, it identifies the server. LiteLLM then chooses the ID of a new server.
      - No other server can have the same name or alias. Uppercase and lowercase letters count the same.
    type: str
  alias:
    description:
      - What the names of the tools of this server begin with, with the same rules as O(server_name).
      - A new server without it gets its O(server_name) as alias. If the server is renamed later, its alias stays as it is.
    type: str
  description:
    description:
      - A description of the server.
    type: str
  transport:
    description:
      - How LiteLLM reaches the server. A new server has V(sse) unless it is set.
      - V(stdio) starts O(command) on the machine of the proxy. LiteLLM refuses it unless the proxy has
        C(LITELLM_ENABLE_MCP_STDIO=true) in its environment.
    type: str
    choices: [http, sse, stdio]
  url:
    description:
      - The URL of the server. With O(transport=http) and O(transport=sse), O(url) or O(spec_path) is required.
    type: str
  spec_path:
    description:
      - The URL or path of an OpenAPI document, whose operations LiteLLM offers as tools.
      - If LiteLLM cannot read the document, it stores the server nevertheless, and the task warns.
    type: str
  auth_type:
    description:
      - How LiteLLM authenticates to the server.
      - When it changes, LiteLLM removes the credentials and the options for OAuth, such as O(token_url). The task fails
        before anything is written unless it sets each of them, or lists it in O(unset).
      - Older versions of LiteLLM do not know all of these types.
    type: str
    choices:
      - none
      - api_key
      - bearer_token
      - basic
      - authorization
      - token
      - oauth2
      - oauth2_token_exchange
      - oauth2_id_jag
      - oauth_delegate
      - true_passthrough
      - aws_sigv4
  credentials:
    description:
      - The credentials with which LiteLLM authenticates to the server, such as C(auth_value), C(client_id) and
        C(client_secret), or C(aws_access_key_id) and C(aws_secret_access_key).
      - The entries that are set are all that the server has. The module removes all others.
      - LiteLLM does not replace a value such as C(os.environ/NAME) here, but sends it to the server.
    type: dict
  update_credentials:
    description:
      - When to write O(credentials). V(on_change) writes them if one of them has changed, as far as the fingerprints tell.
        V(always) writes them with each run.
    type: str
    choices: [on_change, always]
    default: on_change
  static_headers:
    description:
      - Headers that LiteLLM sends with each request to the server. All values are treated as secret.
      - C(${NAME}) in a value stands for the variable C(NAME) of O(env_vars).
    type: dict
  extra_headers:
    description: The names of the headers that LiteLLM passes on from its callers to the server, as a set.
    type: list
    elements: str
  env_vars:
    description:
      - Variables for O(static_headers).
    type: list
    elements: dict
    suboptions:
      name:
        description: The name of the variable.
        type: str
        required: true
      value:
        description: Its value, which is treated as secret. With O(env_vars[].scope=user), a hint for users.
        type: str
      scope:
        description: Whether the value holds for all, or each user has to set their own.
        type: str
        choices: [global, user]
        default: global
      description:
        description: A description of the variable.
        type: str
  issuer:
    description:
      - The issuer of OAuth tokens. When it changes, LiteLLM removes the other options for OAuth, as with O(auth_type).
    type: str
  authorization_url:
    description:
      - The URL at which users authorize LiteLLM with OAuth.
    type: str
  token_url:
    description:
      - The URL at which LiteLLM gets OAuth tokens.
    type: str
  registration_url:
    description:
      - The URL at which LiteLLM registers itself as an OAuth client.
    type: str
  oauth2_flow:
    description:
      - The OAuth flow. LiteLLM chooses one for a new server with O(auth_type=oauth2) unless it is set.
    type: str
    choices: [client_credentials, authorization_code]
  dcr_bridge:
    description:
      - Whether LiteLLM registers OAuth clients for its callers. Requires O(auth_type=oauth_delegate) or
        O(auth_type=true_passthrough).
    type: bool
  token_exchange_endpoint:
    description:
      - The URL at which LiteLLM exchanges the token of the caller (RFC 8693).
    type: str
  audience:
    description:
      - The audience of exchanged tokens.
    type: str
  subject_token_type:
    description:
      - The type of the token that is exchanged.
    type: str
  token_exchange_profile:
    description:
      - The dialect of the exchange of tokens.
    type: str
    choices: [rfc8693, entra_obo]
  per_server_oauth_discovery:
    description:
      - Whether clients discover the OAuth endpoints of this server alone. Requires O(auth_type=oauth2) with
        O(oauth2_flow=authorization_code), and no O(delegate_auth_to_upstream).
    type: bool
  delegate_auth_to_upstream:
    description:
      - Whether the server itself authenticates the caller.
    type: bool
  oauth_passthrough:
    description:
      - Whether LiteLLM passes OAuth tokens of the caller on.
    type: bool
  is_byok:
    description: Whether each user has to bring their own key for this server.
    type: bool
  byok_description:
    description: What users have to know about the key that they bring, as a set of sentences.
    type: list
    elements: str
  byok_api_key_help_url:
    description:
      - Where users get such a key.
    type: str
  allowed_tools:
    description: The tools of the server that LiteLLM offers, as a set. Empty for all.
    type: list
    elements: str
  tool_name_to_display_name:
    description: Other names for tools, by the name of the tool.
    type: dict
  tool_name_to_description:
    description: Other descriptions for tools, by the name of the tool.
    type: dict
  mcp_access_groups:
    description:
      - The MCP access groups to which the server belongs, as a set. A group exists as long as a server belongs to it.
      - Keys, teams, and users get a group by C(object_permission.mcp_access_groups).
    type: list
    elements: str
  allow_all_keys:
    description: Whether all keys can use the server.
    type: bool
  available_on_public_internet:
    description: Whether callers from public addresses can use the server. LiteLLM's default is V(true).
    type: bool
  instructions:
    description:
      - What LiteLLM tells clients about the use of the server.
    type: str
  mcp_info:
    description:
      - Further information about the server, such as C(logo_url), C(mcp_server_cost_info), or your own entries. Do not
        store secrets in it.
      - The entries that are set are all that the server has, except for those of LiteLLM and of this collection.
    type: dict
  source_url:
    description:
      - Where the source code of the server is.
    type: str
  call_timeout:
    description:
      - How many seconds LiteLLM waits for the server. In the API, this is C(timeout). O(timeout) is for the requests of this
        module.
    type: float
  max_concurrent_requests:
    description:
      - How many calls of the server can run at the same time.
    type: int
  rpm:
    description:
      - How many calls of the server are allowed each minute.
    type: int
  command:
    description:
      - The command that O(transport=stdio) starts.
    type: str
  args:
    description: The arguments of O(command), in this order.
    type: list
    elements: str
  env:
    description: The environment variables of O(command). All values are treated as secret.
    type: dict
  unset:
    description:
      - The options to clear.
    type: list
    elements: str
    choices:
      - server_name
      - alias
      - description
      - url
      - spec_path
      - auth_type
      - credentials
      - static_headers
      - extra_headers
      - env_vars
      - issuer
      - authorization_url
      - token_url
      - registration_url
      - oauth2_flow
      - dcr_bridge
      - token_exchange_endpoint
      - audience
      - subject_token_type
      - token_exchange_profile
      - per_server_oauth_discovery
      - delegate_auth_to_upstream
      - oauth_passthrough
      - is_byok
      - byok_description
      - byok_api_key_help_url
      - allowed_tools
      - tool_name_to_display_name
      - tool_name_to_description
      - mcp_access_groups
      - allow_all_keys
      - available_on_public_internet
      - instructions
      - mcp_info
      - source_url
      - call_timeout
      - max_concurrent_requests
      - rpm
      - command
      - args
      - env
  force:
    description:
      - Whether to delete a server that keys, teams, users, access groups, or toolsets name, or that keys, teams, or users
        reach by one of its O(mcp_access_groups).
      - Without it, the task fails and names them. In check mode, it only warns, because an earlier task can change that.
        With it, the task warns as well. LiteLLM keeps the ID of a deleted server where it is named. A new server with
        this ID can be used there again.
    type: bool
notes:
  - Options that are omitted or null do not change the server. An empty value (V([]), V({}), V("")) or O(unset) clears an
    option.
  - Servers that are defined in the configuration file of the proxy cannot be changed. The task fails.
  - When O(url) or O(issuer) changes, LiteLLM removes the options for OAuth, such as O(token_url), and with
    O(auth_type=oauth2) the credentials. The task fails before anything is written unless it sets each of them, or lists it
    in O(unset). It writes them again, which takes a second request.
seealso:
  - module: litemaas.virtual_keys.litellm_mcp_server_info
  - module: litemaas.virtual_keys.litellm_mcp_toolset
  - module: litemaas.virtual_keys.litellm_key
  - module: litemaas.virtual_keys.litellm_team
  - name: LiteLLM MCP gateway
    description: LiteLLM's documentation about MCP servers.
    link: https://docs.litellm.ai/docs/mcp
"""

EXAMPLES = r"""
# The address and the master key come from the environment variables LITELLM_PROXY_URL and LITELLM_PROXY_API_KEY.
- name: Offer the tools of a server
  litemaas.virtual_keys.litellm_mcp_server:
    server_id: issues
    server_name: issues
    description: The issue tracker
    transport: http
    url: https://issues.example.com/mcp
    auth_type: bearer_token
    credentials:
      auth_value: "{{ vault_issues_token }}"
    allowed_tools: [search_issues, read_issue]
    mcp_access_groups: [developers]

- name: Let a key use it
  litemaas.virtual_keys.litellm_key:
    key_alias: issue-triage
    object_permission:
      mcp_servers: [issues]
  no_log: true
  register: triage_key

- name: Replace its token and keep everything else
  litemaas.virtual_keys.litellm_mcp_server:
    server_id: issues
    credentials:
      auth_value: "{{ vault_new_issues_token }}"

- name: Send a header with a variable to another server, which all keys can use
  litemaas.virtual_keys.litellm_mcp_server:
    server_name: weather
    transport: http
    url: https://weather.example.com/mcp
    static_headers:
      X-Tenant: "${TENANT}"
    env_vars:
      - name: TENANT
        value: "{{ vault_weather_tenant }}"
    allow_all_keys: true

- name: Delete it
  litemaas.virtual_keys.litellm_mcp_server:
    server_name: weather
    state: absent

- name: Delete the first one although a key names it
  litemaas.virtual_keys.litellm_mcp_server:
    server_id: issues
    state: absent
    force: true
"""

RETURN = r"""
server_id:
  description: The ID of the server.
  returned: success, and failure of a write
  type: str
  sample: issues
server_name:
  description: The name of the server, if the task identifies the server by it.
  returned: success, and failure of a write
  type: str
  sample: weather
action:
  description: What was done, or would be done in check mode. V(create), V(update), V(delete), or V(none).
  returned: success, and failure of a write
  type: str
  sample: update
mcp_server:
  description:
    - The server after the task. In check mode, the server as it would be. Null for a server that does not exist.
    - Contains each option of this module that is a field of the server, with asterisks instead of credentials and of the
      values of headers and variables, and the readings below.
  returned: success, and failure of a write
  type: dict
  contains:
    is_config:
      description: Whether the server is defined in the configuration file of the proxy. Null if LiteLLM does not tell.
      returned: always
      type: bool
    created_at:
      description: When the server was created.
      returned: always
      type: str
    updated_at:
      description: When the server was last changed.
      returned: always
      type: str
  sample:
    server_id: issues
    server_name: issues
    alias: issues
    transport: http
    url: https://issues.example.com/mcp
    auth_type: bearer_token
    credentials:
      auth_value: "********"
    allowed_tools: [search_issues, read_issue]
    mcp_access_groups: [developers]
    is_config: false
diff:
  description: The options that are set, before and after the task. Of credentials, headers, and variables, the diff shows
    only whether they exist and change.
  returned: in diff mode
  type: dict
  sample:
    before_header: issues
    after_header: issues
    before:
      credentials:
        auth_value: "********"
    after:
      credentials:
        auth_value: "******** (changed)"
failure:
  description: The answer of the proxy, if it rejected a request or could not be reached.
  returned: failure of a request
  type: dict
  sample:
    message: "Cannot connect to https://litellm.example.com: Connection refused."
    status: 0
    type: ""
    code: connection
    param: ""
    method: GET
    path: /v1/mcp/server
    hint: Check api_url, and that the proxy is running and can be reached from the host that runs this task.
"""

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._module import Module, ModuleFactory, run
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._mcp_server._kind import McpServer


def main(start: ModuleFactory = Module) -> None:
    run(McpServer(), start)


if __name__ == "__main__":
    main()
