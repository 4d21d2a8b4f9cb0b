#!/usr/bin/python
# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_fallback
short_description: Manage the fallbacks of a model on a LiteLLM proxy
version_added: 1.1.0
description:
  - Sets, changes, or removes the fallbacks of a model, which answer a request when the model fails.
  - LiteLLM keeps the fallbacks of all models in one row of its database, which it rewrites without a lock. Of several
    writes at the same time, LiteLLM can lose all but one. The module looks again at least one second after a write, and
    repeats what was lost, for about a minute. Plays that run at the same time end with the fallbacks of all of them.
    Another program that changes the fallbacks at the same time, such as the UI, can still lose its own write.
  - With several workers or replicas of LiteLLM, the others use and show a change after up to 30 seconds.
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
    support: full
options:
  state:
    description:
      - V(present) sets the fallbacks that are declared and keeps those of other types. V(absent) removes the fallbacks of
        all types from the model.
    type: str
    choices: [present, absent]
    default: present
  model:
    description:
      - The name of the model whose requests are answered by its fallbacks, as in O(fallback_models).
    type: str
    required: true
  fallback_models:
    description:
      - The models that answer when the model fails for any reason, in the order in which they are tried.
      - Each must be the exact name of a model on the proxy. In check mode, the task shows a warning if there is no such
        model, because an earlier task of the play may create it.
      - If the configuration file of the proxy contains a list of these fallbacks, it owns them for all models, and the task
        fails.
    type: list
    elements: str
  context_window_fallback_models:
    description: The models that answer when a prompt is too long for the model, as in O(fallback_models).
    type: list
    elements: str
  content_policy_fallback_models:
    description: The models that answer when the provider refuses a prompt because of its content, as in O(fallback_models).
    type: list
    elements: str
  unset:
    description:
      - The types of fallbacks that are removed from the model.
    type: list
    elements: str
    choices:
      - fallback_models
      - context_window_fallback_models
      - content_policy_fallback_models
seealso:
  - module: litemaas.virtual_keys.litellm_fallback_info
  - module: litemaas.virtual_keys.litellm_model
"""

EXAMPLES = r"""
# The address and the master key come from the environment variables LITELLM_PROXY_URL and LITELLM_PROXY_API_KEY.
- name: Let another model answer when gpt-4o fails, and one for long prompts
  litemaas.virtual_keys.litellm_fallback:
    model: gpt-4o
    fallback_models: [gpt-4o-mini]
    context_window_fallback_models: [openai/gpt-4o]

- name: Let long prompts fail again
  litemaas.virtual_keys.litellm_fallback:
    model: gpt-4o
    unset: [context_window_fallback_models]

- name: Remove all fallbacks of the model
  litemaas.virtual_keys.litellm_fallback:
    model: gpt-4o
    state: absent
"""

RETURN = r"""
model:
  description: The name of the model.
  returned: success, and failure of a write
  type: str
  sample: gpt-4o
action:
  description: What was done, or would be done in check mode. V(create), V(update), V(delete), or V(none).
  returned: success, and failure of a write
  type: str
  sample: update
fallback:
  description:
    - The fallbacks of the model after the task. In check mode, the fallbacks as they would be. Null after V(state=absent).
    - Contains each option of this module that is a field of the fallbacks. Types without fallbacks are null.
  returned: success, and failure of a write
  type: dict
  contains:
    model:
      description: The name of the model.
      returned: always
      type: str
  sample:
    model: gpt-4o
    fallback_models: [gpt-4o-mini]
    context_window_fallback_models: [openai/gpt-4o]
    content_policy_fallback_models: null
diff:
  description: The options that are set, before and after the task.
  returned: in diff mode
  type: dict
  sample:
    before_header: gpt-4o
    after_header: gpt-4o
    before:
      fallback_models: null
    after:
      fallback_models: [gpt-4o-mini]
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
    path: /router/settings
    hint: Check api_url, and that the proxy is running and can be reached from the host that runs this task.
"""

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._module import Module, ModuleFactory, run
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._fallback import Fallback


def main(start: ModuleFactory = Module) -> None:
    run(Fallback(), start)


if __name__ == "__main__":
    main()
