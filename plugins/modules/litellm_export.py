#!/usr/bin/python
# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_export
short_description: Write what a LiteLLM proxy has as files of variables
version_added: 1.1.0
description:
  - Reads all objects of a LiteLLM proxy and writes files of variables on the control node that declare them, for the
    playbook C(litemaas.virtual_keys.examples.platform). With these files, that playbook changes nothing.
  - There is one file for each kind of object, such as C(teams.yml) with the variable C(platform_teams). Each value has a
    line of its own, in a stable order, so that a second export changes a file only if the proxy has changed.
  - Options that a new object has anyway are left out.
  - The values of secrets cannot be read. A comment in their place names a variable, such as
    C(vault_openai_production_api_key). As long as it is a comment, the secret stays as it is on the proxy.
  - What cannot be declared is a comment with the reason, such as a model from the configuration file of the proxy.
  - If a kind of object cannot be read, the task fails and writes nothing.
  - Files with these names that this module did not write, or that were changed since, are not replaced. The task fails
    and names them.
author:
  - litemaas.virtual_keys contributors (@litemaas)
extends_documentation_fragment:
  - litemaas.virtual_keys._connection
  - litemaas.virtual_keys._attributes
  - litemaas.virtual_keys._attributes.action_group
attributes:
  action:
    support: full
    details:
      - The files are written on the control node, whichever host reads the proxy.
  idempotent:
    support: full
options:
  output_dir:
    description:
      - The folder on the control node for the files. If it does not exist, it is created with mode V(0700). The files
        have mode V(0600). A relative path is relative to the folder in which C(ansible-playbook) runs.
      - If it is not set, no files are written, and RV(declarations) is all that the task returns.
    type: path
  kinds:
    description:
      - The kinds of objects to read, such as V(teams) and V(keys). Each is the name of a variable without
        C(platform_).
      - By default, all kinds are read.
    type: list
    elements: str
  names:
    description:
      - Patterns of the names of objects, such as V(data-*). An object is read if its ID, name, or alias matches one of
        them. V(*) stands for any characters, V(?) for one, and upper and lower case differ.
      - By default, all objects are read.
    type: list
    elements: str
seealso:
  - module: litemaas.virtual_keys.litellm_key_info
  - module: litemaas.virtual_keys.litellm_team_info
"""

EXAMPLES = r"""
# The address and the master key come from the environment variables LITELLM_PROXY_URL and LITELLM_PROXY_API_KEY.
- name: Write all that the proxy has to a folder
  litemaas.virtual_keys.litellm_export:
    output_dir: platform

- name: Write the teams and keys of one department
  litemaas.virtual_keys.litellm_export:
    output_dir: research
    kinds: [teams, keys]
    names: ["research-*"]
"""

RETURN = r"""
declarations:
  description:
    - The objects by kind, such as C(declarations.teams). Each contains the options of its module, without secrets. A
      team also contains C(members), as in M(litemaas.virtual_keys.litellm_team_members).
  returned: success
  type: dict
  sample:
    teams:
      - team_id: research-chat
        max_budget: 50.0
        members:
          - user_id: ann@example.com
files:
  description: The files that were written.
  returned: success
  type: list
  elements: dict
  contains:
    path:
      description: The path of the file.
      type: str
    action:
      description: C(create) or C(update).
      type: str
messages:
  description: The number of objects of each kind, and the names of those that cannot be declared.
  returned: success
  type: list
  elements: str
  sample: ["3 models, 40 teams, 429 keys", "Not declared: 1 of 3 models: gpt-4."]
failure:
  description: The answer of the proxy, if it rejected a request or could not be reached.
  returned: failure of a request
  type: dict
  sample:
    message: "teams: Internal server error"
    status: 500
    type: ""
    code: "500"
    param: ""
    method: GET
    path: /v2/team/list
    hint: ""
"""

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._export import Export
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._module import Module, ModuleFactory, run_info


def main(start: ModuleFactory = Module) -> None:
    run_info(Export(), start)


if __name__ == "__main__":
    main()
