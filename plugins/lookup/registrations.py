# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The people of a CSV file, read on the control node."""

from __future__ import annotations

DOCUMENTATION = r"""
name: registrations
short_description: People from a CSV file
version_added: 1.0.0
author:
  - litemaas.virtual_keys contributors (@litemaas)
description:
  - Reads a CSV file of people, as registration systems and spreadsheets export it. It is what
    O(litemaas.virtual_keys.manage_keys#role:main:litellm_vkey_users_file) is read with.
  - Finds out the encoding and the delimiter. Ignores blank lines and empty cells.
  - The first line names the columns, V(user) or V(email) among them.
  - Relative paths are searched as by the C(ansible.builtin.file) lookup, that is in C(files) and beside the playbook,
    and then in the folder in which C(ansible-playbook) runs. The file may be encrypted with Ansible Vault.
options:
  _terms:
    description: Paths of the files.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Show who has registered
  ansible.builtin.debug:
    msg: "{{ registered.people | map(attribute='user') }}"
  vars:
    registered: "{{ lookup('litemaas.virtual_keys.registrations', 'people.csv') }}"
"""

RETURN = r"""
_raw:
  description: A mapping for each file.
  type: list
  elements: dictionary
  contains:
    problem:
      description: Why the file cannot be used, empty if it can.
      type: str
    people:
      description:
        - A mapping for each person, with the text of each cell by the name of its column in lower case.
        - RV(_raw[].people[].user) is the e-mail address if the file has no such column.
      type: list
      elements: dictionary
      contains:
        user:
          description: Name of the person.
          type: str
"""

import os
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._registrations import RegistrationError, people


class LookupModule(LookupBase):
    """The lookup."""

    def run(self, terms: list[str], variables: Any = None, **_options: Any) -> list[dict[str, Any]]:
        return [self._registered(str(term), variables) for term in terms]

    def _registered(self, path: str, variables: Any) -> dict[str, Any]:
        """The people, or the problem: Ansible wraps what a lookup raises in pages of context."""
        try:
            return {"problem": "", "people": people(self._data(path, variables))}
        except RegistrationError as error:
            return {"problem": str(error), "people": []}

    def _data(self, path: str, variables: Any) -> bytes:
        found = self.find_file_in_search_path(variables, "files", path, ignore_missing=True) or os.path.abspath(path)
        if not os.path.exists(found):
            raise RegistrationError("the file does not exist on the control node.")
        try:
            plain = self._loader.get_real_file(found)
            data = Path(plain).read_bytes()
            self._loader.cleanup_tmp_file(plain)
        except OSError as error:
            raise RegistrationError(f"the file cannot be read: {error.strerror}.") from error
        except AnsibleError as error:
            raise RegistrationError(
                "the file cannot be read or decrypted. Check its permissions, and the vault password."
            ) from error
        return data
