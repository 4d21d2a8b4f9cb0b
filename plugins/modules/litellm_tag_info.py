#!/usr/bin/python
# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_tag_info
short_description: Read the tags of a LiteLLM proxy
version_added: 1.0.0
description:
  - Returns the tags of a LiteLLM proxy with their limits.
  - If several options are set, a tag must match all of them.
author:
  - litemaas.virtual_keys contributors (@litemaas)
extends_documentation_fragment:
  - litemaas.virtual_keys._connection
  - litemaas.virtual_keys._attributes.info_module
  - litemaas.virtual_keys._attributes.action_group
options:
  name:
    description: The name of the tag to read.
    type: str
  budget_id:
    description: The ID of the budget whose tags to read.
    type: str
notes:
  - Without O(name), LiteLLM also returns tags that were only used in requests and have never been created. Their
    C(created_by) and C(models) are null.
seealso:
  - module: litemaas.virtual_keys.litellm_tag
"""

EXAMPLES = r"""
# The address and the master key come from the environment variables LITELLM_PROXY_URL and LITELLM_PROXY_API_KEY.
- name: Read all tags
  litemaas.virtual_keys.litellm_tag_info:
  register: all

- name: List the tags that have been used in requests but never created
  ansible.builtin.debug:
    msg: "{{ all.tags | rejectattr('created_by') | map(attribute='name') }}"
"""

RETURN = r"""
tags:
  description:
    - The tags, sorted by name. Empty if no tag matches.
    - Each contains the options of M(litemaas.virtual_keys.litellm_tag) that are fields of the tag, and the readings below.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name of the tag.
      returned: always
      type: str
    budget_id:
      description: The ID of the budget that contains the tag's limits.
      returned: always
      type: str
    created_by:
      description: The ID of the user who created the tag.
      returned: always
      type: str
    created_at:
      description: When the tag was created.
      returned: always
      type: str
    updated_at:
      description: When the tag was last changed.
      returned: always
      type: str
    declaration:
      description: The options for the module of the object that declare it as it is. Null if it cannot be declared.
      returned: if O(declaration) is true
      type: dict
    hidden:
      description: The secrets, which are not in RV(tags[].declaration), each as the option and its entry.
      returned: if O(declaration) is true
      type: list
      elements: list
    not_declared:
      description: The reason for each other option that is not in RV(tags[].declaration). That of the whole object has
        an empty name.
      returned: if O(declaration) is true
      type: dict
  sample:
    - name: project-blue
      max_budget: 100.0
      budget_duration: 30d
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
    path: /tag/list
    hint: Check api_url, and that the proxy is running and can be reached from the host that runs this task.
"""

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._module import Module, ModuleFactory, run_info
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._tag import Tag


def main(start: ModuleFactory = Module) -> None:
    run_info(Tag(), start)


if __name__ == "__main__":
    main()
