# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of what is handed out. Private: only for use inside this collection."""

from __future__ import annotations

import yaml


def _of_workshops(text: str) -> str:
    """Return the options as those of a workshop, which only refer to them."""
    options = {
        name: {**option, "description": f"As O(litemaas.virtual_keys.litellm_hand_out#module:{name})."}
        for name, option in yaml.safe_load(text)["options"].items()
    }
    return str(yaml.safe_dump({"options": options}, sort_keys=False))


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  output_formats:
    description:
      - V(csv) writes C(keys.csv), a list that is safe to open in a spreadsheet.
      - V(json) writes C(keys.json), with all data about each person. It is always written, because later runs read it.
      - V(html) writes C(slips.html), a page to print and cut into slips. After a run that adds some people,
        C(slips-new.html) has the slips of these alone.
      - V(env) writes C(env/<user>.env) for each person, with C(OPENAI_API_KEY) and C(OPENAI_BASE_URL).
      - V(mail) writes C(mail/<user>.eml) for each person with an email address, ready to open and send.
      - V(kubernetes) writes C(kubernetes/<user>.yml) for each person, a manifest of a Kubernetes Secret.
      - If the user's name is not safe as a file name, C(<user>) is a similar name that is. It contains a C(~), so that
        it is never the name of another user.
      - Formats that an earlier run wrote are updated even if they are not listed.
    type: list
    elements: str
    choices: [csv, json, html, env, mail, kubernetes]
    default: [csv, html]
  output_title:
    description:
      - The purpose of the keys, shown on each slip and in each email.
      - The default is O(alias).
    type: str
  output_note:
    description: A note for each slip and each email, such as whom to ask for help.
    type: str
    default: ""
  output_base_url:
    description:
      - The address that people use. It usually ends in C(/v1). The default is C(api_base_url) of the result.
    type: str
    default: ""
  output_mail_from:
    description:
      - The sender of the emails, such as V(Ada Lovelace <ada@example.org>). Required for the format V(mail).
      - The recipient is C(email) of the person, or the user ID or the user if one of them is an email address.
    type: str
    default: ""
  output_mail_subject:
    description:
      - The subject of the emails.
      - The default is V(Your API key), followed by the title.
    type: str
  output_namespace:
    description: The namespace in the manifests. By default, they do not contain a namespace.
    type: str
    default: ""
  output_html_template:
    description:
      - The Jinja template of C(slips.html). It can use the variables of the play and the list C(people).
      - Each item of C(people) contains the data of the person in C(keys.json), C(model), which is the first model that
        can be called by its name, C(expires), C(written), and C(budget) in a readable format, and C(key_groups), the key
        in groups of four characters, each with whether a line may end behind it. Apply the filter C(e) to all values
        that people can choose.
      - The default is the template of the role P(litemaas.virtual_keys.hand_out_keys#role), as for the other formats.
    type: path
  output_env_template:
    description:
      - The Jinja template of each C(.env) file. It can use the variables of the play and C(person).
      - Apply the filter C(quote) to all values.
    type: path
  output_mail_template:
    description: The Jinja template of the text of each email. It can use the variables of the play and C(person).
    type: path
  output_kubernetes_template:
    description:
      - The Jinja template of each manifest. It can use the variables of the play and C(person), which contains a valid
        C(secret_name) for any alias.
      - Apply the filter C(to_json) to all values.
    type: path
  time_zone:
    description:
      - The time zone for times in slips and emails, such as V(Europe/Berlin).
    type: str
    default: UTC
"""

    WORKSHOP: str = _of_workshops(DOCUMENTATION)
